/* The SCM as its clients see it: create, start, control, query, enumerate and
 * delete services.  Windows only, no Python here.
 *
 * Every function may block for as long as the SCM, the service or the network
 * takes, and may be called from any thread.  All pointers are borrowed for the
 * length of the call, except `out`s, which are the caller's to free.  A failed
 * call returns WSV_E_OS with the Windows code in `why`, or WSV_E_MEMORY. */
#ifndef WSV_MANAGE_H
#define WSV_MANAGE_H

#include "core/base.h"

/* A handle to the SCM or to a service.  One that was closed answers
 * ERROR_INVALID_HANDLE, as the SCM does (E-24), also while calls on other
 * threads still use it: the SCM's handle is given back after the last. */
typedef struct wsv_manage_handle wsv_manage_handle;

typedef struct wsv_manage_status {
    wsv_status status;
    uint32_t pid; /* 0: no process, or the call does not tell */
} wsv_manage_status;

/* What CreateService is told.  NULL display_name: the name; NULL account:
 * LocalSystem; NULL password: none. */
typedef struct wsv_manage_config {
    const wsv_wchar *name;
    const wsv_wchar *display_name;
    const wsv_wchar *command_line;
    const wsv_wchar *account;
    const wsv_wchar *password;
    uint32_t service_type;
    uint32_t start_type;
} wsv_manage_config;

/* Texts live as long as the list. */
typedef struct wsv_manage_entry {
    const wsv_wchar *name;
    const wsv_wchar *display_name;
    wsv_manage_status status;
} wsv_manage_entry;

typedef struct wsv_manage_list wsv_manage_list;

/* NULL machine: this one. */
wsv_err wsv_manage_connect(const wsv_wchar *machine, uint32_t access,
                           wsv_manage_handle **out, wsv_oserr *why) WSV_NOGIL;
wsv_err wsv_manage_create(wsv_manage_handle *manager,
                          const wsv_manage_config *config, uint32_t access,
                          wsv_manage_handle **out, wsv_oserr *why) WSV_NOGIL;
wsv_err wsv_manage_open(wsv_manage_handle *manager, const wsv_wchar *name,
                        uint32_t access, wsv_manage_handle **out,
                        wsv_oserr *why) WSV_NOGIL;
/* Closing again does nothing.  Freeing closes; no call may be in progress. */
void wsv_manage_close(wsv_manage_handle *handle) WSV_NOGIL;
void wsv_manage_free(wsv_manage_handle *handle) WSV_NOGIL;
/* Close it, but for the SCM's SC_HANDLE, which becomes the caller's.  NULL: it
 * is closed, or was until now in use by another thread. */
void *wsv_manage_detach(wsv_manage_handle *handle) WSV_NOGIL;
/* From a SERVICE_STATUS_PROCESS. */
void wsv_manage_copy_status(const void *record, wsv_manage_status *out);

wsv_err wsv_manage_delete(wsv_manage_handle *service,
                          wsv_oserr *why) WSV_NOGIL;
wsv_err wsv_manage_start(wsv_manage_handle *service, uint32_t argc,
                         const wsv_wchar *const *argv,
                         wsv_oserr *why) WSV_NOGIL;
/* `out` is the SCM's record after the handler returned (B-36), without pid. */
wsv_err wsv_manage_control(wsv_manage_handle *service, uint32_t code,
                           wsv_manage_status *out, wsv_oserr *why) WSV_NOGIL;
wsv_err wsv_manage_query(wsv_manage_handle *service, wsv_manage_status *out,
                         wsv_oserr *why) WSV_NOGIL;
wsv_err wsv_manage_describe(wsv_manage_handle *service, const wsv_wchar *text,
                            wsv_oserr *why) WSV_NOGIL;

/* All services, in the SCM's order; drivers are left out. */
wsv_err wsv_manage_list_new(wsv_manage_handle *manager, wsv_manage_list **out,
                            wsv_oserr *why) WSV_NOGIL;
/* The next entry, from the first on; false: that was the last one. */
bool wsv_manage_list_next(wsv_manage_list *list, wsv_manage_entry *out);
void wsv_manage_list_free(wsv_manage_list *list);

/* Domain and name of a session's user, empty when nobody is logged on there;
 * freed with wsv_os_free. */
wsv_err wsv_session_user(uint32_t session, wsv_wchar **domain,
                         wsv_wchar **user, wsv_oserr *why) WSV_NOGIL;

#endif
