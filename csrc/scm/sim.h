/* The simulated SCM's wire: one per simulated process, as the control pipe is.
 * Only the wire and the clock are here; the SCM's rules are in Python
 * (winsvc/testing), which calls these functions on its own threads. */
#ifndef WSV_SIM_H
#define WSV_SIM_H

#include "scm/scm.h"

/* A clock shared by all processes of one simulated SCM; counted references. */
typedef struct wsv_clock wsv_clock;

wsv_err wsv_clock_new(bool is_virtual, wsv_clock **out);
void wsv_clock_free(wsv_clock *clock);
uint64_t wsv_clock_now(wsv_clock *clock);
/* Move a virtual clock on by `ns`, stopping at each deadline on the way until
 * the reporter that it woke waits again. */
void wsv_clock_advance(wsv_clock *clock, uint64_t ns) WSV_NOGIL;

typedef struct wsv_sim_report {
    uint64_t time;
    uint32_t service; /* index of its entry */
    wsv_status status;
} wsv_sim_report;

#define WSV_SIM_REPORTS 4096u

/* What a request to the process came to. */
typedef enum wsv_sim_outcome {
    WSV_SIM_DONE,
    WSV_SIM_LATE,       /* no answer within the time-out */
    WSV_SIM_DEAD,       /* the process died over it, or is about to
                           end and starts nothing more */
    WSV_SIM_NO_THREAD,  /* ServiceMain's thread could not be made */
    WSV_SIM_NOT_IN_EXE, /* no such service here */
    WSV_SIM_RUNNING,    /* to be started, and not STOPPED */
    WSV_SIM_NOT_RUNNING /* to be controlled, and STOPPED, never started, or
                           gone with its process */
} wsv_sim_outcome;

/* `clock` is borrowed and outlives the wire. */
wsv_err wsv_sim_new(wsv_clock *clock, wsv_scm **out);
/* Only after dispatch has returned or was never called. */
void wsv_sim_free(wsv_scm *wire);

/* The process has called the dispatcher: DONE, LATE or DEAD. */
wsv_sim_outcome wsv_sim_wait_connected(wsv_scm *wire,
                                       uint64_t timeout) WSV_NOGIL;
/* Run ServiceMain of `argv[0]` in a thread of its own; `own`: whatever its
 * name, it is entry 0.  A service that has stopped while another one ran
 * is started again in the same process; DEAD once the last has stopped,
 * since that process comes to its end. */
wsv_sim_outcome wsv_sim_start(wsv_scm *wire, bool own, uint32_t argc,
                              const wsv_wchar *const *argv,
                              uint64_t timeout) WSV_NOGIL;
/* Call the handler; `answer` is what it returned.  The data it sees is
 * overwritten when it returns (I-127). */
wsv_sim_outcome wsv_sim_control(wsv_scm *wire, uint32_t service,
                                const wsv_control *control, uint64_t timeout,
                                uint32_t *answer) WSV_NOGIL;
/* The same for `count` controls, one after the other, up to the first that is
 * not answered with 0; `sent` is the number of those before it. */
wsv_sim_outcome wsv_sim_control_many(wsv_scm *wire, uint32_t service,
                                     const wsv_control *controls,
                                     uint32_t count, uint64_t timeout,
                                     uint32_t *sent,
                                     uint32_t *answer) WSV_NOGIL;
/* The process has gone: everything in it that waits for the SCM returns. */
void wsv_sim_kill(wsv_scm *wire, uint32_t exit_code);
/* False while it lives. */
bool wsv_sim_is_dead(wsv_scm *wire, uint32_t *exit_code);
/* Number of reports that `service` has made so far, and the last, if any. */
uint64_t wsv_sim_last(wsv_scm *wire, uint32_t service, wsv_sim_report *last);
/* As wsv_journal_get, for the last WSV_SIM_REPORTS reports of the process. */
bool wsv_sim_report_get(wsv_scm *wire, uint64_t *number, wsv_sim_report *out);
/* Wait until `service` has made more than `count` reports, the process is
 * dead, or `timeout` has passed.  In a virtual clock's time. */
void wsv_sim_wait_change(wsv_scm *wire, uint32_t service, uint64_t count,
                         uint64_t timeout) WSV_NOGIL;

#define WSV_SIM_SUBJECT_BYTES 16u

/* What a service has asked to be told about, and still wants to be. */
typedef struct wsv_sim_subscription {
    uint64_t number; /* counts all of the process, from 1 */
    uint32_t service;
    wsv_subject subject;
    uint32_t size;
    uint8_t what[WSV_SIM_SUBJECT_BYTES];
} wsv_sim_subscription;

/* The oldest subscription of `service` with a number > `after`, if any. */
bool wsv_sim_subscription_get(wsv_scm *wire, uint32_t service, uint64_t after,
                              wsv_sim_subscription *out);

#endif
