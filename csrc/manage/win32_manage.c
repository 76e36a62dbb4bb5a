#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <string.h>

#include "manage/manage.h"
#include "os/os.h"

/* The most that EnumServicesStatusEx takes (F-14); more is for Wine only. */
#define PAGE_BYTES (256u * 1024u)
#define PAGE_LIMIT (64u * 1024u * 1024u)

struct wsv_manage_handle {
    SC_HANDLE native;
    volatile LONG users; /* calls in progress, and one until it is closed */
    volatile LONG closed;
};

typedef struct page {
    struct page *next;
    uint32_t count;
    ENUM_SERVICE_STATUS_PROCESSW entries[1]; /* as many as fit; their texts */
} page;

struct wsv_manage_list {
    page *first;
    page *last;
    page *current;
    uint32_t index; /* in the current page */
};

static wsv_err
failed(wsv_oserr *why, const char *call, DWORD code)
{
    why->call = call;
    why->code = code;
    return WSV_E_OS;
}

/* --- handles ------------------------------------------------------------- */

static void
release(wsv_manage_handle *handle)
{
    if (InterlockedDecrement(&handle->users) == 0)
        CloseServiceHandle(handle->native);
}

/* Keep the native handle open for a call; false: it is closed. */
static bool
enter(wsv_manage_handle *handle)
{
    LONG users = InterlockedCompareExchange(&handle->users, 0, 0), seen;

    for (;;) {
        if (users == 0)
            return false;
        seen = InterlockedCompareExchange(&handle->users, users + 1, users);
        if (seen == users)
            break;
        users = seen;
    }
    if (InterlockedCompareExchange(&handle->closed, 0, 0) == 0)
        return true;
    release(handle);
    return false;
}

/* The end of a call whose last act was the SCM's answer `done`. */
static wsv_err
leave(wsv_manage_handle *handle, BOOL done, const char *call, wsv_oserr *why)
{
    DWORD code = done ? ERROR_SUCCESS : GetLastError();

    release(handle);
    return done ? WSV_OK : failed(why, call, code);
}

static wsv_err
closed(const char *call, wsv_oserr *why)
{
    return failed(why, call, ERROR_INVALID_HANDLE);
}

static wsv_err
handle_new(wsv_manage_handle **out)
{
    *out = wsv_os_alloc(sizeof(**out));
    return *out != NULL ? WSV_OK : WSV_E_MEMORY;
}

/* Give `handle` what the SCM returned, or free it when that is NULL. */
static wsv_err
handle_fill(wsv_manage_handle *handle, SC_HANDLE native, const char *call,
            wsv_manage_handle **out, wsv_oserr *why)
{
    DWORD code = native != NULL ? ERROR_SUCCESS : GetLastError();

    if (native == NULL) {
        wsv_os_free(handle);
        return failed(why, call, code);
    }
    handle->native = native;
    handle->users = 1;
    *out = handle;
    return WSV_OK;
}

wsv_err
wsv_manage_connect(const wsv_wchar *machine, uint32_t access,
                   wsv_manage_handle **out, wsv_oserr *why)
{
    wsv_manage_handle *handle;
    SC_HANDLE native;

    *out = NULL;
    if (handle_new(&handle) != WSV_OK)
        return WSV_E_MEMORY;
    native = OpenSCManagerW((LPCWSTR)machine, NULL, access);
    return handle_fill(handle, native, "open the SCM (OpenSCManager)", out,
                       why);
}

wsv_err
wsv_manage_create(wsv_manage_handle *manager, const wsv_manage_config *config,
                  uint32_t access, wsv_manage_handle **out, wsv_oserr *why)
{
    static const char call[] = "create a service (CreateService)";
    wsv_manage_handle *handle;
    SC_HANDLE native;
    wsv_err err;

    *out = NULL;
    if (!enter(manager))
        return closed(call, why);
    err = handle_new(&handle);
    if (err == WSV_OK) {
        native = CreateServiceW(
            manager->native, (LPCWSTR)config->name,
            (LPCWSTR)config->display_name, access, config->service_type,
            config->start_type, SERVICE_ERROR_NORMAL,
            (LPCWSTR)config->command_line, NULL, NULL, NULL,
            (LPCWSTR)config->account, (LPCWSTR)config->password);
        err = handle_fill(handle, native, call, out, why);
    }
    release(manager);
    return err;
}

