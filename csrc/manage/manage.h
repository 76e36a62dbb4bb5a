/* The SCM as its clients see it: create, configure, start, control, query,
 * enumerate and delete services.  Windows only, no Python here.
 *
 * Every function may block for as long as the SCM, the service or the network
 * takes, and may be called from any thread.  All pointers are borrowed for the
 * length of the call, except `out`s, which are the caller's to free.  A failed
 * call returns WSV_E_OS with the Windows code in `why`, or WSV_E_MEMORY. */
#ifndef WSV_MANAGE_H
#define WSV_MANAGE_H

#include "core/base.h"

/* A handle to the SCM or to a service.  One that was closed answers
 * ERROR_INVALID_HANDLE, as the SCM does (E-24), also while calls on other
 * threads still use it: the SCM's handle is given back after the last. */
typedef struct wsv_manage_handle wsv_manage_handle;

typedef struct wsv_manage_status {
    wsv_status status;
    uint32_t pid; /* 0: no process, or the call does not tell */
} wsv_manage_status;

/* A number that a change leaves as it is (E-40). */
#define WSV_MANAGE_KEEP UINT32_MAX

/* What the SCM keeps of a service.  NULL texts: when it is created, none, or
 * the default; in a change, as before (E-40).  `dependencies` are one text
 * after the other, with an empty one at the end. */
typedef struct wsv_manage_settings {
    uint32_t service_type;
    uint32_t start_type;
    uint32_t error_control;
    uint32_t tag; /* only read */
    const wsv_wchar *command_line;
    const wsv_wchar *group;
    const wsv_wchar *dependencies;
    const wsv_wchar *account;
    const wsv_wchar *password; /* never read */
    const wsv_wchar *display_name;
} wsv_manage_settings;

/* Texts live as long as the list. */
typedef struct wsv_manage_entry {
    const wsv_wchar *name;
    const wsv_wchar *display_name;
    wsv_manage_status status;
} wsv_manage_entry;

typedef struct wsv_manage_list wsv_manage_list;

/* NULL machine: this one. */
wsv_err wsv_manage_connect(const wsv_wchar *machine, uint32_t access,
                           wsv_manage_handle **out, wsv_oserr *why) WSV_NOGIL;
wsv_err wsv_manage_create(wsv_manage_handle *manager, const wsv_wchar *name,
                          const wsv_manage_settings *settings, uint32_t access,
                          wsv_manage_handle **out, wsv_oserr *why) WSV_NOGIL;
wsv_err wsv_manage_open(wsv_manage_handle *manager, const wsv_wchar *name,
                        uint32_t access, wsv_manage_handle **out,
                        wsv_oserr *why) WSV_NOGIL;
/* Closing again does nothing.  Freeing closes; no call may be in progress. */
void wsv_manage_close(wsv_manage_handle *handle) WSV_NOGIL;
void wsv_manage_free(wsv_manage_handle *handle) WSV_NOGIL;
wsv_err wsv_manage_delete(wsv_manage_handle *service,
                          wsv_oserr *why) WSV_NOGIL;
wsv_err wsv_manage_start(wsv_manage_handle *service, uint32_t argc,
                         const wsv_wchar *const *argv,
                         wsv_oserr *why) WSV_NOGIL;
/* `out` is the SCM's record after the handler returned (B-36), without pid. */
wsv_err wsv_manage_control(wsv_manage_handle *service, uint32_t code,
                           wsv_manage_status *out, wsv_oserr *why) WSV_NOGIL;
wsv_err wsv_manage_query(wsv_manage_handle *service, wsv_manage_status *out,
                         wsv_oserr *why) WSV_NOGIL;
/* With a reason for the event log (B-40, B-41), comment: NULL for none.  120:
 * this system cannot. */
wsv_err wsv_manage_control_reason(wsv_manage_handle *service, uint32_t code,
                                  uint32_t reason, const wsv_wchar *comment,
                                  wsv_manage_status *out,
                                  wsv_oserr *why) WSV_NOGIL;

