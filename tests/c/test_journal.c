/* The journal's ring, its data and its totals. */
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

/* --- data
 * ---------------------------------------------------------------------- */

static uint8_t out[WSV_JOURNAL_BYTES], want[WSV_JOURNAL_BYTES];

static void
make_bytes(uint8_t *bytes, uint32_t seed, uint32_t size)
{
    uint32_t i;

    for (i = 0; i < size; i++)
        bytes[i] = (uint8_t)(seed * 31 + i * 7 + i / 256);
}

/* Add an entry with data from a buffer of its very size. */
static uint64_t
add_with_data(uint32_t seed, uint32_t size)
{
    uint8_t *bytes = malloc(size != 0 ? size : 1);
    wsv_entry entry;
    uint64_t number;

    CHECK(bytes != NULL);
    make_bytes(bytes, seed, size);
    memset(&entry, 0, sizeof(entry));
    entry.kind = WSV_JOURNAL_CONTROL;
    entry.a = seed;
    entry.c = size;
    number = wsv_journal_add(&journal, &entry);
    wsv_journal_keep(&journal, number, bytes, size);
    free(bytes);
    return number;
}

static bool
get_data(uint64_t number, wsv_entry *entry)
{
    uint64_t found = number;

    CHECK(wsv_journal_get(&journal, &found, entry));
    CHECK_SAME(found, number);
    return wsv_journal_data(&journal, entry, out);
}

static void
check_data(uint64_t number, uint32_t seed, uint32_t size)
{
    wsv_entry entry;

    memset(out, 0xEE, sizeof(out));
    CHECK(get_data(number, &entry));
    CHECK_SAME(entry.a, seed);
    CHECK_SAME(entry.data_size, size);
    make_bytes(want, seed, size);
    CHECK(memcmp(out, want, size) == 0);
    if (size < sizeof(out))
        CHECK_SAME(out[size], 0xEE); /* nothing beyond it */
}

static void
check_data_gone(uint64_t number, uint32_t size)
{
    wsv_entry entry;

    CHECK(!get_data(number, &entry));
    CHECK_SAME(entry.data_size, size);
}

static void
test_data_of_each(void)
{
    uint32_t i;

    memset(&journal, 0, sizeof(journal));
    for (i = 0; i < 60; i++)
        CHECK_SAME(add_with_data(i, i * 13), i);
    for (i = 0; i < 60; i++)
        check_data(i, i, i * 13);
}

/* Sizes that put an end, a beginning, and whole payloads on the ring's end. */
static void
test_data_over_the_rings_end(void)
{
    uint32_t start, size;
    uint64_t first, second;

    for (start = WSV_JOURNAL_BYTES - 4; start <= WSV_JOURNAL_BYTES; start++)
        for (size = 0; size < 9; size++) {
            memset(&journal, 0, sizeof(journal));
            first = add_with_data(1, start);
            second = add_with_data(2, size);
            check_data(second, 2, size);
            if (start + size <= WSV_JOURNAL_BYTES)
                check_data(first, 1, start);
            else
                check_data_gone(first, start);
        }
}

/* The oldest data goes as a whole, and only when its first byte is needed. */
static void
test_data_is_overwritten(void)
{
    uint32_t size = WSV_JOURNAL_BYTES / 4, i, j;

    memset(&journal, 0, sizeof(journal));
    for (i = 0; i < 40; i++) {
        (void)add_with_data(i, size);
        for (j = 0; j <= i; j++)
            if (j + 4 > i)
                check_data(j, j, size);
            else
                check_data_gone(j, size);
    }
    (void)add_with_data(40, 1);
    check_data_gone(36, size);
    check_data(37, 37, size);
    check_data(40, 40, 1);
}

