"""Services in one process: SHARE_PROCESS, and one command line for all (A-8).

Wine gives each of them a process of its own (H-24), in which the table names all.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab import SERVICES, Installed, Lab, on_wine

import winsvc
from winsvc.__main__ import parse_shared_host
from winsvc.errors import ServiceError
from winsvc.settings.command_line import quote_command
from winsvc.shared import named_target
from winsvc.states import FailureCode, ServiceType, StartType, State

Tool = Callable[..., "subprocess.CompletedProcess[str]"]
WINE = on_wine()
ONE_PROCESS = pytest.mark.skipif(WINE, reason="H-24: Wine gives each its own process")

SCRIPT = """
import winsvc

class First(winsvc.Service):
    '''The first.'''
    name = {first!r}
    start_type = winsvc.StartType.MANUAL

    def on_start(self):
        self.log.info("called on_start %r", self.args)

class Second(First):
    name = {second!r}

    def on_pause(self): ...

    def on_user_control(self, code):
        print("printed", code)

if __name__ == "__main__":
    winsvc.main(First, Second)
"""


class Member(Installed):
    """One of the services of a process, whose log they share."""

    @property
    def calls(self) -> list[str]:
        """Its own handlers alone."""
        lines = [line for line in self.log.splitlines() if self.is_by_me(line)]
        return [line.partition("called ")[2] for line in lines if "called " in line]

    def is_by_me(self, line: str) -> bool:
        """Tell whether it has logged that."""
        return f" winsvc.{self.name} [" in line


def install(lab: Lab, *classes: str, names: tuple[str, ...] = ()) -> list[Member]:
    """Install services of one process, each under a name of its own."""
    names = names or tuple(lab.unique(cls) for cls in classes)
    log_file = lab.folder / "shared.log"
    words = [
        named_target(name, f"{SERVICES}:{cls}")
        for name, cls in zip(names, classes, strict=False)
    ]
    *command, _ = lab.command("", log_file)
    members = []
    for name in names:
        config = winsvc.ServiceConfig(
            name=name,
            command=(*command, *words),
            start_type=StartType.MANUAL,
            service_type=ServiceType.SHARE_PROCESS,
        )
        members.append(Member(lab.manager.create(config), log_file))
        lab._installed.append(members[-1])
    return members


def test_second_service_alone_goes_through_its_life(lab: Lab) -> None:
    """The first is never started; the process ends with the second."""
    first, second = install(lab, "Plain", "Probe")
    process = second.start("a", "b c")
    second.in_run()
    second.handle.control(200)
    second.handle.pause()
    second.reach(State.PAUSED)
    second.handle.resume()
    second.reach(State.RUNNING)
    status = second.stop()

    assert process.wait() == 0
    assert (status.exit_code, status.service_exit_code) == (0, 0)
    assert second.calls == [
        "on_start ('a', 'b c')",
        "run on main thread: False",
        "on_user_control 200",
        "on_pause",
        "on_continue",
        "on_stop",
    ]
    assert first.handle.status().exit_code == 1077


def test_both_are_started_stopped_and_started_again(lab: Lab) -> None:
    """I-92: each by itself, with its own parameters; the last ends the process."""
    first, second = install(lab, "Probe", "Probe")
    first.start("1")
    first.in_run()
    process = second.start("2")
    second.in_run()
    pids = [each.handle.status().pid for each in (first, second)]
    first.stop()
    between = second.handle.status()
    last = first.start("3")
    first.in_run(life=2)
    pids.append(first.handle.status().pid)
    second.stop()
    first.stop()

    assert process.wait() == 0
    assert last.wait() == 0
    assert between.state is State.RUNNING
    assert between.pid == pids[1]
    assert first.calls == [
        "on_start ('1',)",
        "run on main thread: True",
        "on_stop",
        "on_start ('3',)",
        "run on main thread: True",
        "on_stop",
    ]
    assert second.calls == ["on_start ('2',)", "run on main thread: False", "on_stop"]
    if not WINE:
        assert len(set(pids)) == 1
    for line in second.log.splitlines():
        if second.is_by_me(line) and "called run" in line:
            assert f"winsvc-main {second.name}]" in line


def test_failure_of_one_leaves_the_other_alone(lab: Lab) -> None:
    """Its code is its own (promise 5); a clean stop of the other stays clean."""
    first, second = install(lab, "Probe", "Ends")
    first.start()
    second.handle.start("run", "exception")
    failed = second.reach(State.STOPPED)
    running = first.handle.status().state
    status = first.stop()

    assert (failed.exit_code, failed.service_exit_code) == (1066, FailureCode.RUN)
    assert running is State.RUNNING
    assert status.exit_code == 0
    assert "Traceback" in first.log


def test_odd_names_come_through(lab: Lab) -> None:
    """Quotes, blanks and ``=`` in a name: in the command line, and in the table."""
    stem = lab.unique("odd")
    first, second = install(
        lab, "Plain", "Probe", names=(f'{stem} "q"', f'{stem} = "é" %x ')
    )
    processes = [each.start() for each in (first, second)]
    for each in (first, second):
        each.stop()

    assert [process.wait() for process in processes] == [0, 0]
    assert second.calls[0] == "on_start ()"


@ONE_PROCESS
def test_i6_service_that_is_not_in_the_process_is_refused(lab: Lab) -> None:
    """I-6: 1083; the one that is there does not notice."""
    names = (lab.unique("there"), lab.unique("second"), lab.unique("missing"))
    there, _, missing = install(lab, "Probe", "Plain", names=names)
    process = there.start()
    with pytest.raises(ServiceError) as refused:
        missing.handle.start()
    state = there.handle.status().state
    there.stop()

    assert refused.value.winerror == 1083
    assert state is State.RUNNING
    assert process.wait() == 0


@ONE_PROCESS
def test_hanging_service_ends_the_process_once_it_is_alone(lab: Lab) -> None:
    """Promise 4 in a shared process: others that are up are not taken along."""
    first, stuck = install(lab, "Probe", "StuckStop")
    first.start()
    process = stuck.start()
    stuck.handle.stop()
    with pytest.raises(ServiceError):
        stuck.handle.wait_state(State.STOPPED)  # it makes no progress any more
    first.handle.control(200)
    status = first.stop()

    assert process.wait() == FailureCode.DEADLINE
    assert status.exit_code == 0
    assert "on_user_control 200" in first.calls
    assert "in on_stop" in stuck.log
    stuck.died()


def test_script_of_several_installs_and_drives_them(lab: Lab, tool: Tool) -> None:
    """install, start --all, status, stop of one, stop --all, remove --all; one log."""
    first, second = lab.unique("first"), lab.unique("second")
    script = lab.folder / "shared services.py"
    log_file = lab.folder / "script.log"
    script.write_text(SCRIPT.format(first=first, second=second))

    def run(*words: str) -> str:
        done = tool(sys.executable, str(script), *words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    run("install", "--log-file", str(log_file))
    run("start", "--all", "--", "x")
    running = run("status")
    run("pause", second)
    paused = run("status", second)
    run("control", second, "200")
    run("stop", first)
    run("restart", second)
    run("stop", second)
    run("start", "--all")
    run("stop", "--all")
    stopped = run("status")
    run("remove", "--all")
    gone = tool(sys.executable, str(script), "status")

    assert running.count("is RUNNING") == 2
    assert "PAUSED" in paused
    assert stopped.count("is STOPPED") == 2
    assert gone.returncode == 1
    assert gone.stdout.count("1060") == 2
    log = log_file.read_text(encoding="utf-8")
    for name in (first, second):
        assert f" winsvc.{name} [" in log
        assert f"{name} is running" in log
    assert log.count("called on_start ('x',)") == 2
    assert "printed 200" in log


def split(line: str) -> list[str]:
    """Split a command line as Windows does."""
    shell32 = ctypes.WinDLL("shell32")
    shell32.CommandLineToArgvW.restype = ctypes.POINTER(ctypes.c_wchar_p)
    shell32.CommandLineToArgvW.argtypes = [ctypes.c_wchar_p, ctypes.c_void_p]
    count = ctypes.c_int()
    words = shell32.CommandLineToArgvW(line, ctypes.byref(count))
    try:
        return [words[index] for index in range(count.value)]
    finally:
        ctypes.WinDLL("kernel32").LocalFree(ctypes.cast(words, ctypes.c_void_p))


NAMES = st.text('ab =":%é\t', min_size=1)
FILES = st.text('ab =\\"é', max_size=6).map(lambda stem: f"C:\\{stem}.py:A")


@given(st.lists(st.tuples(NAMES, FILES), min_size=2, max_size=5))
def test_command_line_is_split_into_names_and_targets(
    services: list[tuple[str, str]],
) -> None:
    """What `install` writes is what the process reads (E-16)."""
    names, targets = zip(*services, strict=True)
    words = [named_target(*service) for service in services]
    program = str(Path(sys.executable))
    line = quote_command((program, "host", "--log-file", "a b.log", *words))
    read = parse_shared_host(split(line)[2:])

    assert read == ((targets, names), "a b.log", ())
