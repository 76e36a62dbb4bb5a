/* One life of a hosted service: a capsule that keeps its service alive. */
#include "python/life.h"

#include "python/convert.h"

#define LIFE "winsvc.life"
#define SUBSCRIPTION "winsvc.subscription"
#define GUID_SIZE 16
#define HANDLE_SIZE 8

WSV_GIL static void
free_life(PyObject *capsule)
{
    PyMem_Free(PyCapsule_GetPointer(capsule, LIFE));
    Py_XDECREF((PyObject *)PyCapsule_GetContext(capsule)); /* its service */
}

PyObject *
py_life_new(wsv_life life, PyObject *service)
{
    wsv_life *kept = PyMem_Malloc(sizeof(*kept));
    PyObject *capsule;

    if (kept == NULL)
        return PyErr_NoMemory();
    *kept = life;
    capsule = PyCapsule_New(kept, LIFE, free_life);
    if (capsule == NULL) {
        PyMem_Free(kept);
        return NULL;
    }
    Py_INCREF(service);
    PyCapsule_SetContext(capsule, service);
    return capsule;
}

WSV_GIL static bool
life_of(PyObject *capsule, wsv_life *life)
{
    wsv_life *kept = PyCapsule_GetPointer(capsule, LIFE);

    if (kept != NULL)
        *life = *kept;
    return kept != NULL;
}

/* True for WSV_OK, False for WSV_E_STATE and WSV_E_CLOSED, else OSError. */
WSV_GIL static PyObject *
done(wsv_err err, const wsv_oserr *why)
{
    if (err == WSV_E_OS || err == WSV_E_MEMORY)
        return py_raise(err, why);
    return PyBool_FromLong(err == WSV_OK);
}

/* configure(life, handled, hint, start, stop, pause, resume): seconds */
WSV_GIL static PyObject *
configure(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *start, *stop, *pause, *resume;
    wsv_settings settings;
    unsigned int handled;
    wsv_life life;
    wsv_oserr why;
    double hint;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OIdOOOO:configure", &capsule, &handled, &hint,
                          &start, &stop, &pause, &resume))
        return NULL;
    if (!life_of(capsule, &life) || !py_seconds(start, &settings.start) ||
        !py_seconds(stop, &settings.stop) ||
        !py_seconds(pause, &settings.pause) ||
        !py_seconds(resume, &settings.resume))
        return NULL;
    settings.handled = handled;
    settings.hint = (uint32_t)(hint * 1000.0);
    DETACHED(err = wsv_life_configure(life, &settings, &why));
    return done(err, &why);
}

/* started(life) -> bool; False: it has been asked to stop */
WSV_GIL static PyObject *
started(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_life life;
    wsv_oserr why;
    wsv_err err;

    if (!life_of(capsule, &life))
        return NULL;
    DETACHED(err = wsv_life_started(life, &why));
    return done(err, &why);
}

/* accept(life, handled) -> bool; False: not up, or it is stopping */
WSV_GIL static PyObject *
accept(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned int handled;
    PyObject *capsule;
    wsv_life life;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OI:accept", &capsule, &handled))
        return NULL;
    if (!life_of(capsule, &life))
        return NULL;
    DETACHED(err = wsv_life_accept(life, handled, &why));
    return done(err, &why);
}

/* wait_event(life) -> (code, event_type, data, count, ticket, dropped), or
 * None after the end */
WSV_GIL static PyObject *
wait_event(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_life life;
    const uint8_t *data;
    wsv_queued event;
    uint32_t dropped;
    wsv_err err;

    if (!life_of(capsule, &life))
        return NULL;
    DETACHED(err = wsv_life_wait_event(life, &event, &data, &dropped));
    if (err != WSV_OK)
        Py_RETURN_NONE;
    return Py_BuildValue("IIy#III", (unsigned int)event.code,
                         (unsigned int)event.event_type, (const char *)data,
                         (Py_ssize_t)event.size, (unsigned int)event.count,
                         (unsigned int)event.ticket, (unsigned int)dropped);
}

/* begin(life, control) -> bool: shall its handler be called? */
WSV_GIL static PyObject *
begin(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned int control;
    PyObject *capsule;
    wsv_life life;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OI:begin", &capsule, &control))
        return NULL;
    if (!life_of(capsule, &life))
        return NULL;
    /* A busy service gets the GIL back after 5 ms and more: it is not given
     * up just before its handler. */
    if (!wsv_life_try_begin(life, control, &err))
        DETACHED(err = wsv_life_begin(life, control, &why));
    return done(err, &why);
}

/* finish(life, control) -> bool; False: it is stopping */
WSV_GIL static PyObject *
finish(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned int control;
    PyObject *capsule;
    wsv_life life;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OI:finish", &capsule, &control))
        return NULL;
    if (!life_of(capsule, &life))
        return NULL;
    DETACHED(err = wsv_life_finish(life, control, &why));
    return done(err, &why);
}

