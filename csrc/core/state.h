/* States, accept masks, and what each control does.  Pure.
 * Rule numbers are those of the SCM specification (docs/scm-rules.md). */
#ifndef WSV_STATE_H
#define WSV_STATE_H

#include "core/base.h"

enum {
    WSV_NOT_READY = 0, /* no SCM has called ServiceMain yet */
    WSV_STOPPED = 1,
    WSV_START_PENDING = 2,
    WSV_STOP_PENDING = 3,
    WSV_RUNNING = 4,
    WSV_CONTINUE_PENDING = 5,
    WSV_PAUSE_PENDING = 6,
    WSV_PAUSED = 7
};

typedef enum wsv_action {
    WSV_ANSWER, /* answer; nobody else needs to know */
    WSV_QUEUE,  /* queue it for Python; the state stays */
    WSV_ENTER   /* queue it and enter `next` */
} wsv_action;

typedef struct wsv_decision {
    wsv_action action;
    uint32_t next;   /* the state to enter, for WSV_ENTER */
    uint32_t answer; /* what HandlerEx returns */
} wsv_decision;

bool wsv_state_is_pending(uint32_t state);
/* The accept bit that a control needs; 0 when it needs none (D.1). */
uint32_t wsv_state_accept_bit(uint32_t control);
/* The mask to report in `state` by a service that handles `handled`: STOP and
 * shutdown while it starts, nothing while it stops. */
uint32_t wsv_state_accepted(uint32_t state, uint32_t handled);
/* True for STOP, SHUTDOWN and PRESHUTDOWN. */
bool wsv_state_is_stop(uint32_t control);
/* The two questions that a service may answer with no (D-13). */
typedef enum wsv_query {
    WSV_QUERY_DEVICEQUERYREMOVE,
    WSV_QUERY_QUERYCHANGECONFIG,
    WSV_QUERIES,
    WSV_QUERY_NONE = WSV_QUERIES
} wsv_query;

wsv_query wsv_state_query(uint32_t control, uint32_t event_type);
/* What the handler does with `control`, from data alone. */
wsv_decision wsv_state_decide(uint32_t state, uint32_t accepted,
                              uint32_t control);

#endif
