/* The bounded queue: order, wrap, copies, folding, reserved slots, full,
 * tickets, clearing. */
#include "core/queue.h"

#include <string.h>

#include "check.h"

#define OPEN_SLOTS (WSV_QUEUE_SLOTS - WSV_QUEUE_RESERVED)

static wsv_queue queue;
static uint8_t out_data[WSV_QUEUE_BYTES];

static wsv_put
put_asking(uint32_t code, uint32_t event_type, const void *data, uint32_t size,
           uint32_t ticket)
{
    wsv_control control = {code, event_type, size, data};

    return wsv_queue_put(&queue, &control, ticket, false);
}

static wsv_put
put(uint32_t code, uint32_t event_type, const void *data, uint32_t size)
{
    return put_asking(code, event_type, data, size, 0);
}

static void
check_get_asking(uint32_t code, uint32_t event_type, uint32_t count,
                 uint32_t size, uint32_t ticket)
{
    wsv_queued got;

    CHECK(wsv_queue_get(&queue, &got, out_data));
    CHECK_SAME(got.code, code);
    CHECK_SAME(got.event_type, event_type);
    CHECK_SAME(got.count, count);
    CHECK_SAME(got.size, size);
    CHECK_SAME(got.ticket, ticket);
}

static void
check_get(uint32_t code, uint32_t event_type, uint32_t count, uint32_t size)
{
    check_get_asking(code, event_type, count, size, 0);
}

static void
check_empty(void)
{
    wsv_queued got;

    CHECK(!wsv_queue_get(&queue, &got, out_data));
    CHECK_SAME(queue.used, 0);
    CHECK_SAME(queue.bytes_used, 0);
}

static void
test_order_over_many_wraps(void)
{
    uint32_t sent = 0, got = 0, size, i;
    uint8_t data[301];

    memset(&queue, 0, sizeof(queue));
    while (got < 50000) {
        for (i = 0; i < 1 + sent % 7; i++, sent++) {
            size = sent % sizeof(data);
            memset(data, (int)(sent & 0xFF), sizeof(data));
            CHECK_SAME(put(128 + sent % 128, sent, data, size),
                       WSV_PUT_QUEUED);
            memset(data, 0xDD, sizeof(data)); /* it was copied */
        }
        while (got < sent) {
            size = got % sizeof(data);
            check_get(128 + got % 128, got, 1, size);
            memset(data, (int)(got & 0xFF), sizeof(data));
            CHECK(memcmp(data, out_data, size) == 0);
            got++;
        }
    }
    check_empty();
}

