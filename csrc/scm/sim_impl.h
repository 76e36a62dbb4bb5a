/* The inside of the wire, shared by sim.c, sim_requests.c and sim_subscribe.c
 * alone.  `_locked`: the caller holds `lock`. */
#ifndef WSV_SIM_IMPL_H
#define WSV_SIM_IMPL_H

#include "scm/sim.h"
#include "scm/sim_clock.h"

#define WSV_SIM_SERVICES 64u

/* Windows codes that the wire answers with. */
#define ERROR_INVALID_HANDLE 6u
#define ERROR_NOT_ENOUGH_MEMORY 8u
#define ERROR_INVALID_DATA 13u
#define ERROR_INVALID_PARAMETER 87u
#define ERROR_SERVICE_ALREADY_RUNNING 1056u
#define ERROR_FAILED_SERVICE_CONTROLLER_CONNECT 1063u
#define ERROR_SERVICE_NOT_IN_EXE 1083u

/* One service of the process; its address is the status handle. */
typedef struct wsv_sim_service {
    wsv_scm *wire;
    uint32_t index;
    bool own;        /* started as the only one of its process */
    bool running;    /* from its start until it has reported STOPPED */
    bool registered; /* since its start */
    uint64_t reports;
    wsv_sim_report last;   /* if there are any reports */
    wsv_os_thread *thread; /* ServiceMain of the last start */
    uint32_t argc;
    const wsv_wchar **argv; /* owned: ServiceMain's, until the next start */
} wsv_sim_service;

/* What a client waits for; in its own frame.  The dispatcher takes over data
 * and argv when it takes the request. */
typedef struct wsv_sim_request {
    struct wsv_sim_request *next;
    bool is_start;
    bool own;
    bool done;
    uint32_t service;
    wsv_control control;
    void *data;
    uint32_t argc;
    const wsv_wchar **argv;
    wsv_sim_outcome outcome;
    uint32_t answer;
} wsv_sim_request;

typedef struct wsv_sim_subscribed {
    struct wsv_sim_subscribed *next; /* newer */
    wsv_sim_subscription is;
} wsv_sim_subscribed;

struct wsv_scm {
    wsv_clock *clock; /* borrowed */
    wsv_os_mutex *lock;
    wsv_os_cond *posted;   /* for the dispatcher */
    wsv_os_cond *answered; /* for those with a request */
    wsv_os_cond *changed;  /* connected, a report, dead */

    /* All below: under lock. */
    const wsv_scm_entry *entries; /* NULL until the dispatcher is called */
    uint32_t count;
    wsv_sim_service services[WSV_SIM_SERVICES];
    uint32_t running; /* services */
    bool ended;       /* the last of them has stopped */
    bool dead;
    uint32_t death_code;
    bool dispatching;   /* the entries can be called */
    uint32_t orphaning; /* threads that tell them of the death */

    /* Served one at a time, in order, as through a control pipe. */
    wsv_sim_request *first;
    wsv_sim_request *serving; /* NULL also when its client has given up */

    wsv_sim_subscribed *subscribed; /* owned, oldest first */
    uint64_t subscriptions;         /* ever made */

    uint64_t reports; /* ever made */
    wsv_sim_report ring[WSV_SIM_REPORTS];
};

/* The process is about to end, or dead: everybody is to look round. */
void wsv_sim_over_locked(wsv_scm *wire);
void wsv_sim_free_subscriptions(wsv_scm *wire);

#endif
