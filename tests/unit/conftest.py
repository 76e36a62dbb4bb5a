"""The command line on a simulated SCM, for the tests of its commands."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest

import winsvc
from winsvc._interfaces import StatusTuple
from winsvc.base import ServiceBase
from winsvc.errors import ServiceNotActive
from winsvc.manage.manager import ServiceManager
from winsvc.states import State
from winsvc.testing.database import SimulatedBackend
from winsvc.testing.records import Handle

Run = Callable[..., tuple[int, str, str]]

GATE = "the_gate_of_sample"
CODE = '''
import winsvc

class Sample(winsvc.Service):
    """Is a sample.

    More of it.
    """

    name = "Sample"
    display_name = "A sample"
    wait_hint = 0.1

    def on_start(self):
        if "fail" in self.args:
            raise RuntimeError("no luck")
        if "slow" in self.args:
            import the_gate_of_sample
            assert the_gate_of_sample.gate.wait(20)

    def on_pause(self): ...
    def on_user_control(self, code): ...

    def on_stop(self):
        if "failing-stop" in self.args:
            raise RuntimeError("no luck")
'''


@pytest.fixture
def backend() -> Iterator[SimulatedBackend]:
    """A simulated SCM with a real clock; what still runs at the end is stopped."""
    backend = SimulatedBackend(virtual=False)
    yield backend
    with ServiceManager(backend=backend) as manager:
        for info in manager.list():
            with manager.open(info.name) as handle, suppress(ServiceNotActive):
                if handle.status().state is State.START_PENDING:
                    handle.wait_state(State.RUNNING, timeout=20.0)
                handle.stop(dependents=True)
                handle.wait_state(State.STOPPED, timeout=20.0)


@pytest.fixture
def gate(backend: SimulatedBackend) -> Iterator[threading.Event]:
    """What a start of Sample that is slow waits for; open when the test has ended."""
    del backend  # which waits for the start at its end: the module stays for it
    module = sys.modules.setdefault(GATE, ModuleType(GATE))
    gate = vars(module)["gate"] = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def slow_until_shown(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that is slow goes on when a line has said that it is going on."""

    def shown(text: str, *, flush: bool) -> None:
        print(text, flush=flush)
        if "START_PENDING" in text:
            gate.set()

    monkeypatch.setattr("winsvc.commands.progress.print", shown, raising=False)


@pytest.fixture
def slow_until_seen(
    gate: threading.Event, backend: SimulatedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start that is slow goes on when a client has seen START_PENDING."""
    look = backend.service_status

    def seen(handle: Handle) -> StatusTuple:
        status = look(handle)
        if status[1] == State.START_PENDING:
            gate.set()
        return status

    monkeypatch.setattr(backend, "service_status", seen)


class Terminal(io.StringIO):
    """A terminal, as far as anybody asks."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a person at a terminal is asked; the answer is ``asked``."""
    seen: list[str] = []

    def ask(text: str) -> str:
        seen.append(text)
        return "asked"

    monkeypatch.setattr("getpass.getpass", ask)
    monkeypatch.setattr("winsvc.commands.passwords.is_terminal", lambda: True)
    return seen


def typed(text: bytes) -> io.TextIOWrapper:
    """Return a standard input of some bytes, as a code page reads it."""
    return io.TextIOWrapper(io.BytesIO(text), encoding="cp1252")


@pytest.fixture
def target(tmp_path: Path, gate: threading.Event) -> str:
    """A target in a file of its own, whose gate is there."""
    del gate
    file = tmp_path / f"{tmp_path.name}_sample.py"
    file.write_text(CODE)
    return f"{file}:Sample"


@pytest.fixture
def run(backend: SimulatedBackend, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command; return its exit code and what it wrote."""

    def run(
        *words: str,
        services: Sequence[type[ServiceBase]] = (),
        log_file: str | None = None,
    ) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            winsvc.main(
                *services,
                argv=words,
                log_file=log_file,
                manager_factory=lambda *machine: ServiceManager(
                    *machine, backend=backend
                ),
            )
        out, err = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, out, err

    return run
