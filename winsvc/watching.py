"""Watching services: every status of one of them, what happens to any of them."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Literal, Self, TypeVar

from winsvc._interfaces import Capsule
from winsvc.backend import Backend, Handles, reported
from winsvc.notifier import (
    DELETE_PENDING,
    ERROR_SERVICE_MARKED_FOR_DELETE,
    OF_SCM,
    OF_SERVICE,
    RENEWABLE,
    Bell,
    Notifier,
)
from winsvc.rights import ENUMERATE_SERVICE, QUERY_STATUS
from winsvc.states import State
from winsvc.status import ServiceStatus
from winsvc.waiting import REST, Watch

if TYPE_CHECKING:
    from concurrent.futures import Future

_T = TypeVar("_T")
_POLL = 1.0
"""Seconds between two lists where the SCM does not notify."""
_SCM_KEY = 0
_ALL = 3  # F-15


class WatchEnd(StrEnum):
    """Why a watch has come to its end."""

    DELETED = "deleted"
    """The service has been deleted, and is stopped: nothing more will come."""
    CLOSED = "closed"
    """``close`` was called."""
    TIMEOUT = "timeout"
    """Nothing has changed for as long as was given."""


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """Something that happened to one of the services.

    Attributes:
        name: Key name.
        status: Its status after that; ``None`` if it is gone.
        what: ``"created"``, ``"changed"`` or ``"deleted"``.
    """

    name: str
    status: ServiceStatus | None
    what: Literal["created", "changed", "deleted"]


class Watching(ABC, Generic[_T]):
    """What happens, one after another: for ``for`` and for ``async for``.

    A context manager too, with ``with`` and with ``async with``, which closes it.
    One consumer at a time; ``close`` may be called from any thread.  ``for`` blocks
    its thread, in short turns on the main thread so that Ctrl+C gets through.
    ``async for`` waits in a thread of its own; when the waiting is cancelled,
    nothing is lost: what comes then is the next item.

    Attributes:
        end: Why it has ended; ``None`` while it has not.
    """

    def __init__(self) -> None:
        self.end: WatchEnd | None = None
        self._turn = threading.Lock()
        self._pending: Future[_T | None] | None = None

    @abstractmethod
    def _step(self) -> _T | None:
        """Block for the next item; None, with ``end`` set: there is none."""

    @abstractmethod
    def close(self) -> None:
        """End it: who waits gets no more.  Again does nothing."""

    def __enter__(self) -> Self:
        """Return the watch."""
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

    def __iter__(self) -> Iterator[_T]:
        """Return itself."""
        return self

    def __next__(self) -> _T:
        """Block for the next item.

        Raises:
            ServiceError: The status, or the list, cannot be read.
        """
        item = self._locked_step()
        if item is None:
            raise StopIteration
        return item

    async def __aenter__(self) -> Self:
        """Return the watch."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Close it, and wait for its thread."""
        self.close()
        if self._pending is not None:
            await _done(self._pending)

    def __aiter__(self) -> AsyncIterator[_T]:
        """Return itself."""
        return self

    async def __anext__(self) -> _T:
        """Wait for the next item; raises as ``__next__``."""
        if self._pending is None:
            self._pending = _in_thread(self._locked_step)
        pending = self._pending
        await _done(pending)  # cancelled: it is taken up the next time
        self._pending = None
        item = pending.result()
        if item is None:
            raise StopAsyncIteration
        return item

    def _locked_step(self) -> _T | None:
        with self._turn:
            return None if self.end is not None else self._step()


