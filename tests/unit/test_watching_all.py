"""Watching all services: what the SCM's notices and the lists tell together."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from winsvc.manage import watching_all
from winsvc.manage.backend import Handles
from winsvc.manage.notifier import OF_SCM
from winsvc.manage.watching_all import ManagerWatch

STOPPED = (16, 1, 0, 0, 0, 0, 0, 0)
RUNNING = (16, 4, 1, 0, 0, 0, 0, 8)
NOTHING = (0,) * 8
SCM = 0

Step = Callable[[], Any]


class Scm:
    """Services in a list, and notices that come as the test says.

    Attributes:
        services: What the next list shows.
        steps: What happens while the watch waits: each returns notices, on which a
            list follows.
    """

    def __init__(self, *names: str) -> None:
        self.services = dict.fromkeys(names, STOPPED)
        self.steps: deque[Step] = deque()
        self.now = 0.0
        self.opened: list[str] = []
        self.closed: list[object] = []
        self.added: list[tuple[object, int]] = []

    def monotonic(self) -> float:
        return self.now

    def service_list(self, *_: object) -> list[Any]:
        return [(name, name, status) for name, status in self.services.items()]

    def service_open(self, scm: object, name: str, _rights: int) -> object:
        self.opened.append(f"{name} by {scm}")
        return name

    def handle_close(self, handle: object) -> None:
        self.closed.append(handle)

    def notifier_new(self) -> object:
        return self

    def notifier_add(self, _: object, handle: object, mask: int, key: int) -> None:
        assert (mask == OF_SCM) == (key == SCM)
        self.added.append((handle, key))

    def notifier_remove(self, *_: object) -> None: ...

    def notifier_wait(self, _: object, seconds: float) -> list[Any]:
        if self.steps:
            return self.steps.popleft()()
        self.now += seconds
        return []

    def notifier_close(self, _: object) -> None:
        self.closed.append("notifier")

    def past(self, seconds: float) -> list[Any]:
        """Let time go by without a notice."""
        self.now += seconds
        return []

    def told(self, *names: str) -> list[Any]:
        """Return what the SCM notifies: created with "/", deleted without (F-9)."""
        return [(SCM, 0, 0, NOTHING, names)]


def watch_of(scm: Scm) -> ManagerWatch:
    """Return a watch that ends after ten seconds without an event."""
    backend: Any = scm
    made = iter(range(1, 99))
    handles = Handles(backend, lambda _right: f"scm{next(made)}")

    def opener(name: str) -> object:
        return scm.service_open("first", name, 4)

    return ManagerWatch(backend, handles, opener, timeout=10.0)


def events_of(watch: ManagerWatch) -> list[str]:
    """Return what has happened to which service."""
    return [f"{each.what} {each.name}" for each in watch]


AGAIN = ["deleted Foo", "created Foo"]


@pytest.mark.parametrize(
    "batches",
    [
        [("Foo",), ("/Foo",), ()],
        [(), ("Foo",), ("/Foo",)],
        [("/Foo",), (), ("Foo",)],
        [("Foo", "/Foo"), (), ()],
    ],
)
def test_service_that_came_again_between_two_lists(
    batches: list[tuple[str, ...]],
) -> None:
    """The notices come one by one (F-2), after it is in the list again: told once.

    What was followed was a handle to the one that is gone.
    """
    scm = Scm("Foo", "Bar")
    watch = watch_of(scm)
    for batch in batches:
        scm.steps.append(lambda batch=batch: scm.told(*batch))
    opened = len(scm.opened)

    assert events_of(watch) == AGAIN
    assert scm.opened[opened:] == ["Foo by first"]


@pytest.mark.parametrize(
    "late",
    [
        [("Foo",), ("/Foo",), ()],
        [("Foo", "/Foo"), (), ()],
        [(), ("/Foo",), ("Foo",)],
    ],
)
def test_what_a_list_has_told_is_not_told_again(late: list[tuple[str, ...]]) -> None:
    """The lists were faster than all notices."""
    scm = Scm("Foo")
    watch = watch_of(scm)

    def goes() -> list[Any]:
        del scm.services["Foo"]
        return scm.told()

    def comes() -> list[Any]:
        scm.services["Foo"] = STOPPED
        return scm.told()

    scm.steps += [goes, comes]
    for batch in late:
        scm.steps.append(lambda batch=batch: scm.told(*batch))

    assert events_of(watch) == AGAIN


def test_late_notices_of_one_that_came_and_went_are_not_told_again() -> None:
    """Two lists have shown it, and not any more."""
    scm = Scm()
    watch = watch_of(scm)

    def comes() -> list[Any]:
        scm.services["Foo"] = STOPPED
        return scm.told()

    def goes() -> list[Any]:
        del scm.services["Foo"]
        return scm.told()

    scm.steps += [comes, goes, lambda: scm.told("/Foo", "Foo")]

    assert events_of(watch) == ["created Foo", "deleted Foo"]


def test_each_time_that_it_comes_again_is_told() -> None:
    """What was told the last time is no excuse."""
    scm = Scm("Foo")
    watch = watch_of(scm)

    def goes() -> list[Any]:
        del scm.services["Foo"]
        return scm.told()

    def comes() -> list[Any]:
        scm.services["Foo"] = RUNNING
        return scm.told("Foo")

    scm.steps += [goes, comes, lambda: scm.told("/Foo"), lambda: scm.told("Foo")]

    assert events_of(watch) == AGAIN * 2


def test_one_that_came_and_went_is_told() -> None:
    """No list has ever had it."""
    scm = Scm()
    watch = watch_of(scm)
    scm.steps.append(lambda: scm.told("/Foo", "Foo"))

    assert events_of(watch) == ["created Foo", "deleted Foo"]


PAUSED = (16, 7, 1, 0, 0, 0, 0, 8)
RESTARTED = (16, 4, 1, 0, 0, 0, 0, 12)


def changes_of(watch: ManagerWatch) -> list[tuple[str, int, bool]]:
    """Return state, process and whether it is a restart, of each change."""
    return [
        (each.status.state.name, each.status.pid, each.is_restart)
        for each in watch
        if each.status
    ]


def run_foo(scm: Scm) -> ManagerWatch:
    """Return a watch of Foo, which runs; its key is 1."""
    scm.services["Foo"] = RUNNING
    return watch_of(scm)


def notify(scm: Scm, *passed: Any, now: Any) -> Step:
    """Return a step: it has passed through states, and the list shows one."""

    def step() -> list[Any]:
        scm.services["Foo"] = now
        notices = [(1, 0, 1 << (each[1] - 1), each, ()) for each in passed]
        return notices or scm.told()

    return step


@pytest.mark.parametrize("ahead", [False, True])
def test_states_between_two_lists_are_told(ahead: bool) -> None:
    """PAUSED and STOPPED of a restart; a list that is ahead waits for them."""
    scm = Scm()
    watch = run_foo(scm)
    if ahead:
        scm.steps.append(notify(scm, now=RESTARTED))
    for passed in (PAUSED, RUNNING, STOPPED, RESTARTED):
        scm.steps.append(notify(scm, passed, now=RESTARTED))

    assert changes_of(watch) == [
        ("PAUSED", 8, False),
        ("RUNNING", 8, False),
        ("STOPPED", 0, False),
        ("RUNNING", 12, False),
    ]


def test_what_nobody_notifies_is_told_by_the_lists() -> None:
    """After a moment, each that a list has shown, also before it is gone."""
    scm = Scm()
    watch = run_foo(scm)
    scm.steps += [notify(scm, now=PAUSED), notify(scm, now=RESTARTED)]

    def goes() -> list[Any]:
        del scm.services["Foo"]
        return scm.told()

    for _ in range(2):
        scm.steps.append(lambda: scm.past(watching_all.GRACE))
    scm.steps += [notify(scm, now=STOPPED), goes]

    events = [(each.what, each.status and each.status.state.name) for each in watch]
    assert events == [
        ("changed", "PAUSED"),
        ("changed", "RUNNING"),
        ("changed", "STOPPED"),
        ("deleted", None),
    ]


def test_restart_between_two_lists_is_known_by_its_process() -> None:
    """Where nothing is notified (H-33): the list shows RUNNING, and RUNNING."""
    scm = Scm()
    watch = run_foo(scm)
    watch._notifier = None
    watch._keys.clear()
    watch._sleep = lambda seconds: scm.steps.popleft()() or scm.past(seconds)  # type: ignore[assignment, method-assign]
    scm.steps.append(notify(scm, now=RESTARTED))
    scm.steps += [list] * 20

    assert changes_of(watch) == [("RUNNING", 12, True)]


class Lull:
    """The rests of a watch, in place of its event."""

    def __init__(self) -> None:
        self.rests: list[float] = []
        self.is_over = False

    def is_set(self) -> bool:
        return self.is_over

    def set(self) -> None:
        self.is_over = True

    def wait(self, seconds: float) -> bool:
        self.rests.append(seconds)
        return self.is_over


@pytest.mark.parametrize("code", [1235, 1294])
def test_renewals_rest_and_use_a_new_handle_to_the_scm(code: int) -> None:
    """A client that lags on and on does not keep a processor busy (F-8)."""
    scm = Scm("Foo")
    watch = watch_of(scm)
    lull: Any = Lull()
    watch._closed = lull
    keys = [key for _, key in scm.added]
    assert keys == [SCM, 1]
    opened, closed = len(scm.opened), len(scm.closed)

    def lag() -> list[Any]:
        return [(key, code, 0, NOTHING, ()) for key in (SCM, max(keys))]

    def lag_again() -> list[Any]:
        return [(scm.added[-1][1], code, 0, NOTHING, ())]

    scm.steps += [lag, lag_again, list]

    assert events_of(watch) == []
    assert lull.rests == [watching_all._LULL] * 2
    manager = [handle for handle, key in scm.added if key == SCM]
    assert len(set(manager)) == 2
    by = scm.opened[opened:]
    assert len(set(by)) == 2
    assert "Foo by first" not in by
    # Those to the SCM were for the opening alone.
    assert [f"Foo by {each}" for each in scm.closed[closed:][:2]] == by


def test_close_while_the_consumer_gives_up_the_notifier() -> None:
    """Two threads: what is read once is there."""
    scm = Scm()
    watch = watch_of(scm)
    notifier = watch._notifier

    class Race:
        """Gives it up at the first look."""

        def __get__(self, owner: Any, _: type) -> Any:
            looks.append(1)
            return notifier if len(looks) == 1 else None

        def __set__(self, owner: Any, value: Any) -> None: ...

    looks: list[int] = []
    watch.__class__ = type("Raced", (ManagerWatch,), {"_notifier": Race()})
    watch.close()

    assert scm.closed == ["notifier"]


def test_watch_that_cannot_list_leaves_nothing_open() -> None:
    """Nobody gets it, so that nobody could close it."""
    scm = Scm("Foo")
    lists = iter([scm.service_list()])

    def fails_later(*_: object) -> list[Any]:
        for each in lists:
            return each
        raise OSError(1722, "RPC")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scm, "service_list", fails_later)
        with pytest.raises(OSError, match="1722"):
            watch_of(scm)

    assert "notifier" in scm.closed
