"""The asyncio examples: what they promise, with real requests and processes."""

from __future__ import annotations

import asyncio
import http.client
import logging
import os
import re
import selectors
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest
from simrig import PATIENCE, Rig, eventually
from web_client import Request, get, refused

import winsvc
from winsvc.states import FailureCode, State
from winsvc.target import load_target, parse_target
from winsvc.testing import SimulatedScm

EXAMPLES = Path(__file__).parents[2] / "examples"


def load(name: str) -> Any:
    """Return the class of an example."""
    return load_target(parse_target(str(EXAMPLES / f"{name}.py")))


def module_of(cls: type) -> Any:
    """Return the module that a class is in."""
    return sys.modules[cls.__module__]


@pytest.fixture
def real() -> Iterator[Rig]:
    """A simulated SCM with the real clock."""
    scm = SimulatedScm(clock="real")
    yield Rig(scm)
    assert not scm.violations


class Running:
    """A service that runs, on the simulated SCM."""

    def __init__(self, rig: Rig, cls: type[winsvc.AsyncService], *args: str) -> None:
        self.rig = rig
        self.handle = rig.scm.add(cls)
        self.handle.start(*args)
        rig.reach(cls.name, State.RUNNING)
        self.service: Any = rig.scm.instance(cls.name)

    def reach(self, state: State) -> None:
        """Wait for a state."""
        self.rig.reach(self.handle.name, state)

    def pause(self) -> None:
        """Pause it."""
        self.handle.pause()
        self.reach(State.PAUSED)

    def resume(self) -> None:
        """Let it go on."""
        self.handle.resume()
        self.reach(State.RUNNING)

    def stop(self) -> int:
        """Stop it; return the exit code."""
        self.handle.stop()
        return self.rig.scm.wait_gone(self.handle.name)


# --- web_server.py -------------------------------------------------------------------


class Paced:
    """``asyncio`` for an example, whose sleeps last until the test lets them end."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        """Wait for the test."""
        del seconds
        while not self.go.is_set():
            await asyncio.sleep(0.001)


def test_web_server_pauses_goes_on_and_stops(
    real: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Served; refused while paused, in flight finished; served again; stopped."""
    cls, paced = load("web_server"), Paced()
    monkeypatch.setattr(module_of(cls), "asyncio", paced)
    monkeypatch.setattr(module_of(cls), "GRACE", 2 * PATIENCE)
    running = Running(real, cls, "0")
    port = running.service.port
    served = get(port)
    request = Request(port, "/count/4")
    running.handle.pause()
    eventually(lambda: running.service.server is None, "it closes the port")
    eventually(lambda: refused(port), "the port is closed")
    during = real.state("PyWebServer")
    paced.go.set()
    rest = request.rest()
    running.reach(State.PAUSED)
    still_refused = refused(port)
    running.resume()
    again = get(port)
    paced.go.clear()
    request = Request(port, "/count/4")
    running.handle.stop()
    eventually(lambda: running.service.server is None, "it closes the port again")
    paced.go.set()
    code = real.scm.wait_gone("PyWebServer")

    assert served == again == b"Hello, 127.0.0.1\n"
    assert during is State.PAUSE_PENDING
    assert rest == b"1\n2\n3\n"
    assert still_refused
    assert request.rest() == b"1\n2\n3\n"
    assert refused(port)
    assert code == 0


def test_web_server_closes_idle_connections(real: Rig) -> None:
    """A pause does not wait for clients that keep their connection."""
    running = Running(real, load("web_server"), "0")
    idle = http.client.HTTPConnection("127.0.0.1", running.service.port)
    idle.request("GET", "/")
    idle.getresponse().read()
    running.pause()
    assert idle.sock is not None
    closed = idle.sock.recv(1)
    idle.close()

    assert closed == b""
    assert running.stop() == 0


