/* One life of a service, as Python's threads see it. */
#include "core/runtime_impl.h"

bool
wsv_life_over_locked(wsv_life life)
{
    return life.rt->closed || life.rt->life != life.number;
}

/* `timeout` ns from now, in the time of that clock. */
static uint64_t
deadline_in(wsv_runtime *rt, uint64_t timeout)
{
    uint64_t now = wsv_scm_now(rt->scm);

    return timeout >= WSV_FOREVER - now ? WSV_FOREVER : now + timeout;
}

wsv_err
wsv_runtime_wait_start(wsv_runtime *rt, uint64_t timeout, wsv_life *life,
                       wsv_oserr *why)
{
    uint64_t until = deadline_in(rt, timeout);
    wsv_err err = WSV_OK;
    uint32_t wakes;

    wsv_os_mutex_lock(rt->lock);
    wakes = rt->wakes;
    while ((!rt->start_over || rt->served) && !rt->closed &&
           rt->wakes == wakes)
        if (!wsv_scm_wait(rt->scm, rt->stops, rt->lock, until, false))
            break;
    if (rt->start_over && !rt->served) {
        rt->served = true;
        life->rt = rt;
        life->number = rt->life;
        if (rt->start_why.code != 0) {
            *why = rt->start_why;
            err = WSV_E_OS;
        }
    }
    else if (rt->closed) {
        err = WSV_E_CLOSED;
    }
    else {
        err = rt->wakes != wakes ? WSV_E_WOKEN : WSV_E_TIMEOUT;
    }
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

void
wsv_life_arguments(wsv_life life, uint32_t *argc,
                   const wsv_wchar *const **argv)
{
    *argc = life.rt->argc;
    *argv = life.rt->argv;
}

wsv_err
wsv_life_configure(wsv_life life, const wsv_settings *settings, wsv_oserr *why)
{
    wsv_runtime *rt = life.rt;
    wsv_err err = WSV_OK;
    uint64_t gone;

    wsv_os_mutex_lock(rt->lock);
    if (wsv_life_over_locked(life)) {
        wsv_os_mutex_unlock(rt->lock);
        return WSV_E_CLOSED;
    }
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
wsv_life_accept(wsv_life life, uint32_t handled, wsv_oserr *why)
{
    wsv_runtime *rt = life.rt;
    wsv_err err = WSV_E_STATE;
    uint32_t before;

    wsv_os_mutex_lock(rt->lock);
    if (rt->state != WSV_NOT_READY && !rt->stopping &&
        !wsv_life_over_locked(life)) {
        before = rt->settings.handled;
        rt->settings.handled = handled;
        if (wsv_state_is_pending(rt->state)) /* no report without progress */
            wsv_progress_raise(&rt->progress, wsv_scm_now(rt->scm), 0);
        wsv_runtime_post_locked(rt);
        err = wsv_runtime_flush_locked(rt, WSV_FOREVER, why);
        if (err != WSV_OK && rt->settings.handled == handled &&
            !wsv_life_over_locked(life))
            rt->settings.handled = before; /* the SCM may not want it */
    }
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

void
wsv_life_reply(wsv_life life, wsv_query query, const wsv_reply *reply)
{
    wsv_runtime *rt = life.rt;

    wsv_os_mutex_lock(rt->lock);
    if (!wsv_life_over_locked(life))
        rt->replies[query] = *reply;
    wsv_os_mutex_unlock(rt->lock);
}

bool
wsv_life_answer(wsv_life life, uint32_t ticket, uint32_t answer)
{
    wsv_runtime *rt = life.rt;
    bool in_time;

    wsv_os_mutex_lock(rt->lock);
    in_time =
        !wsv_life_over_locked(life) && !rt->answered && rt->ticket == ticket;
    if (in_time) {
        rt->answered = true;
        rt->answer = answer;
        wsv_scm_wake(rt->scm, rt->answers);
    }
    wsv_os_mutex_unlock(rt->lock);
    return in_time;
}

/* A power setting's present value comes at once (D-12), while it starts too:
 * the SCM is to know that it is wanted. */
static wsv_err
accept_early_locked(wsv_runtime *rt, uint32_t bit, wsv_oserr *why)
{
    if (rt->state != WSV_START_PENDING || (rt->early & bit) != 0)
        return WSV_OK;
    rt->early |= bit;
    wsv_progress_raise(&rt->progress, wsv_scm_now(rt->scm), 0);
    wsv_runtime_post_locked(rt);
    return wsv_runtime_flush_locked(rt, WSV_FOREVER, why);
}

wsv_err
wsv_life_subscribe(wsv_life life, wsv_subject subject, const void *what,
                   uint32_t size, void **subscription, wsv_oserr *why)
{
    wsv_runtime *rt = life.rt;
    wsv_err err = WSV_E_STATE;
    void *status_handle;

    wsv_os_mutex_lock(rt->lock);
    status_handle = rt->status_handle;
    if (rt->registered && rt->state != WSV_STOPPED &&
        !wsv_life_over_locked(life)) {
        err = WSV_OK;
        if (subject == WSV_POWER_SETTING)
            err = accept_early_locked(
                rt, wsv_state_accept_bit(WSV_CONTROL_POWEREVENT), why);
    }
    wsv_os_mutex_unlock(rt->lock);
    if (err != WSV_OK)
        return err;
    return wsv_scm_subscribe(rt->scm, status_handle, subject, what, size,
                             subscription, why);
}

wsv_err
wsv_life_unsubscribe(wsv_life life, wsv_subject subject, void *subscription,
                     wsv_oserr *why)
{
    return wsv_scm_unsubscribe(life.rt->scm, subject, subscription, why);
}

wsv_err
wsv_life_start_reason(wsv_life life, uint32_t *reason, wsv_oserr *why)
{
    wsv_runtime *rt = life.rt;
    void *status_handle;
    bool up;

    *reason = 0;
    wsv_os_mutex_lock(rt->lock);
    status_handle = rt->status_handle;
    up = rt->registered && rt->state != WSV_STOPPED &&
         !wsv_life_over_locked(life);
    wsv_os_mutex_unlock(rt->lock);
    if (!up)
        return WSV_E_STATE;
    return wsv_scm_start_reason(rt->scm, status_handle, reason, why);
}

wsv_err
wsv_life_started(wsv_life life, wsv_oserr *why)
{
    wsv_runtime *rt = life.rt;
    wsv_err err = WSV_E_STATE;

    wsv_os_mutex_lock(rt->lock);
    if (wsv_life_over_locked(life)) {
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
wsv_life_wait_event(wsv_life life, wsv_queued *out, const uint8_t **data,
                    uint32_t *dropped)
{
    wsv_runtime *rt = life.rt;
    wsv_err err = WSV_OK;

    *dropped = 0;
    wsv_os_mutex_lock(rt->lock);
    while (wsv_life_over_locked(life) ||
           !wsv_queue_get(&rt->queue, out, rt->event_data)) {
        if (wsv_life_over_locked(life) || rt->finished ||
            rt->state == WSV_STOPPED) {
            err = WSV_E_CLOSED;
            break;
        }
        (void)wsv_os_cond_wait(rt->events, rt->lock, WSV_FOREVER);
    }
    if (err == WSV_OK) {
        *dropped = rt->dropped;
        rt->dropped = 0;
    }
    wsv_os_mutex_unlock(rt->lock);
    *data = rt->event_data;
    return err;
}

static uint32_t
pending_state(uint32_t control)
{
    return control == WSV_CONTROL_PAUSE ? WSV_PAUSE_PENDING
                                        : WSV_CONTINUE_PENDING;
}

/* False: its pending state is to be entered first. */
static bool
begin_locked(wsv_life life, uint32_t control, wsv_err *err)
{
    wsv_runtime *rt = life.rt;
    bool pausing = control == WSV_CONTROL_PAUSE;
    bool closed = wsv_life_over_locked(life);

    if (!closed && rt->state == (pausing ? WSV_RUNNING : WSV_PAUSED))
        return false;
    if (closed)
        *err = WSV_E_CLOSED;
    else if (rt->state == pending_state(control) ||
             (rt->state == WSV_STOP_PENDING && rt->paused != pausing))
        *err = WSV_OK;
    else
        *err = WSV_E_STATE;
    if (*err == WSV_OK)
        rt->paused = pausing;
    return true;
}

bool
wsv_life_try_begin(wsv_life life, uint32_t control, wsv_err *err)
{
    bool decided;

    wsv_os_mutex_lock(life.rt->lock);
    decided = begin_locked(life, control, err);
    wsv_os_mutex_unlock(life.rt->lock);
    return decided;
}

wsv_err
wsv_life_begin(wsv_life life, uint32_t control, wsv_oserr *why)
{
    wsv_runtime *rt = life.rt;
    wsv_err err;

    wsv_os_mutex_lock(rt->lock);
    if (!begin_locked(life, control, &err)) {
        wsv_runtime_enter_locked(rt, pending_state(control));
        err = wsv_runtime_flush_locked(rt, WSV_FOREVER, why);
        if (err == WSV_OK)
            rt->paused = control == WSV_CONTROL_PAUSE;
    }
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

wsv_err
wsv_life_finish(wsv_life life, uint32_t control, wsv_oserr *why)
{
    wsv_runtime *rt = life.rt;
    bool pausing = control == WSV_CONTROL_PAUSE;
    uint32_t before = pausing ? WSV_RUNNING : WSV_PAUSED;
    wsv_err err = WSV_E_STATE;

    wsv_os_mutex_lock(rt->lock);
    /* `before`: it was too late, and yet it has paused: say so. */
    if (!wsv_life_over_locked(life) &&
        (rt->state == pending_state(control) || rt->state == before)) {
        wsv_runtime_enter_locked(rt, pausing ? WSV_PAUSED : WSV_RUNNING);
        err = wsv_runtime_flush_locked(rt, WSV_FOREVER, why);
    }
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

wsv_err
wsv_life_wait_stop(wsv_life life, uint64_t timeout)
{
    wsv_runtime *rt = life.rt;
    uint64_t until = deadline_in(rt, timeout);
    wsv_err err = WSV_OK;
    uint32_t wakes;

    wsv_os_mutex_lock(rt->lock);
    wakes = rt->wakes;
    while (!rt->stopping && !wsv_life_over_locked(life)) {
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

/* A number that changes with every wake, with the stop, and with the end. */
static uint32_t
news_locked(wsv_life life)
{
    const wsv_runtime *rt = life.rt;

    /* `stopping` may be the next life's, when this one is over. */
    if (rt->finished || wsv_life_over_locked(life))
        return rt->wakes + 2;
    return rt->wakes + rt->stopping;
}

void
wsv_life_wait_news(wsv_life life, uint64_t until, uint32_t *seen,
                   uint64_t *now)
{
    wsv_runtime *rt = life.rt;

    wsv_os_mutex_lock(rt->lock);
    while (news_locked(life) == *seen && wsv_scm_now(rt->scm) < until)
        (void)wsv_scm_wait(rt->scm, rt->stops, rt->lock, until, false);
    *seen = news_locked(life);
    *now = wsv_scm_now(rt->scm);
    wsv_os_mutex_unlock(rt->lock);
}

wsv_err
wsv_life_progress(wsv_life life, uint32_t hint, wsv_oserr *why)
{
    wsv_runtime *rt = life.rt;
    wsv_err err = WSV_E_STATE;
    bool limited;

    wsv_os_mutex_lock(rt->lock);
    if (wsv_state_is_pending(rt->state) && !wsv_life_over_locked(life)) {
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
wsv_life_request_stop(wsv_life life, wsv_oserr *why)
{
    wsv_runtime *rt = life.rt;
    wsv_control stop = {WSV_CONTROL_STOP, 0, 0, NULL};
    wsv_err err = WSV_OK;

    wsv_os_mutex_lock(rt->lock);
    if (!rt->stopping && !wsv_life_over_locked(life) &&
        rt->state != WSV_NOT_READY) {
        wsv_runtime_note_locked(rt, WSV_JOURNAL_REQUEST, stop.code, 0, 0);
        (void)wsv_queue_put(&rt->queue, &stop, 0, true); /* room: reserved */
        wsv_os_cond_broadcast(rt->events);
        wsv_runtime_enter_locked(rt, WSV_STOP_PENDING);
        err = wsv_runtime_flush_locked(rt, WSV_FOREVER, why);
    }
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

wsv_err
wsv_life_stopped(wsv_life life, uint32_t exit_code, uint32_t specific_code,
                 wsv_oserr *why)
{
    wsv_runtime *rt = life.rt;
    wsv_err err = WSV_OK;
    uint64_t last;

    wsv_os_mutex_lock(rt->lock);
    if (wsv_life_over_locked(life)) {
        err = WSV_E_CLOSED;
    }
    else if (rt->state != WSV_STOPPED) {
        rt->exit_code = exit_code;
        rt->specific_code = specific_code;
        wsv_runtime_enter_locked(rt, WSV_STOPPED);
        last = rt->entered;
        err = wsv_runtime_flush_locked(rt, WSV_FOREVER, why);
        while (!rt->finished && !wsv_life_over_locked(life) && rt->reporting)
            (void)wsv_os_cond_wait(rt->reported, rt->lock, WSV_FOREVER);
        if (err == WSV_OK && wsv_runtime_has_failed_locked(rt, last)) {
            *why = rt->failed_why;
            err = WSV_E_OS;
        }
    }
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

wsv_err
wsv_life_wait_expired(wsv_life life, uint32_t *state)
{
    wsv_runtime *rt = life.rt;
    wsv_err err = WSV_OK;

    wsv_os_mutex_lock(rt->lock);
    while (rt->expired == 0 && !rt->finished && !wsv_life_over_locked(life))
        (void)wsv_os_cond_wait(rt->expiries, rt->lock, WSV_FOREVER);
    *state = 0;
    if (rt->life == life.number) {
        *state = rt->expired;
        rt->expired = 0;
    }
    if (*state == 0)
        err = WSV_E_CLOSED;
    wsv_os_mutex_unlock(rt->lock);
    return err;
}

void
wsv_life_expired_seen(wsv_life life)
{
    wsv_runtime *rt = life.rt;

    wsv_os_mutex_lock(rt->lock);
    /* Not if another deadline has passed meanwhile: that is not logged. */
    if (rt->life == life.number && rt->expired == 0) {
        rt->expired_seen = true;
        wsv_scm_wake(rt->scm, rt->reporter);
    }
    wsv_os_mutex_unlock(rt->lock);
}

uint32_t
wsv_life_state(wsv_life life)
{
    wsv_runtime *rt = life.rt;
    uint32_t state;

    wsv_os_mutex_lock(rt->lock);
    state = rt->life == life.number ? rt->state : (uint32_t)WSV_STOPPED;
    wsv_os_mutex_unlock(rt->lock);
    return state;
}

bool
wsv_life_is_stopping(wsv_life life)
{
    wsv_runtime *rt = life.rt;
    bool stopping;

    wsv_os_mutex_lock(rt->lock);
    stopping = rt->stopping || wsv_life_over_locked(life);
    wsv_os_mutex_unlock(rt->lock);
    return stopping;
}
