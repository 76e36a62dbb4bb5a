/* The yardstick: a service in plain C, under the same conditions as the Python
 * ones (services/load.py), chosen by its first start parameter.  The second
 * one, if any, names the file for the times at which controls came.  With an
 * argument on its command line it leaves user codes to another thread, as a
 * service that does something with them has to. */
#ifndef _CRT_SECURE_NO_WARNINGS
#define _CRT_SECURE_NO_WARNINGS
#endif
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <stdio.h>
#include <string.h>

#define BUSY_THREADS 4u
#define TURN_MS 5
#define WAIT_HINT_MS 4000u
#define SLOW_MS 50u
#define FIRST_USER_CONTROL 128u
#define LAST_USER_CONTROL 255u
#define MAX_TIMES 65536
#define NS_PER_S 1000000000ull

static SERVICE_STATUS_HANDLE status_handle;
static HANDLE stop;
static HANDLE changes;             /* a semaphore: work for main's thread */
static volatile LONG wanted_state; /* 0: none new */
static BOOL hands_over;
static DWORD slow_ms;

static volatile LONG time_count;
static ULONGLONG times[MAX_TIMES];

static SRWLOCK turn_lock = SRWLOCK_INIT;
static CONDITION_VARIABLE turn_changed = CONDITION_VARIABLE_INIT;
static DWORD turn;         /* under turn_lock */
static DWORD busy_threads; /* set before the first of them starts */

static void
report(DWORD state)
{
    SERVICE_STATUS status;

    memset(&status, 0, sizeof(status));
    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status.dwCurrentState = state;
    if (state == SERVICE_RUNNING || state == SERVICE_PAUSED)
        status.dwControlsAccepted = SERVICE_ACCEPT_STOP |
                                    SERVICE_ACCEPT_SHUTDOWN |
                                    SERVICE_ACCEPT_PAUSE_CONTINUE;
    else if (state != SERVICE_STOPPED) {
        status.dwCheckPoint = 1;
        status.dwWaitHint = WAIT_HINT_MS;
    }
    SetServiceStatus(status_handle, &status);
}

static void
note_time(DWORD control)
{
    LONG at = InterlockedIncrement(&time_count) - 1;
    LARGE_INTEGER ticks;

    QueryPerformanceCounter(&ticks);
    if (at < MAX_TIMES) /* the lowest byte of a time is the control */
        times[at] = (ULONGLONG)ticks.QuadPart << 8 | (control & 0xFFu);
}

static void
write_times(const WCHAR *path)
{
    FILE *file = _wfopen(path, L"w");
    LARGE_INTEGER frequency;
    LONG i;

    if (file == NULL)
        return;
    QueryPerformanceFrequency(&frequency);
    for (i = 0; i < time_count && i < MAX_TIMES; i++) {
        ULONGLONG unit = (ULONGLONG)frequency.QuadPart, ticks = times[i] >> 8;

        fprintf(file, "%u %llu\n", (unsigned)(times[i] & 0xFFu),
                ticks / unit * NS_PER_S + ticks % unit * NS_PER_S / unit);
    }
    fclose(file);
}

/* The state is reported before the handler returns; what follows from it is
 * left to another thread, as winsvc does. */
static void
change(DWORD pending, DWORD wanted)
{
    report(pending);
    InterlockedExchange(&wanted_state, (LONG)wanted);
    ReleaseSemaphore(changes, 1, NULL);
}

static DWORD WINAPI
handler(DWORD control, DWORD event_type, LPVOID data, LPVOID context)
{
    (void)event_type;
    (void)data;
    (void)context;
    if (control != SERVICE_CONTROL_INTERROGATE)
        note_time(control);
    switch (control) {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_SHUTDOWN:
        SetEvent(stop);
        change(SERVICE_STOP_PENDING, SERVICE_STOPPED);
        return NO_ERROR;
    case SERVICE_CONTROL_PAUSE:
        change(SERVICE_PAUSE_PENDING, SERVICE_PAUSED);
        return NO_ERROR;
    case SERVICE_CONTROL_CONTINUE:
        change(SERVICE_CONTINUE_PENDING, SERVICE_RUNNING);
        return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE:
        return NO_ERROR;
    default:
        if (control < FIRST_USER_CONTROL || control > LAST_USER_CONTROL)
            return ERROR_CALL_NOT_IMPLEMENTED;
        if (hands_over)
            ReleaseSemaphore(changes, 1, NULL);
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
        turn = (own + 1) % busy_threads;
        ReleaseSRWLockExclusive(&turn_lock);
        WakeAllConditionVariable(&turn_changed);
    }
    return 0;
}

static VOID WINAPI
service_main(DWORD argc, LPWSTR *argv)
{
    const WCHAR *condition = argc > 1 ? argv[1] : L"idle";
    DWORD i, wanted;

    stop = CreateEventW(NULL, TRUE, FALSE, NULL);
    changes = CreateSemaphoreW(NULL, 0, MAXLONG, NULL);
    status_handle = RegisterServiceCtrlHandlerExW(argv[0], handler, NULL);
    if (status_handle == 0 || stop == NULL || changes == NULL)
        return;
    report(SERVICE_START_PENDING);
    slow_ms = wcscmp(condition, L"slow") == 0 ? SLOW_MS : 0;
    if (wcscmp(condition, L"busy") == 0)
        busy_threads = BUSY_THREADS;
    else if (wcscmp(condition, L"gc") == 0)
        busy_threads = 1; /* as one thread collects: the processor is awake */
    for (i = 0; i < busy_threads; i++)
        CloseHandle(CreateThread(NULL, 0, busy, (LPVOID)(UINT_PTR)i, 0, NULL));
    report(SERVICE_RUNNING);
    for (;;) {
        WaitForSingleObject(changes, INFINITE);
        wanted = (DWORD)InterlockedExchange(&wanted_state, 0);
        Sleep(slow_ms);
        if (wanted == SERVICE_STOPPED)
            break;
        if (wanted != 0 && WaitForSingleObject(stop, 0) == WAIT_TIMEOUT)
            report(wanted);
    }
    if (argc > 2)
        write_times(argv[2]);
    report(SERVICE_STOPPED);
}

int
main(int argc, char **argv)
{
    static WCHAR name[] = L"";
    static const SERVICE_TABLE_ENTRYW table[] = {{name, service_main},
                                                 {NULL, NULL}};

    (void)argv;
    hands_over = argc > 1;
    return StartServiceCtrlDispatcherW(table) ? 0 : (int)GetLastError();
}
