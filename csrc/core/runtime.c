/* The service as the SCM's handler sees it, and its making. */
#include <string.h>

#include "core/runtime_impl.h"
#include "core/text.h"

#define DEFAULT_HINT 3000u
#define DEFAULT_BUDGET (UINT64_C(120000) * WSV_NS_PER_MS)
/* How long the handler waits for another thread's report to end. */
#define HANDLER_PATIENCE (UINT64_C(2000) * WSV_NS_PER_MS)
/* How long it waits for Python's answer, whatever it was told (H-1). */
#define ANSWER_PATIENCE (UINT64_C(5000) * WSV_NS_PER_MS)

wsv_err
wsv_family_new(wsv_family *family)
{
    memset(family, 0, sizeof(*family));
    return wsv_os_mutex_new(&family->lock);
}

void
wsv_family_free(wsv_family *family)
{
    wsv_os_mutex_free(family->lock);
    family->lock = NULL;
}

wsv_err
wsv_runtime_new(wsv_scm *scm, wsv_family *family, const wsv_wchar *name,
                wsv_runtime **out)
{
    wsv_runtime *rt;
    size_t size = (wsv_text_length(name) + 1) * sizeof(wsv_wchar);

    *out = NULL;
    rt = wsv_os_alloc(sizeof(*rt));
    if (rt == NULL)
        return WSV_E_MEMORY;
    rt->scm = scm;
    rt->family = family;
    rt->lock = family->lock;
    rt->name = wsv_os_alloc(size);
    if (rt->name == NULL || wsv_os_cond_new(&rt->reporter) != WSV_OK ||
        wsv_os_cond_new(&rt->reported) != WSV_OK ||
        wsv_os_cond_new(&rt->events) != WSV_OK ||
        wsv_os_cond_new(&rt->stops) != WSV_OK ||
        wsv_os_cond_new(&rt->expiries) != WSV_OK ||
        wsv_os_cond_new(&rt->answers) != WSV_OK) {
        wsv_runtime_free(rt);
        return WSV_E_MEMORY;
    }
    memcpy(rt->name, name, size);
    wsv_progress_leave(&rt->progress);
    rt->answered = true; /* nothing has been asked */
    rt->next = family->first;
    family->first = rt;
    family->count++;
    *out = rt;
    return WSV_OK;
}

void
wsv_runtime_free(wsv_runtime *rt)
{
    if (rt == NULL)
        return;
    wsv_os_cond_free(rt->answers);
    wsv_os_cond_free(rt->expiries);
    wsv_os_cond_free(rt->stops);
    wsv_os_cond_free(rt->events);
    wsv_os_cond_free(rt->reported);
    wsv_os_cond_free(rt->reporter);
    wsv_os_free((void *)rt->argv);
    wsv_os_free(rt->name);
    wsv_os_free(rt);
}

const wsv_wchar *
wsv_runtime_name(const wsv_runtime *rt)
{
    return rt->name;
}

const wsv_wchar **
wsv_runtime_begin_life_locked(wsv_runtime *rt, uint32_t argc,
                              const wsv_wchar **argv)
{
    const wsv_wchar **former = rt->argv;

    rt->life++;
    rt->served = false;
    rt->settings.handled = 0;
    rt->settings.hint = DEFAULT_HINT;
    rt->settings.start = DEFAULT_BUDGET;
    rt->settings.stop = DEFAULT_BUDGET;
    rt->settings.pause = DEFAULT_BUDGET;
    rt->settings.resume = DEFAULT_BUDGET;
    rt->state = WSV_NOT_READY;
    rt->exit_code = rt->specific_code = 0;
    rt->early = 0;
    rt->registered = rt->start_over = rt->stopping = false;
    rt->paused = rt->finished = rt->expired_seen = false;
    rt->dropped = rt->expired = 0;
    memset(&rt->start_why, 0, sizeof(rt->start_why));
    memset(rt->replies, 0, sizeof(rt->replies));
    rt->argv = argv;
    rt->argc = argv != NULL ? argc : 0;
    rt->outbox_used = 0;
    wsv_progress_leave(&rt->progress);
    wsv_queue_clear(&rt->queue);
    return former;
}

/* --- on the dispatcher's thread ---------------------------------------------
 */

static bool
may_be_answered_locked(const wsv_runtime *rt, uint32_t life)
{
    return rt->life == life && !rt->stopping && !rt->closed;
}

/* Python's answer to the query with that ticket, or the default once it is
 * late. */
