/* Writing to the event log, as it has been since NT: no manifest is needed. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "manage/eventlog.h"
#include "os/os.h"

struct wsv_eventlog {
    SRWLOCK lock; /* shared by reports; the close has it alone */
    HANDLE native;
};

static wsv_err
failed(wsv_oserr *why, const char *call, DWORD code)
{
    why->call = call;
    why->code = code;
    return WSV_E_OS;
}

wsv_err
wsv_eventlog_open(const wsv_wchar *machine, const wsv_wchar *source,
                  wsv_eventlog **out, wsv_oserr *why)
{
    wsv_eventlog *log = wsv_os_alloc(sizeof(*log));
    DWORD code;

    if (log == NULL)
        return WSV_E_MEMORY;
    InitializeSRWLock(&log->lock);
    log->native = RegisterEventSourceW(machine, source);
    if (log->native == NULL) {
        code = GetLastError();
        wsv_os_free(log);
        return failed(why, "open the event log (RegisterEventSource)", code);
    }
    *out = log;
    return WSV_OK;
}

wsv_err
wsv_eventlog_report(wsv_eventlog *log, const wsv_eventlog_event *event,
                    wsv_oserr *why)
{
    DWORD code = ERROR_SUCCESS;

    AcquireSRWLockShared(&log->lock);
    if (log->native == NULL)
        code = ERROR_INVALID_HANDLE;
    else if (!ReportEventW(log->native, event->kind, event->category,
                           event->id, NULL, event->string_count,
                           event->data_size, (LPCWSTR *)event->strings,
                           (void *)event->data))
        code = GetLastError();
    ReleaseSRWLockShared(&log->lock);
    if (code != ERROR_SUCCESS)
        return failed(why, "write to the event log (ReportEvent)", code);
    return WSV_OK;
}

void
wsv_eventlog_close(wsv_eventlog *log)
{
    HANDLE native;

    AcquireSRWLockExclusive(&log->lock);
    native = log->native;
    log->native = NULL;
    ReleaseSRWLockExclusive(&log->lock);
    if (native != NULL)
        (void)DeregisterEventSource(native);
}

void
wsv_eventlog_free(wsv_eventlog *log)
{
    wsv_eventlog_close(log);
    wsv_os_free(log);
}
