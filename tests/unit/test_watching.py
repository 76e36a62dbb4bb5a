"""Watching one service: which statuses, when it ends, threads and asyncio."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from typing import Any

import pytest

from winsvc.errors import ServiceError
from winsvc.manage.backend import Handles
from winsvc.manage.notifier import DELETE_PENDING
from winsvc.manage.watching import ServiceWatch, WatchEnd
from winsvc.states import Accept, State

STOPPED = (16, 1, 0, 0, 0, 0, 0, 0)
FAILED = (16, 1, 0, 1066, 7, 0, 0, 0)
RUNNING = (16, 4, 1, 0, 0, 0, 0, 8)
RESTARTED = (16, 4, 1, 0, 0, 0, 0, 12)
PAUSABLE = (16, 4, 3, 0, 0, 0, 0, 8)
STARTING = (16, 2, 0, 0, 0, 1, 3000, 8)
PATIENCE = 20.0


def starting(checkpoint: int) -> tuple[int, ...]:
    """Return START_PENDING with a checkpoint."""
    return (*STARTING[:5], checkpoint, *STARTING[6:])


class Scm:
    """One service whose status changes with each look; it notifies when told to.

    Args:
        statuses: What the looks show, one after another; the last one stays.
    """

    def __init__(self, *statuses: tuple[int, ...]) -> None:
        self.statuses = deque(statuses)
        self.now = 0.0
        self.refuse = 0
        self.notices: deque[list[Any]] = deque()
        self.is_quiet = threading.Event()
        self.changed = threading.Condition()
        self.is_closed = False

    def monotonic(self) -> float:
        return self.now

    def wait_change(self, _handle: object, _status: object, seconds: float) -> None:
        self.now += seconds

    def service_status(self, _: object) -> Any:
        if self.refuse:
            error = OSError(self.refuse, "refused")
            setattr(error, "winerror", self.refuse)  # noqa: B010
            raise error
        status = self.statuses[0]
        if len(self.statuses) > 1:
            self.statuses.popleft()
        return status

    def service_open(self, *_: object) -> object:
        return object()

    def handle_close(self, _: object) -> None: ...

    def notifier_new(self) -> object:
        return self

    def notifier_add(self, *_: object) -> None: ...

    def notifier_remove(self, *_: object) -> None: ...

    def notifier_wait(self, _: object, seconds: float | None) -> list[Any]:
        """Wait in real time once there is nothing new; until then time flies."""
        with self.changed:
            if self.is_closed:
                raise EOFError
            if self.notices:
                return self.notices.popleft()
            if len(self.statuses) > 1 or not self.is_quiet.is_set():
                self.now += seconds or 0.0
                return []
            self.changed.wait(PATIENCE)
            if self.is_closed:
                raise EOFError
            return []

    def notifier_close(self, _: object) -> None:
        with self.changed:
            self.is_closed = True
            self.changed.notify_all()

    def show(self, status: tuple[int, ...]) -> None:
        """Let the service be in another state, and notify."""
        with self.changed:
            self.statuses = deque([status])
            self.changed.notify_all()


def watch_of(scm: Scm, *, deleted: bool = False, **options: Any) -> ServiceWatch:
    """Return a watch of the service."""
    backend: Any = scm
    handles = Handles(backend, lambda _right: object())
    return ServiceWatch("Foo", backend, handles, lambda: deleted, **options)


def test_watch_yields_the_first_look_and_every_change() -> None:
    """State, process, exit codes, accepts; nothing twice, no checkpoints."""
    scm = Scm(
        STOPPED,
        STOPPED,
        starting(1),
        starting(2),
        RUNNING,
        RUNNING,
        PAUSABLE,
        RESTARTED,
        FAILED,
    )
    with watch_of(scm, timeout=10.0) as watch:
        seen = list(watch)

    assert [status.state for status in seen] == [
        State.STOPPED,
        State.START_PENDING,
        State.RUNNING,
        State.RUNNING,
        State.RUNNING,
        State.STOPPED,
    ]
    assert seen[3].accepts == Accept.STOP | Accept.PAUSE_CONTINUE
    assert seen[4].pid == 12
    assert seen[5].service_exit_code == 7
    assert watch.status == seen[-1]
    assert watch.end is WatchEnd.TIMEOUT


def test_checkpoints_are_changes_if_asked_for() -> None:
    """Then each look by the clock that finds another one counts (C-10)."""
    scm = Scm(starting(1), starting(2), starting(2), starting(3), RUNNING)
    watch = watch_of(scm, timeout=10.0, checkpoints=True)

    assert [status.checkpoint for status in watch] == [1, 2, 3, 0]


def noticed(*statuses: tuple[int, ...]) -> list[Any]:
    """Return notices of these statuses, as one wait finds them."""
    return [(0, 0, 1 << (status[1] - 1), status, ()) for status in statuses]


STOPPING = (16, 3, 0, 0, 0, 1, 3000, 8)


@pytest.mark.parametrize(
    ("looks", "notices"),
    [
        # The looks come after all of it.
        ([RUNNING, RUNNING, RESTARTED], [(), (STOPPING, STOPPED, RESTARTED)]),
        # They come in between, before the notices do.
        ([RUNNING, STOPPED, RESTARTED], [(STOPPING,), (STOPPED,), (RESTARTED,)]),
        ([RUNNING, RESTARTED], [(STOPPING,), (STOPPED,), (RESTARTED,)]),
        # One notice comes without the others: they were faster than it.
        ([RUNNING, STOPPING, STOPPED, RESTARTED], [(STOPPING,), (), (RESTARTED,)]),
        # Nothing is notified.
        ([RUNNING, STOPPING, STOPPED, RESTARTED], []),
    ],
)
def test_states_that_it_has_passed_are_told(
    looks: list[tuple[int, ...]], notices: list[tuple[tuple[int, ...], ...]]
) -> None:
    """In order, each once, whether a look or a notice is faster."""
    scm = Scm(*looks)
    scm.notices += [noticed(*each) for each in notices]
    with watch_of(scm, timeout=10.0) as watch:
        seen = [(status.state, status.pid) for status in watch]

    assert seen == [
        (State.RUNNING, 8),
        (State.STOP_PENDING, 8),
        (State.STOPPED, 0),
        (State.RUNNING, 12),
    ]


def test_timeout_counts_from_the_last_change() -> None:
    """It is no limit of the whole: that is the caller's."""
    scm = Scm(STOPPED, STOPPED, RUNNING)
    watch = watch_of(scm, timeout=5.0)
    next(watch)
    scm.now += 100.0
    next(watch)
    before = scm.now

    assert next(watch, None) is None
    assert scm.now - before == pytest.approx(5.0)
    assert next(watch, None) is None


