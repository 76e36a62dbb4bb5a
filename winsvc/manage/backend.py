"""What is below a ServiceManager: the real SCM's functions, or a simulation's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from winsvc import _native
from winsvc._interfaces import Capsule, Managing, Notifying, StatusTuple
from winsvc.errors import ServiceError, service_error
from winsvc.manage.registry import Registry
from winsvc.manage.security import same_dacl
from winsvc.messages import CATEGORY_TEXTS
from winsvc.winerror import ERROR_INVALID_HANDLE, ERROR_NOT_SUPPORTED

_OF_A_VALUE = (13, 87, 487)  # whose, the SCM does not say


class Backend(Managing, Notifying, Protocol):
    """An SCM: the extension's client functions, the registry, a clock to wait by.

    Failures are OSError with ``winerror``, of the registry's functions too.
    """

    @property
    def machine(self) -> str | None:
        """The computer that it is on; ``None``: this one."""

    def dependencies(self, name: str, /) -> tuple[str, ...]:
        """Return what the registry has of them: Wine's SCM tells of none (H-6)."""

    def environment(self, name: str, /) -> tuple[str, ...] | None:
        """Return the ``NAME=value`` lines of a service; ``None``: it has none."""

    def set_environment(self, name: str, lines: tuple[str, ...] | None, /) -> None:
        """Set those lines; ``None`` removes them (E-75)."""

    def event_source(self, name: str, /) -> str | None:
        """Return the message file of a source in the Application log (G-1)."""

    def set_event_source(self, name: str, message_file: str | None, /) -> None:
        """Register that source; ``None`` takes it out."""

    def is_deleted(self, name: str, /) -> bool:
        """Tell whether a service is marked for deletion, where that is told (E-31)."""

    def message_file(self) -> str:
        """Return the file that has winsvc's message table."""

    def sleep(self, seconds: float, /) -> None:
        """Wait before something is tried again."""

    def wait_change(
        self, handle: Capsule, status: StatusTuple, seconds: float, /
    ) -> None:
        """Block until the status may differ from ``status``, or time is up."""

    def monotonic(self) -> float:
        """Return the time in seconds that waiting is measured in."""


class NativeBackend:
    """The SCM of this computer, or of another one.

    Args:
        machine: Name of the other computer.

    Raises:
        NoSCM: This is not Windows.
    """

    def __init__(self, machine: str | None = None) -> None:
        core = _native.require_core("open the SCM")
        self._machine = machine
        self._registry = Registry(machine)
        self._core_file: str = vars(core)["__file__"]
        self.manager_open = core.manager_open
        self.handle_close = core.handle_close
        self.service_list = core.service_list
        self.service_dependents = core.service_dependents
        self.service_create = core.service_create
        self.service_change = core.service_change
        self.service_config = core.service_config
        self.service_config2 = core.service_config2
        self.service_change2 = core.service_change2
        self.service_security = core.service_security
        self.service_change_security = core.service_change_security
        self.account_sid = core.account_sid
        self.logon_right_held = core.logon_right_held
        self.logon_right_grant = core.logon_right_grant
        self.logon_right_revoke = core.logon_right_revoke
        self.service_open = core.service_open
        self.service_delete = core.service_delete
        self.service_start = core.service_start
        self.service_control = core.service_control
        self.service_control_reason = core.service_control_reason
        self.service_status = core.service_status
        self.notifier_new = core.notifier_new
        self.notifier_add = core.notifier_add
        self.notifier_remove = core.notifier_remove
        self.notifier_wait = core.notifier_wait
        self.notifier_close = core.notifier_close

    @property
    def machine(self) -> str | None:
        """The computer that it is on; ``None``: this one."""
        return self._machine

    def dependencies(self, name: str, /) -> tuple[str, ...]:
        """Return them, of a service of this computer."""
        return () if self._machine else self._registry.dependencies(name)

    def environment(self, name: str, /) -> tuple[str, ...] | None:
        """Return the lines of a service's environment."""
        return self._registry.environment(name)

    def set_environment(self, name: str, lines: tuple[str, ...] | None, /) -> None:
        """Set them."""
        self._registry.set_environment(name, lines)

    def event_source(self, name: str, /) -> str | None:
        """Return the message file of an event source."""
        return self._registry.event_source(name)

    def set_event_source(self, name: str, message_file: str | None, /) -> None:
        """Register an event source."""
        self._registry.set_event_source(name, message_file, len(CATEGORY_TEXTS))

    def is_deleted(self, name: str, /) -> bool:
        """Tell whether a service of this computer is marked for deletion."""
        return not self._machine and bool(self._registry.is_deleted(name))

    def message_file(self) -> str:
        """Return the extension's path: the message table is in it (G-7)."""
        return self._core_file

    def sleep(self, seconds: float, /) -> None:
        """Sleep."""
        time.sleep(seconds)

    def wait_change(
        self, _handle: Capsule, _status: StatusTuple, seconds: float, /
    ) -> None:
        """Sleep."""
        time.sleep(seconds)

    def monotonic(self) -> float:
        """Return the system's monotonic time."""
        return time.monotonic()


