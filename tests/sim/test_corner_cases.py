"""Corner cases I-1 to I-45 of the SCM's rules that a hosted service can meet.

Each test names its case.  Not here: I-8, I-9, I-12, I-13 (the core itself
registers, reports and stops: no service code can leave that out), I-6, I-15, I-22,
I-23, I-25 (shared processes, dependencies and clients: other parts), I-35, I-43 to
I-48 (the core's handler: tests/c), I-5 and I-7's name (tests/windows).
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from simrig import Rig, eventually

import winsvc
from winsvc import _native
from winsvc.connection import Connection
from winsvc.errors import NotStartedBySCM, ServiceError, ServiceTimeout
from winsvc.host import Host
from winsvc.serving import serve
from winsvc.states import Accept, Control, StartType, State


class Gated(winsvc.Service):
    """Waits inside each handler that is closed."""

    name = "Gated"
    closed: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.inside: dict[str, threading.Event] = {}
        self.gates: dict[str, threading.Event] = {}
        for name in ("on_start", "on_stop", "on_pause", "on_continue"):
            self.inside[name] = threading.Event()
            self.gates[name] = threading.Event()
            if name not in self.closed:
                self.gates[name].set()

    def enter(self, name: str) -> None:
        """Note the call, and wait at its gate."""
        self.calls.append(name)
        self.inside[name].set()
        assert self.gates[name].wait(20)

    def on_start(self) -> None:
        self.enter("on_start")

    def on_stop(self) -> None:
        self.enter("on_stop")

    def on_pause(self) -> None:
        self.enter("on_pause")

    def on_continue(self) -> None:
        self.enter("on_continue")

    def on_user_control(self, code: int) -> None:
        self.calls.append(f"user {code}")


def start(rig: Rig, *closed: str) -> Gated:
    """Start a service whose gates of these names are closed."""
    cls = type("Gated", (Gated,), {"closed": frozenset(closed)})
    rig.scm.add(cls).start()

    def loaded() -> bool:
        host = rig.scm.process("Gated").host
        return host is not None and host.service is not None

    rig.eventually(loaded, "the service is loaded")
    service = rig.scm.instance("Gated")
    assert isinstance(service, Gated)
    if "on_start" in closed:
        assert service.inside["on_start"].wait(20)
    else:
        rig.reach("Gated", State.RUNNING)
    return service


def start_importing(rig: Rig) -> threading.Event:
    """Start a service whose import lasts until the event is set."""
    go = threading.Event()

    def load() -> type[winsvc.Service]:
        assert go.wait(20)
        return Gated

    handle = rig.scm.add(Gated)
    rig.scm._record("Gated").load = load
    handle.start()
    rig.eventually(lambda: rig.scm.reports("Gated"), "START_PENDING")
    return go


def refused(rig: Rig, code: int) -> int:
    """Send a control; return the code that it is refused with, or 0."""
    with rig.scm.open("Gated") as handle:
        try:
            handle.control(code)
        except ServiceError as error:
            return error.winerror
        return 0


def finish(rig: Rig, service: Gated) -> None:
    """Open all gates, stop the service, and see it end well."""
    for gate in service.gates.values():
        gate.set()
    refused(rig, Control.STOP)

    assert rig.scm.wait_gone("Gated") == 0


# --- I.1 Start ----------------------------------------------------------------------

FAULT_DISPATCH = 16


def test_i1_not_started_by_an_scm_runs_nothing() -> None:
    """I-1: 1063 at once; the module is not imported."""

    def load() -> type[winsvc.Service]:
        pytest.fail("imported")

    sim = _native.require_sim()
    connection = Connection(sim, sim.wire_new(sim.clock_new(True)))
    sim.fault_arm(FAULT_DISPATCH, 1)
    connection.start()
    with pytest.raises(NotStartedBySCM) as caught:
        serve(connection, [load])

    assert caught.value.winerror == 1063


def test_i1_not_started_by_an_scm_calls_no_not_ready() -> None:
    """I-1: a daemon's not_ready is called only where an SCM may yet start it."""
    sim = _native.require_sim()
    connection = Connection(sim, sim.wire_new(sim.clock_new(True)))
    sim.fault_arm(FAULT_DISPATCH, 1)
    connection.start()
    with pytest.raises(NotStartedBySCM):
        serve(connection, [lambda: Gated], idles={0: lambda: pytest.fail("called")})


