"""ServiceManager and ServiceConfig on an SCM of plain Python."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from winsvc import _native
from winsvc.errors import (
    NoSCM,
    ServiceError,
    ServiceExists,
    ServiceFailed,
    ServiceMarkedForDelete,
    ServiceNotFound,
    ServiceTimeout,
)
from winsvc.manage.manager import ServiceHandle, ServiceManager
from winsvc.manage.planning import Planner
from winsvc.manage.status import ServiceStatus
from winsvc.reasons import StopReason
from winsvc.settings.config import ServiceConfig
from winsvc.settings.levels import pack, unpack
from winsvc.settings.values import ErrorControl
from winsvc.states import Accept, Control, ServiceType, StartType, State
from winsvc.testing import SimulatedScm
from winsvc.testing.database import SimulatedBackend

CONNECT, CREATE, ENUMERATE = 0x1, 0x2, 0x4
QUERY_CONFIG = 0x1
QUERY_STATUS, START, STOP, PAUSE_CONTINUE = 0x4, 0x10, 0x20, 0x40
INTERROGATE, USER_DEFINED, DELETE = 0x80, 0x100, 0x10000

STOPPED = (16, State.STOPPED, 0, 0, 0, 0, 0, 0)
NEVER_STARTED = (16, State.STOPPED, 0, 1077, 0, 0, 0, 0)
RUNNING = (16, State.RUNNING, 1, 0, 0, 0, 0, 8)
PAUSED = (16, State.PAUSED, 3, 0, 0, 0, 0, 8)


def pending(state: State, checkpoint: int = 1, hint_ms: int = 3000) -> tuple[int, ...]:
    """Return the status of a service on its way."""
    return (16, state, 0, 0, 0, checkpoint, hint_ms, 8)


class FakeScm:
    """An SCM with one service, whose status follows a script in virtual time.

    Args:
        script: (time from which on, status), in order.
    """

    def __init__(self, *script: tuple[float, Sequence[int]]) -> None:
        self.script = script or ((0.0, STOPPED),)
        self.now = 0.0
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.waits: list[float] = []
        self.refuse: dict[str, int] = {}
        self.open: dict[object, int] = {}

    def _call(self, function: str, *arguments: Any) -> None:
        self.calls.append((function, arguments))
        if function in self.refuse:
            error = OSError(self.refuse[function], function)
            setattr(error, "winerror", self.refuse[function])  # noqa: B010
            raise error

    def _handle(self, access: int) -> object:
        handle = object()
        self.open[handle] = access
        return handle

    def rights(self, function: str) -> list[int]:
        """Return the rights that a function was asked for, in order."""
        return [arguments[-1] for name, arguments in self.calls if name == function]

    def named(self, function: str) -> list[tuple[Any, ...]]:
        """Return the arguments of every call of a function, without handles."""
        return [arguments[1:] for name, arguments in self.calls if name == function]

    def manager_open(self, machine: str | None, access: int) -> object:
        self._call("manager_open", machine, access)
        return self._handle(access)

    def handle_close(self, handle: object) -> None:
        self._call("handle_close", handle)
        del self.open[handle]

    def service_list(
        self, manager: object, states: int, group: str | None
    ) -> list[tuple[str, str, Any]]:
        self._call("service_list", manager, states, group)
        assert self.open[manager] & ENUMERATE
        return [("Foo", "The Foo", RUNNING), ("Bar", "Bar", NEVER_STARTED)]

    def service_dependents(self, service: object, states: int) -> list[Any]:
        self._call("service_dependents", service, states)
        return []

    def service_create(self, manager: object, *arguments: Any) -> object:
        self._call("service_create", manager, *arguments)
        assert self.open[manager] & CREATE
        return self._handle(arguments[-1])

    def service_open(self, manager: object, name: str, access: int) -> object:
        self._call("service_open", manager, name, access)
        return self._handle(access)

    def service_delete(self, service: object) -> None:
        self._call("service_delete", service)
        assert self.open[service] & DELETE

    def service_start(self, service: object, arguments: tuple[str, ...]) -> None:
        self._call("service_start", service, *arguments)
        assert self.open[service] & START

    def service_control_reason(self, service: object, *told: object) -> Any:
        self._call("service_control_reason", service, *told)
        return pending(State.STOP_PENDING)

    def service_control(self, service: object, code: int) -> Any:
        self._call("service_control", service, code)
        return self._status()

    def service_status(self, service: object) -> Any:
        self._call("service_status", service)
        assert self.open[service] & QUERY_STATUS
        return self._status()

    def service_config2(self, service: object, level: int) -> tuple[bytes, int]:
        self._call("service_config2", service, level)
        assert self.open[service] & QUERY_CONFIG
        return pack(level, "").data, 0

    def service_change2(
        self, service: object, level: int, image: bytes, pointers: tuple[int, ...]
    ) -> None:
        self._call("service_change2", service, level, unpack(level, image, 0), pointers)

    def notifier_new(self) -> object:
        self.refuse["notifier_new"] = 120  # looks by the clock are tested here
        return self._call("notifier_new")

    def message_file(self) -> str:
        return "_core.pyd"

    def event_source(self, name: str) -> None:
        self._call("event_source", name)

    machine = None

    def logon_right_held(self, machine: str | None, account: str) -> bool:
        self._call("logon_right_held", machine, account)
        return True

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait_change(self, handle: object, status: Any, seconds: float) -> None:
        assert handle in self.open
        assert status == self._status()
        self.waits.append(seconds)
        self.now += seconds

    def monotonic(self) -> float:
        return self.now

    def _status(self) -> Any:
        return [status for since, status in self.script if since <= self.now][-1]


def open_foo(*script: tuple[float, Sequence[int]]) -> tuple[FakeScm, ServiceHandle]:
    """Return an SCM with a script, and a handle to its service."""
    scm = FakeScm(*script)
    return scm, ServiceManager(backend=scm).open("Foo")


# --- the manager ----------------------------------------------------------------


def test_create_passes_all_settings() -> None:
    """Each setting arrives at its place, the command as one quoted line."""
    scm = FakeScm()
    config = ServiceConfig(
        name="Foo",
        command=(r"C:\a b\python.exe", "x y"),
        display_name="The Foo",
        description="Does foo.",
        start_type=StartType.MANUAL,
        service_type=ServiceType.SHARE_PROCESS,
        error_control=ErrorControl.SEVERE,
        group="Late",
        dependencies=("Bar", "+Early"),
        account=r".\me",
        password="secret",
    )
    ServiceManager(backend=scm).create(config)

    ((*settings, _access),) = scm.named("service_create")
    line = r'"C:\a b\python.exe" "x y"'
    assert settings == [
        "Foo",
        0x20,
        3,
        2,
        line,
        "Late",
        ("Bar", "+Early"),
        r".\me",
        "secret",
        "The Foo",
    ]
    assert scm.named("service_change2") == [(1, "Does foo.", (0,))]


def test_created_handle_opens_no_other() -> None:
    """What the creator was given serves for everything (E-13)."""
    scm = FakeScm((0.0, RUNNING))
    config = ServiceConfig(name="Foo", command=(r"C:\python.exe",))
    with ServiceManager(backend=scm) as manager, manager.create(config) as handle:
        handle.start()
        handle.stop()
        handle.control(200)
        handle.status()
        handle.delete()

    assert scm.named("service_open") == []
    assert scm.open == {}


def test_create_leaves_the_rest_to_the_scm() -> None:
    """What a configuration does not say has the defaults of E.1."""
    scm = FakeScm()
    ServiceManager(backend=scm).create(
        ServiceConfig(name="Foo", command=(r"C:\python.exe",))
    )

    ((*settings, _access),) = scm.named("service_create")
    line = r'"C:\python.exe"'
    assert settings == ["Foo", 0x10, 2, 1, line, None, None, None, None, "Foo"]
    assert scm.named("service_change2") == []


def test_create_tries_again_while_the_old_one_goes() -> None:
    """1072 right after a removal goes by itself, at most 5 s later (E-34)."""
    scm = FakeScm()
    scm.refuse["service_create"] = 1072
    with (
        ServiceManager(backend=scm) as manager,
        pytest.raises(ServiceMarkedForDelete),
    ):
        manager.create(ServiceConfig(name="Foo", command=(r"C:\python.exe",)))

    assert len(scm.named("service_create")) == 51
    assert scm.now == pytest.approx(5.0)
    assert scm.open == {}


def test_create_without_description_leaves_no_service() -> None:
    """A service that could not be described is deleted again."""
    scm = FakeScm()
    scm.refuse["service_change2"] = 87
    config = ServiceConfig(name="Foo", command=(r"C:\python.exe",), description="x")
    with ServiceManager(backend=scm) as manager, pytest.raises(ServiceError) as caught:
        manager.create(config)

    assert caught.value.operation == "set description of"
    assert len(scm.named("service_delete")) == 1
    assert scm.open == {}


@pytest.mark.parametrize(
    ("function", "code", "kind", "operation", "act"),
    [
        (
            "service_create",
            1073,
            ServiceExists,
            "create",
            lambda m: m.create(ServiceConfig(name="Foo", command=(r"C:\x.exe",))),
        ),
        ("service_open", 1060, ServiceNotFound, "open", lambda m: m.open("Foo")),
        (
            "service_delete",
            1072,
            ServiceMarkedForDelete,
            "delete",
            lambda m: m.open("Foo").delete(),
        ),
        (
            "service_start",
            1053,
            ServiceTimeout,
            "start",
            lambda m: m.open("Foo").start(),
        ),
        ("service_control", 1051, ServiceError, "stop", lambda m: m.open("Foo").stop()),
        (
            "service_control",
            87,
            ServiceError,
            "send control 5 to",
            lambda m: m.open("Foo").control(Control.SHUTDOWN),
        ),
    ],
)
def test_failure_names_operation_and_service(
    function: str,
    code: int,
    kind: type[ServiceError],
    operation: str,
    act: Callable[[ServiceManager], object],
) -> None:
    """Every refusal of the SCM becomes the fitting ServiceError."""
    scm = FakeScm()
    scm.refuse[function] = code
    with pytest.raises(ServiceError) as caught:
        act(ServiceManager(backend=scm))

    assert type(caught.value) is kind
    assert caught.value.winerror == code
    assert (caught.value.operation, caught.value.service) == (operation, "Foo")


def test_unreachable_scm_raises_at_once() -> None:
    """The manager's constructor connects; there is no retry (I-146)."""
    scm = FakeScm()
    scm.refuse["manager_open"] = 1722
    with pytest.raises(ServiceError, match="could not open the SCM: 1722") as caught:
        ServiceManager("elsewhere", backend=scm)

    assert caught.value.service is None
    assert scm.calls == [("manager_open", ("elsewhere", CONNECT))]


