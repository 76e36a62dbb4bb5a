/* wait_start: each life is served once, and a start that fails is said to have
 * failed; the next may succeed. */
#define _POSIX_C_SOURCE 200809L
#include "hosted.h"

#include <sched.h>

#include "os/fault.h"

static hosted it;

static wsv_err
wait_start(uint64_t timeout)
{
    wsv_oserr why;

    return wsv_runtime_wait_start(it.rt, timeout, &it.life, &why);
}

/* --- wait_start
 * ------------------------------------------------------------------ */

typedef struct waiter {
    uint64_t timeout;
    wsv_err err;
    wsv_life life;
    atomic_bool returned;
} waiter;

static void
wait_for_a_start(void *arg)
{
    waiter *self = arg;
    wsv_oserr why;

    self->err =
        wsv_runtime_wait_start(it.rt, self->timeout, &self->life, &why);
    atomic_store(&self->returned, true);
}

static void
test_wait_start_serves_a_life_once(void)
{
    waiter waiters[3] = {{.timeout = WSV_FOREVER},
                         {.timeout = WSV_FOREVER},
                         {.timeout = WSV_FOREVER}};
    wsv_os_thread *threads[3];
    uint32_t served = 0, i;

    hosted_new(&it, NULL, false);
    CHECK(wait_start(0) == WSV_E_TIMEOUT); /* nobody has started it */
    for (i = 0; i < 3; i++)
        threads[i] = thread_new(wait_for_a_start, &waiters[i]);
    for (i = 0; i < 2; i++) {
        hosted_run_main(&it);
        while (!atomic_load(&waiters[0].returned) +
                   !atomic_load(&waiters[1].returned) +
                   !atomic_load(&waiters[2].returned) !=
               2 - (int)i)
            sched_yield();
        CHECK(wait_start(0) == WSV_E_TIMEOUT);
        it.life.rt = it.rt;
        it.life.number = i + 1;
        hosted_stop(&it);
        CHECK(wait_start(0) == WSV_E_TIMEOUT); /* nor once it is over */
    }
    wsv_runtime_close(it.rt);
    for (i = 0; i < 3; i++) {
        wsv_os_thread_join(threads[i]);
        if (waiters[i].err == WSV_OK)
            served |= 1u << waiters[i].life.number;
        else
            CHECK(waiters[i].err == WSV_E_CLOSED);
    }
    CHECK_SAME(served, 1u << 1 | 1u << 2);
    hosted_free(&it);
}

static void
test_wait_start_times_out(void)
{
    waiter self = {.timeout = 5 * SECOND};
    wsv_os_thread *thread;
    uint64_t before, now;
    int i;

    hosted_new(&it, NULL, true);
    thread = thread_new(wait_for_a_start, &self);
    for (i = 0; i < 5; i++) {
        hosted_advance_to(&it, 1);
        sched_yield();
    }
    CHECK(!atomic_load(&self.returned));
    for (now = 6; !atomic_load(&self.returned); now += 5) /* it may be late */
        hosted_advance_to(&it, now);
    wsv_os_thread_join(thread);
    CHECK(self.err == WSV_E_TIMEOUT);
    hosted_free(&it);

    hosted_new(&it, NULL, false);
    before = wsv_os_now();
    CHECK(wait_start(2 * WSV_NS_PER_MS) == WSV_E_TIMEOUT);
    CHECK(wsv_os_now() - before >= 2 * WSV_NS_PER_MS);
    hosted_free(&it);
}

static void
test_wait_start_is_woken(void)
{
    waiter self = {.timeout = WSV_FOREVER};
    wsv_os_thread *thread;

    hosted_new(&it, NULL, false);
    wsv_runtime_wake(it.rt);
    CHECK(wait_start(0) == WSV_E_TIMEOUT); /* it was not waiting then */
    thread = thread_new(wait_for_a_start, &self);
    while (!atomic_load(&self.returned)) {
        wsv_runtime_wake(it.rt);
        sched_yield();
    }
    wsv_os_thread_join(thread);
    CHECK(self.err == WSV_E_WOKEN);
    hosted_start(&it); /* as if nothing had been */
    hosted_stop(&it);
    hosted_free(&it);
}

static void
test_wait_start_closes(void)
{
    waiter self = {.timeout = WSV_FOREVER};
    wsv_os_thread *thread;

    hosted_new(&it, NULL, false);
    thread = thread_new(wait_for_a_start, &self);
    wsv_runtime_close(it.rt);
    wsv_os_thread_join(thread);
    CHECK(self.err == WSV_E_CLOSED);
    CHECK(wait_start(WSV_FOREVER) == WSV_E_CLOSED);
    CHECK(wait_start(0) == WSV_E_CLOSED);
    hosted_free(&it);
}

static void
test_start_of_a_closed_service(void)
{
    hosted_new(&it, NULL, false);
    wsv_runtime_close(it.rt);
    hosted_run_main(&it);
    hosted_join(&it);
    CHECK(wait_start(0) == WSV_E_CLOSED);
    CHECK_SAME(hosted_lives(&it), 0);
    hosted_free(&it);
}

