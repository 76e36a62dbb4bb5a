"""What is below a ServiceManager: the real SCM's functions, or a simulation's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from winsvc import _native
from winsvc._interfaces import Capsule, Managing, StatusTuple
from winsvc.errors import service_error

ERROR_INVALID_HANDLE = 6


class Backend(Managing, Protocol):
    """An SCM: the extension's client functions, and a clock to wait by."""

    def wait_change(
        self, handle: Capsule, status: StatusTuple, seconds: float, /
    ) -> None:
        """Block until the status may differ from ``status``, or time is up."""

    def monotonic(self) -> float:
        """Return the time in seconds that waiting is measured in."""


class NativeBackend:
    """The SCM of this computer, or of another one.

    Raises:
        NoSCM: This is not Windows.
    """

    def __init__(self) -> None:
        core = _native.require_core("open the SCM")
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
        self.service_open = core.service_open
        self.service_delete = core.service_delete
        self.service_start = core.service_start
        self.service_control = core.service_control
        self.service_control_reason = core.service_control_reason
        self.service_status = core.service_status

    def wait_change(
        self, _handle: Capsule, _status: StatusTuple, seconds: float, /
    ) -> None:
        """Sleep."""
        time.sleep(seconds)

    def monotonic(self) -> float:
        """Return the system's monotonic time."""
        return time.monotonic()


@contextmanager
def reported(operation: str, service: str | None) -> Iterator[None]:
    """Turn the extension's OSError into a ServiceError."""
    try:
        yield
    except OSError as error:
        code = getattr(error, "winerror", None)
        if code is None:
            raise
        raise service_error(operation, service, code) from error


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

    def get(self, right: int) -> Capsule:
        """Return a handle that has the right."""
        if self._closed:
            raise _ClosedError(ERROR_INVALID_HANDLE, "it is closed")
        for rights, handle in self._open:
            if rights & right == right:
                return handle
        handle = self._opener(right)
        self.add(right, handle)
        return handle

    def close(self) -> None:
        """Close them all; again does nothing."""
        self._closed = True
        while self._open:
            self._backend.handle_close(self._open.pop()[1])