def test_web_server_cancels_what_takes_too_long(
    real: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the grace time; the stop is a clean one."""
    cls = load("web_server")
    monkeypatch.setattr(module_of(cls), "GRACE", 0.1)
    running = Running(real, cls, "0")
    request = Request(running.service.port, "/count/9999")
    code = running.stop()
    with pytest.raises(http.client.IncompleteRead):
        request.rest()

    assert code == 0


def test_web_server_says_that_the_port_is_taken(
    real: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """With an exit code of its own, at the start and after a pause."""
    cls = load("web_server")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        handle = real.scm.add(cls)
        handle.start(str(port))
        code = real.scm.wait_gone("PyWebServer")
        text = caplog.text
    handle.start("0")
    real.reach("PyWebServer", State.RUNNING)
    service: Any = real.scm.instance("PyWebServer")
    handle.pause()
    real.reach("PyWebServer", State.PAUSED)
    with socket.create_server(("127.0.0.1", service.port)):
        handle.resume()
        later = real.scm.wait_gone("PyWebServer")

    assert code == later == module_of(cls).CANNOT_LISTEN
    assert f"bind on address ('127.0.0.1', {port})" in text


def test_web_server_listens_again_when_the_loop_has_closed_its_port(real: Rig) -> None:
    """As the Proactor does; not while it is paused."""
    running = Running(real, load("web_server"), "0")
    service, port = running.service, running.service.port
    done = threading.Event()

    def lose_the_port() -> None:
        loop = asyncio.get_running_loop()
        for site in service.server.sites if service.server else ():
            site._server.close()
        loop.call_exception_handler({"message": "Accept failed on a socket"})
        loop.call_soon(done.set)

    loop = service._looper._loop
    loop.call_soon_threadsafe(lose_the_port)
    assert done.wait(PATIENCE)
    eventually(lambda: not refused(port), "it listens again")
    served = get(port)
    running.pause()
    done.clear()
    loop.call_soon_threadsafe(lose_the_port)
    assert done.wait(PATIENCE)

    assert served.startswith(b"Hello")
    assert running.stop() == 0
    assert refused(port)


# --- supervisor.py -------------------------------------------------------------------

READY = """
import signal, sys
def end(*_):
    print("told to end")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("ready")
sys.stdin.read()
end()
"""
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("x" * 100_000)
print("ready")
time.sleep(1000)
"""


@pytest.fixture
def supervisor(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Any:
    """The supervisor, quick to restart, and patient with its child."""
    cls = load("supervisor")
    monkeypatch.setattr(module_of(cls), "FIRST_DELAY", 0.01)
    monkeypatch.setattr(module_of(cls), "GRACE", PATIENCE)
    caplog.set_level(logging.INFO)
    return cls


def children(text: str) -> list[int]:
    """Return the processes that the log says were started."""
    return [int(pid) for pid in re.findall(r"started process (\d+)", text)]


def test_supervisor_restarts_and_ends_its_child(
    real: Rig, supervisor: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed, it is started again; with the service it is asked to end."""
    cls = type("Quick", (supervisor,), {"command": (*supervisor.command[:-1], READY)})
    running = Running(real, cls)
    eventually(lambda: "ready" in caplog.text, "the child's line")
    (first,) = children(caplog.text)
    psutil.Process(first).kill()
    eventually(lambda: caplog.text.count("ready") == 2, "the second child's line")
    code = running.stop()
    _, second = children(caplog.text)

    assert code == 0
    assert "ended with exit code" in caplog.text
    assert f"{second}: told to end" in caplog.text
    assert not psutil.pid_exists(first)
    assert not psutil.pid_exists(second)


def test_supervisor_kills_a_child_that_does_not_end(
    real: Rig,
    supervisor: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """After the grace time; a line that is too long stops nothing."""
    monkeypatch.setattr(module_of(supervisor), "GRACE", 0.1)
    command = (*supervisor.command[:-1], STUBBORN)
    running = Running(real, type("Stubborn", (supervisor,), {"command": command}))
    eventually(lambda: "ready" in caplog.text, "the child's line")
    (child,) = children(caplog.text)
    code = running.stop()

    assert code == 0
    assert "too long" in caplog.text
    assert f"process {child} does not end: killed" in caplog.text
    assert not psutil.pid_exists(child)


def test_supervisor_waits_longer_after_each_failure(
    real: Rig, supervisor: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Twice as long; it can be stopped in between."""
    command = (sys.executable, "-c", "raise SystemExit(3)")
    running = Running(real, type("Failing", (supervisor,), {"command": command}))
    eventually(lambda: "again in 0.04 s" in caplog.text, "the third delay")

    assert running.stop() == 0
    assert caplog.text.count("ended with exit code 3") >= 3


def test_supervisor_without_its_program_fails(
    real: Rig, supervisor: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """With the traceback."""
    command = ("/no/such/program",)
    real.scm.add(type("Lost", (supervisor,), {"command": command})).start()

    assert real.scm.wait_gone("PySupervisor") in (FailureCode.RUN, FailureCode.START)
    assert "FileNotFoundError" in caplog.text


# --- periodic.py ---------------------------------------------------------------------


class Selector(selectors.DefaultSelector):
    """Lets the loop's time pass instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Wait only if nothing but an event can come."""
        ready = super().select(timeout if timeout is None else 0)
        if not ready:
            self.now += timeout or 0.0
        return ready


class QuickLoop(asyncio.SelectorEventLoop):
    """A loop whose timers are due at once, at their own times."""

    def __init__(self) -> None:
        self.own_selector = Selector()
        super().__init__(self.own_selector)

    def time(self) -> float:
        """Return the loop's own time."""
        return self.own_selector.now


def periodic(job: Callable[[Any], Any]) -> Any:
    """Return the example with another job; it notes when each begins."""

    class Noting(load("periodic")):  # type: ignore[misc]
        loop_factory = QuickLoop
        begun: ClassVar[list[float]] = []

        async def job(self) -> None:
            self.begun.append(asyncio.get_running_loop().time())
            await job(self)

    return Noting


@pytest.mark.parametrize(
    ("takes", "begun"),
    [(0.0, [0, 2, 4, 6]), (0.7, [0, 2, 4, 6]), (4.9, [0, 6, 12, 18])],
    ids=["short", "long", "too long"],
)
def test_periodic_is_on_time(real: Rig, takes: float, begun: list[float]) -> None:
    """At multiples of its interval, however long a job takes; never two at once."""

    async def job(self: Any) -> None:
        await asyncio.sleep(takes)
        if len(self.begun) == 4:
            self.request_stop()

    cls = periodic(job)
    real.scm.add(cls).start("2")

    assert real.scm.wait_gone("PyPeriodic") == 0
    assert cls.begun == pytest.approx(begun, abs=1e-6)


def test_periodic_survives_a_failing_job(
    real: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and done again at its next time."""

    async def job(self: Any) -> None:
        if len(self.begun) == 2:
            raise OSError("a bad day")
        if len(self.begun) == 4:
            self.request_stop()

    cls = periodic(job)
    real.scm.add(cls).start("2")

    assert real.scm.wait_gone("PyPeriodic") == 0
    assert cls.begun == pytest.approx([0, 2, 4, 6], abs=1e-6)
    assert caplog.text.count("OSError: a bad day") == 1


def test_periodic_skips_while_it_is_paused(real: Rig) -> None:
    """PAUSED when the present job is done; then on, at the same multiples."""
    inside, go, over = threading.Event(), threading.Event(), threading.Event()

    async def job(self: Any) -> None:
        if len(self.begun) == 3:
            inside.set()
            while not go.is_set():  # the loop's time stands still
                await asyncio.sleep(0)
            over.set()

    cls = periodic(job)
    running = Running(real, cls, "2")
    assert inside.wait(PATIENCE)
    running.handle.pause()
    eventually(lambda: running.service.is_paused, "on_pause waits for the job")
    during = real.state("PyPeriodic")
    go.set()
    running.reach(State.PAUSED)
    was_over = over.is_set()
    count = len(cls.begun)
    running.resume()
    eventually(lambda: len(cls.begun) > count, "it goes on")

    assert running.stop() == 0
    assert during is State.PAUSE_PENDING
    assert was_over
    assert count == 3
    assert cls.begun == pytest.approx([2 * round(t / 2) for t in cls.begun], abs=1e-3)


# --- in a terminal -------------------------------------------------------------------

if os.name == "posix":
    from terminal import Program

    @pytest.mark.parametrize(
        ("name", "arguments", "lines"),
        [
            ("web_server", ("0",), ["listening on http://127.0.0.1:"]),
            ("supervisor", (), ["working on 0", "working on 1"]),
            ("periodic", ("0.1",), ["worked at", r"(?s)worked at.*worked at"]),
        ],
    )
    def test_async_example_runs_until_interrupted(
        name: str, arguments: tuple[str, ...], lines: list[str]
    ) -> None:
        """Ctrl+C, which all programs of the terminal get, is an ordered stop."""
        script = str(EXAMPLES / f"{name}.py")
        with Program("-X", "dev", script, "debug", *arguments) as program:
            for line in lines:
                program.expect(line)
            with suppress(ProcessLookupError):
                os.killpg(program.process.pid, signal.SIGINT)
            code = program.wait()

        assert code == 0, program.text
        assert "Warning" not in program.text
        assert "Traceback" not in program.text
