/* The real SCM.  There is one dispatcher in a process, so what the SCM's
 * callbacks need and ServiceMain is given no context for is static here. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "core/payload.h"
#include "scm/scm.h"

#define MAX_SERVICES 64u
/* After the last STOPPED, a process that has not ended by then is ended. */
#define LINGER_MS 20000u
/* How long faulthandler may take to write the tracebacks. */
#define DEATH_MS 5000u
/* "WSV" with the bits of an error that an application defines. */
#define DEADLINE_EXCEPTION 0xE0575356u

/* winsvc.h has neither the function nor its structure in mingw-w64 (D-20). */
typedef struct start_reason {
    DWORD reason;
} start_reason;
typedef BOOL(WINAPI *query_dynamic)(SERVICE_STATUS_HANDLE service, DWORD level,
                                    PVOID *out);

static const wsv_scm_entry *entries; /* set before the dispatcher is called */
static DWORD entry_count;
static SERVICE_TABLE_ENTRYW table[MAX_SERVICES + 1];

static const wsv_scm_entry *
find_entry(const WCHAR *name)
{
    DWORD i;

    /* An own process's table name is ignored: entry 0 it is. */
    for (i = 1; i < entry_count; i++)
        if (name != NULL &&
            CompareStringOrdinal((const WCHAR *)entries[i].name, -1, name, -1,
                                 TRUE) == CSTR_EQUAL)
            return &entries[i];
    return &entries[0];
}

static VOID WINAPI
service_main(DWORD argc, LPWSTR *argv)
{
    const wsv_scm_entry *entry = find_entry(argc != 0 ? argv[0] : NULL);

    entry->service_main(entry->ctx, argc, (const wsv_wchar *const *)argv);
}

/* On the dispatcher thread; on Wine on another one of the SCM's (H-12). */
static DWORD WINAPI
handler(DWORD code, DWORD event_type, LPVOID data, LPVOID context)
{
    const wsv_scm_entry *entry = context;
    wsv_control control;

    control.code = code;
    control.event_type = event_type;
    control.size = wsv_payload_size(code, event_type, data);
    control.data = control.size != 0 ? data : NULL;
    return entry->handler(entry->ctx, &control);
}

wsv_err
wsv_scm_dispatch(wsv_scm *scm, const wsv_scm_entry *hosted, uint32_t count,
                 wsv_oserr *why)
{
    DWORD i;

    (void)scm;
    why->call = "connect to the SCM (StartServiceCtrlDispatcher)";
    why->code = ERROR_INVALID_DATA;
    if (count == 0 || count > MAX_SERVICES)
        return WSV_E_OS;
    why->code = ERROR_SERVICE_ALREADY_RUNNING;
    if (entries != NULL)
        return WSV_E_OS;
    entries = hosted;
    entry_count = count;
    for (i = 0; i < count; i++) {
        table[i].lpServiceName = (LPWSTR)hosted[i].name;
        table[i].lpServiceProc = service_main;
    }
    if (StartServiceCtrlDispatcherW(table))
        return WSV_OK;
    why->code = GetLastError();
    return WSV_E_OS;
}

wsv_err
wsv_scm_register(wsv_scm *scm, const wsv_scm_entry *entry,
                 const wsv_wchar *name, void **status_handle, wsv_oserr *why)
{
    SERVICE_STATUS_HANDLE handle;
    const wsv_scm_entry *own = find_entry((const WCHAR *)name);

    (void)scm;
    (void)entry; /* the table's own one lives long enough for the handler */
    handle = RegisterServiceCtrlHandlerExW((LPCWSTR)name, handler,
                                           (LPVOID)(uintptr_t)own);
    *status_handle = (void *)handle;
    if (handle != 0)
        return WSV_OK;
    why->call = "register the control handler (RegisterServiceCtrlHandlerEx)";
    why->code = GetLastError();
    return WSV_E_OS;
}

