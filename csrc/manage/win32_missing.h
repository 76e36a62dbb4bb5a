/* What mingw-w64's winsvc.h lacks (D-20), under names of our own so that a
 * newer header does not clash; and the layouts that are relied on, of these
 * and of the system's: winsvc/settings/levels.py packs them without a
 * compiler. */
#ifndef WSV_WIN32_MISSING_H
#define WSV_WIN32_MISSING_H

#include <windows.h>

/* SERVICE_TRIGGER_SPECIFIC_DATA_ITEM */
typedef struct wsv_trigger_item {
    DWORD type;
    DWORD size; /* bytes at data */
    BYTE *data;
} wsv_trigger_item;

/* SERVICE_TRIGGER */
typedef struct wsv_trigger {
    DWORD type;
    DWORD action;
    GUID *subtype;
    DWORD count;
    wsv_trigger_item *items;
} wsv_trigger;

/* SERVICE_TRIGGER_INFO */
typedef struct wsv_trigger_info {
    DWORD count;
    wsv_trigger *triggers;
    BYTE *reserved; /* NULL (E-80) */
} wsv_trigger_info;

/* SERVICE_PREFERRED_NODE_INFO */
typedef struct wsv_preferred_node_info {
    USHORT node;
    BOOLEAN remove;
} wsv_preferred_node_info;

/* SERVICE_LAUNCH_PROTECTED_INFO */
typedef struct wsv_launch_protected_info {
    DWORD protection;
} wsv_launch_protected_info;

/* SERVICE_NOTIFY_2W; the first six as in SERVICE_NOTIFYW, which is shorter. */
typedef struct wsv_notify_2w {
    DWORD version; /* 2 (F-3) */
    VOID(CALLBACK *callback)(VOID *parameter);
    VOID *context;
    DWORD status; /* a code: 0, 1072, 1235 (F-5) */
    SERVICE_STATUS_PROCESS service;
    DWORD triggered; /* the bits of F-1 */
    LPWSTR names;    /* F-9: the client's to free, with LocalFree */
} wsv_notify_2w;

/* An array of -1 elements does not compile.  MSVC has _Static_assert only when
 * told to speak C11. */
#define WSV_LAYOUT(name, holds)                                               \
    typedef char wsv_layout_##name[(holds) ? 1 : -1]
/* With pointers of 8 bytes, and of 4. */
#define WSV_LAYOUT_IS(name, size, bytes_64, bytes_32)                         \
    WSV_LAYOUT(name, (size) == (sizeof(void *) == 8 ? (bytes_64) : (bytes_32)))

/* D.3 */
WSV_LAYOUT_IS(status, sizeof(SERVICE_STATUS), 28, 28);
WSV_LAYOUT_IS(status_process, sizeof(SERVICE_STATUS_PROCESS), 36, 36);
WSV_LAYOUT_IS(enum_status, sizeof(ENUM_SERVICE_STATUSW), 48, 36);
WSV_LAYOUT_IS(enum_process, sizeof(ENUM_SERVICE_STATUS_PROCESSW), 56, 44);
WSV_LAYOUT_IS(config, sizeof(QUERY_SERVICE_CONFIGW), 64, 36);
WSV_LAYOUT_IS(reason, sizeof(SERVICE_CONTROL_STATUS_REASON_PARAMSW), 56, 44);
WSV_LAYOUT_IS(notify, sizeof(wsv_notify_2w), 80, 60);
WSV_LAYOUT_IS(notify_service, offsetof(wsv_notify_2w, service), 28, 16);
WSV_LAYOUT_IS(notify_triggered, offsetof(wsv_notify_2w, triggered), 64, 52);

/* 1 */
WSV_LAYOUT_IS(description, sizeof(SERVICE_DESCRIPTIONW), 8, 4);
/* 2 */
WSV_LAYOUT_IS(failure, sizeof(SERVICE_FAILURE_ACTIONSW), 40, 20);
WSV_LAYOUT_IS(failure_reset, offsetof(SERVICE_FAILURE_ACTIONSW, dwResetPeriod),
              0, 0);
WSV_LAYOUT_IS(failure_message, offsetof(SERVICE_FAILURE_ACTIONSW, lpRebootMsg),
              8, 4);
WSV_LAYOUT_IS(failure_command, offsetof(SERVICE_FAILURE_ACTIONSW, lpCommand),
              16, 8);
WSV_LAYOUT_IS(failure_count, offsetof(SERVICE_FAILURE_ACTIONSW, cActions), 24,
              12);
WSV_LAYOUT_IS(failure_actions, offsetof(SERVICE_FAILURE_ACTIONSW, lpsaActions),
              32, 16);
WSV_LAYOUT_IS(action, sizeof(SC_ACTION), 8, 8);
WSV_LAYOUT_IS(action_type, sizeof(((SC_ACTION *)0)->Type), 4, 4);
WSV_LAYOUT_IS(action_delay, offsetof(SC_ACTION, Delay), 4, 4);
/* 3 to 7 */
WSV_LAYOUT_IS(delayed, sizeof(SERVICE_DELAYED_AUTO_START_INFO), 4, 4);
WSV_LAYOUT_IS(flag, sizeof(SERVICE_FAILURE_ACTIONS_FLAG), 4, 4);
WSV_LAYOUT_IS(sid, sizeof(SERVICE_SID_INFO), 4, 4);
WSV_LAYOUT_IS(privileges, sizeof(SERVICE_REQUIRED_PRIVILEGES_INFOW), 8, 4);
WSV_LAYOUT_IS(preshutdown, sizeof(SERVICE_PRESHUTDOWN_INFO), 4, 4);
/* 8 */
WSV_LAYOUT_IS(triggers, sizeof(wsv_trigger_info), 24, 12);
WSV_LAYOUT_IS(triggers_first, offsetof(wsv_trigger_info, triggers), 8, 4);
WSV_LAYOUT_IS(triggers_reserved, offsetof(wsv_trigger_info, reserved), 16, 8);
WSV_LAYOUT_IS(trigger, sizeof(wsv_trigger), 32, 20);
WSV_LAYOUT_IS(trigger_action, offsetof(wsv_trigger, action), 4, 4);
WSV_LAYOUT_IS(trigger_subtype, offsetof(wsv_trigger, subtype), 8, 8);
WSV_LAYOUT_IS(trigger_count, offsetof(wsv_trigger, count), 16, 12);
WSV_LAYOUT_IS(trigger_items, offsetof(wsv_trigger, items), 24, 16);
WSV_LAYOUT_IS(item, sizeof(wsv_trigger_item), 16, 12);
WSV_LAYOUT_IS(item_size, offsetof(wsv_trigger_item, size), 4, 4);
WSV_LAYOUT_IS(item_data, offsetof(wsv_trigger_item, data), 8, 8);
/* 9, 12 */
WSV_LAYOUT_IS(node, sizeof(wsv_preferred_node_info), 4, 4);
WSV_LAYOUT_IS(node_remove, offsetof(wsv_preferred_node_info, remove), 2, 2);
WSV_LAYOUT_IS(protection, sizeof(wsv_launch_protected_info), 4, 4);

#endif
