/* Accounts and their SIDs. */
#define WIN32_LEAN_AND_MEAN
#include "manage/win32_account.h"

#include <sddl.h>
#include <string.h>

#include "core/text.h"
#include "manage/win32_handle.h"
#include "os/os.h"

#define DOMAIN_UNITS 1024u /* DNS names: 255 */
#define COMPUTER_UNITS (MAX_COMPUTERNAME_LENGTH + 1u)

static const char look_up[] = "look up an account (LookupAccountName)";

/* "COMPUTER\name" for this computer's `name`; freed with wsv_os_free.  Without
 * the computer a group that every system has, as SERVICE, would go before a
 * user of its name. */
static wsv_err
qualify(const wsv_wchar *name, WCHAR **out, wsv_oserr *why)
{
    size_t units = wsv_text_length(name) + 1;
    DWORD length = COMPUTER_UNITS;

    *out = wsv_os_alloc((COMPUTER_UNITS + 1 + units) * sizeof(WCHAR));
    if (*out == NULL)
        return WSV_E_MEMORY;
    if (!GetComputerNameW(*out, &length)) {
        DWORD code = GetLastError();

        wsv_os_free(*out);
        return wsv_manage_failed(why, look_up, code);
    }
    (*out)[length] = L'\\';
    memcpy(*out + length + 1, name, units * sizeof(WCHAR));
    return WSV_OK;
}

static wsv_err
find(const wsv_wchar *machine, const WCHAR *name, wsv_account *out,
     wsv_oserr *why)
{
    /* A domain as long as that would be refused with 122. */
    WCHAR domain[DOMAIN_UNITS];
    DWORD domain_units = DOMAIN_UNITS, bytes = WSV_SID_BYTES;

    if (name[0] == 0) /* the system takes it for the domain BUILTIN */
        return wsv_manage_failed(why, look_up, ERROR_NONE_MAPPED);
    if (!LookupAccountNameW((LPCWSTR)machine, name, out->sid, &bytes, domain,
                            &domain_units, &out->use))
        return wsv_manage_failed(why, look_up, GetLastError());
    return WSV_OK;
}

wsv_err
wsv_account_find(const wsv_wchar *machine, const wsv_wchar *name,
                 wsv_account *out, wsv_oserr *why)
{
    WCHAR *full;
    wsv_err err;

    if (name[0] != '.' || name[1] != '\\')
        return find(machine, (const WCHAR *)name, out, why);
    name += 2;
    /* What another computer calls itself is not known here. */
    if (machine != NULL || name[0] == 0)
        return find(machine, (const WCHAR *)name, out, why);
    err = qualify(name, &full, why);
    if (err != WSV_OK)
        return err;
    err = find(machine, full, out, why);
    wsv_os_free(full);
    return err;
}

wsv_err
wsv_account_sid(const wsv_wchar *machine, const wsv_wchar *account,
                wsv_wchar **out, wsv_oserr *why)
{
    wsv_account found;
    LPWSTR text = NULL;
    wsv_err err;

    *out = NULL;
    err = wsv_account_find(machine, account, &found, why);
    if (err != WSV_OK)
        return err;
    if (!ConvertSidToStringSidW(found.sid, &text))
        return wsv_manage_failed(why, look_up, GetLastError());
    return wsv_manage_hand_over(text, out);
}
