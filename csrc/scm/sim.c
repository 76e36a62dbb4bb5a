#include "scm/sim.h"

#include <string.h>

#include "core/text.h"
#include "os/fault.h"
#include "scm/sim_clock.h"

#define MAX_SERVICES 64u
#define ERROR_INVALID_HANDLE 6u
#define ERROR_INVALID_DATA 13u
#define ERROR_FAILED_SERVICE_CONTROLLER_CONNECT 1063u
#define ERROR_SERVICE_NOT_IN_EXE 1083u
#define POISON 0xDD

typedef enum slot_state {
    SLOT_FREE,
    SLOT_POSTED, /* the dispatcher has not seen it yet */
    SLOT_RUNNING,
    SLOT_DONE
} slot_state;

typedef struct hosted {
    wsv_scm *wire;
    uint32_t index;
    bool registered;
    bool stopped;
    bool reported;
    wsv_sim_report last;
    wsv_os_thread *thread; /* ServiceMain */
    uint32_t argc;         /* for ServiceMain; borrowed from the request's */
    const wsv_wchar **argv;
} hosted;

struct wsv_scm {
    wsv_clock *clock; /* borrowed */
    wsv_os_mutex *lock;
    wsv_os_cond *changed;

    /* All below: under lock. */
    const wsv_scm_entry *entries; /* NULL until the dispatcher is called */
    uint32_t count;
    hosted services[MAX_SERVICES];
    uint32_t running;
    bool ended; /* the last service has stopped */
    bool dead;
    uint32_t death_code;

    /* The mailbox: one request at a time, as through a control pipe. */
    slot_state slot;
    bool abandoned; /* its client has given up waiting */
    bool is_start;
    uint32_t service;
    wsv_control control;
    void *data;    /* owned: what the handler gets to see */
    uint32_t argc; /* owned, until ServiceMain's end */
    const wsv_wchar **argv;
    wsv_sim_outcome outcome;
    uint32_t answer;

    uint64_t reports; /* ever made */
    wsv_sim_report ring[WSV_SIM_REPORTS];
};

wsv_err
wsv_sim_new(wsv_clock *clock, wsv_scm **out)
{
    wsv_scm *wire;

    *out = NULL;
    wire = wsv_os_alloc(sizeof(*wire));
    if (wire == NULL)
        return WSV_E_MEMORY;
    wire->clock = clock;
    if (wsv_os_mutex_new(&wire->lock) != WSV_OK ||
        wsv_os_cond_new(&wire->changed) != WSV_OK) {
        wsv_sim_free(wire);
        return WSV_E_MEMORY;
    }
    *out = wire;
    return WSV_OK;
}

void
wsv_sim_free(wsv_scm *wire)
{
    uint32_t i;

    if (wire == NULL)
        return;
    for (i = 0; i < MAX_SERVICES; i++)
        wsv_os_free((void *)wire->services[i].argv);
    wsv_os_free((void *)wire->argv);
    wsv_os_free(wire->data);
    wsv_os_cond_free(wire->changed);
    wsv_os_mutex_free(wire->lock);
    wsv_os_free(wire);
}

/* --- the process's side: scm.h ---------------------------------------------
 */

static void
changed_locked(wsv_scm *wire)
{
    wsv_clock_wake(wire->clock, wire->changed);
}

static void
run_service_main(void *arg)
{
    hosted *service = arg;
    const wsv_scm_entry *entry = &service->wire->entries[service->index];

    entry->service_main(entry->ctx, service->argc, service->argv);
    wsv_clock_busy(service->wire->clock, -1);
}

static void
start_service_locked(wsv_scm *wire)
{
    hosted *service = &wire->services[wire->service];
    wsv_os_thread *thread = NULL;
    wsv_oserr why;

    memset(service, 0, sizeof(*service));
    service->wire = wire;
    service->index = wire->service;
    service->argc = wire->argc;
    service->argv = wire->argv;
    wire->argc = 0;
    wire->argv = NULL;
    wire->running++;
    wsv_clock_busy(wire->clock, 1);
    wsv_os_mutex_unlock(wire->lock);
    if (wsv_os_thread_new(&thread, run_service_main, service, &why) != WSV_OK)
        wsv_clock_busy(wire->clock, -1);
    wsv_os_mutex_lock(wire->lock);
    service->thread = thread;
    if (thread == NULL) {
        wire->running--;
        wire->ended = wire->running == 0;
        wire->outcome = WSV_SIM_NO_THREAD;
    }
}

