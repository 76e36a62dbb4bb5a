"""What wakes up who waits for a service: notifications, or the clock."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import pytest

from winsvc.manage.notifier import DELETE_PENDING, OF_SERVICE, Bell, Notifier
from winsvc.manage.status import ServiceStatus
from winsvc.manage.waiting import REST, Watch
from winsvc.states import State

RUNNING = (16, 4, 1, 0, 0, 0, 0, 8)


def refused(code: int) -> OSError:
    """Return the error of the extension for a code."""
    error = OSError(code, "refused")
    setattr(error, "winerror", code)  # noqa: B010
    return error


class FakeNotifications:
    """An SCM whose notices come from a script; every wait takes its time.

    Args:
        notices: What each wait finds; nothing after the last.
    """

    def __init__(self, *notices: list[Any]) -> None:
        self.notices = deque(notices)
        self.now = 0.0
        self.waits: list[float | None] = []
        self.looks: list[float] = []
        self.added: list[tuple[object, int, int]] = []
        self.removed: list[int] = []
        self.closed = 0
        self.missing = False

    def monotonic(self) -> float:
        return self.now

    def notifier_new(self) -> object:
        if self.missing:
            raise refused(120)
        return self

    def notifier_add(self, _: object, handle: object, mask: int, key: int) -> None:
        self.added.append((handle, mask, key))

    def notifier_remove(self, _: object, key: int) -> None:
        self.removed.append(key)

    def notifier_wait(self, _: object, seconds: float | None) -> list[Any]:
        if self.closed:
            raise EOFError
        self.waits.append(seconds)
        if self.notices:
            return self.notices.popleft()
        self.now += seconds or 0.0
        return []

    def notifier_close(self, _: object) -> None:
        self.closed += 1

    def wait_change(self, _handle: object, _status: object, seconds: float) -> None:
        self.looks.append(seconds)
        self.now += seconds


def bell_of(scm: Any) -> Bell:
    """Return a bell whose handles are called "own"."""
    return Bell(scm, lambda: "own")


def notice(code: int = 0, triggered: int = 8) -> list[Any]:
    """Return what one wait finds."""
    return [(0, code, triggered, RUNNING, ())]


def test_bell_subscribes_once_with_a_handle_of_its_own() -> None:
    """All states and the deletion (F-1), over all waits."""
    scm = FakeNotifications(notice(), notice())
    with bell_of(scm) as bell:
        bell.wait("handle", RUNNING, 1.0)
        bell.wait("handle", RUNNING, 1.0)

        assert scm.added == [("own", OF_SERVICE, 0)]
        assert scm.now == 0.0
        assert (bell.notifies, bell.is_deleted) == (True, False)
    assert scm.closed == 1


def test_main_thread_waits_in_short_turns() -> None:
    """Ctrl+C gets through between two of them; other threads need none."""
    scm: Any = FakeNotifications()
    notifier = Notifier(scm)
    notifier.wait(1.2)
    thread = threading.Thread(target=notifier.wait, args=(1.2,))
    thread.start()
    thread.join()

    assert scm.waits == [0.5, 0.5, pytest.approx(0.2), 1.2]


def test_main_thread_waits_for_ever_in_short_turns() -> None:
    """Without an end it goes on until there is something."""
    scm: Any = FakeNotifications([], [], notice())

    assert Notifier(scm).wait(None) == notice()
    assert scm.waits == [0.5, 0.5, 0.5]


def test_bell_without_notifications_goes_by_the_clock() -> None:
    """A system that lacks them is asked once (H-33 for others of its kind)."""
    scm = FakeNotifications()
    scm.missing = True
    bell = bell_of(scm)
    bell.wait("handle", RUNNING, 0.25)
    bell.wait("handle", RUNNING, 0.5)

    assert scm.looks == [0.25, 0.5]
    assert not bell.notifies


def test_bell_that_may_not_open_a_handle_goes_by_the_clock() -> None:
    """The manager is closed, say: there is no new handle to be had (E-23)."""
    scm: Any = FakeNotifications()

    def refuse() -> object:
        raise refused(6)

    bell = Bell(scm, refuse)
    bell.wait("handle", RUNNING, 0.25)

    assert not bell.notifies
    assert scm.looks == [0.25]


@pytest.mark.parametrize("code", [1294, 1235])
def test_lagging_bell_subscribes_anew(code: int) -> None:
    """A client that is too slow opens another handle (F-5, F-8)."""
    scm = FakeNotifications(notice(code, 0), notice())
    bell = bell_of(scm)
    bell.wait("handle", RUNNING, 1.0)
    bell.wait("handle", RUNNING, 1.0)

    assert len(scm.added) == 2
    assert bell.notifies


@pytest.mark.parametrize("code", [1294, 1235])
def test_bell_that_lags_again_at_once_goes_by_the_clock(code: int) -> None:
    """Else it would do nothing but subscribe, as fast as it can (F-8)."""
    scm = FakeNotifications(*[notice(code, 0)] * 5)
    bell = bell_of(scm)
    for _ in range(4):
        bell.wait("handle", RUNNING, 0.25)

    assert len(scm.added) == 2
    assert not bell.notifies
    assert scm.looks == [0.25, 0.25]


def test_bell_that_lags_now_and_then_goes_on() -> None:
    """What helped a while ago may help again."""
    scm = FakeNotifications(*[notice(1294, 0), []] * 5)
    bell = bell_of(scm)
    for _ in range(10):
        bell.wait("handle", RUNNING, 0.25)
        scm.now += REST

    assert len(scm.added) == 6
    assert bell.notifies


@pytest.mark.parametrize(
    ("code", "triggered"), [(1072, 0), (1072, DELETE_PENDING), (0, DELETE_PENDING | 1)]
)
def test_bell_knows_of_a_deletion(code: int, triggered: int) -> None:
    """By the notice itself, or by the refusal of the next one (F-8, E-33)."""
    scm = FakeNotifications(notice(code, triggered))
    bell = bell_of(scm)
    bell.wait("handle", RUNNING, 1.0)

    assert bell.is_deleted
    assert bell.notifies == (code == 0)
    assert len(scm.added) == 1


def test_refused_bell_sleeps_as_long_as_the_clock_says() -> None:
    """Access denied (5), say: looks go on."""
    scm = FakeNotifications(notice(5, 0))
    bell = bell_of(scm)
    bell.wait("handle", RUNNING, 0.3)
    bell.wait("handle", RUNNING, 0.3)

    assert not bell.notifies
    assert scm.looks == [0.3]
    assert len(scm.added) == 1


def test_closed_bell_does_not_wait() -> None:
    """Whether it has been closed before its first wait or after."""
    scm = FakeNotifications()
    early, late = bell_of(scm), bell_of(scm)
    early.close()
    early.wait("handle", RUNNING, 5.0)
    late.wait("handle", RUNNING, 1.0)
    late.close()
    late.wait("handle", RUNNING, 5.0)
    late.close()

    assert scm.now == 1.0
    assert late.is_closed


def status_of(state: State, checkpoint: int = 0, hint: float = 0.0) -> ServiceStatus:
    """Return a status of a process."""
    raw = (16, state, 0, 0, 0, checkpoint, int(hint * 1000), 8)
    return ServiceStatus.from_tuple(raw)


def test_notified_service_rests() -> None:
    """RUNNING: the state will be told, only what it accepts will not (F-11)."""
    watch = Watch("Foo", "wait for", State.STOPPED, alive=True)
    status = status_of(State.RUNNING)
    watch.look(status, 0.0)

    assert watch.interval(status, 0.0, notifies=True) == REST
    assert watch.interval(status, 0.0, notifies=False) == 0.02


def test_pending_service_is_looked_at_though_it_notifies() -> None:
    """Its checkpoints tell of progress, and nobody tells of them (C-10, F-11)."""
    watch = Watch("Foo", "wait for", State.STOPPED, alive=True)
    now, looks = 0.0, []
    for checkpoint in range(8):
        status = status_of(State.STOP_PENDING, checkpoint, 3.0)
        watch.look(status, now)
        looks.append(watch.interval(status, now, notifies=True))
        now += looks[-1]

    assert looks == [0.02, 0.04, 0.08, 0.16, 0.3, 0.3, 0.3, 0.3]


def test_early_look_does_not_put_off_the_next() -> None:
    """A notice in between leaves the schedule as it was."""
    watch = Watch("Foo", "wait for", State.STOPPED, alive=True)
    status = status_of(State.STOP_PENDING, 1, 3.0)
    watch.look(status, 10.0)
    first = watch.interval(status, 10.0)
    watch.look(status, 10.005)

    assert first == 0.02
    assert watch.interval(status, 10.005) == pytest.approx(0.015)
    assert watch.interval(status, 10.02) == 0.04
