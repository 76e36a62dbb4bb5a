"""Several services in one process (A-8 to A-10, A-28), on the simulated SCM."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from simrig import Rig

import winsvc
from winsvc import _native
from winsvc.errors import ServiceError
from winsvc.events import DeviceEvent
from winsvc.journal import Kind
from winsvc.manage.manager import ServiceHandle
from winsvc.states import Accept, Control, FailureCode, Query, ServiceType, State
from winsvc.testing import Subject, Subscription

PATIENCE = 60.0  # a handler is held while others start and stop under a storm
ERROR_SERVICE_SPECIFIC_ERROR = 1066
ERROR_PROCESS_ABORTED = 1067
ERROR_NOT_ENOUGH_QUOTA = 1816
DEVICEQUERYREMOVE = 0x8001
FAULT_THREAD = 8
FAULT_SUBSCRIBE = 128
QUEUE_SLOTS = 1021  # without those for stops (csrc/core/queue.h)


class Member(winsvc.Service):
    """Records what it is told; its handler of 200 waits for a gate."""

    lives: list[Member]
    """All objects of the class, one for each start."""

    def __init__(self) -> None:
        self.lives.append(self)
        self.calls: list[str] = []
        self.codes: list[int] = []
        self.thread = ""
        self.inside = threading.Event()
        self.gate = threading.Event()

    def on_start(self) -> None:
        self.thread = threading.current_thread().name
        self.calls.append("start " + " ".join(self.args))

    def on_stop(self) -> None:
        self.calls.append("stop")

    def on_pause(self) -> None:
        self.calls.append("pause")

    def on_user_control(self, code: int) -> None:
        self.codes.append(code)
        if code == 200:
            self.inside.set()
            assert self.gate.wait(PATIENCE)


def member(name: str, base: type[Member] = Member) -> type[Member]:
    """Return a class of its own for a service."""
    return type(name, (base,), {"name": name, "lives": []})


def refused(handle: ServiceHandle, *args: str) -> int:
    """Start a service that cannot be started; return the code."""
    with pytest.raises(ServiceError) as caught:
        handle.start(*args)
    return caught.value.winerror


def run_all(rig: Rig, handles: tuple[ServiceHandle, ...]) -> None:
    """Start services, each with its name as its argument."""
    for handle in handles:
        handle.start(handle.name)
        rig.reach(handle.name, State.RUNNING)


def stop(rig: Rig, handle: ServiceHandle) -> None:
    """Stop a service and wait for its end."""
    handle.stop()
    rig.reach(handle.name, State.STOPPED)


def latest(cls: type[Member]) -> Member:
    """Return the object of a service's last start."""
    return cls.lives[-1]


# --- one process -----------------------------------------------------------------


def test_services_share_a_process_and_nothing_else(rig: Rig) -> None:
    """A-9, A-28: one pid; states, arguments, threads and objects of their own."""
    classes = [member("A"), member("B"), member("C")]
    handles = rig.scm.add_process(*classes)
    a, b, _ = handles
    before = a.status()
    run_all(rig, handles)
    a.pause()
    rig.reach("A", State.PAUSED)
    statuses = [handle.status() for handle in handles]
    stopped = b.stop()
    rig.reach("B", State.STOPPED)

    assert (before.exit_code, before.pid) == (1077, 0)
    assert len({status.pid for status in statuses}) == 1
    assert statuses[0].pid
    assert {s.type for s in statuses} == {ServiceType.SHARE_PROCESS}  # B-6
    assert [s.state for s in statuses] == [State.PAUSED, State.RUNNING, State.RUNNING]
    assert stopped.state in (State.STOP_PENDING, State.STOPPED)
    assert (b.status().pid, rig.state("A")) == (0, State.PAUSED)  # B-20
    for cls in classes:
        assert [life.args for life in cls.lives] == [(cls.name,)]
        assert rig.scm.instance(cls.name) is latest(cls)
    threads = [latest(cls).thread for cls in classes]
    assert threads[0] == "main of A"
    assert len(set(threads)) == 3
    assert [latest(cls).calls for cls in classes] == [
        ["start A", "pause"],
        ["start B", "stop"],
        ["start C"],
    ]
    stop(rig, a)
    stop(rig, handles[2])
    assert rig.scm.wait_gone("A") == 0


