/* One life of a service after the other in the same process: the next
 * knows nothing of the one before, and who still holds that touches nothing.
 */
#define _POSIX_C_SOURCE 200809L
#include "hosted.h"

#include <sched.h>
#include <string.h>

#include "os/fault.h"

static hosted it;

static const wsv_wchar name[] = {'S', 0}, text_x[] = {'x', 0};
static const wsv_wchar text_y[] = {'y', 0}, text_z[] = {'z', 0};
static const wsv_wchar *const first_argv[] = {name, text_x};
static const wsv_wchar *const second_argv[] = {name, text_y, text_z};

static wsv_err
wait_start(uint64_t timeout)
{
    wsv_oserr why;

    return wsv_runtime_wait_start(it.rt, timeout, &it.life, &why);
}

static void
check_event(uint32_t code)
{
    const uint8_t *data;
    wsv_queued event;
    uint32_t dropped;

    CHECK(wsv_life_wait_event(it.life, &event, &data, &dropped) == WSV_OK);
    CHECK_SAME(event.code, code);
    CHECK_SAME(dropped, 0);
}

static uint32_t
ask_to_remove(void)
{
    wsv_control control = {WSV_CONTROL_DEVICEEVENT, WSV_DBT_DEVICEQUERYREMOVE,
                           0, NULL};

    return wsv_runtime_handle(it.rt, &control);
}

/* --- a fresh life
 * -------------------------------------------------------------- */

/* A life that leaves as much behind as it can. */
static void
live_in_disorder(void)
{
    wsv_reply no = {5, 0};
    uint32_t answer;
    wsv_oserr why;

    it.argc = 2;
    it.argv = first_argv;
    hosted_start(&it);
    wsv_life_reply(it.life, WSV_QUERY_DEVICEQUERYREMOVE, &no);
    CHECK_SAME(ask_to_remove(), 5);
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_PAUSE), 0);
    CHECK(wsv_life_begin(it.life, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    CHECK(wsv_life_finish(it.life, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    while ((answer = hosted_send(&it, 200)) == 0)
        continue;
    CHECK_SAME(answer, 1816);
    CHECK(wsv_life_stopped(it.life, 1066, 7, &why) == WSV_OK);
    hosted_join(&it);
    CHECK_SAME(wsv_runtime_exit_code(it.rt), 1066);
    CHECK(wsv_life_is_stopping(it.life));
    CHECK_SAME(wsv_life_state(it.life), WSV_STOPPED);
}

static void
check_arguments(const wsv_wchar *const *argv, uint32_t argc)
{
    const wsv_wchar *const *got;
    uint32_t count, i;

    wsv_life_arguments(it.life, &count, &got);
    CHECK_SAME(count, argc);
    for (i = 0; i < argc; i++)
        CHECK(got[i] != argv[i] && got[i][0] == argv[i][0] && got[i][1] == 0);
}

static void
test_second_life_is_fresh(void)
{
    wsv_life first;
    wsv_oserr why;

    hosted_new(&it, NULL, false);
    live_in_disorder();
    first = it.life;
    it.argc = 3;
    it.argv = second_argv;
    hosted_run_main(&it);
    CHECK(wait_start(WSV_FOREVER) == WSV_OK);
    CHECK_SAME(it.life.number, first.number + 1);
    CHECK_SAME(fake_state(it.scm), WSV_START_PENDING);
    CHECK_SAME(fake_last(it.scm).checkpoint, 1);
    CHECK_SAME(fake_last(it.scm).accepted, 0);
    check_arguments(second_argv, 3);
    CHECK_SAME(wsv_life_state(it.life), WSV_START_PENDING);
    CHECK(!wsv_life_is_stopping(it.life));
    CHECK(wsv_life_wait_stop(it.life, 0) == WSV_E_TIMEOUT);
    CHECK_SAME(wsv_runtime_exit_code(it.rt), 0);
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_STOP), 120);
    CHECK(wsv_life_configure(it.life, &it.settings, &why) == WSV_OK);
    CHECK(wsv_life_started(it.life, &why) == WSV_OK);
    CHECK_SAME(ask_to_remove(), 0);
    check_event(WSV_CONTROL_DEVICEEVENT);
    CHECK_SAME(hosted_send(&it, 201), 0);
    check_event(201);
    /* It has paused in its first life, not in this one. */
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_CONTINUE), 0);
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_STOP), 0);
    check_event(WSV_CONTROL_CONTINUE);
    CHECK(wsv_life_begin(it.life, WSV_CONTROL_CONTINUE, &why) == WSV_E_STATE);
    check_event(WSV_CONTROL_STOP);
    hosted_stop(&it);
    CHECK_SAME(hosted_lives(&it), 2);
    CHECK_SAME(fake(it.scm)->per_state[WSV_STOPPED], 2);
    hosted_free(&it);
}

