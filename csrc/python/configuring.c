/* What the SCM keeps of a service, for Python: settings, levels, security. */
#include <string.h>
#include <wchar.h>

#include "core/text.h"
#include "os/os.h"
#include "python/convert.h"
#include "python/managing.h"

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

/* --- texts --------------------------------------------------------------- */

/* What texts of a call are in until it is over. */
typedef struct held_texts {
    PyObject *kept[6];
    int count;
    wchar_t *secret;
    size_t secret_size;
} held_texts;

static void
texts_free(held_texts *texts)
{
    while (texts->count > 0)
        Py_DECREF(texts->kept[--texts->count]);
    if (texts->secret == NULL)
        return;
    SecureZeroMemory(texts->secret, texts->secret_size);
    wsv_os_free(texts->secret);
}

static void
keep(held_texts *texts, PyObject *owner)
{
    if (owner != NULL)
        texts->kept[texts->count++] = owner;
}

/* A text, or NULL for None.  False: an exception is set. */
static bool
encode(PyObject *text, const wsv_wchar **out, held_texts *texts)
{
    PyObject *owner;
    bool done = py_optional_text(text, out, &owner);

    keep(texts, owner);
    return done;
}

/* A password is copied once, and nothing that it says gets into an exception.
 */
static bool
encode_secret(PyObject *secret, const wsv_wchar **out, held_texts *texts)
{
    Py_ssize_t count;

    *out = NULL;
    if (secret == Py_None)
        return true;
    if (!PyUnicode_Check(secret)) {
        PyErr_SetString(PyExc_TypeError, "the password is not a str");
        return false;
    }
    count = PyUnicode_AsWideChar(secret, NULL, 0); /* with its end */
    if (count < 0)
        return false;
    texts->secret_size = (size_t)count * sizeof(*texts->secret);
    texts->secret = wsv_os_alloc(texts->secret_size);
    if (texts->secret == NULL) {
        PyErr_NoMemory();
        return false;
    }
    if (PyUnicode_AsWideChar(secret, texts->secret, count) < 0)
        return false;
    if (wcslen(texts->secret) + 1 != (size_t)count) {
        PyErr_SetString(PyExc_ValueError, "the password holds a NUL");
        return false;
    }
    *out = (const wsv_wchar *)texts->secret;
    return true;
}

/* One text after the other, with an empty one at the end; two of them for no
 * texts, as a list's end is two zeros (E-41). */
static PyObject *
join(const wsv_wchar *const *items, uint32_t count, const wsv_wchar **out)
{
    size_t units = 2;
    PyObject *joined;
    wsv_wchar *end;
    uint32_t i;

    for (i = 0; i < count; i++) {
        if (items[i][0] == 0) { /* it would end the list */
            PyErr_SetString(PyExc_ValueError, "a dependency is an empty text");
            return NULL;
        }
        units += wsv_text_length(items[i]) + 1;
    }
    joined = PyBytes_FromStringAndSize(
        NULL, (Py_ssize_t)(units * sizeof(wsv_wchar)));
    if (joined == NULL)
        return NULL;
    end = (wsv_wchar *)(void *)PyBytes_AsString(joined);
    memset(end, 0, units * sizeof(*end));
    *out = end;
    for (i = 0; i < count; i++) {
        units = wsv_text_length(items[i]);
        memcpy(end, items[i], units * sizeof(*end));
        end += units + 1;
    }
    return joined;
}

/* A tuple of texts to a list, or NULL for None. */
static bool
encode_list(PyObject *list, const wsv_wchar **out, held_texts *texts)
{
    PyObject *owners, *joined;
    const wsv_wchar **items;
    uint32_t count;

    *out = NULL;
    if (list == Py_None)
        return true;
    if (!PyTuple_Check(list)) {
        PyErr_SetString(PyExc_TypeError, "the dependencies are not a tuple");
        return false;
    }
    items = py_texts_encode(list, &count, &owners);
    if (items == NULL)
        return false;
    joined = join(items, count, out);
    PyMem_Free((void *)items);
    Py_DECREF(owners);
    keep(texts, joined);
    return joined != NULL;
}

static PyObject *
decode_list(const wsv_wchar *list)
{
    PyObject *items = PyList_New(0), *item, *tuple;

    for (; items != NULL && *list != 0; list += wsv_text_length(list) + 1) {
        item = py_text_decode(list);
        if (item == NULL || PyList_Append(items, item) < 0)
            Py_CLEAR(items);
        Py_XDECREF(item);
    }
    if (items == NULL)
        return NULL;
    tuple = PyList_AsTuple(items);
    Py_DECREF(items);
    return tuple;
}

/* A text that the core has allocated; frees it. */
static PyObject *
decode_owned(wsv_err err, wsv_wchar *text, const wsv_oserr *why)
{
    PyObject *decoded;

    if (err != WSV_OK)
        return py_raise(err, why);
    decoded = py_text_decode(text);
    wsv_os_free(text);
    return decoded;
}

