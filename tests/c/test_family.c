/* Services that share a process: a deadline that one has missed ends it only
 * once no other of them is up. */
#define _POSIX_C_SOURCE 200809L
#include "hosted.h"

#include <sched.h>

#include "os/fault.h"

#define DIED 64006u

static wsv_family family;
static hosted a, b;

/* Two services that are not running. */
static void
begin_family(void)
{
    CHECK(wsv_family_new(&family) == WSV_OK);
    hosted_new(&a, &family, true);
    hosted_new(&b, &family, true);
}

static void
end_family(void)
{
    hosted_free(&a);
    hosted_free(&b);
    wsv_family_free(&family);
}

/* Past its stop deadline, and Python has logged that. */
static void
hang_while_stopping(hosted *self, uint64_t now)
{
    uint32_t state = 0;

    CHECK_SAME(hosted_send(self, WSV_CONTROL_STOP), 0);
    hosted_advance_to(self, now);
    CHECK(wsv_life_wait_expired(self->life, &state) == WSV_OK);
    CHECK_SAME(state, WSV_STOP_PENDING);
    wsv_life_expired_seen(self->life);
}

static uint64_t
seconds_of(hosted *self)
{
    return wsv_scm_now(self->scm) / SECOND;
}

/* `self` hangs, and waits, however late it is and however often it looks. */
static void
check_waiting(hosted *self)
{
    int i;

    hosted_wait_hanging(self);
    for (i = 0; i < 10; i++) {
        hosted_advance_to(self, seconds_of(self) + 10);
        sched_yield();
        CHECK_SAME(hosted_died(self), 0);
    }
}

static void
check_dead(hosted *self, uint32_t last_state)
{
    wsv_oserr why;

    hosted_join(self);
    CHECK_SAME(hosted_died(self), DIED);
    CHECK_SAME(fake_state(self->scm), last_state);
    CHECK(wsv_life_stopped(self->life, 0, 0, &why) == WSV_E_CLOSED);
    CHECK_SAME(fake_state(self->scm), last_state);
}

/* --- one service of the family and the others
 * ---------------------------------- */

/* The fakes check the type of each report: 0x20 here, 0x10 in all other tests
 * (A-6). */
