"""Ctrl+C and what else a console says: ignored under the SCM, a stop in debug mode.

A console lets the system start a thread in each of its processes, at CtrlRoutine
of kernelbase, which asks the handlers.  The programs here start it themselves
("delivered"): so all five events can be had, without a logoff, and on Wine.  The
events that a console makes for programs are tried as well; Wine 8 makes Ctrl+C
alone, for Ctrl+Break GenerateConsoleCtrlEvent is error 6 there.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from consoles import Program
from lab import Lab, on_wine

from winsvc.states import State

C, BREAK, CLOSE, LOGOFF, SHUTDOWN = EVENTS = (0, 1, 2, 5, 6)
NAMES = ["C", "BREAK", "CLOSE", "LOGOFF", "SHUTDOWN"]
ENDED_HARD = 130

PROGRAM = '''
import asyncio, contextlib, ctypes, os, signal, sys, threading, time
import winsvc

kernel32 = ctypes.WinDLL("kernel32")
kernel32.CreateThread.restype = ctypes.c_void_p
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK)
go = threading.Event()


def say(*words):
    """Write a line at once, whatever other threads write, if there is a pipe."""
    with contextlib.suppress(OSError):
        os.write(1, (" ".join(map(str, words)) + "\\n").encode())


def deliver(event):
    """Let the system ask the handlers of this process; return once they have."""
    thread = kernel32.CreateThread(
        None, ctypes.c_size_t(0), ctypes.WinDLL("kernelbase").CtrlRoutine,
        ctypes.c_void_p(event), 0, None,
    )
    assert thread
    kernel32.WaitForSingleObject(ctypes.c_void_p(thread), -1)
    say(f"returned {event}")


def obey():
    """Deliver the events that the standard input names; other letters are "go"."""
    for byte in iter(lambda: os.read(0, 1), b""):
        if byte.isdigit():
            threading.Thread(target=deliver, args=(int(byte),), daemon=True).start()
        else:
            go.set()


class Plain(winsvc.Service):
    """Waits."""

    name = "Plain"
    stop_timeout = None

    def on_start(self):
        for number in SIGNALS:
            signal.raise_signal(number)

    def run(self):
        say("serving")
        self.wait_stop()

    def on_stop(self):
        say("stopping")
        if "gate" in self.args:
            go.wait()

    def on_user_control(self, code):
        """Under the SCM: is it there still after an event?"""
        for number in SIGNALS:
            signal.raise_signal(number)
        deliver(code - 200)
        self.log.info("called survived %d", code - 200)


class Looping(Plain):
    """Waits in asyncio, on the main thread."""

    def on_start(self):
        super().on_start()
        self.ready = threading.Event()

    def run(self):
        asyncio.run(self.serve())

    async def serve(self):
        self.loop = asyncio.get_running_loop()
        self.over = asyncio.Event()
        self.ready.set()
        say("serving", type(self.loop).__name__)
        await self.over.wait()

    def on_stop(self):
        super().on_stop()
        self.ready.wait()
        self.loop.call_soon_threadsafe(self.over.set)


def be_interrupted():
    """See that Ctrl+C is Python's."""
    try:
        deliver(0)
        time.sleep(60)
    except KeyboardInterrupt:
        say("interrupted")


def ignoring():
    """Be deaf to signals, and to events even when their signals are not ignored."""
    from winsvc.signals import ignore_console

    @ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_ulong)
    def spy(event):
        say(f"asked {event}")
        return 0

    undo = ignore_console()
    for number in SIGNALS:
        signal.raise_signal(number)
        signal.signal(number, signal.SIG_DFL)
    kernel32.SetConsoleCtrlHandler(spy, 1)
    say("serving")
    go.wait()
    undo.close()
    be_interrupted()


def helpless():
    """Be as Python is."""
    say("serving")
    go.wait()


def twice():
    """Be in debug mode twice, and in none after it."""
    from winsvc.console import debug

    for _ in range(2):
        say("code", debug(Plain))
    be_interrupted()


if not kernel32.SetConsoleCtrlHandler(None, 0):  # Ctrl+C may have been off
    raise ctypes.WinError()
if "host" not in sys.argv:
    threading.Thread(target=obey, daemon=True).start()
if __name__ == "__main__":
    globals()[sys.argv[1]]()
