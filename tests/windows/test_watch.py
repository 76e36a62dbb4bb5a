"""Notifications, waiting and watching on a real SCM (part F.1), and storms of changes.

WINSVC_STORM_CHANGES and WINSVC_STORM_ROUNDS say how many changes a storm has, and
how many there are; a storm prints its figures (``-s`` shows them).
"""

from __future__ import annotations

import _thread
import asyncio
import ctypes
import gc
import itertools
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from lab import HERE, PATIENCE, Installed, Lab, eventually, on_wine

import winsvc
from winsvc import _native
from winsvc.errors import ServiceError, ServiceFailed, ServiceNotFound
from winsvc.manage import rights
from winsvc.manage.notifier import OF_SCM, OF_SERVICE
from winsvc.manage.watching import ServiceWatch, WatchEnd
from winsvc.manage.watching_all import ServiceEvent
from winsvc.reasons import StopMajor, StopReason
from winsvc.states import State

CHANGES = int(os.environ.get("WINSVC_STORM_CHANGES", "600"))
ROUNDS = int(os.environ.get("WINSVC_STORM_ROUNDS", "3"))
WINE = on_wine()
STATES = 0x7F
SPECIFIC_ERROR = 1066
SYSTEM_EXTENDED_HANDLE_INFORMATION = 64
INFO_LENGTH_MISMATCH = 0xC0000004


def handle_count() -> int:
    """Return how many handles this process has.

    GetProcessHandleCount, which psutil calls, says 0 on Wine.
    """
    ntdll = ctypes.WinDLL("ntdll")
    size = 1 << 20
    while True:
        buffer = ctypes.create_string_buffer(size)
        status = ntdll.NtQuerySystemInformation(
            SYSTEM_EXTENDED_HANDLE_INFORMATION, buffer, size, None
        )
        if status & 0xFFFFFFFF != INFO_LENGTH_MISMATCH:
            break
        size *= 2
    assert status == 0, hex(status)
    word = ctypes.sizeof(ctypes.c_size_t)
    entry = 24 + 2 * word if word == 4 else 40
    count = ctypes.c_size_t.from_buffer(buffer).value
    return sum(
        ctypes.c_size_t.from_buffer(buffer, 2 * word + n * entry + word).value
        == os.getpid()
        for n in range(count)
    )


class Notified:
    """The extension's notifier, without what winsvc does with it."""

    def __init__(self) -> None:
        self.core: Any = _native.require_core("be notified")
        self.manager = self.core.manager_open(None, rights.CONNECT)
        self.notifier = self.core.notifier_new()

    def add(self, name: str, mask: int = OF_SERVICE, key: int = 1) -> None:
        """Subscribe to a service."""
        handle = self.core.service_open(self.manager, name, rights.QUERY_STATUS)
        self.core.notifier_add(self.notifier, handle, mask, key)

    def wait(self, seconds: float = PATIENCE) -> list[tuple[Any, ...]]:
        """Wait for notices; none if there are none in time."""
        return self.core.notifier_wait(self.notifier, seconds)

    def until(self, bit: int) -> None:
        """Wait until a bit has fired."""
        fired = 0
        while not fired & bit:
            notices = self.wait()
            assert notices, "no notification"
            for _key, code, triggered, _status, _names in notices:
                assert code == 0
                fired |= triggered

    def close(self) -> None:
        """End it."""
        self.core.notifier_close(self.notifier)


@pytest.fixture
def notified() -> Iterator[Notified]:
    """A notifier."""
    made = Notified()
    yield made
    made.close()


def bit(state: State) -> int:
    """Return the notification of a state (F-1)."""
    return 1 << (state - 1)


# --- the notifier itself (I-141) ---------------------------------------------------


def test_first_registration_fires_at_once(lab: Lab, notified: Notified) -> None:
    """The service is in a state that was asked for: that is told (F-4)."""
    service = lab.install("Plain")
    notified.add(service.name)
    ((key, code, triggered, status, names),) = notified.wait()

    assert (key, code, triggered, names) == (1, 0, bit(State.STOPPED), ())
    assert status[1] == State.STOPPED
    assert notified.wait(0.3) == []


def test_every_state_is_notified(lab: Lab, notified: Notified) -> None:
    """The whole way of a service, whoever looks (F-4, F-5)."""
    service = lab.install("Probe")
    notified.add(service.name)
    notified.until(bit(State.STOPPED))
    service.handle.start()
    notified.until(bit(State.RUNNING))
    service.handle.pause()
    notified.until(bit(State.PAUSED))
    service.handle.resume()
    notified.until(bit(State.RUNNING))
    service.handle.stop()
    notified.until(bit(State.STOPPED))