static void
test_type_and_independence(void)
{
    wsv_oserr why;

    begin_family();
    hosted_start(&a);
    CHECK_SAME(fake_last(a.scm).type, 0x20);
    CHECK_SAME(hosted_reports(&b), 0);
    hosted_start(&b);
    CHECK_SAME(hosted_send(&a, WSV_CONTROL_STOP), 0);
    CHECK(wsv_life_is_stopping(a.life));
    CHECK(!wsv_life_is_stopping(b.life));
    hosted_stop(&a);
    CHECK_SAME(hosted_send(&b, WSV_CONTROL_PAUSE), 0);
    CHECK(wsv_life_begin(b.life, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    hosted_start(&a);
    CHECK(wsv_life_finish(b.life, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    CHECK_SAME(wsv_life_state(a.life), WSV_RUNNING);
    CHECK_SAME(wsv_life_state(b.life), WSV_PAUSED);
    hosted_stop(&b);
    hosted_stop(&a);
    end_family();
}

/* --- their lock
 * ---------------------------------------------------------------- */

static _Thread_local bool is_the_tests; /* this thread: never held up */
static atomic_bool memory_is_slow, waits_for_memory;

/* The linker puts this in front of the seam's (run.py). */
void *__real_wsv_os_alloc(size_t size);
void *__wrap_wsv_os_alloc(size_t size);

void *
__wrap_wsv_os_alloc(size_t size)
{
    while (!is_the_tests && atomic_load(&memory_is_slow)) {
        atomic_store(&waits_for_memory, true);
        sched_yield();
    }
    return __real_wsv_os_alloc(size);
}

/* B's start waits for memory, and with it nobody else: A's handler answers, in
 * B's first life and in its next. */
static void
test_no_allocation_under_the_lock(void)
{
    wsv_oserr why;
    int i;

    begin_family();
    hosted_start(&a);
    for (i = 0; i < 2; i++) {
        atomic_store(&waits_for_memory, false);
        atomic_store(&memory_is_slow, true);
        hosted_run_main(&b);
        while (!atomic_load(&waits_for_memory))
            sched_yield();
        /* A lock that is held now is so until the watchdog comes. */
        CHECK_SAME(hosted_send(&a, WSV_CONTROL_INTERROGATE), 0);
        atomic_store(&memory_is_slow, false);
        CHECK(wsv_runtime_wait_start(b.rt, WSV_FOREVER, &b.life, &why) ==
              WSV_OK);
        hosted_stop(&b);
    }
    hosted_stop(&a);
    end_family();
}

/* --- a deadline
 * ---------------------------------------------------------------- */

static void
test_late_stop_waits_for_the_other(void)
{
    begin_family();
    hosted_start(&a);
    hosted_start(&b);
    hang_while_stopping(&a, 40);
    check_waiting(&a);
    CHECK_SAME(hosted_send(&b, WSV_CONTROL_STOP), 0);
    check_waiting(&a); /* STOP_PENDING is up */
    hosted_stop(&b);
    check_dead(&a, WSV_STOP_PENDING);
    CHECK_SAME(hosted_died(&b), 0);
    end_family();
}

static void
test_late_start_waits_for_the_other(void)
{
    uint32_t state = 0;

    begin_family();
    hosted_start(&b);
    hosted_begin(&a);
    hosted_advance_to(&a, 70);
    CHECK(wsv_life_wait_expired(a.life, &state) == WSV_OK);
    CHECK_SAME(state, WSV_START_PENDING);
    wsv_life_expired_seen(a.life);
    check_waiting(&a);
    hosted_stop(&b);
    check_dead(&a, WSV_START_PENDING);
    end_family();
}

/* Python is too stuck to log: that waits no longer, the other does count. */
static void
test_late_stop_without_python(void)
{
    begin_family();
    hosted_start(&a);
    hosted_start(&b);
    CHECK_SAME(hosted_send(&a, WSV_CONTROL_STOP), 0);
    hosted_advance_to(&a, 40);
    while (hosted_total(&a, WSV_JOURNAL_EXPIRED) == 0)
        sched_yield();
    hosted_advance_to(&a, 46);
    check_waiting(&a);
    hosted_stop(&b);
    check_dead(&a, WSV_STOP_PENDING);
    end_family();
}

/* Of those that do not run, one that has stopped or was never started. */
static void
test_late_stop_of_the_last(bool other_has_run)
{
    begin_family();
    hosted_start(&a);
    if (other_has_run) {
        hosted_start(&b);
        hosted_stop(&b);
    }
    hang_while_stopping(&a, 40);
    check_dead(&a, WSV_STOP_PENDING);
    end_family();
}

static void
report_stopped(void *arg)
{
    wsv_oserr why;

    CHECK(wsv_life_stopped(((hosted *)arg)->life, 5, 0, &why) == WSV_OK);
}

/* The other has stopped once the SCM knows: to end the process in the midst
 * of that report would make it a crash of that one too. */
static void
test_the_others_last_report_gets_through(void)
{
    wsv_os_thread *stopper;

    begin_family();
    hosted_start(&a);
    hosted_start(&b);
    hang_while_stopping(&a, 40);
    hosted_wait_hanging(&a);
    fake_set_gate(b.scm, WSV_STOPPED);
    stopper = thread_new(report_stopped, &b);
    fake_wait_inside(b.scm, WSV_STOPPED);
    check_waiting(&a);
    fake_set_gate(b.scm, 0);
    wsv_os_thread_join(stopper);
    CHECK_SAME(fake_last(b.scm).exit_code, 5);
    check_dead(&a, WSV_STOP_PENDING);
    end_family();
}

/* A ServiceMain that has only begun is up. */
static void
test_the_other_is_registering(void)
{
    wsv_oserr why;

    begin_family();
    hosted_start(&a);
    fake_set_gate(b.scm, FAKE_REGISTERING);
    hosted_run_main(&b);
    fake_wait_inside(b.scm, FAKE_REGISTERING);
    hang_while_stopping(&a, 40);
    check_waiting(&a);
    fake_set_gate(b.scm, 0);
    CHECK(wsv_runtime_wait_start(b.rt, WSV_FOREVER, &b.life, &why) == WSV_OK);
    check_waiting(&a);
    hosted_stop(&b);
    check_dead(&a, WSV_STOP_PENDING);
    end_family();
}

/* ... until it has failed. */
static void
test_the_other_fails_to_start(uint32_t kind)
{
    wsv_oserr why;

    begin_family();
    hosted_start(&a);
    fake_set_gate(b.scm, FAKE_REGISTERING);
    hosted_run_main(&b);
    fake_wait_inside(b.scm, FAKE_REGISTERING);
    hang_while_stopping(&a, 40);
    check_waiting(&a);
    wsv_fault_arm(kind, 1);
    fake_set_gate(b.scm, 0);
    CHECK(wsv_runtime_wait_start(b.rt, WSV_FOREVER, &b.life, &why) ==
          WSV_E_OS);
    check_dead(&a, WSV_STOP_PENDING);
    CHECK_SAME(wsv_fault_left(), 0);
    end_family();
}

static void
test_the_other_is_closed(void)
{
    begin_family();
    hosted_start(&a);
    hosted_start(&b);
    hang_while_stopping(&a, 40);
    check_waiting(&a);
    wsv_runtime_orphaned(b.rt);
    check_dead(&a, WSV_STOP_PENDING);
    end_family();
}

static void
test_closed_while_it_waits(void)
{
    begin_family();
    hosted_start(&a);
    hosted_start(&b);
    hang_while_stopping(&a, 40);
    check_waiting(&a);
    wsv_runtime_close(a.rt);
    hosted_join(&a);
    CHECK_SAME(hosted_died(&a), 0);
    hosted_stop(&b);
    CHECK_SAME(hosted_died(&a), 0);
    end_family();
}

/* --- both, or late after all
 * --------------------------------------------------- */

static void
test_both_hang(void)
{
    uint32_t state = 0;

    begin_family();
    hosted_start(&a);
    hosted_start(&b);
    hang_while_stopping(&a, 40);
    check_waiting(&a);
    CHECK_SAME(hosted_send(&b, WSV_CONTROL_STOP), 0);
    hosted_advance_to(&b, 40);
    CHECK(wsv_life_wait_expired(b.life, &state) == WSV_OK);
    check_waiting(&a); /* B's tracebacks are being logged */
    wsv_life_expired_seen(b.life);
    check_dead(&b, WSV_STOP_PENDING);
    check_dead(&a, WSV_STOP_PENDING);
    end_family();
}

/* It has stopped in the end: nothing is left to be ended for. */
static void
test_late_stop_after_all(void)
{
    begin_family();
    hosted_start(&a);
    hosted_start(&b);
    hang_while_stopping(&a, 40);
    check_waiting(&a);
    hosted_stop(&a);
    CHECK_SAME(fake_state(a.scm), WSV_STOPPED);
    hosted_start(&a); /* a new life, with deadlines of its own */
    hosted_stop(&b);
    CHECK_SAME(hosted_died(&a), 0);
    hang_while_stopping(&a, 1000);
    check_dead(&a, WSV_STOP_PENDING);
    end_family();
}

static void
hang_while_starting(hosted *self, uint64_t now)
{
    uint32_t state = 0;

    hosted_begin(self);
    hosted_advance_to(self, now);
    CHECK(wsv_life_wait_expired(self->life, &state) == WSV_OK);
    CHECK_SAME(state, WSV_START_PENDING);
    wsv_life_expired_seen(self->life);
}

static void
test_late_start_after_all(void)
{
    wsv_oserr why;

    begin_family();
    hosted_start(&b);
    hang_while_starting(&a, 70);
    check_waiting(&a);
    CHECK(wsv_life_progress(a.life, 0, &why) == WSV_OK); /* that is not all */
    check_waiting(&a);
    CHECK(wsv_life_started(a.life, &why) == WSV_OK);
    hosted_stop(&b);
    CHECK_SAME(hosted_died(&a), 0);
    CHECK_SAME(fake_state(a.scm), WSV_RUNNING);
    hosted_stop(&a);
    CHECK_SAME(hosted_died(&a), 0);
    end_family();
}

/* A stop that comes while it hangs has a deadline of its own. */
static void
test_stop_of_a_late_start(void)
{
    uint32_t state = 0;
    uint64_t now;

    begin_family();
    hosted_start(&b);
    hang_while_starting(&a, 70);
    check_waiting(&a);
    now = seconds_of(&a);
    CHECK_SAME(hosted_send(&a, WSV_CONTROL_STOP), 0);
    hosted_advance_to(&a, now + 29);
    while (fake_last(a.scm).checkpoint < 2) /* checkpoints again */
        sched_yield();
    hosted_advance_to(&a, now + 30);
    CHECK(wsv_life_wait_expired(a.life, &state) == WSV_OK);
    CHECK_SAME(state, WSV_STOP_PENDING);
    wsv_life_expired_seen(a.life);
    check_waiting(&a);
    hosted_stop(&b);
    check_dead(&a, WSV_STOP_PENDING);
    end_family();
}

/* A late pause ends nothing, in a shared process as in its own. */
static void
test_late_pause(void)
{
    uint32_t state = 0;
    wsv_oserr why;

    begin_family();
    hosted_start(&a);
    CHECK_SAME(hosted_send(&a, WSV_CONTROL_PAUSE), 0);
    hosted_advance_to(&a, 40);
    CHECK(wsv_life_wait_expired(a.life, &state) == WSV_OK);
    CHECK_SAME(state, WSV_PAUSE_PENDING);
    wsv_life_expired_seen(a.life);
    fake_wait_reported(a.scm, WSV_RUNNING);
    CHECK(wsv_life_finish(a.life, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    hosted_stop(&a);
    CHECK_SAME(hosted_died(&a), 0);
    end_family();
}

int
main(void)
{
    int32_t before = wsv_fault_live_count();
    int i;

    watchdog(60);
    is_the_tests = true;
    for (i = 0; i < 100; i++) {
        test_type_and_independence();
        test_no_allocation_under_the_lock();
        test_late_stop_waits_for_the_other();
        test_late_start_waits_for_the_other();
        test_late_stop_without_python();
        test_late_stop_of_the_last(false);
        test_late_stop_of_the_last(true);
        test_the_others_last_report_gets_through();
        test_the_other_is_registering();
        test_the_other_fails_to_start(WSV_FAULT_REGISTER);
        test_the_other_fails_to_start(WSV_FAULT_REPORT);
        test_the_other_is_closed();
        test_closed_while_it_waits();
        test_both_hang();
        test_late_stop_after_all();
        test_late_start_after_all();
        test_stop_of_a_late_start();
        test_late_pause();
    }
    CHECK(wsv_fault_live_count() == before);
    return 0;
}