/* Change what is not NULL and not WSV_MANAGE_KEEP. */
wsv_err wsv_manage_change(wsv_manage_handle *service,
                          const wsv_manage_settings *settings,
                          wsv_oserr *why) WSV_NOGIL;
/* Texts live as long as `memory`, which is freed with wsv_os_free. */
wsv_err wsv_manage_config(wsv_manage_handle *service, wsv_manage_settings *out,
                          void **memory, wsv_oserr *why) WSV_NOGIL;
/* How large the structure of a level of ChangeServiceConfig2 is, without what
 * it points to; 0: no such level is known. */
size_t wsv_manage_level_size(uint32_t level);
/* `info`: the level's structure, which the call may write to.  The caller sees
 * to it that it is as large as the level says, and aligned.  124: the SCM does
 * not know the level. */
wsv_err wsv_manage_change2(wsv_manage_handle *service, uint32_t level,
                           void *info, wsv_oserr *why) WSV_NOGIL;
/* The structure and what it points to, in one block of `size` bytes; freed
 * with wsv_os_free. */
wsv_err wsv_manage_config2(wsv_manage_handle *service, uint32_t level,
                           void **out, size_t *size, wsv_oserr *why) WSV_NOGIL;

/* Owner, group and DACL as SDDL; freed with wsv_os_free. */
wsv_err wsv_manage_security(wsv_manage_handle *service, wsv_wchar **out,
                            wsv_oserr *why) WSV_NOGIL;
/* Set the DACL to that of an SDDL text.  1336: it has none, which would let
 * everybody do everything. */
wsv_err wsv_manage_change_security(wsv_manage_handle *service,
                                   const wsv_wchar *sddl,
                                   wsv_oserr *why) WSV_NOGIL;
/* The SID as text, freed with wsv_os_free, of an account, which ".\" in front
 * makes one of the computer's own.  NULL machine: this one. */
wsv_err wsv_account_sid(const wsv_wchar *machine, const wsv_wchar *account,
                        wsv_wchar **out, wsv_oserr *why) WSV_NOGIL;
/* Whether a user, or a managed account, itself has the right to log on as a
 * service (E-15); it may have it by a group.  NULL machine: this one.  1332:
 * there is no such account; 1057: it is a group; 120: this system keeps no
 * rights (H-55). */
wsv_err wsv_logon_right_held(const wsv_wchar *machine,
                             const wsv_wchar *account, bool *out,
                             wsv_oserr *why) WSV_NOGIL;
/* Give it that right, or take it away; again does nothing. */
wsv_err wsv_logon_right_grant(const wsv_wchar *machine,
                              const wsv_wchar *account,
                              wsv_oserr *why) WSV_NOGIL;
wsv_err wsv_logon_right_revoke(const wsv_wchar *machine,
                               const wsv_wchar *account,
                               wsv_oserr *why) WSV_NOGIL;

/* Services in the SCM's order; drivers are left out.  States: F-15; group:
 * NULL for all (F-16). */
wsv_err wsv_manage_list_new(wsv_manage_handle *manager, uint32_t states,
                            const wsv_wchar *group, wsv_manage_list **out,
                            wsv_oserr *why) WSV_NOGIL;
/* All that depend on a service, the one that would start last first (F-20);
 * no pids. */
wsv_err wsv_manage_dependents_new(wsv_manage_handle *service, uint32_t states,
                                  wsv_manage_list **out,
                                  wsv_oserr *why) WSV_NOGIL;
/* The next entry, from the first on; false: that was the last one. */
bool wsv_manage_list_next(wsv_manage_list *list, wsv_manage_entry *out);
void wsv_manage_list_free(wsv_manage_list *list);

/* Domain and name of a session's user, empty when nobody is logged on there;
 * freed with wsv_os_free. */
wsv_err wsv_session_user(uint32_t session, wsv_wchar **domain,
                         wsv_wchar **user, wsv_oserr *why) WSV_NOGIL;

#endif
