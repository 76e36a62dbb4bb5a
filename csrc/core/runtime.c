/* The service as the handler and Python's threads see it. */
#include <string.h>

#include "core/runtime_impl.h"
#include "core/text.h"

#define DEFAULT_HINT 3000u
#define DEFAULT_BUDGET (UINT64_C(120000) * WSV_NS_PER_MS)
/* How long the handler waits for another thread's report to end. */
#define HANDLER_PATIENCE (UINT64_C(2000) * WSV_NS_PER_MS)

wsv_err
wsv_runtime_new(wsv_scm *scm, const wsv_wchar *name, wsv_runtime **out)
{
    wsv_runtime *rt;
    size_t size = (wsv_text_length(name) + 1) * sizeof(wsv_wchar);

    *out = NULL;
    rt = wsv_os_alloc(sizeof(*rt));
    if (rt == NULL)
        return WSV_E_MEMORY;
    rt->scm = scm;
    rt->name = wsv_os_alloc(size);
    if (rt->name == NULL || wsv_os_mutex_new(&rt->lock) != WSV_OK ||
        wsv_os_cond_new(&rt->reporter) != WSV_OK ||
        wsv_os_cond_new(&rt->reported) != WSV_OK ||
        wsv_os_cond_new(&rt->events) != WSV_OK ||
        wsv_os_cond_new(&rt->stops) != WSV_OK ||
        wsv_os_cond_new(&rt->expiries) != WSV_OK) {
        wsv_runtime_free(rt);
        return WSV_E_MEMORY;
    }
    memcpy(rt->name, name, size);
    rt->settings.hint = DEFAULT_HINT;
    rt->settings.start = DEFAULT_BUDGET;
    rt->settings.stop = DEFAULT_BUDGET;
    rt->settings.pause = DEFAULT_BUDGET;
    rt->settings.resume = DEFAULT_BUDGET;
    wsv_progress_leave(&rt->progress);
    *out = rt;
    return WSV_OK;
}

void
wsv_runtime_free(wsv_runtime *rt)
{
    if (rt == NULL)
        return;
    wsv_os_cond_free(rt->expiries);
    wsv_os_cond_free(rt->stops);
    wsv_os_cond_free(rt->events);
    wsv_os_cond_free(rt->reported);
    wsv_os_cond_free(rt->reporter);
    wsv_os_mutex_free(rt->lock);
    wsv_os_free((void *)rt->argv);
    wsv_os_free(rt->name);
    wsv_os_free(rt);
}

const wsv_wchar *
wsv_runtime_name(const wsv_runtime *rt)
{
    return rt->name;
}

/* --- on the dispatcher's thread ---------------------------------------------
 */

uint32_t
wsv_runtime_handle(void *ctx, const wsv_control *control)
{
    wsv_runtime *rt = ctx;
    wsv_decision made;
    wsv_put put = WSV_PUT_QUEUED;
    wsv_oserr ignored;
    uint64_t number;

    wsv_os_mutex_lock(rt->lock);
    number = wsv_runtime_note_locked(rt, WSV_JOURNAL_CONTROL, control->code,
                                     control->event_type, control->size);
    made = wsv_state_decide(
        rt->state, wsv_state_accepted(rt->state, rt->settings.handled),
        control->code);
    if (made.action != WSV_ANSWER)
        put = wsv_queue_put(&rt->queue, control,
                            wsv_state_is_stop(control->code));
    if (put == WSV_PUT_FULL) {
        wsv_runtime_note_locked(rt, WSV_JOURNAL_DROPPED, control->code,
                                control->event_type, control->size);
        rt->dropped++;
        made.action = WSV_ANSWER;
        made.answer = WSV_ERROR_NOT_ENOUGH_QUOTA;
    }
    else if (put == WSV_PUT_COALESCED) {
        wsv_runtime_note_locked(rt, WSV_JOURNAL_COALESCED, control->code,
                                control->event_type, control->size);
    }
    if (made.action != WSV_ANSWER)
        wsv_os_cond_broadcast(rt->events);
    if (made.action == WSV_ENTER) {
        wsv_runtime_enter_locked(rt, made.next);
        if (control->code == WSV_CONTROL_SHUTDOWN ||
            control->code == WSV_CONTROL_PRESHUTDOWN)
            rt->progress.deadline = WSV_FOREVER; /* the system's time counts */
    }
    if (made.action == WSV_ENTER || wsv_state_is_stop(control->code))
        (void)wsv_runtime_flush_locked(rt, HANDLER_PATIENCE, &ignored);
    wsv_journal_done(&rt->journal, number, wsv_scm_now(rt->scm), made.answer);
    wsv_os_mutex_unlock(rt->lock);
    return made.answer;
}

