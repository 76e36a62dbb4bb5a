/* One hosted service: ties state, progress, queue and journal together.  All
 * locking of the core is here, in life.c and in reporter.c.
 *
 * The services of a process share one lock, a leaf: nothing of the OS but its
 * own release, nothing of the SCM but its clock, and nothing of Python is
 * called under it.  No lock at all is held across an SCM call: whoever sets
 * `reporting` sends what is in the outbox, in the order in which the states
 * were entered; others leave theirs there. */
#ifndef WSV_RUNTIME_H
#define WSV_RUNTIME_H

#include "core/base.h"
#include "core/journal.h"
#include "core/queue.h"
#include "core/state.h"
#include "os/os.h"
#include "scm/scm.h"

typedef struct wsv_runtime wsv_runtime;

/* The services of one process.  Owned by whoever made it, and freed after all
 * of them. */
typedef struct wsv_family {
    wsv_os_mutex *lock;
    wsv_runtime *first; /* under lock, with the number of them */
    uint32_t count;
} wsv_family;

/* From one START_PENDING to STOPPED.  In a shared process a service has
 * several: what is asked for one that is over touches no later one. */
typedef struct wsv_life {
    wsv_runtime *rt;
    uint32_t number;
} wsv_life;

/* What the service is like; known only once its module has been imported. */
typedef struct wsv_settings {
    uint32_t handled; /* accept bits of the controls it handles */
    uint32_t hint;    /* ms */
    uint64_t start, stop, pause, resume; /* budgets in ns, WSV_FOREVER: none */
} wsv_settings;

/* How a query is answered (D-13). */
typedef struct wsv_reply {
    uint32_t answer;   /* what the handler returns */
    uint64_t patience; /* ns that it waits for Python's own; 0: not at all */
} wsv_reply;

wsv_err wsv_family_new(wsv_family *family);
void wsv_family_free(wsv_family *family);

/* `scm` and `family` are borrowed and outlive the runtime.  `name` is copied.
 */
wsv_err wsv_runtime_new(wsv_scm *scm, wsv_family *family,
                        const wsv_wchar *name, wsv_runtime **out);
/* Only once no SCM thread can call in any more. */
void wsv_runtime_free(wsv_runtime *rt);
const wsv_wchar *wsv_runtime_name(const wsv_runtime *rt);

/* --- on the SCM's threads: see wsv_scm_entry ----------------------------- */

/* ServiceMain, then the reporter thread until STOPPED has been reported. */
void wsv_runtime_main(void *rt, uint32_t argc,
                      const wsv_wchar *const *argv) WSV_NOGIL;
/* HandlerEx.  Never allocates, and never waits for Python but for the answer
 * to a query, if the service has asked for that.  A pending state it enters is
 * reported before it returns; for that it may wait for a report of an earlier
 * state that another thread is in (bounded, never for STOPPED). */
uint32_t wsv_runtime_handle(void *rt, const wsv_control *control) WSV_NOGIL;

/* wsv_runtime_close, as the SCM sees it. */
void wsv_runtime_orphaned(void *rt);

/* --- on any thread --------------------------------------------------------
 */

/* Nothing more will come: the process is dead or never had an SCM. */
void wsv_runtime_close(wsv_runtime *rt);
/* Make every wait_start and wait_stop return WSV_E_WOKEN once, and be news. */
void wsv_runtime_wake(wsv_runtime *rt);
uint32_t wsv_runtime_exit_code(wsv_runtime *rt) WSV_NOGIL;
/* A copy of the journal, made at one moment. */
void wsv_runtime_journal(wsv_runtime *rt, wsv_journal *out) WSV_NOGIL;
/* The journal's totals of every kind. */
void wsv_runtime_totals(wsv_runtime *rt,
                        uint64_t totals[WSV_JOURNAL_KINDS]) WSV_NOGIL;

/* --- on Python's threads, detached ----------------------------------------
 */

/* Wait, for at most `timeout` ns, until a life has begun that has not been
 * returned before: START_PENDING has been reported, the arguments can be read.
 * WSV_E_OS with `why`: registering or that report failed.  WSV_E_WOKEN,
 * WSV_E_TIMEOUT, WSV_E_CLOSED. */
wsv_err wsv_runtime_wait_start(wsv_runtime *rt, uint64_t timeout,
                               wsv_life *life, wsv_oserr *why) WSV_NOGIL;
/* Borrowed until the next life begins. */
void wsv_life_arguments(wsv_life life, uint32_t *argc,
                        const wsv_wchar *const **argv);
