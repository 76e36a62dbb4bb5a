"""Installs services on a real SCM, and watches them: Windows's, or Wine's."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import winsvc
from winsvc._interfaces import Capsule
from winsvc.errors import (
    ServiceCannotAcceptControl,
    ServiceError,
    ServiceNotActive,
    ServiceTimeout,
)
from winsvc.install import HOST
from winsvc.manage.backend import NativeBackend
from winsvc.states import StartType, State
from winsvc.winerror import ERROR_SERVICE_REQUEST_TIMEOUT

HERE = Path(__file__).resolve().parent
SERVICES = HERE / "services.py"
PATIENCE = 40.0
SYNCHRONIZE = 0x00100000
PROCESS_QUERY_LIMITED_INFORMATION = 0x1000
STILL_ACTIVE = 259
ERROR_INTERNAL_ERROR = 1359


def on_wine() -> bool:
    """True on Wine: its ntdll says so."""
    return hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")


def eventually(predicate: Callable[[], object], what: str) -> None:
    """Wait until a predicate holds; fail loudly if it never does."""
    until = time.monotonic() + PATIENCE
    while not predicate():
        if time.monotonic() > until:
            pytest.fail(f"not within {PATIENCE:g} s: {what}")
        time.sleep(0.01)


class WineBackend(NativeBackend):
    """Starts again what Wine's SCM could not make a process of (H-56): nothing ran."""

    def __init__(self) -> None:
        super().__init__()
        plain = self.service_start

        def start(service: Capsule, args: Sequence[str]) -> None:
            try:
                plain(service, args)
            except OSError as error:
                if error.winerror != ERROR_INTERNAL_ERROR:
                    raise
                plain(service, args)

        self.service_start = start


def was_no_process(told: str) -> bool:
    """Tell whether a command of ours says that Wine's SCM made none (H-56)."""
    return on_wine() and bool(re.search(rf": {ERROR_INTERNAL_ERROR}\b", told))


class Process:
    """A process that can be asked for its exit code when it has gone."""

    def __init__(self, pid: int) -> None:
        access = SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION
        self._kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        self._kernel32.OpenProcess.restype = ctypes.c_void_p
        self._handle = ctypes.c_void_p(self._kernel32.OpenProcess(access, 0, pid))
        assert self._handle.value, f"no process {pid}"

    def has_ended(self) -> bool:
        """Tell whether it has ended."""
        return self._kernel32.WaitForSingleObject(self._handle, 0) == 0

    def wait(self, timeout: float = PATIENCE) -> int:
        """Wait until it has ended; return its exit code."""
        result = self._kernel32.WaitForSingleObject(self._handle, int(timeout * 1000))
        if result != 0:
            pytest.fail(f"the process lives still after {timeout:g} s")
        code = ctypes.c_ulong()
        self._kernel32.GetExitCodeProcess(self._handle, ctypes.byref(code))
        self._kernel32.CloseHandle(self._handle)
        return code.value