/* What comes before the SCM knows anything is not for the last life. */
static void
test_controls_before_the_first_report(void)
{
    const uint8_t *data;
    wsv_queued event;
    uint32_t dropped;

    hosted_new(&it, NULL, false);
    hosted_start(&it);
    hosted_stop(&it);
    fake_set_gate(it.scm, FAKE_REGISTERING);
    hosted_run_main(&it);
    fake_wait_inside(it.scm, FAKE_REGISTERING);
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_INTERROGATE), 0);
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_STOP), 120);
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_TRIGGEREVENT), 120);
    CHECK_SAME(hosted_send(&it, 200), 1061);
    CHECK(wait_start(0) == WSV_E_TIMEOUT);
    fake_set_gate(it.scm, 0);
    CHECK(wait_start(WSV_FOREVER) == WSV_OK);
    hosted_stop(&it);
    CHECK(wsv_life_wait_event(it.life, &event, &data, &dropped) ==
          WSV_E_CLOSED);
    hosted_free(&it);
}

/* --- starts that fail
 * ---------------------------------------------------------- */

/* A start in which one call fails, the first or a later one: wait_start says
 * which. */
static void
fail_to_start(uint32_t kind, uint32_t nth, uint32_t code, bool later)
{
    wsv_oserr why = {NULL, 0};
    const uint8_t *data;
    wsv_queued event;
    uint32_t number;

    hosted_new(&it, NULL, false);
    if (later) {
        hosted_start(&it);
        hosted_stop(&it);
    }
    wsv_fault_arm(kind, nth);
    hosted_run_main(&it);
    CHECK(wsv_runtime_wait_start(it.rt, WSV_FOREVER, &it.life, &why) ==
          WSV_E_OS);
    hosted_join(&it);
    CHECK_SAME(wsv_fault_left(), 0);
    CHECK(why.call != NULL);
    CHECK_SAME(why.code, code);
    CHECK(wait_start(0) == WSV_E_TIMEOUT); /* said once */

    /* It is as stopped as any. */
    CHECK_SAME(wsv_life_state(it.life), WSV_STOPPED);
    CHECK(wsv_life_is_stopping(it.life));
    CHECK(wsv_life_wait_stop(it.life, 0) == WSV_OK);
    CHECK(wsv_life_wait_event(it.life, &event, &data, &number) ==
          WSV_E_CLOSED);
    CHECK(wsv_life_wait_expired(it.life, &number) == WSV_E_CLOSED);
    CHECK(wsv_life_started(it.life, &why) == WSV_E_STATE);
    CHECK(wsv_life_progress(it.life, 0, &why) == WSV_E_STATE);
    CHECK(wsv_life_accept(it.life, 1, &why) == WSV_E_STATE);
    CHECK(wsv_life_request_stop(it.life, &why) == WSV_OK);
    CHECK(wsv_life_stopped(it.life, 9, 0, &why) == WSV_OK);
    CHECK_SAME(wsv_life_state(it.life), WSV_STOPPED);
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_STOP), 0);
    CHECK_SAME(hosted_send(&it, 200), 1061);
}

/* ... and can be started again. */
static void
start_after_all(void)
{
    uint32_t number = it.life.number;

    hosted_start(&it);
    CHECK_SAME(it.life.number, number + 1);
    CHECK_SAME(hosted_send(&it, 200), 0);
    hosted_stop(&it);
    hosted_free(&it);
}

static void
test_failed_registration(bool later)
{
    fail_to_start(WSV_FAULT_REGISTER, 1, 1083, later);
    CHECK_SAME(fake(it.scm)->per_state[WSV_STOPPED], later); /* no report */
    start_after_all();
}

static void
test_failed_first_report(bool later)
{
    fail_to_start(WSV_FAULT_REPORT, 1, 6, later);
    CHECK_SAME(fake(it.scm)->per_state[WSV_STOPPED], 1u + later);
    CHECK_SAME(fake_state(it.scm), WSV_STOPPED);
    CHECK_SAME(fake_last(it.scm).exit_code, 6);
    start_after_all();
}

/* Block 1 is the thread's own, block 2 the copy. */
static void
test_no_memory_for_the_arguments(bool later)
{
    fail_to_start(WSV_FAULT_ALLOC, 2, 8, later);
    CHECK_SAME(fake_state(it.scm), WSV_STOPPED);
    CHECK_SAME(fake_last(it.scm).exit_code, 8);
    start_after_all();
}

int
main(void)
{
    int32_t before = wsv_fault_live_count();
    int i;

    watchdog(60);
    for (i = 0; i < 100; i++) {
        test_wait_start_serves_a_life_once();
        test_wait_start_times_out();
        test_wait_start_is_woken();
        test_wait_start_closes();
        test_start_of_a_closed_service();
        test_controls_before_the_first_report();
        test_failed_registration(i % 2 != 0);
        test_failed_first_report(i % 2 != 0);
        test_no_memory_for_the_arguments(i % 2 != 0);
    }
    CHECK(wsv_fault_live_count() == before);
    return 0;
}
