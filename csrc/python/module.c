/* winsvc._core and winsvc._sim: the same functions on different seams. */
#include "python/compat.h"
#include "python/hosting.h"
#include "python/life.h"
#ifndef WSV_SIM
#include "python/eventlog.h"
#include "python/managing.h"
#include "python/notifying.h"
#include "python/terminal.h"
#endif

static int
execute(PyObject *module)
{
    if (PyModule_AddFunctions(module, py_hosting_methods) < 0 ||
        PyModule_AddFunctions(module, py_life_methods) < 0)
        return -1;
#ifdef WSV_SIM
    return PyModule_AddFunctions(module, py_wire_methods);
#else
    if (PyModule_AddFunctions(module, py_managing_methods) < 0 ||
        PyModule_AddFunctions(module, py_configuring_methods) < 0 ||
        PyModule_AddFunctions(module, py_rights_methods) < 0 ||
        PyModule_AddFunctions(module, py_notifying_methods) < 0 ||
        PyModule_AddFunctions(module, py_eventlog_methods) < 0)
        return -1;
    return PyModule_AddFunctions(module, py_terminal_methods);
#endif
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
#ifdef WSV_SIM
    .m_name = "winsvc._sim",
#else
    .m_name = "winsvc._core",
#endif
    .m_size = 0,
    .m_slots = slots,
};

#ifdef WSV_SIM
PyMODINIT_FUNC PyInit__sim(void);

PyMODINIT_FUNC
PyInit__sim(void)
#else
PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC
PyInit__core(void)
#endif
{
    return PyModuleDef_Init(&definition);
}