def test_list_returns_name_display_name_and_status() -> None:
    """The right to enumerate is asked for only by list."""
    scm = FakeScm()
    manager = ServiceManager(backend=scm)
    foo, bar = manager.list()

    assert (foo.name, foo.display_name, foo.status.pid) == ("Foo", "The Foo", 8)
    assert (bar.name, bar.status.exit_code) == ("Bar", 1077)
    assert scm.rights("manager_open") == [CONNECT, ENUMERATE]


@pytest.mark.parametrize("seconds", [0, 0.05, 1.0])
def test_removed_service_is_waited_for_by_the_clock(seconds: float) -> None:
    """While somebody holds it; also where looking at it takes its time."""
    scm = SimulatedScm(clock="virtual")
    scm.create(ServiceConfig(name="Foo", command=("C:/x.exe",))).close()
    with scm.open("Foo"):
        manager = scm.manager()
        naps = []

        def slow(nap: float) -> None:
            naps.append(nap)
            scm.advance(0.5)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scm._simulated, "sleep", slow)
            assert not manager.remove("Foo", timeout=seconds)

    assert len(naps) == -(-seconds // 0.5)


def test_removed_service_is_waited_for_without_end() -> None:
    """As long as it takes, if the caller says so."""
    scm = SimulatedScm(clock="virtual")
    scm.create(ServiceConfig(name="Foo", command=("C:/x.exe",))).close()
    held = scm.open("Foo")
    manager = scm.manager()
    naps = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 100:
            held.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scm._simulated, "sleep", nap)
        assert manager.remove("Foo", timeout=float("inf"))

    assert len(naps) == 100


