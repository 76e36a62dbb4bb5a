/* The simulated wire by itself, with services of ten lines: shared processes
 * requests in order, subscriptions. */
#define _POSIX_C_SOURCE 200809L
#include "scm/sim.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "check.h"
#include "os/fault.h"
#include "threads.h"

#define SERVICES 3u
#define SECOND (1000 * WSV_NS_PER_MS)
#define TIMEOUT (30 * SECOND)
#define STOPPED 1u
#define RUNNING 4u
#define BLOCK 200u  /* its handler waits for the gate */
#define REFUSE 201u /* its handler answers 1061 */
#define COUNT 202u  /* its data: a sender and a sequence number */
#define SENDERS 4u
#define SENT 2000u

typedef struct house house;

typedef struct plain {
    house *house;
    void *handle;   /* all: under the house's lock */
    uint32_t lives; /* ServiceMain's runs */
    uint32_t argc;  /* of the last */
    wsv_wchar argument;
    uint32_t handled;
    bool stop;
    bool orphaned;
    bool inside; /* the handler waits for the gate */
} plain;

struct house {
    wsv_clock *clock;
    wsv_scm *wire;
    wsv_os_thread *dispatcher;
    wsv_os_mutex *lock;
    wsv_os_cond *changed;
    plain services[SERVICES];
    wsv_scm_entry entries[SERVICES];
    bool gate;
    bool returned;
    wsv_err result;
    uint32_t next[SENDERS];
};

static const wsv_wchar name_a[] = {'A', 0}, name_b[] = {'B', 0};
static const wsv_wchar name_c[] = {'C', 0}, name_x[] = {'x', 0};
static const wsv_wchar lower_a[] = {'a', 0}, lower_c[] = {'c', 0};
static const wsv_wchar *const names[] = {name_a, name_b, name_c};

/* --- the services
 * ------------------------------------------------------------ */

static wsv_err
report(const plain *self, uint32_t state, wsv_oserr *why)
{
    wsv_status status = {0x20, state, 0, 0, 0, 0, 0};

    return wsv_scm_report(self->house->wire, self->handle, &status, why);
}

static void
plain_main(void *ctx, uint32_t argc, const wsv_wchar *const *argv)
{
    plain *self = ctx;
    house *it = self->house;
    wsv_scm_entry *entry = &it->entries[self - it->services];
    wsv_oserr why;
    void *handle;
    bool orphaned;

    if (self->handle != NULL) { /* not before it has registered anew */
        CHECK(report(self, RUNNING, &why) == WSV_E_OS);
        CHECK_SAME(why.code, 6);
    }
    CHECK(wsv_scm_register(it->wire, entry, name_x, &handle, &why) ==
          WSV_E_OS); /* */
    CHECK_SAME(why.code, 1083);
    CHECK(wsv_scm_register(it->wire, entry, argv[0], &handle, &why) == WSV_OK);
    wsv_os_mutex_lock(it->lock);
    CHECK(self->handle == NULL || self->handle == handle);
    self->handle = handle;
    self->lives++;
    self->argc = argc;
    self->argument = argc > 1 ? argv[1][0] : 0;
    wsv_os_mutex_unlock(it->lock);
    (void)report(self, RUNNING, &why); /* fails in a dead process */
    wsv_os_mutex_lock(it->lock);
    while (!self->stop && !self->orphaned)
        (void)wsv_scm_wait(it->wire, it->changed, it->lock, WSV_FOREVER, true);
    orphaned = self->orphaned;
    self->stop = false;
    wsv_os_mutex_unlock(it->lock);
    if (orphaned)
        return;
    if (report(self, STOPPED, &why) == WSV_OK) { /* */
        CHECK(report(self, STOPPED, &why) == WSV_E_OS);
        CHECK_SAME(why.code, 6);
    }
}

static void
count_locked(house *it, const wsv_control *control)
{
    uint32_t word[2];

    CHECK_SAME(control->size, sizeof(word));
    memcpy(word, control->data, sizeof(word));
    CHECK(word[0] < SENDERS);
    CHECK_SAME(word[1], it->next[word[0]]++);
}

