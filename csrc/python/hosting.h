/* The functions of both modules that a hosted service uses. */
#ifndef WSV_HOSTING_H
#define WSV_HOSTING_H

#include "python/compat.h"
#include "scm/scm.h"

extern PyMethodDef py_hosting_methods[];

#ifdef WSV_SIM
/* wire.c: the wire inside a capsule (borrowed), or NULL with an exception. */
wsv_scm *py_wire(PyObject *capsule) WSV_GIL;
extern PyMethodDef py_wire_methods[];
#endif

#endif
