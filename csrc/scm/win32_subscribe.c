/* What the system tells a service only when asked: power settings, devices.
 * user32.dll has these functions; a service that asks for nothing does not
 * load it. */
#define WIN32_LEAN_AND_MEAN
#include <string.h>
#include <windows.h>

#include <dbt.h>

#include "scm/scm.h"

#ifndef DEVICE_NOTIFY_SERVICE_HANDLE
#define DEVICE_NOTIFY_SERVICE_HANDLE 1
#endif
#ifndef DEVICE_NOTIFY_ALL_INTERFACE_CLASSES
#define DEVICE_NOTIFY_ALL_INTERFACE_CLASSES 4
#endif

typedef HANDLE(WINAPI *register_power)(HANDLE, LPCGUID, DWORD);
typedef BOOL(WINAPI *unregister)(HANDLE);
typedef HANDLE(WINAPI *register_device)(HANDLE, LPVOID, DWORD);

static FARPROC
user32_function(const char *name)
{
    HMODULE user32 =
        LoadLibraryExW(L"user32.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);

    return user32 != NULL ? GetProcAddress(user32, name) : NULL;
}

static HANDLE
subscribe_power(HANDLE service, const void *what)
{
    register_power function;
    GUID setting;

    memcpy(&setting, what, sizeof(setting));
    function = (register_power)(void (*)(void))user32_function(
        "RegisterPowerSettingNotification");
    if (function == NULL)
        return NULL;
    return function(service, &setting, DEVICE_NOTIFY_SERVICE_HANDLE);
}

static HANDLE
subscribe_device(HANDLE service, void *filter, DWORD flags)
{
    register_device function = (register_device)(void (*)(
        void))user32_function("RegisterDeviceNotificationW");

    if (function == NULL)
        return NULL;
    return function(service, filter, DEVICE_NOTIFY_SERVICE_HANDLE | flags);
}

static HANDLE
subscribe_interface(HANDLE service, const void *what, uint32_t size)
{
    DEV_BROADCAST_DEVICEINTERFACE_W filter;

    memset(&filter, 0, sizeof(filter));
    filter.dbcc_size = sizeof(filter);
    filter.dbcc_devicetype = DBT_DEVTYP_DEVICEINTERFACE;
    if (size != 0)
        memcpy(&filter.dbcc_classguid, what, sizeof(filter.dbcc_classguid));
    return subscribe_device(
        service, &filter, size != 0 ? 0 : DEVICE_NOTIFY_ALL_INTERFACE_CLASSES);
}

static HANDLE
subscribe_handle(HANDLE service, const void *what)
{
    DEV_BROADCAST_HANDLE filter;
    uint64_t handle;

    memcpy(&handle, what, sizeof(handle));
    memset(&filter, 0, sizeof(filter));
    filter.dbch_size = sizeof(filter);
    filter.dbch_devicetype = DBT_DEVTYP_HANDLE;
    filter.dbch_handle = (HANDLE)(uintptr_t)handle;
    return subscribe_device(service, &filter, 0);
}

wsv_err
wsv_scm_subscribe(wsv_scm *scm, void *status_handle, wsv_subject subject,
                  const void *what, uint32_t size, void **subscription,
                  wsv_oserr *why)
{
    HANDLE service = status_handle;

    (void)scm;
    switch (subject) {
    case WSV_POWER_SETTING:
        why->call = "register for a power setting "
                    "(RegisterPowerSettingNotification)";
        *subscription = subscribe_power(service, what);
        break;
    case WSV_DEVICE_INTERFACE:
        why->call = "register for device events (RegisterDeviceNotification)";
        *subscription = subscribe_interface(service, what, size);
        break;
    case WSV_DEVICE_HANDLE:
        why->call = "register for device events (RegisterDeviceNotification)";
        *subscription = subscribe_handle(service, what);
        break;
    }
    why->code = *subscription != NULL ? 0 : GetLastError();
    return *subscription != NULL ? WSV_OK : WSV_E_OS;
}

wsv_err
wsv_scm_unsubscribe(wsv_scm *scm, wsv_subject subject, void *subscription,
                    wsv_oserr *why)
{
    unregister function = (unregister)(void (*)(void))user32_function(
        subject == WSV_POWER_SETTING ? "UnregisterPowerSettingNotification"
                                     : "UnregisterDeviceNotification");

    (void)scm;
    why->call = "end a registration";
    if (function != NULL && function(subscription))
        return WSV_OK;
    why->code = GetLastError();
    return WSV_E_OS;
}
