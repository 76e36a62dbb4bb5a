/* The reporting side: the outbox, and ServiceMain as the reporter thread. */
#include <string.h>

#include "core/runtime_impl.h"
#include "core/text.h"

#define SERVICE_WIN32_OWN_PROCESS 0x10u
#define SERVICE_WIN32_SHARE_PROCESS 0x20u
/* How long Python has for writing tracebacks after a deadline. */
#define LOG_GRACE (UINT64_C(5000) * WSV_NS_PER_MS)
#define EXIT_DEADLINE 64006u

/* --- the outbox ------------------------------------------------------------
 */

uint64_t
wsv_runtime_note_locked(wsv_runtime *rt, uint32_t kind, uint32_t a, uint32_t b,
                        uint32_t c)
{
    wsv_entry entry;

    memset(&entry, 0, sizeof(entry));
    entry.time = wsv_scm_now(rt->scm);
    entry.kind = kind;
    entry.a = a;
    entry.b = b;
    entry.c = c;
    return wsv_journal_add(&rt->journal, &entry);
}

uint32_t
wsv_runtime_accepted_locked(const wsv_runtime *rt)
{
    uint32_t handled = rt->settings.handled;
    uint32_t accepted = wsv_state_accepted(rt->state, handled);

    return rt->state == WSV_START_PENDING ? accepted | (handled & rt->early)
                                          : accepted;
}

void
wsv_runtime_post_locked(wsv_runtime *rt)
{
    outgoing *last;

    if (rt->outbox_used == 0 ||
        (rt->outbox[rt->outbox_used - 1].status.state != rt->state &&
         rt->outbox_used < OUTBOX_SIZE))
        rt->outbox_used++;
    last = &rt->outbox[rt->outbox_used - 1];
    last->sequence = ++rt->entered;
    last->status.type = rt->family->count > 1 ? SERVICE_WIN32_SHARE_PROCESS
                                              : SERVICE_WIN32_OWN_PROCESS;
    last->status.state = rt->state;
    last->status.accepted = wsv_runtime_accepted_locked(rt);
    last->status.exit_code = rt->exit_code;
    last->status.specific_code = rt->specific_code;
    last->status.checkpoint = rt->progress.checkpoint;
    last->status.wait_hint = rt->progress.hint;
}

static uint64_t
budget_locked(const wsv_runtime *rt, uint32_t state)
{
    switch (state) {
    case WSV_START_PENDING:
        return rt->settings.start;
    case WSV_STOP_PENDING:
        return rt->settings.stop;
    case WSV_PAUSE_PENDING:
        return rt->settings.pause;
    default:
        return rt->settings.resume;
    }
}

/* A service that hangs waits until no other of its process is up. */
static void
wake_hung_siblings_locked(wsv_runtime *rt)
{
    wsv_runtime *sibling;

    for (sibling = rt->family->first; sibling; sibling = sibling->next)
        if (sibling->hangs)
            wsv_scm_wake(sibling->scm, sibling->reporter);
}

static bool
sibling_is_up_locked(const wsv_runtime *rt)
{
    const wsv_runtime *sibling;

    for (sibling = rt->family->first; sibling; sibling = sibling->next)
        if (sibling != rt && sibling->in_main && !sibling->hangs &&
            !sibling->finished && !sibling->closed)
            return true;
    return false;
}

void
wsv_runtime_set_state_locked(wsv_runtime *rt, uint32_t state)
{
    rt->state = state;
    if (wsv_state_is_pending(state))
        wsv_progress_enter(&rt->progress, wsv_scm_now(rt->scm),
                           rt->settings.hint, budget_locked(rt, state));
    else
        wsv_progress_leave(&rt->progress);
    if (state == WSV_STOP_PENDING || state == WSV_STOPPED)
        rt->stopping = true;
    wsv_runtime_post_locked(rt);
}

void
wsv_runtime_wake_locked(wsv_runtime *rt)
{
    if (rt->stopping) {
        wsv_scm_wake(rt->scm, rt->stops);
        wsv_scm_wake(rt->scm, rt->answers);
    }
    wsv_scm_wake(rt->scm, rt->reporter);
}

void
wsv_runtime_enter_locked(wsv_runtime *rt, uint32_t state)
{
    wsv_runtime_set_state_locked(rt, state);
    wsv_runtime_wake_locked(rt);
}

