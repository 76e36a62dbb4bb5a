/* Wine's traps H-13 and H-15, reports that hang, and the deadlines: each in
 * the one order that hurts, forced by gates in the fake SCM. */
#define _POSIX_C_SOURCE 200809L
#include "hosted.h"

#include <sched.h>

#include "os/fault.h"

static hosted it;

static uint32_t
send(uint32_t code)
{
    return hosted_send(&it, code);
}

/* Up to START_PENDING.  `fixed`: the clock only moves by hosted_advance_to. */
static void
begin_service(bool fixed)
{
    hosted_new(&it, NULL, fixed);
    hosted_begin(&it);
}

static void
start_service(bool fixed)
{
    hosted_new(&it, NULL, fixed);
    hosted_start(&it);
}

static void
end_service(void)
{
    hosted_free(&it);
}

static void
report_running(void *arg)
{
    wsv_oserr why;

    *(wsv_err *)arg = wsv_life_started(it.life, &why);
}

static void
report_stopped(void *arg)
{
    wsv_oserr why;

    *(wsv_err *)arg = wsv_life_stopped(it.life, 0, 0, &why);
}

/* --- H-13 -------------------------------------------------------------------
 */

/* STOPPED is under way and wants the lock that the dispatcher holds. */
static void
test_handler_beside_stopped(void)
{
    static const uint32_t codes[] = {
        WSV_CONTROL_STOP,     WSV_CONTROL_SHUTDOWN,    WSV_CONTROL_PRESHUTDOWN,
        WSV_CONTROL_PAUSE,    WSV_CONTROL_INTERROGATE, 200,
        WSV_CONTROL_CONTINUE, WSV_CONTROL_PARAMCHANGE};
    wsv_err err = WSV_E_OS;
    wsv_os_thread *stopper;
    uint32_t answer, i;
    wsv_oserr why;

    start_service(false);
    fake(it.scm)->wine = true;
    CHECK(wsv_life_request_stop(it.life, &why) == WSV_OK);
    fake_wine_lock(it.scm);
    stopper = thread_new(report_stopped, &err);
    fake_wait_wants_wine(it.scm);
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        answer = send(codes[i]); /* a deadlock ends in the watchdog */
        CHECK_SAME(answer, i < 3 || i == 4 ? 0u : 1061);
    }
    CHECK_SAME(fake_state(it.scm), WSV_STOP_PENDING);
    fake_wine_unlock(it.scm);
    wsv_os_thread_join(stopper);
    CHECK(err == WSV_OK);
    CHECK_SAME(fake_state(it.scm), WSV_STOPPED);
    end_service();
}

/* The handler waits for a report of RUNNING; the thread that is in it goes on
 * to STOP_PENDING and then to STOPPED, for which it wants the lock. */
static void
test_handler_waits_and_stopped_comes(void)
{
    call stop;
    wsv_err started = WSV_E_OS, stopped = WSV_E_OS;
    wsv_os_thread *starter, *stopper;

    begin_service(false);
    fake(it.scm)->wine = true;
    fake_set_gate(it.scm, WSV_RUNNING);
    starter = thread_new(report_running, &started);
    fake_wait_inside(it.scm, WSV_RUNNING);
    fake_wine_lock(it.scm);
    call_make(&stop, &it, WSV_CONTROL_STOP, 0);
    hosted_wait_entered(&it, WSV_STOP_PENDING);
    stopper = thread_new(report_stopped, &stopped);
    hosted_wait_entered(&it, WSV_STOPPED);
    fake_set_gate(it.scm, 0);
    call_end(&stop);
    CHECK_SAME(stop.answer, 0);
    CHECK_SAME(stop.seen, WSV_STOP_PENDING); /* H-15 */
    fake_wine_unlock(it.scm);
    wsv_os_thread_join(starter);
    wsv_os_thread_join(stopper);
    CHECK(started == WSV_OK);
    CHECK(stopped == WSV_OK);
    CHECK_SAME(fake_state(it.scm), WSV_STOPPED);
    end_service();
}

/* A second STOP finds a checkpoint under way and STOPPED next in the outbox.
 */
