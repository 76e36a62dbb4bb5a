"""Daemons of state callbacks on a real SCM, seen through their logs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from lab import HERE, Installed, Lab, eventually

import winsvc
from winsvc.states import (
    Accept,
    Control,
    FailureCode,
    ServiceType,
    StartType,
    State,
)

Tool = Callable[..., "subprocess.CompletedProcess[str]"]
EXAMPLE = HERE.parents[1] / "examples" / "poe_component.py"

BEGIN = """
import asyncio, sys, threading
import winsvc
from winsvc import State

def note(daemon, *words):
    thread = threading.current_thread()
    main = thread is threading.main_thread()
    daemon.log.info("called %s %s", " ".join(map(str, words)), main)
"""


def install(lab: Lab, name: str, code: str, *args: str) -> Installed:
    """Install a script that hosts itself; its log is beside it."""
    file = lab.folder / "daemon.py"
    file.write_text(BEGIN + code)
    service = lab.install(name, command=(sys.executable, "-P", str(file), *args))
    service._log_file = lab.folder / "logs" / f"{service.name}.log"
    return service


def test_example_is_installed_and_driven(lab: Lab, tool: Tool) -> None:
    """By its own command line; it starts cycle by cycle, and stops so too."""
    log_file = lab.folder / "example.log"
    name = lab.unique("poe")

    def script(command: str, *arguments: str) -> str:
        words = (command, "--name", name, *arguments)
        done = tool(sys.executable, "-P", str(EXAMPLE), *words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def log() -> str:
        return log_file.read_text(encoding="utf-8")

    script("install", "--log-file", str(log_file), "--start-type", "manual")
    script("start")
    eventually(lambda: log().count("working with 3 parts") >= 3, "its callbacks repeat")
    script("pause")
    paused = script("status")
    script("continue")
    script("control", "128")
    script("stop")
    stopped = script("status")
    script("remove")

    assert "PAUSED" in paused
    assert "STOPPED" in stopped
    text = log()
    steps = [
        "loaded part 1 of 3",
        "loaded part 2 of 3",
        "loaded part 3 of 3",
        "is running",
        "working with 3 parts",
        "pausing",
        "put part 3 away",
        "put part 2 away",
        "put part 1 away",
        "no further service communications",
        "stops with exit code 0",
    ]
    assert sorted(steps, key=text.index) == steps


@pytest.mark.parametrize("target", ["generic", "PyPoeGeneric"])
def test_generic_callback_gets_every_state(lab: Lab, target: str) -> None:
    """Its variable, or its alias, is the target."""
    service = lab.install(target, file=EXAMPLE)

    def called(state: State) -> None:  # a control that is there already comes before
        line = f"state {state} and message {0xFFFFFFFF:#x}"
        eventually(lambda: line in service.log, line)

    process = service.start()
    called(State.RUNNING)
    accepts = service.handle.status().accepts
    service.handle.control(200)
    service.handle.control(Control.PARAMCHANGE)
    service.handle.pause()
    service.reach(State.PAUSED)
    called(State.PAUSED)
    service.handle.resume()
    service.reach(State.RUNNING)
    service.stop()

    assert process.wait() == 0
    assert accepts == (
        Accept.STOP
        | Accept.SHUTDOWN
        | Accept.PAUSE_CONTINUE
        | Accept.PARAMCHANGE
        | Accept.NETBINDCHANGE
    )
    calls = dict.fromkeys(line.partition("with ")[2] for line in service.calls)
    assert list(calls) == [
        f"state {state} and message {message:#x}"
        for state, message in (
            (State.START_PENDING, 0xFFFFFFFF),
            (State.RUNNING, 0xFFFFFFFF),
            (State.RUNNING, 200),
            (State.RUNNING, Control.PARAMCHANGE),
            (State.PAUSE_PENDING, Control.PAUSE),
            (State.PAUSED, 0xFFFFFFFF),
            (State.CONTINUE_PENDING, Control.CONTINUE),
            (State.STOP_PENDING, Control.STOP),
            (State.STOPPED, 0xFFFFFFFF),
        )
    ]


def test_run_hosts_what_was_spawned(lab: Lab) -> None:
    """A script of its own: not_ready, if at all, before the start; on one thread."""
    service = install(
        lab,
        "Run",
        """
early = []