/* wait_stop(life, seconds | None) -> True: stop; False: time is up; None:
 * woken, wait again */
WSV_GIL static PyObject *
wait_stop(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *seconds;
    uint64_t timeout;
    wsv_life life;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OO:wait_stop", &capsule, &seconds))
        return NULL;
    if (!life_of(capsule, &life) || !py_seconds(seconds, &timeout))
        return NULL;
    DETACHED(err = wsv_life_wait_stop(life, timeout));
    if (err == WSV_E_WOKEN)
        Py_RETURN_NONE;
    return PyBool_FromLong(err == WSV_OK);
}

/* wait_news(life, until in ns | None, seen) -> (news, now in ns) */
WSV_GIL static PyObject *
wait_news(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *when;
    uint64_t until = WSV_FOREVER, now;
    unsigned int seen;
    uint32_t news;
    wsv_life life;

    if (!PyArg_ParseTuple(args, "OOI:wait_news", &capsule, &when, &seen))
        return NULL;
    if (!life_of(capsule, &life))
        return NULL;
    if (when != Py_None) {
        until = PyLong_AsUnsignedLongLong(when);
        if (PyErr_Occurred())
            return NULL;
    }
    news = seen;
    DETACHED(wsv_life_wait_news(life, until, &news, &now));
    return Py_BuildValue("IK", (unsigned int)news, (unsigned long long)now);
}

/* progress(life, hint seconds | 0) -> bool; False: nothing is pending */
WSV_GIL static PyObject *
progress(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule;
    wsv_life life;
    wsv_oserr why;
    double hint;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "Od:progress", &capsule, &hint))
        return NULL;
    if (!life_of(capsule, &life))
        return NULL;
    DETACHED(err = wsv_life_progress(life, (uint32_t)(hint * 1000.0), &why));
    return done(err, &why);
}

/* request_stop(life) */
WSV_GIL static PyObject *
request_stop(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_life life;
    wsv_oserr why;
    wsv_err err;

    if (!life_of(capsule, &life))
        return NULL;
    DETACHED(err = wsv_life_request_stop(life, &why));
    return done(err, &why);
}

/* stopped(life, exit_code, specific_code) -> bool; False: the process is
 * dead to the SCM already */
WSV_GIL static PyObject *
stopped(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned int exit_code, specific_code;
    PyObject *capsule;
    wsv_life life;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OII:stopped", &capsule, &exit_code,
                          &specific_code))
        return NULL;
    if (!life_of(capsule, &life))
        return NULL;
    DETACHED(err = wsv_life_stopped(life, exit_code, specific_code, &why));
    return done(err, &why);
}

/* wait_expired(life) -> the state past its deadline, or None at the end */
WSV_GIL static PyObject *
wait_expired(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_life life;
    uint32_t state;
    wsv_err err;

    if (!life_of(capsule, &life))
        return NULL;
    DETACHED(err = wsv_life_wait_expired(life, &state));
    if (err != WSV_OK)
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLong(state);
}

/* expired_seen(life): what had to be logged is logged */
WSV_GIL static PyObject *
expired_seen(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_life life;

    if (!life_of(capsule, &life))
        return NULL;
    DETACHED(wsv_life_expired_seen(life));
    Py_RETURN_NONE;
}

/* state(life) -> int */
WSV_GIL static PyObject *
state(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_life life;
    uint32_t now;

    if (!life_of(capsule, &life))
        return NULL;
    DETACHED(now = wsv_life_state(life));
    return PyLong_FromUnsignedLong(now);
}

/* is_stopping(life) -> bool */
WSV_GIL static PyObject *
is_stopping(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_life life;
    bool stopping;

    if (!life_of(capsule, &life))
        return NULL;
    DETACHED(stopping = wsv_life_is_stopping(life));
    return PyBool_FromLong(stopping);
}

/* start_reason(life) -> bits of D.6, or None: not known, or it has stopped */
WSV_GIL static PyObject *
start_reason(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    uint32_t reason;
    wsv_life life;
    wsv_oserr why;
    wsv_err err;

    if (!life_of(capsule, &life))
        return NULL;
    DETACHED(err = wsv_life_start_reason(life, &reason, &why));
    if (err == WSV_E_OS)
        return py_raise(err, &why);
    if (reason == 0)
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLong(reason);
}

/* reply(life, query, answer, seconds): how a query is answered from now on */
WSV_GIL static PyObject *
reply(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *seconds;
    unsigned int query, code;
    wsv_reply made;
    wsv_life life;

    if (!PyArg_ParseTuple(args, "OIIO:reply", &capsule, &query, &code,
                          &seconds))
        return NULL;
    if (!life_of(capsule, &life) || !py_seconds(seconds, &made.patience))
        return NULL;
    if (query >= WSV_QUERIES) {
        PyErr_Format(PyExc_ValueError, "there is no query %u", query);
        return NULL;
    }
    made.answer = code;
    DETACHED(wsv_life_reply(life, (wsv_query)query, &made));
    Py_RETURN_NONE;
}

