/* Who may do what with a service, as SDDL text. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <sddl.h>
#include <string.h>

#include "core/text.h"
#include "manage/win32_handle.h"
#include "os/os.h"

/* Without the SACL, which takes a privilege. */
#define READ_PARTS                                                            \
    (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION |                \
     DACL_SECURITY_INFORMATION)
#define SDDL_VERSION 1

wsv_err
wsv_manage_hand_over(LPWSTR text, wsv_wchar **out)
{
    size_t bytes =
        (wsv_text_length((const wsv_wchar *)text) + 1) * sizeof(wsv_wchar);

    *out = wsv_os_alloc(bytes);
    if (*out != NULL)
        memcpy(*out, text, bytes);
    LocalFree(text);
    return *out != NULL ? WSV_OK : WSV_E_MEMORY;
}

static BOOL
query_security(SC_HANDLE service, void *arg, void *buffer, DWORD size,
               DWORD *needed)
{
    (void)arg;
    return QueryServiceObjectSecurity(service, READ_PARTS, buffer, size,
                                      needed);
}

wsv_err
wsv_manage_security(wsv_manage_handle *service, wsv_wchar **out,
                    wsv_oserr *why)
{
    static const char call[] =
        "query the security (QueryServiceObjectSecurity)";
    LPWSTR text = NULL;
    void *descriptor;
    wsv_err err;
    size_t size;

    *out = NULL;
    err = wsv_manage_read(service, query_security, NULL, call, &descriptor,
                          &size, why);
    if (err != WSV_OK)
        return err;
    if (ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor, SDDL_VERSION, READ_PARTS, &text, NULL))
        err = wsv_manage_hand_over(text, out);
    else
        err = wsv_manage_failed(why, call, GetLastError());
    wsv_os_free(descriptor);
    return err;
}

/* ERROR_SUCCESS if it has a DACL.  The SCM takes none for one that grants
 * everything to everybody. */
static DWORD
check_dacl(PSECURITY_DESCRIPTOR descriptor)
{
    BOOL present = FALSE, defaulted = FALSE;
    PACL dacl = NULL;

    if (!GetSecurityDescriptorDacl(descriptor, &present, &dacl, &defaulted))
        return GetLastError();
    return present && dacl != NULL ? ERROR_SUCCESS : ERROR_INVALID_ACL;
}

wsv_err
wsv_manage_change_security(wsv_manage_handle *service, const wsv_wchar *sddl,
                           wsv_oserr *why)
{
    static const char call[] = "set the security (SetServiceObjectSecurity)";
    PSECURITY_DESCRIPTOR descriptor = NULL;
    wsv_err err;
    DWORD code;

    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(
            (LPCWSTR)sddl, SDDL_VERSION, &descriptor, NULL))
        return wsv_manage_failed(why, call, GetLastError());
    code = check_dacl(descriptor);
    if (code != ERROR_SUCCESS)
        err = wsv_manage_failed(why, call, code);
    else if (!wsv_manage_enter(service))
        err = wsv_manage_closed(call, why);
    else
        err = wsv_manage_leave(
            service,
            SetServiceObjectSecurity(service->native,
                                     DACL_SECURITY_INFORMATION, descriptor),
            call, why);
    LocalFree(descriptor);
    return err;
}