static uint32_t
plain_handle(void *ctx, const wsv_control *control)
{
    plain *self = ctx;
    house *it = self->house;

    wsv_os_mutex_lock(it->lock);
    self->handled++;
    if (control->code == WSV_CONTROL_STOP)
        self->stop = true;
    if (control->code == COUNT)
        count_locked(it, control);
    if (control->code == BLOCK) {
        self->inside = true;
        wsv_os_cond_broadcast(it->changed);
        while (it->gate)
            (void)wsv_os_cond_wait(it->changed, it->lock, WSV_FOREVER);
        self->inside = false;
    }
    wsv_scm_wake(it->wire, it->changed);
    wsv_os_mutex_unlock(it->lock);
    return control->code == REFUSE ? 1061 : 0;
}

static void
plain_orphaned(void *ctx)
{
    plain *self = ctx;

    wsv_os_mutex_lock(self->house->lock);
    self->orphaned = true;
    wsv_scm_wake(self->house->wire, self->house->changed);
    wsv_os_mutex_unlock(self->house->lock);
}

static void
dispatch(void *arg)
{
    house *it = arg;
    wsv_oserr why;
    wsv_err result;

    result = wsv_scm_dispatch(it->wire, it->entries, SERVICES, &why);
    wsv_os_mutex_lock(it->lock);
    it->result = result;
    it->returned = true;
    wsv_os_cond_broadcast(it->changed);
    wsv_os_mutex_unlock(it->lock);
}

/* --- the house and its client
 * ----------------------------------------------- */

static void
house_open(house *it, wsv_clock *clock)
{
    uint32_t i;

    memset(it, 0, sizeof(*it));
    it->clock = clock;
    CHECK(wsv_sim_new(clock, &it->wire) == WSV_OK);
    CHECK(wsv_os_mutex_new(&it->lock) == WSV_OK);
    CHECK(wsv_os_cond_new(&it->changed) == WSV_OK);
    for (i = 0; i < SERVICES; i++) {
        it->services[i].house = it;
        it->entries[i].name = names[i];
        it->entries[i].service_main = plain_main;
        it->entries[i].handler = plain_handle;
        it->entries[i].orphaned = plain_orphaned;
        it->entries[i].ctx = &it->services[i];
    }
    it->dispatcher = thread_new(dispatch, it);
    CHECK(wsv_sim_wait_connected(it->wire, TIMEOUT) == WSV_SIM_DONE);
}

static wsv_err
house_close(house *it)
{
    wsv_os_thread_join(it->dispatcher);
    CHECK(it->returned);
    wsv_os_cond_free(it->changed);
    wsv_os_mutex_free(it->lock);
    wsv_sim_free(it->wire);
    return it->result;
}

static wsv_sim_outcome
start(house *it, const wsv_wchar *name, wsv_wchar argument)
{
    const wsv_wchar text[] = {argument, 0};
    const wsv_wchar *const argv[] = {name, text};

    return wsv_sim_start(it->wire, false, 2, argv, TIMEOUT);
}

static wsv_sim_outcome
control(house *it, uint32_t service, uint32_t code, uint32_t *answer)
{
    wsv_control message = {code, 0, 0, NULL};

    return wsv_sim_control(it->wire, service, &message, TIMEOUT, answer);
}

/* Wait until a service has reported a state in its present life. */
static void
reach(house *it, uint32_t service, uint32_t state)
{
    wsv_sim_report last;
    uint64_t count;

    for (;;) {
        count = wsv_sim_last(it->wire, service, &last);
        if (count != 0 && last.status.state == state)
            break;
        wsv_sim_wait_change(it->wire, service, count, WSV_FOREVER);
    }
    CHECK_SAME(last.service, service);
}

static void
stop(house *it, uint32_t service)
{
    uint32_t answer;

    CHECK(control(it, service, WSV_CONTROL_STOP, &answer) == WSV_SIM_DONE);
    CHECK_SAME(answer, 0);
    reach(it, service, STOPPED);
}