void
wsv_runtime_end_locked(wsv_runtime *rt)
{
    wsv_scm_wake(rt->scm, rt->reporter);
    wsv_scm_wake(rt->scm, rt->stops);
    wsv_scm_wake(rt->scm, rt->answers);
    wsv_os_cond_broadcast(rt->reported);
    wsv_os_cond_broadcast(rt->events);
    wsv_os_cond_broadcast(rt->expiries);
    wake_hung_siblings_locked(rt);
}

static void
send_oldest_locked(wsv_runtime *rt)
{
    outgoing out = rt->outbox[0];
    wsv_oserr why = {NULL, 0};
    wsv_err err;
    uint64_t number;

    rt->outbox_used--;
    if (rt->outbox_used != 0) /* seldom */
        memmove(rt->outbox, rt->outbox + 1,
                rt->outbox_used * sizeof(outgoing));
    rt->reporting_what = out.status.state;
    if (out.status.state == WSV_STOPPED)
        wsv_os_cond_broadcast(rt->reported); /* a handler must not wait now */
    number =
        wsv_runtime_note_locked(rt, WSV_JOURNAL_REPORT, out.status.state,
                                out.status.checkpoint, out.status.wait_hint);
    wsv_os_mutex_unlock(rt->lock);
    err = wsv_scm_report(rt->scm, rt->status_handle, &out.status, &why);
    wsv_os_mutex_lock(rt->lock);
    wsv_journal_done(&rt->journal, number, wsv_scm_now(rt->scm), why.code);
    rt->sent = out.sequence;
    if (err == WSV_OK) {
        rt->delivered = out.sequence;
    }
    else {
        rt->failed = out.sequence;
        rt->failed_why = why;
    }
    if (out.status.state == WSV_STOPPED) {
        rt->finished = true;
        wsv_runtime_end_locked(rt);
    }
    wsv_os_cond_broadcast(rt->reported);
}

bool
wsv_runtime_has_failed_locked(const wsv_runtime *rt, uint64_t sequence)
{
    return sequence != 0 && rt->failed >= sequence && rt->delivered < sequence;
}

/* The handler, whose patience ends, sends up to its own status and never
 * STOPPED: others may report for ever, and wait for theirs themselves. */
static bool
may_send_locked(const wsv_runtime *rt, uint64_t newest, uint64_t patience)
{
    if (rt->outbox_used == 0 || rt->closed)
        return false;
    return patience == WSV_FOREVER ||
           (rt->sent < newest && rt->outbox[0].status.state != WSV_STOPPED);
}

wsv_err
wsv_runtime_flush_locked(wsv_runtime *rt, uint64_t patience, wsv_oserr *why)
{
    uint64_t newest = rt->entered;
    uint64_t until = 0;

    if (!rt->registered)
        return WSV_OK; /* ServiceMain will send it */
    while (rt->sent < newest && !rt->closed) {
        if (!rt->reporting) {
            if (!may_send_locked(rt, newest, patience))
                break;
            rt->reporting = true;
            do
                send_oldest_locked(rt);
            while (may_send_locked(rt, newest, patience));
            rt->reporting = false;
        }
        /* Wine holds a lock of its own while the handler runs, and wants it
         * for STOPPED (H-13): that report is never waited for. */
        else if (rt->reporting_what == WSV_STOPPED) {
            break;
        }
        else {
            if (until == 0) /* the clock is read by those that wait alone */
                until = patience == WSV_FOREVER ? WSV_FOREVER
                                                : wsv_os_now() + patience;
            if (!wsv_os_cond_wait(rt->reported, rt->lock, until))
                break;
        }
    }
    if (rt->outbox_used != 0 && !rt->reporting)
        wsv_scm_wake(rt->scm, rt->reporter);
    if (wsv_runtime_has_failed_locked(rt, newest)) {
        *why = rt->failed_why;
        return WSV_E_OS;
    }
    return WSV_OK;
}

/* --- on the SCM's threads ---------------------------------------------------
 */

/* A phase has taken too long (design.md 4).  Pausing and continuing go back to
 * the state before; starting and stopping end the process, once no other
 * service of it is up. */