def test_i2_process_that_ends_early_fails_at_once(rig: Rig) -> None:
    """I-2: 1053 without the clock moving, and the same again."""
    scm = winsvc_scm(lambda name, body: None)
    handle = scm.add(Gated)
    for _ in range(2):
        with ThreadPoolExecutor(1) as pool:
            attempt = pool.submit(handle.start)
            eventually(lambda: scm._record("Gated").process, "the process")
            scm.kill("Gated")
            with pytest.raises(ServiceTimeout):
                attempt.result(timeout=20)
        status = handle.status()
        assert (status.state, status.pid) == (State.STOPPED, 0)
        scm._record("Gated").process = None


def winsvc_scm(launch: object) -> winsvc.testing.SimulatedScm:
    """Return an SCM whose processes do as they are told."""
    from winsvc.testing import SimulatedScm

    return SimulatedScm(clock="virtual", launch=launch)  # type: ignore[arg-type]


def test_i3_process_that_never_connects_times_out(rig: Rig) -> None:
    """I-3: 1053 after the pipe's time-out, and the process is ended."""
    scm = winsvc_scm(lambda name, body: None)
    handle = scm.add(Gated)
    with ThreadPoolExecutor(1) as pool:
        attempt = pool.submit(handle.start)
        eventually(lambda: scm._record("Gated").process, "the process")
        Rig(scm).pass_time(1.0, attempt.done, "the pipe's time is up")
        with pytest.raises(ServiceTimeout):
            attempt.result()

    assert scm.now >= 30.0
    assert scm.process("Gated").is_dead


def test_i3_slow_import_does_not_matter(rig: Rig) -> None:
    """I-3: connected first, imported after: start returns before the import."""
    go = start_importing(rig)
    rig.scm.advance(100.0)
    pending = rig.state("Gated")
    go.set()
    rig.reach("Gated", State.RUNNING)
    service = rig.scm.instance("Gated")

    assert pending is State.START_PENDING
    assert isinstance(service, Gated)
    finish(rig, service)


def test_i4_empty_table_is_refused() -> None:
    """I-4: 13."""
    sim = _native.require_sim()
    process = sim.process_new(sim.wire_new(sim.clock_new(True)), ())
    sim.process_start(process)
    with pytest.raises(OSError) as caught:  # noqa: PT011 - checked below
        sim.process_join(process)

    assert caught.value.winerror == 13  # type: ignore[attr-defined,unused-ignore]


def test_i7_own_process_has_the_name_it_is_started_by(rig: Rig) -> None:
    """I-7: the class's name and the installed one may differ (A-7)."""
    handle = rig.scm.add(Gated, name="Other name")
    handle.start()
    rig.reach("Other name", State.RUNNING)
    service = rig.scm.instance("Other name")
    handle.stop()

    assert rig.scm.wait_gone("Other name") == 0
    assert service.name == "Other name"
    assert service.log.name == "winsvc.Other name"


def test_i10_failure_in_init_reports_stopped(rig: Rig) -> None:
    """I-10: start returns, the status says why."""

    class Broken(Gated):
        def __init__(self) -> None:
            raise OSError("no")

    handle = rig.scm.add(Broken)
    handle.start()
    rig.scm.wait_gone("Gated")
    status = handle.status()

    assert (status.state, status.exit_code) == (State.STOPPED, 1066)


def test_i11_running_then_stopped_at_once_shows_both(rig: Rig) -> None:
    """I-11: no state is left out, however short."""

    class Short(Gated):
        def run(self) -> None: ...

    rig.scm.add(Short).start()
    rig.scm.wait_gone("Gated")

    assert [report.state for report in rig.scm.reports("Gated")] == [
        State.START_PENDING,
        State.START_PENDING,
        State.RUNNING,
        State.STOP_PENDING,
        State.STOPPED,
    ]