/* One journal for all lives, with what the controls carried. */
static void
test_journal_of_all_lives(void)
{
    static uint8_t data[WSV_JOURNAL_BYTES];
    wsv_control control = {200, 0, 0, "some data"};
    uint64_t number = 0, totals[WSV_JOURNAL_KINDS];
    uint32_t size = 0;
    wsv_entry entry;
    static wsv_journal journal;

    hosted_new(&it, NULL, true);
    for (control.size = 1; control.size < 9; control.size++) {
        hosted_start(&it);
        hosted_advance_to(&it, control.size); /* no control at the same time */
        CHECK_SAME(wsv_runtime_handle(it.rt, &control), 0);
        hosted_stop(&it);
    }
    CHECK_SAME(hosted_send(&it, 201), 1061);
    wsv_runtime_journal(it.rt, &journal);
    for (; wsv_journal_get(&journal, &number, &entry); number++) {
        CHECK(wsv_journal_data(&journal, &entry, data));
        if (entry.kind != WSV_JOURNAL_CONTROL || entry.a != 200) {
            CHECK_SAME(entry.data_size, 0);
            continue;
        }
        CHECK_SAME(entry.c, ++size);
        CHECK_SAME(entry.data_size, size);
        CHECK_SAME(entry.time, size * SECOND);
        CHECK(memcmp(data, control.data, size) == 0);
    }
    CHECK_SAME(size, 8);
    wsv_runtime_totals(it.rt, totals);
    CHECK_SAME(totals[WSV_JOURNAL_CONTROL], 9);
    CHECK_SAME(totals[WSV_JOURNAL_REPORT], hosted_reports(&it));
    CHECK_SAME(totals[WSV_JOURNAL_DROPPED], 0);
    hosted_free(&it);
}

/* A deadline that passed in the first life is no news in the second. */
static void
test_second_life_is_not_late(void)
{
    uint32_t state;
    wsv_oserr why;

    hosted_new(&it, NULL, true);
    hosted_start(&it);
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_PAUSE), 0);
    hosted_advance_to(&it, 32);
    fake_wait_reported(it.scm, WSV_RUNNING);
    hosted_stop(&it);
    hosted_begin(&it);
    CHECK_SAME(it.rt->progress.deadline, (32 + 60) * SECOND);
    CHECK(wsv_life_started(it.life, &why) == WSV_OK);
    hosted_stop(&it);
    CHECK(wsv_life_wait_expired(it.life, &state) == WSV_E_CLOSED);
    CHECK_SAME(state, 0);
    hosted_free(&it);
}

static void
test_many_lives(void)
{
    uint32_t i;

    hosted_new(&it, NULL, false);
    for (i = 1; i <= 50; i++) {
        hosted_start(&it);
        CHECK_SAME(it.life.number, i);
        CHECK_SAME(hosted_send(&it, WSV_CONTROL_STOP), 0);
        check_event(WSV_CONTROL_STOP);
        hosted_stop(&it);
    }
    CHECK_SAME(fake(it.scm)->per_state[WSV_STOPPED], 50);
    hosted_free(&it);
}

/* --- a life that is over
 * ------------------------------------------------------- */

