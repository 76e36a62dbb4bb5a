/* Fault injection for the seams: makes the nth seam call fail.
 * Compiled only into winsvc._sim and the C tests (WSV_FAULTS). */
#ifndef WSV_FAULT_H
#define WSV_FAULT_H

#include "core/base.h"

#ifdef WSV_FAULTS

/* Each kind is a bit, so that a test can name the calls it lets fail. */
enum {
    WSV_FAULT_ALLOC = 1,
    WSV_FAULT_MUTEX = 2,
    WSV_FAULT_COND = 4,
    WSV_FAULT_THREAD = 8,
    WSV_FAULT_DISPATCH = 16,
    WSV_FAULT_REGISTER = 32,
    WSV_FAULT_REPORT = 64,
    WSV_FAULT_SUBSCRIBE = 128
};

/* Let the nth call from now (1 = the next) of the kinds in `mask` fail once.
 * 0 lets none fail. */
void wsv_fault_arm(uint32_t mask, uint32_t nth);
/* Calls left until the armed failure; 0 once it has happened. */
uint32_t wsv_fault_left(void);
/* Asked by each seam call: shall this one fail? */
bool wsv_fault_hit(uint32_t kind);
/* Seam objects alive: memory blocks, mutexes, conditions, threads. */
void wsv_fault_live(int32_t change);
int32_t wsv_fault_live_count(void);

#define WSV_FAULT(kind) wsv_fault_hit(kind)
#define WSV_LIVE(change) wsv_fault_live(change)

#else

#define WSV_FAULT(kind) false
#define WSV_LIVE(change) ((void)0)

#endif
#endif
