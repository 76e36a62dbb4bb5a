/* Wine's traps H-13 and H-15, reports that hang, and the deadlines: each in
 * the one order that hurts, forced by gates in the fake SCM. */
#define _POSIX_C_SOURCE 200809L
#include "core/runtime_impl.h"

#include <sched.h>
#include <stdatomic.h>

#include "fake_scm.h"
#include "threads.h"

#define SECOND (1000 * WSV_NS_PER_MS)

static wsv_scm *scm;
static wsv_runtime *rt;
static wsv_os_thread *service;

/* --- a service, and threads that do one thing
 * -------------------------------- */

static void
run_service_main(void *arg)
{
    static const wsv_wchar name[] = {'S', 0};
    static const wsv_wchar *const argv[] = {name};

    (void)arg;
    wsv_runtime_main(rt, 1, argv);
}

/* Up to START_PENDING.  `fixed`: the clock only moves by `advance`. */
static void
begin_service(bool fixed)
{
    static const wsv_wchar name[] = {'S', 0};
    wsv_settings settings = {0x0F,        3000,        60 * SECOND,
                             30 * SECOND, 30 * SECOND, 30 * SECOND};
    wsv_oserr why;

    scm = fake_new();
    fake(scm)->fixed = fixed;
    fake(scm)->now = SECOND;
    CHECK(wsv_runtime_new(scm, name, &rt) == WSV_OK);
    service = thread_new(run_service_main, NULL);
    CHECK(wsv_runtime_wait_start(rt, &why) == WSV_OK);
    CHECK(wsv_runtime_configure(rt, &settings, &why) == WSV_OK);
}

static void
start_service(bool fixed)
{
    wsv_oserr why;

    begin_service(fixed);
    CHECK(wsv_runtime_started(rt, &why) == WSV_OK);
    CHECK_SAME(fake_state(scm), WSV_RUNNING);
}

static void
end_service(void)
{
    wsv_os_thread_join(service);
    wsv_runtime_free(rt);
    fake_free(scm);
}

static uint32_t
send(uint32_t code)
{
    wsv_control control = {code, 0, 0, NULL};

    return wsv_runtime_handle(rt, &control);
}

typedef struct call {
    uint32_t code;
    uint32_t answer;
    uint32_t seen; /* the state that the SCM knew when the handler returned */
    atomic_bool returned;
} call;

static void
dispatch(void *arg)
{
    call *self = arg;

    self->answer = send(self->code);
    self->seen = fake_state(scm);
    atomic_store(&self->returned, true);
}

static void
report_running(void *arg)
{
    wsv_oserr why;

    *(wsv_err *)arg = wsv_runtime_started(rt, &why);
}

static void
report_stopped(void *arg)
{
    wsv_oserr why;

    *(wsv_err *)arg = wsv_runtime_stopped(rt, 0, 0, &why);
}

/* Wait until the core is in `state`, whatever the SCM knows. */
static void
wait_entered(uint32_t state)
{
    while (wsv_runtime_state(rt) != state)
        sched_yield();
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
    fake(scm)->wine = true;
    CHECK(wsv_runtime_request_stop(rt, &why) == WSV_OK);
    fake_wine_lock(scm);
    stopper = thread_new(report_stopped, &err);
    fake_wait_wants_wine(scm);
    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        answer = send(codes[i]); /* a deadlock ends in the watchdog */
        CHECK_SAME(answer, i < 3 || i == 4 ? 0u : 1061);
    }
    CHECK_SAME(fake_state(scm), WSV_STOP_PENDING);
    fake_wine_unlock(scm);
    wsv_os_thread_join(stopper);
    CHECK(err == WSV_OK);
    CHECK_SAME(fake_state(scm), WSV_STOPPED);
    end_service();
}

/* The handler waits for a report of RUNNING; the thread that is in it goes on
 * to STOP_PENDING and then to STOPPED, for which it wants the lock. */
