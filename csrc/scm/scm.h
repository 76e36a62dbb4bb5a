/* Seam 2, the SCM as a service process sees it: dispatch, register, report.
 * win32.c is the real one, sim.c the simulated one; each build links one. */
#ifndef WSV_SCM_H
#define WSV_SCM_H

#include "core/base.h"
#include "os/os.h"

typedef struct wsv_scm wsv_scm; /* one process's connection to its SCM */

/* What the SCM calls for one service.  Both functions run on threads that
 * belong to the SCM; `ctx` is the service's own, borrowed until dispatch
 * returns. */
typedef struct wsv_scm_entry {
    const wsv_wchar *name; /* zero-terminated; ignored for an own process */
    void (*service_main)(void *ctx, uint32_t argc,
                         const wsv_wchar *const *argv);
    uint32_t (*handler)(void *ctx, const wsv_control *control);
    /* The process has died without ending: let service_main return. */
    void (*orphaned)(void *ctx);
    void *ctx;
} wsv_scm_entry;

/* Become the dispatcher.  Returns once every service of this process has
 * reported STOPPED, or at once with 1063 when no SCM started us.
 * `entries` are borrowed until the process ends. */
wsv_err wsv_scm_dispatch(wsv_scm *scm, const wsv_scm_entry *entries,
                         uint32_t count, wsv_oserr *why) WSV_NOGIL;

/* Called on the ServiceMain thread, before the first report. */
wsv_err wsv_scm_register(wsv_scm *scm, const wsv_scm_entry *entry,
                         const wsv_wchar *name, void **status_handle,
                         wsv_oserr *why) WSV_NOGIL;

/* Callable from any thread. */
wsv_err wsv_scm_report(wsv_scm *scm, void *status_handle,
                       const wsv_status *status, wsv_oserr *why) WSV_NOGIL;

/* What a service can ask the system to tell it about (D-12). */
typedef enum wsv_subject {
    WSV_POWER_SETTING = 1, /* POWEREVENT; what: its GUID, 16 bytes */
    WSV_DEVICE_INTERFACE,  /* DEVICEEVENT; what: the class's GUID, or nothing:
                              every class */
    WSV_DEVICE_HANDLE      /* DEVICEEVENT; what: a handle, 8 bytes */
} wsv_subject;

/* Subscribe a registered service; undone with wsv_scm_unsubscribe, before it
 * reports STOPPED.  Both on any thread but the handler's. */
wsv_err wsv_scm_subscribe(wsv_scm *scm, void *status_handle,
                          wsv_subject subject, const void *what, uint32_t size,
                          void **subscription, wsv_oserr *why) WSV_NOGIL;
wsv_err wsv_scm_unsubscribe(wsv_scm *scm, wsv_subject subject,
                            void *subscription, wsv_oserr *why) WSV_NOGIL;

/* Why the SCM has started a registered service that has not reported STOPPED:
 * bits of D.6; 0: this system does not say. */
wsv_err wsv_scm_start_reason(wsv_scm *scm, void *status_handle,
                             uint32_t *reason, wsv_oserr *why) WSV_NOGIL;

/* The clock that every deadline of the core is measured with. */
uint64_t wsv_scm_now(wsv_scm *scm);
/* wsv_os_cond_wait against that clock.  A thread that waits here is woken with
 * wsv_scm_wake, by somebody who holds `mutex`.  `by_reporter`: the caller is
 * the ServiceMain thread, without which simulated time does not go on. */
bool wsv_scm_wait(wsv_scm *scm, wsv_os_cond *cond, wsv_os_mutex *mutex,
                  uint64_t deadline, bool by_reporter) WSV_NOGIL;
void wsv_scm_wake(wsv_scm *scm, wsv_os_cond *cond);

/* End this process now, without its leave: a deadline has passed.  The
 * tracebacks of all threads are written if faulthandler is enabled.  The
 * simulated SCM marks its process as dead instead and returns. */
void wsv_scm_die(wsv_scm *scm, uint32_t exit_code) WSV_NOGIL;

/* Called on the dispatcher thread after dispatch returned: see that the
 * process really ends (A-11, I-94). */
void wsv_scm_linger(wsv_scm *scm, uint32_t exit_code) WSV_NOGIL;

#endif
