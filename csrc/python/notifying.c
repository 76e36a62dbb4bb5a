#include "python/notifying.h"

#include "core/text.h"
#include "manage/notify.h"
#include "os/os.h"
#include "python/convert.h"
#include "python/managing.h"

#define NOTIFIER_CAPSULE "winsvc.manage.notifier"

static void
free_notifier(PyObject *capsule)
{
    wsv_notifier *notifier = PyCapsule_GetPointer(capsule, NOTIFIER_CAPSULE);

    DETACHED(wsv_notifier_free(notifier));
}

static int
to_notifier(PyObject *capsule, void *out)
{
    wsv_notifier **notifier = out;

    *notifier = PyCapsule_GetPointer(capsule, NOTIFIER_CAPSULE);
    return *notifier != NULL;
}

static PyObject *
failed(wsv_err err, const wsv_oserr *why)
{
    if (err != WSV_E_CLOSED)
        return py_raise(err, why);
    PyErr_SetString(PyExc_EOFError, "the notifier is closed");
    return NULL;
}

/* notifier_new() -> notifier */
static PyObject *
notifier_new(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    wsv_notifier *notifier;
    PyObject *capsule;
    wsv_oserr why;
    wsv_err err;

    DETACHED(err = wsv_notifier_new(&notifier, &why));
    if (err != WSV_OK)
        return failed(err, &why);
    capsule = PyCapsule_New(notifier, NOTIFIER_CAPSULE, free_notifier);
    if (capsule == NULL)
        DETACHED(wsv_notifier_free(notifier));
    return capsule;
}

/* notifier_add(notifier, handle, mask, key) */
static PyObject *
notifier_add(PyObject *Py_UNUSED(module), PyObject *args)
{
    wsv_manage_handle *handle;
    unsigned long long key;
    wsv_notifier *notifier;
    uint32_t mask;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "O&O&O&K:notifier_add", to_notifier, &notifier,
                          py_to_handle, &handle, py_to_dword, &mask, &key))
        return NULL;
    DETACHED(err = wsv_notifier_add(notifier, handle, mask, key, &why));
    if (err != WSV_OK)
        return failed(err, &why);
    Py_RETURN_NONE;
}

/* notifier_remove(notifier, key) */
static PyObject *
notifier_remove(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned long long key;
    wsv_notifier *notifier;

    if (!PyArg_ParseTuple(args, "O&K:notifier_remove", to_notifier, &notifier,
                          &key))
        return NULL;
    DETACHED(wsv_notifier_remove(notifier, key));
    Py_RETURN_NONE;
}

static PyObject *
build_names(const wsv_notice *notice)
{
    PyObject *names = PyList_New(0), *name, *tuple;
    uint32_t at = 0;

    while (names != NULL && at < notice->names_size) {
        name = py_text_decode(notice->names + at);
        at += (uint32_t)wsv_text_length(notice->names + at) + 1;
        if (name == NULL || PyList_Append(names, name) < 0)
            Py_CLEAR(names);
        Py_XDECREF(name);
    }
    if (names == NULL)
        return NULL;
    tuple = PyList_AsTuple(names);
    Py_DECREF(names);
    return tuple;
}

/* (key, code, triggered, status, names) */
static PyObject *
build_notice(const wsv_notice *notice)
{
    PyObject *status = py_status_new(&notice->status), *names;

    if (status == NULL)
        return NULL;
    names = build_names(notice);
    if (names == NULL) {
        Py_DECREF(status);
        return NULL;
    }
    return Py_BuildValue("KIINN", (unsigned long long)notice->key,
                         (unsigned int)notice->code,
                         (unsigned int)notice->triggered, status, names);
}

/* notifier_wait(notifier, seconds | None) -> list of notices */
static PyObject *
notifier_wait(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *seconds, *notices, *made;
    wsv_notifier *notifier;
    wsv_notice notice;
    uint64_t timeout;
    wsv_err err;
    bool found;

    if (!PyArg_ParseTuple(args, "O&O:notifier_wait", to_notifier, &notifier,
                          &seconds) ||
        !py_seconds(seconds, &timeout))
        return NULL;
    DETACHED(err = wsv_notifier_wait(notifier, timeout));
    if (err == WSV_E_CLOSED)
        return failed(err, NULL);
    notices = PyList_New(0);
    while (notices != NULL) {
        DETACHED(found = wsv_notifier_take(notifier, &notice));
        if (!found)
            break;
        made = build_notice(&notice);
        wsv_os_free(notice.names);
        if (made == NULL || PyList_Append(notices, made) < 0)
            Py_CLEAR(notices);
        Py_XDECREF(made);
    }
    return notices;
}

/* notifier_close(notifier): again does nothing */
static PyObject *
notifier_close(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_notifier *notifier;

    if (!to_notifier(capsule, &notifier))
        return NULL;
    DETACHED(wsv_notifier_close(notifier));
    Py_RETURN_NONE;
}

PyMethodDef py_notifying_methods[] = {
    {"notifier_new", notifier_new, METH_NOARGS, NULL},
    {"notifier_add", notifier_add, METH_VARARGS, NULL},
    {"notifier_remove", notifier_remove, METH_VARARGS, NULL},
    {"notifier_wait", notifier_wait, METH_VARARGS, NULL},
    {"notifier_close", notifier_close, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
