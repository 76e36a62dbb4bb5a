/* For pthread_condattr_setclock and clock_gettime. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "os/fault.h"
#include "os/os.h"

struct wsv_os_mutex {
    pthread_mutex_t native;
};

struct wsv_os_cond {
    pthread_cond_t native;
};

struct wsv_os_thread {
    pthread_t native;
    void (*run)(void *);
    void *arg;
};

uint64_t
wsv_os_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void *
wsv_os_alloc(size_t size)
{
    void *memory;

    if (WSV_FAULT(WSV_FAULT_ALLOC))
        return NULL;
    memory = calloc(1, size);
    if (memory != NULL)
        WSV_LIVE(1);
    return memory;
}

void
wsv_os_free(void *memory)
{
    if (memory != NULL)
        WSV_LIVE(-1);
    free(memory);
}

wsv_err
wsv_os_mutex_new(wsv_os_mutex **out)
{
    wsv_os_mutex *mutex;

    *out = NULL;
    if (WSV_FAULT(WSV_FAULT_MUTEX))
        return WSV_E_MEMORY;
    mutex = wsv_os_alloc(sizeof(*mutex));
    if (mutex == NULL)
        return WSV_E_MEMORY;
    if (pthread_mutex_init(&mutex->native, NULL) != 0) {
        wsv_os_free(mutex);
        return WSV_E_MEMORY;
    }
    *out = mutex;
    return WSV_OK;
}

void
wsv_os_mutex_free(wsv_os_mutex *mutex)
{
    if (mutex != NULL)
        pthread_mutex_destroy(&mutex->native);
    wsv_os_free(mutex);
}

void
wsv_os_mutex_lock(wsv_os_mutex *mutex)
{
    pthread_mutex_lock(&mutex->native);
}

void
wsv_os_mutex_unlock(wsv_os_mutex *mutex)
{
    pthread_mutex_unlock(&mutex->native);
}

static int
init_cond(pthread_cond_t *cond)
{
#ifdef __APPLE__
    return pthread_cond_init(cond, NULL);
#else
    pthread_condattr_t attributes;
    int failed = pthread_condattr_init(&attributes);

    if (failed != 0)
        return failed;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    failed = pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
    return failed;
#endif
}

wsv_err
wsv_os_cond_new(wsv_os_cond **out)
{
    wsv_os_cond *cond;

    *out = NULL;
    if (WSV_FAULT(WSV_FAULT_COND))
        return WSV_E_MEMORY;
    cond = wsv_os_alloc(sizeof(*cond));
    if (cond == NULL)
        return WSV_E_MEMORY;
    if (init_cond(&cond->native) != 0) {
        wsv_os_free(cond);
        return WSV_E_MEMORY;
    }
    *out = cond;
    return WSV_OK;
}

void
wsv_os_cond_free(wsv_os_cond *cond)
{
    if (cond != NULL)
        pthread_cond_destroy(&cond->native);
    wsv_os_free(cond);
}

void
wsv_os_cond_broadcast(wsv_os_cond *cond)
{
    pthread_cond_broadcast(&cond->native);
}

static struct timespec
to_timespec(uint64_t ns)
{
    struct timespec time;

    time.tv_sec = (time_t)(ns / UINT64_C(1000000000));
    time.tv_nsec = (long)(ns % UINT64_C(1000000000));
    return time;
}

bool
wsv_os_cond_wait(wsv_os_cond *cond, wsv_os_mutex *mutex, uint64_t deadline)
{
    struct timespec until;

    if (deadline == WSV_FOREVER) {
        pthread_cond_wait(&cond->native, &mutex->native);
        return true;
    }
#ifdef __APPLE__
    {
        /* macOS waits against the wall clock only, but also for a length. */
        uint64_t now = wsv_os_now();

        until = to_timespec(deadline > now ? deadline - now : 0);
        return pthread_cond_timedwait_relative_np(
                   &cond->native, &mutex->native, &until) != ETIMEDOUT;
    }
#else
    until = to_timespec(deadline);
    return pthread_cond_timedwait(&cond->native, &mutex->native, &until) !=
           ETIMEDOUT;
#endif
}

static void *
run_thread(void *arg)
{
    wsv_os_thread *thread = arg;

    thread->run(thread->arg);
    return NULL;
}

wsv_err
wsv_os_thread_new(wsv_os_thread **out, void (*run)(void *), void *arg,
                  wsv_oserr *why)
{
    wsv_os_thread *thread;

    *out = NULL;
    why->call = "create a thread";
    why->code = WSV_ERROR_NOT_ENOUGH_MEMORY;
    if (WSV_FAULT(WSV_FAULT_THREAD))
        return WSV_E_OS;
    thread = wsv_os_alloc(sizeof(*thread));
    if (thread == NULL)
        return WSV_E_MEMORY;
    thread->run = run;
    thread->arg = arg;
    if (pthread_create(&thread->native, NULL, run_thread, thread) != 0) {
        wsv_os_free(thread);
        return WSV_E_OS;
    }
    *out = thread;
    return WSV_OK;
}

void
wsv_os_thread_join(wsv_os_thread *thread)
{
    if (thread == NULL)
        return;
    pthread_join(thread->native, NULL);
    wsv_os_free(thread);
}
