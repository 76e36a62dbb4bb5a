"""Errors: what failed on which service, the Windows code, and what to do."""

from __future__ import annotations

import errno
from typing import Any, ClassVar

from winsvc.codes import ERRORS, ErrorInfo
from winsvc.states import FailureCode
from winsvc.winerror import ERROR_SERVICE_SPECIFIC_ERROR

__all__ = [
    "ERRORS",
    "ErrorInfo",
    "NoSCM",
    "NotStartedBySCM",
    "ServiceAccessDenied",
    "ServiceCannotAcceptControl",
    "ServiceError",
    "ServiceExists",
    "ServiceFailed",
    "ServiceMarkedForDelete",
    "ServiceNotActive",
    "ServiceNotFound",
    "ServiceTimeout",
    "describe",
    "describe_exit",
    "service_error",
]

_ERRNO = {
    2: errno.ENOENT,
    3: errno.ENOENT,
    5: errno.EACCES,
    1053: errno.ETIMEDOUT,
    1460: errno.ETIMEDOUT,
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
        remedy: What to do about this case; default: about that code.

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
        remedy: str | None = None,
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
        self.remedy = self._info.remedy if remedy is None else remedy
        self._own_remedy = remedy

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
        arguments: dict[str, Any] = {
            "operation": self.operation,
            "service": self.service,
            "winerror": self.winerror,
            "detail": self.detail,
        }
        if self._own_remedy is not None:
            arguments["remedy"] = self._own_remedy
        return arguments


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
    """The service, or the state waited for, did not come in time.

    By its code: 1053, the service did not answer the SCM, or made no progress while
    it was pending; 1460, the caller's own time was up, and all may be well.
    """

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


_CLASSES: dict[int | None, type[ServiceError]] = {
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
_CLASSES[1460] = ServiceTimeout


def service_error(
    operation: str,
    service: str | None,
    winerror: int,
    detail: str | None = None,
    *,
    remedy: str | None = None,
) -> ServiceError:
    """Return the error for a Windows code, of the class that fits it best.

    Args:
        operation: As in "could not *start* service".
        service: The service's key name.
        winerror: The Windows code.
        detail: What else there is to say.
        remedy: What to do about this case; default: about that code.
    """
    return _CLASSES.get(winerror, ServiceError)(
        operation=operation,
        service=service,
        winerror=winerror,
        detail=detail,
        remedy=remedy,
    )


def describe_exit(exit_code: int, service_exit_code: int) -> str:
    """Return the exit codes of a stopped service as text, names included."""
    if exit_code != ERROR_SERVICE_SPECIFIC_ERROR:
        name = ERRORS[exit_code].name if exit_code in ERRORS else ""
        return f"exit code {exit_code} {name}".rstrip()
    try:
        name = f" {FailureCode(service_exit_code).name}"
    except ValueError:
        name = ""
    return f"its own exit code {service_exit_code}{name}"