static void
call_handler_locked(wsv_scm *wire)
{
    const wsv_scm_entry *entry = &wire->entries[wire->service];
    wsv_control control = wire->control;
    void *data = wire->data;
    uint32_t answer;

    wire->data = NULL;
    control.data = data;
    wsv_os_mutex_unlock(wire->lock);
    answer = entry->handler(entry->ctx, &control);
    if (data != NULL)
        memset(data, POISON, control.size);
    wsv_os_free(data);
    wsv_os_mutex_lock(wire->lock);
    wire->answer = answer;
}

static void
serve_locked(wsv_scm *wire)
{
    wire->slot = SLOT_RUNNING;
    wire->outcome = WSV_SIM_DONE;
    if (wire->is_start)
        start_service_locked(wire);
    else
        call_handler_locked(wire);
    wire->slot = wire->abandoned ? SLOT_FREE : SLOT_DONE;
    wire->abandoned = false;
    changed_locked(wire);
}

wsv_err
wsv_scm_dispatch(wsv_scm *wire, const wsv_scm_entry *entries, uint32_t count,
                 wsv_oserr *why)
{
    bool dead;
    uint32_t i;

    why->call = "connect to the simulated SCM";
    why->code = ERROR_FAILED_SERVICE_CONTROLLER_CONNECT;
    if (WSV_FAULT(WSV_FAULT_DISPATCH))
        return WSV_E_OS;
    if (count == 0 || count > MAX_SERVICES) {
        why->code = ERROR_INVALID_DATA; /* */
        return WSV_E_OS;
    }
    wsv_os_mutex_lock(wire->lock);
    wire->entries = entries;
    wire->count = count;
    changed_locked(wire);
    for (;;) {
        while (wire->slot != SLOT_POSTED && !wire->ended && !wire->dead)
            (void)wsv_os_cond_wait(wire->changed, wire->lock, WSV_FOREVER);
        if (wire->ended || wire->dead)
            break;
        serve_locked(wire);
    }
    dead = wire->dead;
    wsv_os_mutex_unlock(wire->lock);
    for (i = 0; i < count; i++) {
        if (dead && wire->services[i].thread != NULL)
            entries[i].orphaned(entries[i].ctx);
        wsv_os_thread_join(wire->services[i].thread);
    }
    return dead ? WSV_E_CLOSED : WSV_OK;
}

wsv_err
wsv_scm_register(wsv_scm *wire, const wsv_scm_entry *entry,
                 const wsv_wchar *name, void **status_handle, wsv_oserr *why)
{
    uint32_t i;

    (void)name; /* ignored for an own process */
    *status_handle = NULL;
    why->call = "register the control handler";
    why->code = ERROR_SERVICE_NOT_IN_EXE;
    if (WSV_FAULT(WSV_FAULT_REGISTER))
        return WSV_E_OS;
    wsv_os_mutex_lock(wire->lock);
    for (i = 0; i < wire->count; i++) {
        if (wire->entries[i].ctx == entry->ctx) {
            wire->services[i].registered = true;
            *status_handle = &wire->services[i];
        }
    }
    wsv_os_mutex_unlock(wire->lock);
    return *status_handle != NULL ? WSV_OK : WSV_E_OS;
}

wsv_err
wsv_scm_report(wsv_scm *wire, void *status_handle, const wsv_status *status,
               wsv_oserr *why)
{
    hosted *service = status_handle;

    why->call = "report the status";
    why->code = ERROR_INVALID_HANDLE;
    if (WSV_FAULT(WSV_FAULT_REPORT))
        return WSV_E_OS;
    wsv_os_mutex_lock(wire->lock);
    if (service->stopped || wire->dead) { /* */
        wsv_os_mutex_unlock(wire->lock);
        return WSV_E_OS;
    }
    service->last.time = wsv_clock_now(wire->clock);
    service->last.service = service->index;
    service->last.status = *status;
    service->reported = true;
    wire->ring[wire->reports++ % WSV_SIM_REPORTS] = service->last;
    if (status->state == 1) {
        service->stopped = true;
        wire->running--;
        wire->ended = wire->running == 0;
    }
    changed_locked(wire);
    wsv_os_mutex_unlock(wire->lock);
    why->code = 0;
    return WSV_OK;
}