def test_any_service_may_be_the_first(rig: Rig) -> None:
    """A-28: whichever is started first makes the process."""
    a, b = rig.scm.add_process(member("A"), member("B"))
    b.start()
    rig.reach("B", State.RUNNING)
    a.start()
    rig.reach("A", State.RUNNING)

    assert rig.scm.process("A") is rig.scm.process("B")
    stop(rig, b)
    stop(rig, a)
    assert rig.scm.wait_gone("B") == 0


def test_stopped_service_starts_again_in_the_living_process(rig: Rig) -> None:
    """I-92, A-28: same pid, fresh object and arguments; the other never noticed."""
    cls = member("A")
    handles = a, b = rig.scm.add_process(cls, member("B"))
    run_all(rig, handles)
    pid = b.status().pid
    process = rig.scm.process("A")
    for life in range(2, 12):
        a.control(199)
        stop(rig, a)
        assert not process.gone.is_set()  # its dispatcher has not returned
        a.start("again", str(life))
        rig.reach("A", State.RUNNING)
        status = a.status()
        assert (status.pid, status.exit_code) == (pid, 0)
        assert rig.scm.process("A") is process
        assert len(cls.lives) == life
        assert rig.scm.instance("A") is latest(cls)
        assert latest(cls).args == ("again", str(life))
        assert latest(cls).codes == []
    a.pause()
    rig.reach("A", State.PAUSED)

    assert [r.state for r in rig.scm.reports("B")] == [
        State.START_PENDING,
        State.START_PENDING,  # loaded
        State.RUNNING,
    ]
    assert b.status().state is State.RUNNING
    stop(rig, a)
    stop(rig, b)
    assert rig.scm.wait_gone("A") == 0
    starts = [r for r in rig.scm.reports("A") if r.state is State.STOPPED]
    assert len(starts) == 11


def test_former_life_shows_until_the_next_has_reported(rig: Rig) -> None:
    """A-60: START_PENDING from the start on, never the STOPPED of before."""
    a, b = rig.scm.add_process(member("A"), member("B"))
    run_all(rig, (a, b))
    stop(rig, a)
    seen: list[State] = []
    done = threading.Event()

    def look() -> None:
        with rig.scm.open("A") as handle:
            while not done.is_set():
                seen.append(handle.status().state)

    with ThreadPoolExecutor(1) as pool:
        for _ in range(50):
            done.clear()
            seen.clear()
            a.start()
            watching = pool.submit(look)
            rig.reach("A", State.RUNNING)
            done.set()
            watching.result(PATIENCE)
            assert State.STOPPED not in seen
            assert a.wait_state(State.RUNNING, 5.0).state is State.RUNNING
            stop(rig, a)
    stop(rig, b)
    rig.scm.wait_gone("B")


def test_process_ends_with_its_last_service(rig: Rig) -> None:
    """A-10: with the last STOPPED; what starts then gets a new process."""
    handles = a, b = rig.scm.add_process(member("A"), member("B"))
    run_all(rig, handles)
    first, pid = rig.scm.process("A"), a.status().pid
    stop(rig, a)
    assert not first.gone.is_set()
    stop(rig, b)
    assert first.gone.wait(PATIENCE)
    a.start()
    rig.reach("A", State.RUNNING)

    assert first.exit_code == 0
    assert a.status().pid != pid
    assert rig.scm.process("A") is not first
    assert rig.scm.process("B") is first  # its last one
    assert b.status().exit_code == 0
    stop(rig, a)
    rig.scm.wait_gone("A")


