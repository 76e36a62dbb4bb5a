#include "python/managing.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <wchar.h>

#include "manage/manage.h"
#include "os/os.h"
#include "python/convert.h"

#define HANDLE_CAPSULE "winsvc.handle"

/* --- conversions --------------------------------------------------------- */

static void
free_handle(PyObject *capsule)
{
    wsv_manage_handle *handle = PyCapsule_GetPointer(capsule, HANDLE_CAPSULE);

    DETACHED(wsv_manage_free(handle));
}

/* Takes `handle` over. */
static PyObject *
new_handle(wsv_manage_handle *handle)
{
    PyObject *capsule = PyCapsule_New(handle, HANDLE_CAPSULE, free_handle);

    if (capsule == NULL)
        DETACHED(wsv_manage_free(handle));
    return capsule;
}

/* For PyArg_ParseTuple's O&, and the functions of one argument. */
static int
to_handle(PyObject *capsule, void *out)
{
    wsv_manage_handle **handle = out;

    *handle = PyCapsule_GetPointer(capsule, HANDLE_CAPSULE);
    return *handle != NULL;
}

static int
to_dword(PyObject *number, void *out)
{
    unsigned long value = PyLong_AsUnsignedLong(number);

    if (value == (unsigned long)-1 && PyErr_Occurred())
        return 0;
    *(uint32_t *)out = (uint32_t)value;
    return 1;
}

/* A text that may be None.  False: an exception is set. */
static bool
encode(PyObject *text, const wsv_wchar **out, PyObject **keep)
{
    *out = NULL;
    *keep = NULL;
    if (text == Py_None)
        return true;
    *keep = py_text_encode(text, out);
    return *keep != NULL;
}

/* A password is copied once, and nothing that it says gets into an exception.
 * Freed with forget(). */
static bool
encode_secret(PyObject *secret, wchar_t **out, size_t *size)
{
    Py_ssize_t count;

    *out = NULL;
    *size = 0;
    if (secret == Py_None)
        return true;
    if (!PyUnicode_Check(secret)) {
        PyErr_SetString(PyExc_TypeError, "the password is not a str");
        return false;
    }
    count = PyUnicode_AsWideChar(secret, NULL, 0); /* with its end */
    if (count < 0)
        return false;
    *size = (size_t)count * sizeof(**out);
    *out = wsv_os_alloc(*size);
    if (*out == NULL) {
        PyErr_NoMemory();
        return false;
    }
    if (PyUnicode_AsWideChar(secret, *out, count) >= 0 &&
        wcslen(*out) + 1 == (size_t)count)
        return true;
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "the password holds a NUL");
    return false;
}

static void
forget(wchar_t *secret, size_t size)
{
    if (secret == NULL)
        return;
    SecureZeroMemory(secret, size);
    wsv_os_free(secret);
}

/* (type, state, accepted, exit_code, specific_code, checkpoint, wait_hint ms,
 * pid) */
static PyObject *
build_status(const wsv_manage_status *record)
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

    if (!PyArg_ParseTuple(args, "OO&:manager_open", &text, to_dword, &access))
        return NULL;
    if (!encode(text, &machine, &keep))
        return NULL;
    DETACHED(err = wsv_manage_connect(machine, access, &manager, &why));
    Py_XDECREF(keep);
    if (err != WSV_OK)
        return py_raise(err, &why);
    return new_handle(manager);
}

/* handle_close(handle): of the SCM or a service; again does nothing */
static PyObject *
handle_close(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_manage_handle *handle;

    if (!to_handle(capsule, &handle))
        return NULL;
    DETACHED(wsv_manage_close(handle));
    Py_RETURN_NONE;
}