def test_changes_that_nobody_takes_become_one(lab: Lab, notified: Notified) -> None:
    """One notice: every bit that fired, and the last status."""
    service = lab.install("Probe")
    notified.add(service.name)
    notified.until(bit(State.STOPPED))
    bits = bit(State.RUNNING) | bit(State.STOPPED)

    def become_one() -> bool:
        """Let both fire; only the notifier knows when it has heard of the second."""
        service.start()
        service.stop()
        time.sleep(0.5)
        notices = notified.wait()
        first, seen = notices[0], notices[0][2]
        while not seen & bit(State.STOPPED):
            notices = notified.wait()
            seen |= notices[-1][2]
        assert notices[-1][1] == 0
        assert notices[-1][3][1] == State.STOPPED
        return first[2] & bits == bits

    eventually(become_one, "both bits in one notice")


def test_mask_of_one_state_is_quiet_about_the_others(
    lab: Lab, notified: Notified
) -> None:
    """RUNNING alone was asked for."""
    service = lab.install("Probe")
    notified.add(service.name, bit(State.RUNNING))
    assert notified.wait(0.3) == []
    service.start()
    ((_, _, triggered, status, _),) = notified.wait()
    service.stop()

    assert (triggered, status[1]) == (bit(State.RUNNING), State.RUNNING)
    assert notified.wait(0.3) == []


def test_refused_subscription_is_a_notice(notified: Notified) -> None:
    """The SCM's handle has no states; its refusal comes where notices come (F-1)."""
    handle = notified.core.manager_open(None, rights.ENUMERATE_SERVICE)
    notified.core.notifier_add(notified.notifier, handle, STATES, 3)
    ((key, code, triggered, _, _),) = notified.wait()

    assert (key, triggered) == (3, 0)
    assert code in (6, 120)  # Wine looks at the kind last (H-33)


def test_removed_key_is_silent_and_its_handle_closed(
    lab: Lab, notified: Notified
) -> None:
    """Nothing of it comes after that, and the service can go (F-7, E-32)."""
    service = lab.install("Probe")
    notified.add(service.name, key=5)
    notified.add(service.name, key=6)
    keys = set()
    while keys != {5, 6}:
        keys |= {notice[0] for notice in notified.wait()}
    notified.core.notifier_remove(notified.notifier, 5)
    service.start()
    service.stop()
    heard: list[tuple[Any, ...]] = []
    while not any(notice[2] & bit(State.STOPPED) for notice in heard):
        heard += notified.wait()
    heard += notified.wait(0.3)  # time for a notice that must not come
    assert {notice[0] for notice in heard} == {6}


@pytest.mark.skipif(WINE, reason="H-33: no CREATED, no DELETED: 120")
def test_created_and_deleted_services_are_named(lab: Lab, notified: Notified) -> None:
    """With the SCM's handle: "/" before the created (F-9)."""
    handle = notified.core.manager_open(None, rights.ENUMERATE_SERVICE)
    notified.core.notifier_add(notified.notifier, handle, OF_SCM, 9)
    name = lab.unique("short")
    config = winsvc.ServiceConfig(name=name, command=(sys.executable,))
    with lab.manager.create(config) as made:
        made.delete()
    seen: set[str] = set()
    while seen != {name, f"/{name}"}:
        for _key, code, _triggered, _status, names in notified.wait():
            assert code == 0
            seen |= {each for each in names if name in each}


@pytest.mark.skipif(WINE, reason="H-33: no DELETE_PENDING")
def test_deletion_is_notified_and_the_handle_given_back(
    lab: Lab, notified: Notified
) -> None:
    """DELETE_PENDING, and 1072 in place of more; nothing keeps the service (F-8)."""
    name = lab.unique("short")
    config = winsvc.ServiceConfig(name=name, command=(sys.executable,))
    with lab.manager.create(config) as made:
        notified.add(name)
        notified.until(bit(State.STOPPED))
        made.delete()
        codes = set[int]()
        while 1072 not in codes:
            notices = notified.wait()
            assert notices, "no notification"
            codes |= {notice[1] for notice in notices}
    with pytest.raises(ServiceNotFound):
        lab.manager.open(name)


def test_closed_notifier_wakes_who_waits(notified: Notified) -> None:
    """And refuses what comes after that."""
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            notified.wait(PATIENCE)
        except EOFError as error:
            caught.append(error)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    notified.close()
    for thread in threads:
        thread.join(PATIENCE)
    notified.close()

    assert len(caught) == 3
    handle = notified.core.manager_open(None, rights.ENUMERATE_SERVICE)
    with pytest.raises(EOFError):
        notified.core.notifier_add(notified.notifier, handle, OF_SCM, 1)
    with pytest.raises(OSError, match="be notified of services"):
        notified.core.notifier_add(notified.notifier, handle, OF_SCM, 1)