class ServiceWatch(Watching[ServiceStatus]):
    """Every status of a service, as :meth:`ServiceHandle.watch` describes it.

    Args:
        service: Key name, for errors.
        backend: The SCM.
        handles: The service's.
        is_deleted: Tells whether its handle has been used to delete it.
        timeout: Seconds without a change after which it ends.
        checkpoints: A checkpoint and a wait hint are changes too.

    Attributes:
        status: The last one.
    """

    def __init__(
        self,
        service: str,
        backend: Backend,
        handles: Handles,
        is_deleted: Callable[[], bool],
        *,
        timeout: float | None = None,
        checkpoints: bool = False,
    ) -> None:
        super().__init__()
        self.status: ServiceStatus | None = None
        self._service = service
        self._backend = backend
        self._handles = handles
        self._is_deleted = is_deleted
        self._timeout = timeout
        self._checkpoints = checkpoints
        self._bell = Bell(backend, lambda: handles.open(QUERY_STATUS))
        # Only its intervals are of use: it waits for no state.
        self._looks = Watch(service, "watch", State.NOT_READY, alive=False)

    def close(self) -> None:
        """End it: who waits gets no more.  Again does nothing."""
        self._bell.close()

    def _step(self) -> ServiceStatus | None:
        clock = self._backend.monotonic
        since = clock()
        while True:
            if self._bell.is_closed:
                self._finish(WatchEnd.CLOSED)
                return None
            # Asked before the look, so that what it shows is the last status.
            deleted = self._bell.is_deleted or self._is_deleted()
            with reported("watch", self._service):
                handle = self._handles.get(QUERY_STATUS)
                raw = self._backend.service_status(handle)
            status = ServiceStatus.from_tuple(raw)
            now = clock()
            self._looks.look(status, now)
            if self.status is None or self._essence(status) != self._essence(
                self.status
            ):
                self.status = status
                return status
            if deleted and status.state == State.STOPPED:
                self._finish(WatchEnd.DELETED)
                return None
            seconds = self._interval(status)
            if self._timeout is not None:
                left = since + self._timeout - now
                if left <= 0:
                    self._finish(WatchEnd.TIMEOUT)
                    return None
                seconds = min(seconds, left)
            self._bell.wait(handle, raw, seconds)

    def _interval(self, status: ServiceStatus) -> float:
        if self._bell.notifies and not self._checkpoints:
            return REST
        return self._looks.interval(status, notifies=self._bell.notifies)

    def _essence(self, status: ServiceStatus) -> ServiceStatus:
        return status if self._checkpoints else _settled(status)

    def _finish(self, end: WatchEnd) -> None:
        self.end = end
        self._bell.close()


