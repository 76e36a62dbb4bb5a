"""Windows error codes that a client of the SCM meets: names, meanings, remedies.

docs/errors.md is written from this table, and a unit test tells when it differs.
"""

from collections import namedtuple


# Not typing's: `status NAME` shows a code before it could have imported that.
class ErrorInfo(namedtuple("ErrorInfo", "name meaning remedy", defaults=(None,))):
    """What is known of a Windows error code.

    Attributes:
        name: As winerror.h has it.
        meaning: What has happened, for a service's administrator.
        remedy: What to do, or ``None`` where nothing holds for all cases; words in
            backticks are commands of ``python -m winsvc``.
    """

    __slots__ = ()
    name: str
    meaning: str
    remedy: str | None


_DEBUG = "run it with `debug` to see what it does, `doctor` checks the rest"
_CONNECT = (
    "`doctor` tells whether its program is a service's at all, `debug` shows what a "
    "service of winsvc's does"
)
_LOG = "the service's own log may say why, `doctor` shows its last error"
_PROGRAM = "correct the program in its command line, `doctor` tells what is wrong"
_ASKS = "`apply NAME --account ACCOUNT`, which asks for the password"
_PASSWORD = "renew it by `apply NAME --account ACCOUNT`, which asks for it"  # noqa: S105
_LOGON_RIGHT = (
    "grant it that right by `apply NAME --account ACCOUNT`, and see that nothing "
    "denies it in secpol.msc under User Rights Assignment"
)
_VALUE = "correct the setting that the message names, or what was just given"

