#include "core/payload.h"

#include <string.h>

/* Sizes in bytes (D.3). */
#define POWER_HEAD 20u /* GUID, DataLength */
#define POWER_LENGTH_AT 16u
#define SESSION_SIZE 8u /* cbSize, dwSessionId */
#define DEVICE_HEAD 12u /* dbch_size, dbch_devicetype, dbch_reserved */
#define TIME_SIZE 16u

static uint32_t
dword_at(const void *data, size_t offset)
{
    uint32_t value;

    memcpy(&value, (const uint8_t *)data + offset, sizeof(value));
    return value;
}

uint32_t
wsv_payload_size(uint32_t code, uint32_t event_type, const void *data)
{
    uint32_t size;

    if (data == NULL)
        return 0;
    switch (code) {
    case WSV_CONTROL_POWEREVENT:
        if (event_type != WSV_PBT_POWERSETTINGCHANGE)
            return 0;
        size = dword_at(data, POWER_LENGTH_AT);
        return size <= WSV_PAYLOAD_MAX ? POWER_HEAD + size : POWER_HEAD;
    case WSV_CONTROL_SESSIONCHANGE:
        size = dword_at(data, 0);
        return size < SESSION_SIZE ? (uint32_t)sizeof(uint32_t) : SESSION_SIZE;
    case WSV_CONTROL_DEVICEEVENT:
        size = dword_at(data, 0);
        if (size < DEVICE_HEAD)
            return (uint32_t)sizeof(uint32_t);
        return size <= WSV_PAYLOAD_MAX ? size : DEVICE_HEAD;
    case WSV_CONTROL_TIMECHANGE:
        return TIME_SIZE;
    default:
        return 0;
    }
}
