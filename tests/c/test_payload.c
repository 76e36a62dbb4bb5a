/* The size of an event's data, from buffers that end where it ends: a read
 * beyond that is the address sanitizer's to see. */
#include "core/payload.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

#define LIE UINT32_C(0xFFFFFFFF)

static const uint32_t kinds[] = {0,      1,      4,      7,      0x0A,
                                 0x12,   0x17,   0x18,   0x7FFF, 0x8000,
                                 0x8001, 0x8006, 0x8013, 0x8014, LIE};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static bool
is_power_setting(uint32_t code, uint32_t event_type)
{
    return code == WSV_CONTROL_POWEREVENT &&
           event_type == WSV_PBT_POWERSETTINGCHANGE;
}

/* The size that is said for `held` bytes, in memory that has no more; `number`
 * stands at `at` in them. */
static uint32_t
size_of(uint32_t code, uint32_t event_type, uint32_t held, uint32_t at,
        uint32_t number)
{
    uint8_t *data = malloc(held), *read;
    uint32_t size;

    CHECK(data != NULL);
    memset(data, 0xA5, held);
    if (at + sizeof(number) <= held)
        memcpy(data + at, &number, sizeof(number));
    size = wsv_payload_size(code, event_type, data);
    if (size <= held) { /* those bytes may be read, it says */
        read = malloc((size_t)size + 1);
        CHECK(read != NULL);
        memcpy(read, data, size);
        free(read);
    }
    free(data);
    return size;
}

/* A control with no data is asked no question about it. */
static void
test_null(void)
{
    uint32_t code;
    size_t i;

    for (code = 0; code < 0x101; code++)
        for (i = 0; i < KINDS; i++)
            CHECK_SAME(wsv_payload_size(code, kinds[i], NULL), 0);
    CHECK_SAME(wsv_payload_size(LIE, LIE, NULL), 0);
}

/* Of those without a structure nothing is read, whatever the pointer is. */
static void
test_codes_without_data(void)
{
    const void *bad = (const void *)(uintptr_t)1;
    uint32_t code;
    size_t i;

    for (code = 0; code < 0x101; code++)
        for (i = 0; i < KINDS; i++) {
            if (code == WSV_CONTROL_SESSIONCHANGE ||
                code == WSV_CONTROL_DEVICEEVENT ||
                code == WSV_CONTROL_TIMECHANGE ||
                is_power_setting(code, kinds[i]))
                continue;
            CHECK_SAME(wsv_payload_size(code, kinds[i], bad), 0);
        }
    CHECK_SAME(wsv_payload_size(LIE, 0, bad), 0);
}

/* POWERBROADCAST_SETTING: GUID, DataLength, so many bytes. */
static void
test_power_setting(void)
{
    static const uint32_t lengths[] = {0,
                                       1,
                                       4,
                                       5,
                                       16,
                                       4096,
                                       WSV_PAYLOAD_MAX - 20,
                                       WSV_PAYLOAD_MAX - 1,
                                       WSV_PAYLOAD_MAX};
    static const uint32_t lies[] = {
        WSV_PAYLOAD_MAX + 1, 65536, 0x7FFFFFFF, LIE - 20, LIE - 19, LIE};
    size_t i;

    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        CHECK_SAME(size_of(0x0D, 0x8013, 20 + lengths[i], 16, lengths[i]),
                   20 + lengths[i]);
    for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
        CHECK_SAME(size_of(0x0D, 0x8013, 20, 16, lies[i]), 20);
}

/* WTSSESSION_NOTIFICATION: cbSize, dwSessionId. */
static void
test_session_change(void)
{
    static const uint32_t large[] = {8, 9, 12, WSV_PAYLOAD_MAX, LIE};
    uint32_t kind, size;
    size_t i;

    for (kind = 0; kind < 17; kind++) {
        for (i = 0; i < sizeof(large) / sizeof(large[0]); i++)
            CHECK_SAME(size_of(0x0E, kind, 8, 0, large[i]), 8);
        for (size = 0; size < 8; size++)
            CHECK_SAME(size_of(0x0E, kind, size < 4 ? 4 : size, 0, size), 4);
    }
}

/* DEV_BROADCAST_HDR: dbch_size, which counts all of it. */
static void
test_device_event(void)
{
    static const uint32_t sizes[] = {
        12, 13, 28, 64, 1000, WSV_PAYLOAD_MAX - 1, WSV_PAYLOAD_MAX};
    static const uint32_t lies[] = {WSV_PAYLOAD_MAX + 1, 65536, 0x80000000,
                                    LIE - 11, LIE};
    uint32_t size;
    size_t i, k;

    for (k = 0; k < KINDS; k++) {
        for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
            CHECK_SAME(size_of(0x0B, kinds[k], sizes[i], 0, sizes[i]),
                       sizes[i]);
        for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
            CHECK_SAME(size_of(0x0B, kinds[k], 12, 0, lies[i]), 12);
        for (size = 0; size < 12; size++)
            CHECK_SAME(size_of(0x0B, kinds[k], size < 4 ? 4 : size, 0, size),
                       4);
    }
}

/* SERVICE_TIMECHANGE_INFO: two times, no size of its own. */
static void
test_time_change(void)
{
    size_t i;

    for (i = 0; i < KINDS; i++) {
        CHECK_SAME(size_of(0x10, kinds[i], 16, 0, 0), 16);
        CHECK_SAME(size_of(0x10, kinds[i], 16, 0, LIE), 16);
    }
}

/* Windows aligns its structures; nothing here needs that. */
static void
test_unaligned(void)
{
    uint8_t bytes[32];
    uint32_t shift, size = 28;

    for (shift = 0; shift < 4; shift++) {
        memset(bytes, 0, sizeof(bytes));
        memcpy(bytes + shift, &size, sizeof(size));
        CHECK_SAME(wsv_payload_size(0x0B, 0x8000, bytes + shift), 28);
        CHECK_SAME(wsv_payload_size(0x0E, 5, bytes + shift), 8);
        memset(bytes, 0, sizeof(bytes));
        size = 4;
        memcpy(bytes + shift + 16, &size, sizeof(size));
        CHECK_SAME(wsv_payload_size(0x0D, 0x8013, bytes + shift), 24);
        size = 28;
    }
}

int
main(void)
{
    test_null();
    test_codes_without_data();
    test_power_setting();
    test_session_change();
    test_device_event();
    test_time_change();
    test_unaligned();
    return 0;
}
