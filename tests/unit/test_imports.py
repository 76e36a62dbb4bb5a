"""What a process that hosts a service has imported, and when (winsvc/process.py)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import winsvc

# `python -m` has these, whatever it runs.
FOR_PYTHON_M = ("runpy",)
FOR_DISPATCHER = {
    "__future__",
    "winsvc",
    "winsvc._native",
    "winsvc.connection",
    "winsvc.process",
}
FOR_RUNNING = ("faulthandler", "importlib.util", "logging", "signal", "threading")
WINSVC_FOR_RUNNING = FOR_DISPATCHER | {
    "winsvc._sim",
    "winsvc.base",
    "winsvc.handlers",
    "winsvc.host",
    "winsvc.log",
    "winsvc.log_life",
    "winsvc.registrations",
    "winsvc.service",
    "winsvc.serving",
    "winsvc.signals",
    "winsvc.states",
    "winsvc.target",
    "winsvc.threads",
    "winsvc.winerror",
}

# `python -m winsvc host`, with the simulated wire in place of the SCM.
PROCESS = """
import builtins, os, runpy, sys, _thread
from winsvc import _native

builtins.note = lambda: os.write(1, " ".join([*sys.modules, "\\n"]).encode())

class Core:
    session_user = None

    def process_new(self, wire, names):
        self.sim = _native.require_sim()
        self.wire = self.sim.wire_new(self.sim.clock_new(True))
        return self.sim.process_new(self.wire, names)

    def process_start(self, process):
        note()
        self.sim.process_start(process)
        start = self.sim.wire_start
        _thread.start_new_thread(start, (self.wire, True, ("Mini",), None))

    def console_ignore(self): ...

    def console_release(self): ...

    def __getattr__(self, name):
        return getattr(self.sim, name)

_native.require_core = lambda operation, core=Core(): core
sys.argv[1:1] = ["host", "--log-file"]
runpy.run_module("winsvc", run_name="__main__")
"""
SERVICE = """
import winsvc

class Mini(winsvc.Service):
    name = "Mini"

    def on_start(self):
        note()

    def run(self):
        self.request_stop()

    def on_stop(self):
        note()
"""


def modules_noted(code: str, *arguments: str) -> list[set[str]]:
    """Run code without site's imports; return the modules at each ``note``."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", code, *arguments],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(Path(winsvc.__file__).parents[1])},
    )
    return [
        {name for name in line.split() if not name.startswith("encodings.")}
        for line in done.stdout.splitlines()
    ]


def stdlib_with(*names: str) -> set[str]:
    """Return the modules that there are once these have been imported."""
    return modules_noted(f"import sys, {', '.join(names)}; print(*sys.modules)")[0]


@pytest.fixture(scope="module")
def noted(tmp_path_factory: pytest.TempPathFactory) -> list[set[str]]:
    """The modules before the dispatcher starts, before RUNNING, and in a handler."""
    folder = tmp_path_factory.mktemp("imports")
    file = folder / "its_service.py"
    file.write_text(SERVICE)
    return modules_noted(PROCESS, str(folder / "x.log"), f"{file}:Mini")


def test_dispatcher_waits_for_no_import(noted: list[set[str]]) -> None:
    """The SCM hears START_PENDING after what the connection itself needs."""
    own = noted[0] - stdlib_with(*FOR_PYTHON_M)

    assert own == FOR_DISPATCHER | {"winsvc._sim"}


def test_running_waits_for_few_imports(noted: list[set[str]]) -> None:
    """A bare service needs logging and threads; dataclasses, say, come later."""
    own = noted[1] - stdlib_with(*FOR_PYTHON_M, *FOR_RUNNING)

    assert own == WINSVC_FOR_RUNNING | {"its_service"}


def test_events_are_there_for_the_first_handler(noted: list[set[str]]) -> None:
    """They come once it runs, and bring nothing of the rarer payloads."""
    later = noted[2] - noted[1]

    assert {"winsvc.events", "dataclasses"} <= noted[2]
    assert not later & {"uuid", "datetime", "struct", "winsvc.power", "winsvc.devices"}
    assert not later & {"winsvc.errors", "winsvc.journal", "asyncio", "socket"}