def test_forgotten_notifiers_leave_no_handle(lab: Lab) -> None:
    """Nobody closes them: the last reference does, at whatever moment (F-7)."""
    service = lab.install("Plain")

    def forget() -> None:
        for _ in range(20):
            Notified().add(service.name)
        gc.collect()

    forget()
    before = handle_count()
    for _ in range(3):
        forget()
    # Wine's registrations have a thread each, which ends in its own time.
    eventually(lambda: handle_count() <= before + 2, "no handle is left")


# --- waiting and watching ----------------------------------------------------------


def test_wait_state_is_woken_by_the_change(lab: Lab) -> None:
    """Far sooner than the hint/10 = 0.3 s that the clock would take (C-10)."""
    service = lab.install("Gradual", file=HERE / "gradual.py")
    with lab.manager.open(service.name) as other:
        late = []
        for _ in range(5):
            service.handle.start()
            with ThreadPoolExecutor(1) as pool:
                waiter = pool.submit(_woken, other, State.RUNNING)
                while service.handle.status().state is not State.RUNNING:
                    time.sleep(0.001)
                changed = time.monotonic()
                late.append(waiter.result(PATIENCE) - changed)
            service.stop()

    assert min(late) < 0.1


def _woken(handle: winsvc.ServiceHandle, state: State) -> float:
    handle.wait_state(state)
    return time.monotonic()


@pytest.mark.parametrize("way", ["wait_state", "watch", "manager"])
def test_ctrl_c_gets_through(lab: Lab, way: str) -> None:
    """In short turns on the main thread, and nothing waits after that."""
    service = lab.install("Plain")
    before = threading.active_count()

    def wait() -> None:
        if way == "wait_state":
            service.handle.wait_state(State.RUNNING)
        elif way == "watch":
            with service.handle.watch() as watch:
                list(watch)
        else:
            with lab.manager.watch() as events:
                list(events)

    interrupted: list[float] = []

    def interrupt() -> None:
        eventually(is_main_waiting, "the main thread waits")
        interrupted.append(time.monotonic())
        _thread.interrupt_main()

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        wait()
    took = time.monotonic() - interrupted[0]

    interrupter.join()
    assert took < PATIENCE  # it would wait for ever
    assert threading.active_count() == before


def is_main_waiting() -> bool:
    """Tell whether the main thread is in a wait of the client's, and rests there."""

    def places() -> list[tuple[str, int]]:
        innermost = sys._current_frames()[threading.main_thread().ident or 0]
        frames = [frame for frame, _ in traceback.walk_stack(innermost)]
        return [(frame.f_code.co_filename, frame.f_lasti) for frame in frames]

    before = places()
    time.sleep(0.1)
    return places() == before and any(
        Path(file).parent.name == "manage" for file, _ in before
    )


def test_watch_sees_a_life(lab: Lab) -> None:
    """From STOPPED to STOPPED, the exit code with it."""
    service = lab.install("Ends")
    with service.handle.watch() as watch:
        assert next(watch).state is State.STOPPED
        service.handle.start("run", "request_stop")
        for status in watch:
            if status.state is State.STOPPED:
                break

    assert (status.exit_code, status.service_exit_code) == (1066, 5)


def test_watch_ends_after_a_deletion(lab: Lab) -> None:
    """Through its own handle it is known everywhere: after STOPPED (E-36)."""
    service = lab.install("Probe")
    service.start()
    watch = service.handle.watch()
    assert next(watch).state is State.RUNNING
    with lab.manager.open(service.name) as other:
        (service.handle if WINE else other).delete()
        other.stop()
    *_, last = watch

    assert last.state is State.STOPPED
    assert watch.end is WatchEnd.DELETED
    lab.forget(service)
    service.handle.close()


def test_async_watch_on_the_proactor_loop(lab: Lab) -> None:
    """Windows' own loop; the statuses come while it runs other tasks."""
    service = lab.install("Probe")

    async def main() -> list[State]:
        seen: list[State] = []
        async with service.handle.watch() as watch:
            async for status in watch:
                seen.append(status.state)
                if len(seen) == 1:
                    service.handle.start()
                elif status.state is State.RUNNING:
                    service.handle.stop()
                elif status.state is State.STOPPED:
                    break
        return seen

    seen = asyncio.run(asyncio.wait_for(main(), PATIENCE))

    assert [each for each in seen if not each.is_pending] == [
        State.STOPPED,
        State.RUNNING,
        State.STOPPED,
    ]