class Installed:
    """One installed service."""

    def __init__(self, handle: winsvc.ServiceHandle, log_file: Path) -> None:
        self.handle = handle
        self.name = handle.name
        self._log_file = log_file
        self.is_lost = False

    @property
    def log(self) -> str:
        """All that it has logged: the lines that it has written to their ends."""
        if not self._log_file.exists():
            return ""
        written = self._log_file.read_bytes()
        whole = written[: written.rfind(b"\n") + 1]
        return whole.decode("utf-8").replace("\r\n", "\n")

    @property
    def calls(self) -> list[str]:
        """The handlers that it says were called, in order."""
        lines = self.log.splitlines()
        return [line.partition("called ")[2] for line in lines if "called " in line]

    def start(self, *args: str, state: State = State.RUNNING) -> Process:
        """Start it and wait for a state; return its process."""
        self.handle.start(*args)
        return Process(self.reach(state).pid)

    def reach(self, state: State) -> winsvc.ServiceStatus:
        """Wait for a state; if it does not come, the log says why.

        A pending state may make no progress within its hint (C-14): a loaded machine
        may hold up any process for longer.  That there is progress has its own tests.
        """
        until = time.monotonic() + PATIENCE
        while True:
            left = max(until - time.monotonic(), 0.0)
            try:
                return self.handle.wait_state(state, timeout=left)
            except ServiceError as error:
                is_slow = isinstance(error, ServiceTimeout) and (
                    error.winerror == ERROR_SERVICE_REQUEST_TIMEOUT
                )
                if not is_slow or time.monotonic() > until:
                    error.add_note(f"the log of {self.name}:\n{self.log}")
                    raise

    def in_run(self, life: int = 1) -> None:
        """Wait until it is in ``run``, which its first handlers may be before."""

        def lives() -> int:
            return sum(call.startswith("run ") for call in self.calls)

        eventually(lambda: lives() >= life, "it is in run")

    def stop(self) -> winsvc.ServiceStatus:
        """Stop it and wait until it has."""
        self.handle.stop()
        return self.reach(State.STOPPED)

    def died(self) -> None:
        """Say that its process has ended without STOPPED, as it should have.

        Windows shows 1067 (E-51).  Wine does not notice (H-10): there the record
        stays as it was, and nothing can be asked of the service any more.
        """
        self.is_lost = on_wine()
        if not self.is_lost:
            assert self.handle.status().exit_code == 1067

    def control_code(self, code: int) -> int:
        """Send a control; return 0, or the code of the refusal."""
        try:
            self.handle.control(code)
        except ServiceError as error:
            return error.winerror
        return 0


class Lab:
    """Installs services, and removes all of them at the end."""

    def __init__(self, folder: Path) -> None:
        backend = WineBackend() if on_wine() else None
        self.manager = winsvc.ServiceManager(backend=backend)
        self.folder = folder
        self._installed: list[Installed] = []

    def unique(self, stem: str) -> str:
        """Return a service name that nobody has."""
        return f"winsvc test {stem} {uuid.uuid4().hex[:8]}"

    def command(self, target: str, log_file: Path) -> tuple[str, ...]:
        """Return the command line of a hosted target."""
        host = (sys.executable, "-P", HOST, "host")
        return (*host, "--log-file", str(log_file), target)

    def install(
        self,
        cls: str,
        *,
        file: Path = SERVICES,
        name: str | None = None,
        command: tuple[str, ...] | None = None,
        start_type: StartType = StartType.MANUAL,
    ) -> Installed:
        """Install a class of a file under a name of its own."""
        log_file = self.folder / f"{uuid.uuid4().hex}.log"
        handle = self.manager.create(
            winsvc.ServiceConfig(
                name=name or self.unique(cls),
                command=command or self.command(f"{file}:{cls}", log_file),
                start_type=start_type,
            )
        )
        installed = Installed(handle, log_file)
        self._installed.append(installed)
        return installed

    def forget(self, installed: Installed) -> None:
        """Leave a service to the test, which deletes it."""
        self._installed.remove(installed)

    def close(self) -> None:
        """Stop and remove everything."""
        for installed in self._installed:
            status = installed.handle.status()
            if status.state is not State.STOPPED and not installed.is_lost:
                try:
                    installed.stop()
                except (ServiceNotActive, ServiceCannotAcceptControl):
                    installed.reach(State.STOPPED)
            installed.handle.delete()
            installed.handle.close()
        self.manager.close()


def run_tool(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command-line tool to its end, without a terminal.

    One of ours that starts a service is run again, once, if Wine's SCM could not make
    a process (H-56); of several services those that it has started are left alone.
    """
    done = _run_to_its_end(command)
    if done.returncode == 0 or not was_no_process(done.stdout):
        return done
    place = command.index("start") + 1 if "start" in command else len(command)
    options = ["--if-needed"] if "start" in command else []
    return _run_to_its_end((*command[:place], *options, *command[place:]))


def _run_to_its_end(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
