"""Errors: what failed on which service, the Windows code, and what to do."""

from __future__ import annotations

import errno
from typing import Any, ClassVar, NamedTuple

from winsvc.states import FailureCode


class ErrorInfo(NamedTuple):
    """What is known of a Windows error code."""

    name: str
    meaning: str
    remedy: str | None = None


_LOG = "the service's own log says why"
_DEBUG = "run it with `debug` to see what it does"

ERRORS: dict[int, ErrorInfo] = {
    2: ErrorInfo(
        "ERROR_FILE_NOT_FOUND",
        "a file was not found",
        "check the program in the service's command line",
    ),
    3: ErrorInfo(
        "ERROR_PATH_NOT_FOUND",
        "a folder was not found",
        "check the program in the service's command line",
    ),
    5: ErrorInfo("ERROR_ACCESS_DENIED", "access denied", "run as administrator"),
    6: ErrorInfo(
        "ERROR_INVALID_HANDLE", "the handle is closed or not of the kind needed"
    ),
    13: ErrorInfo("ERROR_INVALID_DATA", "the data is not valid"),
    50: ErrorInfo("ERROR_NOT_SUPPORTED", "this system does not support it"),
    87: ErrorInfo("ERROR_INVALID_PARAMETER", "a value is not allowed"),
    109: ErrorInfo("ERROR_BROKEN_PIPE", "the service's process ended meanwhile", _LOG),
    120: ErrorInfo("ERROR_CALL_NOT_IMPLEMENTED", "this system does not implement it"),
    122: ErrorInfo("ERROR_INSUFFICIENT_BUFFER", "a buffer is too small"),
    123: ErrorInfo(
        "ERROR_INVALID_NAME",
        "not a service name",
        "a name has 1 to 256 characters, without / and \\",
    ),
    124: ErrorInfo("ERROR_INVALID_LEVEL", "this system does not know that setting"),
    193: ErrorInfo(
        "ERROR_BAD_EXE_FORMAT",
        "the program is not one that Windows can run",
        "check the program in the service's command line",
    ),
    234: ErrorInfo("ERROR_MORE_DATA", "there is more data than was asked for"),
    487: ErrorInfo("ERROR_INVALID_ADDRESS", "a value that is needed is missing"),
    1051: ErrorInfo(
        "ERROR_DEPENDENT_SERVICES_RUNNING",
        "other services that run depend on it",
        "stop those first",
    ),
    1052: ErrorInfo(
        "ERROR_INVALID_SERVICE_CONTROL", "the service does not accept this control"
    ),
    1053: ErrorInfo(
        "ERROR_SERVICE_REQUEST_TIMEOUT", "the service did not answer in time", _DEBUG
    ),
    1054: ErrorInfo(
        "ERROR_SERVICE_NO_THREAD", "no thread could be created for the service"
    ),
    1055: ErrorInfo(
        "ERROR_SERVICE_DATABASE_LOCKED",
        "another service is just being started",
        "try again in a moment",
    ),
    1056: ErrorInfo(
        "ERROR_SERVICE_ALREADY_RUNNING",
        "it runs already, or has not stopped yet",
        "stop it and wait until it is STOPPED",
    ),
    1057: ErrorInfo(
        "ERROR_INVALID_SERVICE_ACCOUNT",
        "no such account, or its name or password is not valid",
        r"write it as DOMAIN\user or .\user, and give its password",
    ),
    1058: ErrorInfo(
        "ERROR_SERVICE_DISABLED",
        "the service is disabled",
        "set its start type to manual or automatic",
    ),
    1059: ErrorInfo("ERROR_CIRCULAR_DEPENDENCY", "the service would depend on itself"),
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
    1065: ErrorInfo("ERROR_DATABASE_DOES_NOT_EXIST", "no such service database"),
    1066: ErrorInfo(
        "ERROR_SERVICE_SPECIFIC_ERROR", "it ended with an error of its own", _LOG
    ),
    1067: ErrorInfo("ERROR_PROCESS_ABORTED", "its process ended unexpectedly", _LOG),
    1068: ErrorInfo(
        "ERROR_SERVICE_DEPENDENCY_FAIL",
        "a service that it depends on did not start",
        "start that one to see why",
    ),
    1069: ErrorInfo(
        "ERROR_SERVICE_LOGON_FAILED",
        "its account could not log on",
        "check the password, and that the account may log on as a service",
    ),
    1070: ErrorInfo(
        "ERROR_SERVICE_START_HANG", "the service hung while starting", _DEBUG
    ),
    1071: ErrorInfo("ERROR_INVALID_SERVICE_LOCK", "the database lock is not valid"),
    1072: ErrorInfo(
        "ERROR_SERVICE_MARKED_FOR_DELETE",
        "it is being deleted",
        "stop it, and close services.msc and other programs that have it open",
    ),
    1073: ErrorInfo(
        "ERROR_SERVICE_EXISTS",
        "there is a service of this name already",
        "remove that one, or choose another name",
    ),
    1075: ErrorInfo(
        "ERROR_SERVICE_DEPENDENCY_DELETED",
        "a service that it depends on does not exist",
        "install that one, or change the dependencies",
    ),
    1076: ErrorInfo(
        "ERROR_BOOT_ALREADY_ACCEPTED", "the present boot is the accepted one already"
    ),
    1077: ErrorInfo(
        "ERROR_SERVICE_NEVER_STARTED", "it has not been started since the last boot"
    ),
    1078: ErrorInfo(
        "ERROR_DUPLICATE_SERVICE_NAME",
        "another service has this name or display name",
        "choose another display name",
    ),
    1079: ErrorInfo(
        "ERROR_DIFFERENT_SERVICE_ACCOUNT",
        "services of one process need the same account",
    ),
    1080: ErrorInfo(
        "ERROR_CANNOT_DETECT_DRIVER_FAILURE",
        "only services have failure actions, drivers do not",
    ),
    1081: ErrorInfo(
        "ERROR_CANNOT_DETECT_PROCESS_ABORT",
        "it runs in the SCM's own process, whose end nothing can act on",
    ),
    1082: ErrorInfo(
        "ERROR_NO_RECOVERY_PROGRAM", "no program is set to run after a failure"
    ),
    1083: ErrorInfo(
        "ERROR_SERVICE_NOT_IN_EXE",
        "its program does not host a service of this name",
        "check its command line",
    ),
    1084: ErrorInfo("ERROR_NOT_SAFEBOOT_SERVICE", "it cannot be started in safe mode"),
    1115: ErrorInfo("ERROR_SHUTDOWN_IN_PROGRESS", "the system is shutting down"),
    1235: ErrorInfo("ERROR_REQUEST_ABORTED", "the request was aborted"),
    1242: ErrorInfo("ERROR_ALREADY_REGISTERED", "it is registered already"),
    1243: ErrorInfo("ERROR_SERVICE_NOT_FOUND", "no such service"),
    1294: ErrorInfo(
        "ERROR_SERVICE_NOTIFY_CLIENT_LAGGING",
        "notifications came faster than they were taken",
        "open the service again",
    ),
    1722: ErrorInfo(
        "RPC_S_SERVER_UNAVAILABLE",
        "the SCM of that computer cannot be reached",
        "check the computer's name, its firewall and that it is up",
    ),
}
"""Windows codes that the SCM, or a call to it, answers with (scm-rules D.5)."""

