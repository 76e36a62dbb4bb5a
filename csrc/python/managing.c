#include "python/managing.h"

#include "os/os.h"
#include "python/convert.h"

#define HANDLE_CAPSULE "winsvc.manage.handle"

/* --- conversions --------------------------------------------------------- */

static void
free_handle(PyObject *capsule)
{
    wsv_manage_handle *handle = PyCapsule_GetPointer(capsule, HANDLE_CAPSULE);

    DETACHED(wsv_manage_free(handle));
}

PyObject *
py_handle_new(wsv_manage_handle *handle)
{
    PyObject *capsule = PyCapsule_New(handle, HANDLE_CAPSULE, free_handle);

    if (capsule == NULL)
        DETACHED(wsv_manage_free(handle));
    return capsule;
}

int
py_to_handle(PyObject *capsule, void *out)
{
    wsv_manage_handle **handle = out;

    *handle = PyCapsule_GetPointer(capsule, HANDLE_CAPSULE);
    return *handle != NULL;
}

int
py_to_dword(PyObject *number, void *out)
{
    unsigned long value = PyLong_AsUnsignedLong(number);

    if (value == (unsigned long)-1 && PyErr_Occurred())
        return 0;
    *(uint32_t *)out = (uint32_t)value;
    return 1;
}

bool
py_optional_text(PyObject *text, const wsv_wchar **out, PyObject **keep)
{
    *out = NULL;
    *keep = NULL;
    if (text == Py_None)
        return true;
    *keep = py_text_encode(text, out);
    return *keep != NULL;
}

PyObject *
py_status_new(const wsv_manage_status *record)
{
    const wsv_status *status = &record->status;

    return Py_BuildValue(
        "IIIIIIII", (unsigned int)status->type, (unsigned int)status->state,
        (unsigned int)status->accepted, (unsigned int)status->exit_code,
        (unsigned int)status->specific_code, (unsigned int)status->checkpoint,
        (unsigned int)status->wait_hint, (unsigned int)record->pid);
}

/* --- the SCM ------------------------------------------------------------- */

/* manager_open(machine | None, access) -> handle */
static PyObject *
manager_open(PyObject *Py_UNUSED(module), PyObject *args)
{
    wsv_manage_handle *manager;
    const wsv_wchar *machine;
    PyObject *text, *keep;
    uint32_t access;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OO&:manager_open", &text, py_to_dword,
                          &access))
        return NULL;
    if (!py_optional_text(text, &machine, &keep))
        return NULL;
    DETACHED(err = wsv_manage_connect(machine, access, &manager, &why));
    Py_XDECREF(keep);
    if (err != WSV_OK)
        return py_raise(err, &why);
    return py_handle_new(manager);
}

/* handle_close(handle): of the SCM or a service; again does nothing */
static PyObject *
handle_close(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_manage_handle *handle;

    if (!py_to_handle(capsule, &handle))
        return NULL;
    DETACHED(wsv_manage_close(handle));
    Py_RETURN_NONE;
}

/* (name, display_name, status) of each; frees the list. */
static PyObject *
build_list(wsv_manage_list *list)
{
    PyObject *services = PyList_New(0), *name, *display_name, *status, *item;
    wsv_manage_entry entry;

    while (services != NULL && wsv_manage_list_next(list, &entry)) {
        name = py_text_decode(entry.name);
        display_name = py_text_decode(entry.display_name);
        status = py_status_new(&entry.status);
        item = NULL;
        if (name != NULL && display_name != NULL && status != NULL)
            item = PyTuple_Pack(3, name, display_name, status);
        if (item == NULL || PyList_Append(services, item) < 0)
            Py_CLEAR(services);
        Py_XDECREF(name);
        Py_XDECREF(display_name);
        Py_XDECREF(status);
        Py_XDECREF(item);
    }
    wsv_manage_list_free(list);
    return services;
}

/* service_list(manager, states, group | None) -> list */
static PyObject *
service_list(PyObject *Py_UNUSED(module), PyObject *args)
{
    wsv_manage_handle *manager;
    const wsv_wchar *group;
    PyObject *text, *keep;
    wsv_manage_list *list;
    uint32_t states;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "O&O&O:service_list", py_to_handle, &manager,
                          py_to_dword, &states, &text))
        return NULL;
    if (!py_optional_text(text, &group, &keep))
        return NULL;
    DETACHED(err = wsv_manage_list_new(manager, states, group, &list, &why));
    Py_XDECREF(keep);
    if (err != WSV_OK)
        return py_raise(err, &why);
    return build_list(list);
}

/* service_dependents(service, states) -> list; no pids */
static PyObject *
service_dependents(PyObject *Py_UNUSED(module), PyObject *args)
{
    wsv_manage_handle *service;
    wsv_manage_list *list;
    uint32_t states;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "O&O&:service_dependents", py_to_handle,
                          &service, py_to_dword, &states))
        return NULL;
    DETACHED(err = wsv_manage_dependents_new(service, states, &list, &why));
    if (err != WSV_OK)
        return py_raise(err, &why);
    return build_list(list);
}