static void
expire_locked(wsv_runtime *rt)
{
    uint32_t state = rt->state;
    uint64_t until;

    wsv_runtime_note_locked(rt, WSV_JOURNAL_EXPIRED, state, 0, 0);
    rt->expired = state;
    rt->expired_seen = false;
    wsv_os_cond_broadcast(rt->expiries);
    if (state == WSV_PAUSE_PENDING || state == WSV_CONTINUE_PENDING) {
        wsv_runtime_enter_locked(rt, state == WSV_PAUSE_PENDING ? WSV_RUNNING
                                                                : WSV_PAUSED);
        return;
    }
    until = wsv_scm_now(rt->scm) + LOG_GRACE;
    while (!rt->expired_seen && !rt->finished && !rt->closed &&
           rt->state == state)
        if (!wsv_scm_wait(rt->scm, rt->reporter, rt->lock, until, true))
            break;
    rt->hangs = true;
    wake_hung_siblings_locked(rt);
    while (sibling_is_up_locked(rt) && !rt->finished && !rt->closed &&
           rt->state == state)
        (void)wsv_scm_wait(rt->scm, rt->reporter, rt->lock, WSV_FOREVER, true);
    rt->hangs = false;
    if (rt->finished || rt->closed || rt->state != state)
        return;
    rt->closed = true;
    wsv_runtime_end_locked(rt);
    wsv_os_mutex_unlock(rt->lock);
    wsv_scm_die(rt->scm, EXIT_DEADLINE);
    wsv_os_mutex_lock(rt->lock);
}

static void
report_on_time_locked(wsv_runtime *rt)
{
    wsv_oserr ignored;

    while (!rt->finished && !rt->closed) {
        switch (wsv_progress_due(&rt->progress, wsv_scm_now(rt->scm))) {
        case WSV_DUE_REPORT:
            wsv_runtime_post_locked(rt);
            break;
        case WSV_DUE_EXPIRED:
            expire_locked(rt);
            break;
        case WSV_DUE_NOTHING:
            break;
        }
        if (rt->outbox_used != 0 && !rt->reporting) {
            /* The journal has a failure, and the next checkpoint tries anew.
             */
            (void)wsv_runtime_flush_locked(rt, WSV_FOREVER, &ignored);
            continue;
        }
        if (rt->finished || rt->closed)
            break;
        (void)wsv_scm_wait(rt->scm, rt->reporter, rt->lock,
                           wsv_progress_next(&rt->progress), true);
        wsv_runtime_note_locked(rt, WSV_JOURNAL_WAKEUP, rt->state, 0, 0);
    }
}

void
wsv_runtime_main(void *ctx, uint32_t argc, const wsv_wchar *const *argv)
{
    wsv_runtime *rt = ctx;
    wsv_scm_entry self;
    wsv_oserr why = {NULL, 0};
    /* Before the lock is held, for which the handlers of all services wait. */
    const wsv_wchar **copy = wsv_text_copy(argc, argv), **former;
    void *status_handle = NULL;
    wsv_err err;

    wsv_os_mutex_lock(rt->lock);
    while (rt->in_main && !rt->closed) /* the last life's is on its way out */
        (void)wsv_os_cond_wait(rt->reported, rt->lock, WSV_FOREVER);
    if (rt->closed) {
        wsv_os_mutex_unlock(rt->lock);
        wsv_os_free((void *)copy);
        return;
    }
    rt->in_main = true;
    former = wsv_runtime_begin_life_locked(rt, argc, copy);
    wsv_os_mutex_unlock(rt->lock);
    wsv_os_free((void *)former);

    memset(&self, 0, sizeof(self));
    self.name = rt->name;
    self.service_main = wsv_runtime_main;
    self.handler = wsv_runtime_handle;
    self.orphaned = wsv_runtime_orphaned;
    self.ctx = rt;
    err = wsv_scm_register(rt->scm, &self, argc != 0 ? argv[0] : rt->name,
                           &status_handle, &why);
    wsv_os_mutex_lock(rt->lock);
    if (err == WSV_OK) {
        rt->status_handle = status_handle;
        rt->registered = true;
        wsv_runtime_enter_locked(rt, WSV_START_PENDING);
        err = wsv_runtime_flush_locked(rt, WSV_FOREVER, &why);
    }
    if (err == WSV_OK && copy == NULL) {
        err = WSV_E_MEMORY;
        why.call = "copy the start parameters";
        why.code = WSV_ERROR_NOT_ENOUGH_MEMORY;
    }
    if (err != WSV_OK) {
        rt->start_why = why;
        if (!rt->registered) {
            rt->state = WSV_STOPPED;
            rt->stopping = true;
            rt->finished = true;
            wsv_runtime_end_locked(rt);
        }
        else {
            rt->exit_code = why.code;
            wsv_runtime_enter_locked(rt, WSV_STOPPED);
            (void)wsv_runtime_flush_locked(rt, WSV_FOREVER, &why);
        }
    }
    rt->start_over = true;
    wsv_scm_wake(rt->scm, rt->stops);
    report_on_time_locked(rt);
    rt->in_main = false;
    wsv_os_cond_broadcast(rt->reported);
    wsv_os_mutex_unlock(rt->lock);
}
