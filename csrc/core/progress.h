/* The checkpoint and wait-hint schedule of a pending state.  Pure: the caller
 * says what time it is and does the reporting. */
#ifndef WSV_PROGRESS_H
#define WSV_PROGRESS_H

#include "core/base.h"

typedef struct wsv_progress {
    uint64_t next;     /* when the next report is due; WSV_FOREVER: never */
    uint64_t deadline; /* WSV_FOREVER: none */
    uint64_t budget;   /* ns that a phase has, anew after each progress() */
    uint32_t checkpoint;
    uint32_t hint; /* ms */
} wsv_progress;

typedef enum wsv_due {
    WSV_DUE_NOTHING,
    WSV_DUE_REPORT, /* the checkpoint was raised: report it */
    WSV_DUE_EXPIRED /* the deadline has passed: said once */
} wsv_due;

/* Enter a pending state at `now`: checkpoint 1, a report every half hint.
 * `budget` in ns from `now`, WSV_FOREVER for no limit. */
void wsv_progress_enter(wsv_progress *progress, uint64_t now, uint32_t hint,
                        uint64_t budget);
/* Enter a state that is not pending: checkpoint 0, hint 0, nothing due. */
void wsv_progress_leave(wsv_progress *progress);
/* Raise the checkpoint, to be reported at once.  `hint` 0 keeps the hint. */
void wsv_progress_raise(wsv_progress *progress, uint64_t now, uint32_t hint);
/* The service itself has made progress: raise the checkpoint and move the
 * deadline on by the whole budget. */
void wsv_progress_made(wsv_progress *progress, uint64_t now, uint32_t hint);
/* What is due at `now`; raises the checkpoint for WSV_DUE_REPORT. */
wsv_due wsv_progress_due(wsv_progress *progress, uint64_t now);
/* When to ask again. */
uint64_t wsv_progress_next(const wsv_progress *progress);

#endif