def test_own_process_is_a_new_one_at_every_start(rig: Rig) -> None:
    """A-29."""
    handle = rig.scm.add(member("A"))
    processes = []
    for _ in range(3):
        handle.start()
        rig.reach("A", State.RUNNING)
        processes.append((handle.status().pid, rig.scm.process("A")))
        stop(rig, handle)
        rig.scm.wait_gone("A")

    assert len({pid for pid, _ in processes}) == 3
    assert len({id(process) for _, process in processes}) == 3


def test_start_that_races_with_the_end_always_succeeds(rig: Rig) -> None:
    """A-10, A-28: in the process that still lives, or else in a new one."""
    running, other = rig.scm.add_process(member("A"), member("B"))
    running.start()
    rig.reach("A", State.RUNNING)
    processes = [rig.scm.process("A")]
    with ThreadPoolExecutor(1) as pool:
        for _ in range(100):
            stopping = pool.submit(running.stop)
            other.start()
            stopping.result(PATIENCE)
            rig.reach(other.name, State.RUNNING)
            rig.reach(running.name, State.STOPPED)
            assert running.status().exit_code == 0
            if rig.scm.process(other.name) is not processes[-1]:
                processes.append(rig.scm.process(other.name))
            running, other = other, running
    stop(rig, running)
    rig.scm.wait_gone(running.name)

    for process in processes:
        assert process.gone.wait(PATIENCE)
        assert process.exit_code == 0


def test_services_of_one_process_start_side_by_side(rig: Rig) -> None:
    """A-9, A-10: clients that start and stop them at once make no mess."""
    names = ("A", "B", "C")
    rig.scm.add_process(*map(member, names))

    def live(name: str) -> None:
        with rig.scm.open(name) as handle:
            for life in range(30):
                handle.start(str(life))
                rig.reach(name, State.RUNNING)
                assert rig.scm.instance(name).args == (str(life),)
                handle.stop()
                rig.reach(name, State.STOPPED)
                assert handle.status().exit_code == 0

    with ThreadPoolExecutor(3) as pool:
        for each in [pool.submit(live, name) for name in names]:
            each.result(60.0)
    for name in names:
        assert rig.scm.wait_gone(name) == 0


def test_lives_leave_nothing(rig: Rig) -> None:
    """A-28: memory and threads of a life go with it, not with the process."""
    a, b = rig.scm.add_process(cls := member("A"), member("B"))
    run_all(rig, (a, b))

    def counts() -> tuple[int, int]:
        cls.lives.clear()
        gc.collect()
        return _native.require_sim().live_count(), threading.active_count()

    objects, threads = counts()
    for _ in range(20):
        stop(rig, a)
        a.start()
        rig.reach("A", State.RUNNING)

    def gone() -> bool:  # the threads of a former life may be on their last steps
        now = counts()
        return now[0] <= objects and now[1] <= threads

    rig.eventually(gone, f"no more than {objects} objects and {threads} threads")
    stop(rig, a)
    stop(rig, b)
    rig.scm.wait_gone("A")


# --- what fails --------------------------------------------------------------------


def test_i6_service_that_the_program_lacks(rig: Rig) -> None:
    """I-6, A-8: 1083, first in the process or not; the others are unaffected."""
    a, lost = rig.scm.add_process(member("A"), also=("Lost",))
    alone = refused(lost)
    first = rig.scm.process("Lost")
    first_code = rig.scm.wait_gone("Lost")
    a.start()
    rig.reach("A", State.RUNNING)
    beside = refused(lost)
    status = lost.status()

    assert (alone, beside) == (1083, 1083)
    assert first_code  # nothing ran in it: it was ended
    assert rig.scm.process("A") is not first
    assert (status.state, status.exit_code, status.pid) == (State.STOPPED, 1083, 0)
    assert a.status().state is State.RUNNING
    with pytest.raises(ServiceError) as caught:
        lost.stop()
    assert caught.value.winerror == 1062
    assert rig.scm.reports("Lost") == ()
    stop(rig, a)
    assert rig.scm.wait_gone("A") == 0


