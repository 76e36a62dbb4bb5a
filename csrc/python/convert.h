/* Between Python objects and the core's plain types; the one place that
 * raises. */
#ifndef WSV_CONVERT_H
#define WSV_CONVERT_H

#include "python/compat.h"

/* UTF-16 text of a str, zero-terminated, lone surrogates kept (I-19).  The
 * text lives as long as the bytes object returned.  Raises ValueError when the
 * str holds a NUL. */
PyObject *py_text_encode(PyObject *text, const wsv_wchar **out) WSV_GIL;
PyObject *py_text_decode(const wsv_wchar *text) WSV_GIL;
/* A tuple of str to an array of `count` texts.  Freed with PyMem_Free; the
 * texts live as long as `*keep` (a new reference). */
const wsv_wchar **py_texts_encode(PyObject *texts, uint32_t *count,
                                  PyObject **keep) WSV_GIL;
/* Seconds (None: for ever) to ns.  False: an exception is set. */
bool py_seconds(PyObject *seconds, uint64_t *ns) WSV_GIL;

/* Raise, and return NULL.  WSV_E_OS becomes OSError(code, call) whose
 * `winerror` is the Windows code; the others MemoryError, RuntimeError. */
PyObject *py_raise(wsv_err err, const wsv_oserr *why) WSV_GIL;

#endif
