/* An account as the system knows it, shared by the files of manage/ alone. */
#ifndef WSV_WIN32_ACCOUNT_H
#define WSV_WIN32_ACCOUNT_H

#include <windows.h>

#include "manage/manage.h"

#define WSV_SID_BYTES 68u /* SECURITY_MAX_SID_SIZE */

typedef struct wsv_account {
    DWORD64 sid[(WSV_SID_BYTES + 7) / 8]; /* aligned */
    SID_NAME_USE use;
} wsv_account;

/* Look an account up by its name, which ".\" in front makes one of the
 * computer's own.  NULL machine: this one.  1332: there is none. */
wsv_err wsv_account_find(const wsv_wchar *machine, const wsv_wchar *name,
                         wsv_account *out, wsv_oserr *why) WSV_NOGIL;

#endif
