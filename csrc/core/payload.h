/* How many bytes an event's data has: HandlerEx is not told.  Pure. */
#ifndef WSV_PAYLOAD_H
#define WSV_PAYLOAD_H

#include "core/base.h"

/* Larger ones are not believed: their fixed head is copied alone. */
#define WSV_PAYLOAD_MAX 32768u

/* Bytes that may be read at `data`, by the size fields of the structure that
 * the control carries (D.3); 0 for a control that carries none. */
uint32_t wsv_payload_size(uint32_t code, uint32_t event_type,
                          const void *data);

#endif
