#include "python/hosting.h"

#include "core/process.h"
#include "python/convert.h"

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
    /* The SCM's threads may be in it until the process ends. */
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

/* wait_start(service) -> tuple of str, argv as ServiceMain got it, or None
 * when woken.  OSError: registering or the first report failed.  EOFError: no
 * SCM has started this process. */
WSV_GIL static PyObject *
wait_start(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_runtime *rt = runtime(capsule);
    const wsv_wchar *const *argv;
    PyObject *arguments, *text;
    wsv_oserr why;
    uint32_t argc, i;
    wsv_err err;

    if (rt == NULL)
        return NULL;
    DETACHED(err = wsv_runtime_wait_start(rt, &why));
    if (err == WSV_E_WOKEN)
        Py_RETURN_NONE;
    if (err != WSV_OK)
        return py_raise(err, &why);
    wsv_runtime_arguments(rt, &argc, &argv);
    arguments = PyTuple_New((Py_ssize_t)argc);
    for (i = 0; arguments != NULL && i < argc; i++) {
        text = py_text_decode(argv[i]);
        if (text == NULL ||
            PyTuple_SetItem(arguments, (Py_ssize_t)i, text) < 0)
            Py_CLEAR(arguments);
    }
    return arguments;
}

/* configure(service, handled, hint, start, stop, pause, resume): seconds */
WSV_GIL static PyObject *
configure(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *start, *stop, *pause, *resume;
    wsv_settings settings;
    unsigned int handled;
    wsv_runtime *rt;
    wsv_oserr why;
    double hint;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OIdOOOO:configure", &capsule, &handled, &hint,
                          &start, &stop, &pause, &resume))
        return NULL;
    rt = runtime(capsule);
    if (rt == NULL || !py_seconds(start, &settings.start) ||
        !py_seconds(stop, &settings.stop) ||
        !py_seconds(pause, &settings.pause) ||
        !py_seconds(resume, &settings.resume))
        return NULL;
    settings.handled = handled;
    settings.hint = (uint32_t)(hint * 1000.0);
    DETACHED(err = wsv_runtime_configure(rt, &settings, &why));
    if (err != WSV_OK)
        return py_raise(err, &why);
    Py_RETURN_NONE;
}

/* True for WSV_OK, False for WSV_E_STATE and WSV_E_CLOSED, else OSError. */
WSV_GIL static PyObject *
done(wsv_err err, const wsv_oserr *why)
{
    if (err == WSV_E_OS || err == WSV_E_MEMORY)
        return py_raise(err, why);
    return PyBool_FromLong(err == WSV_OK);
}

/* started(service) -> bool; False: it has been asked to stop */
WSV_GIL static PyObject *
started(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_runtime *rt = runtime(capsule);
    wsv_oserr why;
    wsv_err err;

    if (rt == NULL)
        return NULL;
    DETACHED(err = wsv_runtime_started(rt, &why));
    return done(err, &why);
}

/* accept(service, handled) -> bool; False: not up, or it is stopping */
WSV_GIL static PyObject *
accept(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned int handled;
    PyObject *capsule;
    wsv_runtime *rt;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OI:accept", &capsule, &handled))
        return NULL;
    rt = runtime(capsule);
    if (rt == NULL)
        return NULL;
    DETACHED(err = wsv_runtime_accept(rt, handled, &why));
    return done(err, &why);
}

/* wait_event(service) -> (code, event_type, data, count, dropped), or None
 * after the end */
WSV_GIL static PyObject *
wait_event(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_runtime *rt = runtime(capsule);
    const uint8_t *data;
    wsv_queued event;
    uint32_t dropped;
    wsv_err err;

    if (rt == NULL)
        return NULL;
    DETACHED(err = wsv_runtime_wait_event(rt, &event, &data, &dropped));
    if (err != WSV_OK)
        Py_RETURN_NONE;
    return Py_BuildValue("IIy#II", (unsigned int)event.code,
                         (unsigned int)event.event_type, (const char *)data,
                         (Py_ssize_t)event.size, (unsigned int)event.count,
                         (unsigned int)dropped);
}

/* begin(service, control) -> bool: shall its handler be called? */
WSV_GIL static PyObject *
begin(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned int control;
    PyObject *capsule;
    wsv_runtime *rt;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OI:begin", &capsule, &control))
        return NULL;
    rt = runtime(capsule);
    if (rt == NULL)
        return NULL;
    DETACHED(err = wsv_runtime_begin(rt, control, &why));
    return done(err, &why);
}

/* finish(service, control) -> bool; False: it is stopping */
WSV_GIL static PyObject *
finish(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned int control;
    PyObject *capsule;
    wsv_runtime *rt;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OI:finish", &capsule, &control))
        return NULL;
    rt = runtime(capsule);
    if (rt == NULL)
        return NULL;
    DETACHED(err = wsv_runtime_finish(rt, control, &why));
    return done(err, &why);
}

/* wait_stop(service, seconds | None) -> True: stop; False: time is up; None:
 * woken, wait again */
