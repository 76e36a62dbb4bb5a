/* A shared process on the simulated wire: its services live again and again in
 * the same process, with every seam call failing in turn, and while the
 * virtual clock runs.  What connection.py and testing/ do in Python is done in
 * C here, so that sanitizers see all of it. */
#define _POSIX_C_SOURCE 200809L
#include "core/process.h"
#include "core/state.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "check.h"
#include "os/fault.h"
#include "scm/sim.h"
#include "threads.h"

#define SERVICES 3u
#define SECOND (1000 * WSV_NS_PER_MS)
#define TIMEOUT (30 * SECOND) /* virtual: it passes only by advance */
#define HELLO 200u

typedef struct house {
    wsv_scm *wire;
    wsv_process *process;
    atomic_uint lives[SERVICES]; /* that went well */
    atomic_uint failures;
    bool well; /* by the main thread, read once that is joined */
} house;

typedef struct server {
    house *house;
    uint32_t index;
} server;

typedef struct life {
    wsv_life is;
    uint32_t events;
} life;

static const wsv_wchar name_a[] = {'A', 0}, name_b[] = {'B', 0};
static const wsv_wchar name_c[] = {'C', 0};
static const wsv_wchar *const names[] = {name_a, name_b, name_c};
static const uint8_t guid[16] = {1, 2, 3};

/* --- the process: what connection.py and host.py do
 * -------------------------- */

static void
read_events(void *arg)
{
    life *self = arg;
    const uint8_t *data;
    wsv_queued event;
    uint32_t dropped;

    while (wsv_life_wait_event(self->is, &event, &data, &dropped) == WSV_OK) {
        self->events++;
        if (event.code == WSV_CONTROL_STOP)
            return;
        CHECK_SAME(event.code, HELLO);
        CHECK_SAME(event.size, 5);
        CHECK(memcmp(data, "hello", 5) == 0);
    }
}

static void
watch_deadlines(void *arg)
{
    life *self = arg;
    uint32_t state;

    while (wsv_life_wait_expired(self->is, &state) == WSV_OK)
        wsv_life_expired_seen(self->is);
}

static bool
run_life(life *self, uint32_t index)
{
    wsv_settings settings = {0x03,        3000,        120 * SECOND,
                             30 * SECOND, 30 * SECOND, 30 * SECOND};
    wsv_os_thread *control = NULL, *deadlines = NULL;
    const wsv_wchar *const *argv;
    void *subscription = NULL;
    uint32_t argc;
    wsv_oserr why;
    bool well;

    wsv_life_arguments(self->is, &argc, &argv);
    CHECK_SAME(argc, 2);
    CHECK_SAME(argv[0][0], names[index][0]);
    CHECK_SAME(argv[1][0], (uint32_t)('x' + index));
    well = wsv_life_configure(self->is, &settings, &why) == WSV_OK;
    if (wsv_os_thread_new(&control, read_events, self, &why) != WSV_OK ||
        wsv_os_thread_new(&deadlines, watch_deadlines, self, &why) != WSV_OK)
        well = false;
    if (well)
        well = wsv_life_subscribe(self->is, WSV_POWER_SETTING, guid, 16,
                                  &subscription, &why) == WSV_OK;
    if (well)
        well = wsv_life_started(self->is, &why) == WSV_OK &&
               wsv_life_wait_stop(self->is, WSV_FOREVER) == WSV_OK;
    if (wsv_life_request_stop(self->is, &why) != WSV_OK)
        well = false;
    wsv_os_thread_join(control);
    if (subscription != NULL &&
        wsv_life_unsubscribe(self->is, WSV_POWER_SETTING, subscription,
                             &why) != WSV_OK)
        well = false;
    if (wsv_life_stopped(self->is, 0, 0, &why) != WSV_OK)
        well = false;
    wsv_os_thread_join(deadlines);
    return well;
}