def callback(daemon, state, message):
    if state is State.NOT_READY:
        early.append(threading.current_thread() is threading.main_thread())
        return
    if state is State.START_PENDING:
        note(daemon, "early", all(early))
    note(daemon, state.name, daemon.args)
    daemon.next_state()

winsvc.daemon.spawn(callback, alias="ignored in an own process", poll_interval=0.2)
sys.exit(winsvc.daemon.run())
""",
    )
    process = service.start("a", "b c")
    eventually(lambda: service.log.count("called RUNNING") >= 5, "it polls")
    service.stop()

    assert process.wait() == 0
    calls = list(dict.fromkeys(service.calls))
    states = ("START_PENDING", "RUNNING", "STOP_PENDING", "STOPPED")
    assert calls[0] == "early True True"
    assert calls[1:] == [f"{state} ('a', 'b c') True" for state in states]


def test_run_names_each_of_several(lab: Lab) -> None:
    """Two aliases in one script: the SCM starts the one that it means (A-8).

    On Wine each is in a process of its own (H-24).
    """
    code = """
def callback(daemon, state, message):
    note(daemon, state.name, daemon.alias)
    daemon.next_state()

for alias in sys.argv[1:]:
    winsvc.daemon.spawn(callback, alias=alias)
sys.exit(winsvc.daemon.run())
"""
    names = [lab.unique("first"), lab.unique("second")]
    file = lab.folder / "several.py"
    file.write_text(BEGIN + code)
    log_file = lab.folder / "logs" / f"{names[0]}.log"  # the process's
    services = []
    for name in names:
        config = winsvc.ServiceConfig(
            name=name,
            command=(sys.executable, "-P", str(file), *names),
            start_type=StartType.MANUAL,
            service_type=ServiceType.SHARE_PROCESS,
        )
        services.append(Installed(lab.manager.create(config), log_file))
        lab._installed.append(services[-1])
    processes = [service.start() for service in services]
    for service in services:
        service.stop()

    assert [process.wait() for process in processes] == [0, 0]
    for name in names:
        assert f"called START_PENDING {name}" in services[0].log
        assert f"called STOPPED {name}" in services[0].log


@pytest.mark.parametrize(
    "host",
    [
        "sys.exit(winsvc.daemon.run())",
        "sys.exit(asyncio.run(hosted()))",
    ],
    ids=["run", "await"],
)
def test_coroutines_have_a_proactor_loop_on_the_main_thread(
    lab: Lab, host: str
) -> None:
    """With daemon.run() and with await; subprocesses work there."""
    service = install(
        lab,
        "Coroutines",
        f"""
async def callback(daemon, state, message):
    loop = asyncio.get_running_loop()
    if state is State.START_PENDING:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "exit(7)")
        note(daemon, "subprocess", await process.wait())
    if state is not State.NOT_READY:
        note(daemon, state.name, type(loop).__name__)
    daemon.next_state()

daemon = winsvc.daemon.spawn(callback)

async def hosted():
    return await daemon

{host}
""",
    )
    process = service.start()
    service.handle.pause()
    service.reach(State.PAUSED)
    service.stop()

    assert process.wait() == 0
    calls = list(dict.fromkeys(service.calls))
    assert calls[0] == "subprocess 7 True"
    assert calls[-1] == "STOPPED ProactorEventLoop True"
    assert all(call.endswith("ProactorEventLoop True") for call in calls[1:])


def test_exception_in_a_callback_is_reported(lab: Lab) -> None:
    """1066 and the phase's code; the traceback is in the log."""
    service = install(
        lab,
        "Fails",
        """
def callback(daemon, state, message):
    if message == 200:
        raise OSError("boom")
    daemon.next_state()

winsvc.daemon.spawn(callback)
sys.exit(winsvc.daemon.run())
""",
    )
    process = service.start()
    service.handle.control(200)
    status = service.reach(State.STOPPED)

    assert (status.exit_code, status.service_exit_code) == (1066, FailureCode.HANDLER)
    assert process.wait() == FailureCode.HANDLER
    assert "OSError: boom" in service.log


def test_script_without_an_scm_says_1063(lab: Lab, tool: Tool) -> None:
    """Run by hand, daemon.run() names what is wrong, and calls nothing."""
    file = lab.folder / "alone.py"
    file.write_text(
        BEGIN + "winsvc.daemon.spawn(note)\nsys.exit(winsvc.daemon.run())\n"
    )
    done = tool(sys.executable, "-P", str(file))

    assert done.returncode == 1
    assert "1063" in done.stdout
