/* The two queries that a service may refuse (D-13): answered from a table, or
 * by Python while the handler waits, and that for a bounded time. */
#define _POSIX_C_SOURCE 200809L
#include "hosted.h"

#include <sched.h>

#include "os/fault.h"

#define DENY 0x424D5144u /* BROADCAST_QUERY_DENY */
#define QUEUE_ROOM (WSV_QUEUE_SLOTS - WSV_QUEUE_RESERVED)

static const struct {
    uint32_t code, event_type;
} asked[WSV_QUERIES] = {
    [WSV_QUERY_DEVICEQUERYREMOVE] = {WSV_CONTROL_DEVICEEVENT,
                                     WSV_DBT_DEVICEQUERYREMOVE},
    [WSV_QUERY_QUERYCHANGECONFIG] = {WSV_CONTROL_HARDWAREPROFILECHANGE,
                                     WSV_DBT_QUERYCHANGECONFIG},
};

static hosted it;

static void
start_service(void)
{
    hosted_new(&it, NULL, true);
    it.settings.handled = 0x2F;
    hosted_start(&it);
}

static void
end_service(void)
{
    hosted_stop(&it);
    hosted_free(&it);
}

static void
reply(wsv_query query, uint32_t answer, uint64_t patience)
{
    wsv_reply made = {answer, patience};

    wsv_life_reply(it.life, query, &made);
}

static uint32_t
ask(wsv_query query)
{
    wsv_control control = {asked[query].code, asked[query].event_type, 0,
                           NULL};

    return wsv_runtime_handle(it.rt, &control);
}

static void
begin_to_ask(call *self, wsv_query query)
{
    call_make(self, &it, asked[query].code, asked[query].event_type);
}

static wsv_queued
next_event(uint32_t expected_dropped)
{
    const uint8_t *data;
    wsv_queued event;
    uint32_t dropped;

    CHECK(wsv_life_wait_event(it.life, &event, &data, &dropped) == WSV_OK);
    CHECK_SAME(dropped, expected_dropped);
    return event;
}

/* Its event, as Python gets it; the ticket. */
static uint32_t
see_query(wsv_query query)
{
    wsv_queued event = next_event(0);

    CHECK_SAME(event.code, asked[query].code);
    CHECK_SAME(event.event_type, asked[query].event_type);
    return event.ticket;
}

static void
check_late(wsv_query query, uint64_t total, uint32_t answer)
{
    wsv_entry entry;

    CHECK_SAME(hosted_total(&it, WSV_JOURNAL_LATE), total);
    entry = hosted_newest(&it, WSV_JOURNAL_LATE);
    CHECK_SAME(entry.a, asked[query].code);
    CHECK_SAME(entry.b, asked[query].event_type);
    CHECK_SAME(entry.result, answer);
    CHECK(entry.done != 0);
}

/* --- the table
 * ------------------------------------------------------------------ */

static void
test_table(void)
{
    wsv_query query, other;

    start_service();
    for (query = 0; query < WSV_QUERIES; query++) {
        other = (wsv_query)(WSV_QUERIES - 1 - query);
        CHECK_SAME(ask(query), 0); /* yes, unless it says otherwise */
        CHECK_SAME(see_query(query), 0);
        reply(query, DENY, 0);
        CHECK_SAME(ask(query), DENY);
        CHECK_SAME(see_query(query), 0);
        CHECK_SAME(hosted_newest(&it, WSV_JOURNAL_CONTROL).result, DENY);
        CHECK_SAME(ask(other), 0);
        CHECK_SAME(see_query(other), 0);
        reply(query, 0, 0);
        CHECK_SAME(ask(query), 0);
        CHECK_SAME(see_query(query), 0);
    }
    CHECK_SAME(hosted_total(&it, WSV_JOURNAL_LATE), 0);
    end_service();
}

/* What is said about queries is not said about their neighbours. */
static void
test_other_events(void)
{
    static const struct {
        uint32_t code, event_type;
    } others[] = {{0x0B, 0x8000}, {0x0B, 0x8002}, {0x0B, 0x17}, {0x0B, 0},
                  {0x0C, 0x8001}, {0x0C, 0x18},   {0x0C, 0},    {200, 0x8001}};
    wsv_control control = {0, 0, 0, NULL};
    wsv_queued event;
    size_t i;

    start_service();
    reply(WSV_QUERY_DEVICEQUERYREMOVE, DENY, WSV_FOREVER / 2);
    reply(WSV_QUERY_QUERYCHANGECONFIG, DENY, WSV_FOREVER / 2);
    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        control.code = others[i].code;
        control.event_type = others[i].event_type;
        CHECK_SAME(wsv_runtime_handle(it.rt, &control), 0);
        event = next_event(0);
        CHECK_SAME(event.code, others[i].code);
        CHECK_SAME(event.ticket, 0);
    }
    end_service();
}