def test_name_of_a_service_may_be_written_in_any_case(rig: Rig) -> None:
    """A-8, A-20: the table's case does not matter; the record's is passed on."""
    cls = member("Alpha")
    rig.scm.add_process(member("B"), also=("ALPHA",))
    record = rig.scm._record("Alpha")
    assert record.program is not None
    record.program.names += ("Alpha",)
    record.program.loads += (lambda: cls,)
    record.place = record.program.place("ALPHA")
    with rig.scm.open("alpha") as handle:
        handle.start("x")
        rig.reach("alpha", State.RUNNING)

        assert latest(cls).name == "ALPHA"
        stop(rig, handle)
    assert rig.scm.wait_gone("Alpha") == 0


def test_i91_death_of_the_process_ends_all_services(rig: Rig) -> None:
    """I-91, E-51: all that ran show 1067 at once; what had stopped does not."""
    classes = [member(name) for name in ("A", "B", "C", "D", "E")]
    handles = rig.scm.add_process(*classes)
    *_, d, _ = handles
    run_all(rig, handles[:4])
    stop(rig, d)
    first, pid = rig.scm.process("A"), handles[0].status().pid
    rig.scm.kill("B", 77)
    statuses = [handle.status() for handle in handles]

    assert [(s.state, s.exit_code) for s in statuses] == [
        *[(State.STOPPED, ERROR_PROCESS_ABORTED)] * 3,
        (State.STOPPED, 0),
        (State.STOPPED, 1077),
    ]
    assert {s.pid for s in statuses} == {0}
    assert {rig.scm.wait_gone(name) for name in ("A", "B", "C", "D")} == {77}
    for handle in handles:
        with pytest.raises(ServiceError) as caught:
            handle.stop()
        assert caught.value.winerror == 1062
    run_all(rig, handles)
    assert rig.scm.process("A") is not first
    assert len({h.status().pid for h in handles} | {pid}) == 2
    for handle in handles:
        stop(rig, handle)
    assert rig.scm.wait_gone("E") == 0


def test_i82_death_during_a_control(rig: Rig) -> None:
    """I-82, A-45: 109 for the control that was in the handler, 1062 for others."""

    class Asked(Member):
        def on_start(self) -> None:
            self.ask(Query.DEVICEQUERYREMOVE)

        def on_device_event(self, event: DeviceEvent) -> bool:
            self.inside.set()
            assert self.gate.wait(PATIENCE)
            return True

    cls = member("A", Asked)
    handles = rig.scm.add_process(cls, member("B"))
    run_all(rig, handles)

    def send(name: str, control: int, event_type: int = 0) -> int:
        with pytest.raises(OSError) as caught:  # noqa: PT011 - checked below
            rig.scm.send(name, control, event_type)
        code: int = caught.value.winerror  # type: ignore[attr-defined,unused-ignore]
        return code

    with ThreadPoolExecutor(1) as pool:
        query = pool.submit(send, "A", Control.DEVICEEVENT, DEVICEQUERYREMOVE)
        assert latest(cls).inside.wait(PATIENCE)
        rig.scm.kill("B", 7)
        code = query.result(PATIENCE)
    latest(cls).gate.set()

    assert (code, send("A", 200), send("B", 200)) == (109, 1062, 1062)
    assert {h.status().exit_code for h in handles} == {ERROR_PROCESS_ABORTED}
    assert rig.scm.wait_gone("A") == 7


def test_hung_stop_spares_the_others(rig: Rig) -> None:
    """C-4, E-51: past its deadline the process ends, but not below the others."""

    class Hangs(Member):
        stop_timeout = 5.0

        def on_stop(self) -> None:
            assert self.gate.wait(PATIENCE)

    cls = member("A", Hangs)
    a, b = rig.scm.add_process(cls, member("B"))
    run_all(rig, (a, b))
    a.stop()
    rig.scm.advance(60.0)
    hung = a.status()
    rig.scm.advance(60.0)
    later = a.status()
    b.pause()
    rig.reach("B", State.PAUSED)
    b.stop()
    rig.reach("B", State.STOPPED)
    rig.reach("A", State.STOPPED)
    codes = [handle.status().exit_code for handle in (a, b)]
    latest(cls).gate.set()

    assert hung == later
    assert hung.state is State.STOP_PENDING
    assert codes == [ERROR_PROCESS_ABORTED, 0]
    assert rig.scm.wait_gone("A") == FailureCode.DEADLINE