@pytest.mark.parametrize(
    "state",
    [State.START_PENDING, State.RUNNING, State.PAUSED, State.STOP_PENDING],
)
def test_i14_second_start_is_refused(rig: Rig, state: State) -> None:
    """I-14: 1056 in every state but STOPPED."""
    closed = {State.START_PENDING: "on_start", State.STOP_PENDING: "on_stop"}
    service = start(rig, closed.get(state, ""))
    if state is State.PAUSED:
        refused(rig, Control.PAUSE)
    if state is State.STOP_PENDING:
        refused(rig, Control.STOP)
    rig.reach("Gated", state)
    with pytest.raises(ServiceError) as caught:
        rig.scm.open("Gated").start()

    assert caught.value.winerror == 1056
    finish(rig, service)


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("",),
        ("a", "", "b"),
        ("with blank", 'quo"te', "back\\", "new\nline"),
        ("emoji \U0001f600", "lone \ud800", "עברית"),
        ("TriggerStarted",),
        tuple("x" * 1024),
        ("x" * 1023,),
    ],
    ids=["none", "empty", "gap", "quotes", "unicode", "trigger", "1024", "long"],
)
def test_i16_to_i24_arguments_arrive_exactly(rig: Rig, args: tuple[str, ...]) -> None:
    """I-16 to I-19, I-24: bit for bit, and the name is not among them."""
    handle = rig.scm.add(Gated)
    handle.start(*args)
    rig.reach("Gated", State.RUNNING)
    service = rig.scm.instance("Gated")

    assert isinstance(service, Gated)
    assert service.args == args
    finish(rig, service)


@pytest.mark.parametrize("args", [("x",) * 1025, ("x" * 1024,)], ids=["1025", "1024"])
def test_i17_i18_too_many_or_long_arguments_are_refused(
    rig: Rig, args: tuple[str, ...]
) -> None:
    """I-17, I-18 (soft): 87, and nothing was started."""
    handle = rig.scm.add(Gated)
    with pytest.raises(ServiceError) as caught:
        handle.start(*args)

    assert caught.value.winerror == 87
    assert handle.status().exit_code == 1077


def test_i20_nul_in_an_argument_is_a_clear_error(rig: Rig) -> None:
    """I-20: what cannot be passed is said before anything is started."""
    handle = rig.scm.add(Gated)
    with pytest.raises(ValueError, match="NUL"):
        handle.start("a\0b")

    rig.scm.kill("Gated")


def test_i21_disabled_or_deleted_is_refused(rig: Rig) -> None:
    """I-21: 1058; 1072."""

    class Disabled(Gated):
        start_type = StartType.DISABLED

    handle = rig.scm.add(Disabled)
    codes = []
    for _ in range(2):
        with pytest.raises(ServiceError) as caught:
            handle.start()
        codes.append(caught.value.winerror)
        if len(codes) == 1:
            handle.delete()

    assert codes == [1058, 1072]


# --- I.2 Controls -------------------------------------------------------------------


def test_i30_stop_before_the_import_is_over_is_refused(rig: Rig) -> None:
    """I-30 with accept 0: 1052, and the service starts."""
    go = start_importing(rig)
    code = refused(rig, Control.STOP)
    go.set()
    rig.reach("Gated", State.RUNNING)
    service = rig.scm.instance("Gated")

    assert code == 1052
    assert isinstance(service, Gated)
    finish(rig, service)


def accept_stop(rig: Rig) -> None:
    """Wait until the SCM knows that STOP is accepted while it starts."""
    with rig.scm.open("Gated") as handle:
        rig.eventually(lambda: handle.status().accepts & Accept.STOP, "STOP accepted")