uint64_t
wsv_scm_now(wsv_scm *wire)
{
    return wsv_clock_now(wire->clock);
}

bool
wsv_scm_wait(wsv_scm *wire, wsv_os_cond *cond, wsv_os_mutex *mutex,
             uint64_t deadline, bool by_reporter)
{
    return wsv_clock_wait(wire->clock, cond, mutex, deadline, by_reporter);
}

void
wsv_scm_wake(wsv_scm *wire, wsv_os_cond *cond)
{
    wsv_clock_wake(wire->clock, cond);
}

void
wsv_scm_die(wsv_scm *wire, uint32_t exit_code)
{
    wsv_sim_kill(wire, exit_code);
}

void
wsv_scm_linger(wsv_scm *wire, uint32_t exit_code)
{
    (void)wire;
    (void)exit_code; /* its process is not ours to end */
}

/* --- the SCM's side: sim.h --------------------------------------------------
 */

static uint64_t
deadline_of(wsv_scm *wire, uint64_t timeout)
{
    uint64_t now = wsv_clock_now(wire->clock);

    return timeout >= WSV_FOREVER - now ? WSV_FOREVER : now + timeout;
}

static bool
wait_locked(wsv_scm *wire, uint64_t until)
{
    return wsv_clock_wait(wire->clock, wire->changed, wire->lock, until,
                          false);
}

wsv_sim_outcome
wsv_sim_wait_connected(wsv_scm *wire, uint64_t timeout)
{
    uint64_t until = deadline_of(wire, timeout);
    wsv_sim_outcome outcome = WSV_SIM_DONE;

    wsv_os_mutex_lock(wire->lock);
    while (wire->entries == NULL && !wire->dead && outcome == WSV_SIM_DONE)
        if (!wait_locked(wire, until))
            outcome = WSV_SIM_LATE;
    if (wire->dead)
        outcome = WSV_SIM_DEAD;
    wsv_os_mutex_unlock(wire->lock);
    return outcome;
}

/* Wait for the mailbox to be free, and take it. */
static wsv_sim_outcome
claim_locked(wsv_scm *wire, uint64_t until)
{
    while (wire->slot != SLOT_FREE && !wire->dead && !wire->ended)
        if (!wait_locked(wire, until))
            return WSV_SIM_LATE;
    return wire->dead || wire->ended ? WSV_SIM_DEAD : WSV_SIM_DONE;
}

/* Post what has been filled in, and wait for the answer. */
static wsv_sim_outcome
exchange_locked(wsv_scm *wire, uint64_t until)
{
    wire->slot = SLOT_POSTED;
    changed_locked(wire);
    while (wire->slot != SLOT_DONE) {
        if (wire->dead || (wire->ended && wire->slot == SLOT_POSTED))
            return WSV_SIM_DEAD;
        if (wait_locked(wire, until))
            continue;
        if (wire->slot == SLOT_DONE)
            break;
        if (wire->slot == SLOT_POSTED)
            wire->slot = SLOT_FREE; /* taken back */
        else
            wire->abandoned = true;
        changed_locked(wire);
        return WSV_SIM_LATE;
    }
    wire->slot = SLOT_FREE;
    changed_locked(wire);
    return wire->outcome;
}

static bool
same_name(const wsv_wchar *a, const wsv_wchar *b)
{
    size_t size = wsv_text_length(a) + 1;

    return size == wsv_text_length(b) + 1 &&
           memcmp(a, b, size * sizeof(*a)) == 0;
}