static void
serve(void *arg)
{
    server *self = arg;
    house *it = self->house;
    wsv_runtime *rt = wsv_process_service(it->process, self->index);
    wsv_oserr why;
    life next;
    wsv_err err;

    for (;;) {
        memset(&next, 0, sizeof(next));
        err = wsv_runtime_wait_start(rt, WSV_FOREVER, &next.is, &why);
        if (err == WSV_E_CLOSED)
            return;
        if (err == WSV_OK && run_life(&next, self->index)) {
            CHECK_SAME(next.events, 2);
            atomic_fetch_add(&it->lives[self->index], 1);
        }
        else { /* nobody may ever report what the client waits for */
            atomic_fetch_add(&it->failures, 1);
            wsv_sim_kill(it->wire, 1);
        }
    }
}

static bool
host_services(house *it)
{
    wsv_os_thread *threads[SERVICES] = {NULL};
    server servers[SERVICES];
    uint32_t i, exit_code;
    wsv_oserr why;
    bool well = true;

    if (wsv_process_start(it->process, &why) != WSV_OK)
        return false;
    for (i = 0; i < SERVICES; i++) {
        servers[i].house = it;
        servers[i].index = i;
        if (wsv_os_thread_new(&threads[i], serve, &servers[i], &why) != WSV_OK)
            well = false;
    }
    if (!well) /* as Python does, whose process ends then */
        wsv_sim_kill(it->wire, 1);
    for (i = 0; i < SERVICES; i++)
        wsv_os_thread_join(threads[i]);
    if (wsv_process_join(it->process, &why) != WSV_OK) {
        CHECK(!well || wsv_sim_is_dead(it->wire, &exit_code) ||
              wsv_fault_left() == 0);
        well = false;
    }
    return well && atomic_load(&it->failures) == 0;
}

static void
host(void *arg)
{
    house *it = arg;

    if (wsv_process_new(it->wire, names, SERVICES, &it->process) == WSV_OK)
        it->well = host_services(it);
    wsv_sim_kill(it->wire, it->well ? 0 : 1);
    wsv_process_free(it->process);
}

/* --- the SCM and its client: what testing/ does
 * ----------------------------------- */

/* False: it will never come. */
static bool
wait_state(house *it, uint32_t service, uint64_t before, uint32_t state)
{
    wsv_sim_report last;
    uint32_t exit_code;
    uint64_t count;
    bool dead;

    for (;;) {
        dead = wsv_sim_is_dead(it->wire, &exit_code);
        count = wsv_sim_last(it->wire, service, &last);
        if (count > before && last.status.state == state)
            return true;
        if (dead || (count > before && last.status.state == WSV_STOPPED))
            return false;
        wsv_sim_wait_change(it->wire, service, count, WSV_FOREVER);
    }
}

static bool
start(house *it, uint32_t service)
{
    const wsv_wchar parameter[] = {(wsv_wchar)('x' + service), 0};
    const wsv_wchar *const argv[] = {names[service], parameter};
    wsv_sim_report last;
    uint64_t before = wsv_sim_last(it->wire, service, &last);

    return wsv_sim_start(it->wire, false, 2, argv, TIMEOUT) == WSV_SIM_DONE &&
           wait_state(it, service, before, WSV_RUNNING);
}

static bool
control(house *it, uint32_t service, uint32_t code)
{
    wsv_control message = {code, 0, 0, NULL};
    uint32_t answer;

    if (code == HELLO) {
        message.data = "hello";
        message.size = 5;
    }
    return wsv_sim_control(it->wire, service, &message, TIMEOUT, &answer) ==
               WSV_SIM_DONE &&
           answer == 0;
}

static bool
stop(house *it, uint32_t service)
{
    return control(it, service, HELLO) &&
           control(it, service, WSV_CONTROL_STOP) &&
           wait_state(it, service, 0, WSV_STOPPED);
}