static void
check_table_alone(uint32_t answer)
{
    CHECK_SAME(ask(WSV_QUERY_DEVICEQUERYREMOVE), answer);
    CHECK_SAME(ask(WSV_QUERY_QUERYCHANGECONFIG), answer);
}

/* Any code of our own would refuse it: what would be told that it is not up,
 * or does not accept that, is answered from the table, and waits for nobody.
 */
static void
test_not_accepted(void)
{
    wsv_queued event;
    wsv_oserr why;
    int i;

    hosted_new(&it, NULL, true); /* it does not accept the profile's */
    check_table_alone(0);        /* before there was any life */
    hosted_begin(&it);
    check_table_alone(0);
    reply(WSV_QUERY_DEVICEQUERYREMOVE, DENY, WSV_FOREVER / 2);
    reply(WSV_QUERY_QUERYCHANGECONFIG, DENY, WSV_FOREVER / 2);
    check_table_alone(DENY);
    CHECK(wsv_life_started(it.life, &why) == WSV_OK);
    CHECK_SAME(ask(WSV_QUERY_QUERYCHANGECONFIG), DENY);
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_STOP), 0);
    check_table_alone(DENY);
    for (i = 0; i < 2; i++) { /* those of its start: no handler has answered */
        event = next_event(0);
        CHECK_SAME(event.code, WSV_CONTROL_DEVICEEVENT);
        CHECK_SAME(event.ticket, 0);
    }
    CHECK_SAME(next_event(0).code, WSV_CONTROL_STOP); /* and nothing else */
    hosted_stop(&it);
    CHECK_SAME(hosted_total(&it, WSV_JOURNAL_LATE), 0);
    CHECK(!wsv_life_answer(it.life, it.rt->ticket, 0));
    hosted_free(&it);
}

/* --- Python's own answer
 * ------------------------------------------------------- */

static void
test_answered_in_time(void)
{
    static const uint32_t answers[] = {0, DENY, 5};
    uint32_t ticket, last = 0;
    wsv_query query;
    call query_call;
    size_t i;

    start_service();
    CHECK(!wsv_life_answer(it.life, 0, DENY)); /* nothing was asked */
    CHECK(!wsv_life_answer(it.life, 1, DENY));
    for (query = 0; query < WSV_QUERIES; query++)
        for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
            reply(query, 77, 2 * SECOND);
            begin_to_ask(&query_call, query);
            ticket = see_query(query);
            CHECK(ticket > last);
            last = ticket;
            CHECK(!atomic_load(&query_call.returned));
            CHECK(wsv_life_answer(it.life, ticket, answers[i]));
            call_end(&query_call);
            CHECK_SAME(query_call.answer, answers[i]);
            CHECK_SAME(hosted_newest(&it, WSV_JOURNAL_CONTROL).result,
                       answers[i]);
            CHECK(!wsv_life_answer(it.life, ticket, 99)); /* once */
        }
    CHECK_SAME(hosted_total(&it, WSV_JOURNAL_LATE), 0);
    end_service();
}

/* While the handler waits, the service goes on: no lock is held. */
static void
test_service_goes_on_meanwhile(void)
{
    wsv_query query = WSV_QUERY_DEVICEQUERYREMOVE;
    uint32_t ticket, i;
    call query_call;
    wsv_oserr why;

    start_service();
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_PAUSE), 0);
    reply(query, 77, 2 * SECOND);
    begin_to_ask(&query_call, query); /* in PAUSE_PENDING */
    CHECK_SAME(next_event(0).code, WSV_CONTROL_PAUSE);
    ticket = see_query(query);
    CHECK(wsv_life_begin(it.life, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    CHECK(wsv_life_progress(it.life, 0, &why) == WSV_OK);
    CHECK(wsv_life_finish(it.life, WSV_CONTROL_PAUSE, &why) == WSV_OK);
    CHECK(wsv_life_accept(it.life, 0x0F, &why) == WSV_OK);
    reply(query, 88, 0); /* for the next one */
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_INTERROGATE), 0);
    for (i = 0; i < 10; i++) {
        hosted_advance_to(&it, 2); /* not yet: it began at 1 s */
        sched_yield();
    }
    CHECK(!atomic_load(&query_call.returned));
    CHECK(wsv_life_answer(it.life, ticket, 5));
    call_end(&query_call);
    CHECK_SAME(query_call.answer, 5);
    CHECK_SAME(ask(query), 88);
    end_service();
}

