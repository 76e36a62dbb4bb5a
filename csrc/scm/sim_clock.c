/* The simulated SCM's clock: real, or moved on by hand. */
#include "scm/sim_clock.h"

#include "os/os.h"

wsv_err
wsv_clock_new(bool is_virtual, wsv_clock **out)
{
    wsv_clock *clock;

    *out = NULL;
    clock = wsv_os_alloc(sizeof(*clock));
    if (clock == NULL)
        return WSV_E_MEMORY;
    clock->is_virtual = is_virtual;
    clock->now = 1000 * WSV_NS_PER_MS; /* not 0: that could hide a bug */
    if (wsv_os_mutex_new(&clock->lock) != WSV_OK ||
        wsv_os_cond_new(&clock->settled) != WSV_OK) {
        wsv_clock_free(clock);
        return WSV_E_MEMORY;
    }
    *out = clock;
    return WSV_OK;
}

void
wsv_clock_free(wsv_clock *clock)
{
    if (clock == NULL)
        return;
    wsv_os_cond_free(clock->settled);
    wsv_os_mutex_free(clock->lock);
    wsv_os_free(clock);
}

uint64_t
wsv_clock_now(wsv_clock *clock)
{
    uint64_t now;

    if (!clock->is_virtual)
        return wsv_os_now();
    wsv_os_mutex_lock(clock->lock);
    now = clock->now;
    wsv_os_mutex_unlock(clock->lock);
    return now;
}

void
wsv_clock_busy(wsv_clock *clock, int change)
{
    wsv_os_mutex_lock(clock->lock);
    clock->busy += change;
    wsv_os_cond_broadcast(clock->settled);
    wsv_os_mutex_unlock(clock->lock);
}

static void
unlink_sleeper_locked(wsv_clock *clock, wsv_sleeper *sleeper)
{
    wsv_sleeper **link = &clock->sleepers;

    while (*link != sleeper)
        link = &(*link)->next;
    *link = sleeper->next;
}

bool
wsv_clock_wait(wsv_clock *clock, wsv_os_cond *cond, wsv_os_mutex *mutex,
               uint64_t deadline, bool is_reporter)
{
    wsv_sleeper sleeper;
    bool reached;

    if (!clock->is_virtual)
        return wsv_os_cond_wait(cond, mutex, deadline);
    wsv_os_mutex_lock(clock->lock);
    if (clock->now >= deadline) {
        wsv_os_mutex_unlock(clock->lock);
        return false;
    }
    sleeper.cond = cond;
    sleeper.mutex = mutex;
    sleeper.deadline = deadline;
    sleeper.is_reporter = is_reporter;
    sleeper.awake = false;
    sleeper.pins = 0;
    sleeper.next = clock->sleepers;
    clock->sleepers = &sleeper;
    if (is_reporter) {
        clock->busy--;
        wsv_os_cond_broadcast(clock->settled);
    }
    wsv_os_mutex_unlock(clock->lock);

    (void)wsv_os_cond_wait(cond, mutex, WSV_FOREVER);

    /* advance may be about to lock `mutex` to wake this very sleeper. */
    wsv_os_mutex_unlock(mutex);
    wsv_os_mutex_lock(clock->lock);
    while (sleeper.pins != 0)
        (void)wsv_os_cond_wait(clock->settled, clock->lock, WSV_FOREVER);
    unlink_sleeper_locked(clock, &sleeper);
    if (is_reporter && !sleeper.awake)
        clock->busy++; /* woken without wsv_clock_wake: a spurious one */
    reached = clock->now >= deadline;
    wsv_os_mutex_unlock(clock->lock);
    wsv_os_mutex_lock(mutex);
    return !reached;
}

static void
rouse_locked(wsv_clock *clock, wsv_sleeper *sleeper)
{
    if (sleeper->awake)
        return;
    sleeper->awake = true;
    if (sleeper->is_reporter)
        clock->busy++;
}

void
wsv_clock_wake(wsv_clock *clock, wsv_os_cond *cond)
{
    wsv_sleeper *sleeper;

    if (clock->is_virtual) {
        wsv_os_mutex_lock(clock->lock);
        for (sleeper = clock->sleepers; sleeper; sleeper = sleeper->next)
            if (sleeper->cond == cond)
                rouse_locked(clock, sleeper);
        wsv_os_mutex_unlock(clock->lock);
    }
    wsv_os_cond_broadcast(cond);
}

static wsv_sleeper *
next_due_locked(wsv_clock *clock, uint64_t until)
{
    wsv_sleeper *sleeper, *first = NULL;

    for (sleeper = clock->sleepers; sleeper; sleeper = sleeper->next)
        if (!sleeper->awake && sleeper->deadline <= until &&
            (first == NULL || sleeper->deadline < first->deadline))
            first = sleeper;
    return first;
}

void
wsv_clock_advance(wsv_clock *clock, uint64_t ns)
{
    wsv_sleeper *due;
    uint64_t until;

    wsv_os_mutex_lock(clock->lock);
    until = ns < WSV_FOREVER - clock->now ? clock->now + ns : WSV_FOREVER - 1;
    for (;;) {
        while (clock->busy != 0)
            (void)wsv_os_cond_wait(clock->settled, clock->lock, WSV_FOREVER);
        due = next_due_locked(clock, until);
        if (due == NULL)
            break;
        if (due->deadline > clock->now)
            clock->now = due->deadline;
        rouse_locked(clock, due);
        due->pins++;
        wsv_os_mutex_unlock(clock->lock);
        wsv_os_mutex_lock(due->mutex);
        wsv_os_cond_broadcast(due->cond);
        wsv_os_mutex_unlock(due->mutex);
        wsv_os_mutex_lock(clock->lock);
        due->pins--;
        wsv_os_cond_broadcast(clock->settled);
    }
    if (until > clock->now)
        clock->now = until;
    wsv_os_mutex_unlock(clock->lock);
}