static void
test_data_as_large_as_the_ring_and_larger(void)
{
    static const uint32_t sizes[] = {WSV_JOURNAL_BYTES - 1, WSV_JOURNAL_BYTES,
                                     WSV_JOURNAL_BYTES + 1,
                                     3 * WSV_JOURNAL_BYTES + 5};
    uint64_t before, number, after;
    size_t i;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        memset(&journal, 0, sizeof(journal));
        before = add_with_data(1, 5);
        number = add_with_data(2, sizes[i]);
        check_data_gone(before, 5);
        if (sizes[i] <= WSV_JOURNAL_BYTES)
            check_data(number, 2, sizes[i]);
        else
            check_data_gone(number, sizes[i]);
        after = add_with_data(3, 7);
        check_data(after, 3, 7);
        check_data_gone(number, sizes[i]);
    }
}

/* What has no data cannot lose it, whatever else was kept since. */
static void
test_size_0_is_always_kept(void)
{
    uint64_t without, empty;
    wsv_entry entry;

    memset(&journal, 0, sizeof(journal));
    memset(&entry, 0, sizeof(entry));
    entry.kind = WSV_JOURNAL_REPORT;
    without = wsv_journal_add(&journal, &entry);
    empty = add_with_data(1, 0);
    CHECK(get_data(without, &entry));
    CHECK_SAME(entry.data_size, 0);
    check_data(empty, 1, 0);
    (void)add_with_data(2, WSV_JOURNAL_BYTES);
    (void)add_with_data(3, 1);
    CHECK(get_data(without, &entry));
    check_data(empty, 1, 0);
    memset(&entry, 0, sizeof(entry));
    without = wsv_journal_add(&journal, &entry);
    CHECK(get_data(without, &entry));
}

static void
test_bytes_beyond_32_bits(void)
{
    uint64_t first, second;

    memset(&journal, 0, sizeof(journal));
    journal.bytes_count = (UINT64_C(1) << 40) - 3;
    first = add_with_data(1, 10);
    second = add_with_data(2, WSV_JOURNAL_BYTES - 10);
    check_data(first, 1, 10);
    check_data(second, 2, WSV_JOURNAL_BYTES - 10);
    CHECK_SAME(journal.bytes_count,
               (UINT64_C(1) << 40) - 3 + WSV_JOURNAL_BYTES);
}

/* --- totals
 * -------------------------------------------------------------------- */

/* Of each kind, also of those that the ring holds no more. */
static void
test_totals(void)
{
    uint32_t kind, i;
    wsv_entry entry;

    memset(&journal, 0, sizeof(journal));
    memset(&entry, 0, sizeof(entry));
    for (kind = WSV_JOURNAL_REPORT; kind < WSV_JOURNAL_KINDS; kind++)
        for (i = 0; i < kind * 100; i++) {
            entry.kind = kind;
            (void)wsv_journal_add(&journal, &entry);
        }
    CHECK_SAME(journal.count, 3600);
    for (kind = WSV_JOURNAL_REPORT; kind < WSV_JOURNAL_KINDS; kind++)
        CHECK_SAME(journal.totals[kind], kind * 100);
    CHECK_SAME(journal.totals[0], 0);
    /* No kind of ours: it counts nothing, and writes nowhere. */
    entry.kind = WSV_JOURNAL_KINDS;
    (void)wsv_journal_add(&journal, &entry);
    entry.kind = UINT32_MAX;
    (void)wsv_journal_add(&journal, &entry);
    CHECK_SAME(journal.count, 3602);
    CHECK_SAME(journal.totals[WSV_JOURNAL_KINDS - 1],
               (WSV_JOURNAL_KINDS - 1) * 100);
}

int
main(void)
{
    test_ring_keeps_the_last();
    test_done_completes_what_is_kept();
    test_numbers_beyond_32_bits();
    test_data_of_each();
    test_data_over_the_rings_end();
    test_data_is_overwritten();
    test_data_as_large_as_the_ring_and_larger();
    test_size_0_is_always_kept();
    test_bytes_beyond_32_bits();
    test_totals();
    return 0;
}
