/* The right to log on as a service, which the policy of a computer keeps of
 * its accounts: neither CreateService nor ChangeServiceConfig grants it
 * (E-15). */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <ntsecapi.h>
#include <string.h>

#include "core/text.h"
#include "manage/win32_account.h"
#include "manage/win32_handle.h"

/* STATUS_OBJECT_NAME_NOT_FOUND: the policy has nothing of that account.
 * ntstatus.h clashes with windows.h. */
#define NO_SUCH_OBJECT ((NTSTATUS)0xC0000034L)
#define MAX_MACHINE 0x7FFEu /* UTF-16 units of a LSA_UNICODE_STRING */

static const WCHAR logon_right[] = L"SeServiceLogonRight";

#define RIGHT_UNITS (sizeof(logon_right) / sizeof(*logon_right) - 1)

/* An account, and the policy that has its rights. */
typedef struct subject {
    wsv_account account;
    LSA_HANDLE policy;
} subject;

static wsv_err
refused(wsv_oserr *why, const char *call, NTSTATUS status)
{
    return wsv_manage_failed(why, call, LsaNtStatusToWinError(status));
}

static wsv_err
open_policy(const wsv_wchar *machine, ACCESS_MASK access, LSA_HANDLE *out,
            wsv_oserr *why)
{
    static const char call[] = "open the security policy (LsaOpenPolicy)";
    size_t units = machine != NULL ? wsv_text_length(machine) : 0;
    LSA_OBJECT_ATTRIBUTES attributes;
    LSA_UNICODE_STRING name;
    NTSTATUS status;

    if (units > MAX_MACHINE)
        return wsv_manage_failed(why, call, ERROR_INVALID_PARAMETER);
    memset(&attributes, 0, sizeof(attributes));
    attributes.Length = sizeof(attributes);
    name.Buffer = (PWSTR)machine;
    name.Length = (USHORT)(units * sizeof(WCHAR));
    name.MaximumLength = name.Length;
    status = LsaOpenPolicy(machine != NULL ? &name : NULL, &attributes, access,
                           out);
    return status == 0 ? WSV_OK : refused(why, call, status);
}

/* Find an account and open the policy; closed with LsaClose.  1057: it is a
 * group or a domain, which no service can run as. */
static wsv_err
subject_open(const wsv_wchar *machine, const wsv_wchar *name,
             ACCESS_MASK access, subject *out, wsv_oserr *why)
{
    static const char call[] = "look for a user (LookupAccountName)";
    wsv_err err = wsv_account_find(machine, name, &out->account, why);

    if (err != WSV_OK)
        return err;
    switch (out->account.use) {
    case SidTypeGroup:
    case SidTypeDomain:
    case SidTypeAlias:
    case SidTypeWellKnownGroup:
        return wsv_manage_failed(why, call, ERROR_INVALID_SERVICE_ACCOUNT);
    default:
        return open_policy(machine, access, &out->policy, why);
    }
}

static bool
is_logon_right(const LSA_UNICODE_STRING *right)
{
    return CompareStringOrdinal(
               right->Buffer, (int)(right->Length / sizeof(WCHAR)),
               logon_right, (int)RIGHT_UNITS, TRUE) == CSTR_EQUAL;
}

static NTSTATUS
look_for_right(LSA_HANDLE policy, PSID sid, bool *held)
{
    PLSA_UNICODE_STRING rights = NULL;
    ULONG count = 0, i;
    NTSTATUS status = LsaEnumerateAccountRights(policy, sid, &rights, &count);

    *held = false;
    if (status != 0)
        return status;
    for (i = 0; i < count; i++)
        *held = *held || is_logon_right(&rights[i]);
    LsaFreeMemory(rights);
    return status;
}

/* Whether the policy has accounts at all: administrators have rights
 * everywhere but on Wine, whose functions do nothing (H-55). */
static bool
keeps_rights(LSA_HANDLE policy)
{
    DWORD64 administrators[(WSV_SID_BYTES + 7) / 8];
    DWORD bytes = sizeof(administrators);
    bool held;

    return !CreateWellKnownSid(WinBuiltinAdministratorsSid, NULL,
                               administrators, &bytes) ||
           look_for_right(policy, administrators, &held) != NO_SUCH_OBJECT;
}

wsv_err
wsv_logon_right_held(const wsv_wchar *machine, const wsv_wchar *account,
                     bool *out, wsv_oserr *why)
{
    static const char call[] =
        "read an account's rights (LsaEnumerateAccountRights)";
    NTSTATUS status;
    subject user;
    wsv_err err;

    *out = false;
    err = subject_open(machine, account, POLICY_LOOKUP_NAMES, &user, why);
    if (err != WSV_OK)
        return err;
    status = look_for_right(user.policy, user.account.sid, out);
    if (status == NO_SUCH_OBJECT && !keeps_rights(user.policy))
        err = wsv_manage_failed(why, call, ERROR_CALL_NOT_IMPLEMENTED);
    else if (status != 0 && status != NO_SUCH_OBJECT)
        err = refused(why, call, status);
    LsaClose(user.policy);
    return err;
}

static void
name_right(WCHAR *buffer, LSA_UNICODE_STRING *right)
{
    memcpy(buffer, logon_right, sizeof(logon_right));
    right->Buffer = buffer;
    right->Length = (USHORT)(RIGHT_UNITS * sizeof(WCHAR));
    right->MaximumLength = (USHORT)sizeof(logon_right);
}

wsv_err
wsv_logon_right_grant(const wsv_wchar *machine, const wsv_wchar *account,
                      wsv_oserr *why)
{
    static const char call[] =
        "grant an account a right (LsaAddAccountRights)";
    WCHAR name[RIGHT_UNITS + 1];
    LSA_UNICODE_STRING right;
    NTSTATUS status;
    subject user;
    wsv_err err;

    /* An account without rights is not in the policy yet. */
    err =
        subject_open(machine, account,
                     POLICY_LOOKUP_NAMES | POLICY_CREATE_ACCOUNT, &user, why);
    if (err != WSV_OK)
        return err;
    name_right(name, &right);
    status = LsaAddAccountRights(user.policy, user.account.sid, &right, 1);
    if (status != 0)
        err = refused(why, call, status);
    LsaClose(user.policy);
    return err;
}

wsv_err
wsv_logon_right_revoke(const wsv_wchar *machine, const wsv_wchar *account,
                       wsv_oserr *why)
{
    static const char call[] =
        "take a right from an account (LsaRemoveAccountRights)";
    WCHAR name[RIGHT_UNITS + 1];
    LSA_UNICODE_STRING right;
    NTSTATUS status;
    subject user;
    wsv_err err;

    err = subject_open(machine, account, POLICY_LOOKUP_NAMES, &user, why);
    if (err != WSV_OK)
        return err;
    name_right(name, &right);
    status = LsaRemoveAccountRights(user.policy, user.account.sid, FALSE,
                                    &right, 1);
    if (status != 0 && status != NO_SUCH_OBJECT)
        err = refused(why, call, status);
    LsaClose(user.policy);
    return err;
}
