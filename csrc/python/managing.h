/* The functions of winsvc._core that a client of the SCM uses, and what the
 * files with them share. */
#ifndef WSV_MANAGING_H
#define WSV_MANAGING_H

#include "manage/manage.h"
#include "python/compat.h"

extern PyMethodDef py_managing_methods[];
extern PyMethodDef py_configuring_methods[];
extern PyMethodDef py_rights_methods[];

/* A capsule of the SCM's or a service's handle, which it takes over. */
PyObject *py_handle_new(wsv_manage_handle *handle) WSV_GIL;

/* For PyArg_ParseTuple's O&, and the functions of one argument: to a
 * wsv_manage_handle *, borrowed from the capsule, and to a uint32_t. */
int py_to_handle(PyObject *capsule, void *out) WSV_GIL;
int py_to_dword(PyObject *number, void *out) WSV_GIL;

/* A text that may be None, which gives NULL.  `*keep` (NULL for None) owns it.
 * False: an exception is set. */
bool py_optional_text(PyObject *text, const wsv_wchar **out,
                      PyObject **keep) WSV_GIL;

/* (type, state, accepted, exit_code, specific_code, checkpoint, wait_hint ms,
 * pid) */
PyObject *py_status_new(const wsv_manage_status *record) WSV_GIL;

#endif
