/* Seam 1, the operating system: clock, mutex, condition, thread, memory.
 * One implementation per OS (win32.c, posix.c), chosen by setup.py. */
#ifndef WSV_OS_H
#define WSV_OS_H

#include "core/base.h"

typedef struct wsv_os_mutex wsv_os_mutex;
typedef struct wsv_os_cond wsv_os_cond;
typedef struct wsv_os_thread wsv_os_thread;

/* Monotonic nanoseconds from an arbitrary origin. */
uint64_t wsv_os_now(void);

/* Zeroed memory, or NULL.  Freed with wsv_os_free (NULL-safe). */
void *wsv_os_alloc(size_t size);
void wsv_os_free(void *memory);

wsv_err wsv_os_mutex_new(wsv_os_mutex **out);
void wsv_os_mutex_free(wsv_os_mutex *mutex);
void wsv_os_mutex_lock(wsv_os_mutex *mutex) WSV_NOGIL;
void wsv_os_mutex_unlock(wsv_os_mutex *mutex);

wsv_err wsv_os_cond_new(wsv_os_cond **out);
void wsv_os_cond_free(wsv_os_cond *cond);
void wsv_os_cond_broadcast(wsv_os_cond *cond);
/* Wait with `mutex` held; true when woken (perhaps spuriously), false once
 * wsv_os_now() has reached `deadline` (WSV_FOREVER: never). */
bool wsv_os_cond_wait(wsv_os_cond *cond, wsv_os_mutex *mutex,
                      uint64_t deadline) WSV_NOGIL;

wsv_err wsv_os_thread_new(wsv_os_thread **out, void (*run)(void *), void *arg,
                          wsv_oserr *why);
/* Join, then free (NULL-safe). */
void wsv_os_thread_join(wsv_os_thread *thread) WSV_NOGIL;

#endif
