#include "core/process.h"

struct wsv_process {
    wsv_scm *scm;
    wsv_family family;
    uint32_t count;
    wsv_runtime **services;
    wsv_scm_entry *entries;
    wsv_os_thread *dispatcher;
    wsv_os_mutex *lock;
    wsv_os_cond *changed;
    bool returned; /* under lock, with the two below */
    wsv_err result;
    wsv_oserr why;
};

wsv_err
wsv_process_new(wsv_scm *scm, const wsv_wchar *const *names, uint32_t count,
                wsv_process **out)
{
    wsv_process *process;
    wsv_scm_entry *entry;
    uint32_t i;

    *out = NULL;
    process = wsv_os_alloc(sizeof(*process));
    if (process == NULL)
        return WSV_E_MEMORY;
    process->scm = scm;
    process->services = wsv_os_alloc(count * sizeof(wsv_runtime *) + 1);
    process->entries = wsv_os_alloc(count * sizeof(wsv_scm_entry) + 1);
    if (process->services == NULL || process->entries == NULL ||
        wsv_family_new(&process->family) != WSV_OK ||
        wsv_os_mutex_new(&process->lock) != WSV_OK ||
        wsv_os_cond_new(&process->changed) != WSV_OK)
        goto failed;
    for (i = 0; i < count; i++) {
        if (wsv_runtime_new(scm, &process->family, names[i],
                            &process->services[i]) != WSV_OK)
            goto failed;
        process->count++;
        entry = &process->entries[i];
        entry->name = wsv_runtime_name(process->services[i]);
        entry->service_main = wsv_runtime_main;
        entry->handler = wsv_runtime_handle;
        entry->orphaned = wsv_runtime_orphaned;
        entry->ctx = process->services[i];
    }
    *out = process;
    return WSV_OK;

failed:
    wsv_process_free(process);
    return WSV_E_MEMORY;
}

void
wsv_process_free(wsv_process *process)
{
    uint32_t i;

    if (process == NULL)
        return;
    wsv_os_thread_join(process->dispatcher);
    for (i = 0; i < process->count; i++)
        wsv_runtime_free(process->services[i]);
    wsv_family_free(&process->family);
    wsv_os_cond_free(process->changed);
    wsv_os_mutex_free(process->lock);
    wsv_os_free(process->entries);
    wsv_os_free(process->services);
    wsv_os_free(process);
}

static void
dispatch(void *arg)
{
    wsv_process *process = arg;
    wsv_oserr why = {NULL, 0};
    wsv_err err;
    uint32_t i, exit_code = 0;

    err =
        wsv_scm_dispatch(process->scm, process->entries, process->count, &why);
    for (i = 0; i < process->count; i++) {
        if (wsv_runtime_exit_code(process->services[i]) != 0)
            exit_code = 1;
        wsv_runtime_close(process->services[i]);
    }
    wsv_os_mutex_lock(process->lock);
    process->returned = true;
    process->result = err;
    process->why = why;
    wsv_os_cond_broadcast(process->changed);
    wsv_os_mutex_unlock(process->lock);
    if (err == WSV_OK)
        wsv_scm_linger(process->scm, exit_code);
}

wsv_err
wsv_process_start(wsv_process *process, wsv_oserr *why)
{
    return wsv_os_thread_new(&process->dispatcher, dispatch, process, why);
}

wsv_err
wsv_process_join(wsv_process *process, wsv_oserr *why)
{
    wsv_err err;

    wsv_os_mutex_lock(process->lock);
    while (!process->returned)
        (void)wsv_os_cond_wait(process->changed, process->lock, WSV_FOREVER);
    err = process->result;
    *why = process->why;
    wsv_os_mutex_unlock(process->lock);
    return err;
}

uint32_t
wsv_process_count(const wsv_process *process)
{
    return process->count;
}

wsv_runtime *
wsv_process_service(wsv_process *process, uint32_t index)
{
    return process->services[index];
}
