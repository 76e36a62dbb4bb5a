#include "core/journal.h"

#include <string.h>

uint64_t
wsv_journal_add(wsv_journal *journal, const wsv_entry *entry)
{
    uint64_t number = journal->count++;

    journal->ring[number % WSV_JOURNAL_SIZE] = *entry;
    if (entry->kind < WSV_JOURNAL_KINDS)
        journal->totals[entry->kind]++;
    return number;
}

void
wsv_journal_keep(wsv_journal *journal, uint64_t number, const void *data,
                 uint32_t size)
{
    wsv_entry *entry = &journal->ring[number % WSV_JOURNAL_SIZE];
    uint32_t at = (uint32_t)(journal->bytes_count % WSV_JOURNAL_BYTES);
    uint32_t head = WSV_JOURNAL_BYTES - at;

    entry->data_at = journal->bytes_count;
    entry->data_size = size;
    journal->bytes_count += size;
    if (size > WSV_JOURNAL_BYTES)
        return; /* as if overwritten at once */
    if (size < head)
        head = size;
    memcpy(journal->bytes + at, data, head);
    if (size != head)
        memcpy(journal->bytes, (const uint8_t *)data + head, size - head);
}

bool
wsv_journal_data(const wsv_journal *journal, const wsv_entry *entry,
                 uint8_t *out)
{
    uint32_t at = (uint32_t)(entry->data_at % WSV_JOURNAL_BYTES);
    uint32_t head = WSV_JOURNAL_BYTES - at;

    if (entry->data_size == 0)
        return true; /* there never was any: nothing can overwrite it */
    if (journal->bytes_count - entry->data_at > WSV_JOURNAL_BYTES)
        return false;
    if (entry->data_size < head)
        head = entry->data_size;
    memcpy(out, journal->bytes + at, head);
    if (entry->data_size != head)
        memcpy(out + head, journal->bytes, entry->data_size - head);
    return true;
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
