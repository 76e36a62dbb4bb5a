#include "python/hosting.h"

#include "core/process.h"
#include "python/convert.h"
#include "python/life.h"

#define PROCESS "winsvc.process"
#define RUNTIME "winsvc.runtime"

/* --- capsules
 * ---------------------------------------------------------------- */

WSV_GIL static void
free_process(PyObject *capsule)
{
    wsv_process *process = PyCapsule_GetPointer(capsule, PROCESS);
    PyThreadState *state;

#ifdef WSV_SIM
    state = py_gil_release();
    wsv_process_free(process);
    py_gil_acquire(state);
    Py_XDECREF((PyObject *)PyCapsule_GetContext(capsule)); /* its wire */
#else
    /* The SCM's threads may be in it until the process ends (A-12). */
    (void)process;
    (void)state;
#endif
}

WSV_GIL static void
free_runtime(PyObject *capsule)
{
    Py_XDECREF((PyObject *)PyCapsule_GetContext(capsule)); /* its process */
}

WSV_GIL static wsv_runtime *
runtime(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, RUNTIME);
}

/* process_new(wire, names) -> process.  `wire` is None in winsvc._core. */
WSV_GIL static PyObject *
process_new(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *wire, *names, *keep = NULL, *capsule;
    const wsv_wchar **texts;
    wsv_process *process;
    wsv_scm *scm = NULL;
    uint32_t count;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OO!:process_new", &wire, &PyTuple_Type,
                          &names))
        return NULL;
#ifdef WSV_SIM
    scm = py_wire(wire);
    if (scm == NULL)
        return NULL;
#endif
    texts = py_texts_encode(names, &count, &keep);
    if (texts == NULL)
        return NULL;
    err = wsv_process_new(scm, texts, count, &process);
    PyMem_Free((void *)texts);
    Py_DECREF(keep);
    if (err != WSV_OK)
        return py_raise(err, NULL);
    capsule = PyCapsule_New(process, PROCESS, free_process);
    if (capsule == NULL) {
        DETACHED(wsv_process_free(process));
        return NULL;
    }
    Py_INCREF(wire);
    PyCapsule_SetContext(capsule, wire);
    return capsule;
}

/* process_start(process): create the dispatcher thread. */
WSV_GIL static PyObject *
process_start(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_process *process = PyCapsule_GetPointer(capsule, PROCESS);
    PyThreadState *state;
    wsv_oserr why;
    wsv_err err;

    if (process == NULL)
        return NULL;
    state = py_gil_release();
    err = wsv_process_start(process, &why);
    py_gil_acquire(state);
    if (err != WSV_OK)
        return py_raise(err, &why);
    Py_RETURN_NONE;
}

/* process_join(process): wait until the dispatcher has returned; OSError if it
 * could not connect. */
WSV_GIL static PyObject *
process_join(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_process *process = PyCapsule_GetPointer(capsule, PROCESS);
    PyThreadState *state;
    wsv_oserr why;
    wsv_err err;

    if (process == NULL)
        return NULL;
    state = py_gil_release();
    err = wsv_process_join(process, &why);
    py_gil_acquire(state);
    if (err == WSV_E_OS)
        return py_raise(err, &why);
    return PyBool_FromLong(err == WSV_OK);
}

/* process_services(process) -> tuple of services, in the order of the names */
WSV_GIL static PyObject *
process_services(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_process *process = PyCapsule_GetPointer(capsule, PROCESS);
    PyObject *services, *service;
    uint32_t i, count;

    if (process == NULL)
        return NULL;
    count = wsv_process_count(process);
    services = PyTuple_New((Py_ssize_t)count);
    for (i = 0; services != NULL && i < count; i++) {
        service = PyCapsule_New(wsv_process_service(process, i), RUNTIME,
                                free_runtime);
        if (service != NULL) {
            Py_INCREF(capsule);
            PyCapsule_SetContext(service, capsule);
        }
        if (service == NULL ||
            PyTuple_SetItem(services, (Py_ssize_t)i, service) < 0)
            Py_CLEAR(services);
    }
    return services;
}

/* --- one service
 * --------------------------------------------------------------- */

WSV_GIL static PyObject *
make_arguments(wsv_life life)
{
    const wsv_wchar *const *argv;
    PyObject *arguments, *text;
    uint32_t argc, i;

    wsv_life_arguments(life, &argc, &argv);
    arguments = PyTuple_New((Py_ssize_t)argc);
    for (i = 0; arguments != NULL && i < argc; i++) {
        text = py_text_decode(argv[i]);
        if (text == NULL ||
            PyTuple_SetItem(arguments, (Py_ssize_t)i, text) < 0)
            Py_CLEAR(arguments);
    }
    return arguments;
}