wsv_err
wsv_manage_open(wsv_manage_handle *manager, const wsv_wchar *name,
                uint32_t access, wsv_manage_handle **out, wsv_oserr *why)
{
    static const char call[] = "open a service (OpenService)";
    wsv_manage_handle *handle;
    SC_HANDLE native;
    wsv_err err;

    *out = NULL;
    if (!enter(manager))
        return closed(call, why);
    err = handle_new(&handle);
    if (err == WSV_OK) {
        native = OpenServiceW(manager->native, (LPCWSTR)name, access);
        err = handle_fill(handle, native, call, out, why);
    }
    release(manager);
    return err;
}

void
wsv_manage_close(wsv_manage_handle *handle)
{
    if (InterlockedExchange(&handle->closed, 1) == 0)
        release(handle);
}

void *
wsv_manage_detach(wsv_manage_handle *handle)
{
    if (InterlockedExchange(&handle->closed, 1) != 0)
        return NULL;
    if (InterlockedCompareExchange(&handle->users, 0, 1) == 1)
        return handle->native;
    release(handle);
    return NULL;
}

void
wsv_manage_free(wsv_manage_handle *handle)
{
    if (handle == NULL)
        return;
    wsv_manage_close(handle);
    wsv_os_free(handle);
}

/* --- one service --------------------------------------------------------- */

wsv_err
wsv_manage_delete(wsv_manage_handle *service, wsv_oserr *why)
{
    static const char call[] = "delete a service (DeleteService)";

    if (!enter(service))
        return closed(call, why);
    return leave(service, DeleteService(service->native), call, why);
}

wsv_err
wsv_manage_start(wsv_manage_handle *service, uint32_t argc,
                 const wsv_wchar *const *argv, wsv_oserr *why)
{
    static const char call[] = "start a service (StartService)";
    LPCWSTR *texts = (LPCWSTR *)argv;

    if (!enter(service))
        return closed(call, why);
    return leave(
        service,
        StartServiceW(service->native, argc, argc != 0 ? texts : NULL), call,
        why);
}

wsv_err
wsv_manage_control(wsv_manage_handle *service, uint32_t code,
                   wsv_manage_status *out, wsv_oserr *why)
{
    static const char call[] = "control a service (ControlService)";
    SERVICE_STATUS native;
    wsv_err err;

    memset(&native, 0, sizeof(native));
    if (!enter(service))
        err = closed(call, why);
    else
        err = leave(service, ControlService(service->native, code, &native),
                    call, why);
    out->status.type = native.dwServiceType;
    out->status.state = native.dwCurrentState;
    out->status.accepted = native.dwControlsAccepted;
    out->status.exit_code = native.dwWin32ExitCode;
    out->status.specific_code = native.dwServiceSpecificExitCode;
    out->status.checkpoint = native.dwCheckPoint;
    out->status.wait_hint = native.dwWaitHint;
    out->pid = 0;
    return err;
}

void
wsv_manage_copy_status(const void *record, wsv_manage_status *out)
{
    const SERVICE_STATUS_PROCESS *native = record;

    out->status.type = native->dwServiceType;
    out->status.state = native->dwCurrentState;
    out->status.accepted = native->dwControlsAccepted;
    out->status.exit_code = native->dwWin32ExitCode;
    out->status.specific_code = native->dwServiceSpecificExitCode;
    out->status.checkpoint = native->dwCheckPoint;
    out->status.wait_hint = native->dwWaitHint;
    out->pid = native->dwProcessId;
}

wsv_err
wsv_manage_query(wsv_manage_handle *service, wsv_manage_status *out,
                 wsv_oserr *why)
{
    static const char call[] = "query a service (QueryServiceStatusEx)";
    SERVICE_STATUS_PROCESS native;
    DWORD needed;
    wsv_err err;

    memset(&native, 0, sizeof(native));
    if (!enter(service))
        err = closed(call, why);
    else
        err = leave(
            service,
            QueryServiceStatusEx(service->native, SC_STATUS_PROCESS_INFO,
                                 (LPBYTE)&native, sizeof(native), &needed),
            call, why);
    wsv_manage_copy_status(&native, out);
    return err;
}

