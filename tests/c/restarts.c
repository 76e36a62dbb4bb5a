#define _POSIX_C_SOURCE 200809L
#include "restarts.h"

#include <inttypes.h>
#include <sched.h>
#include <string.h>

#include "hosted.h"

#define HANDLED 0x0Fu
#define PAYLOAD 24u
#define DENY 5u

static hosted it;
static wsv_os_thread *host, *dispatcher, *ghost;
static atomic_bool ending;
static atomic_uint begun;          /* number of the newest life */
static atomic_uint_fast64_t sent;  /* that were accepted, in all lives */
static uint32_t received;          /* the reader's of the present life */
static uint32_t expired, answered; /* as above; read once all are joined */
static uint32_t ghosts;

/* --- its SCM, which sends one control after the other
 * -------------------------- */

static uint32_t
send_next(uint32_t step)
{
    static const uint32_t codes[] = {WSV_CONTROL_PAUSE, WSV_CONTROL_CONTINUE,
                                     WSV_CONTROL_INTERROGATE,
                                     WSV_CONTROL_PARAMCHANGE};
    wsv_control query = {WSV_CONTROL_DEVICEEVENT, WSV_DBT_DEVICEQUERYREMOVE, 0,
                         NULL};
    uint32_t sequence = (uint32_t)atomic_load(&sent), answer;
    uint8_t data[PAYLOAD];
    wsv_control control = {200, sequence, sequence % (PAYLOAD + 1), data};

    if (step % 50 == 7)
        return hosted_send(&it, codes[step / 50 % 4]);
    if (step % 500 == 9)
        return wsv_runtime_handle(it.rt, &query);
    if (step % 9000 == 11)
        return hosted_send(&it, WSV_CONTROL_STOP);
    memset(data, (int)(sequence & 0xFF), sizeof(data));
    answer = wsv_runtime_handle(it.rt, &control);
    memset(data, 0xDD, sizeof(data));
    if (answer == 0)
        atomic_fetch_add(&sent, 1);
    return answer;
}

static void
dispatch(void *arg)
{
    uint32_t step, answer;

    (void)arg;
    for (step = 0; !atomic_load(&ending); step++) {
        answer = send_next(step);
        CHECK(answer == 0 || answer == DENY || answer == 120 ||
              answer == 1061 || answer == 1816);
        if (answer != 0)
            sched_yield();
    }
}

/* --- one life
 * ------------------------------------------------------------------ */

static void
see(const wsv_queued *event, const uint8_t *data)
{
    uint8_t expected[PAYLOAD];
    wsv_oserr why;

    switch (event->code) {
    case WSV_CONTROL_PAUSE:
    case WSV_CONTROL_CONTINUE:
        if (wsv_life_begin(it.life, event->code, &why) == WSV_OK)
            (void)wsv_life_finish(it.life, event->code, &why);
        break;
    case WSV_CONTROL_DEVICEEVENT:
        if (event->ticket % 4 != 0) /* else it is late, or came at the start */
            answered += wsv_life_answer(it.life, event->ticket,
                                        event->ticket % 2 != 0 ? DENY : 0);
        break;
    case WSV_CONTROL_PARAMCHANGE:
        break;
    default:
        CHECK_SAME(event->code, 200);
        CHECK_SAME(event->event_type, received);
        CHECK_SAME(event->size, received % (PAYLOAD + 1));
        memset(expected, (int)(received & 0xFF), sizeof(expected));
        CHECK(memcmp(data, expected, event->size) == 0);
        received++;
    }
}

static void
read_events(void *arg)
{
    uint32_t lost;
    const uint8_t *data;
    wsv_queued event;

    (void)arg;
    for (;;) {
        CHECK(wsv_life_wait_event(it.life, &event, &data, &lost) == WSV_OK);
        if (event.code == WSV_CONTROL_STOP)
            return;
        see(&event, data);
    }
}

static void
watch_deadlines(void *arg)
{
    uint32_t state;

    (void)arg;
    while (wsv_life_wait_expired(it.life, &state) == WSV_OK) {
        CHECK(wsv_state_is_pending(state));
        wsv_life_expired_seen(it.life);
        expired++;
    }
}

/* Some stop later than they may: they hang, and since the other service of the
 * process is up they live. */
static bool
is_late(uint32_t number)
{
    return number % 16 == 3;
}

static void
live(uint32_t number)
{
    wsv_reply no = {DENY, 300 * WSV_NS_PER_MS / 1000};
    bool late = is_late(number);
    wsv_os_thread *reader, *deadlines;
    wsv_oserr why;

    it.settings.handled = HANDLED;
    it.settings.hint = 1;
    it.settings.stop = late ? WSV_NS_PER_MS : WSV_FOREVER;
    CHECK(wsv_life_configure(it.life, &it.settings, &why) == WSV_OK);
    wsv_life_reply(it.life, WSV_QUERY_DEVICEQUERYREMOVE, &no);
    reader = thread_new(read_events, NULL);
    deadlines = thread_new(watch_deadlines, NULL);
    (void)wsv_life_started(it.life, &why); /* if it is not stopping already */
    if (wsv_life_wait_stop(it.life, number % 5 * WSV_NS_PER_MS) != WSV_OK)
        CHECK(wsv_life_request_stop(it.life, &why) == WSV_OK);
    if (late)
        hosted_wait_hanging(&it);
    wsv_os_thread_join(reader);
    CHECK(wsv_life_stopped(it.life, 0, 0, &why) == WSV_OK);
    CHECK_SAME(wsv_life_state(it.life), WSV_STOPPED);
    wsv_os_thread_join(deadlines);
}

