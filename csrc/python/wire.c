/* winsvc._sim only: what the simulated SCM (winsvc/testing) calls. */
#include "python/convert.h"
#include "python/hosting.h"

#include "os/fault.h"
#include "scm/sim.h"

#define CLOCK "winsvc.clock"
#define WIRE "winsvc.wire"

WSV_GIL wsv_scm *
py_wire(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, WIRE);
}

WSV_GIL static void
free_clock(PyObject *capsule)
{
    wsv_clock_free(PyCapsule_GetPointer(capsule, CLOCK));
}

WSV_GIL static void
free_wire(PyObject *capsule)
{
    wsv_sim_free(py_wire(capsule));
    Py_XDECREF((PyObject *)PyCapsule_GetContext(capsule)); /* its clock */
}

/* clock_new(virtual) -> clock */
WSV_GIL static PyObject *
clock_new(PyObject *Py_UNUSED(module), PyObject *is_virtual)
{
    PyObject *capsule;
    wsv_clock *clock;
    wsv_err err;

    err = wsv_clock_new(PyObject_IsTrue(is_virtual) == 1, &clock);
    if (err != WSV_OK)
        return py_raise(err, NULL);
    capsule = PyCapsule_New(clock, CLOCK, free_clock);
    if (capsule == NULL)
        wsv_clock_free(clock);
    return capsule;
}

/* clock_now(clock) -> ns */
WSV_GIL static PyObject *
clock_now(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_clock *clock = PyCapsule_GetPointer(capsule, CLOCK);

    if (clock == NULL)
        return NULL;
    return PyLong_FromUnsignedLongLong(wsv_clock_now(clock));
}

/* clock_advance(clock, seconds) */
WSV_GIL static PyObject *
clock_advance(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *seconds;
    wsv_clock *clock;
    uint64_t ns;

    if (!PyArg_ParseTuple(args, "OO:clock_advance", &capsule, &seconds))
        return NULL;
    clock = PyCapsule_GetPointer(capsule, CLOCK);
    if (clock == NULL || !py_seconds(seconds, &ns))
        return NULL;
    DETACHED(wsv_clock_advance(clock, ns));
    Py_RETURN_NONE;
}

/* wire_new(clock) -> wire */
WSV_GIL static PyObject *
wire_new(PyObject *Py_UNUSED(module), PyObject *clock)
{
    wsv_clock *native = PyCapsule_GetPointer(clock, CLOCK);
    PyObject *capsule;
    wsv_scm *wire;
    wsv_err err;

    if (native == NULL)
        return NULL;
    err = wsv_sim_new(native, &wire);
    if (err != WSV_OK)
        return py_raise(err, NULL);
    capsule = PyCapsule_New(wire, WIRE, free_wire);
    if (capsule == NULL) {
        wsv_sim_free(wire);
        return NULL;
    }
    Py_INCREF(clock);
    PyCapsule_SetContext(capsule, clock);
    return capsule;
}

/* wire_connected(wire, seconds) -> outcome */
WSV_GIL static PyObject *
wire_connected(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *seconds;
    wsv_sim_outcome outcome;
    uint64_t timeout;
    wsv_scm *wire;

    if (!PyArg_ParseTuple(args, "OO:wire_connected", &capsule, &seconds))
        return NULL;
    wire = py_wire(capsule);
    if (wire == NULL || !py_seconds(seconds, &timeout))
        return NULL;
    DETACHED(outcome = wsv_sim_wait_connected(wire, timeout));
    return PyLong_FromLong((long)outcome);
}

/* wire_start(wire, own, argv, seconds) -> outcome */
WSV_GIL static PyObject *
wire_start(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *arguments, *seconds, *keep;
    const wsv_wchar **argv;
    wsv_sim_outcome outcome;
    uint64_t timeout;
    uint32_t argc;
    wsv_scm *wire;
    int own;

    if (!PyArg_ParseTuple(args, "OpO!O:wire_start", &capsule, &own,
                          &PyTuple_Type, &arguments, &seconds))
        return NULL;
    wire = py_wire(capsule);
    if (wire == NULL || !py_seconds(seconds, &timeout))
        return NULL;
    argv = py_texts_encode(arguments, &argc, &keep);
    if (argv == NULL)
        return NULL;
    DETACHED(outcome = wsv_sim_start(wire, own != 0, argc, argv, timeout));
    PyMem_Free((void *)argv);
    Py_DECREF(keep);
    return PyLong_FromLong((long)outcome);
}

/* wire_control(wire, service, code, event_type, data | None, seconds)
 * -> (outcome, what the handler answered) */
