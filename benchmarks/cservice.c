/* The yardstick: a service in plain C, under the same conditions as the Python
 * ones (services/load.py), chosen by its start parameter. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <string.h>

#define BUSY_THREADS 4u
#define TURN_MS 5
#define HOLD_MS 2000u
#define FIRST_USER_CONTROL 128u
#define LAST_USER_CONTROL 255u

static SERVICE_STATUS_HANDLE status_handle;
static HANDLE stop;
static volatile LONG user_controls;

static SRWLOCK turn_lock = SRWLOCK_INIT;
static CONDITION_VARIABLE turn_changed = CONDITION_VARIABLE_INIT;
static DWORD turn; /* under turn_lock */

static void
report(DWORD state)
{
    SERVICE_STATUS status;

    memset(&status, 0, sizeof(status));
    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status.dwCurrentState = state;
    if (state == SERVICE_RUNNING)
        status.dwControlsAccepted =
            SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN;
    else if (state != SERVICE_STOPPED)
        status.dwWaitHint = 2 * HOLD_MS;
    SetServiceStatus(status_handle, &status);
}

static DWORD WINAPI
handler(DWORD control, DWORD event_type, LPVOID data, LPVOID context)
{
    (void)event_type;
    (void)data;
    (void)context;
    switch (control) {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_SHUTDOWN:
        report(SERVICE_STOP_PENDING);
        SetEvent(stop);
        return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE:
        return NO_ERROR;
    default:
        if (control < FIRST_USER_CONTROL || control > LAST_USER_CONTROL)
            return ERROR_CALL_NOT_IMPLEMENTED;
        InterlockedIncrement(&user_controls);
        return NO_ERROR;
    }
}

static void
spin(void)
{
    LARGE_INTEGER now, frequency, end;
    volatile int i;

    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&now);
    end.QuadPart = now.QuadPart + frequency.QuadPart * TURN_MS / 1000;
    while (now.QuadPart < end.QuadPart) {
        for (i = 0; i < 10000; i++)
            ;
        QueryPerformanceCounter(&now);
    }
}

/* One of the threads runs at a time, as under the GIL: a C service that kept
 * both of two cores busy would be slower for that alone. */
static DWORD WINAPI
busy(LPVOID number)
{
    DWORD own = (DWORD)(UINT_PTR)number;

    while (WaitForSingleObject(stop, 0) == WAIT_TIMEOUT) {
        AcquireSRWLockExclusive(&turn_lock);
        while (turn != own)
            SleepConditionVariableSRW(&turn_changed, &turn_lock, INFINITE, 0);
        ReleaseSRWLockExclusive(&turn_lock);
        spin();
        AcquireSRWLockExclusive(&turn_lock);
        turn = (own + 1) % BUSY_THREADS;
        ReleaseSRWLockExclusive(&turn_lock);
        WakeAllConditionVariable(&turn_changed);
    }
    return 0;
}

static VOID WINAPI
service_main(DWORD argc, LPWSTR *argv)
{
    const WCHAR *condition = argc > 1 ? argv[1] : L"idle";
    DWORD i;

    stop = CreateEventW(NULL, TRUE, FALSE, NULL);
    status_handle = RegisterServiceCtrlHandlerExW(argv[0], handler, NULL);
    if (status_handle == 0 || stop == NULL)
        return;
    report(SERVICE_START_PENDING);
    if (wcscmp(condition, L"busy") == 0)
        for (i = 0; i < BUSY_THREADS; i++)
            CloseHandle(
                CreateThread(NULL, 0, busy, (LPVOID)(UINT_PTR)i, 0, NULL));
    report(SERVICE_RUNNING);
    if (wcscmp(condition, L"gil") == 0)
        while (WaitForSingleObject(stop, HOLD_MS) == WAIT_TIMEOUT)
            ;
    WaitForSingleObject(stop, INFINITE);
    report(SERVICE_STOPPED);
}

int
main(void)
{
    static WCHAR name[] = L"";
    static const SERVICE_TABLE_ENTRYW table[] = {{name, service_main},
                                                 {NULL, NULL}};

    return StartServiceCtrlDispatcherW(table) ? 0 : (int)GetLastError();
}
