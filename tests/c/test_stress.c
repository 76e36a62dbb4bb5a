/* A flood of controls from three senders: none lost, none out of order, while
 * the service pauses, continues and at last stops, and the reporter thread
 * raises checkpoints all the time.  Another service of its process is stopped
 * and started again meanwhile, in a storm of its own. */
#define _POSIX_C_SOURCE 200809L
#include "core/runtime.h"

#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "fake_scm.h"
#include "restarts.h"
#include "threads.h"

#define SENDERS 3u
#define HANDLED 0x0Fu /* STOP, PAUSE_CONTINUE, SHUTDOWN, PARAMCHANGE */
#define FINISH 200u   /* the conductor's word to the reader */
#define MAX_PAYLOAD 40u
#define CHECKPOINTS 3u

static wsv_scm *scm;
static wsv_family family;
static wsv_runtime *rt;
static wsv_life life;
static uint32_t flood;      /* controls of each sender before the end begins */
static atomic_uint through; /* senders that have sent their flood */
static atomic_bool ending;
static uint32_t accepted[SENDERS]; /* each its sender's, until it is joined */
static uint32_t received[SENDERS]; /* the reader's */
static uint32_t params_sent, params_seen;
static uint32_t refused[SENDERS];
static uint32_t refused_words; /* the conductor's */
static uint32_t dropped;       /* what the reader was told of all that */

static void
fill(uint8_t *data, uint32_t sender, uint32_t sequence, uint32_t size)
{
    memset(data, (int)((sender * 85 + sequence) & 0xFF), size);
}

static void
send_flood(void *arg)
{
    uint32_t sender = *(uint32_t *)arg, sequence = 0, answer;
    uint8_t data[MAX_PAYLOAD];
    wsv_control control = {128 + sender, 0, 0, data};

    for (;;) {
        control.event_type = sequence;
        control.size = sequence % (MAX_PAYLOAD + 1);
        fill(data, sender, sequence, control.size);
        answer = wsv_runtime_handle(rt, &control);
        memset(data, 0xDD, sizeof(data)); /* I-127 */
        if (answer == 1816) {             /* full: nothing was taken */
            refused[sender]++;
            sched_yield();
            continue;
        }
        if (answer == 1061) /* it stops; not before the conductor says so */
            break;
        CHECK_SAME(answer, 0);
        if (++sequence == flood)
            atomic_fetch_add(&through, 1);
    }
    CHECK(atomic_load(&ending));
    CHECK(sequence >= flood);
    accepted[sender] = sequence;
}

static void
tell(uint32_t code)
{
    wsv_control control = {code, 0, 0, NULL};
    uint32_t answer;

    while ((answer = wsv_runtime_handle(rt, &control)) == 1816) {
        refused_words++;
        sched_yield();
    }
    CHECK_SAME(answer, 0);
}

static uint32_t
reports_of(uint32_t state)
{
    uint32_t count;

    wsv_os_mutex_lock(fake(scm)->lock);
    count = fake(scm)->per_state[state];
    wsv_os_mutex_unlock(fake(scm)->lock);
    return count;
}

/* Through a pending state in which the reporter raises some checkpoints. */
static void
go_through(uint32_t control, uint32_t pending, uint32_t stable)
{
    uint32_t target = reports_of(pending) + CHECKPOINTS;

    tell(control);
    wsv_os_mutex_lock(fake(scm)->lock);
    while (fake(scm)->per_state[pending] < target)
        (void)wsv_os_cond_wait(fake(scm)->changed, fake(scm)->lock,
                               WSV_FOREVER);
    wsv_os_mutex_unlock(fake(scm)->lock);
    tell(FINISH);
    fake_wait_reported(scm, stable);
}

static void
conduct(void *arg)
{
    wsv_oserr why;

    (void)arg;
    while (atomic_load(&through) < SENDERS) {
        go_through(WSV_CONTROL_PAUSE, 6, 7);
        go_through(WSV_CONTROL_CONTINUE, 5, 4);
        CHECK(wsv_life_accept(life, HANDLED | 0x10, &why) == WSV_OK);
        CHECK(wsv_life_accept(life, HANDLED, &why) == WSV_OK);
        tell(WSV_CONTROL_PARAMCHANGE);
        params_sent++;
        tell(WSV_CONTROL_INTERROGATE);
    }
    atomic_store(&ending, true);
    tell(WSV_CONTROL_PAUSE);
    tell(WSV_CONTROL_CONTINUE);
    tell(WSV_CONTROL_PAUSE);
    tell(WSV_CONTROL_STOP);
    tell(WSV_CONTROL_STOP); /* again: answered, not queued */
}

static void
see_user_control(const wsv_queued *event, const uint8_t *data)
{
    uint32_t sender = event->code - 128;
    uint8_t expected[MAX_PAYLOAD];

    CHECK(sender < SENDERS);
    CHECK_SAME(event->count, 1);
    CHECK_SAME(event->event_type, received[sender]);
    CHECK_SAME(event->size, received[sender] % (MAX_PAYLOAD + 1));
    fill(expected, sender, received[sender], event->size);
    CHECK(memcmp(data, expected, event->size) == 0);
    received[sender]++;
}

