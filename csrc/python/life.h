/* Functions of both modules about one life of a service. */
#ifndef WSV_PYTHON_LIFE_H
#define WSV_PYTHON_LIFE_H

#include "python/compat.h" /* first: so Python.h wants it */

#include "core/runtime.h"

extern PyMethodDef py_life_methods[];

/* A capsule of a life that keeps `service` alive. */
PyObject *py_life_new(wsv_life life, PyObject *service) WSV_GIL;

#endif
