/* The checkpoint schedule: halves of hints, deadlines, overflow, suspend. */
#include "core/progress.h"

#include "check.h"

#define MS WSV_NS_PER_MS
#define SECOND (1000 * MS)

static void
test_half_hints_until_the_deadline(void)
{
    wsv_progress progress;
    uint64_t now = 5 * SECOND, last = now;
    uint32_t expected = 1;

    wsv_progress_enter(&progress, now, 3000, 30 * SECOND);
    CHECK_SAME(progress.checkpoint, 1);
    CHECK_SAME(progress.hint, 3000);
    while (wsv_progress_next(&progress) < 35 * SECOND) {
        now = wsv_progress_next(&progress);
        CHECK_SAME(now - last, 1500 * MS);
        CHECK_SAME(wsv_progress_due(&progress, now - 1), WSV_DUE_NOTHING);
        CHECK_SAME(wsv_progress_due(&progress, now), WSV_DUE_REPORT);
        CHECK_SAME(progress.checkpoint, ++expected);
        last = now;
    }
    CHECK_SAME(expected, 20);
    CHECK_SAME(wsv_progress_next(&progress), 35 * SECOND);
    CHECK_SAME(wsv_progress_due(&progress, 35 * SECOND - 1), WSV_DUE_NOTHING);
    CHECK_SAME(wsv_progress_due(&progress, 35 * SECOND), WSV_DUE_EXPIRED);
    /* Once; and no checkpoint is raised any more. */
    CHECK_SAME(wsv_progress_next(&progress), WSV_FOREVER);
    CHECK_SAME(wsv_progress_due(&progress, 99 * SECOND), WSV_DUE_NOTHING);
    CHECK_SAME(progress.checkpoint, 20);
}

static void
test_no_limit(void)
{
    wsv_progress progress;
    uint64_t now = 0;
    int i;

    wsv_progress_enter(&progress, now, 10, WSV_FOREVER);
    for (i = 0; i < 100000; i++) {
        now = wsv_progress_next(&progress);
        CHECK_SAME(wsv_progress_due(&progress, now), WSV_DUE_REPORT);
    }
    CHECK_SAME(now, (uint64_t)100000 * 5 * MS);
    CHECK_SAME(progress.checkpoint, 100001);
}

static void
test_progress_moves_the_deadline_by_the_budget(void)
{
    wsv_progress progress;

    wsv_progress_enter(&progress, 0, 3000, 30 * SECOND);
    wsv_progress_made(&progress, 20 * SECOND, 0);
    CHECK_SAME(progress.checkpoint, 2);
    CHECK_SAME(progress.hint, 3000);
    CHECK_SAME(progress.deadline, 50 * SECOND);
    CHECK_SAME(progress.next, 20 * SECOND + 1500 * MS);
    wsv_progress_made(&progress, 21 * SECOND, 60000);
    CHECK_SAME(progress.checkpoint, 3);
    CHECK_SAME(progress.hint, 60000);
    CHECK_SAME(progress.deadline, 51 * SECOND);
    CHECK_SAME(progress.next, 51 * SECOND);
    /* Both at once: the deadline counts. */
    CHECK_SAME(wsv_progress_due(&progress, 51 * SECOND), WSV_DUE_EXPIRED);
}

static void
test_stable_states_have_nothing_due(void)
{
    wsv_progress progress;

    wsv_progress_enter(&progress, 0, 3000, 30 * SECOND);
    wsv_progress_leave(&progress);
    CHECK_SAME(progress.checkpoint, 0);
    CHECK_SAME(progress.hint, 0);
    CHECK_SAME(wsv_progress_next(&progress), WSV_FOREVER);
    CHECK_SAME(wsv_progress_due(&progress, 0), WSV_DUE_NOTHING);
    CHECK_SAME(wsv_progress_due(&progress, WSV_FOREVER - 1), WSV_DUE_NOTHING);
}

/* I-65 from the inside: no hint, no budget and no time overflows. */
static void
test_extremes(void)
{
    static const uint64_t times[] = {
        0, 1, 5 * SECOND, UINT64_MAX / 2, UINT64_MAX - 2, UINT64_MAX - 1};
    static const uint32_t hints[] = {0, 1, 2, 3, 0x7FFFFFFF, UINT32_MAX};
    static const uint64_t budgets[] = {0, 1, SECOND, UINT64_MAX - 1,
                                       WSV_FOREVER};
    wsv_progress progress;
    size_t t, h, b;
    uint64_t next;

    for (t = 0; t < sizeof(times) / sizeof(times[0]); t++)
        for (h = 0; h < sizeof(hints) / sizeof(hints[0]); h++)
            for (b = 0; b < sizeof(budgets) / sizeof(budgets[0]); b++) {
                wsv_progress_enter(&progress, times[t], hints[h], budgets[b]);
                next = wsv_progress_next(&progress);
                /* Never in the past, and at once only without a budget. */
                CHECK(next >= times[t]);
                CHECK(budgets[b] == 0 || next > times[t]);
                CHECK(progress.deadline >= times[t]);
                CHECK(progress.next > times[t]);
                wsv_progress_made(&progress, times[t], hints[h]);
                CHECK(progress.next > times[t]);
            }
    wsv_progress_enter(&progress, 0, UINT32_MAX, WSV_FOREVER);
    CHECK_SAME(wsv_progress_next(&progress),
               UINT64_C(2147483647) * MS + 500000);
    wsv_progress_enter(&progress, 0, 0, WSV_FOREVER);
    CHECK_SAME(wsv_progress_next(&progress), MS);
}

/* A machine that slept owes one report, not all those it has missed. */
static void
test_suspend(void)
{
    wsv_progress progress;
    uint64_t woken = 3600 * SECOND;

    wsv_progress_enter(&progress, 0, 3000, WSV_FOREVER);
    CHECK_SAME(wsv_progress_due(&progress, woken), WSV_DUE_REPORT);
    CHECK_SAME(progress.checkpoint, 2);
    CHECK_SAME(wsv_progress_due(&progress, woken), WSV_DUE_NOTHING);
    CHECK_SAME(wsv_progress_next(&progress), woken + 1500 * MS);
    wsv_progress_enter(&progress, 0, 3000, 30 * SECOND);
    CHECK_SAME(wsv_progress_due(&progress, woken), WSV_DUE_EXPIRED);
    CHECK_SAME(wsv_progress_due(&progress, woken), WSV_DUE_NOTHING);
}

int
main(void)
{
    test_half_hints_until_the_deadline();
    test_no_limit();
    test_progress_moves_the_deadline_by_the_budget();
    test_stable_states_have_nothing_due();
    test_extremes();
    test_suspend();
    return 0;
}
