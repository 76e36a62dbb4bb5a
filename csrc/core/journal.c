#include "core/journal.h"

uint64_t
wsv_journal_add(wsv_journal *journal, const wsv_entry *entry)
{
    uint64_t number = journal->count++;

    journal->ring[number % WSV_JOURNAL_SIZE] = *entry;
    return number;
}

static bool
is_kept(const wsv_journal *journal, uint64_t number)
{
    return number < journal->count &&
           journal->count - number <= WSV_JOURNAL_SIZE;
}

void
wsv_journal_done(wsv_journal *journal, uint64_t number, uint64_t time,
                 uint32_t result)
{
    wsv_entry *entry = &journal->ring[number % WSV_JOURNAL_SIZE];

    if (!is_kept(journal, number))
        return;
    entry->done = time;
    entry->result = result;
}

bool
wsv_journal_get(const wsv_journal *journal, uint64_t *number, wsv_entry *out)
{
    if (*number >= journal->count)
        return false;
    if (!is_kept(journal, *number))
        *number = journal->count - WSV_JOURNAL_SIZE;
    *out = journal->ring[*number % WSV_JOURNAL_SIZE];
    return true;
}