/* --- on Python's threads ----------------------------------------------------
 */

void
wsv_runtime_orphaned(void *rt)
{
    wsv_runtime_close(rt);
}

void
wsv_runtime_close(wsv_runtime *rt)
{
    wsv_os_mutex_lock(rt->lock);
    rt->closed = true;
    wsv_runtime_end_locked(rt);
    wsv_os_mutex_unlock(rt->lock);
}

void
wsv_runtime_wake(wsv_runtime *rt)
{
    wsv_os_mutex_lock(rt->lock);
    rt->wakes++;
    wsv_scm_wake(rt->scm, rt->stops);
    wsv_os_mutex_unlock(rt->lock);
}

wsv_err
wsv_runtime_wait_start(wsv_runtime *rt, wsv_oserr *why)
{
    wsv_err err = WSV_OK;
    uint32_t wakes;

    wsv_os_mutex_lock(rt->lock);
    wakes = rt->wakes;
    while (!rt->start_over && !rt->closed && rt->wakes == wakes)
        (void)wsv_scm_wait(rt->scm, rt->stops, rt->lock, WSV_FOREVER, false);
    if (rt->start_over && rt->start_why.code != 0) {
        *why = rt->start_why;
        err = WSV_E_OS;
    }
    else if (rt->closed) {
        err = WSV_E_CLOSED;
    }
    else if (!rt->start_over) {
        err = WSV_E_WOKEN;
    }
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

void
wsv_runtime_arguments(const wsv_runtime *rt, uint32_t *argc,
                      const wsv_wchar *const **argv)
{
    *argc = rt->argc;
    *argv = rt->argv;
}

wsv_err
wsv_runtime_configure(wsv_runtime *rt, const wsv_settings *settings,
                      wsv_oserr *why)
{
    wsv_err err = WSV_OK;
    uint64_t gone;

    wsv_os_mutex_lock(rt->lock);
    if (rt->state == WSV_START_PENDING &&
        rt->progress.deadline != WSV_FOREVER) {
        /* The import's time counts: the deadline stays measured from entry. */
        gone = rt->progress.deadline - rt->progress.budget;
        rt->progress.budget = settings->start;
        rt->progress.deadline = settings->start >= WSV_FOREVER - gone
                                    ? WSV_FOREVER
                                    : gone + settings->start;
    }
    rt->settings = *settings;
    if (rt->state == WSV_START_PENDING) {
        /* STOP is accepted from here on (B-44): the SCM is to know. */
        wsv_progress_raise(&rt->progress, wsv_scm_now(rt->scm),
                           settings->hint);
        wsv_runtime_post_locked(rt);
        wsv_scm_wake(rt->scm, rt->reporter);
        err = wsv_runtime_flush_locked(rt, WSV_FOREVER, why);
    }
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

wsv_err
wsv_runtime_accept(wsv_runtime *rt, uint32_t handled, wsv_oserr *why)
{
    wsv_err err = WSV_E_STATE;
    uint32_t before;

    wsv_os_mutex_lock(rt->lock);
    before = rt->settings.handled;
    rt->settings.handled = handled;
    if (rt->state != WSV_NOT_READY && !rt->stopping && !rt->closed) {
        if (wsv_state_is_pending(rt->state)) /* no report without progress */
            wsv_progress_raise(&rt->progress, wsv_scm_now(rt->scm), 0);
        wsv_runtime_post_locked(rt);
        err = wsv_runtime_flush_locked(rt, WSV_FOREVER, why);
        if (err != WSV_OK && rt->settings.handled == handled)
            rt->settings.handled = before; /* the SCM may not want it */
    }
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

wsv_err
wsv_runtime_started(wsv_runtime *rt, wsv_oserr *why)
{
    wsv_err err = WSV_E_STATE;

    wsv_os_mutex_lock(rt->lock);
    if (rt->closed) {
        err = WSV_E_CLOSED;
    }
    else if (rt->state == WSV_START_PENDING) {
        wsv_runtime_enter_locked(rt, WSV_RUNNING);
        err = wsv_runtime_flush_locked(rt, WSV_FOREVER, why);
    }
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

wsv_err
wsv_runtime_wait_event(wsv_runtime *rt, wsv_queued *out, const uint8_t **data,
                       uint32_t *dropped)
{
    wsv_err err = WSV_OK;

    wsv_os_mutex_lock(rt->lock);
    while (!wsv_queue_get(&rt->queue, out, rt->event_data)) {
        if (rt->finished || rt->closed || rt->state == WSV_STOPPED) {
            err = WSV_E_CLOSED;
            break;
        }
        (void)wsv_os_cond_wait(rt->events, rt->lock, WSV_FOREVER);
    }
    *dropped = rt->dropped;
    rt->dropped = 0;
    wsv_os_mutex_unlock(rt->lock);
    *data = rt->event_data;
    return err;
}

wsv_err
wsv_runtime_begin(wsv_runtime *rt, uint32_t control, wsv_oserr *why)
{
    bool pausing = control == WSV_CONTROL_PAUSE;
    uint32_t pending = pausing ? WSV_PAUSE_PENDING : WSV_CONTINUE_PENDING;
    uint32_t before = pausing ? WSV_RUNNING : WSV_PAUSED;
    wsv_err err = WSV_E_STATE;

    wsv_os_mutex_lock(rt->lock);
    if (rt->state == pending ||
        (rt->state == WSV_STOP_PENDING && rt->paused != pausing)) {
        err = WSV_OK;
    }
    else if (rt->state == before) {
        wsv_runtime_enter_locked(rt, pending);
        err = wsv_runtime_flush_locked(rt, WSV_FOREVER, why);
    }
    if (err == WSV_OK)
        rt->paused = pausing;
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

wsv_err
wsv_runtime_finish(wsv_runtime *rt, uint32_t control, wsv_oserr *why)
{
    bool pausing = control == WSV_CONTROL_PAUSE;
    uint32_t pending = pausing ? WSV_PAUSE_PENDING : WSV_CONTINUE_PENDING;
    uint32_t before = pausing ? WSV_RUNNING : WSV_PAUSED;
    wsv_err err = WSV_E_STATE;

    wsv_os_mutex_lock(rt->lock);
    /* `before`: it was too late, and yet it has paused: say so. */
    if (rt->state == pending || rt->state == before) {
        wsv_runtime_enter_locked(rt, pausing ? WSV_PAUSED : WSV_RUNNING);
        err = wsv_runtime_flush_locked(rt, WSV_FOREVER, why);
    }
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

wsv_err
wsv_runtime_wait_stop(wsv_runtime *rt, uint64_t timeout)
{
    uint64_t until, now;
    uint32_t wakes;
    wsv_err err = WSV_OK;

    wsv_os_mutex_lock(rt->lock);
    now = wsv_scm_now(rt->scm);
    until = timeout >= WSV_FOREVER - now ? WSV_FOREVER : now + timeout;
    wakes = rt->wakes;
    while (!rt->stopping && !rt->closed) {
        if (rt->wakes != wakes) {
            err = WSV_E_WOKEN;
            break;
        }
        if (wsv_scm_now(rt->scm) >= until) {
            err = WSV_E_TIMEOUT;
            break;
        }
        (void)wsv_scm_wait(rt->scm, rt->stops, rt->lock, until, false);
    }
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

wsv_err
wsv_runtime_progress(wsv_runtime *rt, uint32_t hint, wsv_oserr *why)
{
    wsv_err err = WSV_E_STATE;
    bool limited;

    wsv_os_mutex_lock(rt->lock);
    if (wsv_state_is_pending(rt->state) && !rt->closed) {
        limited = rt->progress.deadline != WSV_FOREVER;
        wsv_progress_made(&rt->progress, wsv_scm_now(rt->scm), hint);
        if (!limited)
            rt->progress.deadline = WSV_FOREVER;
        wsv_runtime_post_locked(rt);
        wsv_scm_wake(rt->scm, rt->reporter);
        err = wsv_runtime_flush_locked(rt, WSV_FOREVER, why);
    }
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

wsv_err
wsv_runtime_request_stop(wsv_runtime *rt, wsv_oserr *why)
{
    wsv_control stop = {WSV_CONTROL_STOP, 0, 0, NULL};
    wsv_err err = WSV_OK;

    wsv_os_mutex_lock(rt->lock);
    if (!rt->stopping && !rt->closed && rt->state != WSV_NOT_READY) {
        wsv_runtime_note_locked(rt, WSV_JOURNAL_REQUEST, stop.code, 0, 0);
        (void)wsv_queue_put(&rt->queue, &stop, true); /* a slot is reserved */
        wsv_os_cond_broadcast(rt->events);
        wsv_runtime_enter_locked(rt, WSV_STOP_PENDING);
        err = wsv_runtime_flush_locked(rt, WSV_FOREVER, why);
    }
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

wsv_err
wsv_runtime_stopped(wsv_runtime *rt, uint32_t exit_code,
                    uint32_t specific_code, wsv_oserr *why)
{
    wsv_err err = WSV_OK;

    wsv_os_mutex_lock(rt->lock);
    if (rt->closed) {
        err = WSV_E_CLOSED;
    }
    else if (rt->state != WSV_STOPPED) {
        rt->exit_code = exit_code;
        rt->specific_code = specific_code;
        wsv_runtime_enter_locked(rt, WSV_STOPPED);
        err = wsv_runtime_flush_locked(rt, WSV_FOREVER, why);
        while (!rt->finished && !rt->closed && rt->reporting)
            (void)wsv_os_cond_wait(rt->reported, rt->lock, WSV_FOREVER);
        if (err == WSV_OK && rt->failed >= rt->entered) {
            *why = rt->failed_why;
            err = WSV_E_OS;
        }
    }
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

wsv_err
wsv_runtime_wait_expired(wsv_runtime *rt, uint32_t *state)
{
    wsv_err err = WSV_OK;

    wsv_os_mutex_lock(rt->lock);
    while (rt->expired == 0 && !rt->finished && !rt->closed)
        (void)wsv_os_cond_wait(rt->expiries, rt->lock, WSV_FOREVER);
    *state = rt->expired;
    if (rt->expired == 0)
        err = WSV_E_CLOSED;
    rt->expired = 0;
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

void
wsv_runtime_expired_seen(wsv_runtime *rt)
{
    wsv_os_mutex_lock(rt->lock);
    rt->expired_seen = true;
    wsv_scm_wake(rt->scm, rt->reporter);
    wsv_os_mutex_unlock(rt->lock);
}

uint32_t
wsv_runtime_state(wsv_runtime *rt)
{
    uint32_t state;

    wsv_os_mutex_lock(rt->lock);
    state = rt->state;
    wsv_os_mutex_unlock(rt->lock);
    return state;
}

bool
wsv_runtime_is_stopping(wsv_runtime *rt)
{
    bool stopping;

    wsv_os_mutex_lock(rt->lock);
    stopping = rt->stopping || rt->closed;
    wsv_os_mutex_unlock(rt->lock);
    return stopping;
}

uint32_t
wsv_runtime_exit_code(wsv_runtime *rt)
{
    uint32_t code;

    wsv_os_mutex_lock(rt->lock);
    code = rt->exit_code;
    wsv_os_mutex_unlock(rt->lock);
    return code;
}

bool
wsv_runtime_journal(wsv_runtime *rt, uint64_t *number, wsv_entry *out)
{
    bool found;

    wsv_os_mutex_lock(rt->lock);
    found = wsv_journal_get(&rt->journal, number, out);
    wsv_os_mutex_unlock(rt->lock);
    return found;
}