'''

CONSOLE_EVENTS = [
    C,
    pytest.param(
        BREAK,
        marks=pytest.mark.skipif(
            on_wine(), reason="H-47: Wine's consoles make Ctrl+C alone"
        ),
    ),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The program."""
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    return file


def debug(file: Path, cls: str, *args: str) -> Program:
    """Run a service in debug mode."""
    return Program("-m", "winsvc", "debug", f"{file}:{cls}", *args)


def assert_stopped_well(program: Program) -> None:
    """It has stopped through its on_stop, and ended by itself."""
    code = program.wait()
    assert code == 0, program.text
    assert program.text.count("stopping\n") == 1
    assert re.search(r"> STOP +answered in", program.text)
    assert re.search(r"STOPPED +exit code 0", program.text)
    assert "KeyboardInterrupt" not in program.text


# --- debug mode ---------------------------------------------------------------------


@pytest.mark.parametrize("event", EVENTS, ids=NAMES)
@pytest.mark.parametrize(
    ("cls", "serving"),
    [("Plain", "serving"), ("Looping", "serving ProactorEventLoop")],
)
def test_event_stops_service_cleanly(
    file: Path, cls: str, serving: str, event: int
) -> None:
    """A STOP; the handlers of an event that ends the process never return."""
    with debug(file, cls, "gate") as program:
        program.expect(serving)
        program.deliver(event)
        program.expect("stopping")
        if event in (C, BREAK):
            program.expect(f"returned {event}")
        program.go()
        assert_stopped_well(program)

    assert (f"returned {event}" in program.text) is (event in (C, BREAK))


@pytest.mark.parametrize("event", CONSOLE_EVENTS)
@pytest.mark.parametrize("cls", ["Plain", "Looping"])
def test_event_of_the_console_stops_service_cleanly(
    file: Path, cls: str, event: int
) -> None:
    """The same with Ctrl+C and Ctrl+Break from the program's console."""
    with debug(file, cls) as program:
        program.expect("serving")
        program.send(event)
        assert_stopped_well(program)


def test_second_ctrl_c_ends_it_at_once(file: Path) -> None:
    """on_stop is not waited for."""
    with debug(file, "Plain", "gate") as program:
        program.expect("serving")
        program.deliver(C)
        program.expect("stopping")
        program.deliver(BREAK)
        code = program.wait()

    assert code == ENDED_HARD
    assert "without waiting" in program.text


def test_closing_the_window_is_no_second_ctrl_c(file: Path) -> None:
    """What stops already goes on; nobody is in a hurry but Windows."""
    with debug(file, "Plain", "gate") as program:
        program.expect("serving")
        program.deliver(C)
        program.expect("stopping")
        program.deliver(CLOSE)
        with pytest.raises(subprocess.TimeoutExpired):
            program.process.wait(1.0)
        program.go()
        assert_stopped_well(program)


def test_debug_mode_gives_the_console_back(file: Path) -> None:
    """It works again, and after it Ctrl+C is Python's."""
    with Program(str(file), "twice") as program:
        for number in (1, 2):
            program.expect("serving", number)
            program.deliver(C)
            program.expect(r"\ncode 0", number)
        program.expect("interrupted")
        code = program.wait()

    assert code == 0


# --- under the SCM (I-134) ----------------------------------------------------------


def test_i134_ignored_events_leave_the_process_alone(file: Path) -> None:
    """I-134, C-40: all five, and the signals that Python makes of them, for a time."""
    with Program(str(file), "ignoring") as program:
        program.expect("serving")
        for event in EVENTS:
            program.deliver(event)
            program.expect(f"returned {event}")
        program.go()
        code = program.wait()

    assert code == 0, program.text
    assert "interrupted" in program.text
    assert program.text.count("asked") == len(EVENTS) + 1


@pytest.mark.parametrize("event", CONSOLE_EVENTS)
def test_i134_ignored_event_of_the_console(file: Path, event: int) -> None:
    """The same with those that a console makes."""
    with Program(str(file), "ignoring") as program:
        program.expect("serving")
        program.send(event)
        program.expect(f"asked {event}")
        program.go()
        code = program.wait()

    assert code == 0, program.text
    assert "interrupted" in program.text


@pytest.mark.parametrize("event", [BREAK, CLOSE], ids=["BREAK", "CLOSE"])
def test_event_that_nobody_ignores_ends_the_process(file: Path, event: int) -> None:
    """So a delivered event is what the system's own is."""
    with Program(str(file), "helpless") as program:
        program.expect("serving")
        program.deliver(event)
        program.wait()

    assert "returned" not in program.text


def test_i134_service_ignores_events(lab: Lab, file: Path) -> None:
    """I-134: it runs on, whatever a console says, and stops through the SCM."""
    service = lab.install("Looping", file=file)
    process = service.start()
    for event in EVENTS:
        service.handle.control(200 + event)
    state = service.handle.status().state
    status = service.stop()

    assert state is State.RUNNING
    assert (process.wait(), status.exit_code) == (0, 0)
    assert service.calls == [f"survived {event}" for event in EVENTS]
