/* Who may do what with a service, as SDDL text, and the SIDs of accounts. */
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
#define SID_BYTES 68u      /* SECURITY_MAX_SID_SIZE */
#define DOMAIN_UNITS 1024u /* DNS names: 255 */

/* A copy for the caller of what the system allocated. */
static wsv_err
hand_over(LPWSTR text, wsv_wchar **out)
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
        err = hand_over(text, out);
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

wsv_err
wsv_account_sid(const wsv_wchar *machine, const wsv_wchar *account,
                wsv_wchar **out, wsv_oserr *why)
{
    static const char call[] = "look up an account (LookupAccountName)";
    /* A domain as long as that would be refused with 122. */
    WCHAR domain[DOMAIN_UNITS];
    DWORD domain_units = DOMAIN_UNITS, bytes = SID_BYTES;
    DWORD64 sid[(SID_BYTES + 7) / 8]; /* aligned */
    LPWSTR text = NULL;
    SID_NAME_USE use;

    *out = NULL;
    if (account[0] == 0) /* the system takes it for the domain BUILTIN */
        return wsv_manage_failed(why, call, ERROR_NONE_MAPPED);
    if (!LookupAccountNameW((LPCWSTR)machine, (LPCWSTR)account, sid, &bytes,
                            domain, &domain_units, &use) ||
        !ConvertSidToStringSidW(sid, &text))
        return wsv_manage_failed(why, call, GetLastError());
    return hand_over(text, out);
}
