"""What an administrator waits for: the list of 500 services, and the command line.

``list`` has the names, display names, states and processes of all services: by winsvc,
by pywin32's EnumServicesStatusEx, and by psutil, which asks for each service on its
own; psutil's ``names only`` is what it tells without that.  Each is a call in one and
the same process.  ``command line`` is a process from its start to its end, with its
output thrown away.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import winsvc

from .results import Series
from .subjects import Bench, Subject, rotated, say

ROUNDS = 15
SERVICES = 500
SERVICE_WIN32 = 0x30
STATE_ALL = 3
ENUMERATE = 0x5  # SC_MANAGER_CONNECT | SC_MANAGER_ENUMERATE_SERVICE
Found = dict[tuple[str, str], list[tuple[float, ...]]]


def measure(bench: Bench) -> Iterator[Series]:
    """Measure lists and starts of the command line."""
    subjects = [
        Subject("C", f"BenchManage{number}", bench.c().command)
        for number in range(SERVICES)
    ]
    found: Found = defaultdict(list)
    with bench.installed(subjects):
        lists = listings()
        check(lists)
        commands = command_lines(subjects[0].name)
        for number in bench.rounds(ROUNDS):
            for label in rotated(list(lists), number):
                found["list", label].append((taken(lists[label]),))
            for label in rotated(list(commands), number):
                run = commands[label]
                found["command line", label].append((taken(run),))
            say(f"  {SERVICES} services: round {number + 1}")
    for (name, label), values in found.items():
        condition = f"{SERVICES} services"
        yield Series("manage", condition, name, label, "ms", tuple(values))


def taken(call: Callable[[], object]) -> float:
    """Return the milliseconds that a call takes."""
    before = time.perf_counter()
    call()
    return (time.perf_counter() - before) * 1e3


def listings() -> dict[str, Callable[[], int]]:
    """Return what lists the services, by label; each returns how many there are."""
    found: dict[str, Callable[[], int]] = {"winsvc": _winsvc}
    if find_spec("win32service") is not None:
        found["pywin32"] = _pywin32
    if find_spec("psutil") is not None:
        found["psutil"] = _psutil
        found["psutil, names only"] = _psutil_names
    return found


def check(lists: dict[str, Callable[[], int]]) -> None:
    """See to it that all see the same services.

    Raises:
        RuntimeError: They do not.
    """
    counts = {label: call() for label, call in lists.items()}
    if len(set(counts.values())) != 1 or counts["winsvc"] < SERVICES:
        msg = f"the lists have different lengths: {counts}"
        raise RuntimeError(msg)


def _winsvc() -> int:
    with winsvc.ServiceManager() as manager:
        return len(manager.list())


def _pywin32() -> int:
    win32service: Any = import_module("win32service")
    manager = win32service.OpenSCManager(None, None, ENUMERATE)
    try:
        found = win32service.EnumServicesStatusEx(manager, SERVICE_WIN32, STATE_ALL)
    finally:
        win32service.CloseServiceHandle(manager)
    return len(found)


def _psutil() -> int:
    psutil: Any = import_module("psutil")
    return len([each.as_dict() for each in psutil.win_service_iter()])


def _psutil_names() -> int:
    psutil: Any = import_module("psutil")
    return len(list(psutil.win_service_iter()))


def command_lines(name: str) -> dict[str, Callable[[], object]]:
    """Return the processes that are compared, by label."""
    return {
        "python -c pass": lambda: _run("-c", "pass"),
        "winsvc status": lambda: _run("-m", "winsvc", "status", name),
        "winsvc list": lambda: _run("-m", "winsvc", "list"),
        # What Python itself takes for any -m: this module is in its binary.
        "python -m __hello__": lambda: _run("-m", "__hello__"),
    }


def _run(*arguments: str) -> object:
    return subprocess.run(
        # -P: what is installed is measured, not what is in the current folder.
        (sys.executable, "-P", *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )
