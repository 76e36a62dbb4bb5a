"""Debug mode: a service in a terminal, with keys and signals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

if os.name != "posix":
    pytest.skip("these terminals are POSIX's", allow_module_level=True)

import termios

from terminal import PATIENCE, Program

SERVICE = '''
import asyncio, pathlib, signal, sys, threading, time
import winsvc

class Echo(winsvc.Service):
    """Says what it is told."""

    name = "Echo"
    wait_hint = 60.0  # no checkpoint among the lines, however slow the machine is

    def on_start(self):
        print("args " + " ".join(self.args))
        signal.signal(signal.SIGUSR1, lambda *_: print("user signal"))
        if "gate" in self.args:
            while not pathlib.Path("gate").exists():
                time.sleep(0.01)
        if "fail" in self.args:
            raise RuntimeError("no luck")

    def run(self):
        print(f"main thread {threading.current_thread() is threading.main_thread()}")
        if "exit" in self.args:
            raise winsvc.ServiceExit(7)
        self.wait_stop()

    def on_pause(self):
        print("pausing")

    def on_continue(self):
        print("continuing")

    def on_user_control(self, code):
        print(f"user control {code}")

    def on_stop(self):
        print("stopping")
        if "hang" in self.args:
            time.sleep(1000)

class Hasty(Echo):
    stop_timeout = 0.5
    wait_hint = 0.2

class Patient(Echo):
    stop_timeout = None

class Watching(Echo):
    """Listens to the system."""

    def on_session_change(self, event):
        print(f"session {event.session_id} {event.reason.name}")

    def on_power_event(self, event):
        print(f"power {event.reason.name}")

    def on_param_change(self):
        print("parameters")

    def on_shutdown(self):
        print("shutting down")

class Loop(winsvc.AsyncService):
    """Runs on the main thread's loop."""

    name = "Loop"

    async def run(self):
        print(f"main thread {threading.current_thread() is threading.main_thread()}")
        await self.wait_stop()

    async def on_stop(self):
        print("stopping")

class Signals(Loop):
    """Has a signal handler of its own on the loop."""

    name = "Signals"

    async def on_start(self):
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, print, "user signal")

