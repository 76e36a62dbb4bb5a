/* One operation of the core, done as often as asked: for callgrind, which
 * counts its instructions (core.py).
 *
 *     core_counts OPERATION COUNT
 *
 * All is on one thread, in virtual time, so that every run executes the same
 * instructions.  For that the linker replaces wsv_os_cond_wait with the one
 * below: where the reporter thread would sleep, the other threads' part is
 * played, and the reporter wakes up to what they have done. */
#include "core/process.h"
#include "core/runtime_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scm/sim_impl.h"

#define SECOND (1000 * WSV_NS_PER_MS)
#define HINT 3000u
#define HANDLED 0x4Fu /* all that is sent here */
#define DATA_SIZE 32u /* divides the rings: no copy is ever split */

#define REQUIRE(condition)                                                    \
    do {                                                                      \
        if (!(condition)) {                                                   \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                          \
        }                                                                     \
    } while (0)

bool __wrap_wsv_os_cond_wait(wsv_os_cond *cond, wsv_os_mutex *mutex,
                             uint64_t deadline);

static wsv_clock *simulated_clock;
static wsv_scm *wire;
static wsv_process *process;
static wsv_runtime *rt;
static wsv_life life;
static uint32_t count, done;

static void (*operate)(void); /* once */
static void (*meanwhile)(void);

/* --- the parts of the other threads ---------------------------------------
 */

static const uint8_t data[DATA_SIZE];

static void
send(uint32_t code, uint32_t event_type, uint32_t size)
{
    wsv_control control = {code, event_type, size, size != 0 ? data : NULL};

    REQUIRE(wsv_runtime_handle(rt, &control) == WSV_NO_ERROR);
}

static void
take(uint32_t code)
{
    wsv_queued event;
    const uint8_t *copy;
    uint32_t dropped;

    REQUIRE(wsv_life_wait_event(life, &event, &copy, &dropped) == WSV_OK);
    REQUIRE(event.code == code && dropped == 0);
}

static void
carry_out(uint32_t code)
{
    wsv_oserr why;

    take(code);
    REQUIRE(wsv_life_begin(life, code, &why) == WSV_OK);
    REQUIRE(wsv_life_finish(life, code, &why) == WSV_OK);
}

static void
load(void)
{
    wsv_settings settings = {HANDLED,     HINT,        WSV_FOREVER,
                             30 * SECOND, 30 * SECOND, 30 * SECOND};
    wsv_oserr why;

    REQUIRE(wsv_runtime_wait_start(rt, WSV_FOREVER, &life, &why) == WSV_OK);
    REQUIRE(wsv_life_configure(life, &settings, &why) == WSV_OK);
}

static void
get_running(void)
{
    wsv_oserr why;

    REQUIRE(wsv_life_started(life, &why) == WSV_OK);
}

static void
stop(void)
{
    send(WSV_CONTROL_STOP, 0, 0);
}

static void
end(void)
{
    wsv_oserr why;

    take(WSV_CONTROL_STOP);
    REQUIRE(wsv_life_stopped(life, 0, 0, &why) == WSV_OK);
}

/* --- the operations -------------------------------------------------------
 */

/* One call of the core each: what it has changed is undone here by hand, since
 * functions of the core would be counted. */
static void
undo(void)
{
    rt->state = WSV_RUNNING;
    rt->queue.first = rt->queue.used = 0;
    rt->queue.bytes_first = rt->queue.bytes_used = 0;
}

static void
interrogate(void)
{
    send(WSV_CONTROL_INTERROGATE, 0, 0);
}

static void
user(void)
{
    send(200, 0, 0);
    undo();
}

static void
power(void)
{
    send(WSV_CONTROL_POWEREVENT, WSV_PBT_POWERSETTINGCHANGE, DATA_SIZE);
    undo();
}

static void
pause_only(void)
{
    send(WSV_CONTROL_PAUSE, 0, 0);
    undo();
}

/* With what Python's control thread asks for. */
static void
pause_and_continue(void)
{
    send(WSV_CONTROL_PAUSE, 0, 0);
    carry_out(WSV_CONTROL_PAUSE);
    send(WSV_CONTROL_CONTINUE, 0, 0);
    carry_out(WSV_CONTROL_CONTINUE);
}

static void
wait(void)
{
    if (done == 0)
        send(WSV_CONTROL_POWEREVENT, WSV_PBT_POWERSETTINGCHANGE, DATA_SIZE);
    undo();
    rt->queue.used = 1;
    rt->queue.bytes_used = DATA_SIZE;
    take(WSV_CONTROL_POWEREVENT);
}

