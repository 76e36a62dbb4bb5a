/* What a console tells its processes: Ctrl+C, its window closed, a logoff.
 * Windows only.
 *
 * The system calls a process's handlers on a thread of its own, the newest
 * first, until one of them answers that the event is dealt with; the last one,
 * the system's, ends the process. */
#ifndef WSV_CONSOLE_H
#define WSV_CONSOLE_H

#include "core/base.h"

/* CTRL_C_EVENT and so on.  CLOSE ends the process once all handlers have
 * returned, or about 5 s later; LOGOFF and SHUTDOWN reach services, which
 * outlive them by answering that they are dealt with. */
enum {
    WSV_CONSOLE_C = 0,
    WSV_CONSOLE_BREAK = 1,
    WSV_CONSOLE_CLOSE = 2,
    WSV_CONSOLE_LOGOFF = 5,
    WSV_CONSOLE_SHUTDOWN = 6
};

/* From now on no event ends this process, nor gets to the handlers that it has
 * already.  AllocConsole, AttachConsole and FreeConsole undo it, Windows
 * forgetting all handlers then. */
wsv_err wsv_console_ignore(wsv_oserr *why) WSV_NOGIL;
/* From now on the events are for wsv_console_wait instead. */
wsv_err wsv_console_watch(wsv_oserr *why) WSV_NOGIL;
/* From now on they are for the other handlers again. */
void wsv_console_release(void);

/* Block for the next event; WSV_E_CLOSED while they are not watched.  The
 * process has to end soon after one of the last three: it lives for as long as
 * Windows lets their handler wait. */
wsv_err wsv_console_wait(uint32_t *event) WSV_NOGIL;

#endif