/* --- settings ------------------------------------------------------------ */

/* For PyArg_ParseTuple's O&: a number, or None to keep what is. */
static int
to_change(PyObject *number, void *out)
{
    if (number != Py_None)
        return py_to_dword(number, out);
    *(uint32_t *)out = WSV_MANAGE_KEEP;
    return 1;
}

/* The six texts of a service's settings, as Python gave them. */
typedef struct given_texts {
    PyObject *command_line, *group, *dependencies, *account, *password,
        *display_name;
} given_texts;

static bool
encode_settings(const given_texts *given, wsv_manage_settings *settings,
                held_texts *texts)
{
    return encode(given->command_line, &settings->command_line, texts) &&
           encode(given->group, &settings->group, texts) &&
           encode_list(given->dependencies, &settings->dependencies, texts) &&
           encode(given->account, &settings->account, texts) &&
           encode_secret(given->password, &settings->password, texts) &&
           encode(given->display_name, &settings->display_name, texts);
}

/* service_create(manager, name, service_type, start_type, error_control,
 * command_line, group | None, dependencies | None, account | None, password |
 * None, display_name | None, access) -> handle */
static PyObject *
service_create(PyObject *Py_UNUSED(module), PyObject *args)
{
    wsv_manage_handle *manager, *service;
    PyObject *key, *result = NULL;
    wsv_manage_settings settings;
    const wsv_wchar *name;
    held_texts texts = {0};
    uint32_t access;
    wsv_oserr why;
    given_texts given;
    wsv_err err;

    memset(&settings, 0, sizeof(settings));
    if (!PyArg_ParseTuple(
            args, "O&UO&O&O&UOOOOOO&:service_create", py_to_handle, &manager,
            &key, py_to_dword, &settings.service_type, py_to_dword,
            &settings.start_type, py_to_dword, &settings.error_control,
            &given.command_line, &given.group, &given.dependencies,
            &given.account, &given.password, &given.display_name, py_to_dword,
            &access))
        return NULL;
    if (encode(key, &name, &texts) &&
        encode_settings(&given, &settings, &texts)) {
        DETACHED(err = wsv_manage_create(manager, name, &settings, access,
                                         &service, &why));
        result = err == WSV_OK ? py_handle_new(service) : py_raise(err, &why);
    }
    texts_free(&texts);
    return result;
}

/* service_change(service, service_type | None, start_type | None,
 * error_control | None, command_line | None, group | None, dependencies |
 * None, account | None, password | None, display_name | None) */
static PyObject *
service_change(PyObject *Py_UNUSED(module), PyObject *args)
{
    wsv_manage_settings settings;
    wsv_manage_handle *service;
    PyObject *result = NULL;
    held_texts texts = {0};
    wsv_oserr why;
    given_texts given;
    wsv_err err;

    memset(&settings, 0, sizeof(settings));
    if (!PyArg_ParseTuple(args, "O&O&O&O&OOOOOO:service_change", py_to_handle,
                          &service, to_change, &settings.service_type,
                          to_change, &settings.start_type, to_change,
                          &settings.error_control, &given.command_line,
                          &given.group, &given.dependencies, &given.account,
                          &given.password, &given.display_name))
        return NULL;
    if (encode_settings(&given, &settings, &texts)) {
        DETACHED(err = wsv_manage_change(service, &settings, &why));
        if (err == WSV_OK) {
            Py_INCREF(Py_None);
            result = Py_None;
        }
        else {
            result = py_raise(err, &why);
        }
    }
    texts_free(&texts);
    return result;
}

/* service_config(service) -> (service type, start type, error control, command
 * line, group, tag, dependencies, account, display name) */
static PyObject *
service_config(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_manage_settings settings;
    wsv_manage_handle *service;
    PyObject *result;
    wsv_oserr why;
    void *memory;
    wsv_err err;

    if (!py_to_handle(capsule, &service))
        return NULL;
    DETACHED(err = wsv_manage_config(service, &settings, &memory, &why));
    if (err != WSV_OK)
        return py_raise(err, &why);
    result = Py_BuildValue(
        "IIINNINNN", (unsigned int)settings.service_type,
        (unsigned int)settings.start_type,
        (unsigned int)settings.error_control,
        py_text_decode(settings.command_line), py_text_decode(settings.group),
        (unsigned int)settings.tag, decode_list(settings.dependencies),
        py_text_decode(settings.account),
        py_text_decode(settings.display_name));
    wsv_os_free(memory);
    return result;
}

/* --- levels -------------------------------------------------------------- */