def test_i30_i31_stop_while_starting_never_shows_running(rig: Rig) -> None:
    """I-30 with accept STOP, I-31: STOP_PENDING, STOPPED; on_stop after on_start."""
    service = start(rig, "on_start")
    accept_stop(rig)
    code = refused(rig, Control.STOP)
    shown = rig.state("Gated")
    service.gates["on_start"].set()

    assert code == 0
    assert shown is State.STOP_PENDING
    assert rig.scm.wait_gone("Gated") == 0
    assert service.calls == ["on_start", "on_stop"]
    states = [report.state for report in rig.scm.reports("Gated")]
    assert State.RUNNING not in states


def test_i32_second_stop_is_refused(rig: Rig) -> None:
    """I-32: 1061, the handler is called once."""
    service = start(rig, "on_stop")
    codes = [refused(rig, Control.STOP) for _ in range(3)]

    assert codes == [0, 1061, 1061]
    finish(rig, service)
    assert service.calls.count("on_stop") == 1


def test_i33_two_stops_at_once_deliver_one(rig: Rig) -> None:
    """I-33: however they race, on_stop runs once."""
    for _ in range(50):
        service = start(rig)
        barrier = threading.Barrier(2)

        def stop(barrier: threading.Barrier = barrier) -> int:
            barrier.wait(20)
            return refused(rig, Control.STOP)

        with ThreadPoolExecutor(2) as pool:
            codes = [f.result() for f in [pool.submit(stop), pool.submit(stop)]]
        rig.scm.wait_gone("Gated")
        assert 0 in codes
        assert set(codes) <= {0, 1061, 1062}
        assert service.calls.count("on_stop") == 1
        with rig.scm.open("Gated") as handle:
            handle.delete()
        rig.scm._simulated.records.clear()


def test_i34_stop_after_the_end_is_refused(rig: Rig) -> None:
    """I-34: 1062."""
    service = start(rig)
    finish(rig, service)

    assert refused(rig, Control.STOP) == 1062


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (State.START_PENDING, 1061),
        (State.RUNNING, 0),
        (State.PAUSE_PENDING, 0),
        (State.PAUSED, 0),
        (State.CONTINUE_PENDING, 0),
        (State.STOP_PENDING, 1061),
        (State.STOPPED, 1062),
    ],
)
@pytest.mark.parametrize("control", [Control.PAUSE, Control.CONTINUE, 200])
def test_i36_i37_controls_by_state(
    rig: Rig, state: State, code: int, control: int
) -> None:
    """I-36, I-37: the table of B-33; what is delivered twice is handled once."""
    closed = {
        State.START_PENDING: "on_start",
        State.PAUSE_PENDING: "on_pause",
        State.CONTINUE_PENDING: "on_continue",
        State.STOP_PENDING: "on_stop",
    }
    service = start(rig, closed.get(state, ""))
    if state in (State.PAUSE_PENDING, State.PAUSED, State.CONTINUE_PENDING):
        assert refused(rig, Control.PAUSE) == 0
    if state is State.CONTINUE_PENDING:
        rig.reach("Gated", State.PAUSED)
        assert refused(rig, Control.CONTINUE) == 0
    if state in (State.STOP_PENDING, State.STOPPED):
        assert refused(rig, Control.STOP) == 0
    rig.reach("Gated", state)

    assert refused(rig, control) == code
    finish(rig, service)


def test_i36_pause_without_handler_is_refused(rig: Rig) -> None:
    """I-36: 1052."""

    class Plain(winsvc.Service):
        name = "Gated"

    handle = rig.scm.add(Plain)
    handle.start()
    rig.reach("Gated", State.RUNNING)
    code = refused(rig, Control.PAUSE)
    handle.stop()

    assert code == 1052
    assert rig.scm.wait_gone("Gated") == 0


def test_i37_continue_while_pausing_is_done_after(rig: Rig) -> None:
    """I-37: the wish is kept: paused, then running again."""
    service = start(rig, "on_pause")
    refused(rig, Control.PAUSE)
    assert service.inside["on_pause"].wait(20)
    refused(rig, Control.CONTINUE)
    service.gates["on_pause"].set()
    rig.reach("Gated", State.RUNNING)

    assert service.calls == ["on_start", "on_pause", "on_continue"]
    finish(rig, service)