/* Wait until the handler of the first service waits for the gate. */
static void
wait_inside(house *it)
{
    wsv_os_mutex_lock(it->lock);
    while (!it->services[0].inside)
        (void)wsv_os_cond_wait(it->changed, it->lock, WSV_FOREVER);
    wsv_os_mutex_unlock(it->lock);
}

static void
open_gate(house *it)
{
    wsv_os_mutex_lock(it->lock);
    it->gate = false;
    wsv_os_cond_broadcast(it->changed);
    wsv_os_mutex_unlock(it->lock);
}

/* --- the tests
 * --------------------------------------------------------------- */

static void
test_a_service_starts_again_in_the_same_process(void)
{
    wsv_clock *clock;
    wsv_sim_report last;
    uint32_t answer, life;
    house it;

    CHECK(wsv_clock_new(true, &clock) == WSV_OK);
    house_open(&it, clock);
    CHECK(control(&it, 0, BLOCK, &answer) == WSV_SIM_NOT_RUNNING);
    CHECK(start(&it, name_a, '1') == WSV_SIM_DONE);
    CHECK(start(&it, lower_c, '1') == WSV_SIM_DONE); /* */
    CHECK(start(&it, name_x, '1') == WSV_SIM_NOT_IN_EXE);
    CHECK(start(&it, lower_a, '1') == WSV_SIM_RUNNING);
    for (life = 2; life <= 50; life++) { /* A-28, I-92 */
        reach(&it, 0, RUNNING);
        stop(&it, 0);
        CHECK(control(&it, 0, REFUSE, &answer) == WSV_SIM_NOT_RUNNING);
        CHECK(start(&it, name_a, (wsv_wchar)('0' + life)) == WSV_SIM_DONE);
        wsv_sim_wait_change(it.wire, 0, 2 * life - 2, WSV_FOREVER);
        CHECK_SAME(it.services[0].lives, life);
        CHECK_SAME(it.services[0].argc, 2);
        CHECK_SAME(it.services[0].argument, (uint32_t)('0' + life));
        CHECK(!it.returned);
    }
    CHECK_SAME(wsv_sim_last(it.wire, 0, &last), 99);
    CHECK_SAME(wsv_sim_last(it.wire, 1, &last), 0);
    reach(&it, 2, RUNNING);
    CHECK_SAME(it.services[2].lives, 1);
    CHECK_SAME(wsv_sim_last(it.wire, 2, &last), 1);
    stop(&it, 2);
    stop(&it, 0); /* the last: A-10 */
    CHECK(start(&it, name_a, '1') == WSV_SIM_DEAD);
    CHECK(house_close(&it) == WSV_OK);
    wsv_clock_free(clock);
}

/* --- a start against the end --------------------------------------------- */

static void
stop_the_last(void *arg)
{
    house *it = arg;

    stop(it, 1);
}

static void
test_a_start_races_with_the_end(void)
{
    uint32_t round, answer, dead = 0;
    wsv_sim_outcome outcome;
    wsv_os_thread *other;
    wsv_clock *clock;
    house it;

    CHECK(wsv_clock_new(false, &clock) == WSV_OK);
    for (round = 0; round < 300; round++) {
        house_open(&it, clock);
        CHECK(start(&it, name_a, '1') == WSV_SIM_DONE);
        CHECK(start(&it, name_b, '1') == WSV_SIM_DONE);
        reach(&it, 0, RUNNING);
        reach(&it, 1, RUNNING);
        stop(&it, 0);
        other = thread_new(stop_the_last, &it);
        if (round % 2 == 0)
            reach(&it, 1, STOPPED);
        outcome = start(&it, name_a, '2');
        wsv_os_thread_join(other);
        if (outcome == WSV_SIM_DONE) {
            CHECK(!it.returned);
            CHECK(control(&it, 0, COUNT + 1, &answer) == WSV_SIM_DONE);
            wsv_sim_wait_change(it.wire, 0, 2, WSV_FOREVER);
            stop(&it, 0);
        }
        else {
            CHECK(outcome == WSV_SIM_DEAD);
            dead++;
        }
        CHECK_SAME(it.services[0].lives, outcome == WSV_SIM_DONE ? 2 : 1);
        CHECK(house_close(&it) == WSV_OK);
    }
    CHECK(dead >= 150); /* in half of the rounds it has ended for certain */
    printf("%u of 300 starts came too late\n", dead);
    wsv_clock_free(clock);
}