'''


@pytest.fixture
def script(tmp_path: Path) -> str:
    """The path of a script that has the services."""
    file = tmp_path / "echo.py"
    file.write_text(SERVICE)
    return str(file)


def debug(target: str, *args: str, keys: bool = False) -> Program:
    """Run a target in debug mode, in its folder."""
    folder = Path(target.rpartition(":")[0]).parent
    words = ("-m", "winsvc", "debug", target, *args)
    return Program(*words, keys=keys, folder=folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_service_cleanly(script: str, number: signal.Signals) -> None:
    """Ctrl+C and SIGTERM are a STOP from the SCM; the exit code is 0."""
    with debug(f"{script}:Echo", "a", "b") as program:
        program.expect("main thread")
        program.send(number)
        code = program.wait()

    assert code == 0
    assert "args a b" in program.text
    assert "main thread True" in program.text
    assert re.search(r"> STOP +answered in", program.text)
    assert re.search(r"STOPPED +exit code 0", program.text)
    assert "stopping" in program.text


def test_keys_send_controls(script: str) -> None:
    """Each key sends its control, and what comes of it is shown in order."""
    with debug(f"{script}:Echo", keys=True) as program:
        program.expect("RUNNING")
        program.type("p")
        program.expect("PAUSED")
        program.type("i")
        program.expect("> INTERROGATE")
        program.type("c")
        program.expect(r"(?s)CONTINUE_PENDING.*RUNNING")
        program.type("u")
        program.expect("user control 128")
        program.type("200u")
        program.expect("user control 200")
        program.type("?s")
        code = program.wait()

    assert code == 0
    assert program.text.count("s stop") == 2
    shown = re.findall(r" s  [> ] ([A-Z_]+|user \d+)", program.text)
    assert shown[shown.index("RUNNING") :] == [
        "RUNNING",
        "PAUSE",
        "PAUSE_PENDING",
        "PAUSED",
        "INTERROGATE",
        *(["PAUSED"] if shown.count("PAUSED") == 2 else []),
        "CONTINUE",
        "CONTINUE_PENDING",
        "RUNNING",
        "user 128",
        "user 200",
        "STOP",
        "STOP_PENDING",
        "STOPPED",
    ]


def test_keys_send_what_the_system_sends(script: str) -> None:
    """m, l, z and x: parameters, session, power, shutdown."""
    with debug(f"{script}:Watching", keys=True) as program:
        program.expect("RUNNING")
        program.type("m")
        program.expect("parameters")
        program.type("l")
        program.expect("session 1 LOCK")
        program.expect("session 1 UNLOCK")
        program.type("z")
        program.expect("power SUSPEND")
        program.expect("power RESUMEAUTOMATIC")
        program.type("x")
        code = program.wait()

    assert code == 0
    assert "shutting down" in program.text


def test_system_event_without_handler_is_not_sent(script: str) -> None:
    """The accept mask says what the system sends."""
    with debug(f"{script}:Echo", keys=True) as program:
        program.expect("RUNNING")
        program.type("l")
        program.expect("SESSIONCHANGE +not sent")
        program.type("q")
        code = program.wait()

    assert code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("cls", ["Loop", "Signals"])
def test_signal_stops_async_service(
    script: str, cls: str, number: signal.Signals
) -> None:
    """The loop has the main thread, and signals; Ctrl+C is a STOP all the same."""
    with debug(f"{script}:{cls}") as program:
        program.expect("main thread True")
        program.send(number)
        code = program.wait()

    assert code == 0
    assert "stopping" in program.text


def test_refused_control_is_said(script: str) -> None:
    """A code that clients may not send shows the SCM's refusal."""
    with debug(f"{script}:Echo", keys=True) as program:
        program.expect("RUNNING")
        program.type("20u")
        program.expect(r"! 0x14 +refused: 87")
        program.type("q")
        code = program.wait()

    assert code == 0


def test_terminal_modes_are_restored(script: str) -> None:
    """The terminal is as before, after a clean end and after a hard one."""
    for target, args, end in (("Echo", (), "s"), ("Patient", ("hang",), "qq")):
        with debug(f"{script}:{target}", *args, keys=True) as program:
            program.expect("RUNNING")
            during = termios.tcgetattr(program.far)[3]
            program.type(end)
            program.process.wait(PATIENCE)
            after = termios.tcgetattr(program.far)[3]

        assert not during & termios.ICANON
        assert after & termios.ICANON
        assert after & termios.ECHO


@pytest.mark.parametrize(
    ("arg", "said"), [("fail", "64002 START"), ("exit", "specific code 7")]
)
def test_failed_service_exits_with_1(script: str, arg: str, said: str) -> None:
    """A failure shows its specific code; the traceback of an exception too."""
    with debug(f"{script}:Echo", arg) as program:
        code = program.wait()

    assert code == 1
    assert said in program.text
    assert ("RuntimeError: no luck" in program.text) == (arg == "fail")


def test_hung_stop_ends_process_with_tracebacks(script: str) -> None:
    """Past the stop deadline the log says where it hangs, and the process ends."""
    with debug(f"{script}:Hasty", "hang") as program:
        program.expect("main thread")
        program.send(signal.SIGINT)
        code = program.wait()

    assert code == 1
    assert "took too long in STOP_PENDING" in program.text
    assert "time.sleep(1000)" in program.text


def test_second_interrupt_ends_hard(script: str) -> None:
    """A service that takes its time to stop is ended by a second Ctrl+C."""
    with debug(f"{script}:Patient", "hang") as program:
        program.expect("main thread")
        program.send(signal.SIGINT)
        program.expect("STOP_PENDING")
        program.send(signal.SIGINT)
        code = program.wait()

    assert code == 130


def test_interrupt_while_starting_stops_after_on_start(script: str) -> None:
    """A starting service accepts STOP: on_start ends, run is left out (B-44)."""
    with debug(f"{script}:Echo", "gate") as program:
        program.expect("args gate")
        program.send(signal.SIGINT)
        program.expect("STOP_PENDING")
        Path(script).with_name("gate").touch()
        code = program.wait()

    assert code == 0
    assert "stopping" in program.text
    assert "main thread" not in program.text


def test_own_signal_handler_runs_while_waiting(script: str) -> None:
    """A handler of the service's own runs on the main thread inside wait_stop."""
    with debug(f"{script}:Echo") as program:
        program.expect("main thread")
        program.send(signal.SIGUSR1)
        program.expect("user signal")
        program.send(signal.SIGINT)
        code = program.wait()

    assert code == 0


def test_prints_are_on_stdout_alone(script: str) -> None:
    """The service's prints can be redirected without the reports."""
    command = [sys.executable, "-m", "winsvc", "debug", f"{script}:Echo", "exit"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE
    )

    assert done.stdout == "args exit\nmain thread True\nstopping\n"
    assert "RUNNING" in done.stderr


def test_unloadable_target_is_one_line(tmp_path: Path) -> None:
    """A target whose module does not import is said in a line, with the place."""
    file = tmp_path / "broken.py"
    file.write_text("import nowhere_to_be_found\n")
    command = [sys.executable, "-m", "winsvc", "debug", str(file)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=PATIENCE
    )

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "No module named 'nowhere_to_be_found'" in done.stderr
    assert f"{file}:1" in done.stderr