/* answer(life, ticket, answer) -> bool; False: too late */
WSV_GIL static PyObject *
answer(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned int ticket, code;
    PyObject *capsule;
    wsv_life life;
    bool in_time;

    if (!PyArg_ParseTuple(args, "OII:answer", &capsule, &ticket, &code))
        return NULL;
    if (!life_of(capsule, &life))
        return NULL;
    DETACHED(in_time = wsv_life_answer(life, ticket, code));
    return PyBool_FromLong(in_time);
}

/* --- subscriptions ----------------------------------------------------------
 */

typedef struct subscription {
    wsv_life life;
    wsv_subject subject;
    void *handle; /* NULL: ended */
} subscription;

WSV_GIL static void
free_subscription(PyObject *capsule)
{
    /* One that was not ended ends with the process. */
    PyMem_Free(PyCapsule_GetPointer(capsule, SUBSCRIPTION));
    Py_XDECREF((PyObject *)PyCapsule_GetContext(capsule)); /* its life */
}

WSV_GIL static bool
check_subject(unsigned int subject, Py_ssize_t size)
{
    switch (subject) {
    case WSV_POWER_SETTING:
        if (size == GUID_SIZE)
            return true;
        break;
    case WSV_DEVICE_INTERFACE:
        if (size == GUID_SIZE || size == 0)
            return true;
        break;
    case WSV_DEVICE_HANDLE:
        if (size == HANDLE_SIZE)
            return true;
        break;
    default:
        break;
    }
    PyErr_Format(PyExc_ValueError, "no subject %u with %zd bytes", subject,
                 size);
    return false;
}

/* subscribe(life, subject, what) -> subscription.  RuntimeError: not up. */
WSV_GIL static PyObject *
subscribe(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *made;
    unsigned int subject;
    subscription *kept;
    const char *what;
    Py_ssize_t size;
    wsv_oserr why;
    wsv_life life;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OIy#:subscribe", &capsule, &subject, &what,
                          &size))
        return NULL;
    if (!life_of(capsule, &life) || !check_subject(subject, size))
        return NULL;
    kept = PyMem_Malloc(sizeof(*kept));
    if (kept == NULL)
        return PyErr_NoMemory();
    kept->life = life;
    kept->subject = (wsv_subject)subject;
    kept->handle = NULL;
    made = PyCapsule_New(kept, SUBSCRIPTION, free_subscription);
    if (made == NULL) {
        PyMem_Free(kept);
        return NULL;
    }
    Py_INCREF(capsule);
    PyCapsule_SetContext(made, capsule);
    DETACHED(err = wsv_life_subscribe(life, kept->subject, what,
                                      (uint32_t)size, &kept->handle, &why));
    if (err != WSV_OK) {
        Py_DECREF(made);
        return py_raise(err, &why);
    }
    return made;
}

/* unsubscribe(subscription); again does nothing */
WSV_GIL static PyObject *
unsubscribe(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    subscription *kept = PyCapsule_GetPointer(capsule, SUBSCRIPTION);
    wsv_oserr why;
    wsv_err err;
    void *handle;

    if (kept == NULL)
        return NULL;
    handle = kept->handle;
    kept->handle = NULL;
    if (handle == NULL)
        Py_RETURN_NONE;
    DETACHED(
        err = wsv_life_unsubscribe(kept->life, kept->subject, handle, &why));
    if (err != WSV_OK)
        return py_raise(err, &why);
    Py_RETURN_NONE;
}

PyMethodDef py_life_methods[] = {
    {"configure", configure, METH_VARARGS, NULL},
    {"started", started, METH_O, NULL},
    {"accept", accept, METH_VARARGS, NULL},
    {"reply", reply, METH_VARARGS, NULL},
    {"answer", answer, METH_VARARGS, NULL},
    {"subscribe", subscribe, METH_VARARGS, NULL},
    {"unsubscribe", unsubscribe, METH_O, NULL},
    {"wait_event", wait_event, METH_O, NULL},
    {"begin", begin, METH_VARARGS, NULL},
    {"finish", finish, METH_VARARGS, NULL},
    {"wait_stop", wait_stop, METH_VARARGS, NULL},
    {"wait_news", wait_news, METH_VARARGS, NULL},
    {"progress", progress, METH_VARARGS, NULL},
    {"request_stop", request_stop, METH_O, NULL},
    {"stopped", stopped, METH_VARARGS, NULL},
    {"wait_expired", wait_expired, METH_O, NULL},
    {"expired_seen", expired_seen, METH_O, NULL},
    {"state", state, METH_O, NULL},
    {"is_stopping", is_stopping, METH_O, NULL},
    {"start_reason", start_reason, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
