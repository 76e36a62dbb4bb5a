#include "fake_scm.h"

#include "os/fault.h"

struct wsv_scm {
    fake_scm fake;
};

static _Thread_local uint32_t reports_here;

/* B.2 once more, with the way back from a late pause or continue. */
static const char *const legal[8] = {
    ".++.....", "........", ".++++...", ".+.+....",
    ".+.++.++", ".+.+++.+", ".+.++.++", ".+.+++.+",
};

wsv_scm *
fake_new(void)
{
    wsv_scm *scm = wsv_os_alloc(sizeof(*scm));

    CHECK(scm != NULL);
    CHECK(wsv_os_mutex_new(&scm->fake.lock) == WSV_OK);
    CHECK(wsv_os_cond_new(&scm->fake.changed) == WSV_OK);
    scm->fake.type = 0x10;
    return scm;
}

void
fake_free(wsv_scm *scm)
{
    wsv_os_cond_free(scm->fake.changed);
    wsv_os_mutex_free(scm->fake.lock);
    wsv_os_free(scm);
}

fake_scm *
fake(wsv_scm *scm)
{
    return &scm->fake;
}

static void
wait_locked(fake_scm *scm)
{
    (void)wsv_os_cond_wait(scm->changed, scm->lock, WSV_FOREVER);
}

void
fake_set_gate(wsv_scm *scm, uint32_t state)
{
    wsv_os_mutex_lock(scm->fake.lock);
    scm->fake.gate = state;
    wsv_os_cond_broadcast(scm->fake.changed);
    wsv_os_mutex_unlock(scm->fake.lock);
}

void
fake_wait_inside(wsv_scm *scm, uint32_t state)
{
    wsv_os_mutex_lock(scm->fake.lock);
    while (scm->fake.inside != state)
        wait_locked(&scm->fake);
    wsv_os_mutex_unlock(scm->fake.lock);
}

void
fake_wait_reported(wsv_scm *scm, uint32_t state)
{
    wsv_os_mutex_lock(scm->fake.lock);
    while (scm->fake.last.state != state)
        wait_locked(&scm->fake);
    wsv_os_mutex_unlock(scm->fake.lock);
}

wsv_status
fake_last(wsv_scm *scm)
{
    wsv_status last;

    wsv_os_mutex_lock(scm->fake.lock);
    last = scm->fake.last;
    wsv_os_mutex_unlock(scm->fake.lock);
    return last;
}

uint32_t
fake_state(wsv_scm *scm)
{
    return fake_last(scm).state;
}

uint32_t
fake_reports_here(void)
{
    return reports_here;
}

void
fake_wine_lock(wsv_scm *scm)
{
    wsv_os_mutex_lock(scm->fake.lock);
    while (scm->fake.wine_held)
        wait_locked(&scm->fake);
    scm->fake.wine_held = true;
    wsv_os_mutex_unlock(scm->fake.lock);
}

void
fake_wine_unlock(wsv_scm *scm)
{
    wsv_os_mutex_lock(scm->fake.lock);
    scm->fake.wine_held = false;
    wsv_os_cond_broadcast(scm->fake.changed);
    wsv_os_mutex_unlock(scm->fake.lock);
}

void
fake_wait_wants_wine(wsv_scm *scm)
{
    wsv_os_mutex_lock(scm->fake.lock);
    while (!scm->fake.wants_wine)
        wait_locked(&scm->fake);
    wsv_os_mutex_unlock(scm->fake.lock);
}

/* --- scm.h ------------------------------------------------------------------
 */

wsv_err
wsv_scm_dispatch(wsv_scm *scm, const wsv_scm_entry *entries, uint32_t count,
                 wsv_oserr *why)
{
    (void)scm;
    (void)entries;
    (void)count;
    (void)why;
    abort(); /* the tests call ServiceMain and the handler themselves */
}

static void
pass_gate_locked(fake_scm *scm, uint32_t state)
{
    scm->inside = state;
    wsv_os_cond_broadcast(scm->changed);
    while (scm->gate == state)
        wait_locked(scm);
}

static void
leave_locked(fake_scm *scm)
{
    scm->inside = 0;
    wsv_os_cond_broadcast(scm->changed);
}

wsv_err
wsv_scm_register(wsv_scm *scm, const wsv_scm_entry *entry,
                 const wsv_wchar *name, void **status_handle, wsv_oserr *why)
{
    fake_scm *self = &scm->fake;
    bool failed;

    (void)entry;
    (void)name;
    wsv_os_mutex_lock(self->lock);
    CHECK(self->inside == 0 && self->last.state <= 1);
    pass_gate_locked(self, FAKE_REGISTERING);
    failed = WSV_FAULT(WSV_FAULT_REGISTER);
    if (!failed) {
        self->fresh = true;
        self->lives++;
    }
    leave_locked(self);
    wsv_os_mutex_unlock(self->lock);
    *status_handle = failed ? NULL : scm;
    why->call = "register the control handler";
    why->code = failed ? 1083 : 0;
    return failed ? WSV_E_OS : WSV_OK;
}