def until(
    watch: Iterator[ServiceEvent], last: Callable[[ServiceEvent], bool]
) -> list[ServiceEvent]:
    """Return the events up to one."""
    events = []
    for event in watch:
        events.append(event)
        if last(event):
            return events
    pytest.fail("the watch has ended")


def test_manager_watch_tells_of_any_service(lab: Lab) -> None:
    """Created, RUNNING, STOPPED, deleted; lists where Wine tells nothing (H-33)."""
    with lab.manager.watch(timeout=PATIENCE) as watch:
        service = lab.install("Probe")
        name = service.name
        until(watch, lambda e: (e.name, e.what) == (name, "created"))
        service.start()
        until(watch, lambda e: e.name == name and _is_in(e, State.RUNNING))
        service.stop()
        until(watch, lambda e: e.name == name and _is_in(e, State.STOPPED))
        service.handle.delete()
        lab.forget(service)
        service.handle.close()
        until(watch, lambda e: (e.name, e.what) == (name, "deleted"))


def test_watch_tells_a_restart_as_a_whole(lab: Lab) -> None:
    """STOPPED between RUNNING and RUNNING, though it lasts no longer than a start.

    It may be left out where the watch is held up for that long, never the process:
    so of three restarts one has to be told.
    """
    service = lab.install("Probe")
    service.start()
    whole = [State.RUNNING, State.STOPPED, State.RUNNING]
    told: list[list[State]] = []
    while whole not in told:
        assert len(told) < 3, told
        told.append(watched_restart(service))
    service.stop()

    assert all(each in (whole, [State.RUNNING] * 2) for each in told)


def watched_restart(service: Installed) -> list[State]:
    """Restart it; return the states that do not pend up to the other process's."""
    with service.handle.watch() as watch, ThreadPoolExecutor(1) as pool:
        first = next(watch)
        done = pool.submit(service.handle.restart)
        seen = [first]
        while seen[-1].state is not State.RUNNING or seen[-1].pid == first.pid:
            seen.append(next(watch))
        done.result(PATIENCE)
    return [each.state for each in seen if not each.state.is_pending]


def test_manager_watch_tells_a_restart(lab: Lab) -> None:
    """By STOPPED in between, or by the other process (H-33)."""
    service = lab.install("Probe")
    service.start()
    pid = service.handle.status().pid
    with lab.manager.watch(timeout=PATIENCE) as watch:
        service.handle.restart(timeout=PATIENCE)
        events = [
            each
            for each in until(
                watch,
                lambda e: (
                    e.name == service.name
                    and _is_in(e, State.RUNNING)
                    and e.status is not None
                    and e.status.pid != pid
                ),
            )
            if each.name == service.name
        ]
    service.stop()

    stopped = any(_is_in(each, State.STOPPED) for each in events)
    assert stopped or any(each.is_restart for each in events)
    assert stopped or WINE


def _is_in(event: ServiceEvent, state: State) -> bool:
    return event.status is not None and event.status.state is state


# --- stopping ----------------------------------------------------------------------


def test_restart_makes_a_new_process(lab: Lab) -> None:
    """START comes only after STOPPED (I-145)."""
    service = lab.install("Probe")
    old = service.start()
    pid = service.handle.status().pid
    status = service.handle.restart("again", timeout=PATIENCE)

    assert old.wait() == 0
    assert status.state is State.RUNNING
    assert status.pid != pid
    assert "on_start ('again',)" in service.calls
    service.stop()


@pytest.mark.skipif(WINE, reason="H-6: EnumDependentServices is a stub, no 1051")
def test_stop_with_dependents(lab: Lab) -> None:
    """1051 says who; then C, B and A are stopped, and restart brings them back."""
    first, second, third = (lab.install("Probe") for _ in range(3))
    for service, needed in ((second, first), (third, second)):
        lab.manager.apply(
            winsvc.ServiceConfig(name=service.name, dependencies=(needed.name,))
        )
    third.handle.start()  # starts the others
    third.reach(State.RUNNING)
    order = [third.name, second.name]
    assert [each.name for each in first.handle.dependents()] == order
    with pytest.raises(ServiceError, match=r"1051 .*stop\(dependents=True\)"):
        first.handle.stop()
    first.handle.restart(timeout=PATIENCE, dependents=True)
    for service in (first, second, third):
        assert service.handle.status().state is State.RUNNING
    first.handle.stop(dependents=True, timeout=PATIENCE)
    first.reach(State.STOPPED)