ERRORS: dict[int, ErrorInfo] = {
    2: ErrorInfo("ERROR_FILE_NOT_FOUND", "a file was not found", _PROGRAM),
    3: ErrorInfo("ERROR_PATH_NOT_FOUND", "a folder was not found", _PROGRAM),
    5: ErrorInfo("ERROR_ACCESS_DENIED", "access denied", "run as administrator"),
    6: ErrorInfo(
        "ERROR_INVALID_HANDLE",
        "the handle is closed or not of the kind needed",
        "open the service again",
    ),
    8: ErrorInfo(
        "ERROR_NOT_ENOUGH_MEMORY",
        "the system is out of memory",
        "end what uses much of it, then try again",
    ),
    13: ErrorInfo("ERROR_INVALID_DATA", "the data is not valid", _VALUE),
    31: ErrorInfo(
        "ERROR_GEN_FAILURE",
        "the system did not do it and does not say why",
        "look into the System log of the Event Viewer",
    ),
    50: ErrorInfo(
        "ERROR_NOT_SUPPORTED",
        "this system does not support it",
        "leave that setting out, or use a newer Windows",
    ),
    53: ErrorInfo(
        "ERROR_BAD_NETPATH",
        "the other computer, or a network path, was not found",
        "check its name, and that it is up",
    ),
    87: ErrorInfo("ERROR_INVALID_PARAMETER", "a value is not allowed", _VALUE),
    109: ErrorInfo("ERROR_BROKEN_PIPE", "the service's process ended meanwhile", _LOG),
    120: ErrorInfo(
        "ERROR_CALL_NOT_IMPLEMENTED",
        "this system does not implement it",
        "do without it, or use a newer Windows",
    ),
    122: ErrorInfo(
        "ERROR_INSUFFICIENT_BUFFER",
        "a buffer is too small",
        "try again, since the setting has grown meanwhile",
    ),
    123: ErrorInfo(
        "ERROR_INVALID_NAME",
        "not a service name",
        "a name has 1 to 256 characters, without / and \\",
    ),
    124: ErrorInfo(
        "ERROR_INVALID_LEVEL",
        "this system does not know that setting",
        "leave that setting out, or use a newer Windows",
    ),
    126: ErrorInfo(
        "ERROR_MOD_NOT_FOUND",
        "a DLL, or one that it needs, was not found",
        "reinstall what it belongs to, `doctor` tells which",
    ),
    127: ErrorInfo(
        "ERROR_PROC_NOT_FOUND",
        "a DLL lacks a function that is needed of it",
        "install versions that belong together",
    ),
    183: ErrorInfo(
        "ERROR_ALREADY_EXISTS",
        "that name is somebody else's already",
        "choose another name, or `--no-event-source` if it is that of the event source",
    ),
    193: ErrorInfo(
        "ERROR_BAD_EXE_FORMAT", "the program is not one that Windows can run", _PROGRAM
    ),
    216: ErrorInfo(
        "ERROR_EXE_MACHINE_TYPE_MISMATCH",
        "the program is for another kind of processor",
        "install a Python for this one, then `install` the service from it",
    ),
    232: ErrorInfo("ERROR_NO_DATA", "the service's process ended meanwhile", _LOG),
    234: ErrorInfo(
        "ERROR_MORE_DATA",
        "there is more data than was asked for",
        "try again, since the list has grown meanwhile",
    ),
    487: ErrorInfo(
        "ERROR_INVALID_ADDRESS", "a value that is needed is missing", _VALUE
    ),
    577: ErrorInfo(
        "ERROR_INVALID_IMAGE_HASH",
        "the program lacks the signature that launch protection asks for",
        "sign it so, or do without launch protection",
    ),
    1051: ErrorInfo(
        "ERROR_DEPENDENT_SERVICES_RUNNING",
        "other services that run depend on it",
        "stop those first, or all with `stop --dependents`",
    ),
    1052: ErrorInfo(
        "ERROR_INVALID_SERVICE_CONTROL",
        "the service does not accept this control",
        "`status` shows what it accepts, its class needs a handler for the rest",
    ),
    1053: ErrorInfo(
        "ERROR_SERVICE_REQUEST_TIMEOUT", "the service did not answer in time", _CONNECT
    ),
    1054: ErrorInfo(
        "ERROR_SERVICE_NO_THREAD",
        "no thread could be created for the service",
        "end what uses much memory or many threads, then try again",
    ),
    1055: ErrorInfo(
        "ERROR_SERVICE_DATABASE_LOCKED",
        "another service is just being started",
        "try again in a moment",
    ),
    1056: ErrorInfo(
        "ERROR_SERVICE_ALREADY_RUNNING",
        "it runs already, or has not stopped yet",
        "stop it and wait until it is STOPPED, or use `restart`",
    ),
    1057: ErrorInfo(
        "ERROR_INVALID_SERVICE_ACCOUNT",
        "no such account, or its name or password is not valid",
        r"write it as DOMAIN\user or .\user, and give its present password",
    ),
    1058: ErrorInfo(
        "ERROR_SERVICE_DISABLED",
        "the service is disabled",
        "set its start type with `apply NAME --start-type manual`, or to auto",
    ),
    1059: ErrorInfo(
        "ERROR_CIRCULAR_DEPENDENCY",
        "the service would depend on itself",
        "take one of the services in that circle out of the dependencies",
    ),
    1060: ErrorInfo(
        "ERROR_SERVICE_DOES_NOT_EXIST",
        "no such service",
        "`list` shows those there are",
    ),
    1061: ErrorInfo(
        "ERROR_SERVICE_CANNOT_ACCEPT_CTRL",
        "it takes no such control while it starts or stops",
        "wait until it is RUNNING or STOPPED",
    ),
    1062: ErrorInfo(
        "ERROR_SERVICE_NOT_ACTIVE", "the service is not running", "start it first"
    ),
    1063: ErrorInfo(
        "ERROR_FAILED_SERVICE_CONTROLLER_CONNECT",
        "this process was not started by the SCM",
        "use `start` to run it as a service, or `debug` to run it here",
    ),
    1064: ErrorInfo(
        "ERROR_EXCEPTION_IN_SERVICE", "the service failed while handling it", _LOG
    ),
    1065: ErrorInfo(
        "ERROR_DATABASE_DOES_NOT_EXIST",
        "no such service database",
        "open the SCM without naming a database, there is but one",
    ),
    1066: ErrorInfo(
        "ERROR_SERVICE_SPECIFIC_ERROR", "it ended with an error of its own", _LOG
    ),
    1067: ErrorInfo("ERROR_PROCESS_ABORTED", "its process ended unexpectedly", _LOG),
    1068: ErrorInfo(
        "ERROR_SERVICE_DEPENDENCY_FAIL",
        "a service that it depends on did not start",
        "start that one to see why, `doctor` tells which",
    ),
    1069: ErrorInfo(
        "ERROR_SERVICE_LOGON_FAILED",
        "its account could not log on",
        "`doctor` tells what to check: its password, its right to log on as a service",
    ),
    1070: ErrorInfo(
        "ERROR_SERVICE_START_HANG", "the service hung while starting", _DEBUG
    ),
    1071: ErrorInfo(
        "ERROR_INVALID_SERVICE_LOCK",
        "the database lock is not valid",
        "lock nothing, the SCM has ignored such locks since Windows Vista",
    ),
    1072: ErrorInfo(
        "ERROR_SERVICE_MARKED_FOR_DELETE",
        "it is being deleted",
        "stop it, and close services.msc and other programs that have it open",
    ),
    1073: ErrorInfo(
        "ERROR_SERVICE_EXISTS",
        "there is a service of this name already",
        "change that one with `apply`, `remove` it, or choose another name",
    ),
    1074: ErrorInfo(
        "ERROR_ALREADY_RUNNING_LKG",
        "the system runs with its last known good configuration already",
        "start it without that to try the present one",
    ),
    1075: ErrorInfo(
        "ERROR_SERVICE_DEPENDENCY_DELETED",
        "a service that it depends on does not exist, or is being deleted",
        "install that one, or change the dependencies, `doctor` tells which",
    ),
    1076: ErrorInfo(
        "ERROR_BOOT_ALREADY_ACCEPTED",
        "the present boot is the accepted one already",
        "nothing is left to do",
    ),
    1077: ErrorInfo(
        "ERROR_SERVICE_NEVER_STARTED",
        "it has not been started since the last boot",
        "start it",
    ),
    1078: ErrorInfo(
        "ERROR_DUPLICATE_SERVICE_NAME",
        "another service has this name or display name",
        "choose another display name, with `--display-name`",
    ),
    1079: ErrorInfo(
        "ERROR_DIFFERENT_SERVICE_ACCOUNT",
        "services of one process need the same account",
        "give all of them one account with `apply NAME --account ACCOUNT`",
    ),
    1080: ErrorInfo(
        "ERROR_CANNOT_DETECT_DRIVER_FAILURE",
        "only services have failure actions, drivers do not",
        "leave the failure actions out",
    ),
    1081: ErrorInfo(
        "ERROR_CANNOT_DETECT_PROCESS_ABORT",
        "it runs in the SCM's own process, whose end nothing can act on",
        "leave the failure actions out",
    ),
    1082: ErrorInfo(
        "ERROR_NO_RECOVERY_PROGRAM",
        "no program is set to run after a failure",
        "give the failure actions a command",
    ),
    1083: ErrorInfo(
        "ERROR_SERVICE_NOT_IN_EXE",
        "its program does not host a service of this name",
        "check its command line, `doctor` shows it",
    ),
    1084: ErrorInfo(
        "ERROR_NOT_SAFEBOOT_SERVICE",
        "it cannot be started in safe mode",
        "start the system normally",
    ),
    1115: ErrorInfo(
        "ERROR_SHUTDOWN_IN_PROGRESS",
        "the system is shutting down",
        "try again once it is up",
    ),
    1235: ErrorInfo("ERROR_REQUEST_ABORTED", "the request was aborted", "try again"),
    1242: ErrorInfo(
        "ERROR_ALREADY_REGISTERED",
        "it is registered already",
        "open the service once more to watch it twice",
    ),
    1243: ErrorInfo(
        "ERROR_SERVICE_NOT_FOUND", "no such service", "`list` shows those there are"
    ),
    1294: ErrorInfo(
        "ERROR_SERVICE_NOTIFY_CLIENT_LAGGING",
        "notifications came faster than they were taken",
        "open the service again",
    ),
    1300: ErrorInfo(
        "ERROR_NOT_ALL_ASSIGNED",
        "the account does not have all the privileges that were asked for",
        "run as administrator, or grant the account what it lacks",
    ),
    1314: ErrorInfo(
        "ERROR_PRIVILEGE_NOT_HELD",
        "a privilege is missing, to shut the system down for the action REBOOT",
        "run as an administrator who holds it, or leave that action out",
    ),
    1326: ErrorInfo(
        "ERROR_LOGON_FAILURE",
        "the account's name or password is wrong",
        _PASSWORD,
    ),
    1327: ErrorInfo(
        "ERROR_ACCOUNT_RESTRICTION",
        "a rule of the account forbids the logon, such as that of empty passwords",
        f"give the account a password, then {_ASKS}",
    ),
    1330: ErrorInfo(
        "ERROR_PASSWORD_EXPIRED",
        "the account's password has expired",
        f"change it and let it not expire, then {_ASKS}",
    ),
    1331: ErrorInfo(
        "ERROR_ACCOUNT_DISABLED",
        "the account is disabled",
        "enable it, or choose another with `apply NAME --account ACCOUNT`",
    ),
    1332: ErrorInfo(
        "ERROR_NONE_MAPPED",
        "there is no account of this name",
        r"write it as DOMAIN\user or .\user, NT SERVICE\name or NT AUTHORITY\name",
    ),
    1336: ErrorInfo("ERROR_INVALID_ACL", "the list of rights is not valid", _VALUE),
    1337: ErrorInfo(
        "ERROR_INVALID_SID", "an account's SID is not valid", "write it as S-1-5-…"
    ),
    1338: ErrorInfo(
        "ERROR_INVALID_SECURITY_DESCR",
        "the security descriptor is not valid",
        "write its DACL as SDDL, such as D:(A;;GA;;;BA)",
    ),
    1385: ErrorInfo(
        "ERROR_LOGON_TYPE_NOT_GRANTED",
        "the account may not log on as a service",
        _LOGON_RIGHT,
    ),
    1460: ErrorInfo(
        "ERROR_TIMEOUT",
        "the time to wait was up first",
        "wait longer, `status` shows whether it gets on",
    ),
    1722: ErrorInfo(
        "RPC_S_SERVER_UNAVAILABLE",
        "the SCM of that computer cannot be reached",
        "check the computer's name, its firewall and that it is up",
    ),
    1783: ErrorInfo(
        "RPC_X_BAD_STUB_DATA",
        "a value is longer than the SCM takes",
        "give fewer or shorter values, 1024 start parameters at most",
    ),
    1907: ErrorInfo(
        "ERROR_PASSWORD_MUST_CHANGE",
        "the account's password must be changed before it logs on",
        f"log on with it once and change it, then {_ASKS}",
    ),
    1909: ErrorInfo(
        "ERROR_ACCOUNT_LOCKED_OUT",
        "the account is locked after too many wrong passwords",
        f"unlock it, then {_ASKS}",
    ),
    15001: ErrorInfo(
        "ERROR_EVT_INVALID_QUERY",
        "the query of the event log is not valid",
        "correct its XPath expression",
    ),
    15007: ErrorInfo(
        "ERROR_EVT_CHANNEL_NOT_FOUND",
        "there is no event log of this name",
        "use System or Application, or one that the Event Viewer shows",
    ),
}
"""What the SCM, the event log or the start of a service answers with (D.5)."""
