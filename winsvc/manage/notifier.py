"""Wakes up who waits for services: by the SCM's notifications, else by the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from winsvc._interfaces import Capsule, NoticeTuple, StatusTuple
from winsvc.manage.backend import Backend
from winsvc.manage.waiting import REST
from winsvc.winerror import (
    ERROR_REQUEST_ABORTED,
    ERROR_SERVICE_MARKED_FOR_DELETE,
    ERROR_SERVICE_NOTIFY_CLIENT_LAGGING,
)

# Masks of F-1.
STATES = 0x7F
CREATED = 0x80
DELETED = 0x100
DELETE_PENDING = 0x200
OF_SERVICE = STATES | DELETE_PENDING
OF_SCM = CREATED | DELETED

RENEWABLE = (ERROR_REQUEST_ABORTED, ERROR_SERVICE_NOTIFY_CLIENT_LAGGING)
"""Aborted, or too slow: a new handle serves (F-5, F-8)."""

_SLICE = 0.5
_MAIN = threading.main_thread()


class Notifier:
    """The SCM's notifications, in a thread of the extension's; any thread may call.

    Args:
        backend: The SCM.

    Raises:
        OSError: 120: this system has none.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._native = backend.notifier_new()

    def add(self, handle: Capsule, mask: int, key: int) -> None:
        """Subscribe; the handle becomes the notifier's.

        Raises:
            EOFError: It is closed.
            OSError: The handle is closed.
        """
        self._backend.notifier_add(self._native, handle, mask, key)

    def remove(self, key: int) -> None:
        """End the subscriptions of a key, and close their handles."""
        self._backend.notifier_remove(self._native, key)

    def wait(self, seconds: float | None) -> list[NoticeTuple]:
        """Block until something has changed; return what, nothing if time is up.

        On the main thread in short turns, so that Ctrl+C gets through.

        Raises:
            EOFError: It is closed.
        """
        clock = self._backend.monotonic
        until = None if seconds is None else clock() + seconds
        on_main = threading.current_thread() is _MAIN
        while True:
            left = None if until is None else max(until - clock(), 0.0)
            turn = left
            if on_main and (left is None or left > _SLICE):
                turn = _SLICE
            notices = self._backend.notifier_wait(self._native, turn)
            if notices or (left is not None and turn == left):
                return notices

    def close(self) -> None:
        """End all subscriptions; who waits gets EOFError.  Again does nothing."""
        self._backend.notifier_close(self._native)


class Bell:
    """Rings when one service may have changed.  One thread waits, any may close.

    Where the system does not notify, or no longer, it rings when the time is up.

    Args:
        backend: The SCM.
        opener: Opens a handle of its own to the service, with QUERY_STATUS.

    Attributes:
        notifies: Changes of the state are notified, as far as is known.
        is_deleted: The service has been marked for deletion (F-8), as far as the
            system tells.
        is_closed: Nobody waits any more.
    """

    def __init__(self, backend: Backend, opener: Callable[[], Capsule]) -> None:
        self.notifies = True
        self.is_deleted = False
        self.is_closed = False
        self._backend = backend
        self._opener = opener
        self._lock = threading.Lock()
        self._notifier: Notifier | None = None
        self._renewed: float | None = None

    def __enter__(self) -> Self:
        """Return the bell."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Close it."""
        self.close()

    def wait(
        self, handle: Capsule, status: StatusTuple, seconds: float
    ) -> list[StatusTuple]:
        """Block until the status may differ, the time is up, or it is closed.

        Args:
            handle: A handle to the service, for looks by the clock.
            status: As it was last read.
            seconds: How long at most.

        Returns:
            The statuses that it was notified of, in order.
        """
        notifier = self._notifier or self._subscribe()
        if notifier is None or not self.notifies:
            if not self.is_closed:
                self._backend.wait_change(handle, status, seconds)
            return []
        try:
            notices = notifier.wait(seconds)
        except EOFError:
            return []
        for _key, code, triggered, _status, _names in notices:
            if code == ERROR_SERVICE_MARKED_FOR_DELETE or triggered & DELETE_PENDING:
                self.is_deleted = True
            if code:
                self.notifies = code in RENEWABLE and self._renew(notifier)
        return [status for _, _, triggered, status, _ in notices if triggered & STATES]

    def close(self) -> None:
        """End the waiting; again does nothing."""
        with self._lock:
            self.is_closed = True
            notifier = self._notifier
        if notifier is not None:
            notifier.close()

    def _subscribe(self) -> Notifier | None:
        if not self.notifies or self.is_closed:
            return None
        try:
            notifier = Notifier(self._backend)
        except OSError:
            self.notifies = False
            return None
        with self._lock:
            self._notifier = notifier
            closed = self.is_closed
        if closed:
            notifier.close()
        self.notifies = self._add(notifier)
        return notifier

    def _renew(self, notifier: Notifier) -> bool:
        """Subscribe anew; False: that has not helped the last time, just now."""
        now, last = self._backend.monotonic(), self._renewed
        self._renewed = now
        return (last is None or now - last >= REST) and self._add(notifier)

    def _add(self, notifier: Notifier) -> bool:
        notifier.remove(0)
        try:
            notifier.add(self._opener(), OF_SERVICE, 0)
        except (OSError, EOFError):
            return False
        return True