static void
test_handler_waits_and_stopped_comes(void)
{
    call stop = {.code = WSV_CONTROL_STOP};
    wsv_err started = WSV_E_OS, stopped = WSV_E_OS;
    wsv_os_thread *starter, *handler, *stopper;

    begin_service(false);
    fake(scm)->wine = true;
    fake_set_gate(scm, WSV_RUNNING);
    starter = thread_new(report_running, &started);
    fake_wait_inside(scm, WSV_RUNNING);
    fake_wine_lock(scm);
    handler = thread_new(dispatch, &stop);
    wait_entered(WSV_STOP_PENDING);
    stopper = thread_new(report_stopped, &stopped);
    wait_entered(WSV_STOPPED);
    fake_set_gate(scm, 0);
    wsv_os_thread_join(handler);
    CHECK_SAME(stop.answer, 0);
    CHECK_SAME(stop.seen, WSV_STOP_PENDING); /* H-15 */
    fake_wine_unlock(scm);
    wsv_os_thread_join(starter);
    wsv_os_thread_join(stopper);
    CHECK(started == WSV_OK);
    CHECK(stopped == WSV_OK);
    CHECK_SAME(fake_state(scm), WSV_STOPPED);
    end_service();
}

/* A second STOP finds a checkpoint under way and STOPPED next in the outbox.
 */
static void
test_second_stop_before_stopped(void)
{
    call first = {.code = WSV_CONTROL_STOP}, second = first;
    wsv_err stopped = WSV_E_OS;
    wsv_os_thread *stopper, *handler, *again;

    start_service(false);
    fake(scm)->wine = true;
    fake_set_gate(scm, WSV_STOP_PENDING);
    handler = thread_new(dispatch, &first);
    fake_wait_inside(scm, WSV_STOP_PENDING);
    stopper = thread_new(report_stopped, &stopped);
    wait_entered(WSV_STOPPED);
    fake_wine_lock(scm); /* as the dispatcher does for the second call */
    again = thread_new(dispatch, &second);
    fake_set_gate(scm, 0);
    fake_wait_wants_wine(scm);
    wsv_os_thread_join(again); /* though STOPPED cannot get through */
    CHECK_SAME(second.seen, WSV_STOP_PENDING);
    fake_wine_unlock(scm);
    wsv_os_thread_join(handler);
    wsv_os_thread_join(stopper);
    CHECK(stopped == WSV_OK);
    CHECK_SAME(fake_state(scm), WSV_STOPPED);
    end_service();
}

/* --- H-15 -------------------------------------------------------------------
 */

/* STOP_PENDING is known to the SCM before the handler returns, even when
 * another thread is inside an older report and must send it. */
static void
test_stop_pending_before_the_handler_returns(void)
{
    call stop = {.code = WSV_CONTROL_STOP};
    wsv_err started = WSV_E_OS;
    wsv_os_thread *starter, *handler;
    wsv_oserr why;

    begin_service(false);
    fake_set_gate(scm, WSV_RUNNING);
    starter = thread_new(report_running, &started);
    fake_wait_inside(scm, WSV_RUNNING);
    handler = thread_new(dispatch, &stop);
    wait_entered(WSV_STOP_PENDING);
    CHECK(!atomic_load(&stop.returned));
    /* RUNNING gets through, STOP_PENDING is held: still not back. */
    fake_set_gate(scm, WSV_STOP_PENDING);
    fake_wait_inside(scm, WSV_STOP_PENDING);
    CHECK(!atomic_load(&stop.returned));
    CHECK_SAME(fake_state(scm), WSV_RUNNING);
    fake_set_gate(scm, 0);
    wsv_os_thread_join(handler);
    CHECK_SAME(stop.answer, 0);
    CHECK_SAME(stop.seen, WSV_STOP_PENDING);
    wsv_os_thread_join(starter);
    CHECK(started == WSV_OK);
    CHECK(wsv_runtime_stopped(rt, 0, 0, &why) == WSV_OK);
    end_service();
}

