/* Who is logged on in a session.  wtsapi32.dll is loaded when first asked. */
#define WIN32_LEAN_AND_MEAN
#include <string.h>
#include <wchar.h>
#include <windows.h>

#include "manage/manage.h"
#include "os/os.h"

/* wtsapi32.h */
#define WTS_USER_NAME 5
#define WTS_DOMAIN_NAME 7

typedef BOOL(WINAPI *query_session)(HANDLE server, DWORD session, int what,
                                    LPWSTR *text, DWORD *bytes);
typedef VOID(WINAPI *free_memory)(PVOID memory);

static wsv_err
query(HMODULE wtsapi, uint32_t session, int what, wsv_wchar **out,
      wsv_oserr *why)
{
    query_session function = (query_session)(void (*)(void))GetProcAddress(
        wtsapi, "WTSQuerySessionInformationW");
    free_memory give_back =
        (free_memory)(void (*)(void))GetProcAddress(wtsapi, "WTSFreeMemory");
    LPWSTR text = NULL;
    DWORD bytes = 0;
    size_t size;

    if (function == NULL || give_back == NULL ||
        !function(NULL, session, what, &text, &bytes)) {
        why->code = GetLastError();
        return WSV_E_OS;
    }
    size = (wcslen(text) + 1) * sizeof(*text);
    *out = wsv_os_alloc(size);
    if (*out != NULL)
        memcpy(*out, text, size);
    give_back(text);
    return *out != NULL ? WSV_OK : WSV_E_MEMORY;
}

wsv_err
wsv_session_user(uint32_t session, wsv_wchar **domain, wsv_wchar **user,
                 wsv_oserr *why)
{
    HMODULE wtsapi;
    wsv_err err;

    *domain = NULL;
    *user = NULL;
    why->call = "look up a session's user (WTSQuerySessionInformation)";
    wtsapi =
        LoadLibraryExW(L"wtsapi32.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (wtsapi == NULL) {
        why->code = GetLastError();
        return WSV_E_OS;
    }
    err = query(wtsapi, session, WTS_USER_NAME, user, why);
    if (err == WSV_OK)
        err = query(wtsapi, session, WTS_DOMAIN_NAME, domain, why);
    if (err != WSV_OK) {
        wsv_os_free(*user);
        *user = NULL;
    }
    return err;
}
