/* A ring of the last reports and controls, with their times.  Pure: the
 * runtime locks it. */
#ifndef WSV_JOURNAL_H
#define WSV_JOURNAL_H

#include "core/base.h"

#define WSV_JOURNAL_SIZE 512u

typedef enum wsv_entry_kind {
    WSV_JOURNAL_REPORT = 1,  /* a = state, b = checkpoint, c = hint ms,
                                result = Windows code of the report */
    WSV_JOURNAL_CONTROL = 2, /* a = control, b = event type,
                                result = the handler's answer */
    WSV_JOURNAL_COALESCED,   /* a = control: folded into one already queued */
    WSV_JOURNAL_DROPPED,     /* a = control: the queue was full */
    WSV_JOURNAL_REQUEST,     /* a = control: the service asked for it itself */
    WSV_JOURNAL_EXPIRED,     /* a = the pending state past its deadline */
    WSV_JOURNAL_WAKEUP       /* the reporter woke up; a = state */
} wsv_entry_kind;

typedef struct wsv_entry {
    uint64_t time; /* ns */
    uint64_t done; /* ns: when the report or the handler returned; 0: not */
    uint32_t kind;
    uint32_t a, b, c;
    uint32_t result;
} wsv_entry;

typedef struct wsv_journal {
    uint64_t count; /* entries ever added; the ring holds the last */
    wsv_entry ring[WSV_JOURNAL_SIZE];
} wsv_journal;

/* Add an entry and return its number, for wsv_journal_done. */
uint64_t wsv_journal_add(wsv_journal *journal, const wsv_entry *entry);
/* Complete entry `number`, unless it has been overwritten since. */
void wsv_journal_done(wsv_journal *journal, uint64_t number, uint64_t time,
                      uint32_t result);
/* Copy the oldest entry with a number >= `number`; false when there is none.
 * `number` becomes that entry's own. */
bool wsv_journal_get(const wsv_journal *journal, uint64_t *number,
                     wsv_entry *out);

#endif
