/* The Windows event log: writing events, reading them back.  Windows only, no
 * Python here.
 *
 * Every function may block for as long as the event log's service or the
 * network takes, and may be called from any thread.  All pointers are borrowed
 * for the length of the call, except `out`s, which are the caller's to free.
 * A failed call returns WSV_E_OS with the Windows code in `why`, or
 * WSV_E_MEMORY. */
#ifndef WSV_EVENTLOG_H
#define WSV_EVENTLOG_H

#include "core/base.h"

/* A source that events are written as.  One that was closed answers
 * ERROR_INVALID_HANDLE. */
typedef struct wsv_eventlog wsv_eventlog;

/* What ReportEvent is told. */
typedef struct wsv_eventlog_event {
    const wsv_wchar *const *strings;
    const void *data;
    uint32_t data_size; /* bytes */
    uint32_t id;        /* all 32 bits (G-4) */
    uint16_t string_count;
    uint16_t kind; /* G-5 */
    uint16_t category;
} wsv_eventlog_event;

/* What EvtQuery is asked.  NULL machine: this one. */
typedef struct wsv_eventlog_question {
    const wsv_wchar *machine;
    const wsv_wchar *channel;
    const wsv_wchar *xpath;
    uint32_t limit; /* events at most */
    bool newest_first;
} wsv_eventlog_question;

/* Texts live as long as the answer. */
typedef struct wsv_eventlog_found {
    const wsv_wchar *xml;
    const wsv_wchar *message; /* NULL: its text is not to be had */
} wsv_eventlog_found;

typedef struct wsv_eventlog_answer wsv_eventlog_answer;

/* NULL machine: this one.  A source that is not registered can be opened all
 * the same: its events go to the Application log (G-3). */
wsv_err wsv_eventlog_open(const wsv_wchar *machine, const wsv_wchar *source,
                          wsv_eventlog **out, wsv_oserr *why) WSV_NOGIL;
wsv_err wsv_eventlog_report(wsv_eventlog *log, const wsv_eventlog_event *event,
                            wsv_oserr *why) WSV_NOGIL;
/* Waits for reports on other threads; closing again does nothing.  Freeing
 * closes; no call may be in progress. */
void wsv_eventlog_close(wsv_eventlog *log) WSV_NOGIL;
void wsv_eventlog_free(wsv_eventlog *log) WSV_NOGIL;

/* The events of a channel that an XPath selects. */
wsv_err wsv_eventlog_query(const wsv_eventlog_question *question,
                           wsv_eventlog_answer **out,
                           wsv_oserr *why) WSV_NOGIL;
/* The next event, from the first on; false: that was the last one. */
bool wsv_eventlog_answer_next(wsv_eventlog_answer *answer,
                              wsv_eventlog_found *out);
void wsv_eventlog_answer_free(wsv_eventlog_answer *answer);

#endif
