#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <string.h>

#include "manage/notify.h"
#include "manage/win32_handle.h"
#include "manage/win32_missing.h"
#include "os/os.h"

#ifndef ERROR_SERVICE_NOTIFY_CLIENT_LAGGING
#define ERROR_SERVICE_NOTIFY_CLIENT_LAGGING                                   \
    1294L /* not in mingw's headers                                           \
           */
#endif

#define OF_SCM (SERVICE_NOTIFY_CREATED | SERVICE_NOTIFY_DELETED)
/* More names than this that nobody has taken: the reader lags (F-8). */
#define NAMES_LIMIT (64u * 1024u)
/* So many subscriptions that have ended rest before the first is used again.
 */
#define RESTING 64u

typedef DWORD(WINAPI *notify_function)(SC_HANDLE service, DWORD mask,
                                       wsv_notify_2w *buffer);

typedef struct subscription {
    wsv_notify_2w buffer; /* the SCM's while it is armed */
    volatile LONG fired;  /* set by the callback */

    /* The notifier's thread's. */
    SC_HANDLE native; /* NULL once it has ended */
    uint32_t mask;
    bool armed;

    /* Under the notifier's lock; `next` changes only while the thread that
     * walks the list cannot be at it: it alone unlinks. */
    struct subscription *next;
    bool is_removed;
    bool is_dirty;
    wsv_notice notice;
} subscription;

struct wsv_notifier {
    notify_function notify;
    HANDLE wake;        /* an event: there is something for the thread to do */
    wsv_os_mutex *lock; /* a leaf */
    wsv_os_cond *changed;
    wsv_os_thread *thread; /* under lock; NULL once somebody joins it */
    subscription *first;   /* under lock */
    uint32_t dirty;        /* under lock */
    bool is_closed;        /* under lock */
};

/* --- memory of subscriptions ----------------------------------------------
 */

/* It is never given back to the system.  Windows queues no APC any more once
 * CloseServiceHandle has returned (F-7), but Wine's registrations have a
 * thread each, which may be about to write into the buffer and to queue its
 * APC: what it hits must stay a subscription.  The worst that a late one does
 * is to mark another as fired, whose reader then looks once for nothing. */
static struct {
    SRWLOCK lock; /* a leaf */
    subscription *first;
    subscription *last;
    uint32_t count;
} resting = {SRWLOCK_INIT, NULL, NULL, 0};

static subscription *
subscription_new(void)
{
    subscription *found = NULL;

    AcquireSRWLockExclusive(&resting.lock);
    if (resting.count > RESTING) {
        found = resting.first;
        resting.first = found->next;
        resting.count--;
    }
    ReleaseSRWLockExclusive(&resting.lock);
    if (found == NULL)
        return wsv_os_alloc(sizeof(*found));
    memset(found, 0, sizeof(*found));
    return found;
}

static void
subscription_rest(subscription *ended)
{
    wsv_os_free(ended->notice.names);
    ended->notice.names = NULL;
    ended->next = NULL;
    AcquireSRWLockExclusive(&resting.lock);
    if (resting.count++ == 0)
        resting.first = ended;
    else
        resting.last->next = ended;
    resting.last = ended;
    ReleaseSRWLockExclusive(&resting.lock);
}

/* --- the thread ------------------------------------------------------------
 */

/* The callback, in an alertable wait of the thread.  Nothing of the SCM may be
 * called here (F-2). */
static VOID CALLBACK
on_change(VOID *parameter)
{
    wsv_notify_2w *buffer = parameter;
    subscription *own = buffer->context;

    InterlockedExchange(&own->fired, 1);
}

static void
mark_locked(wsv_notifier *notifier, subscription *own)
{
    if (own->is_removed)
        return;
    if (!own->is_dirty) {
        own->is_dirty = true;
        notifier->dirty++;
    }
    wsv_os_cond_broadcast(notifier->changed);
}

/* No more of it: the SCM wants its handle back, when a service is to be
 * deleted at once (F-8). */
static void
end(wsv_notifier *notifier, subscription *own, uint32_t code)
{
    CloseServiceHandle(own->native);
    own->native = NULL;
    wsv_os_mutex_lock(notifier->lock);
    own->notice.code = code;
    mark_locked(notifier, own);
    wsv_os_mutex_unlock(notifier->lock);
}

/* In units of UTF-16, without the last end. */
static uint32_t
names_size(const WCHAR *names)
{
    uint32_t size = 0;

    while (names[size] != 0)
        size += (uint32_t)wcslen(names + size) + 1;
    return size;
}

