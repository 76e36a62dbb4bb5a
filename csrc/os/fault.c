#include "os/fault.h"

#ifdef WSV_FAULTS

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
static SRWLOCK guard = SRWLOCK_INIT;
#define GUARD() AcquireSRWLockExclusive(&guard)
#define UNGUARD() ReleaseSRWLockExclusive(&guard)
#else
#include <pthread.h>
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
#define GUARD() pthread_mutex_lock(&guard)
#define UNGUARD() pthread_mutex_unlock(&guard)
#endif

/* Under guard.  Process-wide, like what they stand for. */
static uint32_t armed_mask;
static uint32_t armed_left;
static int32_t live;

void
wsv_fault_arm(uint32_t mask, uint32_t nth)
{
    GUARD();
    armed_mask = nth == 0 ? 0 : mask;
    armed_left = nth;
    UNGUARD();
}

uint32_t
wsv_fault_left(void)
{
    uint32_t left;

    GUARD();
    left = armed_left;
    UNGUARD();
    return left;
}

bool
wsv_fault_hit(uint32_t kind)
{
    bool hit = false;

    GUARD();
    if ((armed_mask & kind) != 0) {
        armed_left--;
        hit = armed_left == 0;
        if (hit)
            armed_mask = 0;
    }
    UNGUARD();
    return hit;
}

void
wsv_fault_live(int32_t change)
{
    GUARD();
    live += change;
    UNGUARD();
}

int32_t
wsv_fault_live_count(void)
{
    int32_t count;

    GUARD();
    count = live;
    UNGUARD();
    return count;
}

#else
/* ISO C wants something in every file. */
typedef int wsv_fault_unused;
#endif
