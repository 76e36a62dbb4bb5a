/* The inside of the simulated clock, shared by sim_clock.c and sim.c alone.
 *
 * Its lock is a leaf below every other.  A reporter thread counts as busy from
 * its start to its end except while it waits here: advance goes on only when
 * none is busy, so that what is due at a time has happened before a later one
 * comes.  Other threads that wait here are woken, but not waited for. */
#ifndef WSV_SIM_CLOCK_H
#define WSV_SIM_CLOCK_H

#include "scm/sim.h"

typedef struct wsv_sleeper {
    struct wsv_sleeper *next;
    wsv_os_cond *cond;
    wsv_os_mutex *mutex;
    uint64_t deadline;
    bool is_reporter;
    bool awake;    /* told to wake up; no longer counted as waiting */
    uint32_t pins; /* advance is using it */
} wsv_sleeper;

struct wsv_clock {
    bool is_virtual;
    wsv_os_mutex *lock;
    wsv_os_cond *settled;
    uint64_t now; /* under lock, with all below; unused by a real clock */
    int busy;
    wsv_sleeper *sleepers;
};

/* +1: a reporter thread is about to run; -1: it has ended. */
void wsv_clock_busy(wsv_clock *clock, int change);
bool wsv_clock_wait(wsv_clock *clock, wsv_os_cond *cond, wsv_os_mutex *mutex,
                    uint64_t deadline, bool is_reporter) WSV_NOGIL;
void wsv_clock_wake(wsv_clock *clock, wsv_os_cond *cond);

#endif
