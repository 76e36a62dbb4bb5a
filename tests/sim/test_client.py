"""The client of running services: stop and restart with dependents, watch, list."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from simrig import PATIENCE, Rig, eventually

import winsvc
from winsvc import _native
from winsvc.errors import ServiceError, ServiceFailed, ServiceTimeout
from winsvc.manage.manager import ServiceHandle
from winsvc.manage.notifier import OF_SCM, OF_SERVICE
from winsvc.manage.watching import WatchEnd
from winsvc.manage.watching_all import ServiceEvent
from winsvc.reasons import StopMajor, StopReason
from winsvc.settings.config import ServiceConfig
from winsvc.states import State
from winsvc.testing import SimulatedScm

STORM_CHANGES = int(os.environ.get("WINSVC_STORM_CHANGES", "1500"))
STORM_ROUNDS = int(os.environ.get("WINSVC_STORM_ROUNDS", "4"))
CALLS: list[str] = []


class Noting(winsvc.Service):
    """Notes its starts and stops; B's can be kept from ending."""

    name = "A"
    gate = threading.Event()

    def on_start(self) -> None:
        CALLS.append(f"start {type(self).name} {' '.join(self.args)}".strip())

    def on_pause(self) -> None: ...

    def on_continue(self) -> None: ...

    def on_stop(self) -> None:
        CALLS.append(f"stop {type(self).name}")


class B(Noting):
    name = "B"


class C(Noting):
    name = "C"


class Slow(Noting):
    """Stops only once its gate is open, however much time has passed."""

    name = "Slow"
    stop_timeout = None

    def on_stop(self) -> None:
        self.gate.wait(PATIENCE)


class Failing(Noting):
    """Does not start a second time."""

    name = "Failing"
    starts = itertools.count()

    def on_start(self) -> None:
        if next(self.starts):
            raise winsvc.ServiceExit(7)


@pytest.fixture
def chain(rig: Rig) -> Iterator[list[ServiceHandle]]:
    """A, B that depends on it and C that depends on B: all run (I-144)."""
    CALLS.clear()
    handles = [rig.scm.add(each) for each in (Noting, B, C)]
    rig.scm.apply(ServiceConfig(name="B", dependencies=("A",)))
    rig.scm.apply(ServiceConfig(name="C", dependencies=("B",)))
    for handle in handles:
        handle.start()
        handle.wait_state(State.RUNNING)
    yield handles
    for handle in reversed(handles):
        if handle.status().state is not State.STOPPED:
            handle.stop()
            handle.wait_state(State.STOPPED)


# --- dependents -------------------------------------------------------------------


def test_dependents_come_in_the_order_to_stop_them(chain: list[ServiceHandle]) -> None:
    """All of them, directly or not; stopped ones if asked for (F-20)."""
    first, _, last = chain
    last.stop()
    last.wait_state(State.STOPPED)

    assert [each.name for each in first.dependents()] == ["C", "B"]
    assert [each.name for each in first.dependents(active_only=True)] == ["B"]
    assert last.dependents() == ()


def test_stop_of_a_needed_service_says_who_needs_it(
    chain: list[ServiceHandle],
) -> None:
    """1051 names those that run, and what to do; nothing is stopped (B-38)."""
    with pytest.raises(ServiceError) as caught:
        chain[0].stop()

    assert caught.value.winerror == 1051
    assert "'C', 'B'; stop(dependents=True) stops them before it" in str(caught.value)
    assert all(handle.status().state is State.RUNNING for handle in chain)


def test_stop_with_dependents_stops_them_first(chain: list[ServiceHandle]) -> None:
    """C, then B, each until it is STOPPED, then A is told to (I-144, C-13)."""
    del CALLS[:]
    chain[0].stop(dependents=True)

    assert [handle.status().state for handle in chain[1:]] == [State.STOPPED] * 2
    chain[0].wait_state(State.STOPPED)
    assert CALLS == ["stop C", "stop B", "stop A"]


