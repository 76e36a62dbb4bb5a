"""The same service driven by the clients that people have."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from lab import ERROR_INTERNAL_ERROR, SERVICES, Lab, eventually, on_wine

from winsvc.states import State

Tool = Callable[..., "subprocess.CompletedProcess[str]"]
WINE = on_wine()


def test_our_command_line_drives_it(lab: Lab, tool: Tool) -> None:
    """install, start with arguments, pause, continue, control, status, stop, remove."""
    name = lab.unique("cli")
    log_file = lab.folder / "cli.log"

    def winsvc(*arguments: str) -> str:
        done = tool(sys.executable, "-P", "-m", "winsvc", *arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    target = f"{SERVICES}:Probe"
    install = ("--name", name, "--log-file", str(log_file), "--start-type", "manual")
    winsvc("install", *install, target)
    winsvc("start", name, "--", "a", "b c")
    running = winsvc("status", name)
    winsvc("control", name, "200")
    winsvc("pause", name)
    paused = winsvc("status", name)
    winsvc("continue", name)
    listed = winsvc("list")
    winsvc("restart", name)
    winsvc("stop", name)
    stopped = winsvc("status", name)
    winsvc("remove", name)
    gone = tool(sys.executable, "-P", "-m", "winsvc", "status", name)

    assert "RUNNING" in running
    assert "PAUSED" in paused
    assert "STOPPED" in stopped
    assert name in listed
    assert gone.returncode == 1
    assert "1060" in gone.stdout
    log = log_file.read_text(encoding="utf-8")
    for call in ("on_start ('a', 'b c')", "on_user_control 200", "on_pause"):
        assert call in log


def test_sc_and_net_drive_it(lab: Lab, tool: Tool) -> None:
    """sc create, net start, sc query, sc stop, net stop, sc delete."""
    name = lab.unique("sc").replace(" ", "-")
    log_file = lab.folder / "sc.log"
    command = subprocess.list2cmdline(lab.command(f"{SERVICES}:Probe", log_file))

    def start(*words: str) -> subprocess.CompletedProcess[str]:
        """Have it started; again, once, if Wine's SCM has made no process (H-56)."""
        before = log_file.stat().st_size if log_file.exists() else 0
        started = tool(*words)
        after = log_file.stat().st_size if log_file.exists() else 0
        if WINE and started.returncode and before == after:
            started = tool(*words)
        return started

    done = [tool("sc.exe", "create", name, "binPath=", command)]
    done.append(start("net.exe", "start", name))
    with lab.manager.open(name) as handle:
        handle.wait_state(State.RUNNING, timeout=40)
        running = tool("sc.exe", "query", name)
        done.append(tool("sc.exe", "stop", name))
        handle.wait_state(State.STOPPED, timeout=40)
        done.append(start("sc.exe", "start", name, "x", "y"))
        handle.wait_state(State.RUNNING, timeout=40)
        done.append(tool("net.exe", "stop", name))
        handle.wait_state(State.STOPPED, timeout=40)
    done.append(tool("sc.exe", "delete", name))

    assert [result.returncode for result in done] == [0] * len(done), done
    assert "4" in running.stdout
    log = log_file.read_text(encoding="utf-8")
    assert "on_start ('x', 'y')" in log
    assert log.count("called on_stop") == 2


@pytest.mark.skipif(WINE, reason="H-40: Wine's sc has no pause, continue, control")
def test_sc_controls_it(lab: Lab, tool: Tool) -> None:
    """sc pause, continue and control."""
    service = lab.install("Probe")
    service.start()
    service.in_run()
    done = [tool("sc.exe", "pause", service.name)]
    service.reach(State.PAUSED)
    done.append(tool("sc.exe", "continue", service.name))
    service.reach(State.RUNNING)
    done.append(tool("sc.exe", "control", service.name, "200"))
    service.stop()

    assert [result.returncode for result in done] == [0, 0, 0]
    assert service.calls[2:] == [
        "on_pause",
        "on_continue",
        "on_user_control 200",
        "on_stop",
    ]


def test_pywin32_drives_it(lab: Lab) -> None:
    """win32serviceutil as a client: an independent reader of what we report."""
    import pywintypes
    import win32service
    import win32serviceutil

    name = lab.unique("pywin32")
    log_file = lab.folder / "pywin32.log"
    command = subprocess.list2cmdline(lab.command(f"{SERVICES}:Probe", log_file))
    scm = win32service.OpenSCManager(None, None, win32service.SC_MANAGER_ALL_ACCESS)
    created = win32service.CreateService(
        scm,
        name,
        name,
        win32service.SERVICE_ALL_ACCESS,
        win32service.SERVICE_WIN32_OWN_PROCESS,
        win32service.SERVICE_DEMAND_START,
        win32service.SERVICE_ERROR_NORMAL,
        command,
        None,
        0,
        None,
        None,
        None,
    )
    win32service.CloseServiceHandle(created)
    win32service.CloseServiceHandle(scm)

    def state() -> int:
        return int(win32serviceutil.QueryServiceStatus(name)[1])

    try:
        win32serviceutil.StartService(name, ["a", "b c"])
    except pywintypes.error as error:  # H-56
        if not (WINE and error.winerror == ERROR_INTERNAL_ERROR):
            raise
        win32serviceutil.StartService(name, ["a", "b c"])
    eventually(lambda: state() == win32service.SERVICE_RUNNING, "RUNNING")
    accepted = win32serviceutil.QueryServiceStatus(name)[2]
    win32serviceutil.ControlService(name, 200)
    win32serviceutil.ControlService(name, win32service.SERVICE_CONTROL_PAUSE)
    eventually(lambda: state() == win32service.SERVICE_PAUSED, "PAUSED")
    win32serviceutil.ControlService(name, win32service.SERVICE_CONTROL_CONTINUE)
    eventually(lambda: state() == win32service.SERVICE_RUNNING, "RUNNING again")
    win32serviceutil.StopService(name)
    eventually(lambda: state() == win32service.SERVICE_STOPPED, "STOPPED")
    win32serviceutil.RemoveService(name)

    assert accepted == 0x1 | 0x2 | 0x4 | 0x8
    log = log_file.read_text(encoding="utf-8")
    calls = [
        "on_start ('a', 'b c')",
        "on_user_control 200",
        "on_pause",
        "on_continue",
        "on_stop",
    ]
    positions = [log.find(f"called {call}") for call in calls]
    assert -1 not in positions
    assert positions == sorted(positions)