@pytest.mark.parametrize("pending", ["on_pause", "on_continue", ""])
def test_i38_stop_while_pausing_or_paused_stops(rig: Rig, pending: str) -> None:
    """I-38: delivered; what was going on ends first."""
    service = start(rig, pending)
    refused(rig, Control.PAUSE)
    if pending != "on_pause":
        rig.reach("Gated", State.PAUSED)
    if pending == "on_continue":
        refused(rig, Control.CONTINUE)
    if pending:
        assert service.inside[pending].wait(20)
    code = refused(rig, Control.STOP)
    shown = rig.state("Gated")

    assert code == 0
    assert shown in (State.STOP_PENDING, State.STOPPED)
    finish(rig, service)
    assert service.calls[-1] == "on_stop"


def test_i39_interrogate_by_state(rig: Rig) -> None:
    """I-39: 1062, answered by the SCM, delivered, 1061."""
    service = start(rig, "on_start", "on_stop")
    starting = refused(rig, Control.INTERROGATE)
    asked = [entry for entry in rig.scm.journal("Gated") if entry.control == 4]
    service.gates["on_start"].set()
    rig.reach("Gated", State.RUNNING)
    running = refused(rig, Control.INTERROGATE)
    told = [entry for entry in rig.scm.journal("Gated") if entry.control == 4]
    refused(rig, Control.STOP)
    stopping = refused(rig, Control.INTERROGATE)
    finish(rig, service)
    stopped = refused(rig, Control.INTERROGATE)

    assert (starting, running, stopping, stopped) == (0, 0, 1061, 1062)
    assert (len(asked), len(told)) == (0, 1)


def test_i40_only_client_codes_are_delivered(rig: Rig) -> None:
    """I-40: 87 but for 128 to 255 and the documented ones."""
    service = start(rig)
    wrong = [0, 5, *range(11, 18), 0x20, 0x40, 0x60, 0x61, 127, 256, 0xFFFFFFFF]

    assert {refused(rig, code) for code in wrong} == {87}
    assert [refused(rig, code) for code in (128, 200, 255)] == [0, 0, 0]
    finish(rig, service)
    assert service.calls[1:4] == ["user 128", "user 200", "user 255"]


def test_i41_answer_of_the_handler_is_not_the_clients(rig: Rig) -> None:
    """I-41: a control that the core refuses inside is TRUE for the client (A-34)."""
    service = start(rig)
    answer = rig.scm.send("Gated", Control.PARAMCHANGE)

    assert answer == 120
    finish(rig, service)


def test_i42_exception_in_a_handler_ends_the_service(rig: Rig) -> None:
    """I-42: it never reaches the SCM's thread; the service ends as failed."""

    class Bad(Gated):
        def on_user_control(self, code: int) -> None:
            raise KeyboardInterrupt

    handle = rig.scm.add(Bad)
    handle.start()
    rig.reach("Gated", State.RUNNING)
    handle.control(200)
    rig.scm.wait_gone("Gated")

    assert handle.status().service_exit_code == winsvc.FailureCode.HANDLER


def test_i43_handler_never_waits_for_python(rig: Rig) -> None:
    """I-43, I-46: with all of Python's handlers stuck the answers still come."""
    service = start(rig, "on_pause")
    refused(rig, Control.PAUSE)
    assert service.inside["on_pause"].wait(20)
    answers = [refused(rig, code) for code in (4, 200, 201, Control.STOP)]

    assert answers == [0, 0, 0, 0]
    assert rig.state("Gated") is State.STOP_PENDING
    finish(rig, service)


def test_hosting_needs_no_stdio(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-133: sys.stdout and sys.stderr may be None (A-14)."""
    import sys

    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    service = start(rig)

    finish(rig, service)


def test_host_class_is_told_what_is_wrong() -> None:
    """A service that is not hosted says how it could be."""
    with pytest.raises(RuntimeError, match="debug"):
        Gated().wait_stop(0)

    assert Host.__doc__