/* Every call returns at once, and changes nothing of the present life. */
static void
use_old_life(wsv_life old)
{
    wsv_settings settings = {0x1FF, 7, 1, 1, 1, 1};
    wsv_reply no = {5, 60 * SECOND};
    uint32_t state = wsv_life_state(it.life), reports = hosted_reports(&it);
    bool stopping = wsv_life_is_stopping(it.life);
    uint32_t dropped = 9, expired = 9;
    const uint8_t *data;
    wsv_queued event;
    void *ignored;
    wsv_oserr why;

    CHECK(wsv_life_configure(old, &settings, &why) == WSV_E_CLOSED);
    CHECK(wsv_life_started(old, &why) == WSV_E_CLOSED);
    CHECK(wsv_life_accept(old, 0x1FF, &why) == WSV_E_STATE);
    wsv_life_reply(old, WSV_QUERY_DEVICEQUERYREMOVE, &no);
    CHECK(!wsv_life_answer(old, it.rt->ticket, 5));
    CHECK(wsv_life_subscribe(old, WSV_DEVICE_INTERFACE, NULL, 0, &ignored,
                             &why) == WSV_E_STATE);
    CHECK(wsv_life_wait_event(old, &event, &data, &dropped) == WSV_E_CLOSED);
    CHECK_SAME(dropped, 0);
    CHECK(wsv_life_begin(old, WSV_CONTROL_PAUSE, &why) == WSV_E_CLOSED);
    CHECK(wsv_life_finish(old, WSV_CONTROL_PAUSE, &why) == WSV_E_STATE);
    CHECK(wsv_life_begin(old, WSV_CONTROL_CONTINUE, &why) == WSV_E_CLOSED);
    CHECK(wsv_life_finish(old, WSV_CONTROL_CONTINUE, &why) == WSV_E_STATE);
    CHECK(wsv_life_wait_stop(old, WSV_FOREVER) == WSV_OK);
    CHECK(wsv_life_wait_stop(old, 0) == WSV_OK);
    CHECK(wsv_life_progress(old, 9, &why) == WSV_E_STATE);
    CHECK(wsv_life_request_stop(old, &why) == WSV_OK);
    CHECK(wsv_life_stopped(old, 9, 9, &why) == WSV_E_CLOSED);
    CHECK(wsv_life_wait_expired(old, &expired) == WSV_E_CLOSED);
    CHECK_SAME(expired, 0);
    wsv_life_expired_seen(old);
    CHECK_SAME(wsv_life_state(old), WSV_STOPPED);
    CHECK(wsv_life_is_stopping(old));

    CHECK_SAME(wsv_life_state(it.life), state);
    CHECK_SAME(wsv_life_is_stopping(it.life), stopping);
    CHECK_SAME(hosted_reports(&it), reports);
    CHECK_SAME(wsv_runtime_exit_code(it.rt), 0);
    CHECK_SAME(it.rt->expired_seen, false);
}

static void
test_old_life_does_nothing(void)
{
    wsv_life old;
    wsv_oserr why;

    hosted_new(&it, NULL, false);
    hosted_start(&it);
    old = it.life;
    hosted_stop(&it);
    hosted_run_main(&it);
    CHECK(wait_start(WSV_FOREVER) == WSV_OK);
    use_old_life(old); /* START_PENDING, not configured */
    CHECK(wsv_life_configure(it.life, &it.settings, &why) == WSV_OK);
    CHECK_SAME(fake_last(it.scm).accepted, 0x05);
    use_old_life(old); /* START_PENDING */
    CHECK(wsv_life_started(it.life, &why) == WSV_OK);
    CHECK_SAME(fake_last(it.scm).accepted, 0x0F);
    CHECK_SAME(hosted_send(&it, 200), 0);
    use_old_life(old); /* RUNNING, with an event that is not its own */
    check_event(200);
    CHECK_SAME(ask_to_remove(), 0);
    check_event(WSV_CONTROL_DEVICEEVENT);
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_PAUSE), 0);
    use_old_life(old); /* PAUSE_PENDING */
    check_event(WSV_CONTROL_PAUSE);
    CHECK(wsv_life_begin(it.life, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    CHECK(wsv_life_finish(it.life, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    use_old_life(old); /* PAUSED */
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_CONTINUE), 0);
    use_old_life(old); /* CONTINUE_PENDING */
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_STOP), 0);
    use_old_life(old); /* STOP_PENDING */
    hosted_stop(&it);
    use_old_life(old); /* STOPPED */
    hosted_free(&it);
}

/* Nor does it take from the next life that a deadline has passed there. */
static void
test_old_life_and_a_deadline(void)
{
    uint32_t state = 0;
    wsv_life old;

    hosted_new(&it, NULL, true);
    hosted_start(&it);
    old = it.life;
    hosted_stop(&it);
    hosted_start(&it);
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_STOP), 0);
    hosted_advance_to(&it, 32);
    while (hosted_total(&it, WSV_JOURNAL_EXPIRED) == 0)
        sched_yield();
    use_old_life(old);
    CHECK_SAME(hosted_died(&it), 0);
    CHECK(wsv_life_wait_expired(it.life, &state) == WSV_OK);
    CHECK_SAME(state, WSV_STOP_PENDING);
    wsv_life_expired_seen(it.life);
    hosted_join(&it);
    CHECK_SAME(hosted_died(&it), 64006);
    hosted_free(&it);
}

static void
wait_stop_of(void *arg)
{
    CHECK(wsv_life_wait_stop(*(wsv_life *)arg, WSV_FOREVER) == WSV_OK);
}

static void
wait_event_of(void *arg)
{
    const uint8_t *data;
    wsv_queued event;
    uint32_t dropped;

    CHECK(wsv_life_wait_event(*(wsv_life *)arg, &event, &data, &dropped) ==
          WSV_E_CLOSED);
}

