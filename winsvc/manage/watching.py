"""Watching a service: every status of it, for threads and for asyncio."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from winsvc.manage.backend import Backend, Handles, reported
from winsvc.manage.notifier import Bell
from winsvc.manage.rights import QUERY_STATUS
from winsvc.manage.status import ServiceStatus
from winsvc.manage.waiting import REST, Watch
from winsvc.states import State

if TYPE_CHECKING:
    from concurrent.futures import Future

    from winsvc._interfaces import StatusTuple

GRACE = 0.1
"""Seconds that a notice may come later than what the SCM shows already."""

_T = TypeVar("_T")


class WatchEnd(StrEnum):
    """Why a watch has come to its end."""

    DELETED = "deleted"
    """The service has been deleted, and is stopped: nothing more will come."""
    CLOSED = "closed"
    """``close`` was called."""
    TIMEOUT = "timeout"
    """Nothing has changed for as long as was given."""


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
        self._due: deque[ServiceStatus] = deque()
        self._held: ServiceStatus | None = None
        """Seen, but what was passed on the way there may still be notified."""
        self._bell = Bell(backend, lambda: handles.open(QUERY_STATUS))
        # Only its intervals are of use: it waits for no state.
        self._looks = Watch(service, "watch", State.NOT_READY, alive=False)

    def close(self) -> None:
        """End it: who waits gets no more.  Again does nothing."""
        self._bell.close()

    def _step(self) -> ServiceStatus | None:
        clock = self._backend.monotonic
        since = clock()
        notified: list[StatusTuple] | None = None
        while True:
            if self._bell.is_closed:
                self._finish(WatchEnd.CLOSED)
                return None
            if self._due:
                self.status = self._due.popleft()
                return self.status
            # Asked before the look, so that what it shows is the last status.
            deleted = self._bell.is_deleted or self._is_deleted()
            with reported("watch", self._service):
                handle = self._handles.get(QUERY_STATUS)
                raw = self._backend.service_status(handle)
            status = ServiceStatus.from_tuple(raw)
            now = clock()
            self._looks.look(status, now)
            if notified is not None or self._held is None:
                told = map(ServiceStatus.from_tuple, notified or ())
                self._take(list(told), status)
            if self._due:
                continue
            if self._held is not None:
                notified = self._bell.wait(handle, raw, GRACE)
                continue
            if deleted and status.state == State.STOPPED:
                self._finish(WatchEnd.DELETED)
                return None
            seconds = self._interval(status, now)
            if self._timeout is not None:
                left = since + self._timeout - now
                if left <= 0:
                    self._finish(WatchEnd.TIMEOUT)
                    return None
                seconds = min(seconds, left)
            notified = self._bell.wait(handle, raw, seconds)

    def _take(self, notified: list[ServiceStatus], status: ServiceStatus) -> None:
        """Sort what was notified and what a look after that has shown."""
        is_told = bool(notified) and is_same_stage(notified[-1], status)
        if is_told:
            notified.pop()  # what it accepts, the look knows better
        held, self._held = self._held, None
        if held is not None and not notified and not is_told:
            self._tell(held)  # nobody has said anything: it came without
        for each in notified:
            self._tell(each)
        last = self._last
        if (
            last is None
            or is_told
            or not self._bell.notifies
            or is_same_stage(last, status)
        ):
            self._tell(status)
        else:
            self._held = status

    def _tell(self, status: ServiceStatus) -> None:
        last = self._last
        if last is None or self._essence(status) != self._essence(last):
            self._due.append(status)

    @property
    def _last(self) -> ServiceStatus | None:
        return self._due[-1] if self._due else self.status

    def _interval(self, status: ServiceStatus, now: float) -> float:
        if self._bell.notifies and not self._checkpoints:
            return REST
        return self._looks.interval(status, now, notifies=self._bell.notifies)

    def _essence(self, status: ServiceStatus) -> ServiceStatus:
        return status if self._checkpoints else settled(status)

    def _finish(self, end: WatchEnd) -> None:
        self.end = end
        self._bell.close()


def is_same_stage(one: ServiceStatus, other: ServiceStatus) -> bool:
    """Tell whether the state is the same, and the process if it has one."""
    if one.state is not other.state:
        return False
    return one.pid == other.pid or one.state is State.STOPPED


def settled(status: ServiceStatus) -> ServiceStatus:
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