/* service_config2(service, level) -> (bytes, the address of the first) */
static PyObject *
service_config2(PyObject *Py_UNUSED(module), PyObject *args)
{
    wsv_manage_handle *service;
    PyObject *result;
    uint32_t level;
    wsv_oserr why;
    void *memory;
    size_t size;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "O&O&:service_config2", py_to_handle, &service,
                          py_to_dword, &level))
        return NULL;
    DETACHED(err = wsv_manage_config2(service, level, &memory, &size, &why));
    if (err != WSV_OK)
        return py_raise(err, &why);
    result = Py_BuildValue("y#K", (const char *)memory, (Py_ssize_t)size,
                           (unsigned long long)(uintptr_t)memory);
    wsv_os_free(memory);
    return result;
}

/* Where the pointer at an offset of an image points to, from the image's
 * start: inside it.  False: an exception is set. */
static bool
read_pointer(PyObject *number, const uint8_t *image, size_t size, size_t *at,
             uintptr_t *target)
{
    *at = PyLong_AsSize_t(number);
    if (*at == (size_t)-1 && PyErr_Occurred())
        return false;
    if (*at % sizeof(void *) != 0 || size < sizeof(void *) ||
        *at > size - sizeof(void *)) {
        PyErr_Format(PyExc_ValueError,
                     "no pointer can be at %zu of an image of %zu bytes", *at,
                     size);
        return false;
    }
    memcpy(target, image + *at, sizeof(*target));
    if (*target < size)
        return true;
    PyErr_Format(PyExc_ValueError,
                 "the pointer at %zu points outside an image of %zu bytes",
                 *at, size);
    return false;
}

/* A copy of an image with addresses where it has offsets; freed with
 * wsv_os_free.  NULL: an exception is set. */
static uint8_t *
relocate(const uint8_t *image, size_t size, PyObject *pointers)
{
    Py_ssize_t count = PyTuple_Size(pointers), i;
    uint8_t *copy = wsv_os_alloc(size);
    uintptr_t target;
    size_t at;

    if (copy == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    memcpy(copy, image, size);
    for (i = 0; i < count; i++) {
        if (!read_pointer(PyTuple_GetItem(pointers, i), image, size, &at,
                          &target)) {
            wsv_os_free(copy);
            return NULL;
        }
        target += (uintptr_t)copy;
        memcpy(copy + at, &target, sizeof(target));
    }
    return copy;
}

/* service_change2(service, level, image, pointers) */
static PyObject *
service_change2(PyObject *Py_UNUSED(module), PyObject *args)
{
    wsv_manage_handle *service;
    PyObject *pointers;
    const char *image;
    Py_ssize_t size;
    uint32_t level;
    wsv_oserr why;
    uint8_t *copy;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "O&O&y#O!:service_change2", py_to_handle,
                          &service, py_to_dword, &level, &image, &size,
                          &PyTuple_Type, &pointers))
        return NULL;
    /* The SCM's client reads all of the structure. */
    if ((size_t)size < wsv_manage_level_size(level) || size == 0) {
        PyErr_Format(PyExc_ValueError,
                     "an image of %zd bytes is too short for level %lu", size,
                     (unsigned long)level);
        return NULL;
    }
    copy = relocate((const uint8_t *)image, (size_t)size, pointers);
    if (copy == NULL)
        return NULL;
    DETACHED(err = wsv_manage_change2(service, level, copy, &why));
    wsv_os_free(copy);
    if (err != WSV_OK)
        return py_raise(err, &why);
    Py_RETURN_NONE;
}

/* --- security ------------------------------------------------------------ */

/* service_security(service) -> SDDL */
static PyObject *
service_security(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_manage_handle *service;
    wsv_wchar *sddl;
    wsv_oserr why;
    wsv_err err;

    if (!py_to_handle(capsule, &service))
        return NULL;
    DETACHED(err = wsv_manage_security(service, &sddl, &why));
    return decode_owned(err, sddl, &why);
}

/* service_change_security(service, SDDL) */
static PyObject *
service_change_security(PyObject *Py_UNUSED(module), PyObject *args)
{
    wsv_manage_handle *service;
    const wsv_wchar *sddl;
    PyObject *text, *owner;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "O&U:service_change_security", py_to_handle,
                          &service, &text))
        return NULL;
    owner = py_text_encode(text, &sddl);
    if (owner == NULL)
        return NULL;
    DETACHED(err = wsv_manage_change_security(service, sddl, &why));
    Py_DECREF(owner);
    if (err != WSV_OK)
        return py_raise(err, &why);
    Py_RETURN_NONE;
}

PyMethodDef py_configuring_methods[] = {
    {"service_create", service_create, METH_VARARGS, NULL},
    {"service_change", service_change, METH_VARARGS, NULL},
    {"service_config", service_config, METH_O, NULL},
    {"service_config2", service_config2, METH_VARARGS, NULL},
    {"service_change2", service_change2, METH_VARARGS, NULL},
    {"service_security", service_security, METH_O, NULL},
    {"service_change_security", service_change_security, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
