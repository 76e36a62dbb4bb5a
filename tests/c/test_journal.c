/* The journal's ring. */
#include "core/journal.h"

#include <string.h>

#include "check.h"

static wsv_journal journal;

static void
add(uint32_t a)
{
    wsv_entry entry;

    memset(&entry, 0, sizeof(entry));
    entry.kind = WSV_JOURNAL_CONTROL;
    entry.a = a;
    entry.time = 1000 + a;
    CHECK_SAME(wsv_journal_add(&journal, &entry), a);
}

static void
check_kept(uint32_t first, uint32_t end)
{
    wsv_entry entry;
    uint64_t number = 0;
    uint32_t expected;

    for (expected = first; expected < end; expected++) {
        CHECK(wsv_journal_get(&journal, &number, &entry));
        CHECK_SAME(number, expected);
        CHECK_SAME(entry.a, expected);
        CHECK_SAME(entry.time, 1000u + expected);
        number++;
    }
    CHECK(!wsv_journal_get(&journal, &number, &entry));
    CHECK_SAME(number, end);
}

static void
test_ring_keeps_the_last(void)
{
    uint32_t i;

    memset(&journal, 0, sizeof(journal));
    check_kept(0, 0);
    for (i = 0; i < 3 * WSV_JOURNAL_SIZE + 7; i++) {
        add(i);
        check_kept(i < WSV_JOURNAL_SIZE ? 0 : i + 1 - WSV_JOURNAL_SIZE, i + 1);
    }
}

static void
test_done_completes_what_is_kept(void)
{
    uint32_t i, end = WSV_JOURNAL_SIZE + 10;
    wsv_entry entry;
    uint64_t number;

    memset(&journal, 0, sizeof(journal));
    for (i = 0; i < end; i++)
        add(i);
    wsv_journal_done(&journal, 9, 5, 6);       /* overwritten by entry 521 */
    wsv_journal_done(&journal, 10, 7, 8);      /* the oldest kept */
    wsv_journal_done(&journal, end, 9, 9);     /* not there yet */
    wsv_journal_done(&journal, end - 1, 3, 4); /* the newest */
    for (number = 0; wsv_journal_get(&journal, &number, &entry); number++) {
        CHECK_SAME(entry.done, number == 10 ? 7u : number == end - 1 ? 3 : 0);
        CHECK_SAME(entry.result, number == 10        ? 8u
                                 : number == end - 1 ? 4
                                                     : 0);
    }
}

static void
test_numbers_beyond_32_bits(void)
{
    wsv_entry entry;
    uint64_t number = 0;

    memset(&journal, 0, sizeof(journal));
    memset(&entry, 0, sizeof(entry));
    journal.count = UINT64_C(1) << 40;
    CHECK_SAME(wsv_journal_add(&journal, &entry), UINT64_C(1) << 40);
    CHECK(wsv_journal_get(&journal, &number, &entry));
    CHECK_SAME(number, (UINT64_C(1) << 40) + 1 - WSV_JOURNAL_SIZE);
}

int
main(void)
{
    test_ring_keeps_the_last();
    test_done_completes_what_is_kept();
    test_numbers_beyond_32_bits();
    return 0;
}
