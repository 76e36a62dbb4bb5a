/* Notifications of services that change (part F.1 of the rules).  Windows
 * only, no Python here.
 *
 * A notifier is a thread of ours that registers with the SCM and waits so that
 * the SCM's callbacks, user APCs, run on it (F-2).  What they say is kept for
 * whoever waits in wsv_notifier_wait: for each subscription the latest status,
 * and which bits fired since it was last taken, however often that was.  Every
 * function may be called from any thread. */
#ifndef WSV_NOTIFY_H
#define WSV_NOTIFY_H

#include "manage/manage.h"

typedef struct wsv_notifier wsv_notifier;

typedef struct wsv_notice {
    uint64_t key;
    uint32_t code;      /* not 0: why nothing more will come of this key */
    uint32_t triggered; /* SERVICE_NOTIFY_ bits */
    wsv_manage_status status; /* of the last one; zero if none came */
    /* Of services created ("/" in front, F-9) and deleted, one after another,
     * each with its end; `names_size` units, freed with wsv_os_free. */
    wsv_wchar *names;
    uint32_t names_size;
} wsv_notice;

/* WSV_E_OS with code 120 where the system has no notifications. */
wsv_err wsv_notifier_new(wsv_notifier **out, wsv_oserr *why) WSV_NOGIL;
/* Subscribe.  The SCM's handle becomes the notifier's, also on failure;
 * `handle` is closed.  The mask is of one kind, a service's or the SCM's
 * (F-1).  Only queued here: a refusal of the SCM comes as a notice's code. */
wsv_err wsv_notifier_add(wsv_notifier *notifier, wsv_manage_handle *handle,
                         uint32_t mask, uint64_t key,
                         wsv_oserr *why) WSV_NOGIL;
/* End all subscriptions of a key: nothing more of it can be taken. */
void wsv_notifier_remove(wsv_notifier *notifier, uint64_t key) WSV_NOGIL;
/* WSV_OK: there is a notice; or WSV_E_TIMEOUT, WSV_E_CLOSED.  ns. */
wsv_err wsv_notifier_wait(wsv_notifier *notifier, uint64_t timeout) WSV_NOGIL;
/* The next notice; false: there is none. */
bool wsv_notifier_take(wsv_notifier *notifier, wsv_notice *out) WSV_NOGIL;
/* End it; who waits is told.  Waits for the thread unless another close does.
 */
void wsv_notifier_close(wsv_notifier *notifier) WSV_NOGIL;
/* Close and free (NULL-safe); no call may be in progress. */
void wsv_notifier_free(wsv_notifier *notifier) WSV_NOGIL;

#endif
