#include "python/terminal.h"

#include "os/console.h"
#include "python/convert.h"

/* console_ignore() */
static PyObject *
console_ignore(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    wsv_oserr why;
    wsv_err err;

    DETACHED(err = wsv_console_ignore(&why));
    if (err != WSV_OK)
        return py_raise(err, &why);
    Py_RETURN_NONE;
}

/* console_watch() */
static PyObject *
console_watch(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    wsv_oserr why;
    wsv_err err;

    DETACHED(err = wsv_console_watch(&why));
    if (err != WSV_OK)
        return py_raise(err, &why);
    Py_RETURN_NONE;
}

/* console_release() */
static PyObject *
console_release(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    wsv_console_release();
    Py_RETURN_NONE;
}

/* console_wait() -> event | None */
static PyObject *
console_wait(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    uint32_t event;
    wsv_err err;

    DETACHED(err = wsv_console_wait(&event));
    if (err != WSV_OK)
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLong(event);
}

PyMethodDef py_terminal_methods[] = {
    {"console_ignore", console_ignore, METH_NOARGS, NULL},
    {"console_watch", console_watch, METH_NOARGS, NULL},
    {"console_release", console_release, METH_NOARGS, NULL},
    {"console_wait", console_wait, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
