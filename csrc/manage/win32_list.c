/* Services by the hundred: all of an SCM, and those that depend on one. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <string.h>

#include "manage/win32_handle.h"
#include "os/os.h"

/* The most that EnumServicesStatusEx takes (F-14); more is for Wine only. */
#define PAGE_BYTES (256u * 1024u)
#define PAGE_LIMIT (64u * 1024u * 1024u)

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
    void *texts;    /* owned: of entries whose page has none */
};

/* What EnumDependentServices is asked, and how many it has found. */
typedef struct dependents {
    DWORD states;
    DWORD count;
} dependents;

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
read_pages(SC_HANDLE manager, DWORD states, LPCWSTR group,
           wsv_manage_list *list, wsv_oserr *why)
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
                                   SERVICE_WIN32, states,
                                   (LPBYTE)read->entries, size, &needed,
                                   &returned, &resume, group))
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
            return wsv_manage_failed(
                why, "list the services (EnumServicesStatusEx)", code);
    }
}

wsv_err
wsv_manage_list_new(wsv_manage_handle *manager, uint32_t states,
                    const wsv_wchar *group, wsv_manage_list **out,
                    wsv_oserr *why)
{
    wsv_manage_list *list;
    wsv_err err;

    *out = NULL;
    if (!wsv_manage_enter(manager))
        return wsv_manage_closed("list the services (EnumServicesStatusEx)",
                                 why);
    list = wsv_os_alloc(sizeof(*list));
    err = list != NULL
              ? read_pages(manager->native, states, (LPCWSTR)group, list, why)
              : WSV_E_MEMORY;
    wsv_manage_release(manager);
    if (err != WSV_OK) {
        wsv_manage_list_free(list);
        return err;
    }
    list->current = list->first;
    *out = list;
    return WSV_OK;
}

static BOOL
query_dependents(SC_HANDLE service, void *arg, void *buffer, DWORD size,
                 DWORD *needed)
{
    dependents *asked = arg;

    asked->count = 0;
    return EnumDependentServicesW(service, asked->states, buffer, size, needed,
                                  &asked->count);
}

/* One page of entries without pids; takes the buffer over as their texts. */
static wsv_err
convert(void *buffer, DWORD count, wsv_manage_list **out)
{
    const ENUM_SERVICE_STATUSW *native = buffer;
    wsv_manage_list *list = wsv_os_alloc(sizeof(*list));
    page *made = wsv_os_alloc(offsetof(page, entries) +
                              count * sizeof(made->entries[0]));
    DWORD i;

    if (list == NULL || made == NULL) {
        wsv_os_free(list);
        wsv_os_free(made);
        wsv_os_free(buffer);
        return WSV_E_MEMORY;
    }
    for (i = 0; i < count; i++) {
        made->entries[i].lpServiceName = native[i].lpServiceName;
        made->entries[i].lpDisplayName = native[i].lpDisplayName;
        memcpy(&made->entries[i].ServiceStatusProcess,
               &native[i].ServiceStatus, sizeof(native[i].ServiceStatus));
    }
    made->count = count;
    add_page(list, made);
    list->current = made;
    list->texts = buffer;
    *out = list;
    return WSV_OK;
}

wsv_err
wsv_manage_dependents_new(wsv_manage_handle *service, uint32_t states,
                          wsv_manage_list **out, wsv_oserr *why)
{
    dependents asked = {states, 0};
    void *buffer;
    size_t size;
    wsv_err err;

    *out = NULL;
    err = wsv_manage_read(service, query_dependents, &asked,
                          "list the dependents (EnumDependentServices)",
                          &buffer, &size, why);
    return err == WSV_OK ? convert(buffer, asked.count, out) : err;
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
    if (out->display_name == NULL || out->display_name[0] == 0)
        out->display_name = out->name; /* F-19; Wine has NULL */
    wsv_manage_copy_status(&native->ServiceStatusProcess, &out->status);
    return true;
}

void
wsv_manage_list_free(wsv_manage_list *list)
{
    if (list == NULL)
        return;
    drop_pages(list);
    wsv_os_free(list->texts);
    wsv_os_free(list);
}
