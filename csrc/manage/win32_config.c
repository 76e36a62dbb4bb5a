/* What the SCM keeps of a service: its settings, and the levels of
 * ChangeServiceConfig2. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <string.h>

#include "manage/win32_handle.h"
#include "manage/win32_missing.h"
#include "os/os.h"

wsv_err
wsv_manage_create(wsv_manage_handle *manager, const wsv_wchar *name,
                  const wsv_manage_settings *settings, uint32_t access,
                  wsv_manage_handle **out, wsv_oserr *why)
{
    static const char call[] = "create a service (CreateService)";
    const wsv_wchar *display_name = settings->display_name;
    wsv_manage_handle *handle;
    SC_HANDLE native;
    wsv_err err;

    *out = NULL;
    if (display_name == NULL) /* E-4: what Windows shows then; Wine has none */
        display_name = name;
    if (!wsv_manage_enter(manager))
        return wsv_manage_closed(call, why);
    err = wsv_manage_handle_new(&handle);
    if (err == WSV_OK) {
        native = CreateServiceW(
            manager->native, (LPCWSTR)name, (LPCWSTR)display_name, access,
            settings->service_type, settings->start_type,
            settings->error_control, (LPCWSTR)settings->command_line,
            (LPCWSTR)settings->group, NULL, (LPCWSTR)settings->dependencies,
            (LPCWSTR)settings->account, (LPCWSTR)settings->password);
        err = wsv_manage_handle_fill(handle, native, call, out, why);
    }
    wsv_manage_release(manager);
    return err;
}

wsv_err
wsv_manage_change(wsv_manage_handle *service,
                  const wsv_manage_settings *settings, wsv_oserr *why)
{
    static const char call[] = "configure a service (ChangeServiceConfig)";

    if (!wsv_manage_enter(service))
        return wsv_manage_closed(call, why);
    return wsv_manage_leave(
        service,
        ChangeServiceConfigW(
            service->native, settings->service_type, settings->start_type,
            settings->error_control, (LPCWSTR)settings->command_line,
            (LPCWSTR)settings->group, NULL, (LPCWSTR)settings->dependencies,
            (LPCWSTR)settings->account, (LPCWSTR)settings->password,
            (LPCWSTR)settings->display_name),
        call, why);
}

static BOOL
query_config(SC_HANDLE service, void *arg, void *buffer, DWORD size,
             DWORD *needed)
{
    (void)arg;
    return QueryServiceConfigW(service, buffer, size, needed);
}

/* Windows has a text for every pointer (E-44). */
static const wsv_wchar *
text_of(LPCWSTR native)
{
    static const wsv_wchar none[2] = {0, 0};

    return native != NULL ? (const wsv_wchar *)native : none;
}

wsv_err
wsv_manage_config(wsv_manage_handle *service, wsv_manage_settings *out,
                  void **memory, wsv_oserr *why)
{
    const QUERY_SERVICE_CONFIGW *native;
    size_t size;
    wsv_err err;

    memset(out, 0, sizeof(*out));
    err = wsv_manage_read(service, query_config, NULL,
                          "query the settings (QueryServiceConfig)", memory,
                          &size, why);
    if (err != WSV_OK)
        return err;
    native = *memory;
    out->service_type = native->dwServiceType;
    out->start_type = native->dwStartType;
    out->error_control = native->dwErrorControl;
    out->tag = native->dwTagId;
    out->command_line = text_of(native->lpBinaryPathName);
    out->group = text_of(native->lpLoadOrderGroup);
    out->dependencies = text_of(native->lpDependencies);
    out->account = text_of(native->lpServiceStartName);
    out->display_name = text_of(native->lpDisplayName);
    return WSV_OK;
}

/* --- levels -------------------------------------------------------------- */

size_t
wsv_manage_level_size(uint32_t level)
{
    switch (level) {
    case SERVICE_CONFIG_DESCRIPTION:
        return sizeof(SERVICE_DESCRIPTIONW);
    case SERVICE_CONFIG_FAILURE_ACTIONS:
        return sizeof(SERVICE_FAILURE_ACTIONSW);
    case SERVICE_CONFIG_DELAYED_AUTO_START_INFO:
        return sizeof(SERVICE_DELAYED_AUTO_START_INFO);
    case SERVICE_CONFIG_FAILURE_ACTIONS_FLAG:
        return sizeof(SERVICE_FAILURE_ACTIONS_FLAG);
    case SERVICE_CONFIG_SERVICE_SID_INFO:
        return sizeof(SERVICE_SID_INFO);
    case SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO:
        return sizeof(SERVICE_REQUIRED_PRIVILEGES_INFOW);
    case SERVICE_CONFIG_PRESHUTDOWN_INFO:
        return sizeof(SERVICE_PRESHUTDOWN_INFO);
    case SERVICE_CONFIG_TRIGGER_INFO:
        return sizeof(wsv_trigger_info);
    case SERVICE_CONFIG_PREFERRED_NODE:
        return sizeof(wsv_preferred_node_info);
    case SERVICE_CONFIG_LAUNCH_PROTECTED:
        return sizeof(wsv_launch_protected_info);
    default:
        return 0;
    }
}

wsv_err
wsv_manage_change2(wsv_manage_handle *service, uint32_t level, void *info,
                   wsv_oserr *why)
{
    static const char call[] = "configure a service (ChangeServiceConfig2)";
    wsv_err err;

    if (!wsv_manage_enter(service))
        return wsv_manage_closed(call, why);
    err = wsv_manage_leave(service,
                           ChangeServiceConfig2W(service->native, level, info),
                           call, why);
    /* The RPC's union has no such member: Wine from level 8 on. */
    if (err == WSV_E_OS && why->code == RPC_S_INVALID_TAG)
        why->code = ERROR_INVALID_LEVEL; /* E-71 */
    return err;
}

static BOOL
query_level(SC_HANDLE service, void *level, void *buffer, DWORD size,
            DWORD *needed)
{
    return QueryServiceConfig2W(service, *(uint32_t *)level, buffer, size,
                                needed);
}

wsv_err
wsv_manage_config2(wsv_manage_handle *service, uint32_t level, void **out,
                   size_t *size, wsv_oserr *why)
{
    return wsv_manage_read(service, query_level, &level,
                           "query a setting (QueryServiceConfig2)", out, size,
                           why);
}
