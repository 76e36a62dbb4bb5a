#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include "os/console.h"

#define EVENTS (WSV_CONSOLE_SHUTDOWN + 1)

enum mode { PASSED_ON, IGNORED, WATCHED };

/* A process has one console, and one table of handlers. */
static struct {
    SRWLOCK lock; /* a leaf */
    CONDITION_VARIABLE changed;
    enum mode mode;
    uint32_t waiting[EVENTS]; /* how often each has come */
} console = {SRWLOCK_INIT, CONDITION_VARIABLE_INIT, PASSED_ON, {0}};

/* On a thread that the system makes for each event, and under a lock of the
 * system's that SetConsoleCtrlHandler takes too. */
static BOOL WINAPI
on_event(DWORD event)
{
    enum mode mode;

    AcquireSRWLockExclusive(&console.lock);
    mode = console.mode;
    if (mode == WATCHED && event < EVENTS) {
        console.waiting[event]++;
        WakeAllConditionVariable(&console.changed);
    }
    ReleaseSRWLockExclusive(&console.lock);
    /* Returning would end the process here and now. */
    if (mode == WATCHED && event >= WSV_CONSOLE_CLOSE)
        Sleep(INFINITE);
    return mode != PASSED_ON;
}

static void
set_mode(enum mode mode)
{
    AcquireSRWLockExclusive(&console.lock);
    console.mode = mode;
    ZeroMemory(console.waiting, sizeof(console.waiting));
    WakeAllConditionVariable(&console.changed);
    ReleaseSRWLockExclusive(&console.lock);
}

static BOOL WINAPI
on_event_even(DWORD event)
{
    return on_event(event);
}

static BOOL WINAPI
on_event_odd(DWORD event)
{
    return on_event(event);
}

/* Let on_event be the first to be asked, whoever has come since: under its
 * other name it is added before the old one is taken away, so that no event
 * finds neither. */
static wsv_err
be_first(wsv_oserr *why)
{
    static SRWLOCK order = SRWLOCK_INIT; /* never with console.lock */
    static bool is_odd;
    BOOL added;

    AcquireSRWLockExclusive(&order);
    added = SetConsoleCtrlHandler(is_odd ? on_event_even : on_event_odd, TRUE);
    if (added) {
        SetConsoleCtrlHandler(is_odd ? on_event_odd : on_event_even, FALSE);
        is_odd = !is_odd;
    }
    else {
        why->call = "handle the events of the console";
        why->code = GetLastError();
    }
    ReleaseSRWLockExclusive(&order);
    return added ? WSV_OK : WSV_E_OS;
}

wsv_err
wsv_console_ignore(wsv_oserr *why)
{
    set_mode(IGNORED);
    return be_first(why);
}

wsv_err
wsv_console_watch(wsv_oserr *why)
{
    set_mode(WATCHED);
    return be_first(why);
}

/* It stays a handler: to take it away would wait for one that sleeps for ever.
 */
void
wsv_console_release(void)
{
    set_mode(PASSED_ON);
}

/* Under the lock. */
static bool
take(uint32_t *event)
{
    uint32_t i;

    for (i = 0; i < EVENTS; i++) {
        if (console.waiting[i] > 0) {
            console.waiting[i]--;
            *event = i;
            return true;
        }
    }
    return false;
}

wsv_err
wsv_console_wait(uint32_t *event)
{
    wsv_err err = WSV_E_CLOSED;

    AcquireSRWLockExclusive(&console.lock);
    while (console.mode == WATCHED) {
        if (take(event)) {
            err = WSV_OK;
            break;
        }
        SleepConditionVariableSRW(&console.changed, &console.lock, INFINITE,
                                  0);
    }
    ReleaseSRWLockExclusive(&console.lock);
    return err;
}