/* service_open(manager, name, access) -> handle */
static PyObject *
service_open(PyObject *Py_UNUSED(module), PyObject *args)
{
    wsv_manage_handle *manager, *service;
    const wsv_wchar *name;
    PyObject *text, *keep;
    uint32_t access;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "O&OO&:service_open", py_to_handle, &manager,
                          &text, py_to_dword, &access))
        return NULL;
    keep = py_text_encode(text, &name);
    if (keep == NULL)
        return NULL;
    DETACHED(err = wsv_manage_open(manager, name, access, &service, &why));
    Py_DECREF(keep);
    if (err != WSV_OK)
        return py_raise(err, &why);
    return py_handle_new(service);
}

/* --- one service --------------------------------------------------------- */

/* service_delete(service) */
static PyObject *
service_delete(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_manage_handle *service;
    wsv_oserr why;
    wsv_err err;

    if (!py_to_handle(capsule, &service))
        return NULL;
    DETACHED(err = wsv_manage_delete(service, &why));
    if (err != WSV_OK)
        return py_raise(err, &why);
    Py_RETURN_NONE;
}

/* service_start(service, arguments) */
static PyObject *
service_start(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *arguments, *keep = NULL;
    wsv_manage_handle *service;
    const wsv_wchar **argv;
    wsv_oserr why;
    uint32_t argc;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "O&O!:service_start", py_to_handle, &service,
                          &PyTuple_Type, &arguments))
        return NULL;
    argv = py_texts_encode(arguments, &argc, &keep);
    if (argv == NULL)
        return NULL;
    DETACHED(err = wsv_manage_start(service, argc, argv, &why));
    PyMem_Free((void *)argv);
    Py_DECREF(keep);
    if (err != WSV_OK)
        return py_raise(err, &why);
    Py_RETURN_NONE;
}

/* service_control(service, code) -> status, its pid 0 */
static PyObject *
service_control(PyObject *Py_UNUSED(module), PyObject *args)
{
    wsv_manage_handle *service;
    wsv_manage_status status;
    uint32_t code;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "O&O&:service_control", py_to_handle, &service,
                          py_to_dword, &code))
        return NULL;
    DETACHED(err = wsv_manage_control(service, code, &status, &why));
    if (err != WSV_OK)
        return py_raise(err, &why);
    return py_status_new(&status);
}

/* service_control_reason(service, code, reason, comment | None) -> status */
static PyObject *
service_control_reason(PyObject *Py_UNUSED(module), PyObject *args)
{
    wsv_manage_handle *service;
    wsv_manage_status status;
    const wsv_wchar *comment;
    uint32_t code, reason;
    PyObject *text, *keep;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "O&O&O&O:service_control_reason", py_to_handle,
                          &service, py_to_dword, &code, py_to_dword, &reason,
                          &text))
        return NULL;
    if (!py_optional_text(text, &comment, &keep))
        return NULL;
    DETACHED(err = wsv_manage_control_reason(service, code, reason, comment,
                                             &status, &why));
    Py_XDECREF(keep);
    if (err != WSV_OK)
        return py_raise(err, &why);
    return py_status_new(&status);
}

/* service_status(service) -> status */
static PyObject *
service_status(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_manage_handle *service;
    wsv_manage_status status;
    wsv_oserr why;
    wsv_err err;

    if (!py_to_handle(capsule, &service))
        return NULL;
    DETACHED(err = wsv_manage_query(service, &status, &why));
    if (err != WSV_OK)
        return py_raise(err, &why);
    return py_status_new(&status);
}

/* session_user(session id) -> (domain, user); empty: nobody */
static PyObject *
session_user(PyObject *Py_UNUSED(module), PyObject *number)
{
    wsv_wchar *domain, *user;
    PyObject *made = NULL;
    uint32_t session;
    wsv_oserr why;
    wsv_err err;

    if (!py_to_dword(number, &session))
        return NULL;
    DETACHED(err = wsv_session_user(session, &domain, &user, &why));
    if (err != WSV_OK)
        return py_raise(err, &why);
    made = Py_BuildValue("NN", py_text_decode(domain), py_text_decode(user));
    wsv_os_free(domain);
    wsv_os_free(user);
    return made;
}

PyMethodDef py_managing_methods[] = {
    {"manager_open", manager_open, METH_VARARGS, NULL},
    {"handle_close", handle_close, METH_O, NULL},
    {"service_list", service_list, METH_VARARGS, NULL},
    {"service_dependents", service_dependents, METH_VARARGS, NULL},
    {"service_open", service_open, METH_VARARGS, NULL},
    {"service_delete", service_delete, METH_O, NULL},
    {"service_start", service_start, METH_VARARGS, NULL},
    {"service_control", service_control, METH_VARARGS, NULL},
    {"service_control_reason", service_control_reason, METH_VARARGS, NULL},
    {"service_status", service_status, METH_O, NULL},
    {"session_user", session_user, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
