/* The wire as the process sees it: scm.h. */
#include <string.h>

#include "core/text.h"
#include "os/fault.h"
#include "scm/sim_impl.h"

#define STATE_STOPPED 1u
#define POISON 0xDD

wsv_err
wsv_sim_new(wsv_clock *clock, wsv_scm **out)
{
    wsv_scm *wire;
    uint32_t i;

    *out = NULL;
    wire = wsv_os_alloc(sizeof(*wire));
    if (wire == NULL)
        return WSV_E_MEMORY;
    wire->clock = clock;
    for (i = 0; i < WSV_SIM_SERVICES; i++) {
        wire->services[i].wire = wire;
        wire->services[i].index = i;
    }
    if (wsv_os_mutex_new(&wire->lock) != WSV_OK ||
        wsv_os_cond_new(&wire->posted) != WSV_OK ||
        wsv_os_cond_new(&wire->answered) != WSV_OK ||
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
    for (i = 0; i < WSV_SIM_SERVICES; i++)
        wsv_os_free((void *)wire->services[i].argv);
    wsv_sim_free_subscriptions(wire);
    wsv_os_cond_free(wire->changed);
    wsv_os_cond_free(wire->answered);
    wsv_os_cond_free(wire->posted);
    wsv_os_mutex_free(wire->lock);
    wsv_os_free(wire);
}

void
wsv_sim_over_locked(wsv_scm *wire)
{
    wsv_os_cond_broadcast(wire->posted);
    wsv_clock_wake(wire->clock, wire->answered);
    wsv_clock_wake(wire->clock, wire->changed);
}

/* the process ends with its last service. */
static void
service_over_locked(wsv_sim_service *service)
{
    wsv_scm *wire = service->wire;

    service->running = false;
    wire->running--;
    if (wire->running == 0) {
        wire->ended = true;
        wsv_sim_over_locked(wire);
    }
}

/* --- the dispatcher ---------------------------------------------------------
 */

static void
run_service_main(void *arg)
{
    wsv_sim_service *service = arg;
    const wsv_scm_entry *entry = &service->wire->entries[service->index];

    entry->service_main(entry->ctx, service->argc, service->argv);
    wsv_clock_busy(service->wire->clock, -1);
}

static wsv_wchar
upper(wsv_wchar unit)
{
    return unit >= 'a' && unit <= 'z' ? (wsv_wchar)(unit - 'a' + 'A') : unit;
}

/* As the SCM compares key names, in ASCII. */
static bool
same_name(const wsv_wchar *a, const wsv_wchar *b)
{
    while (*a != 0 && upper(*a) == upper(*b)) {
        a++;
        b++;
    }
    return upper(*a) == upper(*b);
}

static uint32_t
find_locked(const wsv_scm *wire, const wsv_wchar *name)
{
    uint32_t i = 0;

    while (i < wire->count && !same_name(wire->entries[i].name, name))
        i++;
    return i;
}

/* ServiceMain, each time in a new thread. */
static wsv_sim_outcome
start_locked(wsv_scm *wire, wsv_sim_request *taken)
{
    uint32_t index = taken->own ? 0 : find_locked(wire, taken->argv[0]);
    wsv_os_thread *thread = NULL, *former;
    const wsv_wchar **old_argv;
    wsv_sim_service *service;
    wsv_oserr why;

    if (index >= wire->count)
        return WSV_SIM_NOT_IN_EXE;
    service = &wire->services[index];
    if (service->running)
        return WSV_SIM_RUNNING;
    former = service->thread;
    old_argv = service->argv;
    service->thread = NULL;
    service->argc = taken->argc;
    service->argv = taken->argv;
    taken->argv = NULL;
    service->own = taken->own;
    service->registered = false;
    service->running = true;
    wire->running++; /* from here on the process does not end */
    wsv_os_mutex_unlock(wire->lock);
    wsv_os_thread_join(former); /* after STOPPED it ends by itself */
    wsv_os_free((void *)old_argv);
    wsv_clock_busy(wire->clock, 1);
    if (wsv_os_thread_new(&thread, run_service_main, service, &why) != WSV_OK)
        wsv_clock_busy(wire->clock, -1);
    wsv_os_mutex_lock(wire->lock);
    service->thread = thread;
    if (thread != NULL)
        return WSV_SIM_DONE;
    service_over_locked(service);
    return WSV_SIM_NO_THREAD;
}

static wsv_sim_outcome
call_handler_locked(wsv_scm *wire, wsv_sim_request *taken)
{
    const wsv_scm_entry *entry;

    if (taken->service >= wire->count)
        return WSV_SIM_NOT_IN_EXE;
    if (!wire->services[taken->service].running)
        return WSV_SIM_NOT_RUNNING;
    entry = &wire->entries[taken->service];
    taken->control.data = taken->data;
    wsv_os_mutex_unlock(wire->lock);
    taken->answer = entry->handler(entry->ctx, &taken->control);
    if (taken->data != NULL)
        memset(taken->data, POISON, taken->control.size); /* I-127 */
    wsv_os_mutex_lock(wire->lock);
    /* Killed meanwhile: no answer gets through. */
    return wire->dead ? WSV_SIM_DEAD : WSV_SIM_DONE;
}

static void
serve_locked(wsv_scm *wire)
{
    wsv_sim_request *request = wire->first;
    wsv_sim_request taken = *request; /* its client may give up and go */

    wire->first = request->next;
    wire->serving = request;
    request->data = NULL;
    request->argv = NULL;
    taken.outcome = taken.is_start ? start_locked(wire, &taken)
                                   : call_handler_locked(wire, &taken);
    if (wire->serving == request) {
        request->outcome = taken.outcome;
        request->answer = taken.answer;
        request->done = true;
        wire->serving = NULL;
        wsv_clock_wake(wire->clock, wire->answered);
    }
    wsv_os_free(taken.data);
    wsv_os_free((void *)taken.argv);
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
    if (count == 0 || count > WSV_SIM_SERVICES) {
        why->code = ERROR_INVALID_DATA; /* */
        return WSV_E_OS;
    }
    wsv_os_mutex_lock(wire->lock);
    if (wire->entries != NULL) { /* */
        wsv_os_mutex_unlock(wire->lock);
        why->code = ERROR_SERVICE_ALREADY_RUNNING;
        return WSV_E_OS;
    }
    wire->entries = entries;
    wire->count = count;
    wire->dispatching = true;
    wsv_clock_wake(wire->clock, wire->changed);
    while (!wire->ended && !wire->dead) {
        if (wire->first != NULL)
            serve_locked(wire);
        else
            (void)wsv_os_cond_wait(wire->posted, wire->lock, WSV_FOREVER);
    }
    wire->dispatching = false;
    while (wire->orphaning != 0)
        (void)wsv_os_cond_wait(wire->posted, wire->lock, WSV_FOREVER);
    dead = wire->dead;
    wsv_os_mutex_unlock(wire->lock);
    for (i = 0; i < count; i++) {
        if (dead && wire->services[i].thread != NULL)
            entries[i].orphaned(entries[i].ctx); /* killed just now */
        wsv_os_thread_join(wire->services[i].thread);
    }
    return dead ? WSV_E_CLOSED : WSV_OK;
}

/* --- what services call -----------------------------------------------------
 */

wsv_err
wsv_scm_register(wsv_scm *wire, const wsv_scm_entry *entry,
                 const wsv_wchar *name, void **status_handle, wsv_oserr *why)
{
    wsv_sim_service *service;
    uint32_t i;

    *status_handle = NULL;
    why->call = "register the control handler";
    why->code = ERROR_SERVICE_NOT_IN_EXE; /* */
    if (WSV_FAULT(WSV_FAULT_REGISTER))
        return WSV_E_OS;
    wsv_os_mutex_lock(wire->lock);
    for (i = 0; i < wire->count; i++) {
        service = &wire->services[i];
        /* The name counts in a shared process alone. */
        if (wire->entries[i].ctx == entry->ctx &&
            (service->own || find_locked(wire, name) == i)) {
            service->registered = true;
            *status_handle = service;
        }
    }
    wsv_os_mutex_unlock(wire->lock);
    return *status_handle != NULL ? WSV_OK : WSV_E_OS;
}

wsv_err
wsv_scm_report(wsv_scm *wire, void *status_handle, const wsv_status *status,
               wsv_oserr *why)
{
    wsv_sim_service *service = status_handle;

    why->call = "report the status";
    why->code = ERROR_INVALID_HANDLE;
    if (WSV_FAULT(WSV_FAULT_REPORT))
        return WSV_E_OS;
    wsv_os_mutex_lock(wire->lock);
    /* */
    if (!service->running || !service->registered || wire->dead) {
        wsv_os_mutex_unlock(wire->lock);
        return WSV_E_OS;
    }
    service->last.time = wsv_clock_now(wire->clock);
    service->last.service = service->index;
    service->last.status = *status;
    service->reports++;
    wire->ring[wire->reports++ % WSV_SIM_REPORTS] = service->last;
    if (status->state == STATE_STOPPED)
        service_over_locked(service);
    wsv_clock_wake(wire->clock, wire->changed);
    wsv_os_mutex_unlock(wire->lock);
    why->code = 0;
    return WSV_OK;
}

wsv_err
wsv_scm_start_reason(wsv_scm *wire, void *status_handle, uint32_t *reason,
                     wsv_oserr *why)
{
    (void)wire;
    (void)status_handle;
    (void)why;
    *reason = 0; /* a start has none here: as on a Windows before 8 */
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
