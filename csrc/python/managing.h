/* The functions of winsvc._core that a client of the SCM uses. */
#ifndef WSV_MANAGING_H
#define WSV_MANAGING_H

#include "python/compat.h"

extern PyMethodDef py_managing_methods[];

#endif