static void
test_second_stop_before_stopped(void)
{
    call first, second;
    wsv_err stopped = WSV_E_OS;
    wsv_os_thread *stopper;

    start_service(false);
    fake(it.scm)->wine = true;
    fake_set_gate(it.scm, WSV_STOP_PENDING);
    call_make(&first, &it, WSV_CONTROL_STOP, 0);
    fake_wait_inside(it.scm, WSV_STOP_PENDING);
    stopper = thread_new(report_stopped, &stopped);
    hosted_wait_entered(&it, WSV_STOPPED);
    fake_wine_lock(it.scm); /* as the dispatcher does for the second call */
    call_make(&second, &it, WSV_CONTROL_STOP, 0);
    fake_set_gate(it.scm, 0);
    fake_wait_wants_wine(it.scm);
    call_end(&second); /* though STOPPED cannot get through */
    CHECK_SAME(second.seen, WSV_STOP_PENDING);
    fake_wine_unlock(it.scm);
    call_end(&first);
    wsv_os_thread_join(stopper);
    CHECK(stopped == WSV_OK);
    CHECK_SAME(fake_state(it.scm), WSV_STOPPED);
    end_service();
}

/* --- H-15 -------------------------------------------------------------------
 */

/* STOP_PENDING is known to the SCM before the handler returns, even when
 * another thread is inside an older report and must send it. */
static void
test_stop_pending_before_the_handler_returns(void)
{
    call stop;
    wsv_err started = WSV_E_OS;
    wsv_os_thread *starter;
    wsv_oserr why;

    begin_service(false);
    fake_set_gate(it.scm, WSV_RUNNING);
    starter = thread_new(report_running, &started);
    fake_wait_inside(it.scm, WSV_RUNNING);
    call_make(&stop, &it, WSV_CONTROL_STOP, 0);
    hosted_wait_entered(&it, WSV_STOP_PENDING);
    CHECK(!atomic_load(&stop.returned));
    /* RUNNING gets through, STOP_PENDING is held: still not back. */
    fake_set_gate(it.scm, WSV_STOP_PENDING);
    fake_wait_inside(it.scm, WSV_STOP_PENDING);
    CHECK(!atomic_load(&stop.returned));
    CHECK_SAME(fake_state(it.scm), WSV_RUNNING);
    fake_set_gate(it.scm, 0);
    call_end(&stop);
    CHECK_SAME(stop.answer, 0);
    CHECK_SAME(stop.seen, WSV_STOP_PENDING);
    wsv_os_thread_join(starter);
    CHECK(started == WSV_OK);
    CHECK(wsv_life_stopped(it.life, 0, 0, &why) == WSV_OK);
    end_service();
}