wsv_err
wsv_manage_describe(wsv_manage_handle *service, const wsv_wchar *text,
                    wsv_oserr *why)
{
    static const char call[] = "describe a service (ChangeServiceConfig2)";
    SERVICE_DESCRIPTIONW description;

    description.lpDescription = (LPWSTR)text;
    if (!enter(service))
        return closed(call, why);
    return leave(service,
                 ChangeServiceConfig2W(service->native,
                                       SERVICE_CONFIG_DESCRIPTION,
                                       &description),
                 call, why);
}

/* --- enumeration --------------------------------------------------------- */

static void
drop_pages(wsv_manage_list *list)
{
    page *next;

    for (; list->first != NULL; list->first = next) {
        next = list->first->next;
        wsv_os_free(list->first);
    }
    list->last = NULL;
}

static void
add_page(wsv_manage_list *list, page *added)
{
    if (list->last != NULL)
        list->last->next = added;
    else
        list->first = added;
    list->last = added;
}

/* Windows goes on at `resume` after each page that was full (F-14).  Wine has
 * no pages: it wants a buffer for all and gives nothing until then (H-32). */
static wsv_err
read_pages(SC_HANDLE manager, wsv_manage_list *list, wsv_oserr *why)
{
    DWORD code, needed, returned, resume = 0, size = PAGE_BYTES;
    page *read;

    for (;;) {
        read = wsv_os_alloc(offsetof(page, entries) + size);
        if (read == NULL)
            return WSV_E_MEMORY;
        needed = returned = 0;
        code = ERROR_SUCCESS;
        if (!EnumServicesStatusExW(manager, SC_ENUM_PROCESS_INFO,
                                   SERVICE_WIN32, SERVICE_STATE_ALL,
                                   (LPBYTE)read->entries, size, &needed,
                                   &returned, &resume, NULL))
            code = GetLastError();
        if (code == ERROR_MORE_DATA && (returned == 0 || resume == 0) &&
            needed < PAGE_LIMIT && size < PAGE_LIMIT) {
            wsv_os_free(read);
            drop_pages(list);
            resume = 0;
            size = needed > size ? needed + PAGE_BYTES : size * 2;
            continue;
        }
        read->count = returned;
        add_page(list, read);
        if (code == ERROR_SUCCESS)
            return WSV_OK;
        if (code != ERROR_MORE_DATA || returned == 0 || resume == 0)
            return failed(why, "list the services (EnumServicesStatusEx)",
                          code);
    }
}

wsv_err
wsv_manage_list_new(wsv_manage_handle *manager, wsv_manage_list **out,
                    wsv_oserr *why)
{
    wsv_manage_list *list;
    wsv_err err;

    *out = NULL;
    if (!enter(manager))
        return closed("list the services (EnumServicesStatusEx)", why);
    list = wsv_os_alloc(sizeof(*list));
    err = list != NULL ? read_pages(manager->native, list, why) : WSV_E_MEMORY;
    release(manager);
    if (err != WSV_OK) {
        wsv_manage_list_free(list);
        return err;
    }
    list->current = list->first;
    *out = list;
    return WSV_OK;
}

bool
wsv_manage_list_next(wsv_manage_list *list, wsv_manage_entry *out)
{
    const ENUM_SERVICE_STATUS_PROCESSW *native;

    while (list->current != NULL && list->index >= list->current->count) {
        list->current = list->current->next;
        list->index = 0;
    }
    if (list->current == NULL)
        return false;
    native = &list->current->entries[list->index++];
    out->name = (const wsv_wchar *)native->lpServiceName;
    out->display_name = (const wsv_wchar *)native->lpDisplayName;
    wsv_manage_copy_status(&native->ServiceStatusProcess, &out->status);
    return true;
}

void
wsv_manage_list_free(wsv_manage_list *list)
{
    if (list == NULL)
        return;
    drop_pages(list);
    wsv_os_free(list);
}