_ERRNO = {
    2: errno.ENOENT,
    3: errno.ENOENT,
    5: errno.EACCES,
    1053: errno.ETIMEDOUT,
    1060: errno.ENOENT,
    1073: errno.EEXIST,
}


def describe(winerror: int) -> ErrorInfo:
    """Return the name and meaning of a Windows code, known or not."""
    if winerror in ERRORS:
        return ERRORS[winerror]
    import ctypes  # seldom needed, and slow to import

    format_error = getattr(ctypes, "FormatError", None)  # Windows only
    meaning = format_error(winerror).strip().rstrip(".") if format_error else ""
    return ErrorInfo("", meaning or "a Windows error")


class ServiceError(OSError):
    """Something that was asked of the SCM, or of a service, failed.

    ``str()`` is one sentence: what could not be done to which service, the
    Windows code with its name and meaning, and what to do where that is known.

    Args:
        operation: What failed, as in "could not *start* service": it is
            followed by the service, if there is one.
        service: The service's key name.
        winerror: The Windows code; the subclasses know theirs.
        detail: What else there is to say about this case.

    Attributes:
        operation: As given.
        service: As given.
        winerror: The Windows code, on every system.
        detail: As given.
        remedy: What to do about it, or ``None``.
    """

    usual_winerror: ClassVar[int | None] = None
    """The code of a subclass that stands for one code."""
    usual_info: ClassVar[ErrorInfo | None] = None
    """What a subclass says in place of the code's own meaning and remedy."""

    winerror: int

    def __init__(
        self,
        *,
        operation: str,
        service: str | None = None,
        winerror: int | None = None,
        detail: str | None = None,
    ) -> None:
        if winerror is None:
            winerror = self.usual_winerror
        if winerror is None:
            raise TypeError(f"{type(self).__name__} needs a winerror")
        self._info = self.usual_info or describe(winerror)
        super().__init__(_ERRNO.get(winerror, errno.EINVAL), self._info.meaning)
        self.operation = operation
        self.service = service
        self.winerror = winerror
        self.detail = detail
        self.remedy = self._info.remedy

    def __str__(self) -> str:
        """Return the sentence."""
        target = "" if self.service is None else f" service {self.service!r}"
        code = f"{self.winerror} {self._info.name}".rstrip()
        detail = "" if self.detail is None else f" ({self.detail})"
        remedy = "" if self.remedy is None else f"; {self.remedy}"
        return (
            f"could not {self.operation}{target}: {code}, "
            f"{self._info.meaning}{detail}{remedy}"
        )

    def __repr__(self) -> str:
        """Return the call that makes an equal error."""
        arguments = (f"{key}={value!r}" for key, value in self._arguments().items())
        return f"{type(self).__name__}({', '.join(arguments)})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the keyword arguments."""
        return _rebuild, (type(self), self._arguments())

    def _arguments(self) -> dict[str, Any]:
        return {
            "operation": self.operation,
            "service": self.service,
            "winerror": self.winerror,
            "detail": self.detail,
        }


