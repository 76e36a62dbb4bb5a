/* Who sends a report, and whose failure it is: threads leave theirs in the
 * outbox while another one is at it. */
#define _POSIX_C_SOURCE 200809L
#include "hosted.h"

#include <sched.h>

#include "os/fault.h"

#define WORKERS 4u

static hosted it;
static atomic_bool ending;

static void
wait_outbox(void)
{
    uint32_t used = 0;

    while (used == 0) {
        sched_yield();
        wsv_os_mutex_lock(it.rt->lock);
        used = it.rt->outbox_used;
        wsv_os_mutex_unlock(it.rt->lock);
    }
}

/* --- what the handler sends
 * ------------------------------------------------------ */

static void
make_progress(void *arg)
{
    wsv_oserr why;

    (void)arg;
    while (!atomic_load(&ending))
        CHECK(wsv_life_progress(it.life, 0, &why) == WSV_OK);
}

/* Its own status and nothing after it, though there is always more: the other
 * threads send theirs themselves. */
static void
test_handler_beside_threads_that_make_progress(void)
{
    wsv_os_thread *workers[WORKERS];
    call first, second;
    size_t i;

    hosted_new(&it, NULL, false);
    hosted_start(&it);
    atomic_store(&ending, false);
    fake_set_gate(it.scm, WSV_STOP_PENDING);
    call_make(&first, &it, WSV_CONTROL_STOP, 0);
    fake_wait_inside(it.scm, WSV_STOP_PENDING);
    for (i = 0; i < WORKERS; i++)
        workers[i] = thread_new(make_progress, NULL);
    wait_outbox();
    fake_set_gate(it.scm, 0);
    call_end(&first);
    CHECK_SAME(first.reports, 1);
    CHECK_SAME(first.seen, WSV_STOP_PENDING);
    call_make(&second, &it, WSV_CONTROL_STOP, 0);
    call_end(&second);
    CHECK(second.reports <= 1);
    atomic_store(&ending, true);
    for (i = 0; i < WORKERS; i++)
        wsv_os_thread_join(workers[i]);
    hosted_stop(&it);
    hosted_free(&it);
}

/* What the handler leaves behind is the reporter's, which has looked round
 * already, and found the handler at it. */
static void
test_handler_leaves_stopped_behind(void)
{
    uint64_t before;
    call stop;

    hosted_new(&it, NULL, true);
    hosted_start(&it);
    fake_set_gate(it.scm, WSV_STOP_PENDING);
    call_make(&stop, &it, WSV_CONTROL_STOP, 0);
    fake_wait_inside(it.scm, WSV_STOP_PENDING);
    wsv_os_mutex_lock(it.rt->lock);
    wsv_runtime_enter_locked(it.rt, WSV_STOPPED);
    before = it.rt->journal.totals[WSV_JOURNAL_WAKEUP];
    wsv_os_mutex_unlock(it.rt->lock);
    while (hosted_total(&it, WSV_JOURNAL_WAKEUP) == before)
        sched_yield();
    fake_set_gate(it.scm, 0);
    call_end(&stop);
    CHECK_SAME(stop.reports, 1);
    fake_wait_reported(it.scm, WSV_STOPPED); /* or the watchdog ends it */
    hosted_stop(&it);
    hosted_free(&it);
}

/* STOPPED is what a second STOP has to see to, and yet it leaves that alone
 * (H-13), though nobody else is at it. */
static void
test_handler_never_sends_stopped(void)
{
    call stop;

    hosted_new(&it, NULL, true);
    hosted_start(&it);
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_STOP), 0);
    wsv_os_mutex_lock(it.rt->lock);
    fake(it.scm)->asleep = true;
    wsv_runtime_enter_locked(it.rt, WSV_STOPPED);
    wsv_os_mutex_unlock(it.rt->lock);
    call_make(&stop, &it, WSV_CONTROL_STOP, 0);
    call_end(&stop);
    CHECK_SAME(stop.answer, 0);
    CHECK_SAME(stop.reports, 0);
    CHECK_SAME(stop.seen, WSV_STOP_PENDING);
    wsv_os_mutex_lock(it.rt->lock);
    fake(it.scm)->asleep = false;
    wsv_scm_wake(it.scm, it.rt->reporter);
    wsv_os_mutex_unlock(it.rt->lock);
    fake_wait_reported(it.scm, WSV_STOPPED);
    hosted_stop(&it);
    hosted_free(&it);
}

