#include "python/convert.h"

#include <string.h>

#include "core/text.h"

struct wsv_gil_cap wsv_gil;

PyObject *
py_text_encode(PyObject *text, const wsv_wchar **out)
{
    PyObject *encoded, *terminated;
    char *bytes, *copy;
    Py_ssize_t size, i;

    /* With its mark, in the machine's order: any other name of this encoding
       makes Python import a module, which a process that has to start fast can
       do without. */
    encoded = PyUnicode_AsEncodedString(text, "utf-16", "surrogatepass");
    if (encoded == NULL)
        return NULL;
    if (PyBytes_AsStringAndSize(encoded, &bytes, &size) < 0) {
        Py_DECREF(encoded);
        return NULL;
    }
    bytes += 2;
    size -= 2;
    for (i = 0; i + 1 < size; i += 2) {
        if (bytes[i] == 0 && bytes[i + 1] == 0) {
            Py_DECREF(encoded);
            PyErr_Format(PyExc_ValueError, "%R holds a NUL character", text);
            return NULL;
        }
    }
    terminated = PyBytes_FromStringAndSize(NULL, size + 2);
    if (terminated != NULL) {
        copy = PyBytes_AsString(terminated);
        memcpy(copy, bytes, (size_t)size);
        copy[size] = copy[size + 1] = 0;
        *out = (const wsv_wchar *)(const void *)copy;
    }
    Py_DECREF(encoded);
    return terminated;
}

PyObject *
py_text_decode(const wsv_wchar *text)
{
    int little_endian = -1;

    return PyUnicode_DecodeUTF16((const char *)text,
                                 (Py_ssize_t)(wsv_text_length(text) * 2),
                                 "surrogatepass", &little_endian);
}

const wsv_wchar **
py_texts_encode(PyObject *texts, uint32_t *count, PyObject **keep)
{
    Py_ssize_t size = PyTuple_Size(texts), i;
    const wsv_wchar **array;
    PyObject *encoded;

    if (size < 0)
        return NULL;
    *keep = PyTuple_New(size);
    if (*keep == NULL)
        return NULL;
    array = PyMem_Malloc((size_t)size * sizeof(*array) + 1);
    if (array == NULL) {
        PyErr_NoMemory();
        goto failed;
    }
    for (i = 0; i < size; i++) {
        encoded = py_text_encode(PyTuple_GetItem(texts, i), &array[i]);
        if (encoded == NULL || PyTuple_SetItem(*keep, i, encoded) < 0)
            goto failed;
    }
    *count = (uint32_t)size;
    return array;

failed:
    PyMem_Free((void *)array);
    Py_CLEAR(*keep);
    return NULL;
}

bool
py_seconds(PyObject *seconds, uint64_t *ns)
{
    double value;

    *ns = WSV_FOREVER;
    if (seconds == Py_None)
        return true;
    value = PyFloat_AsDouble(seconds);
    if (value == -1.0 && PyErr_Occurred())
        return false;
    if (value != value) {
        PyErr_SetString(PyExc_ValueError, "a time is not a number");
        return false;
    }
    if (value < 0)
        *ns = 0;
    else if (value < 9e9) /* beyond 285 years: for ever */
        *ns = (uint64_t)(value * 1e9);
    return true;
}

PyObject *
py_raise(wsv_err err, const wsv_oserr *why)
{
    PyObject *error, *code;

    switch (err) {
    case WSV_E_OS:
        error = PyObject_CallFunction(PyExc_OSError, "Is",
                                      (unsigned int)why->code, why->call);
        if (error == NULL)
            return NULL;
        /* On Windows this field is there; elsewhere it becomes one. */
        code = PyLong_FromUnsignedLong(why->code);
        if (code != NULL &&
            PyObject_SetAttrString(error, "winerror", code) == 0)
            PyErr_SetObject(PyExc_OSError, error);
        Py_XDECREF(code);
        Py_DECREF(error);
        return NULL;
    case WSV_E_MEMORY:
        return PyErr_NoMemory();
    case WSV_E_CLOSED:
        PyErr_SetString(PyExc_EOFError, "the service has stopped");
        return NULL;
    default:
        PyErr_Format(PyExc_RuntimeError,
                     "not possible in this state of the service (%d)",
                     (int)err);
        return NULL;
    }
}