static void
judge_locked(const fake_scm *scm, const wsv_status *status)
{
    uint32_t state = status->state, before = scm->fresh ? 0 : scm->last.state;
    bool pending = state == 2 || state == 3 || state == 5 || state == 6;

    CHECK(scm->inside == 0); /* one report at a time */
    CHECK(state >= 1 && state <= 7);
    CHECK(legal[before][state] == '+');
    CHECK_SAME(status->type, scm->type);
    if (pending) {
        CHECK(status->checkpoint != 0 && status->wait_hint != 0);
        if (state == before)
            CHECK(status->checkpoint > scm->last.checkpoint);
    }
    else {
        CHECK(status->checkpoint == 0 && status->wait_hint == 0);
    }
    if (state == 1 || state == 3)
        CHECK(status->accepted == 0);
    if (state == 2)
        CHECK((status->accepted & ~UINT32_C(0x105)) == 0);
    if (state != 1)
        CHECK(status->exit_code == 0 && status->specific_code == 0);
}

wsv_err
wsv_scm_report(wsv_scm *scm, void *status_handle, const wsv_status *status,
               wsv_oserr *why)
{
    fake_scm *self = &scm->fake;
    bool failed;

    CHECK(status_handle == scm);
    reports_here++;
    why->call = "report the status";
    wsv_os_mutex_lock(self->lock);
    judge_locked(self, status);
    pass_gate_locked(self, status->state);
    if (status->state == 1 && self->wine) {
        self->wants_wine = true;
        wsv_os_cond_broadcast(self->changed);
        while (self->wine_held)
            wait_locked(self);
        self->wants_wine = false;
    }
    failed = WSV_FAULT(WSV_FAULT_REPORT);
    if (!failed) {
        self->last = *status;
        self->fresh = false;
        self->reports++;
        self->per_state[status->state]++;
    }
    leave_locked(self);
    wsv_os_mutex_unlock(self->lock);
    why->code = failed ? 6 : 0;
    return failed ? WSV_E_OS : WSV_OK;
}

wsv_err
wsv_scm_subscribe(wsv_scm *scm, void *status_handle, wsv_subject subject,
                  const void *what, uint32_t size, void **subscription,
                  wsv_oserr *why)
{
    CHECK(status_handle == scm);
    (void)subject;
    (void)what;
    (void)size;
    (void)why;
    *subscription = scm;
    return WSV_OK;
}

wsv_err
wsv_scm_unsubscribe(wsv_scm *scm, wsv_subject subject, void *subscription,
                    wsv_oserr *why)
{
    CHECK(subscription == scm);
    (void)subject;
    (void)why;
    return WSV_OK;
}

wsv_err
wsv_scm_start_reason(wsv_scm *scm, void *status_handle, uint32_t *reason,
                     wsv_oserr *why)
{
    (void)why;
    CHECK(status_handle == scm);
    *reason = scm->fake.start_reason;
    return WSV_OK;
}

uint64_t
wsv_scm_now(wsv_scm *scm)
{
    uint64_t now;

    if (!scm->fake.fixed)
        return wsv_os_now();
    wsv_os_mutex_lock(scm->fake.lock);
    now = scm->fake.now;
    wsv_os_mutex_unlock(scm->fake.lock);
    return now;
}

bool
wsv_scm_wait(wsv_scm *scm, wsv_os_cond *cond, wsv_os_mutex *mutex,
             uint64_t deadline, bool by_reporter)
{
    bool in_time = true;

    if (!scm->fake.fixed)
        in_time = wsv_os_cond_wait(cond, mutex, deadline);
    else if (wsv_scm_now(scm) < deadline)
        (void)wsv_os_cond_wait(cond, mutex, WSV_FOREVER);
    while (by_reporter && scm->fake.asleep)
        (void)wsv_os_cond_wait(cond, mutex, WSV_FOREVER);
    return scm->fake.fixed ? wsv_scm_now(scm) < deadline : in_time;
}

void
wsv_scm_wake(wsv_scm *scm, wsv_os_cond *cond)
{
    (void)scm;
    wsv_os_cond_broadcast(cond);
}

void
wsv_scm_die(wsv_scm *scm, uint32_t exit_code)
{
    wsv_os_mutex_lock(scm->fake.lock);
    scm->fake.died = exit_code;
    wsv_os_cond_broadcast(scm->fake.changed);
    wsv_os_mutex_unlock(scm->fake.lock);
}

void
wsv_scm_linger(wsv_scm *scm, uint32_t exit_code)
{
    (void)scm;
    (void)exit_code;
}