static void
test_answered_late(void)
{
    uint32_t ticket, total = 0;
    wsv_query query;
    call query_call;

    start_service();
    for (query = 0; query < WSV_QUERIES; query++) {
        reply(query, DENY, 2 * SECOND);
        begin_to_ask(&query_call, query);
        ticket = see_query(query);
        hosted_advance_to(&it, 2 + total * 10);
        CHECK(!atomic_load(&query_call.returned));
        hosted_advance_to(&it, 11 + total * 10);
        call_end(&query_call);
        CHECK_SAME(query_call.answer, DENY);
        check_late(query, ++total, DENY);
        CHECK(!wsv_life_answer(it.life, ticket, 0));
    }
    end_service();
}

/* The handler holds up the controls of all services: however long it was told
 * to wait, it does so for 5 s (H-1). */
static void
test_patience_without_end(void)
{
    static const uint64_t patiences[] = {WSV_FOREVER, WSV_FOREVER - 1,
                                         WSV_FOREVER / 2, 6 * SECOND};
    wsv_query query = WSV_QUERY_DEVICEQUERYREMOVE;
    uint64_t i, now = 1;
    call query_call;

    start_service();
    for (i = 0; i < sizeof(patiences) / sizeof(patiences[0]); i++) {
        reply(query, DENY, patiences[i]);
        begin_to_ask(&query_call, query);
        (void)see_query(query);
        hosted_advance_to(&it, now + 4);
        sched_yield();
        CHECK_SAME(hosted_total(&it, WSV_JOURNAL_LATE), i);
        now += 5;
        hosted_advance_to(&it, now);
        call_end(&query_call); /* or the watchdog ends it */
        CHECK_SAME(query_call.answer, DENY);
        check_late(query, i + 1, DENY);
    }
    end_service();
}

/* Against the clock of the day. */
static void
test_patience_is_bounded(void)
{
    uint64_t before, took;

    hosted_new(&it, NULL, false);
    hosted_start(&it);
    reply(WSV_QUERY_DEVICEQUERYREMOVE, DENY, 20 * WSV_NS_PER_MS);
    before = wsv_os_now();
    CHECK_SAME(ask(WSV_QUERY_DEVICEQUERYREMOVE), DENY);
    took = wsv_os_now() - before;
    CHECK(took >= 20 * WSV_NS_PER_MS);
    CHECK(took < 10 * SECOND);
    check_late(WSV_QUERY_DEVICEQUERYREMOVE, 1, DENY);
    end_service();
}

/* An answer to the query before is no answer to this one. */
static void
test_stale_ticket(void)
{
    wsv_query query = WSV_QUERY_DEVICEQUERYREMOVE;
    uint32_t first, second;
    call query_call;

    start_service();
    reply(query, 77, 2 * SECOND);
    begin_to_ask(&query_call, query);
    first = see_query(query);
    hosted_advance_to(&it, 11);
    call_end(&query_call);
    begin_to_ask(&query_call, query);
    second = see_query(query);
    CHECK(second != first && second != 0);
    CHECK(!wsv_life_answer(it.life, first, 5));
    CHECK(!wsv_life_answer(it.life, 0, 5));
    CHECK(!wsv_life_answer(it.life, second + 1, 5));
    CHECK(!atomic_load(&query_call.returned));
    CHECK(wsv_life_answer(it.life, second, 6));
    call_end(&query_call);
    CHECK_SAME(query_call.answer, 6);
    end_service();
}

/* --- the end of the service while the handler waits
 * ---------------------------- */

static void
request_stop(void)
{
    wsv_oserr why;

    CHECK(wsv_life_request_stop(it.life, &why) == WSV_OK);
}

static void
stop_at_once(void)
{
    wsv_oserr why;

    CHECK(wsv_life_stopped(it.life, 0, 0, &why) == WSV_OK);
}

static void
send_stop(void)
{
    CHECK_SAME(hosted_send(&it, WSV_CONTROL_STOP), 0);
}