static bool
use(house *it)
{
    return wsv_sim_wait_connected(it->wire, TIMEOUT) == WSV_SIM_DONE &&
           start(it, 1) && start(it, 0) && stop(it, 1) && start(it, 1) &&
           start(it, 2) && stop(it, 0) && stop(it, 2) && start(it, 0) &&
           stop(it, 1) && stop(it, 0);
}

static bool
run_house(wsv_clock *clock)
{
    static const uint32_t lives[SERVICES] = {2, 2, 1};
    wsv_os_thread *process;
    wsv_oserr why;
    uint32_t i;
    house it;
    bool well;

    memset(&it, 0, sizeof(it));
    if (wsv_sim_new(clock, &it.wire) != WSV_OK)
        return false;
    if (wsv_os_thread_new(&process, host, &it, &why) != WSV_OK) {
        wsv_sim_free(it.wire);
        return false;
    }
    well = use(&it);
    if (!well)
        wsv_sim_kill(it.wire, 1);
    wsv_os_thread_join(process);
    for (i = 0; well && it.well && i < SERVICES; i++)
        CHECK_SAME(atomic_load(&it.lives[i]), lives[i]);
    wsv_sim_free(it.wire);
    return well && it.well;
}

/* --- the tests
 * ---------------------------------------------------------------------- */

static void
test_undisturbed(void)
{
    int32_t before = wsv_fault_live_count();
    wsv_clock *clock;
    int i;

    CHECK(wsv_clock_new(true, &clock) == WSV_OK);
    for (i = 0; i < 50; i++)
        CHECK(run_house(clock));
    wsv_clock_free(clock);
    CHECK(wsv_fault_live_count() == before);
}

static void
test_every_seam_call_failing(void)
{
    int32_t before = wsv_fault_live_count();
    uint32_t kind, nth, failures, calls = 0, fatal = 0;
    wsv_clock *clock;
    bool well;

    CHECK(wsv_clock_new(true, &clock) == WSV_OK);
    for (kind = WSV_FAULT_ALLOC; kind <= WSV_FAULT_SUBSCRIBE; kind *= 2) {
        for (nth = 1, failures = 0;; nth++) {
            wsv_fault_arm(kind, nth);
            well = run_house(clock);
            if (wsv_fault_left() != 0)
                break;
            failures += !well;
        }
        wsv_fault_arm(0, 0);
        CHECK(well);
        CHECK(failures != 0); /* there is such a call, and it is missed */
        calls += nth - 1;
        fatal += failures;
    }
    wsv_clock_free(clock);
    CHECK(wsv_fault_live_count() == before);
    printf("%" PRIu32 " calls failed in turn, %" PRIu32 " ended the process\n",
           calls, fatal);
}

/* --- many processes, one clock
 * --------------------------------------------------- */

typedef struct crowd {
    wsv_clock *clock;
    atomic_uint left;
} crowd;

static void
live_often(void *arg)
{
    crowd *self = arg;
    int i;

    /* Virtual time-outs may pass now: what counts is that all ends. */
    for (i = 0; i < 20; i++)
        (void)run_house(self->clock);
    atomic_fetch_sub(&self->left, 1);
}

static void
test_crowd_on_a_running_clock(void)
{
    wsv_os_thread *threads[3];
    crowd self;
    size_t i;

    CHECK(wsv_clock_new(true, &self.clock) == WSV_OK);
    atomic_init(&self.left, 3);
    for (i = 0; i < 3; i++)
        threads[i] = thread_new(live_often, &self);
    while (atomic_load(&self.left) != 0)
        wsv_clock_advance(self.clock, SECOND / 2);
    for (i = 0; i < 3; i++)
        wsv_os_thread_join(threads[i]);
    wsv_clock_free(self.clock);
}

int
main(void)
{
    watchdog(100);
    test_undisturbed();
    test_every_seam_call_failing();
    test_crowd_on_a_running_clock();
    return 0;
}