def test_stop_with_dependents_waits_for_one_that_stops_already(rig: Rig) -> None:
    """Whoever told it to: 1061 is no failure then (B-33)."""
    Slow.gate.clear()
    first, slow = rig.scm.add(Noting), rig.scm.add(Slow)
    rig.scm.apply(ServiceConfig(name="Slow", dependencies=("A",)))
    for handle in (first, slow):
        handle.start()
        handle.wait_state(State.RUNNING)
    slow.stop()
    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(first.stop, dependents=True)
        assert not stopped.done()
        Slow.gate.set()
        stopped.result(PATIENCE)
    first.wait_state(State.STOPPED)

    assert slow.status().state is State.STOPPED


def test_stop_with_dependents_over_time_names_the_one(rig: Rig) -> None:
    """The time is for all of them together; the service itself runs on."""
    Slow.gate.clear()
    first, slow = rig.scm.add(Noting), rig.scm.add(Slow)
    rig.scm.apply(ServiceConfig(name="Slow", dependencies=("A",)))
    for handle in (first, slow):
        handle.start()
        handle.wait_state(State.RUNNING)
    with ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(first.stop, dependents=True, timeout=2.0)
        rig.pass_time(0.5, stopped.done, "the time is up")
        with pytest.raises(ServiceTimeout, match="its dependent 'Slow'") as caught:
            stopped.result()

    assert caught.value.service == "A"
    assert first.status().state is State.RUNNING
    Slow.gate.set()
    first.stop(dependents=True)
    first.wait_state(State.STOPPED)


# --- restart ----------------------------------------------------------------------


def test_restart_waits_for_stopped_first(rig: Rig) -> None:
    """START comes after STOPPED, with new arguments, in a new process (I-145)."""
    CALLS.clear()
    handle = rig.scm.add(Noting)
    handle.start("old")
    pid = handle.wait_state(State.RUNNING).pid
    seen: list[State] = []
    status = handle.restart("new", on_progress=lambda each: seen.append(each.state))

    assert CALLS == ["start A old", "stop A", "start A new"]
    assert status.state is State.RUNNING
    assert status.pid != pid
    assert State.STOPPED in seen
    assert seen[-1] is State.RUNNING
    handle.stop()
    handle.wait_state(State.STOPPED)


def test_restart_of_a_stopped_service_starts_it(rig: Rig) -> None:
    """As of one that is just stopping, which it waits for (C-12)."""
    Slow.gate.clear()
    handle = rig.scm.add(Slow)

    assert handle.restart().state is State.RUNNING
    handle.stop()
    with ThreadPoolExecutor(1) as pool:
        restarted = pool.submit(handle.restart)
        assert handle.status().state is State.STOP_PENDING
        Slow.gate.set()
        assert restarted.result(PATIENCE).state is State.RUNNING
    handle.stop()
    handle.wait_state(State.STOPPED)


def loading(rig: Rig, name: str, cls: type[winsvc.Service]) -> threading.Event:
    """Let the service's code load only once an event is set; return that."""
    gate = threading.Event()

    def load() -> type[winsvc.Service]:
        assert gate.wait(PATIENCE)
        return cls

    rig.scm._record(name).load = load
    return gate


def test_restart_waits_for_one_that_is_just_starting(rig: Rig) -> None:
    """It takes no STOP yet (B-44): it is started, stopped and started again."""
    CALLS.clear()
    handle = rig.scm.add(Noting)
    gate = loading(rig, "A", Noting)
    handle.start("first")
    with pytest.raises(ServiceError) as refused:
        handle.stop()
    seen: list[State] = []

    def note(status: winsvc.ServiceStatus) -> None:
        seen.append(status.state)
        gate.set()

    assert handle.restart("second", on_progress=note).state is State.RUNNING
    assert seen[0] is State.START_PENDING
    assert CALLS == ["start A first", "stop A", "start A second"]
    assert str(refused.value) == (
        "could not stop service 'A': 1052 ERROR_INVALID_SERVICE_CONTROL, the service "
        "does not accept this control (it is START_PENDING); wait until it is "
        "RUNNING, then try again"
    )
    handle.stop()
    handle.wait_state(State.STOPPED)