def test_each_service_fails_with_its_own_code(rig: Rig) -> None:
    """B-8: 1066 and a code for each; the process has one of them."""

    class Fails(Member):
        def run(self) -> None:
            self.wait_stop()
            raise winsvc.ServiceExit(int(self.args[0]))

    class Broken(Member):
        def __init__(self) -> None:
            raise RuntimeError("no luck")

    a, b, c, d = rig.scm.add_process(
        member("A", Fails), member("B", Fails), member("C"), member("D", Broken)
    )
    a.start("41")
    b.start("42")
    c.start()
    d.start()
    for name in ("A", "B", "C"):
        rig.reach(name, State.RUNNING)
    rig.reach("D", State.STOPPED)
    process = rig.scm.process("A")
    for handle in (a, b, c):
        stop(rig, handle)
    codes = [(h.status().exit_code, h.status().service_exit_code) for h in (a, b, c, d)]

    assert codes == [
        (ERROR_SERVICE_SPECIFIC_ERROR, 41),
        (ERROR_SERVICE_SPECIFIC_ERROR, 42),
        (0, 0),
        (ERROR_SERVICE_SPECIFIC_ERROR, FailureCode.IMPORT),
    ]
    assert process.gone.wait(PATIENCE)
    assert process.exit_code in (41, 42, FailureCode.IMPORT)
    # A life that goes well wipes the failure of the one before (B-3).
    a.start("0")
    rig.reach("A", State.RUNNING)
    stop(rig, a)
    assert (a.status().exit_code, a.status().service_exit_code) == (0, 0)
    assert rig.scm.wait_gone("A") == 0


def test_start_that_finds_no_thread_leaves_the_others(rig: Rig) -> None:
    """A-23, A-64: 1054 for the one, which is STOPPED; it can be tried again."""
    cls = member("A")
    a, b = rig.scm.add_process(cls, member("B"))
    b.start()
    rig.reach("B", State.RUNNING)
    _native.require_sim().fault_arm(FAULT_THREAD, 1)
    code = refused(a)
    status = a.status()
    a.start()
    rig.reach("A", State.RUNNING)

    assert code == 1054
    assert (status.state, status.exit_code, status.pid) == (State.STOPPED, 1054, 0)
    assert a.status().pid == b.status().pid
    assert len(cls.lives) == 1
    stop(rig, a)
    stop(rig, b)
    assert rig.scm.wait_gone("A") == 0


def test_account_must_be_that_of_the_process(rig: Rig) -> None:
    """E-49e: 1079; with the process gone, the account is the first one's."""
    a, b = rig.scm.add_process(member("A"), member("B"))
    rig.scm._record("B").account = r"NT AUTHORITY\LocalService"
    a.start()
    rig.reach("A", State.RUNNING)
    code = refused(b)
    state = b.status().state
    stop(rig, a)
    rig.scm.wait_gone("A")
    b.start()
    rig.reach("B", State.RUNNING)

    assert (code, state) == (1079, State.STOPPED)
    assert refused(a) == 1079
    stop(rig, b)
    assert rig.scm.wait_gone("B") == 0


def test_start_of_a_running_service_is_refused(rig: Rig) -> None:
    """I-14: 1056 in each state but STOPPED; nothing of it is disturbed."""
    cls = member("A")
    a, b = rig.scm.add_process(cls, member("B"))
    run_all(rig, (a, b))
    code = refused(a)
    a.pause()
    rig.reach("A", State.PAUSED)

    assert (code, refused(a)) == (1056, 1056)
    assert len(cls.lives) == 1
    stop(rig, a)
    stop(rig, b)
    rig.scm.wait_gone("A")


