/* The functions of winsvc._core that write and read the event log. */
#ifndef WSV_PY_EVENTLOG_H
#define WSV_PY_EVENTLOG_H

#include "python/compat.h"

extern PyMethodDef py_eventlog_methods[];

#endif