/* As above for PAUSE, whose pending state the client is to see as well. */
static void
test_pause_pending_before_the_handler_returns(void)
{
    call pause = {.code = WSV_CONTROL_PAUSE};
    wsv_err started = WSV_E_OS;
    wsv_os_thread *starter, *handler;
    wsv_oserr why;

    begin_service(false);
    fake_set_gate(scm, WSV_RUNNING);
    starter = thread_new(report_running, &started);
    fake_wait_inside(scm, WSV_RUNNING);
    handler = thread_new(dispatch, &pause);
    wait_entered(WSV_PAUSE_PENDING);
    fake_set_gate(scm, 0);
    wsv_os_thread_join(handler);
    CHECK_SAME(pause.answer, 0);
    CHECK_SAME(pause.seen, WSV_PAUSE_PENDING);
    wsv_os_thread_join(starter);
    CHECK(wsv_runtime_begin(rt, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    CHECK(wsv_runtime_finish(rt, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    CHECK_SAME(fake_state(scm), WSV_PAUSED);
    CHECK(wsv_runtime_stopped(rt, 0, 0, &why) == WSV_OK);
    end_service();
}

/* A report that never ends holds the handler up for its patience, no longer;
 * what it could not report goes out when the other thread is free again. */
static void
test_handler_is_bounded(void)
{
    call stop = {.code = WSV_CONTROL_STOP};
    wsv_err started = WSV_E_OS;
    wsv_os_thread *starter;
    uint64_t before;
    wsv_oserr why;

    begin_service(false);
    fake_set_gate(scm, WSV_RUNNING);
    starter = thread_new(report_running, &started);
    fake_wait_inside(scm, WSV_RUNNING);
    before = wsv_os_now();
    dispatch(&stop);
    CHECK(wsv_os_now() - before >= 2 * SECOND);
    CHECK_SAME(stop.answer, 0);
    CHECK_SAME(stop.seen, WSV_START_PENDING);
    fake_set_gate(scm, 0);
    fake_wait_reported(scm, WSV_STOP_PENDING);
    wsv_os_thread_join(starter);
    CHECK(wsv_runtime_stopped(rt, 0, 0, &why) == WSV_OK);
    end_service();
}

/* STOPPED is latched: whoever comes late reports nothing. */
static void
test_nothing_after_stopped(void)
{
    uint32_t reports;
    wsv_oserr why;

    start_service(false);
    CHECK(wsv_runtime_stopped(rt, 5, 0, &why) == WSV_OK);
    wsv_os_thread_join(service);
    reports = fake(scm)->reports;
    CHECK(wsv_runtime_started(rt, &why) == WSV_E_STATE);
    CHECK(wsv_runtime_begin(rt, WSV_CONTROL_PAUSE, &why) == WSV_E_STATE);
    CHECK(wsv_runtime_finish(rt, WSV_CONTROL_PAUSE, &why) == WSV_E_STATE);
    CHECK(wsv_runtime_progress(rt, 9, &why) == WSV_E_STATE);
    CHECK(wsv_runtime_accept(rt, 1, &why) == WSV_E_STATE);
    CHECK(wsv_runtime_request_stop(rt, &why) == WSV_OK);
    CHECK(wsv_runtime_stopped(rt, 6, 0, &why) == WSV_OK);
    CHECK_SAME(send(WSV_CONTROL_STOP), 0);
    CHECK_SAME(send(WSV_CONTROL_INTERROGATE), 0);
    CHECK_SAME(send(WSV_CONTROL_PAUSE), 1061);
    CHECK_SAME(send(200), 1061);
    CHECK_SAME(fake(scm)->reports, reports);
    CHECK_SAME(fake_last(scm).exit_code, 5);
    service = NULL;
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
    checkpoint = fake_last(scm).checkpoint;
    CHECK(wsv_runtime_accept(rt, 0x100, &why) == WSV_OK);
    CHECK_SAME(fake_last(scm).accepted, 0x100);
    CHECK_SAME(fake_last(scm).checkpoint, checkpoint + 1);
    CHECK(wsv_runtime_started(rt, &why) == WSV_OK);
    CHECK_SAME(fake_last(scm).accepted, 0x100);
    CHECK(wsv_runtime_accept(rt, 0x101, &why) == WSV_OK);
    CHECK_SAME(fake_last(scm).accepted, 0x101);
    CHECK(wsv_runtime_stopped(rt, 0, 0, &why) == WSV_OK);
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
        CHECK(wsv_runtime_wait_event(rt, &event, &data, &dropped) == WSV_OK);
        CHECK_SAME(event.code, queued[i].control);
        CHECK_SAME(wsv_runtime_begin(rt, event.code, &why), queued[i].begun);
        if (queued[i].begun == WSV_OK)
            CHECK(wsv_runtime_finish(rt, event.code, &why) == WSV_E_STATE);
    }
    CHECK(wsv_runtime_wait_event(rt, &event, &data, &dropped) == WSV_OK);
    CHECK_SAME(event.code, WSV_CONTROL_STOP);
    CHECK_SAME(fake_state(scm), WSV_STOP_PENDING);
    CHECK(wsv_runtime_stopped(rt, 0, 0, &why) == WSV_OK);
    end_service();
}

/* --- deadlines
 * ---------------------------------------------------------------- */

static void
advance_to(uint64_t seconds)
{
    wsv_os_mutex_lock(rt->lock);
    wsv_os_mutex_lock(fake(scm)->lock);
    fake(scm)->now = seconds * SECOND;
    wsv_os_mutex_unlock(fake(scm)->lock);
    wsv_scm_wake(scm, rt->reporter);
    wsv_os_mutex_unlock(rt->lock);
}

static void
test_late_pause_goes_back(void)
{
    uint32_t state = 0;
    wsv_oserr why;

    start_service(true);
    CHECK_SAME(send(WSV_CONTROL_PAUSE), 0);
    CHECK(wsv_runtime_begin(rt, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    advance_to(32);
    fake_wait_reported(scm, WSV_RUNNING);
    CHECK(wsv_runtime_wait_expired(rt, &state) == WSV_OK);
    CHECK_SAME(state, WSV_PAUSE_PENDING);
    CHECK_SAME(fake(scm)->died, 0);
    /* Late, but it has paused. */
    CHECK(wsv_runtime_finish(rt, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    CHECK_SAME(fake_state(scm), WSV_PAUSED);
    CHECK(wsv_runtime_stopped(rt, 0, 0, &why) == WSV_OK);
    end_service();
}

static void
test_late_stop_ends_the_process_once_it_is_logged(void)
{
    uint32_t state = 0;
    wsv_oserr why;

    start_service(true);
    CHECK_SAME(send(WSV_CONTROL_STOP), 0);
    advance_to(31);
    CHECK(wsv_runtime_wait_expired(rt, &state) == WSV_OK);
    CHECK_SAME(state, WSV_STOP_PENDING);
    CHECK_SAME(fake(scm)->died, 0);
    wsv_runtime_expired_seen(rt);
    wsv_os_thread_join(service);
    CHECK_SAME(fake(scm)->died, 64006);
    CHECK_SAME(fake_state(scm), WSV_STOP_PENDING);
    CHECK(wsv_runtime_stopped(rt, 0, 0, &why) == WSV_E_CLOSED);
    service = NULL;
    end_service();
}

/* Python is too stuck to log: the process ends all the same. */
static void
test_late_start_ends_the_process_without_python(void)
{
    begin_service(true);
    advance_to(61);
    wsv_os_mutex_lock(rt->lock);
    while (rt->expired == 0) {
        wsv_os_mutex_unlock(rt->lock);
        sched_yield();
        wsv_os_mutex_lock(rt->lock);
    }
    wsv_os_mutex_unlock(rt->lock);
    CHECK_SAME(fake(scm)->died, 0);
    advance_to(66);
    wsv_os_thread_join(service);
    CHECK_SAME(fake(scm)->died, 64006);
    CHECK_SAME(fake_state(scm), WSV_START_PENDING);
    service = NULL;
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
        advance_to(hour * (uint64_t)i);
        wsv_os_mutex_lock(fake(scm)->lock);
        while (fake(scm)->last.checkpoint != (uint32_t)(1 + i))
            (void)wsv_os_cond_wait(fake(scm)->changed, fake(scm)->lock,
                                   WSV_FOREVER);
        wsv_os_mutex_unlock(fake(scm)->lock);
    }
    CHECK(wsv_runtime_progress(rt, 0, &why) == WSV_OK);
    CHECK_SAME(rt->progress.deadline, WSV_FOREVER);
    CHECK(wsv_runtime_stopped(rt, 0, 0, &why) == WSV_OK);
    CHECK_SAME(fake(scm)->died, 0);
    end_service();
}

int
main(void)
{
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
        test_late_start_ends_the_process_without_python();
        test_shutdown_has_no_deadline();
    }
    test_handler_is_bounded();
    return 0;
}
