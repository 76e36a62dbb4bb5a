#include "core/progress.h"

static uint64_t
after(uint64_t now, uint64_t delay)
{
    return delay >= WSV_FOREVER - now ? WSV_FOREVER : now + delay;
}

static uint64_t
half_hint(const wsv_progress *progress)
{
    uint64_t half = (uint64_t)progress->hint * WSV_NS_PER_MS / 2;

    return half == 0 ? WSV_NS_PER_MS : half;
}

void
wsv_progress_enter(wsv_progress *progress, uint64_t now, uint32_t hint,
                   uint64_t budget)
{
    progress->checkpoint = 1;
    progress->hint = hint;
    progress->budget = budget;
    progress->next = after(now, half_hint(progress));
    progress->deadline = after(now, budget);
}

void
wsv_progress_leave(wsv_progress *progress)
{
    progress->checkpoint = 0;
    progress->hint = 0;
    progress->budget = WSV_FOREVER;
    progress->next = WSV_FOREVER;
    progress->deadline = WSV_FOREVER;
}

void
wsv_progress_raise(wsv_progress *progress, uint64_t now, uint32_t hint)
{
    progress->checkpoint++;
    if (hint != 0)
        progress->hint = hint;
    progress->next = after(now, half_hint(progress));
}

void
wsv_progress_made(wsv_progress *progress, uint64_t now, uint32_t hint)
{
    wsv_progress_raise(progress, now, hint);
    progress->deadline = after(now, progress->budget);
}

wsv_due
wsv_progress_due(wsv_progress *progress, uint64_t now)
{
    if (now >= progress->deadline) {
        progress->next = WSV_FOREVER;
        progress->deadline = WSV_FOREVER;
        return WSV_DUE_EXPIRED;
    }
    if (now < progress->next)
        return WSV_DUE_NOTHING;
    /* From now, not from when it was due: a suspended machine owes nothing. */
    wsv_progress_raise(progress, now, 0);
    return WSV_DUE_REPORT;
}

uint64_t
wsv_progress_next(const wsv_progress *progress)
{
    return progress->next < progress->deadline ? progress->next
                                               : progress->deadline;
}
