/* Whole lives on the simulated wire: undisturbed, with every seam call failing
 * in turn, and many at once while the virtual clock runs.  What host.py and
 * testing/ do in Python is done in C here, so that sanitizers see all of it.
 */
#define _POSIX_C_SOURCE 200809L
#include "core/process.h"
#include "core/state.h"

#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "check.h"
#include "os/fault.h"
#include "scm/sim.h"
#include "threads.h"

#define SECOND (1000 * WSV_NS_PER_MS)
#define TIMEOUT (30 * SECOND) /* virtual: it passes only by advance */

typedef struct life {
    wsv_clock *clock;
    wsv_scm *wire;
    bool stops_itself;
    bool asks; /* its handler waits for an answer, which never comes */
    atomic_bool asked;
    bool hosted_well; /* by the host's thread, read once that is joined */
    uint32_t events;  /* by the control thread, as above */
    wsv_life is;
} life;

static const wsv_wchar name[] = {'L', 'i', 'f', 'e', 0};
static const wsv_wchar parameter[] = {'x', 0};
static const wsv_wchar *const names[] = {name};
static const wsv_wchar *const arguments[] = {name, parameter};

/* --- the process: what host.py does
 * -------------------------------------------- */

static void
read_events(void *arg)
{
    life *self = arg;
    const uint8_t *data;
    wsv_queued event;
    uint32_t dropped;
    wsv_oserr why;
    wsv_err err;

    while (wsv_life_wait_event(self->is, &event, &data, &dropped) == WSV_OK) {
        self->events++;
        if (event.ticket != 0) { /* on_device_event waits for the stop */
            atomic_store(&self->asked, true);
            CHECK(wsv_life_wait_stop(self->is, WSV_FOREVER) == WSV_OK);
        }
        if (event.code == WSV_CONTROL_STOP)
            return;
        if (event.code == 200) {
            CHECK_SAME(event.size, 5);
            CHECK(memcmp(data, "hello", 5) == 0);
        }
        if (event.code != WSV_CONTROL_PAUSE &&
            event.code != WSV_CONTROL_CONTINUE)
            continue;
        err = wsv_life_begin(self->is, event.code, &why);
        if (err == WSV_OK)
            err = wsv_life_finish(self->is, event.code, &why);
        if (err == WSV_E_OS)
            (void)wsv_life_request_stop(self->is, &why);
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
run_service(life *self, wsv_process *process)
{
    wsv_settings settings = {0x03,        3000,        120 * SECOND,
                             30 * SECOND, 30 * SECOND, 30 * SECOND};
    wsv_reply no = {5, 2 * SECOND};
    wsv_os_thread *control = NULL, *deadlines = NULL;
    const wsv_wchar *const *argv;
    uint32_t argc;
    wsv_oserr why;
    bool well;

    if (wsv_process_start(process, &why) != WSV_OK)
        return false;
    if (wsv_runtime_wait_start(wsv_process_service(process, 0), WSV_FOREVER,
                               &self->is, &why) != WSV_OK)
        return false;
    wsv_life_arguments(self->is, &argc, &argv);
    CHECK_SAME(argc, 2);
    CHECK(argv[1][0] == 'x' && argv[1][1] == 0);
    well = wsv_life_configure(self->is, &settings, &why) == WSV_OK &&
           wsv_life_progress(self->is, 2000, &why) == WSV_OK;
    if (self->asks)
        wsv_life_reply(self->is, WSV_QUERY_DEVICEQUERYREMOVE, &no);
    if (wsv_os_thread_new(&control, read_events, self, &why) != WSV_OK ||
        wsv_os_thread_new(&deadlines, watch_deadlines, self, &why) != WSV_OK)
        well = false;
    if (well) {
        well = wsv_life_started(self->is, &why) == WSV_OK;
        if (well && !self->stops_itself)
            well = wsv_life_wait_stop(self->is, WSV_FOREVER) == WSV_OK;
    }
    if (wsv_life_request_stop(self->is, &why) != WSV_OK)
        well = false;
    wsv_os_thread_join(control);
    if (wsv_life_stopped(self->is, 0, 0, &why) != WSV_OK)
        well = false;
    wsv_os_thread_join(deadlines);
    return well;
}

static void
host(void *arg)
{
    life *self = arg;
    wsv_process *process;
    uint32_t exit_code;
    wsv_oserr why;

    if (wsv_process_new(self->wire, names, 1, &process) == WSV_OK) {
        self->hosted_well = run_service(self, process);
        /* Its client may have given up on it, and killed it. */
        if (self->hosted_well && wsv_process_join(process, &why) != WSV_OK)
            CHECK(wsv_sim_is_dead(self->wire, &exit_code));
    }
    wsv_sim_kill(self->wire, self->hosted_well ? 0 : 1);
    wsv_process_free(process);
}

/* --- the SCM and its client: what testing/ does
 * ----------------------------------- */

static bool
control(life *self, uint32_t code)
{
    wsv_control message = {code, 0, 0, NULL};
    uint32_t answer;

    if (code == 200) {
        message.data = "hello";
        message.size = 5;
    }
    return wsv_sim_control(self->wire, 0, &message, TIMEOUT, &answer) ==
               WSV_SIM_DONE &&
           answer == 0;
}

/* False: it will never come. */
static bool
wait_state(life *self, uint32_t state)
{
    wsv_sim_report last;
    uint32_t exit_code;
    uint64_t count;
    bool dead;

    for (;;) {
        dead = wsv_sim_is_dead(self->wire, &exit_code);
        count = wsv_sim_last(self->wire, 0, &last);
        if (last.status.state == state)
            return true;
        if (dead || last.status.state == WSV_STOPPED)
            return false;
        wsv_sim_wait_change(self->wire, 0, count, WSV_FOREVER);
    }
}

static bool
live(life *self)
{
    if (wsv_sim_wait_connected(self->wire, TIMEOUT) != WSV_SIM_DONE ||
        wsv_sim_start(self->wire, true, 2, arguments, TIMEOUT) != WSV_SIM_DONE)
        return false;
    if (self->stops_itself)
        return wait_state(self, WSV_STOPPED);
    return wait_state(self, WSV_RUNNING) && control(self, 200) &&
           control(self, WSV_CONTROL_INTERROGATE) &&
           control(self, WSV_CONTROL_PAUSE) && wait_state(self, WSV_PAUSED) &&
           control(self, WSV_CONTROL_CONTINUE) &&
           wait_state(self, WSV_RUNNING) && control(self, WSV_CONTROL_STOP) &&
           wait_state(self, WSV_STOPPED);
}

static bool
run_life(wsv_clock *clock, bool stops_itself)
{
    life self;
    wsv_os_thread *process;
    wsv_oserr why;
    bool well;

    memset(&self, 0, sizeof(self));
    self.clock = clock;
    self.stops_itself = stops_itself;
    if (wsv_sim_new(clock, &self.wire) != WSV_OK)
        return false;
    if (wsv_os_thread_new(&process, host, &self, &why) != WSV_OK) {
        wsv_sim_free(self.wire);
        return false;
    }
    well = live(&self);
    if (!well) /* as a start that failed does: not hosted any more */
        wsv_sim_kill(self.wire, 1);
    wsv_os_thread_join(process);
    if (well && self.hosted_well)
        CHECK_SAME(self.events, stops_itself ? 1 : 4);
    wsv_sim_free(self.wire);
    return well && self.hosted_well;
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
    for (i = 0; i < 100; i++) {
        CHECK(run_life(clock, false));
        CHECK(run_life(clock, true));
    }
    wsv_clock_free(clock);
    CHECK(wsv_fault_live_count() == before);
}

static uint32_t calls_made, fatal;

static void
fail_in_turn(uint32_t kind, bool stops_itself)
{
    int32_t before = wsv_fault_live_count();
    uint32_t nth, failures = 0;
    wsv_clock *clock;
    bool well;

    CHECK(wsv_clock_new(true, &clock) == WSV_OK);
    for (nth = 1;; nth++) {
        wsv_fault_arm(kind, nth);
        well = run_life(clock, stops_itself);
        if (wsv_fault_left() != 0)
            break;
        failures += !well;
    }
    wsv_fault_arm(0, 0);
    wsv_clock_free(clock);
    CHECK(wsv_fault_live_count() == before);
    CHECK(well);
    CHECK(failures != 0); /* there is such a call, and it is missed */
    calls_made += nth - 1;
    fatal += failures;
}

static void
test_every_seam_call_failing(void)
{
    uint32_t kind;

    for (kind = WSV_FAULT_ALLOC; kind <= WSV_FAULT_REPORT; kind *= 2) {
        fail_in_turn(kind, false);
        fail_in_turn(kind, true);
    }
    printf("%" PRIu32 " calls failed in turn, %" PRIu32 " ended the life\n",
           calls_made, fatal);
}

/* --- a process that is killed
 * ----------------------------------------------------- */

static void
ask_in_vain(void *arg)
{
    life *self = arg;
    wsv_control query = {WSV_CONTROL_DEVICEEVENT, WSV_DBT_DEVICEQUERYREMOVE, 0,
                         NULL};
    uint32_t answer;
    wsv_sim_outcome outcome =
        wsv_sim_control(self->wire, 0, &query, WSV_FOREVER, &answer);

    /* A-45, or the default was faster. */
    CHECK(outcome == WSV_SIM_DEAD || (outcome == WSV_SIM_DONE && answer == 5));
}

/* Its handler waits for an answer, in a time that stands still: the death
 * frees the dispatcher, and all that wait for the stop. */
static void
test_killed_while_it_is_asked(void)
{
    int32_t before = wsv_fault_live_count();
    wsv_os_thread *process, *client;
    uint32_t exit_code;
    uint64_t now;
    life self;

    memset(&self, 0, sizeof(self));
    self.asks = true;
    CHECK(wsv_clock_new(true, &self.clock) == WSV_OK);
    now = wsv_clock_now(self.clock);
    CHECK(wsv_sim_new(self.clock, &self.wire) == WSV_OK);
    process = thread_new(host, &self);
    CHECK(wsv_sim_wait_connected(self.wire, TIMEOUT) == WSV_SIM_DONE);
    CHECK(wsv_sim_start(self.wire, true, 2, arguments, TIMEOUT) ==
          WSV_SIM_DONE);
    CHECK(wait_state(&self, WSV_RUNNING));
    client = thread_new(ask_in_vain, &self);
    while (!atomic_load(&self.asked))
        sched_yield();
    wsv_sim_kill(self.wire, 9);
    wsv_os_thread_join(client);
    wsv_os_thread_join(process); /* or the watchdog ends it */
    CHECK(wsv_sim_is_dead(self.wire, &exit_code));
    CHECK_SAME(exit_code, 9);
    CHECK_SAME(wsv_clock_now(self.clock), now);
    CHECK(!self.hosted_well);
    wsv_sim_free(self.wire);
    wsv_clock_free(self.clock);
    CHECK(wsv_fault_live_count() == before);
}

/* Whoever starts it says what, even if it is the only one. */
static void
test_start_without_a_name(void)
{
    wsv_os_thread *process;
    wsv_sim_report last;
    life self;

    memset(&self, 0, sizeof(self));
    CHECK(wsv_clock_new(true, &self.clock) == WSV_OK);
    CHECK(wsv_sim_new(self.clock, &self.wire) == WSV_OK);
    process = thread_new(host, &self);
    CHECK(wsv_sim_wait_connected(self.wire, TIMEOUT) == WSV_SIM_DONE);
    CHECK(wsv_sim_start(self.wire, true, 0, NULL, TIMEOUT) ==
          WSV_SIM_NOT_IN_EXE);
    CHECK(wsv_sim_start(self.wire, false, 0, NULL, TIMEOUT) ==
          WSV_SIM_NOT_IN_EXE);
    CHECK_SAME(wsv_sim_last(self.wire, 0, &last), 0);
    CHECK(live(&self)); /* and it can be started still */
    wsv_os_thread_join(process);
    CHECK(self.hosted_well);
    wsv_sim_free(self.wire);
    wsv_clock_free(self.clock);
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
    for (i = 0; i < 30; i++)
        (void)run_life(self->clock, i % 3 == 0);
    atomic_fetch_sub(&self->left, 1);
}

static void
test_crowd_on_a_running_clock(void)
{
    wsv_os_thread *threads[4];
    crowd self;
    size_t i;
    uint64_t before, steps = 0;

    CHECK(wsv_clock_new(true, &self.clock) == WSV_OK);
    atomic_init(&self.left, 4);
    for (i = 0; i < 4; i++)
        threads[i] = thread_new(live_often, &self);
    before = wsv_clock_now(self.clock);
    while (atomic_load(&self.left) != 0) {
        wsv_clock_advance(self.clock, SECOND / 2);
        steps++;
    }
    CHECK_SAME(wsv_clock_now(self.clock) - before, steps * (SECOND / 2));
    for (i = 0; i < 4; i++)
        wsv_os_thread_join(threads[i]);
    wsv_clock_free(self.clock);
}

int
main(void)
{
    int i;

    watchdog(100);
    test_undisturbed();
    test_every_seam_call_failing();
    for (i = 0; i < 100; i++) {
        test_killed_while_it_is_asked();
        test_start_without_a_name();
    }
    test_crowd_on_a_running_clock();
    return 0;
}