class ManagerWatch(Watching[ServiceEvent]):
    """What happens to any service, as :meth:`ServiceManager.watch` describes it.

    The SCM's notifications only tell when to list the services anew: the lists
    say what has changed, so that nothing is missed but what came and went between
    two of them, and of that the SCM's own names tell (F-9).

    Args:
        backend: The SCM.
        manager: Handles to it.
        opener: Opens a handle to a service, with QUERY_STATUS.
        timeout: Seconds without an event after which it ends.
    """

    def __init__(
        self,
        backend: Backend,
        manager: Handles,
        opener: Callable[[str], Capsule],
        *,
        timeout: float | None = None,
    ) -> None:
        super().__init__()
        self._backend = backend
        self._manager = manager
        self._opener = opener
        self._timeout = timeout
        self._closed = threading.Event()
        self._events: deque[ServiceEvent] = deque()
        self._keys: dict[str, int] = {}
        self._dying: set[str] = set()
        """Marked for deletion while they run: their handles are given back."""
        self._last_key = _SCM_KEY
        self._known = self._list()
        self._notifier = self._subscribe()
        for name in self._known:
            self._follow(name)
        # What has changed before the SCM was asked for notifications.
        self._compare(())

    def close(self) -> None:
        """End it: who waits gets no more.  Again does nothing."""
        self._closed.set()
        if self._notifier is not None:
            self._notifier.close()

    def _step(self) -> ServiceEvent | None:
        clock = self._backend.monotonic
        until = None if self._timeout is None else clock() + self._timeout
        while True:
            if self._closed.is_set():
                self._finish(WatchEnd.CLOSED)
                return None
            if self._events:
                return self._events.popleft()
            left = None if until is None else until - clock()
            if left is not None and left <= 0:
                self._finish(WatchEnd.TIMEOUT)
                return None
            names = self._wait(left)
            if not self._closed.is_set():
                self._compare(names)

    def _finish(self, end: WatchEnd) -> None:
        self.end = end
        self.close()

    # --- notifications ------------------------------------------------------------

    def _subscribe(self) -> Notifier | None:
        try:
            notifier = Notifier(self._backend)
        except OSError:
            return None
        if not self._add_scm(notifier):
            notifier.close()
            return None
        return notifier

    def _add_scm(self, notifier: Notifier) -> bool:
        try:
            notifier.add(self._manager.open(ENUMERATE_SERVICE), OF_SCM, _SCM_KEY)
        except (OSError, EOFError):
            return False
        return True

    def _follow(self, name: str) -> None:
        """Be notified of a service; those that may not be opened are listed only."""
        if self._notifier is None:
            return
        self._unfollow(name)
        try:
            handle = self._opener(name)
        except OSError:
            return
        self._last_key += 1
        self._keys[name] = self._last_key
        try:
            self._notifier.add(handle, OF_SERVICE, self._last_key)
        except EOFError:
            self._closed.set()

    def _unfollow(self, name: str) -> None:
        key = self._keys.pop(name, None)
        if key is not None and self._notifier is not None:
            self._notifier.remove(key)

    def _wait(self, left: float | None) -> tuple[str, ...]:
        """Block until the list is worth a look; return the names of F-9."""
        if self._notifier is None:
            self._sleep(_POLL if left is None else min(_POLL, left))
            return ()
        rest = _POLL if self._dying else REST
        try:
            notices = self._notifier.wait(rest if left is None else min(rest, left))
        except EOFError:
            return ()
        names: tuple[str, ...] = ()
        followed = {key: name for name, key in self._keys.items()}
        for key, code, triggered, _status, new in notices:
            if key == _SCM_KEY:
                names += new
                self._renew_scm(code)
            elif key in followed:
                self._heed(followed[key], code, triggered)
        return names

    def _renew_scm(self, code: int) -> None:
        if not code or self._notifier is None:
            return
        self._notifier.remove(_SCM_KEY)
        if code in RENEWABLE and self._add_scm(self._notifier):
            return
        # Without DELETED (H-33) there is no DELETE_PENDING either, and a handle
        # that is kept for a service would keep it from being deleted (E-32).
        self._notifier.close()
        self._notifier = None
        self._keys.clear()

    def _heed(self, name: str, code: int, triggered: int) -> None:
        if code == ERROR_SERVICE_MARKED_FOR_DELETE or triggered & DELETE_PENDING:
            self._unfollow(name)
            self._dying.add(name)
        elif code in RENEWABLE:
            self._follow(name)
        elif code:
            self._unfollow(name)

    def _sleep(self, seconds: float) -> None:
        """Block in short turns, for Ctrl+C; in the time of a simulated SCM."""
        clock = self._backend.monotonic
        until = clock() + seconds
        while (left := until - clock()) > 0 and not self._closed.is_set():
            self._closed.wait(min(left, 0.1))

    # --- lists ---------------------------------------------------------------------

    def _list(self) -> dict[str, ServiceStatus]:
        with reported("list the services", None):
            handle = self._manager.get(ENUMERATE_SERVICE)
            found = self._backend.service_list(handle, _ALL, None)
        return {
            name: _settled(ServiceStatus.from_tuple(raw))
            for name, _display, raw in found
        }

    def _compare(self, names: tuple[str, ...]) -> None:
        """Make events of how the list differs from the last one."""
        old, new = self._known, self._list()
        self._known = new
        add = self._events.append
        created = {name[1:] for name in names if name.startswith("/")}
        deleted = {name for name in names if not name.startswith("/")}
        for name in old.keys() - new.keys():
            self._forget(name)
            add(ServiceEvent(name, None, "deleted"))
        # Came and went between two lists, or went and came.
        for name in created & deleted:
            if name not in old and name not in new:
                add(ServiceEvent(name, None, "created"))
                add(ServiceEvent(name, None, "deleted"))
            elif name in old and name in new:
                self._forget(name)
                add(ServiceEvent(name, None, "deleted"))
                self._follow(name)
                add(ServiceEvent(name, new[name], "created"))
        for name, status in new.items():
            if name not in old:
                self._follow(name)
                add(ServiceEvent(name, status, "created"))
            elif status != old[name] and name not in created & deleted:
                add(ServiceEvent(name, status, "changed"))

    def _forget(self, name: str) -> None:
        self._unfollow(name)
        self._dying.discard(name)


def _settled(status: ServiceStatus) -> ServiceStatus:
    """Return it without what changes with the progress of a pending state."""
    return replace(status, checkpoint=0, wait_hint=0.0)


def _in_thread(call: Callable[[], _T | None]) -> Future[_T | None]:
    """Call in a new thread, which nothing has to wait for at the program's end."""
    from concurrent.futures import Future  # slow to import, and for async only

    future: Future[_T | None] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            item = call()
        except BaseException as error:  # noqa: BLE001 - raised by __anext__
            future.set_exception(error)
        else:
            future.set_result(item)

    threading.Thread(target=run, name="winsvc watch", daemon=True).start()
    return future


async def _done(future: Future[_T | None]) -> None:
    """Wait until a future is done, whatever becomes of this task meanwhile."""
    import asyncio

    loop = asyncio.get_running_loop()
    ready = asyncio.Event()

    def tell(_: object) -> None:
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(ready.set)

    future.add_done_callback(tell)
    await ready.wait()
