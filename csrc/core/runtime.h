/* One hosted service: ties state, progress, queue and journal together.  All
 * locking of the core is here.
 *
 * Lock `lock` is a leaf: nothing of the OS but its own release, nothing of the
 * SCM but its clock, and nothing of Python is called under it.  No lock at all
 * is held across an SCM call: whoever sets `reporting` sends what is in the
 * outbox, in the order in which the states were entered; others leave theirs
 * there. */
#ifndef WSV_RUNTIME_H
#define WSV_RUNTIME_H

#include "core/base.h"
#include "core/journal.h"
#include "core/queue.h"
#include "os/os.h"
#include "scm/scm.h"

typedef struct wsv_runtime wsv_runtime;

/* What the service is like; known only once its module has been imported. */
typedef struct wsv_settings {
    uint32_t handled; /* accept bits of the controls it handles */
    uint32_t hint;    /* ms */
    uint64_t start, stop, pause, resume; /* budgets in ns, WSV_FOREVER: none */
} wsv_settings;

/* `scm` is borrowed and outlives the runtime.  `name` is copied. */
wsv_err wsv_runtime_new(wsv_scm *scm, const wsv_wchar *name,
                        wsv_runtime **out);
/* Only once no SCM thread can call in any more. */
void wsv_runtime_free(wsv_runtime *rt);
const wsv_wchar *wsv_runtime_name(const wsv_runtime *rt);

/* --- on the SCM's threads: see wsv_scm_entry ----------------------------- */

/* ServiceMain, then the reporter thread until STOPPED has been reported. */
void wsv_runtime_main(void *rt, uint32_t argc,
                      const wsv_wchar *const *argv) WSV_NOGIL;
/* HandlerEx.  Never waits for Python and never allocates.  A pending state it
 * enters is reported before it returns; for that it may wait for a report of
 * an earlier state that another thread is in (bounded, never for STOPPED). */
uint32_t wsv_runtime_handle(void *rt, const wsv_control *control) WSV_NOGIL;

/* wsv_runtime_close, as the SCM sees it. */
void wsv_runtime_orphaned(void *rt);

/* --- on any thread --------------------------------------------------------
 */

/* Nothing more will come: the process is dead or never had an SCM. */
void wsv_runtime_close(wsv_runtime *rt);
/* Make every wait below return WSV_E_WOKEN once. */
void wsv_runtime_wake(wsv_runtime *rt);

/* --- on Python's threads, detached ----------------------------------------
 */

/* Wait until START_PENDING has been reported; then the arguments can be read.
 * WSV_E_OS with `why`: registering or that report failed.  WSV_E_CLOSED. */
wsv_err wsv_runtime_wait_start(wsv_runtime *rt, wsv_oserr *why) WSV_NOGIL;
/* Borrowed until the runtime is freed. */
void wsv_runtime_arguments(const wsv_runtime *rt, uint32_t *argc,
                           const wsv_wchar *const **argv);
/* The service has been loaded; reports what it accepts while it starts. */
wsv_err wsv_runtime_configure(wsv_runtime *rt, const wsv_settings *settings,
                              wsv_oserr *why) WSV_NOGIL;
/* Change the accept mask of a service that is up, and report it. */
wsv_err wsv_runtime_accept(wsv_runtime *rt, uint32_t handled,
                           wsv_oserr *why) WSV_NOGIL;

/* START_PENDING -> RUNNING.  WSV_E_STATE: it has been asked to stop. */
wsv_err wsv_runtime_started(wsv_runtime *rt, wsv_oserr *why) WSV_NOGIL;
/* The next control, in order; its data is valid until the next call.
 * `dropped`: controls refused since the last call, the queue being full.  Only
 * one thread may call this.  WSV_E_CLOSED after STOPPED. */
wsv_err wsv_runtime_wait_event(wsv_runtime *rt, wsv_queued *out,
                               const uint8_t **data,
                               uint32_t *dropped) WSV_NOGIL;
/* Before the handler of a PAUSE or CONTINUE is called: enter the pending
 * state if the control came too early for that.  WSV_E_STATE: there is nothing
 * to do (paused already, say). */
wsv_err wsv_runtime_begin(wsv_runtime *rt, uint32_t control,
                          wsv_oserr *why) WSV_NOGIL;
/* After that handler: PAUSED or RUNNING.  WSV_E_STATE: it is stopping. */
wsv_err wsv_runtime_finish(wsv_runtime *rt, uint32_t control,
                           wsv_oserr *why) WSV_NOGIL;
/* WSV_OK: it is to stop, WSV_E_TIMEOUT after `timeout` ns, WSV_E_WOKEN. */
wsv_err wsv_runtime_wait_stop(wsv_runtime *rt, uint64_t timeout) WSV_NOGIL;
/* Raise the checkpoint, report, and move the deadline on by the phase's whole
 * budget.  `hint` in ms, 0: as before.  WSV_E_STATE: not in a pending state.
 */
wsv_err wsv_runtime_progress(wsv_runtime *rt, uint32_t hint,
                             wsv_oserr *why) WSV_NOGIL;
/* The service itself wants to stop: as if a STOP had come, once. */
wsv_err wsv_runtime_request_stop(wsv_runtime *rt, wsv_oserr *why) WSV_NOGIL;
/* Report STOPPED, once and last; all user code has returned.  A second call
 * changes nothing. */
wsv_err wsv_runtime_stopped(wsv_runtime *rt, uint32_t exit_code,
                            uint32_t specific_code, wsv_oserr *why) WSV_NOGIL;

/* Wait for a deadline to pass; `state` is the pending state that took too
 * long.  WSV_E_CLOSED after STOPPED. */
wsv_err wsv_runtime_wait_expired(wsv_runtime *rt, uint32_t *state) WSV_NOGIL;
/* What had to be logged is logged: a process that must end may end now. */
void wsv_runtime_expired_seen(wsv_runtime *rt) WSV_NOGIL;

uint32_t wsv_runtime_state(wsv_runtime *rt) WSV_NOGIL;
bool wsv_runtime_is_stopping(wsv_runtime *rt) WSV_NOGIL;
uint32_t wsv_runtime_exit_code(wsv_runtime *rt) WSV_NOGIL;
/* As wsv_journal_get. */
bool wsv_runtime_journal(wsv_runtime *rt, uint64_t *number,
                         wsv_entry *out) WSV_NOGIL;

#endif