/* service_list(manager) -> list of (name, display_name, status) */
static PyObject *
service_list(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    PyObject *services, *name, *display_name, *status, *item;
    wsv_manage_handle *manager;
    wsv_manage_entry entry;
    wsv_manage_list *list;
    wsv_oserr why;
    wsv_err err;

    if (!to_handle(capsule, &manager))
        return NULL;
    DETACHED(err = wsv_manage_list_new(manager, &list, &why));
    if (err != WSV_OK)
        return py_raise(err, &why);
    services = PyList_New(0);
    while (services != NULL && wsv_manage_list_next(list, &entry)) {
        name = py_text_decode(entry.name);
        display_name = py_text_decode(entry.display_name);
        status = build_status(&entry.status);
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

/* service_create(manager, name, display_name, command_line, service_type,
 * start_type, account | None, password | None, access) -> handle */
static PyObject *
service_create(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *name, *display_name, *command_line, *account, *password;
    PyObject *keep[4] = {NULL, NULL, NULL, NULL}, *result = NULL;
    wsv_manage_handle *manager, *service;
    wsv_manage_config config;
    wchar_t *secret = NULL;
    uint32_t access;
    wsv_oserr why;
    wsv_err err;
    size_t size = 0;
    int i;

    if (!PyArg_ParseTuple(args, "O&OOOO&O&OOO&:service_create", to_handle,
                          &manager, &name, &display_name, &command_line,
                          to_dword, &config.service_type, to_dword,
                          &config.start_type, &account, &password, to_dword,
                          &access))
        return NULL;
    if (encode(name, &config.name, &keep[0]) &&
        encode(display_name, &config.display_name, &keep[1]) &&
        encode(command_line, &config.command_line, &keep[2]) &&
        encode(account, &config.account, &keep[3]) &&
        encode_secret(password, &secret, &size)) {
        config.password = (const wsv_wchar *)secret;
        DETACHED(
            err = wsv_manage_create(manager, &config, access, &service, &why));
        result = err == WSV_OK ? new_handle(service) : py_raise(err, &why);
    }
    forget(secret, size);
    for (i = 0; i < 4; i++)
        Py_XDECREF(keep[i]);
    return result;
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

    if (!PyArg_ParseTuple(args, "O&OO&:service_open", to_handle, &manager,
                          &text, to_dword, &access))
        return NULL;
    keep = py_text_encode(text, &name);
    if (keep == NULL)
        return NULL;
    DETACHED(err = wsv_manage_open(manager, name, access, &service, &why));
    Py_DECREF(keep);
    if (err != WSV_OK)
        return py_raise(err, &why);
    return new_handle(service);
}

/* --- one service --------------------------------------------------------- */

/* service_delete(service) */
static PyObject *
service_delete(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_manage_handle *service;
    wsv_oserr why;
    wsv_err err;

    if (!to_handle(capsule, &service))
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

    if (!PyArg_ParseTuple(args, "O&O!:service_start", to_handle, &service,
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

    if (!PyArg_ParseTuple(args, "O&O&:service_control", to_handle, &service,
                          to_dword, &code))
        return NULL;
    DETACHED(err = wsv_manage_control(service, code, &status, &why));
    if (err != WSV_OK)
        return py_raise(err, &why);
    return build_status(&status);
}

/* service_status(service) -> status */
static PyObject *
service_status(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_manage_handle *service;
    wsv_manage_status status;
    wsv_oserr why;
    wsv_err err;

    if (!to_handle(capsule, &service))
        return NULL;
    DETACHED(err = wsv_manage_query(service, &status, &why));
    if (err != WSV_OK)
        return py_raise(err, &why);
    return build_status(&status);
}

/* service_describe(service, text): "" removes the description */
static PyObject *
service_describe(PyObject *Py_UNUSED(module), PyObject *args)
{
    wsv_manage_handle *service;
    const wsv_wchar *description;
    PyObject *text, *keep;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "O&O:service_describe", to_handle, &service,
                          &text))
        return NULL;
    keep = py_text_encode(text, &description);
    if (keep == NULL)
        return NULL;
    DETACHED(err = wsv_manage_describe(service, description, &why));
    Py_DECREF(keep);
    if (err != WSV_OK)
        return py_raise(err, &why);
    Py_RETURN_NONE;
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

    if (!to_dword(number, &session))
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
    {"service_list", service_list, METH_O, NULL},
    {"service_create", service_create, METH_VARARGS, NULL},
    {"service_open", service_open, METH_VARARGS, NULL},
    {"service_delete", service_delete, METH_O, NULL},
    {"service_start", service_start, METH_VARARGS, NULL},
    {"service_control", service_control, METH_VARARGS, NULL},
    {"service_status", service_status, METH_O, NULL},
    {"service_describe", service_describe, METH_VARARGS, NULL},
    {"session_user", session_user, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