wsv_sim_outcome
wsv_sim_start(wsv_scm *wire, bool own, uint32_t argc,
              const wsv_wchar *const *argv, uint64_t timeout)
{
    uint64_t until = deadline_of(wire, timeout);
    const wsv_wchar **copy = wsv_text_copy(argc, argv);
    wsv_sim_outcome outcome;
    uint32_t i = 0;

    if (copy == NULL)
        return WSV_SIM_NO_THREAD;
    wsv_os_mutex_lock(wire->lock);
    outcome = claim_locked(wire, until);
    if (outcome == WSV_SIM_DONE) {
        while (!own && i < wire->count &&
               !same_name(wire->entries[i].name, argv[0]))
            i++;
        if (i >= wire->count)
            outcome = WSV_SIM_NOT_IN_EXE;
    }
    if (outcome == WSV_SIM_DONE) {
        wire->is_start = true;
        wire->service = i;
        wire->argc = argc;
        wsv_os_free((void *)wire->argv);
        wire->argv = copy;
        copy = NULL;
        outcome = exchange_locked(wire, until);
    }
    wsv_os_mutex_unlock(wire->lock);
    wsv_os_free((void *)copy);
    return outcome;
}

wsv_sim_outcome
wsv_sim_control(wsv_scm *wire, uint32_t service, const wsv_control *control,
                uint64_t timeout, uint32_t *answer)
{
    uint64_t until = deadline_of(wire, timeout);
    wsv_sim_outcome outcome;
    void *data = NULL;

    *answer = 0;
    if (control->data != NULL) {
        data = wsv_os_alloc(control->size + 1u);
        if (data == NULL)
            return WSV_SIM_NO_THREAD;
        memcpy(data, control->data, control->size);
    }
    wsv_os_mutex_lock(wire->lock);
    outcome = claim_locked(wire, until);
    if (outcome == WSV_SIM_DONE && service >= wire->count)
        outcome = WSV_SIM_NOT_IN_EXE;
    if (outcome == WSV_SIM_DONE) {
        wire->is_start = false;
        wire->service = service;
        wire->control = *control;
        wsv_os_free(wire->data);
        wire->data = data;
        data = NULL;
        outcome = exchange_locked(wire, until);
        *answer = wire->answer;
    }
    wsv_os_mutex_unlock(wire->lock);
    wsv_os_free(data);
    return outcome;
}

void
wsv_sim_kill(wsv_scm *wire, uint32_t exit_code)
{
    wsv_os_mutex_lock(wire->lock);
    if (!wire->dead) {
        wire->dead = true;
        wire->death_code = exit_code;
        changed_locked(wire);
    }
    wsv_os_mutex_unlock(wire->lock);
}

bool
wsv_sim_is_dead(wsv_scm *wire, uint32_t *exit_code)
{
    bool dead;

    wsv_os_mutex_lock(wire->lock);
    dead = wire->dead;
    *exit_code = wire->death_code;
    wsv_os_mutex_unlock(wire->lock);
    return dead;
}

uint64_t
wsv_sim_last(wsv_scm *wire, uint32_t service, wsv_sim_report *last)
{
    uint64_t reports;

    memset(last, 0, sizeof(*last));
    wsv_os_mutex_lock(wire->lock);
    reports = wire->reports;
    if (service < MAX_SERVICES && wire->services[service].reported)
        *last = wire->services[service].last;
    wsv_os_mutex_unlock(wire->lock);
    return reports;
}

bool
wsv_sim_report_get(wsv_scm *wire, uint64_t *number, wsv_sim_report *out)
{
    bool found;

    wsv_os_mutex_lock(wire->lock);
    found = *number < wire->reports;
    if (found) {
        if (wire->reports - *number > WSV_SIM_REPORTS)
            *number = wire->reports - WSV_SIM_REPORTS;
        *out = wire->ring[*number % WSV_SIM_REPORTS];
    }
    wsv_os_mutex_unlock(wire->lock);
    return found;
}

void
wsv_sim_wait_change(wsv_scm *wire, uint64_t count, uint64_t timeout)
{
    uint64_t until = deadline_of(wire, timeout);

    wsv_os_mutex_lock(wire->lock);
    while (wire->reports <= count && !wire->dead)
        if (!wait_locked(wire, until))
            break;
    wsv_os_mutex_unlock(wire->lock);
}
