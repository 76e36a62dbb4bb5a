#include "core/state.h"

#define ACCEPT_STOP 0x001u
#define ACCEPT_PAUSE_CONTINUE 0x002u
#define ACCEPT_SHUTDOWN 0x004u
#define ACCEPT_PRESHUTDOWN 0x100u
#define ACCEPT_ENDS (ACCEPT_STOP | ACCEPT_SHUTDOWN | ACCEPT_PRESHUTDOWN)

#define ERROR_SERVICE_CANNOT_ACCEPT_CTRL 1061u
#define ERROR_SHUTDOWN_IN_PROGRESS 1115u

bool
wsv_state_is_pending(uint32_t state)
{
    return state == WSV_START_PENDING || state == WSV_STOP_PENDING ||
           state == WSV_PAUSE_PENDING || state == WSV_CONTINUE_PENDING;
}

uint32_t
wsv_state_accept_bit(uint32_t control)
{
    switch (control) {
    case WSV_CONTROL_STOP:
        return ACCEPT_STOP;
    case WSV_CONTROL_PAUSE:
    case WSV_CONTROL_CONTINUE:
        return ACCEPT_PAUSE_CONTINUE;
    case WSV_CONTROL_SHUTDOWN:
        return ACCEPT_SHUTDOWN;
    case WSV_CONTROL_PARAMCHANGE:
        return 0x008u;
    case WSV_CONTROL_NETBINDADD:
    case WSV_CONTROL_NETBINDREMOVE:
    case WSV_CONTROL_NETBINDENABLE:
    case WSV_CONTROL_NETBINDDISABLE:
        return 0x010u;
    case WSV_CONTROL_HARDWAREPROFILECHANGE:
        return 0x020u;
    case WSV_CONTROL_POWEREVENT:
        return 0x040u;
    case WSV_CONTROL_SESSIONCHANGE:
        return 0x080u;
    case WSV_CONTROL_PRESHUTDOWN:
        return ACCEPT_PRESHUTDOWN;
    case WSV_CONTROL_TIMECHANGE:
        return 0x200u;
    case WSV_CONTROL_TRIGGEREVENT:
        return 0x400u;
    case WSV_CONTROL_USERLOGOFF:
    case WSV_CONTROL_USERMODEREBOOT:
        return 0x800u;
    case WSV_CONTROL_LOWRESOURCES:
        return 0x2000u;
    case WSV_CONTROL_SYSTEMLOWRESOURCES:
        return 0x4000u;
    default:
        return 0;
    }
}

uint32_t
wsv_state_accepted(uint32_t state, uint32_t handled)
{
    switch (state) {
    case WSV_RUNNING:
    case WSV_PAUSED:
    case WSV_PAUSE_PENDING:
    case WSV_CONTINUE_PENDING:
        return handled;
    case WSV_START_PENDING:
        return handled & ACCEPT_ENDS;
    default:
        return 0;
    }
}

bool
wsv_state_is_stop(uint32_t control)
{
    return control == WSV_CONTROL_STOP || control == WSV_CONTROL_SHUTDOWN ||
           control == WSV_CONTROL_PRESHUTDOWN;
}

wsv_query
wsv_state_query(uint32_t control, uint32_t event_type)
{
    if (control == WSV_CONTROL_DEVICEEVENT &&
        event_type == WSV_DBT_DEVICEQUERYREMOVE)
        return WSV_QUERY_DEVICEQUERYREMOVE;
    if (control == WSV_CONTROL_HARDWAREPROFILECHANGE &&
        event_type == WSV_DBT_QUERYCHANGECONFIG)
        return WSV_QUERY_QUERYCHANGECONFIG;
    return WSV_QUERY_NONE;
}

static wsv_decision
decision(wsv_action action, uint32_t next, uint32_t answer)
{
    wsv_decision made;

    made.action = action;
    made.next = next;
    made.answer = answer;
    return made;
}

wsv_decision
wsv_state_decide(uint32_t state, uint32_t accepted, uint32_t control)
{
    uint32_t bit = wsv_state_accept_bit(control);

    if (control == WSV_CONTROL_INTERROGATE)
        return decision(WSV_ANSWER, 0, WSV_NO_ERROR);
    if (state == WSV_STOP_PENDING || state == WSV_STOPPED) {
        /* A second STOP, or SHUTDOWN after PRESHUTDOWN (C-31). */
        if (wsv_state_is_stop(control))
            return decision(WSV_ANSWER, 0, WSV_NO_ERROR);
        if (control == WSV_CONTROL_TRIGGEREVENT) /* E-86 */
            return decision(WSV_ANSWER, 0, ERROR_SHUTDOWN_IN_PROGRESS);
        return decision(WSV_ANSWER, 0, ERROR_SERVICE_CANNOT_ACCEPT_CTRL);
    }
    if (bit != 0 && (accepted & bit) == 0)
        return decision(WSV_ANSWER, 0, WSV_ERROR_CALL_NOT_IMPLEMENTED);
    if (wsv_state_is_stop(control))
        return decision(WSV_ENTER, WSV_STOP_PENDING, WSV_NO_ERROR);
    /* While it starts: what it has registered for, and no more (B-33). */
    if (state == WSV_NOT_READY || (state == WSV_START_PENDING && bit == 0 &&
                                   control != WSV_CONTROL_DEVICEEVENT))
        return decision(WSV_ANSWER, 0, ERROR_SERVICE_CANNOT_ACCEPT_CTRL);
    /* In the other states PAUSE and CONTINUE wait their turn in the queue:
     * what they mean depends on those before them (B-35, I-37). */
    if (control == WSV_CONTROL_PAUSE && state == WSV_RUNNING)
        return decision(WSV_ENTER, WSV_PAUSE_PENDING, WSV_NO_ERROR);
    if (control == WSV_CONTROL_CONTINUE && state == WSV_PAUSED)
        return decision(WSV_ENTER, WSV_CONTINUE_PENDING, WSV_NO_ERROR);
    return decision(WSV_QUEUE, 0, WSV_NO_ERROR);
}