/* --- whose failure it is
 * --------------------------------------------------------- */

static void
report_running(void *arg)
{
    wsv_oserr why;

    *(wsv_err *)arg = wsv_life_started(it.life, &why);
}

static void
accept_less(void *arg)
{
    wsv_oserr why;

    *(wsv_err *)arg = wsv_life_accept(it.life, 0x03, &why);
}

/* A PAUSE comes while `run` reports RUNNING, which gets through; the report of
 * the pause, which the same thread sends, does not. */
static wsv_err
run_before_a_failing_pause(void (*run)(void *))
{
    wsv_err err = WSV_E_STATE;
    wsv_os_thread *thread;
    call pause;

    fake_set_gate(it.scm, WSV_RUNNING);
    thread = thread_new(run, &err);
    fake_wait_inside(it.scm, WSV_RUNNING);
    call_make(&pause, &it, WSV_CONTROL_PAUSE, 0);
    wait_outbox();
    wsv_fault_arm(WSV_FAULT_REPORT, 2);
    fake_set_gate(it.scm, 0);
    wsv_os_thread_join(thread);
    call_end(&pause);
    CHECK_SAME(wsv_fault_left(), 0);
    CHECK_SAME(pause.answer, 0);
    CHECK_SAME(pause.reports, 0);
    CHECK_SAME(fake_state(it.scm), WSV_RUNNING);
    CHECK_SAME(wsv_life_state(it.life), WSV_PAUSE_PENDING);
    return err;
}

static void
test_started_before_a_report_that_fails(void)
{
    hosted_new(&it, NULL, true);
    hosted_begin(&it);
    CHECK(run_before_a_failing_pause(report_running) == WSV_OK);
    hosted_stop(&it);
    hosted_free(&it);
}

/* The mask that the SCM knows is the one that counts. */
static void
test_accept_before_a_report_that_fails(void)
{
    wsv_oserr why;

    hosted_new(&it, NULL, true);
    hosted_start(&it);
    CHECK(run_before_a_failing_pause(accept_less) == WSV_OK);
    CHECK_SAME(fake_last(it.scm).accepted, 0x03);
    CHECK(wsv_life_finish(it.life, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    CHECK_SAME(fake_last(it.scm).accepted, 0x03);
    hosted_stop(&it);
    hosted_free(&it);
}

/* A failure of its own it is told of, and takes the mask back. */
static void
test_accept_that_fails(void)
{
    wsv_oserr why;

    hosted_new(&it, NULL, true);
    hosted_start(&it);
    wsv_fault_arm(WSV_FAULT_REPORT, 1);
    CHECK(wsv_life_accept(it.life, 0x03, &why) == WSV_E_OS);
    CHECK_SAME(why.code, 6);
    CHECK_SAME(wsv_fault_left(), 0);
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_PAUSE), 0);
    CHECK(wsv_life_finish(it.life, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    CHECK_SAME(fake_last(it.scm).accepted, 0x0F);
    hosted_stop(&it);
    hosted_free(&it);
}

int
main(void)
{
    int32_t before = wsv_fault_live_count();
    int i;

    watchdog(60);
    for (i = 0; i < 200; i++) {
        test_handler_beside_threads_that_make_progress();
        test_handler_leaves_stopped_behind();
        test_handler_never_sends_stopped();
        test_started_before_a_report_that_fails();
        test_accept_before_a_report_that_fails();
        test_accept_that_fails();
    }
    CHECK(wsv_fault_live_count() == before);
    return 0;
}