@contextmanager
def reported(
    operation: str, service: str | None, sets: Iterable[str] = ()
) -> Iterator[None]:
    """Turn an OSError of the backend into a ServiceError.

    Args:
        operation: What is done.
        service: Key name.
        sets: The settings that it sets, told where the code blames a value.
    """
    try:
        yield
    except ServiceError:
        raise
    except OSError as error:
        code = getattr(error, "winerror", None)
        if code is None:
            raise
        names = ", ".join(name.replace("_", " ") for name in sets)
        blames = names and code in _OF_A_VALUE
        detail = f"one of what it sets: {names}" if blames else None
        raise service_error(operation, service, code, detail) from error


def change_security(backend: Backend, service: Capsule, sddl: str) -> None:
    """Set a service's DACL; make sure that it has been set.

    Args:
        backend: The SCM.
        service: A handle with READ_CONTROL and WRITE_DAC.
        sddl: The DACL.

    Raises:
        OSError: It was refused; 50: Wine says yes and does nothing (H-30).
    """
    before = backend.service_security(service)
    backend.service_change_security(service, sddl)
    after = backend.service_security(service)
    if after == before and not same_dacl(after, sddl):
        raise NotKeptError


class NotKeptError(OSError):
    """This system keeps no security of services (H-30)."""

    winerror = ERROR_NOT_SUPPORTED


class _ClosedError(OSError):
    """A handle was used after it was closed, as the SCM says it (E-24)."""

    winerror = ERROR_INVALID_HANDLE


class Handles:
    """Native handles to one object, one for each right first needed.

    Args:
        backend: The SCM.
        opener: Opens a handle with some access rights.
    """

    def __init__(self, backend: Backend, opener: Callable[[int], Capsule]) -> None:
        self._backend = backend
        self._opener = opener
        self._open: list[tuple[int, Capsule]] = []
        self._closed = False

    def add(self, rights: int, handle: Capsule) -> None:
        """Take over a handle that has these rights."""
        self._open.append((rights, handle))

    def add_all(self, handles: Iterable[tuple[int, Capsule]]) -> None:
        """Take over handles with their rights, each as soon as there is one.

        An iterator of the standard library's C code cannot be interrupted between
        the function that makes the handle and this object's keeping it.
        """
        self._open.extend(handles)

    def held(self, right: int) -> Capsule | None:
        """Return a handle that has the right, if there is one already."""
        return next((each for has, each in self._open if has & right == right), None)

    def get(self, right: int) -> Capsule:
        """Return a handle that has the right."""
        if self._closed:
            raise _ClosedError(ERROR_INVALID_HANDLE, "it is closed")
        if (held := self.held(right)) is not None:
            return held
        handle = self._opener(right)
        self.add(right, handle)
        return handle

    def open(self, right: int) -> Capsule:
        """Return a new handle that has the right, the caller's to close."""
        if self._closed:
            raise _ClosedError(ERROR_INVALID_HANDLE, "it is closed")
        return self._opener(right)

    def close(self) -> None:
        """Close them all; again does nothing."""
        self._closed = True
        while self._open:
            self._backend.handle_close(self._open.pop()[1])