def test_plan_shows_no_values_of_variables() -> None:
    """They may be secrets; a traceback with locals has the repr."""
    backend = SimulatedBackend(virtual=True)
    config = ServiceConfig(
        name="Foo", command=("C:/x.exe",), environment={"TOKEN": "geheim"}
    )
    plan = Planner(backend, config).for_new(())

    assert "geheim" in str(plan.new)
    assert "geheim" not in repr(plan)


@pytest.mark.skipif(os.name == "nt", reason="Windows has an SCM")
def test_manager_off_windows_raises_no_scm() -> None:
    """The real SCM is asked for where there is none."""
    with pytest.raises(NoSCM, match="no SCM on this system"):
        ServiceManager()


def test_number_of_a_state_will_do() -> None:
    """As Windows has them."""
    _, handle = open_foo((0.0, RUNNING))

    assert handle.wait_state(4).state is State.RUNNING


# --- handles and rights -----------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "right"),
    [
        (lambda h: h.start("a", "b"), START),
        (lambda h: h.stop(), STOP),
        (lambda h: h.pause(), PAUSE_CONTINUE),
        (lambda h: h.resume(), PAUSE_CONTINUE),
        (lambda h: h.control(Control.PARAMCHANGE), PAUSE_CONTINUE),
        (lambda h: h.control(Control.INTERROGATE), INTERROGATE),
        (lambda h: h.control(128), USER_DEFINED),
        (lambda h: h.delete(), DELETE),
    ],
)
def test_operation_asks_for_its_right_once(
    act: Callable[[ServiceHandle], object], right: int
) -> None:
    """A handle starts with QUERY_STATUS; each operation adds its right (B-32)."""
    scm, handle = open_foo()
    act(handle)
    act(handle)
    handle.status()

    assert scm.rights("service_open") == [QUERY_STATUS, right]


