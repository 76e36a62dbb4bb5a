/* The inside of a handle, shared by the files of manage/ alone. */
#ifndef WSV_WIN32_HANDLE_H
#define WSV_WIN32_HANDLE_H

#include <windows.h>

#include "manage/manage.h"

struct wsv_manage_handle {
    SC_HANDLE native;
    volatile LONG users; /* calls in progress, and one until it is closed */
    volatile LONG closed;
};

/* A call's failure: WSV_E_OS with the code. */
wsv_err wsv_manage_failed(wsv_oserr *why, const char *call, DWORD code);

/* Keep the native handle open for a call, which ends with one of the two that
 * follow; false: it is closed. */
bool wsv_manage_enter(wsv_manage_handle *handle);
void wsv_manage_release(wsv_manage_handle *handle);
/* Release after the SCM's answer `done`; reads GetLastError first. */
wsv_err wsv_manage_leave(wsv_manage_handle *handle, BOOL done,
                         const char *call, wsv_oserr *why);
/* What a call on a closed handle returns. */
wsv_err wsv_manage_closed(const char *call, wsv_oserr *why);

/* Close it, but for the native handle, which becomes the caller's.  NULL: it
 * is closed, or was until now in use by another thread. */
SC_HANDLE wsv_manage_detach(wsv_manage_handle *handle);

/* A handle to be filled with what the SCM returns, made before it is asked:
 * nothing can fail between that and giving it back. */
wsv_err wsv_manage_handle_new(wsv_manage_handle **out);
/* Give `handle` what the SCM returned, or free it when that is NULL. */
wsv_err wsv_manage_handle_fill(wsv_manage_handle *handle, SC_HANDLE native,
                               const char *call, wsv_manage_handle **out,
                               wsv_oserr *why);

void wsv_manage_copy_status(const SERVICE_STATUS_PROCESS *native,
                            wsv_manage_status *out);

/* A copy for the caller, freed with wsv_os_free, of a text that the system has
 * allocated and that is freed here. */
wsv_err wsv_manage_hand_over(LPWSTR text, wsv_wchar **out);

/* One of the SCM's queries that say with 122 or 234 how much they need. */
typedef BOOL (*wsv_manage_query_fn)(SC_HANDLE service, void *arg, void *buffer,
                                    DWORD size, DWORD *needed);

/* Query into a buffer that grows until it is large enough.  `*out` is the
 * caller's to free with wsv_os_free; what the query has left is zero. */
wsv_err wsv_manage_read(wsv_manage_handle *service, wsv_manage_query_fn query,
                        void *arg, const char *call, void **out, size_t *size,
                        wsv_oserr *why) WSV_NOGIL;

#endif
