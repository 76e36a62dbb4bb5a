#include "python/eventlog.h"

#include "manage/eventlog.h"
#include "python/convert.h"
#include "python/managing.h"

#define LOG_CAPSULE "winsvc.eventlog"

static void
free_log(PyObject *capsule)
{
    wsv_eventlog *log = PyCapsule_GetPointer(capsule, LOG_CAPSULE);

    DETACHED(wsv_eventlog_free(log));
}

/* For PyArg_ParseTuple's O&. */
static int
to_log(PyObject *capsule, void *out)
{
    wsv_eventlog **log = out;

    *log = PyCapsule_GetPointer(capsule, LOG_CAPSULE);
    return *log != NULL;
}

/* eventlog_open(machine | None, source) -> log */
static PyObject *
eventlog_open(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *machine_text, *source_text, *keep_machine, *keep_source;
    PyObject *capsule;
    const wsv_wchar *machine, *source;
    wsv_eventlog *log;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OU:eventlog_open", &machine_text,
                          &source_text))
        return NULL;
    if (!py_optional_text(machine_text, &machine, &keep_machine))
        return NULL;
    keep_source = py_text_encode(source_text, &source);
    if (keep_source == NULL) {
        Py_XDECREF(keep_machine);
        return NULL;
    }
    DETACHED(err = wsv_eventlog_open(machine, source, &log, &why));
    Py_DECREF(keep_source);
    Py_XDECREF(keep_machine);
    if (err != WSV_OK)
        return py_raise(err, &why);
    capsule = PyCapsule_New(log, LOG_CAPSULE, free_log);
    if (capsule == NULL)
        DETACHED(wsv_eventlog_free(log));
    return capsule;
}

/* eventlog_report(log, kind, category, event_id, strings, data | None) */
static PyObject *
eventlog_report(PyObject *Py_UNUSED(module), PyObject *args)
{
    wsv_eventlog *log;
    wsv_eventlog_event event;
    const wsv_wchar **strings;
    unsigned short kind, category;
    unsigned int id;
    PyObject *texts, *keep;
    const char *data;
    Py_ssize_t size = 0;
    uint32_t count;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "O&HHIO!z#:eventlog_report", to_log, &log,
                          &kind, &category, &id, &PyTuple_Type, &texts, &data,
                          &size))
        return NULL;
    /* An event has 64 KB at most. */
    if (PyTuple_Size(texts) > 256 || size > 0x10000) {
        PyErr_SetString(PyExc_ValueError,
                        "an event has 256 strings and 64 KB of data at most");
        return NULL;
    }
    strings = py_texts_encode(texts, &count, &keep);
    if (strings == NULL)
        return NULL;
    event.strings = strings;
    event.string_count = (uint16_t)count;
    event.data = data;
    event.data_size = (uint32_t)size;
    event.id = id;
    event.kind = kind;
    event.category = category;
    DETACHED(err = wsv_eventlog_report(log, &event, &why));
    PyMem_Free((void *)strings);
    Py_DECREF(keep);
    if (err != WSV_OK)
        return py_raise(err, &why);
    Py_RETURN_NONE;
}

/* eventlog_close(log) */
static PyObject *
eventlog_close(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_eventlog *log;

    if (!to_log(capsule, &log))
        return NULL;
    DETACHED(wsv_eventlog_close(log));
    Py_RETURN_NONE;
}

/* Takes nothing over: the answer's texts are copied. */
static PyObject *
build_answer(wsv_eventlog_answer *answer)
{
    PyObject *list = PyList_New(0), *pair, *message;
    wsv_eventlog_found found;

    while (list != NULL && wsv_eventlog_answer_next(answer, &found)) {
        message = found.message != NULL ? py_text_decode(found.message)
                                        : Py_NewRef(Py_None);
        pair = message != NULL
                   ? Py_BuildValue("NN", py_text_decode(found.xml), message)
                   : NULL;
        if (pair == NULL || PyList_Append(list, pair) < 0)
            Py_CLEAR(list);
        Py_XDECREF(pair);
    }
    return list;
}

/* eventlog_query(machine | None, channel, xpath, newest_first, limit)
 * -> [(xml, message | None)] */
static PyObject *
eventlog_query(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *machine, *channel, *xpath, *keep[3] = {NULL, NULL, NULL};
    PyObject *list = NULL;
    wsv_eventlog_question question;
    wsv_eventlog_answer *answer;
    int newest_first;
    unsigned int limit;
    wsv_oserr why;
    wsv_err err;

    if (!PyArg_ParseTuple(args, "OUUpI:eventlog_query", &machine, &channel,
                          &xpath, &newest_first, &limit))
        return NULL;
    question.newest_first = newest_first != 0;
    question.limit = limit;
    if (py_optional_text(machine, &question.machine, &keep[0]) &&
        py_optional_text(channel, &question.channel, &keep[1]) &&
        py_optional_text(xpath, &question.xpath, &keep[2])) {
        DETACHED(err = wsv_eventlog_query(&question, &answer, &why));
        if (err == WSV_OK) {
            list = build_answer(answer);
            wsv_eventlog_answer_free(answer);
        }
        else
            (void)py_raise(err, &why);
    }
    Py_XDECREF(keep[0]);
    Py_XDECREF(keep[1]);
    Py_XDECREF(keep[2]);
    return list;
}

PyMethodDef py_eventlog_methods[] = {
    {"eventlog_open", eventlog_open, METH_VARARGS, NULL},
    {"eventlog_report", eventlog_report, METH_VARARGS, NULL},
    {"eventlog_close", eventlog_close, METH_O, NULL},
    {"eventlog_query", eventlog_query, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
