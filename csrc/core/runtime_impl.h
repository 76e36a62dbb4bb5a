/* The inside of a runtime, shared by runtime.c, life.c and reporter.c alone.
 * `_locked`: the caller holds `lock`. */
#ifndef WSV_RUNTIME_IMPL_H
#define WSV_RUNTIME_IMPL_H

#include "core/progress.h"
#include "core/runtime.h"
#include "core/state.h"

/* States entered while a report is under way; more than that only when the SCM
 * takes very long, and then the last two become one. */
#define OUTBOX_SIZE 8u

typedef struct outgoing {
    wsv_status status;
    uint64_t sequence;
} outgoing;

struct wsv_runtime {
    wsv_scm *scm;          /* borrowed */
    wsv_family *family;    /* borrowed */
    wsv_runtime *next;     /* in the family; set once, before any thread */
    wsv_wchar *name;       /* owned */
    wsv_os_mutex *lock;    /* the family's */
    wsv_os_cond *reporter; /* something changed for the reporter thread */
    wsv_os_cond *reported; /* a report has returned, or a reporter has gone */
    wsv_os_cond *events;   /* the control thread waits here */
    wsv_os_cond *stops;    /* wait_start and wait_stop */
    wsv_os_cond *expiries; /* wait_expired */
    wsv_os_cond *answers;  /* the handler waits for Python's answer */

    /* All below: under lock. */
    uint32_t life;  /* number of the present one; 0 before the first */
    bool served;    /* wait_start has returned it */
    bool in_main;   /* its ServiceMain is running */
    bool hangs;     /* past a deadline that is to end the process */
    bool closed;    /* no SCM, or none any more */
    uint32_t wakes; /* counts wsv_runtime_wake */
    void *status_handle;

    /* Of the present life: set anew by begin_life. */
    wsv_settings settings;
    uint32_t state;
    uint32_t exit_code, specific_code;
    uint32_t early;   /* accept bits for while it starts: registered for */
    bool registered;  /* status_handle can be used */
    bool start_over;  /* ServiceMain has reported, or could not */
    bool stopping;    /* latched with STOP_PENDING */
    bool paused;      /* the last handler of the two that began: PAUSE's */
    bool finished;    /* STOPPED has been reported, as far as possible */
    uint32_t dropped; /* controls refused since the last wait_event */
    uint32_t expired; /* the pending state that is too long, or 0 */
    bool expired_seen;
    wsv_oserr start_why;
    wsv_reply replies[WSV_QUERIES];
    uint32_t argc;
    const wsv_wchar **argv; /* owned: pointers, then the text */

    /* The query that the handler waits with. */
    uint32_t ticket; /* the last one given out */
    bool answered;
    uint32_t answer;

    outgoing outbox[OUTBOX_SIZE];
    uint32_t outbox_used;
    uint64_t entered;        /* sequence number of the newest status */
    uint64_t sent;           /* of the newest one that has been sent */
    bool reporting;          /* some thread is inside flush */
    uint32_t reporting_what; /* the state that it is reporting */
    uint64_t delivered;      /* sequence number of the newest success */
    uint64_t failed;         /* ... and of the newest failure */
    wsv_oserr failed_why;

    wsv_progress progress;
    wsv_queue queue;
    wsv_journal journal;
    uint8_t event_data[WSV_QUEUE_BYTES]; /* of the event last handed out */
};

/* Nothing more can be done for that life. */
bool wsv_life_over_locked(wsv_life life);
/* Make everything ready for ServiceMain's next run, which takes `argv` over.
 * Returns the last run's, to be freed without the lock. */
const wsv_wchar **wsv_runtime_begin_life_locked(wsv_runtime *rt, uint32_t argc,
                                                const wsv_wchar **argv);
/* Add a journal entry of now; returns its number. */
uint64_t wsv_runtime_note_locked(wsv_runtime *rt, uint32_t kind, uint32_t a,
                                 uint32_t b, uint32_t c);
/* The accept mask of the present state. */
uint32_t wsv_runtime_accepted_locked(const wsv_runtime *rt);
/* Put the present status into the outbox, over an older one of that state. */
void wsv_runtime_post_locked(wsv_runtime *rt);
/* Enter a state and put it into the outbox, without waking those up whom it
 * concerns, which is done by ... */
void wsv_runtime_set_state_locked(wsv_runtime *rt, uint32_t state);
void wsv_runtime_wake_locked(wsv_runtime *rt);
/* Both. */
void wsv_runtime_enter_locked(wsv_runtime *rt, uint32_t state);
/* Wake everybody: STOPPED has been reported, or nothing can be any more. */
void wsv_runtime_end_locked(wsv_runtime *rt);
/* The report with that number failed, and none since has made up for it. */
bool wsv_runtime_has_failed_locked(const wsv_runtime *rt, uint64_t sequence);
/* Send what is in the outbox, or see that the thread that is sending has come
 * as far as the newest status, for at most `patience` ns.  Holds lock on entry
 * and on return, but not while it reports.  WSV_E_OS: that report failed. */
wsv_err wsv_runtime_flush_locked(wsv_runtime *rt, uint64_t patience,
                                 wsv_oserr *why) WSV_NOGIL;

#endif