WSV_GIL static PyObject *
wire_control(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned int service, code, event_type;
    PyObject *capsule, *seconds;
    wsv_sim_outcome outcome;
    const char *data;
    Py_ssize_t size;
    wsv_control control;
    uint64_t timeout;
    uint32_t answer;
    wsv_scm *wire;

    if (!PyArg_ParseTuple(args, "OIIIz#O:wire_control", &capsule, &service,
                          &code, &event_type, &data, &size, &seconds))
        return NULL;
    wire = py_wire(capsule);
    if (wire == NULL || !py_seconds(seconds, &timeout))
        return NULL;
    control.code = code;
    control.event_type = event_type;
    control.size = (uint32_t)size;
    control.data = data;
    DETACHED(outcome =
                 wsv_sim_control(wire, service, &control, timeout, &answer));
    return Py_BuildValue("iI", (int)outcome, (unsigned int)answer);
}

/* The data stays that of the items, which are immutable. */
WSV_GIL static wsv_control *
parse_controls(PyObject *items, Py_ssize_t count)
{
    wsv_control *controls =
        PyMem_Malloc((size_t)count * sizeof(*controls) + 1);
    unsigned int code, event_type;
    PyObject *item;
    const char *data;
    Py_ssize_t size, i;

    if (controls == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (i = 0; i < count; i++) {
        item = PyTuple_GetItem(items, i);
        if (!PyTuple_Check(item)) {
            PyErr_SetString(PyExc_TypeError, "a control is no tuple");
            PyMem_Free(controls);
            return NULL;
        }
        if (!PyArg_ParseTuple(item, "IIz#:wire_send_many", &code, &event_type,
                              &data, &size)) {
            PyMem_Free(controls);
            return NULL;
        }
        controls[i].code = code;
        controls[i].event_type = event_type;
        controls[i].size = (uint32_t)size;
        controls[i].data = data;
    }
    return controls;
}

/* wire_send_many(wire, service, ((code, event_type, data | None), ...),
 * seconds for each) -> (number answered with 0, outcome and answer of the last
 * one sent) */
WSV_GIL static PyObject *
wire_send_many(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *items, *seconds;
    uint32_t count, sent, answer;
    wsv_control *controls;
    wsv_sim_outcome outcome;
    unsigned int service;
    uint64_t timeout;
    wsv_scm *wire;

    if (!PyArg_ParseTuple(args, "OIO!O:wire_send_many", &capsule, &service,
                          &PyTuple_Type, &items, &seconds))
        return NULL;
    wire = py_wire(capsule);
    if (wire == NULL || !py_seconds(seconds, &timeout))
        return NULL;
    count = (uint32_t)PyTuple_Size(items);
    controls = parse_controls(items, (Py_ssize_t)count);
    if (controls == NULL)
        return NULL;
    DETACHED(outcome = wsv_sim_control_many(wire, service, controls, count,
                                            timeout, &sent, &answer));
    PyMem_Free(controls);
    return Py_BuildValue("IiI", (unsigned int)sent, (int)outcome,
                         (unsigned int)answer);
}

/* wire_subscriptions(wire, service) -> list of (subject, bytes) */
WSV_GIL static PyObject *
wire_subscriptions(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *subscriptions, *item;
    wsv_sim_subscription is;
    unsigned int service;
    wsv_scm *wire;
    bool found;

    if (!PyArg_ParseTuple(args, "OI:wire_subscriptions", &capsule, &service))
        return NULL;
    wire = py_wire(capsule);
    if (wire == NULL)
        return NULL;
    is.number = 0;
    subscriptions = PyList_New(0);
    while (subscriptions != NULL) {
        DETACHED(found =
                     wsv_sim_subscription_get(wire, service, is.number, &is));
        if (!found)
            break;
        item = Py_BuildValue("iy#", (int)is.subject, (const char *)is.what,
                             (Py_ssize_t)is.size);
        if (item == NULL || PyList_Append(subscriptions, item) < 0)
            Py_CLEAR(subscriptions);
        Py_XDECREF(item);
    }
    return subscriptions;
}

/* wire_kill(wire, exit_code) */
WSV_GIL static PyObject *
wire_kill(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned int exit_code;
    PyObject *capsule;
    wsv_scm *wire;

    if (!PyArg_ParseTuple(args, "OI:wire_kill", &capsule, &exit_code))
        return NULL;
    wire = py_wire(capsule);
    if (wire == NULL)
        return NULL;
    DETACHED(wsv_sim_kill(wire, exit_code));
    Py_RETURN_NONE;
}

/* wire_death(wire) -> exit code, or None while it lives */
WSV_GIL static PyObject *
wire_death(PyObject *Py_UNUSED(module), PyObject *capsule)
{
    wsv_scm *wire = py_wire(capsule);
    uint32_t exit_code;
    bool dead;

    if (wire == NULL)
        return NULL;
    dead = wsv_sim_is_dead(wire, &exit_code);
    if (!dead)
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLong(exit_code);
}

WSV_GIL static PyObject *
build_report(const wsv_sim_report *report)
{
    const wsv_status *status = &report->status;

    return Py_BuildValue(
        "KIIIIIIII", (unsigned long long)report->time,
        (unsigned int)report->service, (unsigned int)status->type,
        (unsigned int)status->state, (unsigned int)status->accepted,
        (unsigned int)status->exit_code, (unsigned int)status->specific_code,
        (unsigned int)status->checkpoint, (unsigned int)status->wait_hint);
}

/* wire_last(wire, service) -> (number of its reports so far, the last): one is
 * (time, service, type, state, accepted, exit_code, specific_code, checkpoint,
 * wait_hint ms), of state 0 when there is none. */
WSV_GIL static PyObject *
wire_last(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned int service;
    PyObject *capsule;
    wsv_sim_report last;
    uint64_t count;
    wsv_scm *wire;

    if (!PyArg_ParseTuple(args, "OI:wire_last", &capsule, &service))
        return NULL;
    wire = py_wire(capsule);
    if (wire == NULL)
        return NULL;
    DETACHED(count = wsv_sim_last(wire, service, &last));
    return Py_BuildValue("KN", (unsigned long long)count, build_report(&last));
}

/* wire_reports(wire, first) -> list of the process's reports from number
 * `first` on */
WSV_GIL static PyObject *
wire_reports(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *reports, *item;
    unsigned long long first;
    wsv_sim_report report;
    uint64_t number;
    wsv_scm *wire;
    bool found;

    if (!PyArg_ParseTuple(args, "OK:wire_reports", &capsule, &first))
        return NULL;
    wire = py_wire(capsule);
    if (wire == NULL)
        return NULL;
    number = first;
    reports = PyList_New(0);
    while (reports != NULL) {
        DETACHED(found = wsv_sim_report_get(wire, &number, &report));
        if (!found)
            break;
        item = build_report(&report);
        if (item == NULL || PyList_Append(reports, item) < 0)
            Py_CLEAR(reports);
        Py_XDECREF(item);
        number++;
    }
    return reports;
}

/* wire_wait(wire, service, count, seconds): until that service has made more
 * than `count` reports, or the process is dead */
WSV_GIL static PyObject *
wire_wait(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *capsule, *seconds;
    unsigned long long count;
    unsigned int service;
    uint64_t timeout;
    wsv_scm *wire;

    if (!PyArg_ParseTuple(args, "OIKO:wire_wait", &capsule, &service, &count,
                          &seconds))
        return NULL;
    wire = py_wire(capsule);
    if (wire == NULL || !py_seconds(seconds, &timeout))
        return NULL;
    DETACHED(wsv_sim_wait_change(wire, service, count, timeout));
    Py_RETURN_NONE;
}

/* fault_arm(mask, nth) */
WSV_GIL static PyObject *
fault_arm(PyObject *Py_UNUSED(module), PyObject *args)
{
    unsigned int mask, nth;

    if (!PyArg_ParseTuple(args, "II:fault_arm", &mask, &nth))
        return NULL;
    wsv_fault_arm(mask, nth);
    Py_RETURN_NONE;
}

/* fault_left() -> calls left until the armed failure, 0 once it has happened
 */
WSV_GIL static PyObject *
fault_left(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    return PyLong_FromUnsignedLong(wsv_fault_left());
}

/* live_count() -> seam objects alive */
WSV_GIL static PyObject *
live_count(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    return PyLong_FromLong(wsv_fault_live_count());
}

PyMethodDef py_wire_methods[] = {
    {"clock_new", clock_new, METH_O, NULL},
    {"clock_now", clock_now, METH_O, NULL},
    {"clock_advance", clock_advance, METH_VARARGS, NULL},
    {"wire_new", wire_new, METH_O, NULL},
    {"wire_connected", wire_connected, METH_VARARGS, NULL},
    {"wire_start", wire_start, METH_VARARGS, NULL},
    {"wire_control", wire_control, METH_VARARGS, NULL},
    {"wire_send_many", wire_send_many, METH_VARARGS, NULL},
    {"wire_subscriptions", wire_subscriptions, METH_VARARGS, NULL},
    {"wire_kill", wire_kill, METH_VARARGS, NULL},
    {"wire_death", wire_death, METH_O, NULL},
    {"wire_last", wire_last, METH_VARARGS, NULL},
    {"wire_reports", wire_reports, METH_VARARGS, NULL},
    {"wire_wait", wire_wait, METH_VARARGS, NULL},
    {"fault_arm", fault_arm, METH_VARARGS, NULL},
    {"fault_left", fault_left, METH_NOARGS, NULL},
    {"live_count", live_count, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
