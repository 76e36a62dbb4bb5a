#define _POSIX_C_SOURCE 200809L
#include "hosted.h"

#include <sched.h>
#include <string.h>

static const wsv_wchar name[] = {'S', 0};
static const wsv_wchar *const only_name[] = {name};

void
hosted_new(hosted *self, wsv_family *family, bool fixed)
{
    wsv_settings settings = {0x0F,        3000,        60 * SECOND,
                             30 * SECOND, 30 * SECOND, 30 * SECOND};

    memset(self, 0, sizeof(*self));
    self->scm = fake_new();
    fake(self->scm)->fixed = fixed;
    fake(self->scm)->now = SECOND;
    fake(self->scm)->type = family != NULL ? 0x20 : 0x10;
    if (family == NULL) {
        CHECK(wsv_family_new(&self->own) == WSV_OK);
        family = &self->own;
    }
    CHECK(wsv_runtime_new(self->scm, family, name, &self->rt) == WSV_OK);
    self->settings = settings;
    self->argc = 1;
    self->argv = only_name;
}

void
hosted_free(hosted *self)
{
    hosted_join(self);
    wsv_runtime_free(self->rt);
    wsv_family_free(&self->own);
    fake_free(self->scm);
}

static void
run_main(void *arg)
{
    hosted *self = arg;

    wsv_runtime_main(self->rt, self->argc, self->argv);
}

void
hosted_run_main(hosted *self)
{
    CHECK(self->service_main == NULL);
    self->service_main = thread_new(run_main, self);
}

void
hosted_begin(hosted *self)
{
    wsv_oserr why;

    hosted_run_main(self);
    CHECK(wsv_runtime_wait_start(self->rt, WSV_FOREVER, &self->life, &why) ==
          WSV_OK);
    CHECK(wsv_life_configure(self->life, &self->settings, &why) == WSV_OK);
}

void
hosted_start(hosted *self)
{
    wsv_oserr why;

    hosted_begin(self);
    CHECK(wsv_life_started(self->life, &why) == WSV_OK);
    CHECK_SAME(fake_state(self->scm), WSV_RUNNING);
}

void
hosted_stop(hosted *self)
{
    wsv_oserr why;

    CHECK(wsv_life_stopped(self->life, 0, 0, &why) == WSV_OK);
    hosted_join(self);
}

void
hosted_join(hosted *self)
{
    wsv_os_thread_join(self->service_main);
    self->service_main = NULL;
}

uint32_t
hosted_send(hosted *self, uint32_t code)
{
    wsv_control control = {code, 0, 0, NULL};

    return wsv_runtime_handle(self->rt, &control);
}

void
hosted_advance_to(hosted *self, uint64_t seconds)
{
    wsv_os_mutex_lock(self->rt->lock);
    wsv_os_mutex_lock(fake(self->scm)->lock);
    fake(self->scm)->now = seconds * SECOND;
    wsv_os_mutex_unlock(fake(self->scm)->lock);
    wsv_scm_wake(self->scm, self->rt->reporter);
    wsv_scm_wake(self->scm, self->rt->stops);
    wsv_scm_wake(self->scm, self->rt->answers);
    wsv_os_mutex_unlock(self->rt->lock);
}

void
hosted_wait_entered(hosted *self, uint32_t state)
{
    while (wsv_life_state(self->life) != state)
        sched_yield();
}

void
hosted_wait_hanging(hosted *self)
{
    bool hangs = false;

    while (!hangs) {
        CHECK_SAME(hosted_died(self), 0);
        sched_yield();
        wsv_os_mutex_lock(self->rt->lock);
        hangs = self->rt->hangs;
        wsv_os_mutex_unlock(self->rt->lock);
    }
}

uint32_t
hosted_reports(hosted *self)
{
    uint32_t reports;

    wsv_os_mutex_lock(fake(self->scm)->lock);
    reports = fake(self->scm)->reports;
    wsv_os_mutex_unlock(fake(self->scm)->lock);
    return reports;
}

uint32_t
hosted_lives(hosted *self)
{
    uint32_t lives;

    wsv_os_mutex_lock(fake(self->scm)->lock);
    lives = fake(self->scm)->lives;
    wsv_os_mutex_unlock(fake(self->scm)->lock);
    return lives;
}

uint32_t
hosted_died(hosted *self)
{
    uint32_t died;

    wsv_os_mutex_lock(fake(self->scm)->lock);
    died = fake(self->scm)->died;
    wsv_os_mutex_unlock(fake(self->scm)->lock);
    return died;
}

uint64_t
hosted_total(hosted *self, wsv_entry_kind kind)
{
    uint64_t totals[WSV_JOURNAL_KINDS];

    wsv_runtime_totals(self->rt, totals);
    return totals[kind];
}

wsv_entry
hosted_newest(hosted *self, wsv_entry_kind kind)
{
    static wsv_journal journal;
    wsv_entry entry, newest;
    uint64_t number = 0;

    memset(&newest, 0, sizeof(newest));
    wsv_runtime_journal(self->rt, &journal);
    for (; wsv_journal_get(&journal, &number, &entry); number++)
        if (entry.kind == (uint32_t)kind)
            newest = entry;
    CHECK_SAME(newest.kind, kind);
    return newest;
}

static void
dispatch(void *arg)
{
    call *self = arg;

    self->answer = wsv_runtime_handle(self->to->rt, &self->control);
    self->reports = fake_reports_here();
    self->seen = fake_state(self->to->scm);
    atomic_store(&self->returned, true);
}

void
call_make(call *self, hosted *to, uint32_t code, uint32_t event_type)
{
    memset(self, 0, sizeof(*self));
    self->to = to;
    self->control.code = code;
    self->control.event_type = event_type;
    self->thread = thread_new(dispatch, self);
}

void
call_end(call *self)
{
    wsv_os_thread_join(self->thread);
}