/* False: there is no room for them. */
static bool
add_names_locked(wsv_notice *notice, const WCHAR *names)
{
    uint32_t size = names_size(names);
    wsv_wchar *grown;

    if (size > NAMES_LIMIT - notice->names_size)
        return false;
    grown = wsv_os_alloc((notice->names_size + size) * sizeof(*grown));
    if (grown == NULL)
        return false;
    if (notice->names != NULL)
        memcpy(grown, notice->names,
               notice->names_size * sizeof(*notice->names));
    memcpy(grown + notice->names_size, names, size * sizeof(*grown));
    wsv_os_free(notice->names);
    notice->names = grown;
    notice->names_size += size;
    return true;
}

static LPWSTR
names_of(const subscription *own)
{
    if (own->buffer.status != ERROR_SUCCESS ||
        (own->buffer.triggered & OF_SCM) == 0)
        return NULL;
    return own->buffer.names;
}

/* Take in what the SCM has left in the buffer. */
static void
take_in(wsv_notifier *notifier, subscription *own)
{
    wsv_notice *notice = &own->notice;
    LPWSTR names = names_of(own);
    DWORD code = own->buffer.status;

    if (code == ERROR_SUCCESS) {
        wsv_os_mutex_lock(notifier->lock);
        notice->triggered |= own->buffer.triggered;
        wsv_manage_copy_status(&own->buffer.service, &notice->status);
        if (names != NULL && !add_names_locked(notice, names))
            code = ERROR_SERVICE_NOTIFY_CLIENT_LAGGING;
        mark_locked(notifier, own);
        wsv_os_mutex_unlock(notifier->lock);
    }
    LocalFree(names);
    own->buffer.names = NULL;
    if (code != ERROR_SUCCESS)
        end(notifier, own, code);
}

static void
arm(wsv_notifier *notifier, subscription *own)
{
    DWORD code;

    own->buffer.version = SERVICE_NOTIFY_STATUS_CHANGE;
    own->buffer.callback = on_change;
    own->buffer.context = own;
    own->buffer.names = NULL;
    own->armed = true;
    code = notifier->notify(own->native, own->mask, &own->buffer);
    /* 1242: an earlier one is still there, into the same buffer (F-6). */
    if (code == ERROR_SUCCESS || code == ERROR_ALREADY_REGISTERED)
        return;
    own->armed = false;
    end(notifier, own, code);
}

static void
drop(wsv_notifier *notifier, subscription *own)
{
    subscription **link;

    if (own->native != NULL)
        CloseServiceHandle(own->native);
    /* What was queued before that comes now. */
    while (SleepEx(0, TRUE) == WAIT_IO_COMPLETION)
        ;
    if (own->fired)
        LocalFree(names_of(own));
    wsv_os_mutex_lock(notifier->lock);
    for (link = &notifier->first; *link != own; link = &(*link)->next)
        ;
    *link = own->next;
    if (own->is_dirty)
        notifier->dirty--;
    wsv_os_mutex_unlock(notifier->lock);
    subscription_rest(own);
}

/* Do what is to be done for each.  False: that was nothing; then no callback
 * has run meanwhile either, since only the SCM's calls and drop() let one. */
static bool
look_round(wsv_notifier *notifier, bool *is_closed)
{
    subscription *own, *next;
    bool is_removed, acted = false;

    wsv_os_mutex_lock(notifier->lock);
    own = notifier->first;
    *is_closed = notifier->is_closed;
    wsv_os_mutex_unlock(notifier->lock);
    for (; own != NULL; own = next) {
        next = own->next;
        wsv_os_mutex_lock(notifier->lock);
        is_removed = own->is_removed || *is_closed;
        wsv_os_mutex_unlock(notifier->lock);
        if (is_removed) {
            drop(notifier, own);
            acted = true;
            continue;
        }
        if (InterlockedExchange(&own->fired, 0) != 0 && own->native != NULL) {
            own->armed = false;
            take_in(notifier, own);
            acted = true;
        }
        if (!own->armed && own->native != NULL) {
            arm(notifier, own);
            acted = true;
        }
    }
    return acted;
}

static void
run(void *arg)
{
    wsv_notifier *notifier = arg;
    bool is_closed;

    for (;;) {
        while (look_round(notifier, &is_closed))
            ;
        if (is_closed)
            return;
        WaitForSingleObjectEx(notifier->wake, INFINITE, TRUE);
    }
}

/* --- what other threads call ------------------------------------------------
 */