/* wait_start(service, seconds | None) -> (life, argv as ServiceMain got it),
 * or None when woken or when the time is up.  OSError: registering or the
 * first report failed.  EOFError: nothing will be started any more. */
WSV_GIL static PyObject *
wait_start(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *seconds, *arguments, *made;
    uint64_t timeout;
    wsv_runtime *rt;
    wsv_oserr why;
    wsv_life life;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OO:wait_start", &capsule, &seconds))
        return NULL;
    rt = runtime(capsule);
    if (rt == NULL || !py_seconds(seconds, &timeout))
        return NULL;
    DETACHED(err = wsv_runtime_wait_start(rt, timeout, &life, &why));
    if (err == WSV_E_WOKEN || err == WSV_E_TIMEOUT)
        Py_RETURN_NONE;
    if (err != WSV_OK)
        return py_raise(err, &why);
    arguments = make_arguments(life);
    if (arguments == NULL)
        return NULL;
    made = py_life_new(life, capsule);
    if (made == NULL) {
        Py_DECREF(arguments);
        return NULL;
    }
    return Py_BuildValue("NN", made, arguments);
}

/* wake(service): let wait_start and wait_stop return None once */
WSV_GIL static PyObject *
wake(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_runtime *rt = runtime(capsule);

    if (rt == NULL)
        return NULL;
    DETACHED(wsv_runtime_wake(rt));
    Py_RETURN_NONE;
}

WSV_GIL static PyObject *
make_entry(uint64_t number, const wsv_entry *entry, const uint8_t *data,
           bool kept)
{
    return Py_BuildValue(
        "KIKKIIIIy#", (unsigned long long)number, (unsigned int)entry->kind,
        (unsigned long long)entry->time, (unsigned long long)entry->done,
        (unsigned int)entry->a, (unsigned int)entry->b, (unsigned int)entry->c,
        (unsigned int)entry->result, kept ? (const char *)data : NULL,
        (Py_ssize_t)entry->data_size);
}

/* journal(service) -> list of (number, kind, time, done, a, b, c, result,
 * data | None when newer data has overwritten it) */
WSV_GIL static PyObject *
journal(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_runtime *rt = runtime(capsule);
    PyObject *entries, *item;
    uint64_t number = 0;
    wsv_journal *copy;
    wsv_entry entry;
    uint8_t *data;

    if (rt == NULL)
        return NULL;
    copy = PyMem_Malloc(sizeof(*copy));
    data = PyMem_Malloc(WSV_JOURNAL_BYTES);
    if (copy == NULL || data == NULL) {
        PyMem_Free(copy);
        PyMem_Free(data);
        return PyErr_NoMemory();
    }
    /* A copy of one moment: its entries fit together. */
    DETACHED(wsv_runtime_journal(rt, copy));
    entries = PyList_New(0);
    while (entries != NULL && wsv_journal_get(copy, &number, &entry)) {
        item = make_entry(number, &entry, data,
                          wsv_journal_data(copy, &entry, data));
        if (item == NULL || PyList_Append(entries, item) < 0)
            Py_CLEAR(entries);
        Py_XDECREF(item);
        number++;
    }
    PyMem_Free(data);
    PyMem_Free(copy);
    return entries;
}

/* totals(service) -> tuple: entries of each kind ever made */
WSV_GIL static PyObject *
totals(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_runtime *rt = runtime(capsule);
    uint64_t counts[WSV_JOURNAL_KINDS];
    PyObject *made, *count;
    uint32_t i;

    if (rt == NULL)
        return NULL;
    DETACHED(wsv_runtime_totals(rt, counts));
    made = PyTuple_New(WSV_JOURNAL_KINDS);
    for (i = 0; made != NULL && i < WSV_JOURNAL_KINDS; i++) {
        count = PyLong_FromUnsignedLongLong(counts[i]);
        if (count == NULL || PyTuple_SetItem(made, (Py_ssize_t)i, count) < 0)
            Py_CLEAR(made);
    }
    return made;
}

PyMethodDef py_hosting_methods[] = {
    {"process_new", process_new, METH_VARARGS, NULL},
    {"process_start", process_start, METH_O, NULL},
    {"process_join", process_join, METH_O, NULL},
    {"process_services", process_services, METH_O, NULL},
    {"wait_start", wait_start, METH_VARARGS, NULL},
    {"wake", wake, METH_O, NULL},
    {"journal", journal, METH_O, NULL},
    {"totals", totals, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