def test_stop_sent_to_a_former_life_counts_no_more(rig: Rig) -> None:
    """B-37: the latch is opened by the next start."""
    a, b = rig.scm.add_process(member("A"), member("B"))
    run_all(rig, (a, b))
    stop(rig, a)
    with pytest.raises(OSError) as caught:  # noqa: PT011 - checked below
        rig.scm.send("A", Control.STOP)
    a.start()
    rig.reach("A", State.RUNNING)

    assert caught.value.winerror == 1062  # type: ignore[attr-defined,unused-ignore]
    assert a.control(Control.INTERROGATE).state is State.RUNNING
    stop(rig, a)
    stop(rig, b)
    rig.scm.wait_gone("A")


def test_none_is_created_if_one_cannot_be(rig: Rig) -> None:
    """E-2: names that exist are refused; the others of that process are gone."""
    rig.scm.add(member("B"))
    with pytest.raises(winsvc.ServiceExists):
        rig.scm.add_process(member("A"), member("B"))

    assert [info.name for info in rig.scm.list()] == ["B"]


# --- side by side ------------------------------------------------------------------


def test_storm_on_one_service_does_not_delay_another(rig: Rig) -> None:
    """A-9: A's handler is stuck and its queue full; B is answered and stops."""
    cls, quiet = member("A"), member("B")
    a, b = rig.scm.add_process(cls, quiet)
    run_all(rig, (a, b))
    storming = latest(cls)
    storm = [(code, 0, None) for code in range(128, 200)] * 20
    over = threading.Event()
    sent = []
    full = threading.Event()

    def send() -> None:
        while not over.is_set():
            sent.append(rig.scm.send_many("A", storm))
            if sent[-1] < len(storm):
                full.set()

    with ThreadPoolExecutor(3) as pool:
        a.control(200)
        assert storming.inside.wait(PATIENCE)
        senders = [pool.submit(send) for _ in range(3)]
        assert full.wait(PATIENCE)
        for code in range(128, 160):
            b.control(code)
        b.pause()
        rig.reach("B", State.PAUSED)
        rig.eventually(lambda: len(latest(quiet).codes) == 32, "B's handlers")
        for _ in range(5):  # its stop and its start, too
            stop(rig, b)
            b.start()
            rig.reach("B", State.RUNNING)
        stop(rig, b)
        stuck = list(storming.codes)
        a.stop()  # there is a place for it in the full queue
        over.set()
        for sender in senders:
            sender.result(PATIENCE)
    totals = rig.scm.instance("A").journal_totals()
    storming.gate.set()
    rig.reach("A", State.STOPPED)

    assert stuck == [200]
    assert totals[Kind.DROPPED] >= 1
    assert len(storming.codes) == 1 + sum(sent) == 1 + QUEUE_SLOTS
    assert rig.scm.wait_gone("A") == 0


def test_slow_start_of_one_does_not_delay_another(rig: Rig) -> None:
    """A-23: on_start has a thread of its own; checkpoints rise for each."""

    class Slow(Member):
        def on_start(self) -> None:
            self.inside.set()
            assert self.gate.wait(PATIENCE)

    cls = member("A", Slow)
    a, b = rig.scm.add_process(cls, member("B"))
    a.start()
    rig.eventually(lambda: cls.lives, "it is loaded")
    assert latest(cls).inside.wait(PATIENCE)
    b.start()
    rig.reach("B", State.RUNNING)
    rig.scm.advance(6.0)
    stop(rig, b)
    pending = a.status()
    latest(cls).gate.set()
    rig.reach("A", State.RUNNING)

    assert pending.state is State.START_PENDING
    assert pending.checkpoint >= 5
    assert [r.checkpoint for r in rig.scm.reports("B")][:2] == [1, 2]
    stop(rig, a)
    rig.scm.wait_gone("A")