@pytest.mark.parametrize("notice", [(0, 1072, 0), (0, 0, DELETE_PENDING)])
def test_watch_ends_when_the_deleted_service_has_stopped(
    notice: tuple[int, int, int],
) -> None:
    """It goes on after the deletion, and the last status is told (E-36, F-8)."""
    scm = Scm(RUNNING)
    scm.notices.append([(*notice, RUNNING, ())])
    scm.statuses.extend([RUNNING, PAUSABLE, FAILED])
    seen = list(watch := watch_of(scm))

    assert [status.state for status in seen] == [
        State.RUNNING,
        State.RUNNING,
        State.STOPPED,
    ]
    assert seen[-1].exit_code == 1066
    assert watch.end is WatchEnd.DELETED


def test_watch_knows_of_its_own_handles_deletion() -> None:
    """Where the system does not tell (H-33)."""
    watch = watch_of(Scm(RUNNING, STOPPED), deleted=True)

    assert [status.state for status in watch] == [State.RUNNING, State.STOPPED]
    assert watch.end is WatchEnd.DELETED


def test_closed_watch_yields_nothing() -> None:
    """Before its first item, after it, and twice."""
    watch = watch_of(Scm(RUNNING))
    watch.close()
    watch.close()

    assert list(watch) == []
    assert watch.end is WatchEnd.CLOSED


def test_close_wakes_who_waits() -> None:
    """From another thread, while the service does not change."""
    scm = Scm(RUNNING)
    scm.is_quiet.set()
    watch = watch_of(scm)
    next(watch)
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.extend(watch))
    thread.start()
    watch.close()
    thread.join(PATIENCE)

    assert not thread.is_alive()
    assert seen == []
    assert watch.end is WatchEnd.CLOSED


def test_status_that_cannot_be_read_is_an_error() -> None:
    """It names what was tried on which service."""
    scm = Scm(RUNNING)
    watch = watch_of(scm)
    next(watch)
    scm.refuse = 6
    with pytest.raises(ServiceError, match="could not watch service 'Foo': 6"):
        next(watch)


# --- asyncio --------------------------------------------------------------------


def threads_of_watches() -> int:
    """Return how many threads wait for asyncio."""
    return sum(each.name == "winsvc watch" for each in threading.enumerate())


def no_thread_is_left(but: int = 0) -> bool:
    """Wait for a moment until a thread that is done has ended."""
    until = time.monotonic() + PATIENCE
    while threads_of_watches() > but and time.monotonic() < until:
        time.sleep(0.001)
    return threads_of_watches() == but


def test_async_watch_yields_the_same() -> None:
    """And its looks are never on the loop's thread."""
    scm = Scm(STOPPED, starting(1), RUNNING, FAILED)
    looked_on: set[int] = set()
    look = scm.service_status
    scm.service_status = lambda _: (
        looked_on.add(threading.get_ident()),
        look(_),
    )[1]

    async def main() -> list[State]:
        async with watch_of(scm, timeout=5.0) as watch:
            return [status.state async for status in watch]

    states = asyncio.run(main())

    assert states == [1, 2, 4, 1]
    assert threading.get_ident() not in looked_on
    assert no_thread_is_left()


def test_cancelled_waiting_loses_nothing() -> None:
    """What comes after a time-out of the caller's is the next item."""
    scm = Scm(RUNNING)
    scm.is_quiet.set()

    async def main() -> list[State]:
        async with watch_of(scm) as watch:
            first = await anext(watch)
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.01):
                        await anext(watch)
                assert no_thread_is_left(but=1)
            scm.show(FAILED)
            return [first.state, (await anext(watch)).state]

    assert asyncio.run(main()) == [State.RUNNING, State.STOPPED]
    assert no_thread_is_left()


def test_cancelled_task_leaves_no_thread() -> None:
    """Its async with closes the watch, which ends the thread."""
    scm = Scm(RUNNING)
    scm.is_quiet.set()
    reached = asyncio.Event()

    async def consume() -> None:
        async with watch_of(scm) as watch:
            async for _ in watch:
                reached.set()

    async def main() -> None:
        task = asyncio.create_task(consume())
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert no_thread_is_left()


def test_break_leaves_no_thread_though_nobody_closes() -> None:
    """A thread is there only while somebody waits for the next item."""
    scm = Scm(RUNNING)

    async def main() -> None:
        async for _ in watch_of(scm):
            break

    asyncio.run(main())

    assert no_thread_is_left()


def test_async_error_is_raised_where_it_is_awaited() -> None:
    """As with ``for``."""
    scm = Scm(RUNNING)
    scm.refuse = 5

    async def main() -> None:
        async with watch_of(scm) as watch:
            await anext(watch)

    with pytest.raises(ServiceError, match="could not watch"):
        asyncio.run(main())
