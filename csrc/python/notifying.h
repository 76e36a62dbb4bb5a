/* The functions of winsvc._core that are notified of services. */
#ifndef WSV_NOTIFYING_H
#define WSV_NOTIFYING_H

#include "python/compat.h"

extern PyMethodDef py_notifying_methods[];

#endif
