/* The functions of winsvc._core about the events of the console. */
#ifndef WSV_TERMINAL_H
#define WSV_TERMINAL_H

#include "python/compat.h"

extern PyMethodDef py_terminal_methods[];

#endif