def test_start_passes_arguments() -> None:
    """ServiceMain's arguments arrive in order; the name is not among them (A-20)."""
    scm, handle = open_foo()
    handle.start("a", "", "b c")

    assert scm.named("service_start") == [("a", "", "b c")]


def test_controls_send_their_codes() -> None:
    """Each method sends one control and returns the status."""
    scm, handle = open_foo((0.0, RUNNING))
    handle.stop()
    handle.pause()
    handle.resume()
    status = handle.control(200)

    assert scm.named("service_control") == [(1,), (2,), (3,), (200,)]
    assert status.state is State.RUNNING


def test_close_closes_every_handle_once() -> None:
    """Closing twice is harmless; using it after that is error 6 (E-24)."""
    scm = FakeScm()
    manager = ServiceManager(backend=scm)
    handle = manager.open("Foo")
    handle.start()
    for closable in (handle, handle, manager, manager):
        closable.close()
    with pytest.raises(ServiceError) as caught:
        handle.status()

    assert caught.value.winerror == 6
    assert scm.open == {}


def test_handle_outlives_manager() -> None:
    """The rights used so far stay after the manager is closed (E-23)."""
    scm = FakeScm((0.0, RUNNING))
    with ServiceManager(backend=scm) as manager:
        handle = manager.open("Foo")

    assert handle.status().state is State.RUNNING


def test_status_converts_every_field() -> None:
    """Names for numbers, seconds for milliseconds; unknown bits are kept."""
    status = ServiceStatus.from_tuple((0x10, 2, 0x10001, 1066, 7, 3, 2500, 44))

    assert status == ServiceStatus(
        type=ServiceType.OWN_PROCESS,
        state=State.START_PENDING,
        accepts=Accept.STOP | Accept(0x10000),
        exit_code=1066,
        service_exit_code=7,
        checkpoint=3,
        wait_hint=2.5,
        pid=44,
    )


# --- waiting ------------------------------------------------------------------------


def test_wait_state_already_there_returns_at_once() -> None:
    """One look is enough."""
    scm, handle = open_foo((0.0, RUNNING))
    status = handle.wait_state(State.RUNNING, timeout=0)

    assert status.state is State.RUNNING
    assert scm.waits == []


def test_wait_state_tells_each_change_once() -> None:
    """Progress is the first look, each checkpoint and the end, nothing else."""
    scm, handle = open_foo(
        (0.0, pending(State.START_PENDING, 1)),
        (1.5, pending(State.START_PENDING, 2)),
        (3.0, pending(State.START_PENDING, 3)),
        (4.0, RUNNING),
    )
    seen: list[tuple[State, int]] = []
    handle.wait_state(
        State.RUNNING,
        on_progress=lambda status: seen.append((status.state, status.checkpoint)),
    )

    starting = State.START_PENDING
    assert seen == [(starting, 1), (starting, 2), (starting, 3), (State.RUNNING, 0)]
    assert scm.now == pytest.approx(4.0, abs=0.4)


@pytest.mark.parametrize(
    ("hint_ms", "ceiling"), [(100, 0.1), (3000, 0.3), (60000, 1.0), (0, 0.5)]
)
def test_wait_state_looks_ever_less_often(hint_ms: int, ceiling: float) -> None:
    """From 0.02 s up to a tenth of the hint, within 0.1 to 1 s (C-10)."""
    checkpoints = [
        (0.09 * n, pending(State.STOP_PENDING, n, hint_ms)) for n in range(100)
    ]
    scm, handle = open_foo(*checkpoints, (9.0, STOPPED))
    handle.wait_state(State.STOPPED)

    assert scm.waits[0] == 0.02
    assert scm.waits == pytest.approx(sorted(scm.waits))
    assert scm.waits[-1] == pytest.approx(ceiling)


