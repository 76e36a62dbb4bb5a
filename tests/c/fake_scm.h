/* An SCM seam for the runtime's tests: it judges what is reported, stops a
 * report at will, lets a call fail (os/fault.h), and has Wine's lock (H-13).
 * One serves one service; its lives may follow each other. */
#ifndef WSV_TEST_FAKE_SCM_H
#define WSV_TEST_FAKE_SCM_H

#include "check.h"
#include "scm/scm.h"

typedef struct fake_scm {
    wsv_os_mutex *lock;
    wsv_os_cond *changed;

    /* All below: under lock. */
    uint32_t type;  /* that every report is to have */
    uint32_t lives; /* how often the service has registered */
    bool fresh;     /* it has not reported since */
    wsv_status last;
    uint32_t reports;
    uint32_t per_state[8];
    uint32_t inside; /* the state of the report that is under way, or 0 */
    uint32_t gate;   /* reports of this state wait until it is changed */
    bool wine;       /* STOPPED needs Wine's lock */
    bool wine_held;
    bool wants_wine; /* a report of STOPPED waits for it */
    bool fixed;      /* the clock stands at `now` */
    uint64_t now;
    uint32_t died; /* exit code of wsv_scm_die */
    uint32_t start_reason;

    bool asleep; /* under the service's lock: no wake reaches its reporter */
} fake_scm;

/* A registration passes for a report of this state. */
#define FAKE_REGISTERING 8u

wsv_scm *fake_new(void);
void fake_free(wsv_scm *scm);
fake_scm *fake(wsv_scm *scm);
/* Reports of `state` wait inside; 0 lets them go. */
void fake_set_gate(wsv_scm *scm, uint32_t state);
/* Wait until a report of `state` is under way. */
void fake_wait_inside(wsv_scm *scm, uint32_t state);
/* Wait until `state` is the last one reported. */
void fake_wait_reported(wsv_scm *scm, uint32_t state);
uint32_t fake_state(wsv_scm *scm);
wsv_status fake_last(wsv_scm *scm);
/* How many reports the calling thread has begun in its life. */
uint32_t fake_reports_here(void);
/* Wine's lock, as its dispatcher holds it while the handler runs. */
void fake_wine_lock(wsv_scm *scm);
void fake_wine_unlock(wsv_scm *scm);
void fake_wait_wants_wine(wsv_scm *scm);

#endif