static void
wait_expired_of(void *arg)
{
    uint32_t state;

    CHECK(wsv_life_wait_expired(*(wsv_life *)arg, &state) == WSV_E_CLOSED);
}

/* Who waits for something of a life returns at its end, even when the next has
 * begun before the waiting thread ran again. */
static void
test_waiting_threads_return_with_their_life(void)
{
    wsv_os_thread *stop, *event, *expired, *old_main;
    wsv_life old;
    wsv_oserr why;

    hosted_new(&it, NULL, false);
    hosted_start(&it);
    old = it.life;
    stop = thread_new(wait_stop_of, &old);
    event = thread_new(wait_event_of, &old);
    expired = thread_new(wait_expired_of, &old);
    old_main = it.service_main;
    it.service_main = NULL;
    CHECK(wsv_life_stopped(old, 0, 0, &why) == WSV_OK);
    hosted_start(&it);
    wsv_os_thread_join(stop);
    wsv_os_thread_join(event);
    wsv_os_thread_join(expired);
    wsv_os_thread_join(old_main);
    CHECK(!wsv_life_is_stopping(it.life));
    hosted_stop(&it);
    hosted_free(&it);
}

/* --- two runs of ServiceMain
 * --------------------------------------------------- */

static void
report_stopped(void *arg)
{
    wsv_oserr why;

    CHECK(wsv_life_stopped(*(wsv_life *)arg, 0, 0, &why) == WSV_OK);
}

/* The SCM knows STOPPED, and starts the service again, before the report has
 * returned: the second run waits until the first has left. */
static void
test_start_while_the_reporter_is_leaving(bool close)
{
    wsv_os_thread *stopper, *first;
    wsv_life old;
    int i;

    hosted_new(&it, NULL, false);
    hosted_start(&it);
    old = it.life;
    fake_set_gate(it.scm, WSV_STOPPED);
    stopper = thread_new(report_stopped, &old);
    fake_wait_inside(it.scm, WSV_STOPPED);
    first = it.service_main;
    it.service_main = NULL;
    hosted_run_main(&it);
    for (i = 0; i < 20; i++)
        sched_yield();
    CHECK_SAME(hosted_lives(&it), 1); /* and the fake would have protested */
    CHECK_SAME(wsv_life_state(old), WSV_STOPPED);
    CHECK(wait_start(0) == WSV_E_TIMEOUT);
    if (close) {
        wsv_runtime_close(it.rt);
        hosted_join(&it); /* though the report has not returned */
    }
    fake_set_gate(it.scm, 0);
    if (close) {
        CHECK(wait_start(WSV_FOREVER) == WSV_E_CLOSED);
        CHECK_SAME(hosted_lives(&it), 1);
    }
    else {
        CHECK(wait_start(WSV_FOREVER) == WSV_OK);
        CHECK_SAME(it.life.number, old.number + 1);
        hosted_stop(&it);
    }
    wsv_os_thread_join(stopper);
    wsv_os_thread_join(first);
    hosted_free(&it);
}

static void
check_start_reason(wsv_life life, wsv_err expected, uint32_t reason)
{
    uint32_t told = 99;
    wsv_oserr why;

    CHECK(wsv_life_start_reason(life, &told, &why) == expected);
    CHECK_SAME(told, reason);
}

/* The SCM is asked with the handle of a life that has not stopped. */
static void
test_start_reason_of_a_life(void)
{
    wsv_life old;

    hosted_new(&it, NULL, false);
    fake(it.scm)->start_reason = 4;
    hosted_begin(&it);
    check_start_reason(it.life, WSV_OK, 4);
    hosted_stop(&it);
    check_start_reason(it.life, WSV_E_STATE, 0);
    old = it.life;
    fake(it.scm)->start_reason = 8;
    hosted_start(&it);
    check_start_reason(it.life, WSV_OK, 8);
    check_start_reason(old, WSV_E_STATE, 0);
    hosted_stop(&it);
    hosted_free(&it);
}

int
main(void)
{
    int32_t before = wsv_fault_live_count();
    int i;

    watchdog(60);
    for (i = 0; i < 100; i++) {
        test_second_life_is_fresh();
        test_journal_of_all_lives();
        test_second_life_is_not_late();
        test_many_lives();
        test_old_life_does_nothing();
        test_old_life_and_a_deadline();
        test_waiting_threads_return_with_their_life();
        test_start_reason_of_a_life();
        test_start_while_the_reporter_is_leaving(false);
        test_start_while_the_reporter_is_leaving(true);
    }
    CHECK(wsv_fault_live_count() == before);
    return 0;
}