@pytest.mark.parametrize(
    ("hint_ms", "seconds", "text"),
    [
        (3000, 3.0, "within its wait hint of 3 s"),
        (0, 5.0, "within 5 s, without a wait hint"),
        (0xFFFFFFFF, 86400.0, "within its wait hint of 86400 s"),
    ],
)
def test_wait_state_without_progress_gives_up(
    hint_ms: int, seconds: float, text: str
) -> None:
    """A checkpoint that does not rise within the hint is a hang (C-11, C-14)."""
    scm, handle = open_foo((0.0, pending(State.START_PENDING, 4, hint_ms)))
    with pytest.raises(ServiceTimeout) as caught:
        handle.wait_state(State.RUNNING)

    assert seconds < scm.now <= seconds + 1.1
    assert f"START_PENDING, checkpoint 4, and made no progress {text}" in str(
        caught.value
    )


def test_wait_state_same_checkpoint_is_no_progress() -> None:
    """Other fields may change, it is still the same checkpoint (C-2)."""
    scm, handle = open_foo(
        (0.0, pending(State.STOP_PENDING, 2, 1000)),
        (0.5, pending(State.STOP_PENDING, 1, 1001)),
        (0.9, pending(State.STOP_PENDING, 1, 1000)),
    )
    with pytest.raises(ServiceTimeout):
        handle.wait_state(State.STOPPED)

    assert scm.now < 1.2


def test_wait_state_over_time_raises_after_a_last_look() -> None:
    """The time is kept exactly, though the service makes progress."""
    scm, handle = open_foo(
        *((0.5 * n, pending(State.START_PENDING, n)) for n in range(20))
    )
    text = "not RUNNING after 2 s: it is START_PENDING"
    with pytest.raises(ServiceTimeout, match=text) as caught:
        handle.wait_state(State.RUNNING, timeout=2.0)

    assert scm.now == pytest.approx(2.0)
    assert caught.value.operation == "wait for RUNNING of"


def test_own_time_that_is_up_is_no_fault_of_the_service() -> None:
    """1460, not the SCM's 1053: nothing is wrong with a service that runs."""
    _, handle = open_foo((0.0, RUNNING))
    with pytest.raises(ServiceTimeout) as caught:
        handle.wait_state(State.STOPPED, timeout=2.0)

    assert caught.value.winerror == 1460
    assert str(caught.value) == (
        "could not wait for STOPPED of service 'Foo': 1460 ERROR_TIMEOUT, the time to "
        "wait was up first (not STOPPED after 2 s: it is RUNNING); wait longer, "
        "`status` shows whether it gets on"
    )


def test_wait_for_stopped_ends_when_it_was_started_again() -> None:
    """Another process: it was STOPPED between two looks, and may never be again."""
    scm, handle = open_foo((0.0, RUNNING), (3.0, (*RUNNING[:7], 12)))
    with pytest.raises(ServiceFailed, match="is RUNNING in process 12") as caught:
        handle.wait_state(State.STOPPED)

    assert caught.value.winerror == 1056
    assert scm.now < 10.0


def test_lack_of_progress_is_the_services_fault() -> None:
    """1053, though there is time left."""
    _, handle = open_foo((0.0, pending(State.STOP_PENDING, 2, 1000)))
    with pytest.raises(ServiceTimeout, match="made no progress") as caught:
        handle.wait_state(State.STOPPED, timeout=60.0)

    assert caught.value.winerror == 1053


@pytest.mark.parametrize(
    ("codes", "winerror"), [((1066, 9), 1066), ((1067, 0), 1067), ((0, 0), 1062)]
)
def test_wait_state_of_dying_service_fails_at_once(
    codes: tuple[int, int], winerror: int
) -> None:
    """START_PENDING, then STOPPED: the exit code is told without delay (I-143)."""
    dead = (16, State.STOPPED, 0, *codes, 0, 0, 0)
    scm, handle = open_foo((0.0, pending(State.START_PENDING)), (1.0, dead))
    with pytest.raises(ServiceFailed, match="it has stopped with") as caught:
        handle.wait_state(State.RUNNING, timeout=60)

    error = caught.value
    assert (error.exit_code, error.service_exit_code) == codes
    assert error.winerror == winerror
    assert scm.now < 1.4


