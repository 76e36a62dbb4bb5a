#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <process.h>

#include "os/fault.h"
#include "os/os.h"

struct wsv_os_mutex {
    SRWLOCK native;
};

struct wsv_os_cond {
    CONDITION_VARIABLE native;
};

struct wsv_os_thread {
    HANDLE native;
    void (*run)(void *);
    void *arg;
};

uint64_t
wsv_os_now(void)
{
    LARGE_INTEGER count, frequency;
    uint64_t ticks, rate;

    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    ticks = (uint64_t)count.QuadPart;
    rate = (uint64_t)frequency.QuadPart;
    return ticks / rate * UINT64_C(1000000000) +
           ticks % rate * UINT64_C(1000000000) / rate;
}

void *
wsv_os_alloc(size_t size)
{
    void *memory;

    if (WSV_FAULT(WSV_FAULT_ALLOC))
        return NULL;
    memory = HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, size);
    if (memory != NULL)
        WSV_LIVE(1);
    return memory;
}

void
wsv_os_free(void *memory)
{
    if (memory == NULL)
        return;
    WSV_LIVE(-1);
    HeapFree(GetProcessHeap(), 0, memory);
}

wsv_err
wsv_os_mutex_new(wsv_os_mutex **out)
{
    *out = NULL;
    if (WSV_FAULT(WSV_FAULT_MUTEX))
        return WSV_E_MEMORY;
    *out = wsv_os_alloc(sizeof(**out));
    if (*out == NULL)
        return WSV_E_MEMORY;
    InitializeSRWLock(&(*out)->native);
    return WSV_OK;
}

void
wsv_os_mutex_free(wsv_os_mutex *mutex)
{
    wsv_os_free(mutex);
}

void
wsv_os_mutex_lock(wsv_os_mutex *mutex)
{
    AcquireSRWLockExclusive(&mutex->native);
}

void
wsv_os_mutex_unlock(wsv_os_mutex *mutex)
{
    ReleaseSRWLockExclusive(&mutex->native);
}

wsv_err
wsv_os_cond_new(wsv_os_cond **out)
{
    *out = NULL;
    if (WSV_FAULT(WSV_FAULT_COND))
        return WSV_E_MEMORY;
    *out = wsv_os_alloc(sizeof(**out));
    if (*out == NULL)
        return WSV_E_MEMORY;
    InitializeConditionVariable(&(*out)->native);
    return WSV_OK;
}

void
wsv_os_cond_free(wsv_os_cond *cond)
{
    wsv_os_free(cond);
}

void
wsv_os_cond_broadcast(wsv_os_cond *cond)
{
    WakeAllConditionVariable(&cond->native);
}

/* Milliseconds from now to `deadline`, rounded up so as not to spin. */
static DWORD
milliseconds_until(uint64_t deadline)
{
    uint64_t now, left;

    if (deadline == WSV_FOREVER)
        return INFINITE;
    now = wsv_os_now();
    if (now >= deadline)
        return 0;
    left = (deadline - now + WSV_NS_PER_MS - 1) / WSV_NS_PER_MS;
    return left >= INFINITE ? INFINITE - 1 : (DWORD)left;
}

bool
wsv_os_cond_wait(wsv_os_cond *cond, wsv_os_mutex *mutex, uint64_t deadline)
{
    if (SleepConditionVariableSRW(&cond->native, &mutex->native,
                                  milliseconds_until(deadline), 0))
        return true;
    return wsv_os_now() < deadline;
}

static unsigned __stdcall
run_thread(void *arg)
{
    wsv_os_thread *thread = arg;

    thread->run(thread->arg);
    return 0;
}

wsv_err
wsv_os_thread_new(wsv_os_thread **out, void (*run)(void *), void *arg,
                  wsv_oserr *why)
{
    wsv_os_thread *thread;

    *out = NULL;
    why->call = "create a thread";
    why->code = WSV_ERROR_NOT_ENOUGH_MEMORY;
    if (WSV_FAULT(WSV_FAULT_THREAD))
        return WSV_E_OS;
    thread = wsv_os_alloc(sizeof(*thread));
    if (thread == NULL)
        return WSV_E_MEMORY;
    thread->run = run;
    thread->arg = arg;
    /* Not CreateThread: the C runtime sets itself up in its own threads. */
    thread->native =
        (HANDLE)_beginthreadex(NULL, 0, run_thread, thread, 0, NULL);
    if (thread->native == NULL) {
        why->code = GetLastError();
        wsv_os_free(thread);
        return WSV_E_OS;
    }
    *out = thread;
    return WSV_OK;
}

void
wsv_os_thread_join(wsv_os_thread *thread)
{
    if (thread == NULL)
        return;
    WaitForSingleObject(thread->native, INFINITE);
    CloseHandle(thread->native);
    wsv_os_free(thread);
}
