/* The wire as the SCM sees it: sim.h, its requests and what it looks at. */
#include <string.h>

#include "core/text.h"
#include "scm/sim_impl.h"

static uint64_t
deadline_of(wsv_scm *wire, uint64_t timeout)
{
    uint64_t now = wsv_clock_now(wire->clock);

    return timeout >= WSV_FOREVER - now ? WSV_FOREVER : now + timeout;
}

wsv_sim_outcome
wsv_sim_wait_connected(wsv_scm *wire, uint64_t timeout)
{
    uint64_t until = deadline_of(wire, timeout);
    wsv_sim_outcome outcome = WSV_SIM_DONE;

    wsv_os_mutex_lock(wire->lock);
    while (wire->entries == NULL && !wire->dead && outcome == WSV_SIM_DONE)
        if (!wsv_clock_wait(wire->clock, wire->changed, wire->lock, until,
                            false))
            outcome = WSV_SIM_LATE;
    if (wire->dead)
        outcome = WSV_SIM_DEAD;
    wsv_os_mutex_unlock(wire->lock);
    return outcome;
}

/* --- requests ---------------------------------------------------------------
 */

static void
post_locked(wsv_scm *wire, wsv_sim_request *request)
{
    wsv_sim_request **link = &wire->first;

    while (*link != NULL)
        link = &(*link)->next;
    *link = request;
    wsv_os_cond_broadcast(wire->posted);
}

/* Nothing refers to the request after this. */
static void
take_back_locked(wsv_scm *wire, wsv_sim_request *request)
{
    wsv_sim_request **link = &wire->first;

    if (wire->serving == request)
        wire->serving = NULL;
    while (*link != NULL && *link != request)
        link = &(*link)->next;
    if (*link == request)
        *link = request->next;
}

/* Let the dispatcher serve a request, and free what it has not taken over. */
static wsv_sim_outcome
exchange(wsv_scm *wire, wsv_sim_request *mine, uint64_t timeout)
{
    uint64_t until = deadline_of(wire, timeout);
    bool in_time = true;

    wsv_os_mutex_lock(wire->lock);
    post_locked(wire, mine);
    while (!mine->done) {
        if (wire->dead || (wire->ended && wire->serving != mine)) {
            /* A control that nobody has taken came to a stopped service. */
            mine->outcome = mine->is_start || wire->serving == mine
                                ? WSV_SIM_DEAD
                                : WSV_SIM_NOT_RUNNING;
            break;
        }
        if (!in_time) {
            mine->outcome = WSV_SIM_LATE;
            break;
        }
        in_time = wsv_clock_wait(wire->clock, wire->answered, wire->lock,
                                 until, false);
    }
    take_back_locked(wire, mine);
    wsv_os_mutex_unlock(wire->lock);
    wsv_os_free(mine->data);
    wsv_os_free((void *)mine->argv);
    return mine->outcome;
}

wsv_sim_outcome
wsv_sim_start(wsv_scm *wire, bool own, uint32_t argc,
              const wsv_wchar *const *argv, uint64_t timeout)
{
    wsv_sim_request request;

    if (argc == 0)
        return WSV_SIM_NOT_IN_EXE; /* the name comes first */
    memset(&request, 0, sizeof(request));
    request.is_start = true;
    request.own = own;
    request.argc = argc;
    request.argv = wsv_text_copy(argc, argv);
    if (request.argv == NULL)
        return WSV_SIM_NO_THREAD;
    return exchange(wire, &request, timeout);
}

wsv_sim_outcome
wsv_sim_control(wsv_scm *wire, uint32_t service, const wsv_control *control,
                uint64_t timeout, uint32_t *answer)
{
    wsv_sim_request request;
    wsv_sim_outcome outcome;

    *answer = 0;
    memset(&request, 0, sizeof(request));
    request.service = service;
    request.control = *control;
    if (control->data != NULL) {
        request.data = wsv_os_alloc(control->size + 1u);
        if (request.data == NULL)
            return WSV_SIM_NO_THREAD;
        memcpy(request.data, control->data, control->size);
    }
    outcome = exchange(wire, &request, timeout);
    *answer = request.answer;
    return outcome;
}

wsv_sim_outcome
wsv_sim_control_many(wsv_scm *wire, uint32_t service,
                     const wsv_control *controls, uint32_t count,
                     uint64_t timeout, uint32_t *sent, uint32_t *answer)
{
    wsv_sim_outcome outcome = WSV_SIM_DONE;

    *answer = 0;
    for (*sent = 0; *sent < count; (*sent)++) {
        outcome =
            wsv_sim_control(wire, service, &controls[*sent], timeout, answer);
        if (outcome != WSV_SIM_DONE || *answer != 0)
            break;
    }
    return outcome;
}

/* The services are told at once: the dispatcher may be in a handler that waits
 * for an answer, in a time that stands still. */
void
wsv_sim_kill(wsv_scm *wire, uint32_t exit_code)
{
    uint32_t i;

    wsv_os_mutex_lock(wire->lock);
    if (!wire->dead) {
        wire->dead = true;
        wire->death_code = exit_code;
        wsv_sim_over_locked(wire);
        if (wire->dispatching) {
            wire->orphaning++;
            wsv_os_mutex_unlock(wire->lock);
            for (i = 0; i < wire->count; i++)
                wire->entries[i].orphaned(wire->entries[i].ctx);
            wsv_os_mutex_lock(wire->lock);
            wire->orphaning--;
            wsv_os_cond_broadcast(wire->posted);
        }
    }
    wsv_os_mutex_unlock(wire->lock);
}

/* --- what it looks at -------------------------------------------------------
 */

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
    uint64_t reports = 0;

    memset(last, 0, sizeof(*last));
    if (service >= WSV_SIM_SERVICES)
        return 0;
    wsv_os_mutex_lock(wire->lock);
    reports = wire->services[service].reports;
    if (reports != 0)
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
wsv_sim_wait_change(wsv_scm *wire, uint32_t service, uint64_t count,
                    uint64_t timeout)
{
    uint64_t until = deadline_of(wire, timeout);

    if (service >= WSV_SIM_SERVICES)
        return;
    wsv_os_mutex_lock(wire->lock);
    while (wire->services[service].reports <= count && !wire->dead)
        if (!wsv_clock_wait(wire->clock, wire->changed, wire->lock, until,
                            false))
            break;
    wsv_os_mutex_unlock(wire->lock);
}