/* The service has been loaded; reports what it accepts while it starts. */
wsv_err wsv_life_configure(wsv_life life, const wsv_settings *settings,
                           wsv_oserr *why) WSV_NOGIL;
/* Change the accept mask of a service that is up, and report it. */
wsv_err wsv_life_accept(wsv_life life, uint32_t handled,
                        wsv_oserr *why) WSV_NOGIL;
/* Say how a query is to be answered from now on. */
void wsv_life_reply(wsv_life life, wsv_query query,
                    const wsv_reply *reply) WSV_NOGIL;
/* Answer the query with that ticket; false: too late. */
bool wsv_life_answer(wsv_life life, uint32_t ticket,
                     uint32_t answer) WSV_NOGIL;
/* As wsv_scm_subscribe.  WSV_E_STATE: it is not up. */
wsv_err wsv_life_subscribe(wsv_life life, wsv_subject subject,
                           const void *what, uint32_t size,
                           void **subscription, wsv_oserr *why) WSV_NOGIL;
wsv_err wsv_life_unsubscribe(wsv_life life, wsv_subject subject,
                             void *subscription, wsv_oserr *why) WSV_NOGIL;

/* As wsv_scm_start_reason.  WSV_E_STATE: it has stopped. */
wsv_err wsv_life_start_reason(wsv_life life, uint32_t *reason,
                              wsv_oserr *why) WSV_NOGIL;

/* START_PENDING -> RUNNING.  WSV_E_STATE: it has been asked to stop. */
wsv_err wsv_life_started(wsv_life life, wsv_oserr *why) WSV_NOGIL;
/* The next control, in order; its data is valid until the next call.
 * `dropped`: controls refused since the last call, the queue being full.  Only
 * one thread may call this.  WSV_E_CLOSED after STOPPED. */
wsv_err wsv_life_wait_event(wsv_life life, wsv_queued *out,
                            const uint8_t **data, uint32_t *dropped) WSV_NOGIL;
/* Before the handler of a PAUSE or CONTINUE is called: enter the pending
 * state if the control came too early for that.  WSV_E_STATE: there is nothing
 * to do (paused already, say). */
wsv_err wsv_life_begin(wsv_life life, uint32_t control,
                       wsv_oserr *why) WSV_NOGIL;
/* The same if it takes no report, and so no time; false: call begin.  Made for
 * a caller with the GIL: nobody who holds our lock ever waits for that. */
bool wsv_life_try_begin(wsv_life life, uint32_t control, wsv_err *err);
/* After that handler: PAUSED or RUNNING.  WSV_E_STATE: it is stopping. */
wsv_err wsv_life_finish(wsv_life life, uint32_t control,
                        wsv_oserr *why) WSV_NOGIL;
/* WSV_OK: it is to stop, WSV_E_TIMEOUT after `timeout` ns, WSV_E_WOKEN. */
wsv_err wsv_life_wait_stop(wsv_life life, uint64_t timeout) WSV_NOGIL;
/* Wait, in any state, until the clock says `until` or there is news: a number
 * other than `seen`, which changes with wsv_runtime_wake, with the stop and
 * with the end of the life.  `seen` gets that number, so that no news between
 * two waits is lost. */
void wsv_life_wait_news(wsv_life life, uint64_t until, uint32_t *seen,
                        uint64_t *now) WSV_NOGIL;
/* Raise the checkpoint, report, and move the deadline on by the phase's whole
 * budget.  `hint` in ms, 0: as before.  WSV_E_STATE: not in a pending state.
 */
wsv_err wsv_life_progress(wsv_life life, uint32_t hint,
                          wsv_oserr *why) WSV_NOGIL;
/* The service itself wants to stop: as if a STOP had come, once. */
wsv_err wsv_life_request_stop(wsv_life life, wsv_oserr *why) WSV_NOGIL;
/* Report STOPPED, once and last; all user code has returned.  A second call
 * changes nothing. */
wsv_err wsv_life_stopped(wsv_life life, uint32_t exit_code,
                         uint32_t specific_code, wsv_oserr *why) WSV_NOGIL;

/* Wait for a deadline to pass; `state` is the pending state that took too
 * long.  WSV_E_CLOSED after STOPPED. */
wsv_err wsv_life_wait_expired(wsv_life life, uint32_t *state) WSV_NOGIL;
/* What had to be logged is logged: a process that must end may end now. */
void wsv_life_expired_seen(wsv_life life) WSV_NOGIL;

uint32_t wsv_life_state(wsv_life life) WSV_NOGIL;
bool wsv_life_is_stopping(wsv_life life) WSV_NOGIL;

#endif