wsv_err
wsv_scm_report(wsv_scm *scm, void *status_handle, const wsv_status *status,
               wsv_oserr *why)
{
    SERVICE_STATUS native;

    (void)scm;
    native.dwServiceType = status->type;
    native.dwCurrentState = status->state;
    native.dwControlsAccepted = status->accepted;
    native.dwWin32ExitCode = status->exit_code;
    native.dwServiceSpecificExitCode = status->specific_code;
    native.dwCheckPoint = status->checkpoint;
    native.dwWaitHint = status->wait_hint;
    if (SetServiceStatus((SERVICE_STATUS_HANDLE)status_handle, &native))
        return WSV_OK;
    why->call = "report the status (SetServiceStatus)";
    why->code = GetLastError();
    return WSV_E_OS;
}

wsv_err
wsv_scm_start_reason(wsv_scm *scm, void *status_handle, uint32_t *reason,
                     wsv_oserr *why)
{
    HMODULE advapi = GetModuleHandleW(L"advapi32.dll"); /* linked with */
    query_dynamic query = NULL;
    start_reason *told = NULL;

    (void)scm;
    *reason = 0;
    /* Not sechost's: Wine has a stub there that raises an exception (H-19). */
    if (advapi != NULL)
        query = (query_dynamic)(void (*)(void))GetProcAddress(
            advapi, "QueryServiceDynamicInformation");
    if (query == NULL)
        return WSV_OK;
    if (!query((SERVICE_STATUS_HANDLE)status_handle,
               SERVICE_DYNAMIC_INFORMATION_LEVEL_START_REASON,
               (PVOID *)&told)) {
        why->call = "query the start (QueryServiceDynamicInformation)";
        why->code = GetLastError();
        return WSV_E_OS;
    }
    if (told != NULL)
        *reason = told->reason;
    LocalFree(told);
    return WSV_OK;
}

uint64_t
wsv_scm_now(wsv_scm *scm)
{
    (void)scm;
    return wsv_os_now();
}

bool
wsv_scm_wait(wsv_scm *scm, wsv_os_cond *cond, wsv_os_mutex *mutex,
             uint64_t deadline, bool by_reporter)
{
    (void)scm;
    (void)by_reporter;
    return wsv_os_cond_wait(cond, mutex, deadline);
}

void
wsv_scm_wake(wsv_scm *scm, wsv_os_cond *cond)
{
    (void)scm;
    wsv_os_cond_broadcast(cond);
}

static DWORD death_code; /* written once, before the process is ended */

/* In a thread of its own, and only in C: a finalising interpreter, or a hung
 * disk below faulthandler, cannot stop it. */
static DWORD WINAPI
end_after_a_while(LPVOID delay_ms)
{
    Sleep((DWORD)(uintptr_t)delay_ms);
    TerminateProcess(GetCurrentProcess(), death_code);
    return 0;
}

static void
end_in(uint32_t delay_ms, uint32_t exit_code)
{
    HANDLE thread;

    death_code = exit_code;
    thread = CreateThread(NULL, 0, end_after_a_while,
                          (LPVOID)(uintptr_t)delay_ms, 0, NULL);
    if (thread != NULL)
        CloseHandle(thread);
}

static LONG WINAPI
end_process(EXCEPTION_POINTERS *exception)
{
    (void)exception;
    TerminateProcess(GetCurrentProcess(), death_code);
    return EXCEPTION_EXECUTE_HANDLER;
}

/* faulthandler, if enabled, writes the tracebacks of all threads when it sees
 * an exception that is not its own: it needs no GIL for that, which a thread
 * may be holding for ever. */
void
wsv_scm_die(wsv_scm *scm, uint32_t exit_code)
{
    (void)scm;
    end_in(DEATH_MS, exit_code);
    SetUnhandledExceptionFilter(end_process);
    RaiseException(DEADLINE_EXCEPTION, EXCEPTION_NONCONTINUABLE, 0, NULL);
    TerminateProcess(GetCurrentProcess(), exit_code);
}

void
wsv_scm_linger(wsv_scm *scm, uint32_t exit_code)
{
    (void)scm;
    end_in(LINGER_MS, exit_code);
}