wsv_err
wsv_notifier_new(wsv_notifier **out, wsv_oserr *why)
{
    wsv_notifier *notifier;
    HMODULE advapi32 = GetModuleHandleW(L"advapi32.dll"); /* we link to it */
    FARPROC notify = NULL;
    wsv_err err;

    *out = NULL;
    why->call = "be notified of services (NotifyServiceStatusChange)";
    if (advapi32 != NULL)
        notify = GetProcAddress(advapi32, "NotifyServiceStatusChangeW");
    if (notify == NULL) {
        why->code = ERROR_CALL_NOT_IMPLEMENTED;
        return WSV_E_OS;
    }
    notifier = wsv_os_alloc(sizeof(*notifier));
    if (notifier == NULL)
        return WSV_E_MEMORY;
    notifier->notify = (notify_function)(void (*)(void))notify;
    notifier->wake = CreateEventW(NULL, FALSE, FALSE, NULL);
    err = notifier->wake != NULL ? WSV_OK : WSV_E_MEMORY;
    if (err == WSV_OK)
        err = wsv_os_mutex_new(&notifier->lock);
    if (err == WSV_OK)
        err = wsv_os_cond_new(&notifier->changed);
    if (err == WSV_OK)
        err = wsv_os_thread_new(&notifier->thread, run, notifier, why);
    if (err != WSV_OK) {
        wsv_notifier_free(notifier);
        return err;
    }
    *out = notifier;
    return WSV_OK;
}

wsv_err
wsv_notifier_add(wsv_notifier *notifier, wsv_manage_handle *handle,
                 uint32_t mask, uint64_t key, wsv_oserr *why)
{
    SC_HANDLE native = wsv_manage_detach(handle);
    subscription *own;
    bool is_closed;

    if (native == NULL) {
        why->call = "be notified of services (NotifyServiceStatusChange)";
        why->code = ERROR_INVALID_HANDLE;
        return WSV_E_OS;
    }
    own = subscription_new();
    if (own == NULL) {
        CloseServiceHandle(native);
        return WSV_E_MEMORY;
    }
    own->native = native;
    own->mask = mask;
    own->notice.key = key;
    wsv_os_mutex_lock(notifier->lock);
    is_closed = notifier->is_closed;
    if (!is_closed) {
        own->next = notifier->first;
        notifier->first = own;
    }
    wsv_os_mutex_unlock(notifier->lock);
    if (is_closed) {
        CloseServiceHandle(native);
        subscription_rest(own);
        return WSV_E_CLOSED;
    }
    SetEvent(notifier->wake);
    return WSV_OK;
}

void
wsv_notifier_remove(wsv_notifier *notifier, uint64_t key)
{
    subscription *own;

    wsv_os_mutex_lock(notifier->lock);
    for (own = notifier->first; own != NULL; own = own->next) {
        if (own->notice.key != key)
            continue;
        own->is_removed = true;
        if (own->is_dirty)
            notifier->dirty--;
        own->is_dirty = false;
    }
    wsv_os_mutex_unlock(notifier->lock);
    SetEvent(notifier->wake);
}

wsv_err
wsv_notifier_wait(wsv_notifier *notifier, uint64_t timeout)
{
    uint64_t until = WSV_FOREVER, now = wsv_os_now();
    wsv_err err;

    if (timeout < WSV_FOREVER - now)
        until = now + timeout;
    wsv_os_mutex_lock(notifier->lock);
    while (notifier->dirty == 0 && !notifier->is_closed)
        if (!wsv_os_cond_wait(notifier->changed, notifier->lock, until))
            break;
    err = notifier->is_closed    ? WSV_E_CLOSED
          : notifier->dirty != 0 ? WSV_OK
                                 : WSV_E_TIMEOUT;
    wsv_os_mutex_unlock(notifier->lock);
    return err;
}

bool
wsv_notifier_take(wsv_notifier *notifier, wsv_notice *out)
{
    subscription *own;
    wsv_notice *notice;

    wsv_os_mutex_lock(notifier->lock);
    for (own = notifier->first; own != NULL; own = own->next)
        if (own->is_dirty)
            break;
    if (own != NULL) {
        notice = &own->notice;
        *out = *notice;
        notice->triggered = 0;
        notice->names = NULL;
        notice->names_size = 0;
        own->is_dirty = false;
        notifier->dirty--;
    }
    wsv_os_mutex_unlock(notifier->lock);
    return own != NULL;
}

void
wsv_notifier_close(wsv_notifier *notifier)
{
    wsv_os_thread *thread;

    wsv_os_mutex_lock(notifier->lock);
    thread = notifier->thread;
    notifier->thread = NULL;
    notifier->is_closed = true;
    wsv_os_cond_broadcast(notifier->changed);
    wsv_os_mutex_unlock(notifier->lock);
    SetEvent(notifier->wake);
    wsv_os_thread_join(thread);
}

/* Also of one that wsv_notifier_new has not finished. */
void
wsv_notifier_free(wsv_notifier *notifier)
{
    if (notifier == NULL)
        return;
    if (notifier->thread != NULL)
        wsv_notifier_close(notifier);
    wsv_os_cond_free(notifier->changed);
    wsv_os_mutex_free(notifier->lock);
    if (notifier->wake != NULL)
        CloseHandle(notifier->wake);
    wsv_os_free(notifier);
}