static void
see_pause_or_continue(uint32_t control)
{
    wsv_oserr why;
    wsv_err err = wsv_life_begin(life, control, &why);

    if (atomic_load(&ending)) {
        if (err == WSV_OK)
            err = wsv_life_finish(life, control, &why);
        CHECK(err == WSV_OK || err == WSV_E_STATE);
        return;
    }
    CHECK(err == WSV_OK);
    CHECK(wsv_life_progress(life, 1, &why) == WSV_OK);
}

static void
read_events(void)
{
    uint32_t begun = 0, lost;
    const uint8_t *data;
    wsv_queued event;
    wsv_oserr why;

    for (;;) {
        CHECK(wsv_life_wait_event(life, &event, &data, &lost) == WSV_OK);
        dropped += lost;
        switch (event.code) {
        case WSV_CONTROL_STOP:
            return;
        case WSV_CONTROL_PAUSE:
        case WSV_CONTROL_CONTINUE:
            begun = event.code;
            see_pause_or_continue(begun);
            break;
        case WSV_CONTROL_PARAMCHANGE:
            params_seen += event.count;
            break;
        case FINISH:
            CHECK(wsv_life_finish(life, begun, &why) == WSV_OK);
            break;
        default:
            see_user_control(&event, data);
        }
    }
}

static void
run_service_main(void *arg)
{
    static const wsv_wchar name[] = {'S', 0};
    static const wsv_wchar *const argv[] = {name, name};

    (void)arg;
    wsv_runtime_main(rt, 2, argv);
}

static void
wait_for_the_stop(void *arg)
{
    (void)arg;
    CHECK(wsv_life_wait_stop(life, WSV_FOREVER) == WSV_OK);
    CHECK(wsv_life_is_stopping(life));
}

static void
wait_for_deadlines(void *arg)
{
    uint32_t state;

    (void)arg;
    CHECK(wsv_life_wait_expired(life, &state) == WSV_E_CLOSED);
}

int
main(int argc, char **argv)
{
    static const wsv_wchar name[] = {'S', 0};
    uint32_t total = argc > 1 ? (uint32_t)atoi(argv[1]) : 1000000u;
    wsv_settings settings = {HANDLED,     1,           WSV_FOREVER,
                             WSV_FOREVER, WSV_FOREVER, WSV_FOREVER};
    wsv_os_thread *senders[SENDERS], *service, *conductor, *stop, *deadline;
    uint32_t ids[SENDERS], i, lost, sum = 0, full;
    const uint8_t *data;
    wsv_queued event;
    wsv_oserr why;
    uint64_t start;
    double seconds;

    watchdog(150);
    flood = (total + SENDERS - 1) / SENDERS;
    scm = fake_new();
    fake(scm)->type = 0x20;
    CHECK(wsv_family_new(&family) == WSV_OK);
    CHECK(wsv_runtime_new(scm, &family, name, &rt) == WSV_OK);
    restarts_new(&family);
    service = thread_new(run_service_main, NULL);
    CHECK(wsv_runtime_wait_start(rt, WSV_FOREVER, &life, &why) == WSV_OK);
    CHECK(wsv_life_configure(life, &settings, &why) == WSV_OK);
    CHECK(wsv_life_started(life, &why) == WSV_OK);
    restarts_begin();
    stop = thread_new(wait_for_the_stop, NULL);
    deadline = thread_new(wait_for_deadlines, NULL);

    start = wsv_os_now();
    for (i = 0; i < SENDERS; i++) {
        ids[i] = i;
        senders[i] = thread_new(send_flood, &ids[i]);
    }
    conductor = thread_new(conduct, NULL);
    read_events();
    seconds = (double)(wsv_os_now() - start) / 1e9;
    for (i = 0; i < SENDERS; i++)
        wsv_os_thread_join(senders[i]);
    wsv_os_thread_join(conductor);

    restarts_end();

    CHECK_SAME(wsv_life_state(life), 3);
    CHECK(wsv_life_stopped(life, 1066, 7, &why) == WSV_OK);
    CHECK(wsv_life_stopped(life, 0, 0, &why) == WSV_OK);
    CHECK(wsv_life_wait_event(life, &event, &data, &lost) == WSV_E_CLOSED);
    dropped += lost;
    wsv_os_thread_join(service);
    wsv_os_thread_join(stop);
    wsv_os_thread_join(deadline);

    full = refused_words;
    for (i = 0; i < SENDERS; i++) {
        CHECK_SAME(received[i], accepted[i]);
        sum += received[i];
        full += refused[i];
    }
    CHECK_SAME(dropped, full);
    CHECK_SAME(params_seen, params_sent);
    CHECK_SAME(fake_last(scm).state, 1);
    CHECK_SAME(fake_last(scm).exit_code, 1066);
    CHECK_SAME(fake_last(scm).specific_code, 7);
    CHECK_SAME(fake(scm)->per_state[1], 1);
    printf("%" PRIu32 " controls in %.2f s, %.0f a second; %" PRIu32
           " retries of a full queue, %" PRIu32 " reports, %" PRIu32
           " pauses\n",
           sum, seconds, sum / seconds, full, fake(scm)->reports,
           fake(scm)->per_state[7]);
    wsv_runtime_free(rt);
    restarts_free();
    fake_free(scm);
    wsv_family_free(&family);
    return 0;
}