/* --- death ----------------------------------------------------------------
 */

static void
test_all_services_die_with_their_process(void)
{
    uint32_t answer, code, i;
    wsv_clock *clock;
    house it;

    CHECK(wsv_clock_new(true, &clock) == WSV_OK);
    house_open(&it, clock);
    for (i = 0; i < SERVICES; i++)
        CHECK(start(&it, names[i], '1') == WSV_SIM_DONE);
    stop(&it, 1);
    wsv_sim_kill(it.wire, 9);
    CHECK(wsv_sim_is_dead(it.wire, &code));
    CHECK_SAME(code, 9);
    for (i = 0; i < SERVICES; i++)
        CHECK(control(&it, i, BLOCK, &answer) == WSV_SIM_NOT_RUNNING);
    CHECK(start(&it, name_b, '1') == WSV_SIM_DEAD);
    CHECK(house_close(&it) == WSV_E_CLOSED);
    CHECK(it.services[0].orphaned && it.services[2].orphaned);
    wsv_clock_free(clock);
}

static void
block_and_die(void *arg)
{
    house *it = arg;
    uint32_t answer;

    CHECK(control(it, 0, BLOCK, &answer) == WSV_SIM_DEAD); /* */
}

static void
wait_and_die(void *arg)
{
    house *it = arg;
    uint32_t answer;

    CHECK(control(it, 1, BLOCK, &answer) == WSV_SIM_NOT_RUNNING);
}

static void
test_a_process_dies_in_a_handler(void)
{
    wsv_os_thread *blocked, *waiting;
    wsv_clock *clock;
    house it;

    CHECK(wsv_clock_new(true, &clock) == WSV_OK);
    house_open(&it, clock);
    CHECK(start(&it, name_a, '1') == WSV_SIM_DONE);
    CHECK(start(&it, name_b, '1') == WSV_SIM_DONE);
    it.gate = true;
    blocked = thread_new(block_and_die, &it);
    wait_inside(&it);
    waiting = thread_new(wait_and_die, &it);
    wsv_sim_kill(it.wire, 9);
    wsv_os_thread_join(blocked);
    wsv_os_thread_join(waiting);
    open_gate(&it);
    CHECK(house_close(&it) == WSV_E_CLOSED);
    CHECK_SAME(it.services[1].handled, 0);
    wsv_clock_free(clock);
}

static void
test_a_thread_that_fails_is_one_services_matter(void)
{
    wsv_clock *clock;
    house it;

    CHECK(wsv_clock_new(true, &clock) == WSV_OK);
    house_open(&it, clock);
    CHECK(start(&it, name_b, '1') == WSV_SIM_DONE);
    wsv_fault_arm(WSV_FAULT_THREAD, 1);
    CHECK(start(&it, name_a, '1') == WSV_SIM_NO_THREAD); /* */
    CHECK(start(&it, name_a, '2') == WSV_SIM_DONE);
    reach(&it, 0, RUNNING);
    reach(&it, 1, RUNNING);
    CHECK_SAME(it.services[0].argument, '2');
    stop(&it, 0);
    stop(&it, 1);
    CHECK(house_close(&it) == WSV_OK);
    wsv_clock_free(clock);
}

/* --- requests -------------------------------------------------------------
 */

typedef struct sender {
    house *house;
    uint32_t number;
} sender;