WSV_GIL static PyObject *
wait_stop(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *seconds;
    uint64_t timeout;
    wsv_runtime *rt;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OO:wait_stop", &capsule, &seconds))
        return NULL;
    rt = runtime(capsule);
    if (rt == NULL || !py_seconds(seconds, &timeout))
        return NULL;
    DETACHED(err = wsv_runtime_wait_stop(rt, timeout));
    if (err == WSV_E_WOKEN)
        Py_RETURN_NONE;
    return PyBool_FromLong(err == WSV_OK);
}

/* progress(service, hint seconds | 0) -> bool; False: nothing is pending */
WSV_GIL static PyObject *
progress(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule;
    wsv_runtime *rt;
    wsv_oserr why;
    double hint;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "Od:progress", &capsule, &hint))
        return NULL;
    rt = runtime(capsule);
    if (rt == NULL)
        return NULL;
    DETACHED(err = wsv_runtime_progress(rt, (uint32_t)(hint * 1000.0), &why));
    return done(err, &why);
}

/* request_stop(service) */
WSV_GIL static PyObject *
request_stop(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_runtime *rt = runtime(capsule);
    wsv_oserr why;
    wsv_err err;

    if (rt == NULL)
        return NULL;
    DETACHED(err = wsv_runtime_request_stop(rt, &why));
    return done(err, &why);
}

/* stopped(service, exit_code, specific_code) -> bool; False: the process is
 * dead to the SCM already */
WSV_GIL static PyObject *
stopped(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned int exit_code, specific_code;
    PyObject *capsule;
    wsv_runtime *rt;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OII:stopped", &capsule, &exit_code,
                          &specific_code))
        return NULL;
    rt = runtime(capsule);
    if (rt == NULL)
        return NULL;
    DETACHED(err = wsv_runtime_stopped(rt, exit_code, specific_code, &why));
    return done(err, &why);
}

/* wait_expired(service) -> the state past its deadline, or None at the end */
WSV_GIL static PyObject *
wait_expired(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_runtime *rt = runtime(capsule);
    uint32_t state;
    wsv_err err;

    if (rt == NULL)
        return NULL;
    DETACHED(err = wsv_runtime_wait_expired(rt, &state));
    if (err != WSV_OK)
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLong(state);
}

/* expired_seen(service): what had to be logged is logged */
WSV_GIL static PyObject *
expired_seen(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_runtime *rt = runtime(capsule);

    if (rt == NULL)
        return NULL;
    DETACHED(wsv_runtime_expired_seen(rt));
    Py_RETURN_NONE;
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

/* state(service) -> int */
WSV_GIL static PyObject *
state(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_runtime *rt = runtime(capsule);
    uint32_t now;

    if (rt == NULL)
        return NULL;
    DETACHED(now = wsv_runtime_state(rt));
    return PyLong_FromUnsignedLong(now);
}

/* is_stopping(service) -> bool */
WSV_GIL static PyObject *
is_stopping(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_runtime *rt = runtime(capsule);
    bool stopping;

    if (rt == NULL)
        return NULL;
    DETACHED(stopping = wsv_runtime_is_stopping(rt));
    return PyBool_FromLong(stopping);
}

/* journal(service) -> list of (number, kind, time, done, a, b, c, result) */
WSV_GIL static PyObject *
journal(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_runtime *rt = runtime(capsule);
    PyObject *entries, *item;
    uint64_t number = 0;
    wsv_entry entry;
    bool found;

    if (rt == NULL)
        return NULL;
    entries = PyList_New(0);
    while (entries != NULL) {
        DETACHED(found = wsv_runtime_journal(rt, &number, &entry));
        if (!found)
            break;
        item = Py_BuildValue(
            "KIKKIIII", (unsigned long long)number, (unsigned int)entry.kind,
            (unsigned long long)entry.time, (unsigned long long)entry.done,
            (unsigned int)entry.a, (unsigned int)entry.b,
            (unsigned int)entry.c, (unsigned int)entry.result);
        if (item == NULL || PyList_Append(entries, item) < 0)
            Py_CLEAR(entries);
        Py_XDECREF(item);
        number++;
    }
    return entries;
}

PyMethodDef py_hosting_methods[] = {
    {"process_new", process_new, METH_VARARGS, NULL},
    {"process_start", process_start, METH_O, NULL},
    {"process_join", process_join, METH_O, NULL},
    {"process_services", process_services, METH_O, NULL},
    {"wait_start", wait_start, METH_O, NULL},
    {"configure", configure, METH_VARARGS, NULL},
    {"started", started, METH_O, NULL},
    {"accept", accept, METH_VARARGS, NULL},
    {"wait_event", wait_event, METH_O, NULL},
    {"begin", begin, METH_VARARGS, NULL},
    {"finish", finish, METH_VARARGS, NULL},
    {"wait_stop", wait_stop, METH_VARARGS, NULL},
    {"progress", progress, METH_VARARGS, NULL},
    {"request_stop", request_stop, METH_O, NULL},
    {"stopped", stopped, METH_VARARGS, NULL},
    {"wait_expired", wait_expired, METH_O, NULL},
    {"expired_seen", expired_seen, METH_O, NULL},
    {"wake", wake, METH_O, NULL},
    {"state", state, METH_O, NULL},
    {"is_stopping", is_stopping, METH_O, NULL},
    {"journal", journal, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
