/* A bounded queue of controls with copies of their data.  Pure: the runtime
 * locks it.  All memory is the caller's, so that putting never allocates. */
#ifndef WSV_QUEUE_H
#define WSV_QUEUE_H

#include "core/base.h"

#define WSV_QUEUE_SLOTS 1024u
#define WSV_QUEUE_BYTES 65536u
/* The last slots are for STOP, PRESHUTDOWN and SHUTDOWN alone. */
#define WSV_QUEUE_RESERVED 3u

typedef struct wsv_queued {
    uint32_t code;
    uint32_t event_type;
    uint32_t count;  /* how often it came: more than 1 when coalesced */
    uint32_t ticket; /* the handler waits for its answer; 0: it does not */
    uint32_t start;  /* of its data in the ring of bytes */
    uint32_t size;
} wsv_queued;

typedef struct wsv_queue {
    uint32_t first; /* slot of the oldest */
    uint32_t used;
    uint32_t bytes_first;
    uint32_t bytes_used;
    wsv_queued slots[WSV_QUEUE_SLOTS];
    uint8_t bytes[WSV_QUEUE_BYTES];
} wsv_queue;

typedef enum wsv_put {
    WSV_PUT_QUEUED,
    WSV_PUT_COALESCED, /* full: folded into a queued one of its kind */
    WSV_PUT_FULL       /* full: nothing was changed */
} wsv_put;

/* Controls that only say "look again": one queued stands for many.  They carry
 * no data, so that folding them loses nothing but the number, which is kept.
 */
bool wsv_queue_coalesces(uint32_t code);
/* Queue a copy of `control`.  `reserved`: it may use the reserved slots, and
 * goes without its data when there is no room for that. */
wsv_put wsv_queue_put(wsv_queue *queue, const wsv_control *control,
                      uint32_t ticket, bool reserved);
/* Forget all that is in it. */
void wsv_queue_clear(wsv_queue *queue);
/* Take the oldest: its data is copied to `data` (room for WSV_QUEUE_BYTES).
 * False when the queue is empty. */
bool wsv_queue_get(wsv_queue *queue, wsv_queued *out, uint8_t *data);

#endif