static void
send_in_batches(void *arg)
{
    const sender *self = arg;
    uint32_t words[50][2], i, sent, answer, done = 0;
    wsv_control batch[50];

    while (done < SENT) {
        for (i = 0; i < 50; i++) {
            words[i][0] = self->number;
            words[i][1] = done + i;
            batch[i].code = i == 49 ? REFUSE : COUNT;
            batch[i].event_type = 0;
            batch[i].size = sizeof(words[i]);
            batch[i].data = words[i];
        }
        CHECK(wsv_sim_control_many(self->house->wire, 0, batch, 50, TIMEOUT,
                                   &sent, &answer) == WSV_SIM_DONE);
        CHECK_SAME(sent, 49);
        CHECK_SAME(answer, 1061);
        done += sent;
    }
}

static void
test_senders_take_turns(void)
{
    wsv_os_thread *threads[SENDERS];
    sender senders[SENDERS];
    uint32_t answer, i, sent;
    wsv_clock *clock;
    house it;

    CHECK(wsv_clock_new(false, &clock) == WSV_OK);
    house_open(&it, clock);
    CHECK(start(&it, name_a, '1') == WSV_SIM_DONE);
    CHECK(start(&it, name_b, '1') == WSV_SIM_DONE);
    for (i = 0; i < SENDERS; i++) {
        senders[i].house = &it;
        senders[i].number = i;
        threads[i] = thread_new(send_in_batches, &senders[i]);
    }
    for (i = 0; i < 100; i++) /* not starved by the others */
        CHECK(control(&it, 1, COUNT + 1, &answer) == WSV_SIM_DONE);
    for (i = 0; i < SENDERS; i++)
        wsv_os_thread_join(threads[i]);
    for (i = 0, sent = 0; i < SENDERS; i++) {
        CHECK(it.next[i] >= SENT);
        sent += it.next[i];
    }
    CHECK_SAME(it.services[0].handled, sent + sent / 49);
    CHECK_SAME(it.services[1].handled, 100);
    stop(&it, 0);
    stop(&it, 1);
    CHECK(house_close(&it) == WSV_OK);
    wsv_clock_free(clock);
}

static atomic_uint late;

static void
send_block(void *arg)
{
    house *it = arg;
    uint32_t answer;

    CHECK(control(it, 0, BLOCK, &answer) == WSV_SIM_LATE);
    atomic_fetch_add(&late, 1);
}

static void
send_late(void *arg)
{
    house *it = arg;
    uint32_t answer;

    CHECK(control(it, 1, COUNT + 1, &answer) == WSV_SIM_LATE);
    atomic_fetch_add(&late, 1);
}

static void
test_a_late_answer_goes_to_nobody(void)
{
    wsv_os_thread *blocked, *waiting;
    uint32_t answer;
    wsv_clock *clock;
    house it;

    CHECK(wsv_clock_new(true, &clock) == WSV_OK);
    house_open(&it, clock);
    CHECK(start(&it, name_a, '1') == WSV_SIM_DONE);
    CHECK(start(&it, name_b, '1') == WSV_SIM_DONE);
    reach(&it, 0, RUNNING);
    reach(&it, 1, RUNNING);
    it.gate = true;
    blocked = thread_new(send_block, &it);
    wait_inside(&it);
    waiting = thread_new(send_late, &it); /* it waits as well */
    while (atomic_load(&late) < 2) {
        wsv_clock_advance(clock, SECOND);
        sched_yield();
    }
    wsv_os_thread_join(blocked);
    wsv_os_thread_join(waiting);
    open_gate(&it);
    CHECK(control(&it, 1, REFUSE, &answer) == WSV_SIM_DONE);
    CHECK_SAME(answer, 1061);
    CHECK_SAME(it.services[1].handled, 1); /* the late one was taken back */
    stop(&it, 0);
    stop(&it, 1);
    CHECK(house_close(&it) == WSV_OK);
    wsv_clock_free(clock);
}

/* --- subscriptions --------------------------------------------------------
 */

