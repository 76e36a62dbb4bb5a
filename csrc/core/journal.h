/* A ring of the last reports and controls, with their times.  Pure: the
 * runtime locks it. */
#ifndef WSV_JOURNAL_H
#define WSV_JOURNAL_H

#include "core/base.h"

#define WSV_JOURNAL_SIZE 512u
#define WSV_JOURNAL_BYTES 65536u

typedef enum wsv_entry_kind {
    WSV_JOURNAL_REPORT = 1,  /* a = state, b = checkpoint, c = hint ms,
                                result = Windows code of the report */
    WSV_JOURNAL_CONTROL = 2, /* a = control, b = event type,
                                c = bytes of data, result = the answer */
    WSV_JOURNAL_COALESCED,   /* a = control: folded into one already queued */
    WSV_JOURNAL_DROPPED,     /* a = control: the queue was full */
    WSV_JOURNAL_REQUEST,     /* a = control: the service asked for it itself */
    WSV_JOURNAL_EXPIRED,     /* a = the pending state past its deadline */
    WSV_JOURNAL_WAKEUP,      /* the reporter woke up; a = state */
    WSV_JOURNAL_LATE,        /* a = control, b = event type: Python gave no
                                answer in time, or before the stop; result =
                                the one given */
    WSV_JOURNAL_KINDS
} wsv_entry_kind;

typedef struct wsv_entry {
    uint64_t time; /* ns */
    uint64_t done; /* ns: when the report or the handler returned; 0: not */
    uint32_t kind;
    uint32_t a, b, c;
    uint32_t result;
    uint32_t data_size;
    uint64_t data_at; /* its data begins there, counted in bytes ever kept */
} wsv_entry;

typedef struct wsv_journal {
    uint64_t count; /* entries ever added; the ring holds the last */
    uint64_t totals[WSV_JOURNAL_KINDS]; /* of each kind ever added */
    wsv_entry ring[WSV_JOURNAL_SIZE];
    uint64_t bytes_count; /* ever kept; `bytes` holds the last */
    uint8_t bytes[WSV_JOURNAL_BYTES];
} wsv_journal;

/* Add an entry and return its number, for wsv_journal_done. */
uint64_t wsv_journal_add(wsv_journal *journal, const wsv_entry *entry);
/* Keep a copy of the data of entry `number`, the newest. */
void wsv_journal_keep(wsv_journal *journal, uint64_t number, const void *data,
                      uint32_t size);
/* Copy an entry's data to `out` (room for WSV_JOURNAL_BYTES); false when newer
 * data has overwritten it. */
bool wsv_journal_data(const wsv_journal *journal, const wsv_entry *entry,
                      uint8_t *out);
/* Complete entry `number`, unless it has been overwritten since. */
void wsv_journal_done(wsv_journal *journal, uint64_t number, uint64_t time,
                      uint32_t result);
/* Copy the oldest entry with a number >= `number`; false when there is none.
 * `number` becomes that entry's own. */
bool wsv_journal_get(const wsv_journal *journal, uint64_t *number,
                     wsv_entry *out);

#endif