def _rebuild(kind: type[ServiceError], arguments: dict[str, Any]) -> ServiceError:
    return kind(**arguments)


class ServiceNotFound(ServiceError):
    """There is no service of this key name."""

    usual_winerror = 1060


class ServiceExists(ServiceError):
    """There is a service of this key name already."""

    usual_winerror = 1073


class ServiceMarkedForDelete(ServiceError):
    """The service is being deleted: it goes once stopped and closed (E-32)."""

    usual_winerror = 1072


class ServiceNotActive(ServiceError):
    """The service is not running."""

    usual_winerror = 1062


class ServiceCannotAcceptControl(ServiceError):
    """The service takes no such control in its present state (B-33)."""

    usual_winerror = 1061


class ServiceTimeout(ServiceError, TimeoutError):
    """The service, or the state waited for, did not come in time."""

    usual_winerror = 1053


class ServiceAccessDenied(ServiceError, PermissionError):
    """The caller lacks a right to the SCM or to the service."""

    usual_winerror = 5


class NotStartedBySCM(ServiceError):
    """This process tried to be a service, and the SCM did not start it (A-3)."""

    usual_winerror = 1063


class NoSCM(ServiceError):
    """This system has no SCM: it is not Windows."""

    usual_winerror = 50
    usual_info = ErrorInfo(
        "ERROR_NOT_SUPPORTED",
        "there is no SCM on this system",
        "run `debug` or `demo`, which bring a simulated one",
    )


class ServiceFailed(ServiceError):
    """The service settled elsewhere than where it was going.

    Mostly it has stopped while it was starting (I-143).

    Args:
        operation: What was waited for.
        service: The service's key name.
        winerror: The Windows code.
        detail: What happened.
        exit_code: The Windows exit code that it stopped with.
        service_exit_code: Its own exit code, which counts if the first is 1066.

    Attributes:
        exit_code: As given.
        service_exit_code: As given.
    """

    def __init__(
        self,
        *,
        operation: str,
        service: str | None = None,
        winerror: int | None = None,
        detail: str | None = None,
        exit_code: int = 0,
        service_exit_code: int = 0,
    ) -> None:
        super().__init__(
            operation=operation, service=service, winerror=winerror, detail=detail
        )
        self.exit_code = exit_code
        self.service_exit_code = service_exit_code

    def _arguments(self) -> dict[str, Any]:
        return super()._arguments() | {
            "exit_code": self.exit_code,
            "service_exit_code": self.service_exit_code,
        }


_CLASSES = {
    kind.usual_winerror: kind
    for kind in (
        ServiceNotFound,
        ServiceExists,
        ServiceMarkedForDelete,
        ServiceNotActive,
        ServiceCannotAcceptControl,
        ServiceTimeout,
        ServiceAccessDenied,
        NotStartedBySCM,
    )
}


def service_error(
    operation: str, service: str | None, winerror: int, detail: str | None = None
) -> ServiceError:
    """Return the error for a Windows code, of the class that fits it best.

    Args:
        operation: As in "could not *start* service".
        service: The service's key name.
        winerror: The Windows code.
        detail: What else there is to say.
    """
    return _CLASSES.get(winerror, ServiceError)(
        operation=operation, service=service, winerror=winerror, detail=detail
    )


def describe_exit(exit_code: int, service_exit_code: int) -> str:
    """Return the exit codes of a stopped service as text, names included."""
    if exit_code != 1066:
        name = ERRORS[exit_code].name if exit_code in ERRORS else ""
        return f"exit code {exit_code} {name}".rstrip()
    try:
        name = f" {FailureCode(service_exit_code).name}"
    except ValueError:
        name = ""
    return f"its own exit code {service_exit_code}{name}"