static void
test_subscriptions_are_kept_until_undone(void)
{
    static const uint8_t guid[16] = {1, 2, 3}, handle[8] = {9};
    void *first, *second, *third, *none;
    wsv_sim_subscription is;
    int32_t before = wsv_fault_live_count();
    wsv_clock *clock;
    wsv_oserr why;
    plain *a;
    house it;

    CHECK(wsv_clock_new(true, &clock) == WSV_OK);
    house_open(&it, clock);
    CHECK(start(&it, name_a, '1') == WSV_SIM_DONE);
    CHECK(start(&it, name_b, '1') == WSV_SIM_DONE);
    reach(&it, 0, RUNNING);
    reach(&it, 1, RUNNING);
    a = &it.services[0];
#define SUBSCRIBE(service, subject, what, size, out)                          \
    wsv_scm_subscribe(it.wire, (service)->handle, subject, what, size, out,   \
                      &why)
    CHECK(SUBSCRIBE(a, WSV_POWER_SETTING, guid, 16, &first) == WSV_OK);
    CHECK(SUBSCRIBE(&it.services[1], WSV_DEVICE_HANDLE, handle, 8, &second) ==
          WSV_OK);
    CHECK(SUBSCRIBE(a, WSV_DEVICE_INTERFACE, NULL, 0, &third) == WSV_OK);
    CHECK(SUBSCRIBE(a, WSV_DEVICE_HANDLE, guid, 16, &none) == WSV_E_OS);
    CHECK_SAME(why.code, 87);
    wsv_fault_arm(WSV_FAULT_SUBSCRIBE, 1);
    CHECK(SUBSCRIBE(a, WSV_POWER_SETTING, guid, 16, &none) == WSV_E_OS);
    CHECK(none == NULL);
    wsv_fault_arm(WSV_FAULT_ALLOC, 1);
    CHECK(SUBSCRIBE(a, WSV_POWER_SETTING, guid, 16, &none) == WSV_E_OS);
    CHECK_SAME(why.code, 8);

    CHECK(wsv_sim_subscription_get(it.wire, 0, 0, &is));
    CHECK(is.subject == WSV_POWER_SETTING && is.size == 16);
    CHECK(memcmp(is.what, guid, 16) == 0);
    CHECK(wsv_sim_subscription_get(it.wire, 0, is.number, &is));
    CHECK(is.subject == WSV_DEVICE_INTERFACE && is.size == 0);
    CHECK(!wsv_sim_subscription_get(it.wire, 0, is.number, &is));
    CHECK(wsv_sim_subscription_get(it.wire, 1, 0, &is));
    CHECK(is.subject == WSV_DEVICE_HANDLE && is.size == 8);

    CHECK(wsv_scm_unsubscribe(it.wire, WSV_DEVICE_HANDLE, first, &why) ==
          WSV_E_OS);
    CHECK(wsv_scm_unsubscribe(it.wire, WSV_POWER_SETTING, first, &why) ==
          WSV_OK);
    CHECK(wsv_scm_unsubscribe(it.wire, WSV_POWER_SETTING, first, &why) ==
          WSV_E_OS);
    CHECK_SAME(why.code, 6);
    CHECK(wsv_scm_unsubscribe(it.wire, WSV_DEVICE_INTERFACE, NULL, &why) ==
          WSV_E_OS);
    stop(&it, 0);
    CHECK(SUBSCRIBE(a, WSV_POWER_SETTING, guid, 16, &none) == WSV_E_OS);
    CHECK_SAME(why.code, 6);
    CHECK(wsv_sim_subscription_get(it.wire, 0, 0, &is)); /* it forgot one */
    stop(&it, 1);
    CHECK(house_close(&it) == WSV_OK);
    wsv_clock_free(clock);
    CHECK(wsv_fault_live_count() == before);
}

int
main(void)
{
    watchdog(100);
    test_a_service_starts_again_in_the_same_process();
    test_a_start_races_with_the_end();
    test_all_services_die_with_their_process();
    test_a_process_dies_in_a_handler();
    test_a_thread_that_fails_is_one_services_matter();
    test_senders_take_turns();
    test_a_late_answer_goes_to_nobody();
    test_subscriptions_are_kept_until_undone();
    CHECK(wsv_fault_live_count() == 0);
    return 0;
}