def test_wait_state_after_start_fails_at_first_look() -> None:
    """A service that was started and is STOPPED already has failed."""
    scm, handle = open_foo((0.0, (16, State.STOPPED, 0, 1, 0, 0, 0, 0)))
    handle.start()
    with pytest.raises(ServiceFailed) as caught:
        handle.wait_state(State.RUNNING)

    assert caught.value.exit_code == 1
    assert scm.waits == []


def test_wait_state_of_idle_service_waits_for_others() -> None:
    """STOPPED and not started by us: somebody else may start it yet."""
    _, handle = open_foo((0.0, NEVER_STARTED), (9.0, RUNNING))
    status = handle.wait_state(State.RUNNING, timeout=10)

    assert status.state is State.RUNNING


def test_wait_state_forgets_an_old_start() -> None:
    """Once it was seen RUNNING, a later STOPPED is none of start's business."""
    _, handle = open_foo((0.0, RUNNING), (1.0, STOPPED))
    handle.start()
    handle.wait_state(State.RUNNING)
    handle.wait_state(State.STOPPED)
    with pytest.raises(ServiceTimeout, match="it is STOPPED"):
        handle.wait_state(State.RUNNING, timeout=1)


@pytest.mark.parametrize(
    ("way", "target", "back"),
    [
        (State.PAUSE_PENDING, State.PAUSED, RUNNING),
        (State.CONTINUE_PENDING, State.RUNNING, PAUSED),
    ],
)
def test_wait_state_of_returning_service_fails(
    way: State, target: State, back: tuple[int, ...]
) -> None:
    """A pause or continue that is given up is told at once."""
    scm, handle = open_foo((0.0, pending(way)), (1.0, back))
    with pytest.raises(ServiceFailed, match="it has gone back to"):
        handle.wait_state(target, timeout=60)

    assert scm.now < 1.4


def test_wait_state_paused_waits_for_the_control() -> None:
    """RUNNING before PAUSE_PENDING is no way back."""
    _, handle = open_foo(
        (0.0, RUNNING), (1.0, pending(State.PAUSE_PENDING)), (2.0, PAUSED)
    )
    status = handle.wait_state(State.PAUSED, timeout=60)

    assert status.state is State.PAUSED


# --- the binaries ---------------------------------------------------------------------


def test_import_loads_no_binary() -> None:
    """Importing winsvc and its modules is cheap."""
    code = (
        "import sys, winsvc, winsvc.manage.manager\n"
        "winsvc.ServiceManager, winsvc.ServiceConfig\n"
        "sys.exit(any(name in sys.modules for name in "
        "('winsvc._core', 'winsvc._sim', 'ctypes', 'asyncio')))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_missing_binary_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source tree that was not built, or a broken installation."""
    monkeypatch.setitem(sys.modules, "winsvc._sim", None)

    with pytest.raises(ImportError, match="build_ext --inplace"):
        _native.require_sim()


# --- a service that is gone ----------------------------------------------------------


def test_wait_after_a_control_fails_when_it_is_gone() -> None:
    """A pause was sent, then it died: no wait for ever."""
    scm, handle = open_foo((0.0, RUNNING), (1.0, STOPPED))
    handle.pause()
    scm.now = 1.0
    with pytest.raises(ServiceFailed):
        handle.wait_state(State.PAUSED)


@pytest.mark.parametrize("reason", [None, StopReason()])
@pytest.mark.parametrize("code", [109, 232])
def test_stop_through_a_broken_pipe_counts_if_it_has_stopped(
    code: int, reason: StopReason | None
) -> None:
    """The process can end before the answer has left it (A-45)."""
    scm, handle = open_foo((0.0, STOPPED))
    scm.refuse["service_control"] = scm.refuse["service_control_reason"] = code
    status = handle.stop(reason=reason)

    assert status.state is State.STOPPED


@pytest.mark.parametrize("reason", [None, StopReason()])
def test_broken_pipe_of_a_live_service_is_an_error(reason: StopReason | None) -> None:
    """Only a service that has stopped may break the pipe."""
    scm, handle = open_foo((0.0, RUNNING))
    scm.refuse["service_control"] = scm.refuse["service_control_reason"] = 109
    with pytest.raises(ServiceError) as caught:
        handle.stop(reason=reason)

    assert caught.value.winerror == 109