def test_what_is_seen_of_a_service_is_its_own(rig: Rig) -> None:
    """Reports, journal, accept mask: nothing of the neighbours'."""

    class Picky(Member):
        def on_param_change(self) -> None:
            self.calls.append("param change")

    a, b = rig.scm.add_process(member("A"), member("B", Picky))
    run_all(rig, (a, b))
    a.control(150)
    b.control(160)
    b.control(Control.PARAMCHANGE)
    with pytest.raises(ServiceError) as caught:
        a.control(Control.PARAMCHANGE)
    rig.scm.advance(1.0)
    stop(rig, b)
    b.start()
    rig.reach("B", State.RUNNING)
    b.control(170)
    codes = {
        name: [e.control for e in rig.scm.journal(name) if e.kind is Kind.CONTROL]
        for name in ("A", "B")
    }

    assert caught.value.winerror == 1052
    assert b.status().accepts & Accept.PARAMCHANGE
    assert codes["A"] == [150]
    assert codes["B"][-1] == 170
    assert 150 not in codes["B"]
    assert len(rig.scm.reports("A")) == 3
    assert len(rig.scm.reports("B")) == 3 + 2 + 3
    stop(rig, a)
    stop(rig, b)
    rig.scm.wait_gone("A")


# --- subscriptions -----------------------------------------------------------------

LID = UUID("ba3e0f4d-b817-4094-a2d1-d56379e6a0f3")
DISK = UUID("53f56307-b6bf-11d0-94f2-00a0c91efb8b")


@pytest.fixture
def pair(rig: Rig) -> Iterator[tuple[ServiceHandle, ServiceHandle]]:
    """Two running services of one process."""
    a, b = rig.scm.add_process(member("A"), member("B"))
    run_all(rig, (a, b))
    yield a, b
    for handle in (a, b):
        if handle.status().state is not State.STOPPED:
            stop(rig, handle)
    rig.scm.wait_gone("A")


def test_subscriptions_are_a_services_own(
    rig: Rig, pair: tuple[ServiceHandle, ServiceHandle]
) -> None:
    """D-12: what each asked for, until it closes it or stops."""
    a, b = (rig.scm.instance(name) for name in ("A", "B"))
    lid = a.register_power_setting(LID)
    a.register_device_notifications()
    b.register_device_notifications(DISK)
    b.register_device_notifications(handle=0x1234)
    both = rig.scm.subscriptions("A"), rig.scm.subscriptions("B")
    lid.close()
    lid.close()
    after = rig.scm.subscriptions("A")
    stop(rig, pair[1])
    ended = rig.scm.subscriptions("B")
    pair[1].start()
    rig.reach("B", State.RUNNING)

    assert both == (
        (
            Subscription(Subject.POWER_SETTING, LID.bytes_le),
            Subscription(Subject.DEVICE_INTERFACE, b""),
        ),
        (
            Subscription(Subject.DEVICE_INTERFACE, DISK.bytes_le),
            Subscription(Subject.DEVICE_HANDLE, (0x1234).to_bytes(8, "little")),
        ),
    )
    assert after == both[0][1:]
    assert ended == rig.scm.subscriptions("B") == ()


def test_subscription_that_fails_says_so(
    rig: Rig, pair: tuple[ServiceHandle, ServiceHandle]
) -> None:
    """A refusal names the service; what could not be undone is there still."""
    del pair
    sim = _native.require_sim()
    service = rig.scm.instance("A")
    sim.fault_arm(FAULT_SUBSCRIBE, 1)
    with pytest.raises(ServiceError) as caught:
        service.register_power_setting(LID)
    none = rig.scm.subscriptions("A")
    registration = service.register_power_setting(LID)
    sim.fault_arm(FAULT_SUBSCRIBE, 1)
    with pytest.raises(ServiceError):
        registration.close()

    assert none == ()
    assert caught.value.winerror == 6
    assert "A" in str(caught.value)
    assert rig.scm.subscriptions("A") == (
        Subscription(Subject.POWER_SETTING, LID.bytes_le),
    )