def test_restart_has_no_more_time_than_was_given_for_a_start(rig: Rig) -> None:
    """The time that another client's start takes counts too."""
    handle = rig.scm.add(Noting)
    gate = loading(rig, "A", Noting)
    handle.start()
    with ThreadPoolExecutor(1) as pool:
        restarted = pool.submit(handle.restart, timeout=1.0)
        while not restarted.done():
            rig.scm.advance(0.1)
        with pytest.raises(ServiceTimeout, match="it is START_PENDING") as caught:
            restarted.result()
    gate.set()
    handle.wait_state(State.RUNNING)
    handle.stop()
    handle.wait_state(State.STOPPED)

    assert caught.value.winerror == 1460


def test_two_restarts_at_once_both_end_running(rig: Rig) -> None:
    """Who starts it second takes what the first has started."""
    Slow.gate.clear()
    first = rig.scm.add(Slow)
    first.start()
    pid = first.wait_state(State.RUNNING).pid
    with rig.scm.open("Slow") as second, ThreadPoolExecutor(2) as pool:
        restarts = [pool.submit(first.restart)]
        rig.reach("Slow", State.STOP_PENDING)
        restarts.append(pool.submit(second.restart))
        Slow.gate.set()
        pids = {each.result(PATIENCE).pid for each in restarts}
    assert first.status().state is State.RUNNING
    assert pid not in pids
    first.stop()
    first.wait_state(State.STOPPED)


def test_restart_gives_its_reason(rig: Rig) -> None:
    """As stop does (B-40)."""
    handle = rig.scm.add(Noting)
    handle.start()
    handle.wait_state(State.RUNNING)
    reason = StopReason(major=StopMajor.SOFTWARE)
    handle.restart(reason=reason, comment="version 2")

    assert rig.scm._record("A").stop_reason == (reason.code, "version 2")
    with pytest.raises(ValueError, match="reason"):
        handle.restart(comment="alone")
    handle.stop()
    handle.wait_state(State.STOPPED)


def test_control_that_no_client_may_send_says_which(rig: Rig) -> None:
    """87 by itself is about any value."""
    handle = rig.scm.add(Noting)
    handle.start()
    handle.wait_state(State.RUNNING)
    with pytest.raises(ServiceError, match="a client sends 128 to 255, or STOP, ") as c:
        handle.control(300)
    handle.stop()
    handle.wait_state(State.STOPPED)

    assert c.value.winerror == 87


def test_restart_of_a_needed_service_is_refused(chain: list[ServiceHandle]) -> None:
    """Others run because of it: they are not stopped unasked."""
    with pytest.raises(ServiceError, match=r"1051 .*'C', 'B'"):
        chain[0].restart()


def test_restart_with_dependents_starts_them_again(chain: list[ServiceHandle]) -> None:
    """In the reverse order, and only those that ran."""
    chain[2].stop()
    chain[2].wait_state(State.STOPPED)
    del CALLS[:]
    chain[0].restart(dependents=True)

    assert CALLS == ["stop B", "stop A", "start A", "start B"]
    assert chain[1].status().state is State.RUNNING
    assert chain[2].status().state is State.STOPPED


