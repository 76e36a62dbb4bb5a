#include "core/queue.h"

#include <string.h>

bool
wsv_queue_coalesces(uint32_t code)
{
    return code == WSV_CONTROL_PARAMCHANGE ||
           (code >= WSV_CONTROL_NETBINDADD &&
            code <= WSV_CONTROL_NETBINDDISABLE) ||
           code == WSV_CONTROL_LOWRESOURCES ||
           code == WSV_CONTROL_SYSTEMLOWRESOURCES;
}

static wsv_queued *
slot(wsv_queue *queue, uint32_t index)
{
    return &queue->slots[(queue->first + index) % WSV_QUEUE_SLOTS];
}

static void
copy_in(wsv_queue *queue, uint32_t start, const uint8_t *data, uint32_t size)
{
    uint32_t head = WSV_QUEUE_BYTES - start;

    if (size <= head) {
        memcpy(queue->bytes + start, data, size);
    }
    else {
        memcpy(queue->bytes + start, data, head);
        memcpy(queue->bytes, data + head, size - head);
    }
}

static void
copy_out(const wsv_queue *queue, uint32_t start, uint8_t *data, uint32_t size)
{
    uint32_t head = WSV_QUEUE_BYTES - start;

    if (size <= head) {
        memcpy(data, queue->bytes + start, size);
    }
    else {
        memcpy(data, queue->bytes + start, head);
        memcpy(data + head, queue->bytes, size - head);
    }
}

static bool
fold(wsv_queue *queue, const wsv_control *control)
{
    uint32_t i;

    for (i = queue->used; i-- > 0;) {
        wsv_queued *queued = slot(queue, i);

        if (queued->code == control->code &&
            queued->event_type == control->event_type) {
            queued->count++;
            return true;
        }
    }
    return false;
}

wsv_put
wsv_queue_put(wsv_queue *queue, const wsv_control *control, uint32_t ticket,
              bool reserved)
{
    uint32_t room =
        reserved ? WSV_QUEUE_SLOTS : WSV_QUEUE_SLOTS - WSV_QUEUE_RESERVED;
    uint32_t size = control->data != NULL ? control->size : 0;
    wsv_queued *queued;

    if (reserved && size > WSV_QUEUE_BYTES - queue->bytes_used)
        size = 0; /* the stop counts, not what it carries */
    if (queue->used >= room || size > WSV_QUEUE_BYTES - queue->bytes_used) {
        if (wsv_queue_coalesces(control->code) && fold(queue, control))
            return WSV_PUT_COALESCED;
        return WSV_PUT_FULL;
    }
    queued = slot(queue, queue->used);
    queued->code = control->code;
    queued->event_type = control->event_type;
    queued->count = 1;
    queued->ticket = ticket;
    queued->start = (queue->bytes_first + queue->bytes_used) % WSV_QUEUE_BYTES;
    queued->size = size;
    if (size != 0)
        copy_in(queue, queued->start, control->data, size);
    queue->bytes_used += size;
    queue->used++;
    return WSV_PUT_QUEUED;
}

void
wsv_queue_clear(wsv_queue *queue)
{
    queue->first = 0;
    queue->used = 0;
    queue->bytes_first = 0;
    queue->bytes_used = 0;
}

bool
wsv_queue_get(wsv_queue *queue, wsv_queued *out, uint8_t *data)
{
    if (queue->used == 0)
        return false;
    *out = *slot(queue, 0);
    if (out->size != 0)
        copy_out(queue, out->start, data, out->size);
    queue->bytes_first = (queue->bytes_first + out->size) % WSV_QUEUE_BYTES;
    queue->bytes_used -= out->size;
    queue->first = (queue->first + 1) % WSV_QUEUE_SLOTS;
    queue->used--;
    return true;
}
