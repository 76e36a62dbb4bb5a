/* Python.h, and the two ways in and out of the GIL. */
#ifndef WSV_COMPAT_H
#define WSV_COMPAT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "core/base.h"

/* The only places where the GIL changes hands.  A C thread of ours never
 * takes it: events are queued, and Python's threads wait detached. */
static inline PyThreadState *
py_gil_release(void) WSV_ATTR(release_capability(wsv_gil))
    WSV_ATTR(no_thread_safety_analysis)
{
    return PyEval_SaveThread();
}

static inline void
py_gil_acquire(PyThreadState *state) WSV_ATTR(acquire_capability(wsv_gil))
    WSV_ATTR(no_thread_safety_analysis)
{
    PyEval_RestoreThread(state);
}

/* Run a statement that may block without the GIL. */
#define DETACHED(statement)                                                   \
    do {                                                                      \
        PyThreadState *state_ = py_gil_release();                             \
        statement;                                                            \
        py_gil_acquire(state_);                                               \
    } while (0)

#endif