/* As above for PAUSE, whose pending state the client is to see as well. */
static void
test_pause_pending_before_the_handler_returns(void)
{
    call pause;
    wsv_err started = WSV_E_OS;
    wsv_os_thread *starter;
    wsv_oserr why;

    begin_service(false);
    fake_set_gate(it.scm, WSV_RUNNING);
    starter = thread_new(report_running, &started);
    fake_wait_inside(it.scm, WSV_RUNNING);
    call_make(&pause, &it, WSV_CONTROL_PAUSE, 0);
    hosted_wait_entered(&it, WSV_PAUSE_PENDING);
    fake_set_gate(it.scm, 0);
    call_end(&pause);
    CHECK_SAME(pause.answer, 0);
    CHECK_SAME(pause.seen, WSV_PAUSE_PENDING);
    wsv_os_thread_join(starter);
    CHECK(wsv_life_begin(it.life, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    CHECK(wsv_life_finish(it.life, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    CHECK_SAME(fake_state(it.scm), WSV_PAUSED);
    CHECK(wsv_life_stopped(it.life, 0, 0, &why) == WSV_OK);
    end_service();
}

/* A report that never ends holds the handler up for its patience, no longer;
 * what it could not report goes out when the other thread is free again. */
static void
test_handler_is_bounded(void)
{
    call stop;
    wsv_err started = WSV_E_OS;
    wsv_os_thread *starter;
    uint64_t before;
    wsv_oserr why;

    begin_service(false);
    fake_set_gate(it.scm, WSV_RUNNING);
    starter = thread_new(report_running, &started);
    fake_wait_inside(it.scm, WSV_RUNNING);
    before = wsv_os_now();
    call_make(&stop, &it, WSV_CONTROL_STOP, 0);
    call_end(&stop);
    CHECK(wsv_os_now() - before >= 2 * SECOND);
    CHECK_SAME(stop.answer, 0);
    CHECK_SAME(stop.seen, WSV_START_PENDING);
    fake_set_gate(it.scm, 0);
    fake_wait_reported(it.scm, WSV_STOP_PENDING);
    wsv_os_thread_join(starter);
    CHECK(wsv_life_stopped(it.life, 0, 0, &why) == WSV_OK);
    end_service();
}

/* STOPPED is latched: whoever comes late reports nothing. */
static void
test_nothing_after_stopped(void)
{
    uint32_t reports;
    wsv_oserr why;

    start_service(false);
    CHECK(wsv_life_stopped(it.life, 5, 0, &why) == WSV_OK);
    hosted_join(&it);
    reports = fake(it.scm)->reports;
    CHECK(wsv_life_started(it.life, &why) == WSV_E_STATE);
    CHECK(wsv_life_begin(it.life, WSV_CONTROL_PAUSE, &why) == WSV_E_STATE);
    CHECK(wsv_life_finish(it.life, WSV_CONTROL_PAUSE, &why) == WSV_E_STATE);
    CHECK(wsv_life_progress(it.life, 9, &why) == WSV_E_STATE);
    CHECK(wsv_life_accept(it.life, 1, &why) == WSV_E_STATE);
    CHECK(wsv_life_request_stop(it.life, &why) == WSV_OK);
    CHECK(wsv_life_stopped(it.life, 6, 0, &why) == WSV_OK);
    CHECK_SAME(send(WSV_CONTROL_STOP), 0);
    CHECK_SAME(send(WSV_CONTROL_INTERROGATE), 0);
    CHECK_SAME(send(WSV_CONTROL_PAUSE), 1061);
    CHECK_SAME(send(200), 1061);
    CHECK_SAME(fake(it.scm)->reports, reports);
    CHECK_SAME(fake_last(it.scm).exit_code, 5);
    end_service();
}

/* A new accept mask in a pending state comes with a higher checkpoint (C-2).
 */
static void
test_accept_in_a_pending_state(void)
{
    uint32_t checkpoint;
    wsv_oserr why;

    begin_service(false);
    checkpoint = fake_last(it.scm).checkpoint;
    CHECK(wsv_life_accept(it.life, 0x100, &why) == WSV_OK);
    CHECK_SAME(fake_last(it.scm).accepted, 0x100);
    CHECK_SAME(fake_last(it.scm).checkpoint, checkpoint + 1);
    CHECK(wsv_life_started(it.life, &why) == WSV_OK);
    CHECK_SAME(fake_last(it.scm).accepted, 0x100);
    CHECK(wsv_life_accept(it.life, 0x101, &why) == WSV_OK);
    CHECK_SAME(fake_last(it.scm).accepted, 0x101);
    CHECK(wsv_life_stopped(it.life, 0, 0, &why) == WSV_OK);
    end_service();
}

/* A PAUSE or CONTINUE that was queued before a STOP has its handler called if
 * it changes something, and only then, however late its turn comes. */
static void
test_pause_and_continue_before_a_stop(void)
{
    static const struct {
        uint32_t control;
        wsv_err begun;
    } queued[] = {
        {WSV_CONTROL_CONTINUE, WSV_E_STATE}, {WSV_CONTROL_PAUSE, WSV_OK},
        {WSV_CONTROL_PAUSE, WSV_E_STATE},    {WSV_CONTROL_CONTINUE, WSV_OK},
        {WSV_CONTROL_CONTINUE, WSV_E_STATE}, {WSV_CONTROL_PAUSE, WSV_OK},
    };
    const size_t count = sizeof(queued) / sizeof(queued[0]);
    const uint8_t *data;
    wsv_queued event;
    uint32_t dropped;
    wsv_oserr why;
    size_t i;

    start_service(false);
    for (i = 0; i < count; i++)
        CHECK_SAME(send(queued[i].control), 0);
    CHECK_SAME(send(WSV_CONTROL_STOP), 0);
    for (i = 0; i < count; i++) {
        CHECK(wsv_life_wait_event(it.life, &event, &data, &dropped) == WSV_OK);
        CHECK_SAME(event.code, queued[i].control);
        CHECK_SAME(wsv_life_begin(it.life, event.code, &why), queued[i].begun);
        if (queued[i].begun == WSV_OK)
            CHECK(wsv_life_finish(it.life, event.code, &why) == WSV_E_STATE);
    }
    CHECK(wsv_life_wait_event(it.life, &event, &data, &dropped) == WSV_OK);
    CHECK_SAME(event.code, WSV_CONTROL_STOP);
    CHECK_SAME(fake_state(it.scm), WSV_STOP_PENDING);
    CHECK(wsv_life_stopped(it.life, 0, 0, &why) == WSV_OK);
    end_service();
}

/* --- deadlines
 * ---------------------------------------------------------------- */

static void
test_late_pause_goes_back(void)
{
    uint32_t state = 0;
    wsv_oserr why;

    start_service(true);
    CHECK_SAME(send(WSV_CONTROL_PAUSE), 0);
    CHECK(wsv_life_begin(it.life, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    hosted_advance_to(&it, 32);
    fake_wait_reported(it.scm, WSV_RUNNING);
    CHECK(wsv_life_wait_expired(it.life, &state) == WSV_OK);
    CHECK_SAME(state, WSV_PAUSE_PENDING);
    CHECK_SAME(fake(it.scm)->died, 0);
    /* Late, but it has paused. */
    CHECK(wsv_life_finish(it.life, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    CHECK_SAME(fake_state(it.scm), WSV_PAUSED);
    CHECK(wsv_life_stopped(it.life, 0, 0, &why) == WSV_OK);
    end_service();
}

static void
test_late_stop_ends_the_process_once_it_is_logged(void)
{
    uint32_t state = 0;
    wsv_oserr why;

    start_service(true);
    CHECK_SAME(send(WSV_CONTROL_STOP), 0);
    hosted_advance_to(&it, 31);
    CHECK(wsv_life_wait_expired(it.life, &state) == WSV_OK);
    CHECK_SAME(state, WSV_STOP_PENDING);
    CHECK_SAME(fake(it.scm)->died, 0);
    wsv_life_expired_seen(it.life);
    hosted_join(&it);
    CHECK_SAME(fake(it.scm)->died, 64006);
    CHECK_SAME(fake_state(it.scm), WSV_STOP_PENDING);
    CHECK(wsv_life_stopped(it.life, 0, 0, &why) == WSV_E_CLOSED);
    end_service();
}

/* What was logged about one deadline says nothing about the next. */
static void
test_late_pause_and_late_stop(void)
{
    uint32_t state = 0;
    int i;

    start_service(true);
    CHECK_SAME(send(WSV_CONTROL_PAUSE), 0);
    hosted_advance_to(&it, 32);
    CHECK(wsv_life_wait_expired(it.life, &state) == WSV_OK);
    wsv_life_expired_seen(it.life);
    fake_wait_reported(it.scm, WSV_RUNNING);
    CHECK_SAME(send(WSV_CONTROL_STOP), 0);
    hosted_advance_to(&it, 62);
    CHECK(wsv_life_wait_expired(it.life, &state) == WSV_OK);
    CHECK_SAME(state, WSV_STOP_PENDING);
    for (i = 0; i < 10; i++) {
        hosted_advance_to(&it, 66);
        sched_yield();
        CHECK_SAME(hosted_died(&it), 0);
    }
    wsv_life_expired_seen(it.life);
    hosted_join(&it);
    CHECK_SAME(hosted_died(&it), 64006);
    end_service();
}

/* Nor does it when it comes late: the next deadline has passed by then. */
static void
test_late_pause_is_logged_after_a_late_stop(void)
{
    uint32_t state = 0;
    bool seen;

    start_service(true);
    CHECK_SAME(send(WSV_CONTROL_PAUSE), 0);
    hosted_advance_to(&it, 32);
    CHECK(wsv_life_wait_expired(it.life, &state) == WSV_OK);
    CHECK_SAME(state, WSV_PAUSE_PENDING);
    fake_wait_reported(it.scm, WSV_RUNNING);
    CHECK_SAME(send(WSV_CONTROL_STOP), 0);
    hosted_advance_to(&it, 62);
    while (hosted_total(&it, WSV_JOURNAL_EXPIRED) != 2)
        sched_yield();
    wsv_life_expired_seen(it.life); /* the pause */
    wsv_os_mutex_lock(it.rt->lock);
    seen = it.rt->expired_seen;
    wsv_os_mutex_unlock(it.rt->lock);
    CHECK(!seen);
    CHECK(wsv_life_wait_expired(it.life, &state) == WSV_OK);
    CHECK_SAME(state, WSV_STOP_PENDING);
    CHECK_SAME(hosted_died(&it), 0);
    wsv_life_expired_seen(it.life);
    hosted_join(&it);
    CHECK_SAME(hosted_died(&it), 64006);
    end_service();
}

/* Python is too stuck to log: the process ends all the same. */
static void
test_late_start_ends_the_process_without_python(void)
{
    begin_service(true);
    hosted_advance_to(&it, 61);
    wsv_os_mutex_lock(it.rt->lock);
    while (it.rt->expired == 0) {
        wsv_os_mutex_unlock(it.rt->lock);
        sched_yield();
        wsv_os_mutex_lock(it.rt->lock);
    }
    wsv_os_mutex_unlock(it.rt->lock);
    CHECK_SAME(fake(it.scm)->died, 0);
    hosted_advance_to(&it, 66);
    hosted_join(&it);
    CHECK_SAME(fake(it.scm)->died, 64006);
    CHECK_SAME(fake_state(it.scm), WSV_START_PENDING);
    end_service();
}

/* The system's time counts for SHUTDOWN, not the service's budget. */
static void
test_shutdown_has_no_deadline(void)
{
    uint64_t hour = 3600;
    wsv_oserr why;
    int i;

    start_service(true);
    CHECK_SAME(send(WSV_CONTROL_SHUTDOWN), 0);
    for (i = 1; i <= 3; i++) {
        hosted_advance_to(&it, hour * (uint64_t)i);
        wsv_os_mutex_lock(fake(it.scm)->lock);
        while (fake(it.scm)->last.checkpoint != (uint32_t)(1 + i))
            (void)wsv_os_cond_wait(fake(it.scm)->changed, fake(it.scm)->lock,
                                   WSV_FOREVER);
        wsv_os_mutex_unlock(fake(it.scm)->lock);
    }
    CHECK(wsv_life_progress(it.life, 0, &why) == WSV_OK);
    CHECK_SAME(it.rt->progress.deadline, WSV_FOREVER);
    CHECK(wsv_life_stopped(it.life, 0, 0, &why) == WSV_OK);
    CHECK_SAME(fake(it.scm)->died, 0);
    end_service();
}

int
main(void)
{
    int32_t before = wsv_fault_live_count();
    int i;

    watchdog(60);
    for (i = 0; i < 200; i++) {
        test_handler_beside_stopped();
        test_handler_waits_and_stopped_comes();
        test_second_stop_before_stopped();
        test_stop_pending_before_the_handler_returns();
        test_pause_pending_before_the_handler_returns();
        test_nothing_after_stopped();
        test_accept_in_a_pending_state();
        test_pause_and_continue_before_a_stop();
        test_late_pause_goes_back();
        test_late_stop_ends_the_process_once_it_is_logged();
        test_late_pause_and_late_stop();
        test_late_pause_is_logged_after_a_late_stop();
        test_late_start_ends_the_process_without_python();
        test_shutdown_has_no_deadline();
    }
    test_handler_is_bounded();
    CHECK(wsv_fault_live_count() == before);
    return 0;
}