def test_restart_takes_a_dependent_that_somebody_has_started(
    chain: list[ServiceHandle], rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1056: it is up, or on its way there, and that is what was wanted."""
    plain = rig.scm._simulated.service_start
    codes: list[int] = []

    def start(service: object, args: tuple[str, ...]) -> None:
        plain(service, args)
        try:
            plain(service, args)
        except OSError as error:
            codes.append(error.winerror)  # type: ignore[attr-defined]
            if len(codes) > 1:  # not for A itself
                raise

    monkeypatch.setattr(rig.scm._simulated, "service_start", start)
    chain[0].restart(dependents=True)

    assert codes == [1056] * 3
    assert [each.status().state for each in chain] == [State.RUNNING] * 3


def test_restart_names_the_dependent_that_does_not_start(rig: Rig) -> None:
    """The service itself runs again by then."""
    Failing.starts = itertools.count()
    first, failing = rig.scm.add(Noting), rig.scm.add(Failing)
    rig.scm.apply(ServiceConfig(name="Failing", dependencies=("A",)))
    for handle in (first, failing):
        handle.start()
        handle.wait_state(State.RUNNING)
    with pytest.raises(ServiceError, match="could not restart service 'A'") as caught:
        first.restart(dependents=True)

    assert "its dependent 'Failing'" in str(caught.value)
    assert isinstance(caught.value.__cause__, ServiceFailed)
    assert first.status().state is State.RUNNING
    first.stop()
    first.wait_state(State.STOPPED)


# --- reasons ----------------------------------------------------------------------


def test_stop_takes_a_reason(rig: Rig) -> None:
    """It arrives with its comment; a bad one is refused before that (I-55)."""
    handle = rig.scm.add(Noting)
    handle.start()
    handle.wait_state(State.RUNNING)
    with pytest.raises(ValueError, match="needs a reason"):
        handle.stop(comment="why")
    handle.stop(reason=StopReason(major=StopMajor.SOFTWARE), comment="upgrade")
    handle.wait_state(State.STOPPED)

    record = rig.scm._record("A")
    assert record.stop_reason == (0x40040001, "upgrade")


def test_stop_with_a_reason_where_there_is_none(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not left out silently (H-19): the service runs on."""
    handle = rig.scm.add(Noting)
    handle.start()
    handle.wait_state(State.RUNNING)

    def missing(*_: object) -> None:
        error = OSError(120, "no such function")
        setattr(error, "winerror", 120)  # noqa: B010
        raise error

    monkeypatch.setattr(rig.scm._simulated, "service_control_reason", missing)
    with pytest.raises(ServiceError, match="ControlServiceEx") as caught:
        handle.stop(reason=StopReason())

    assert caught.value.winerror == 120
    assert handle.status().state is State.RUNNING
    handle.stop()
    handle.wait_state(State.STOPPED)


# --- lists ------------------------------------------------------------------------


def test_list_by_state_and_group(chain: list[ServiceHandle], rig: Rig) -> None:
    """The SCM knows active and not; the exact state is ours to pick (F-15, F-16)."""
    rig.scm.apply(ServiceConfig(name="C", group="Late"))
    chain[1].pause()
    chain[1].wait_state(State.PAUSED)

    def names(**options: object) -> list[str]:
        return [info.name for info in rig.scm.list(**options)]

    assert names() == ["A", "B", "C"]
    assert names(state=State.RUNNING) == ["A", "C"]
    assert names(state=State.PAUSED) == ["B"]
    assert names(state=State.STOPPED) == []
    assert names(group="Late") == ["C"]
    assert names(group="") == ["A", "B"]
    with pytest.raises(ServiceError) as caught:
        names(group="nobody's")
    assert caught.value.winerror == 1060
    chain[1].resume()
    chain[1].wait_state(State.RUNNING)


# --- watching one -----------------------------------------------------------------


def test_watch_sees_a_whole_life(rig: Rig) -> None:
    """With a look at first, and no state left out that somebody waited for."""
    handle = rig.scm.add(Noting)
    with handle.watch() as watch:
        seen = [next(watch).state]
        for act, state in (
            (handle.start, State.RUNNING),
            (handle.pause, State.PAUSED),
            (handle.resume, State.RUNNING),
            (handle.stop, State.STOPPED),
        ):
            act()
            seen += itertools.takewhile(
                lambda each, last=state: each is not last,
                (status.state for status in watch),
            )
            seen.append(state)

    settled = [state for state in seen if not state.is_pending]
    assert settled == [
        State.STOPPED,
        State.RUNNING,
        State.PAUSED,
        State.RUNNING,
        State.STOPPED,
    ]


def test_watch_ends_after_another_clients_deletion(rig: Rig) -> None:
    """It is told (F-8), goes on until STOPPED (E-36), and lets the service go."""
    handle = rig.scm.add(Noting)
    handle.start()
    handle.wait_state(State.RUNNING)
    watch = handle.watch()
    seen = [next(watch).state]
    with rig.scm.open("A") as other:
        other.delete()
        other.stop()
    seen += [status.state for status in watch]

    assert seen[0] is State.RUNNING
    assert seen[-1] is State.STOPPED
    assert watch.end is WatchEnd.DELETED
    handle.close()
    assert rig.scm.list() == ()


def test_async_watch_sees_a_stop(rig: Rig) -> None:
    """While the loop does other things."""
    handle = rig.scm.add(Noting)

    async def main() -> list[State]:
        async with handle.watch() as watch:
            seen = []
            async for status in watch:
                seen.append(status.state)
                if seen == [State.STOPPED]:
                    handle.start()
                elif status.state is State.RUNNING:
                    handle.stop()
                elif len(seen) > 1 and status.state is State.STOPPED:
                    return seen
        return []

    seen = asyncio.run(main())
    assert [each for each in seen if not each.is_pending] == [
        State.STOPPED,
        State.RUNNING,
        State.STOPPED,
    ]


def test_virtual_time_ends_a_watch(rig: Rig) -> None:
    """Its time-out is in the SCM's seconds."""
    handle = rig.scm.add(Noting)
    with handle.watch(timeout=60.0) as watch, ThreadPoolExecutor(1) as pool:
        rest = pool.submit(list, watch)
        rig.pass_time(10.0, rest.done, "the time is up")

        assert [status.state for status in rest.result()] == [State.STOPPED]
        assert watch.end is WatchEnd.TIMEOUT


# --- watching all -----------------------------------------------------------------


def until(
    watch: Iterator[ServiceEvent], last: Callable[[ServiceEvent], bool]
) -> list[ServiceEvent]:
    """Return the events up to one."""
    events: list[ServiceEvent] = []
    for event in watch:
        events.append(event)
        if last(event):
            break
    return events


def test_manager_watch_tells_what_happens_to_any() -> None:
    """Nothing of what was there already; then created, changed, deleted.

    In real time: one that is being deleted is only listed (E-32, E-33).
    """
    scm = SimulatedScm(clock="real")
    scm.add(B).close()
    with scm.watch() as watch:
        with scm.add(Noting) as handle:
            assert next(watch) == ServiceEvent("A", handle.status(), "created")
            handle.start()
            states = until(
                watch, lambda each: each.status and each.status.state is State.RUNNING
            )
            handle.delete()
            handle.stop()
            states += until(
                watch, lambda each: each.status and each.status.state is State.STOPPED
            )
        assert {(each.name, each.what) for each in states} == {("A", "changed")}
        # Its own handles do not keep the service: all are closed now (E-32).
        assert next(watch) == ServiceEvent("A", None, "deleted")
    assert [info.name for info in scm.list()] == ["B"]


def test_manager_watch_follows_a_service_that_comes_again(rig: Rig) -> None:
    """Deleted and created under the same name: it is another one."""
    with rig.scm.watch() as watch:
        for _ in range(3):
            with rig.scm.add(Noting) as handle:
                assert next(watch).what == "created"
                handle.start()
                until(watch, lambda e: e.status and e.status.state is State.RUNNING)
                handle.stop()
                until(watch, lambda e: e.status and e.status.state is State.STOPPED)
                handle.delete()
            assert next(watch).what == "deleted"


def test_manager_watch_without_notifications_looks_at_lists(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Wine (H-33): the SCM's handle is refused with 120."""
    plain = rig.scm._simulated.notifier_wait
    refused = threading.Event()

    def refuse(notifier: object, seconds: float | None) -> object:
        if not refused.is_set():
            refused.set()
            return [(0, 120, 0, (0,) * 8, ())]
        return plain(notifier, seconds)

    monkeypatch.setattr(rig.scm._simulated, "notifier_wait", refuse)
    with rig.scm.watch() as watch, ThreadPoolExecutor(1) as pool:
        events = pool.submit(list, itertools.islice(watch, 2))
        assert refused.wait(PATIENCE)
        with rig.scm.add(Noting) as handle:
            rig.pass_time(0.5, lambda: watch._known, "it is seen in a list")
            handle.delete()
        rig.pass_time(0.5, events.done, "it is missed in a list")

        assert [each.what for each in events.result()] == ["created", "deleted"]


def test_manager_watch_renews_what_lags(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SCM's subscription and a service's: new handles, nothing lost (F-8)."""
    handle = rig.scm.add(Noting)
    plain = rig.scm._simulated.notifier_wait
    lags = iter([[(0, 1294, 0, (0,) * 8, ()), (1, 1294, 0, (0,) * 8, ())]])
    monkeypatch.setattr(
        rig.scm._simulated,
        "notifier_wait",
        lambda notifier, seconds: next(lags, None) or plain(notifier, seconds),
    )
    with rig.scm.watch() as watch:
        handle.start()
        until(watch, lambda e: e.status and e.status.state is State.RUNNING)
        with rig.scm.add(B) as other:
            assert next(watch).what == "created"
            other.delete()
        assert next(watch).what == "deleted"
    handle.stop()
    handle.wait_state(State.STOPPED)


def test_manager_watch_ends_by_time_and_by_close(rig: Rig) -> None:
    """No event is no reason to wait for ever."""
    with rig.scm.watch(timeout=30.0) as watch, ThreadPoolExecutor(1) as pool:
        rest = pool.submit(list, watch)
        rig.pass_time(5.0, rest.done, "the time is up")
        assert rest.result() == []
        assert watch.end is WatchEnd.TIMEOUT
    watch = rig.scm.watch()
    with ThreadPoolExecutor(1) as pool:
        rest = pool.submit(list, watch)
        watch.close()
        assert rest.result(PATIENCE) == []
    assert watch.end is WatchEnd.CLOSED


# --- the simulated SCM's own notifications ------------------------------------------


@pytest.mark.parametrize(
    ("kind", "mask", "code"),
    [
        ("scm", OF_SERVICE, 6),
        ("scm", OF_SERVICE | OF_SCM, 87),
        ("service", OF_SCM, 6),
        ("service", 0x400, 87),
    ],
)
def test_simulated_scm_refuses_what_the_real_one_does(
    rig: Rig, kind: str, mask: int, code: int
) -> None:
    """A mask of the other kind, of both, of neither (F-1)."""
    rig.scm.add(Noting).close()
    backend = rig.scm._simulated
    manager = backend.manager_open(None, 5)
    handle = manager if kind == "scm" else backend.service_open(manager, "A", 4)
    notifier = backend.notifier_new()
    backend.notifier_add(notifier, handle, mask, 7)
    ((key, refused, triggered, _, _),) = backend.notifier_wait(notifier, 1.0)

    assert (key, refused, triggered) == (7, code, 0)
    backend.notifier_close(notifier)
    with pytest.raises(EOFError):
        backend.notifier_wait(notifier, 1.0)


# --- storms -----------------------------------------------------------------------


class Storm(winsvc.Service):
    """Pauses and goes on, as often as it is told to."""

    name = "Storm"

    def on_pause(self) -> None: ...

    def on_continue(self) -> None: ...

    def on_stop(self) -> None:
        self.request_stop(7)


def settle(handle: ServiceHandle) -> State:
    """Wait for the end; the watcher's last status is the SCM's last."""
    with handle.watch() as watch:
        *_, last = watch
        assert watch.end is WatchEnd.DELETED
        return last.state


def test_storm_of_changes_with_a_deletion_in_the_middle() -> None:
    """Watchers on several threads all see the end; nothing is left of them."""
    gc.collect()
    sim = _native.require_sim()
    before, objects = threading.active_count(), 0
    for turn in range(STORM_ROUNDS):
        scm = SimulatedScm(clock="real")
        handle = scm.add(Storm)
        handle.start()
        handle.wait_state(State.RUNNING)
        with ThreadPoolExecutor(5) as pool, scm.watch() as events:
            watchers = [pool.submit(settle, scm.open("Storm")) for _ in range(3)]
            waiter = pool.submit(handle.wait_state, State.STOPPED)
            seen = pool.submit(
                until, events, lambda e: e.status and e.status.state is State.STOPPED
            )
            for change in range(STORM_CHANGES):
                if change == STORM_CHANGES // 2:
                    handle.delete()
                (handle.resume if change % 2 else handle.pause)()
            handle.stop()

            assert waiter.result(PATIENCE).state is State.STOPPED
            assert [each.result(PATIENCE) for each in watchers] == [State.STOPPED] * 3
            assert seen.result(PATIENCE)[-1].name == "Storm"
        assert not scm.violations
        scm.wait_gone("Storm")
        handle.close()
        del handle, scm, events, watchers, waiter, seen
        gc.collect()
        if turn == 0:
            objects = sim.live_count()

    def settled() -> bool:  # the last threads of a process are about to end
        gc.collect()
        return sim.live_count() <= objects and threading.active_count() <= before

    eventually(settled, f"no more than {objects} objects and {before} threads")