static void
close_service(void)
{
    wsv_runtime_close(it.rt);
}

/* It gets the default at once: STOPPED may need what the handler holds
 * (H-13). */
static void
test_end_meanwhile(void (*end)(void))
{
    wsv_query query = WSV_QUERY_DEVICEQUERYREMOVE;
    call query_call;
    uint32_t ticket;

    start_service();
    reply(query, DENY, WSV_FOREVER / 2);
    begin_to_ask(&query_call, query);
    ticket = see_query(query);
    end();
    call_end(&query_call);
    CHECK_SAME(query_call.answer, DENY);
    check_late(query, 1, DENY);
    CHECK(!wsv_life_answer(it.life, ticket, 0));
    if (end != close_service)
        hosted_stop(&it);
    hosted_free(&it);
}

/* The next life has begun before the handler looked: its query is the old
 * life's still, and gets its default. */
static void
test_next_life_meanwhile(void)
{
    wsv_query query = WSV_QUERY_DEVICEQUERYREMOVE;
    wsv_os_thread *old_main;
    uint32_t ticket, next;
    call query_call, other;
    wsv_life old;
    wsv_oserr why;

    start_service();
    reply(query, DENY, WSV_FOREVER / 2);
    begin_to_ask(&query_call, query);
    ticket = see_query(query);
    old = it.life;
    old_main = it.service_main;
    it.service_main = NULL;
    CHECK(wsv_life_stopped(old, 0, 0, &why) == WSV_OK);
    hosted_start(&it);
    call_end(&query_call);
    CHECK_SAME(query_call.answer, DENY);
    wsv_os_thread_join(old_main);
    CHECK(!wsv_life_answer(old, ticket, 5));
    CHECK_SAME(ask(query), 0); /* the next one's table */
    CHECK_SAME(see_query(query), 0);
    reply(query, DENY, WSV_FOREVER / 2);
    begin_to_ask(&other, query);
    next = see_query(query);
    CHECK(next != ticket);
    CHECK(!wsv_life_answer(old, next, 5));
    CHECK(!wsv_life_answer(it.life, ticket, 5));
    CHECK(wsv_life_answer(it.life, next, 6));
    call_end(&other);
    CHECK_SAME(other.answer, 6);
    end_service();
}

/* --- a full queue
 * -------------------------------------------------------------- */

/* To refuse a query would be an answer of its own: it gets the default, and at
 * once, since Python will not see it. */
static void
test_full_queue(void)
{
    wsv_query query = WSV_QUERY_DEVICEQUERYREMOVE;
    uint32_t tickets, i;
    wsv_entry entry;

    start_service();
    for (i = 0; i < QUEUE_ROOM; i++)
        CHECK_SAME(hosted_send(&it, 200), 0);
    CHECK_SAME(hosted_send(&it, 200), 1816);
    CHECK_SAME(ask(query), 0);
    reply(query, DENY, 0);
    CHECK_SAME(ask(query), DENY);
    reply(query, 77, WSV_FOREVER / 2);
    CHECK_SAME(ask(query), 77);
    reply(query, 0, WSV_FOREVER / 2);
    CHECK_SAME(ask(query), 0);
    for (tickets = 0; tickets < 5; tickets++)
        CHECK(!wsv_life_answer(it.life, tickets, 5));
    CHECK_SAME(hosted_total(&it, WSV_JOURNAL_DROPPED), 5);
    entry = hosted_newest(&it, WSV_JOURNAL_DROPPED);
    CHECK_SAME(entry.a, asked[query].code);
    CHECK_SAME(entry.b, asked[query].event_type);
    CHECK_SAME(hosted_total(&it, WSV_JOURNAL_LATE), 0);
    CHECK_SAME(next_event(5).code, 200);
    end_service();
}

int
main(void)
{
    int32_t before = wsv_fault_live_count();
    int i;

    watchdog(60);
    for (i = 0; i < 100; i++) {
        test_table();
        test_other_events();
        test_not_accepted();
        test_answered_in_time();
        test_service_goes_on_meanwhile();
        test_answered_late();
        test_patience_without_end();
        test_stale_ticket();
        test_end_meanwhile(request_stop);
        test_end_meanwhile(stop_at_once);
        test_end_meanwhile(send_stop);
        test_end_meanwhile(close_service);
        test_next_life_meanwhile();
        test_full_queue();
    }
    test_patience_is_bounded();
    CHECK(wsv_fault_live_count() == before);
    return 0;
}
