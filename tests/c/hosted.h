/* A service on a fake SCM of its own, and a control that is on its way. */
#ifndef WSV_TEST_HOSTED_H
#define WSV_TEST_HOSTED_H

#include <stdatomic.h>

#include "core/runtime_impl.h"
#include "fake_scm.h"
#include "threads.h"

#define SECOND (1000 * WSV_NS_PER_MS)

typedef struct hosted {
    wsv_scm *scm;
    wsv_family own; /* used unless it was given another */
    wsv_runtime *rt;
    wsv_settings settings; /* for configure; a test may change them */
    uint32_t argc;         /* for ServiceMain, as above */
    const wsv_wchar *const *argv;
    wsv_os_thread *service_main; /* NULL: not running */
    wsv_life life;               /* the last that wait_start has returned */
} hosted;

/* `family` is borrowed, NULL for one of its own.  `fixed`: the clock stands at
 * 1 s and only moves by hosted_advance_to. */
void hosted_new(hosted *self, wsv_family *family, bool fixed);
/* ServiceMain is not running, or about to return. */
void hosted_free(hosted *self);
/* Call ServiceMain on a thread of its own. */
void hosted_run_main(hosted *self);
/* A new life, up to START_PENDING. */
void hosted_begin(hosted *self);
/* A new life, up to RUNNING. */
void hosted_start(hosted *self);
/* Report STOPPED, and wait for the end of ServiceMain. */
void hosted_stop(hosted *self);
void hosted_join(hosted *self);
uint32_t hosted_send(hosted *self, uint32_t code);
void hosted_advance_to(hosted *self, uint64_t seconds);
/* Wait until the core is in `state`, whatever the SCM knows. */
void hosted_wait_entered(hosted *self, uint32_t state);
/* Wait until a service past its deadline waits for its siblings. */
void hosted_wait_hanging(hosted *self);
/* What its SCM has seen of it. */
uint32_t hosted_reports(hosted *self);
uint32_t hosted_lives(hosted *self);
uint32_t hosted_died(hosted *self);
/* Entries of that kind that the journal has ever had. */
uint64_t hosted_total(hosted *self, wsv_entry_kind kind);
/* The newest entry of that kind, which must be there. */
wsv_entry hosted_newest(hosted *self, wsv_entry_kind kind);

/* A control on a thread of its own. */
typedef struct call {
    hosted *to;
    wsv_control control;
    uint32_t answer;
    uint32_t reports; /* that the handler made itself */
    uint32_t seen; /* the state that the SCM knew when the handler returned */
    atomic_bool returned;
    wsv_os_thread *thread;
} call;

void call_make(call *self, hosted *to, uint32_t code, uint32_t event_type);
void call_end(call *self);

#endif