static void
test_payload_over_the_rings_end(void)
{
    static uint8_t data[WSV_QUEUE_BYTES];
    uint32_t i, start;

    for (i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    for (start = WSV_QUEUE_BYTES - 3; start < WSV_QUEUE_BYTES; start++) {
        memset(&queue, 0, sizeof(queue));
        queue.bytes_first = start;
        CHECK_SAME(put(200, 1, data, sizeof(data)), WSV_PUT_QUEUED);
        CHECK_SAME(put(201, 2, data, 1), WSV_PUT_FULL);
        CHECK_SAME(put(202, 3, NULL, 0), WSV_PUT_QUEUED);
        check_get(200, 1, 1, sizeof(data));
        CHECK(memcmp(data, out_data, sizeof(data)) == 0);
        check_get(202, 3, 1, 0);
        check_empty();
    }
}

/* A size without data is no payload. */
static void
test_size_without_data(void)
{
    memset(&queue, 0, sizeof(queue));
    CHECK_SAME(put(200, 0, NULL, UINT32_MAX), WSV_PUT_QUEUED);
    check_get(200, 0, 1, 0);
    CHECK_SAME(put(200, 0, out_data, WSV_QUEUE_BYTES + 1), WSV_PUT_FULL);
    CHECK_SAME(put(200, 0, out_data, UINT32_MAX), WSV_PUT_FULL);
    check_empty();
}

static void
fill(void)
{
    uint32_t i;

    memset(&queue, 0, sizeof(queue));
    queue.first = WSV_QUEUE_SLOTS - 5;
    CHECK_SAME(put(WSV_CONTROL_PARAMCHANGE, 0, NULL, 0), WSV_PUT_QUEUED);
    for (i = 1; i < OPEN_SLOTS; i++)
        CHECK_SAME(put(128, i, NULL, 0), WSV_PUT_QUEUED);
}

static void
test_full_folds_and_keeps_room_for_stops(void)
{
    static const uint32_t stops[] = {WSV_CONTROL_PRESHUTDOWN,
                                     WSV_CONTROL_SHUTDOWN, WSV_CONTROL_STOP};
    wsv_queue before;
    uint32_t i;

    fill();
    before = queue;
    CHECK_SAME(put(128, 1, NULL, 0), WSV_PUT_FULL);
    CHECK_SAME(put(WSV_CONTROL_NETBINDADD, 0, NULL, 0), WSV_PUT_FULL);
    CHECK_SAME(put(WSV_CONTROL_PARAMCHANGE, 1, NULL, 0), WSV_PUT_FULL);
    CHECK(memcmp(&before, &queue, sizeof(queue)) == 0);
    CHECK_SAME(put(WSV_CONTROL_PARAMCHANGE, 0, NULL, 0), WSV_PUT_COALESCED);
    CHECK_SAME(put(WSV_CONTROL_PARAMCHANGE, 0, NULL, 0), WSV_PUT_COALESCED);
    for (i = 0; i < 3; i++) {
        wsv_control stop = {stops[i], 0, 0, NULL};

        CHECK_SAME(put(stops[i], 0, NULL, 0), WSV_PUT_FULL);
        CHECK_SAME(wsv_queue_put(&queue, &stop, 0, true), WSV_PUT_QUEUED);
    }
    check_get(WSV_CONTROL_PARAMCHANGE, 0, 3, 0);
    for (i = 1; i < OPEN_SLOTS; i++)
        check_get(128, i, 1, 0);
    for (i = 0; i < 3; i++)
        check_get(stops[i], 0, 1, 0);
    check_empty();
}

/* No stop is lost to a payload that does not fit: it goes without. */
static void
test_stop_without_room_for_its_payload(void)
{
    wsv_control stop = {WSV_CONTROL_PRESHUTDOWN, 0, 8, "preshut"};

    memset(&queue, 0, sizeof(queue));
    CHECK_SAME(put(200, 0, out_data, WSV_QUEUE_BYTES), WSV_PUT_QUEUED);
    CHECK_SAME(wsv_queue_put(&queue, &stop, 0, true), WSV_PUT_QUEUED);
    check_get(200, 0, 1, WSV_QUEUE_BYTES);
    check_get(WSV_CONTROL_PRESHUTDOWN, 0, 1, 0);
    check_empty();
}

/* Each carries its own, through slots that had others before. */
static void
test_tickets(void)
{
    uint32_t i, round;

    memset(&queue, 0, sizeof(queue));
    for (round = 0; round < 3; round++) {
        for (i = 0; i < OPEN_SLOTS; i++)
            CHECK_SAME(put_asking(11, i, "x", 1, i % 3 == round ? i + 1 : 0),
                       WSV_PUT_QUEUED);
        CHECK_SAME(put_asking(11, 0, "x", 1, UINT32_MAX), WSV_PUT_FULL);
        for (i = 0; i < OPEN_SLOTS; i++)
            check_get_asking(11, i, 1, 1, i % 3 == round ? i + 1 : 0);
    }
    CHECK_SAME(put_asking(11, 0, NULL, 0, UINT32_MAX), WSV_PUT_QUEUED);
    check_get_asking(11, 0, 1, 0, UINT32_MAX);
    check_empty();
}

static void
test_clear(void)
{
    static uint8_t data[WSV_QUEUE_BYTES];

    fill();
    CHECK_SAME(put(WSV_CONTROL_PARAMCHANGE, 0, NULL, 0), WSV_PUT_COALESCED);
    wsv_queue_clear(&queue);
    check_empty();
    wsv_queue_clear(&queue); /* of an empty one */
    check_empty();
    /* All of it is free again, and what was folded is not counted on. */
    CHECK_SAME(put(200, 1, data, sizeof(data)), WSV_PUT_QUEUED);
    wsv_queue_clear(&queue);
    CHECK_SAME(put(201, 2, data, sizeof(data)), WSV_PUT_QUEUED);
    CHECK_SAME(put(WSV_CONTROL_PARAMCHANGE, 0, NULL, 0), WSV_PUT_QUEUED);
    check_get(201, 2, 1, sizeof(data));
    check_get(WSV_CONTROL_PARAMCHANGE, 0, 1, 0);
    check_empty();
}

static void
test_what_coalesces(void)
{
    uint32_t code;

    for (code = 0; code < 0x101; code++)
        CHECK_SAME(wsv_queue_coalesces(code),
                   (code >= 6 && code <= 10) || code == 0x60 || code == 0x61);
}

int
main(void)
{
    test_order_over_many_wraps();
    test_payload_over_the_rings_end();
    test_size_without_data();
    test_full_folds_and_keeps_room_for_stops();
    test_stop_without_room_for_its_payload();
    test_tickets();
    test_clear();
    test_what_coalesces();
    return 0;
}
