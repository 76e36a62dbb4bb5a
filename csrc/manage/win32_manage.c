/* Handles to the SCM and to services, and what services are told and asked. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <string.h>

#include "manage/win32_handle.h"
#include "os/os.h"

/* The buffers that a query begins with, and ends with: no SCM call takes more
 * than that (F-14, F-21). */
#define FIRST_BYTES 1024u
#define MOST_BYTES (256u * 1024u)

typedef BOOL(WINAPI *control_ex)(SC_HANDLE service, DWORD code, DWORD level,
                                 PVOID parameters);

wsv_err
wsv_manage_failed(wsv_oserr *why, const char *call, DWORD code)
{
    why->call = call;
    why->code = code;
    return WSV_E_OS;
}

/* --- handles ------------------------------------------------------------- */

void
wsv_manage_release(wsv_manage_handle *handle)
{
    if (InterlockedDecrement(&handle->users) == 0)
        CloseServiceHandle(handle->native);
}

bool
wsv_manage_enter(wsv_manage_handle *handle)
{
    LONG users = InterlockedCompareExchange(&handle->users, 0, 0), seen;

    for (;;) {
        if (users == 0)
            return false;
        seen = InterlockedCompareExchange(&handle->users, users + 1, users);
        if (seen == users)
            break;
        users = seen;
    }
    if (InterlockedCompareExchange(&handle->closed, 0, 0) == 0)
        return true;
    wsv_manage_release(handle);
    return false;
}

wsv_err
wsv_manage_leave(wsv_manage_handle *handle, BOOL done, const char *call,
                 wsv_oserr *why)
{
    DWORD code = done ? ERROR_SUCCESS : GetLastError();

    wsv_manage_release(handle);
    return done ? WSV_OK : wsv_manage_failed(why, call, code);
}

wsv_err
wsv_manage_closed(const char *call, wsv_oserr *why)
{
    return wsv_manage_failed(why, call, ERROR_INVALID_HANDLE);
}

wsv_err
wsv_manage_handle_new(wsv_manage_handle **out)
{
    *out = wsv_os_alloc(sizeof(**out));
    return *out != NULL ? WSV_OK : WSV_E_MEMORY;
}

wsv_err
wsv_manage_handle_fill(wsv_manage_handle *handle, SC_HANDLE native,
                       const char *call, wsv_manage_handle **out,
                       wsv_oserr *why)
{
    DWORD code = native != NULL ? ERROR_SUCCESS : GetLastError();

    if (native == NULL) {
        wsv_os_free(handle);
        return wsv_manage_failed(why, call, code);
    }
    handle->native = native;
    handle->users = 1;
    *out = handle;
    return WSV_OK;
}

wsv_err
wsv_manage_connect(const wsv_wchar *machine, uint32_t access,
                   wsv_manage_handle **out, wsv_oserr *why)
{
    wsv_manage_handle *handle;
    SC_HANDLE native;

    *out = NULL;
    if (wsv_manage_handle_new(&handle) != WSV_OK)
        return WSV_E_MEMORY;
    native = OpenSCManagerW((LPCWSTR)machine, NULL, access);
    return wsv_manage_handle_fill(handle, native,
                                  "open the SCM (OpenSCManager)", out, why);
}

wsv_err
wsv_manage_open(wsv_manage_handle *manager, const wsv_wchar *name,
                uint32_t access, wsv_manage_handle **out, wsv_oserr *why)
{
    static const char call[] = "open a service (OpenService)";
    wsv_manage_handle *handle;
    SC_HANDLE native;
    wsv_err err;

    *out = NULL;
    if (!wsv_manage_enter(manager))
        return wsv_manage_closed(call, why);
    err = wsv_manage_handle_new(&handle);
    if (err == WSV_OK) {
        native = OpenServiceW(manager->native, (LPCWSTR)name, access);
        err = wsv_manage_handle_fill(handle, native, call, out, why);
    }
    wsv_manage_release(manager);
    return err;
}

void
wsv_manage_close(wsv_manage_handle *handle)
{
    if (InterlockedExchange(&handle->closed, 1) == 0)
        wsv_manage_release(handle);
}

SC_HANDLE
wsv_manage_detach(wsv_manage_handle *handle)
{
    if (InterlockedExchange(&handle->closed, 1) != 0)
        return NULL;
    if (InterlockedCompareExchange(&handle->users, 0, 1) == 1)
        return handle->native;
    wsv_manage_release(handle);
    return NULL;
}

void
wsv_manage_free(wsv_manage_handle *handle)
{
    if (handle == NULL)
        return;
    wsv_manage_close(handle);
    wsv_os_free(handle);
}

