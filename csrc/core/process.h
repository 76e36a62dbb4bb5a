/* This process as the SCM sees it: the dispatcher thread and its services. */
#ifndef WSV_PROCESS_H
#define WSV_PROCESS_H

#include "core/runtime.h"

typedef struct wsv_process wsv_process;

/* `names` are copied; `scm` is borrowed and outlives the process. */
wsv_err wsv_process_new(wsv_scm *scm, const wsv_wchar *const *names,
                        uint32_t count, wsv_process **out);
/* NULL-safe.  Waits for the dispatcher; what the dispatcher may still use
 * because it lingers is left to the end of the process. */
void wsv_process_free(wsv_process *process) WSV_NOGIL;
/* Create the dispatcher thread. */
wsv_err wsv_process_start(wsv_process *process, wsv_oserr *why) WSV_NOGIL;
/* Wait until the dispatcher has returned; its own result. */
wsv_err wsv_process_join(wsv_process *process, wsv_oserr *why) WSV_NOGIL;
uint32_t wsv_process_count(const wsv_process *process);
wsv_runtime *wsv_process_service(wsv_process *process, uint32_t index);

#endif
