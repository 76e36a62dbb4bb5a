/* What every file of the core shares: errors, plain structs, GIL annotations.
 * No OS, no SCM, no Python here. */
#ifndef WSV_BASE_H
#define WSV_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Clang checks the GIL rules at compile time (-Wthread-safety): a WSV_NOGIL
 * function may block and is called detached, a WSV_GIL one needs the GIL. */
#if defined(__clang__)
#define WSV_ATTR(x) __attribute__((x))
#else
#define WSV_ATTR(x)
#endif
struct WSV_ATTR(capability("GIL")) wsv_gil_cap {
    int unused;
};
extern struct wsv_gil_cap wsv_gil;
#define WSV_GIL WSV_ATTR(requires_capability(wsv_gil))
#define WSV_NOGIL WSV_ATTR(locks_excluded(wsv_gil))

typedef enum wsv_err {
    WSV_OK = 0,
    WSV_E_MEMORY,  /* an allocation failed */
    WSV_E_OS,      /* an OS or SCM call failed: see wsv_oserr */
    WSV_E_STATE,   /* not possible in the present state */
    WSV_E_TIMEOUT, /* the wait ended without what was waited for */
    WSV_E_WOKEN,   /* somebody asked the waiter to look round */
    WSV_E_CLOSED   /* the service has stopped: nothing more will come */
} wsv_err;

/* Filled by the call that failed, before anything else can overwrite it. */
typedef struct wsv_oserr {
    const char *call; /* static string: the name of the call */
    uint32_t code;    /* Windows error code, on every OS */
} wsv_oserr;

/* One UTF-16 code unit, WCHAR on Windows.  Limits count these (J-10). */
typedef uint16_t wsv_wchar;

/* SERVICE_STATUS, field for field (D.3). */
typedef struct wsv_status {
    uint32_t type;
    uint32_t state;
    uint32_t accepted;
    uint32_t exit_code;
    uint32_t specific_code;
    uint32_t checkpoint;
    uint32_t wait_hint; /* ms */
} wsv_status;

/* One control as HandlerEx gets it.  `data` is borrowed from the SCM for the
 * length of the handler call, and from the reader once it is out of the
 * queue. */
typedef struct wsv_control {
    uint32_t code;
    uint32_t event_type;
    uint32_t size; /* bytes at data */
    const void *data;
} wsv_control;

/* Control codes (D.1). */
enum {
    WSV_CONTROL_STOP = 0x01,
    WSV_CONTROL_PAUSE = 0x02,
    WSV_CONTROL_CONTINUE = 0x03,
    WSV_CONTROL_INTERROGATE = 0x04,
    WSV_CONTROL_SHUTDOWN = 0x05,
    WSV_CONTROL_PARAMCHANGE = 0x06,
    WSV_CONTROL_NETBINDADD = 0x07,
    WSV_CONTROL_NETBINDREMOVE = 0x08,
    WSV_CONTROL_NETBINDENABLE = 0x09,
    WSV_CONTROL_NETBINDDISABLE = 0x0A,
    WSV_CONTROL_DEVICEEVENT = 0x0B,
    WSV_CONTROL_HARDWAREPROFILECHANGE = 0x0C,
    WSV_CONTROL_POWEREVENT = 0x0D,
    WSV_CONTROL_SESSIONCHANGE = 0x0E,
    WSV_CONTROL_PRESHUTDOWN = 0x0F,
    WSV_CONTROL_TIMECHANGE = 0x10,
    WSV_CONTROL_USERLOGOFF = 0x11,
    WSV_CONTROL_TRIGGEREVENT = 0x20,
    WSV_CONTROL_USERMODEREBOOT = 0x40,
    WSV_CONTROL_LOWRESOURCES = 0x60,
    WSV_CONTROL_SYSTEMLOWRESOURCES = 0x61,
    WSV_CONTROL_USER_FIRST = 0x80,
    WSV_CONTROL_USER_LAST = 0xFF
};

#define WSV_FOREVER UINT64_MAX
#define WSV_NS_PER_MS UINT64_C(1000000)

/* Event types that the core itself looks at (D.2). */
enum {
    WSV_PBT_POWERSETTINGCHANGE = 0x8013,
    WSV_DBT_QUERYCHANGECONFIG = 0x0017,
    WSV_DBT_DEVICEQUERYREMOVE = 0x8001
};

/* Windows codes that the core itself answers with (D.5). */
#define WSV_NO_ERROR 0u
#define WSV_ERROR_NOT_ENOUGH_MEMORY 8u
#define WSV_ERROR_CALL_NOT_IMPLEMENTED 120u
#define WSV_ERROR_NOT_ENOUGH_QUOTA 1816u

#endif