wsv_err
wsv_manage_read(wsv_manage_handle *service, wsv_manage_query_fn query,
                void *arg, const char *call, void **out, size_t *size,
                wsv_oserr *why)
{
    DWORD bytes = FIRST_BYTES, needed, code;
    wsv_err err = WSV_OK;
    void *buffer;

    *out = NULL;
    *size = 0;
    if (!wsv_manage_enter(service))
        return wsv_manage_closed(call, why);
    for (;;) {
        buffer = wsv_os_alloc(bytes);
        if (buffer == NULL) {
            err = WSV_E_MEMORY;
            break;
        }
        needed = 0;
        if (query(service->native, arg, buffer, bytes, &needed)) {
            *out = buffer;
            *size = bytes;
            break;
        }
        code = GetLastError();
        wsv_os_free(buffer);
        if (code == ERROR_MORE_DATA && needed <= MOST_BYTES)
            needed += bytes; /* of those that did not fit (F-14) */
        else if (code != ERROR_INSUFFICIENT_BUFFER)
            needed = 0;
        if (needed > MOST_BYTES)
            needed = MOST_BYTES;
        if (needed <= bytes) {
            err = wsv_manage_failed(why, call, code);
            break;
        }
        bytes = needed;
    }
    wsv_manage_release(service);
    return err;
}

/* --- one service --------------------------------------------------------- */

wsv_err
wsv_manage_delete(wsv_manage_handle *service, wsv_oserr *why)
{
    static const char call[] = "delete a service (DeleteService)";

    if (!wsv_manage_enter(service))
        return wsv_manage_closed(call, why);
    return wsv_manage_leave(service, DeleteService(service->native), call,
                            why);
}

wsv_err
wsv_manage_start(wsv_manage_handle *service, uint32_t argc,
                 const wsv_wchar *const *argv, wsv_oserr *why)
{
    static const char call[] = "start a service (StartService)";
    LPCWSTR *texts = (LPCWSTR *)argv;

    if (!wsv_manage_enter(service))
        return wsv_manage_closed(call, why);
    return wsv_manage_leave(
        service,
        StartServiceW(service->native, argc, argc != 0 ? texts : NULL), call,
        why);
}

void
wsv_manage_copy_status(const SERVICE_STATUS_PROCESS *native,
                       wsv_manage_status *out)
{
    out->status.type = native->dwServiceType;
    out->status.state = native->dwCurrentState;
    out->status.accepted = native->dwControlsAccepted;
    out->status.exit_code = native->dwWin32ExitCode;
    out->status.specific_code = native->dwServiceSpecificExitCode;
    out->status.checkpoint = native->dwCheckPoint;
    out->status.wait_hint = native->dwWaitHint;
    out->pid = native->dwProcessId;
}

wsv_err
wsv_manage_control(wsv_manage_handle *service, uint32_t code,
                   wsv_manage_status *out, wsv_oserr *why)
{
    static const char call[] = "control a service (ControlService)";
    SERVICE_STATUS_PROCESS full;
    SERVICE_STATUS native;
    BOOL done;

    memset(&native, 0, sizeof(native));
    memset(&full, 0, sizeof(full));
    memset(out, 0, sizeof(*out));
    if (!wsv_manage_enter(service))
        return wsv_manage_closed(call, why);
    done = ControlService(service->native, code, &native);
    if (done) {
        memcpy(&full, &native, sizeof(native)); /* its first members */
        wsv_manage_copy_status(&full, out);
    }
    return wsv_manage_leave(service, done, call, why);
}

wsv_err
wsv_manage_control_reason(wsv_manage_handle *service, uint32_t code,
                          uint32_t reason, const wsv_wchar *comment,
                          wsv_manage_status *out, wsv_oserr *why)
{
    static const char call[] = "control a service (ControlServiceEx)";
    SERVICE_CONTROL_STATUS_REASON_PARAMSW parameters;
    HMODULE advapi = GetModuleHandleW(L"advapi32.dll"); /* linked with */
    control_ex control = NULL;
    BOOL done;

    memset(out, 0, sizeof(*out));
    /* Not sechost's: Wine has a stub there that raises an exception (H-19). */
    if (advapi != NULL)
        control = (control_ex)(void (*)(void))GetProcAddress(
            advapi, "ControlServiceExW");
    if (control == NULL)
        return wsv_manage_failed(why, call, ERROR_CALL_NOT_IMPLEMENTED);
    memset(&parameters, 0, sizeof(parameters));
    parameters.dwReason = reason;
    parameters.pszComment = (LPWSTR)(uintptr_t)comment;
    if (!wsv_manage_enter(service))
        return wsv_manage_closed(call, why);
    done = control(service->native, code, SERVICE_CONTROL_STATUS_REASON_INFO,
                   &parameters);
    if (done)
        wsv_manage_copy_status(&parameters.ServiceStatus, out);
    return wsv_manage_leave(service, done, call, why);
}

wsv_err
wsv_manage_query(wsv_manage_handle *service, wsv_manage_status *out,
                 wsv_oserr *why)
{
    static const char call[] = "query a service (QueryServiceStatusEx)";
    SERVICE_STATUS_PROCESS native;
    DWORD needed;
    BOOL done;

    memset(&native, 0, sizeof(native));
    memset(out, 0, sizeof(*out));
    if (!wsv_manage_enter(service))
        return wsv_manage_closed(call, why);
    done = QueryServiceStatusEx(service->native, SC_STATUS_PROCESS_INFO,
                                (LPBYTE)&native, sizeof(native), &needed);
    if (done)
        wsv_manage_copy_status(&native, out);
    return wsv_manage_leave(service, done, call, why);
}