static uint32_t
wait_answer_locked(wsv_runtime *rt, const wsv_control *control,
                   const wsv_reply *reply)
{
    uint64_t patience =
        reply->patience < ANSWER_PATIENCE ? reply->patience : ANSWER_PATIENCE;
    uint64_t until = wsv_scm_now(rt->scm) + patience;
    uint32_t life = rt->life;

    while (!rt->answered && may_be_answered_locked(rt, life))
        if (!wsv_scm_wait(rt->scm, rt->answers, rt->lock, until, false))
            break;
    if (rt->answered)
        return rt->answer;
    rt->answered = true; /* no more */
    wsv_journal_done(&rt->journal,
                     wsv_runtime_note_locked(rt, WSV_JOURNAL_LATE,
                                             control->code,
                                             control->event_type, 0),
                     wsv_scm_now(rt->scm), reply->answer);
    return reply->answer;
}

static void
wake_for_locked(wsv_runtime *rt, wsv_action action)
{
    if (action == WSV_ENTER)
        wsv_runtime_wake_locked(rt);
    if (action != WSV_ANSWER)
        wsv_os_cond_broadcast(rt->events);
}

uint32_t
wsv_runtime_handle(void *ctx, const wsv_control *control)
{
    wsv_runtime *rt = ctx;
    bool stops = wsv_state_is_stop(control->code);
    wsv_query query = wsv_state_query(control->code, control->event_type);
    wsv_reply reply = {WSV_NO_ERROR, 0};
    wsv_decision made;
    wsv_put put = WSV_PUT_QUEUED;
    wsv_oserr ignored;
    uint64_t number;

    wsv_os_mutex_lock(rt->lock);
    number = wsv_runtime_note_locked(rt, WSV_JOURNAL_CONTROL, control->code,
                                     control->event_type, control->size);
    if (control->data != NULL)
        wsv_journal_keep(&rt->journal, number, control->data, control->size);
    made = wsv_state_decide(rt->state, wsv_runtime_accepted_locked(rt),
                            control->code);
    if (query != WSV_QUERY_NONE) {
        /* In any state: a code of our own would refuse it (D-13). */
        reply = rt->replies[query];
        made.answer = reply.answer;
        if (rt->state == WSV_START_PENDING)
            reply.patience = 0; /* no handler runs beside on_start */
    }
    if (made.action != WSV_ANSWER) {
        if (reply.patience != 0)
            rt->ticket++;
        put = wsv_queue_put(&rt->queue, control,
                            reply.patience != 0 ? rt->ticket : 0, stops);
    }
    if (put == WSV_PUT_FULL) {
        wsv_runtime_note_locked(rt, WSV_JOURNAL_DROPPED, control->code,
                                control->event_type, control->size);
        rt->dropped++;
        made.action = WSV_ANSWER;
        /* To refuse a query would be an answer of its own. */
        if (query == WSV_QUERY_NONE)
            made.answer = WSV_ERROR_NOT_ENOUGH_QUOTA;
    }
    else if (put == WSV_PUT_COALESCED) {
        wsv_runtime_note_locked(rt, WSV_JOURNAL_COALESCED, control->code,
                                control->event_type, control->size);
    }
    if (made.action == WSV_QUEUE && reply.patience != 0) {
        wsv_os_cond_broadcast(rt->events);
        rt->answered = false;
        made.answer = wait_answer_locked(rt, control, &reply);
    }
    if (made.action == WSV_ENTER) {
        wsv_runtime_set_state_locked(rt, made.next);
        if (control->code == WSV_CONTROL_SHUTDOWN ||
            control->code == WSV_CONTROL_PRESHUTDOWN)
            rt->progress.deadline = WSV_FOREVER; /* the system's time counts */
    }
    if (stops) /* whatever becomes of the report, the stop goes on */
        wake_for_locked(rt, made.action);
    if (made.action == WSV_ENTER || stops)
        (void)wsv_runtime_flush_locked(rt, HANDLER_PATIENCE, &ignored);
    wsv_journal_done(&rt->journal, number, wsv_scm_now(rt->scm), made.answer);
    /* Threads that are up before that take the lock, and the processor, from
     * the answer. */
    if (!stops)
        wake_for_locked(rt, made.action);
    wsv_os_mutex_unlock(rt->lock);
    return made.answer;
}

/* --- on any thread ----------------------------------------------------------
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

uint32_t
wsv_runtime_exit_code(wsv_runtime *rt)
{
    uint32_t code;

    wsv_os_mutex_lock(rt->lock);
    code = rt->exit_code;
    wsv_os_mutex_unlock(rt->lock);
    return code;
}

void
wsv_runtime_journal(wsv_runtime *rt, wsv_journal *out)
{
    wsv_os_mutex_lock(rt->lock);
    *out = rt->journal;
    wsv_os_mutex_unlock(rt->lock);
}

void
wsv_runtime_totals(wsv_runtime *rt, uint64_t totals[WSV_JOURNAL_KINDS])
{
    wsv_os_mutex_lock(rt->lock);
    memcpy(totals, rt->journal.totals, sizeof(rt->journal.totals));
    wsv_os_mutex_unlock(rt->lock);
}