static void
report(void)
{
    wsv_oserr why;

    REQUIRE(wsv_life_accept(life, HANDLED, &why) == WSV_OK);
}

static void
progress(void)
{
    wsv_oserr why;

    REQUIRE(wsv_life_progress(life, HINT, &why) == WSV_OK);
}

static void
note(void)
{
    (void)wsv_runtime_note_locked(rt, WSV_JOURNAL_REQUEST, 1, 2, 3);
}

static void
queue(void)
{
    static wsv_queue own;
    static uint8_t copy[WSV_QUEUE_BYTES];
    wsv_control control = {200, 0, DATA_SIZE, data};
    wsv_queued event;

    REQUIRE(wsv_queue_put(&own, &control, 0, false) == WSV_PUT_QUEUED);
    REQUIRE(wsv_queue_get(&own, &event, copy) && event.size == DATA_SIZE);
}

/* --- one life --------------------------------------------------------------
 */

static void
stop_next(void)
{
    meanwhile = end;
    stop();
}

static void
operate_all(void)
{
    for (; done < count; done++)
        operate();
    stop_next();
}

static void
run_next(void)
{
    meanwhile = operate_all;
    get_running();
}

static void
load_next(void)
{
    meanwhile = operate == progress ? operate_all : run_next;
    load();
}

/* Instead of an operation on a thread of Python's: the time of the next
 * checkpoint comes, and the reporter wakes up to raise it. */
static void
let_time_pass(void)
{
    if (done++ == count) {
        stop_next();
        return;
    }
    simulated_clock->now += HINT * WSV_NS_PER_MS / 2;
    wsv_clock_wake(simulated_clock, rt->reporter);
}

static void
load_slowly(void)
{
    meanwhile = let_time_pass;
    load();
}

bool
__wrap_wsv_os_cond_wait(wsv_os_cond *cond, wsv_os_mutex *mutex,
                        uint64_t deadline)
{
    REQUIRE(cond == rt->reporter && deadline == WSV_FOREVER);
    wsv_os_mutex_unlock(mutex);
    meanwhile();
    wsv_os_mutex_lock(mutex);
    return true;
}

/* --- whole lives -----------------------------------------------------------
 */

static const wsv_wchar name[] = {'S', 0};
static const wsv_wchar *const names[] = {name};

static void
connect(void)
{
    static wsv_scm_entry entry;

    REQUIRE(wsv_clock_new(true, &simulated_clock) == WSV_OK);
    REQUIRE(wsv_sim_new(simulated_clock, &wire) == WSV_OK);
    REQUIRE(wsv_process_new(wire, names, 1, &process) == WSV_OK);
    rt = wsv_process_service(process, 0);
    entry.name = name;
    entry.ctx = rt;
    wire->entries = &entry; /* as the dispatcher does, on its thread */
    wire->count = 1;
    simulated_clock->busy = 1; /* the reporter */
}

static void
live(void (*first)(void))
{
    wire->services[0].running = true; /* as the start does */
    wire->services[0].own = true;
    wire->running = 1;
    wire->ended = false;
    meanwhile = first;
    wsv_runtime_main(rt, 1, names);
    REQUIRE(wire->services[0].last.status.state == WSV_STOPPED);
    REQUIRE(simulated_clock->busy == 1);
}

/* START_PENDING, RUNNING, STOP_PENDING, STOPPED. */
static void
live_often(void)
{
    uint32_t left;

    for (left = count, count = 0; left != 0; left--)
        live(load_next);
}

static const struct {
    const char *name;
    void (*operate)(void);
} operations[] = {
    {"interrogate", interrogate},
    {"user", user},
    {"power", power},
    {"pause", pause_only},
    {"pause+continue", pause_and_continue},
    {"wait", wait},
    {"report", report},
    {"progress", progress},
    {"note", note},
    {"queue", queue},
    {"checkpoint", let_time_pass},
    {"life", live_often},
};

int
main(int argc, char **argv)
{
    size_t i;

    REQUIRE(argc == 3);
    for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        if (strcmp(operations[i].name, argv[1]) == 0)
            operate = operations[i].operate;
    REQUIRE(operate != NULL);
    count = (uint32_t)strtoul(argv[2], NULL, 10);
    connect();
    if (operate == live_often)
        live_often();
    else
        live(operate == let_time_pass ? load_slowly : load_next);
    wsv_process_free(process);
    wsv_sim_free(wire);
    wsv_clock_free(simulated_clock);
    return 0;
}