def test_service_without_dependents_stops_with_them(lab: Lab) -> None:
    """There are none to stop, on Wine never any (H-6)."""
    service = lab.install("Probe")
    service.start()
    assert service.handle.dependents() == ()
    service.handle.stop(dependents=True)
    service.reach(State.STOPPED)


def test_stop_with_a_reason(lab: Lab) -> None:
    """Windows takes it (B-40); Wine has no such function, and says so (H-19)."""
    service = lab.install("Probe")
    service.start()
    reason = StopReason(major=StopMajor.SOFTWARE)
    if WINE:
        with pytest.raises(ServiceError, match="ControlServiceEx") as caught:
            service.handle.stop(reason=reason, comment="a test")
        assert caught.value.winerror == 120
        assert service.handle.status().state is State.RUNNING
        service.stop()
    else:
        service.handle.stop(reason=reason, comment="a test")
        service.reach(State.STOPPED)


def test_list_by_state(lab: Lab) -> None:
    """Only those that run, only those that do not."""
    service = lab.install("Plain")

    def names(state: State) -> set[str]:
        return {info.name for info in lab.manager.list(state=state)}

    assert service.name in names(State.STOPPED) - names(State.RUNNING)
    service.start()
    assert service.name in names(State.RUNNING) - names(State.STOPPED)
    service.stop()


# --- storms ------------------------------------------------------------------------


def follow(watch: ServiceWatch) -> tuple[int, winsvc.ServiceStatus]:
    """Return how many statuses there were up to the end of the storm, and that."""
    for seen, status in enumerate(watch, 1):
        if status.state is State.STOPPED and status.exit_code == SPECIFIC_ERROR:
            return seen, status
    pytest.fail(f"the watch has ended: {watch.end}")


def storm(lab: Lab, service: Installed, changes: int) -> int:
    """Let it change that often, watched by four threads, deleted in the middle.

    Returns:
        How many statuses the watchers have seen.
    """
    name, handle = service.name, service.handle
    with (
        ThreadPoolExecutor(4) as pool,
        lab.manager.open(name) as other,
        handle.watch() as one,
        other.watch(checkpoints=True) as two,
        handle.watch() as third,
    ):
        first = [pool.submit(follow, each) for each in (one, two)]
        handle.start(str(changes))
        waiter = pool.submit(other.wait_state, State.STOPPED, PATIENCE * 4)
        next(third)
        end = pool.submit(list, third)
        handle.delete()
        results = [each.result(PATIENCE * 4) for each in first]
        last = waiter.result(PATIENCE)
        end.result(PATIENCE)
        assert third.end is WatchEnd.DELETED
        assert third.status == last
    for _, status in results:
        assert status == last
    assert last.service_exit_code == changes
    handle.close()
    return sum(seen for seen, _ in results)


def is_gone(lab: Lab, name: str) -> bool:
    """Tell whether a service has been deleted: no handle to it is left (E-32)."""
    try:
        with lab.manager.open(name):
            return False
    except ServiceNotFound:
        return True


def test_storms_of_changes(lab: Lab) -> None:
    """The final state is seen by all, nothing crashes, no handle is left."""
    command = (sys.executable, "-S", str(HERE / "storm.py"), "1")
    seen, counts = 0, []
    begun = time.monotonic()
    for _ in range(ROUNDS):
        service = lab.install("storm", command=command)
        lab.forget(service)
        seen += storm(lab, service, CHANGES)
        name = service.name
        eventually(lambda name=name: is_gone(lab, name), "the service is gone")
        counts.append(handle_count())
    seconds = time.monotonic() - begun
    print(
        f"\n{ROUNDS} storms of {CHANGES} changes in {seconds:.1f} s: {seen} statuses "
        f"seen; handles {counts[0]} at first, {min(counts)} to {max(counts)}, "
        f"{counts[-1]} at last"
    )
    half = len(counts) // 2
    assert min(counts[half:]) <= max(counts[: half + 1]) + 4
    eventually(lambda: handle_count() <= counts[0] + 8, "no handle is left")


def test_failed_start_is_told_in_the_midst(lab: Lab) -> None:
    """START_PENDING to STOPPED: wait_state says the exit code at once (I-143)."""
    service = lab.install("Ends")
    for number in itertools.islice(itertools.count(), 3):
        service.handle.start("on_start", "ServiceExit")
        with pytest.raises(ServiceFailed) as caught:
            service.handle.wait_state(State.RUNNING, timeout=PATIENCE)
        assert caught.value.service_exit_code == 7, number
