/* Accounts and their right to log on as a service, for Python. */
#include "os/os.h"
#include "python/convert.h"
#include "python/managing.h"

/* A computer, or NULL for this one, and an account of it. */
typedef struct of_account {
    const wsv_wchar *machine, *name;
    PyObject *machine_owner, *name_owner;
} of_account;

/* (machine | None, account), as `format` of PyArg_ParseTuple says.  False: an
 * exception is set, and there is nothing to clear. */
static bool
parse(PyObject *args, const char *format, of_account *out)
{
    PyObject *machine, *name;

    if (!PyArg_ParseTuple(args, format, &machine, &name) ||
        !py_optional_text(machine, &out->machine, &out->machine_owner))
        return false;
    out->name_owner = py_text_encode(name, &out->name);
    if (out->name_owner == NULL)
        Py_CLEAR(out->machine_owner);
    return out->name_owner != NULL;
}

static void
clear(of_account *account)
{
    Py_CLEAR(account->machine_owner);
    Py_CLEAR(account->name_owner);
}

/* account_sid(machine | None, account) -> "S-1-..." */
static PyObject *
account_sid(PyObject *Py_UNUSED(module), PyObject *args)
{
    of_account account;
    PyObject *result;
    wsv_wchar *sid;
    wsv_oserr why;
    wsv_err err;

    if (!parse(args, "OU:account_sid", &account))
        return NULL;
    DETACHED(err = wsv_account_sid(account.machine, account.name, &sid, &why));
    clear(&account);
    if (err != WSV_OK)
        return py_raise(err, &why);
    result = py_text_decode(sid);
    wsv_os_free(sid);
    return result;
}

/* logon_right_held(machine | None, account) -> bool */
static PyObject *
logon_right_held(PyObject *Py_UNUSED(module), PyObject *args)
{
    of_account account;
    wsv_oserr why;
    wsv_err err;
    bool held;

    if (!parse(args, "OU:logon_right_held", &account))
        return NULL;
    DETACHED(err = wsv_logon_right_held(account.machine, account.name, &held,
                                        &why));
    clear(&account);
    return err == WSV_OK ? PyBool_FromLong(held) : py_raise(err, &why);
}

typedef wsv_err (*change_fn)(const wsv_wchar *machine,
                             const wsv_wchar *account, wsv_oserr *why);

static PyObject *
change_right(PyObject *args, const char *format, change_fn change)
{
    of_account account;
    wsv_oserr why;
    wsv_err err;

    if (!parse(args, format, &account))
        return NULL;
    DETACHED(err = change(account.machine, account.name, &why));
    clear(&account);
    if (err != WSV_OK)
        return py_raise(err, &why);
    Py_RETURN_NONE;
}

/* logon_right_grant(machine | None, account) */
static PyObject *
logon_right_grant(PyObject *Py_UNUSED(module), PyObject *args)
{
    return change_right(args, "OU:logon_right_grant", wsv_logon_right_grant);
}

/* logon_right_revoke(machine | None, account) */
static PyObject *
logon_right_revoke(PyObject *Py_UNUSED(module), PyObject *args)
{
    return change_right(args, "OU:logon_right_revoke", wsv_logon_right_revoke);
}

PyMethodDef py_rights_methods[] = {
    {"account_sid", account_sid, METH_VARARGS, NULL},
    {"logon_right_held", logon_right_held, METH_VARARGS, NULL},
    {"logon_right_grant", logon_right_grant, METH_VARARGS, NULL},
    {"logon_right_revoke", logon_right_revoke, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