/* A different parameter for every life that may be about at the same time. */
static const wsv_wchar *const *
make_arguments(uint32_t number)
{
    static wsv_wchar texts[8][2];
    static const wsv_wchar *arguments[8][2];
    uint32_t i = number % 8;

    texts[i][0] = (wsv_wchar)('a' + i);
    arguments[i][0] = wsv_runtime_name(it.rt);
    arguments[i][1] = texts[i];
    return arguments[i];
}

static void
live_on(void *arg)
{
    wsv_os_thread *old_main = NULL;
    const wsv_wchar *const *argv;
    uint32_t number, argc;
    wsv_oserr why;

    (void)arg;
    for (number = 1; !atomic_load(&ending); number++) {
        it.argc = 2;
        it.argv = make_arguments(number);
        hosted_run_main(&it); /* while the last one's leaves */
        CHECK(wsv_runtime_wait_start(it.rt, WSV_FOREVER, &it.life, &why) ==
              WSV_OK);
        wsv_os_thread_join(old_main);
        CHECK_SAME(it.life.number, number);
        wsv_life_arguments(it.life, &argc, &argv);
        CHECK_SAME(argc, 2);
        CHECK_SAME(argv[1][0], 'a' + number % 8);
        atomic_store(&begun, number);
        live(number);
        old_main = it.service_main;
        it.service_main = NULL;
    }
    wsv_os_thread_join(old_main);
}

/* --- a thread of a life that is over
 * ------------------------------------------- */

static void
haunt_once(wsv_life old)
{
    uint32_t number;
    const uint8_t *data;
    wsv_queued event;
    wsv_oserr why;
    void *kept;

    CHECK(wsv_life_is_stopping(old));
    CHECK_SAME(wsv_life_state(old), WSV_STOPPED);
    CHECK(wsv_life_progress(old, 1, &why) == WSV_E_STATE);
    CHECK(wsv_life_accept(old, 0, &why) == WSV_E_STATE);
    CHECK(wsv_life_request_stop(old, &why) == WSV_OK);
    CHECK(wsv_life_wait_stop(old, WSV_FOREVER) == WSV_OK);
    CHECK(wsv_life_wait_event(old, &event, &data, &number) == WSV_E_CLOSED);
    CHECK(wsv_life_wait_expired(old, &number) == WSV_E_CLOSED);
    CHECK(!wsv_life_answer(old, atomic_load(&begun), 0));
    CHECK(wsv_life_subscribe(old, WSV_DEVICE_INTERFACE, NULL, 0, &kept,
                             &why) == WSV_E_STATE);
    CHECK(wsv_life_stopped(old, 9, 9, &why) == WSV_E_CLOSED);
}

static void
haunt(void *arg)
{
    wsv_life life = {it.rt, 0};
    void *kept;
    wsv_oserr why;

    (void)arg;
    for (ghosts = 0; !atomic_load(&ending); ghosts++) {
        life.number = atomic_load(&begun);
        /* Of the present life, which may end and another begin meanwhile. */
        if (wsv_life_subscribe(life, WSV_DEVICE_INTERFACE, NULL, 0, &kept,
                               &why) == WSV_OK)
            CHECK(wsv_life_unsubscribe(life, WSV_DEVICE_INTERFACE, kept,
                                       &why) == WSV_OK);
        if (!is_late(life.number)) /* it would not be, then */
            (void)wsv_life_progress(life, 1, &why);
        (void)wsv_life_accept(life, HANDLED, &why);
        if (life.number > 1) {
            life.number--;
            haunt_once(life);
        }
        sched_yield();
    }
}

/* --- all of it
 * ----------------------------------------------------------------- */

void
restarts_new(wsv_family *family)
{
    hosted_new(&it, family, false);
}

void
restarts_begin(void)
{
    host = thread_new(live_on, NULL);
    dispatcher = thread_new(dispatch, NULL);
    ghost = thread_new(haunt, NULL);
}

void
restarts_end(void)
{
    uint32_t lives;

    atomic_store(&ending, true);
    wsv_os_thread_join(dispatcher);
    wsv_os_thread_join(ghost);
    wsv_os_thread_join(host);
    lives = atomic_load(&begun);
    CHECK_SAME(received, (uint32_t)atomic_load(&sent));
    CHECK_SAME(hosted_lives(&it), lives);
    CHECK_SAME(fake(it.scm)->per_state[WSV_STOPPED], lives);
    CHECK_SAME(hosted_total(&it, WSV_JOURNAL_REPORT), hosted_reports(&it));
    CHECK_SAME(expired, (lives + 13) / 16); /* those that were late */
    CHECK_SAME(hosted_died(&it), 0);
    printf("%" PRIu32 " lives beside it with %" PRIu32 " controls, %" PRIu32
           " answers, %" PRIu32 " missed deadlines, %" PRIu32 " ghosts\n",
           lives, received, answered, expired, ghosts);
}

void
restarts_free(void)
{
    hosted_free(&it);
}
