"""Ctrl+C, while a command waits: one line that says how things are, no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from winsvc.commands import configuring
from winsvc.errors import ServiceError
from winsvc.manage.manager import ServiceManager
from winsvc.testing.database import SimulatedBackend

from .conftest import Run, Terminal
from .test_cli_shared import BOTH

# A command line of its own, with services that take their time; a line on its
# standard input is Ctrl+C.
SCRIPT = r"""
import os, signal, sys, threading, time
import winsvc
from winsvc.manage.manager import ServiceManager
from winsvc.settings.config import ServiceConfig
from winsvc.testing.database import SimulatedBackend

class Slow(winsvc.Service):
    name = "Slow"
    wait_hint = 0.2

    def on_start(self):
        if "slow" in self.args:
            time.sleep(3600)
    def on_pause(self):
        time.sleep(3600)
    def on_stop(self):
        time.sleep(3600)

def interrupt():
    sys.stdin.readline()
    if os.name == "nt":
        signal.raise_signal(signal.SIGINT)
    else:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

words, log = sys.argv[2:], sys.argv[1]
backend = SimulatedBackend(virtual=False)
command = (r"C:\python.exe", "host", "--log-file", log, "x:Slow")
with ServiceManager(backend=backend) as manager:
    manager.create(ServiceConfig(name="Slow", command=command)).close()
    backend.records["SLOW"].load = lambda: Slow
    if words[0] != "start":
        with manager.open("Slow") as handle:
            handle.start()
            handle.wait_state(winsvc.State.RUNNING)
threading.Thread(target=interrupt, daemon=True).start()
winsvc.main(argv=words, manager_factory=lambda: ServiceManager(backend=backend))
"""
WAITING = {
    "start": "start Slow -- slow",
    "stop": "stop Slow",
    "restart": "restart Slow",
    "pause": "pause Slow",
    "remove": "remove Slow --stop",
}
FOLLOWING = {
    "watch": "watch Slow",
    "watch, JSON": "watch Slow --json",
    "logs": "logs Slow --follow",
    "logs, JSON": "logs Slow --follow --json",
}


def interrupted(tmp_path: Path, words: str) -> tuple[int, str, str]:
    """Run a command, interrupt it after its first line; return what came of it."""
    log = tmp_path / "slow.log"
    log.write_text("a line\n")
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(log), *words.split()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        out, err = process.communicate("\n", timeout=60)
    return process.returncode, first + out, err


@pytest.mark.parametrize("command", WAITING)
def test_what_waits_says_how_far_it_has_got(tmp_path: Path, command: str) -> None:
    """The service goes on: its state is told."""
    code, out, err = interrupted(tmp_path, WAITING[command])

    state = {"start": "START", "pause": "PAUSE"}.get(command, "STOP")
    assert out.startswith(f"Slow is {state}_PENDING")
    assert err.startswith(f"winsvc: interrupted; Slow is {state}_PENDING: checkpoint")
    assert err.count("\n") == 1
    assert code == 130


@pytest.mark.parametrize("command", FOLLOWING)
def test_what_follows_ends_without_a_word(tmp_path: Path, command: str) -> None:
    """That is how it is meant to end."""
    code, out, err = interrupted(tmp_path, FOLLOWING[command])

    assert out
    if "--json" in FOLLOWING[command]:
        assert all(isinstance(json.loads(line), dict) for line in out.splitlines())
    assert (code, err) == (0, "")


@pytest.mark.parametrize("command", ["start Sample", "watch Sample", "watch"])
def test_table_and_bar_of_a_terminal_end_well(
    run: Run,
    backend: SimulatedBackend,
    target: str,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    """As what is drawn by rich: the sentence comes below it."""
    pytest.importorskip("rich")
    run("install", target)
    terminal, clock, asked = Terminal(), backend.monotonic, []

    def monotonic() -> float:
        asked.append(clock())
        if len(asked) > 3:
            raise KeyboardInterrupt
        return asked[-1]

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(backend, "monotonic", monotonic)
    code, _, err = run(*command.split(), *(["slow"] if "start" in command else []))

    assert terminal.getvalue()
    assert code == (130 if "start" in command else 0)
    assert err.count("\n") == ("start" in command)
    assert "Traceback" not in err + terminal.getvalue()


@pytest.fixture
def base(run: Run, backend: SimulatedBackend, target: str) -> SimulatedBackend:
    """An SCM in which Base, Middle and Top run, each depending on the one before."""
    for name, depends in (("Base", ""), ("Middle", "Base"), ("Top", "Middle")):
        words = ["--depends", depends] if depends else []
        assert run("install", "--name", name, *words, target)[0] == 0
        assert run("start", name)[0] == 0
    return backend


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ServiceError])
@pytest.mark.parametrize("command", ["stop", "restart", "remove --stop"])
def test_dependents_that_stay_stopped_are_told(
    run: Run,
    base: SimulatedBackend,
    command: str,
    failure: type[BaseException],
) -> None:
    """They are not started again by a command that has ended early."""
    control = base.service_control

    def refused(handle: object, code: int) -> object:
        if base.records["MIDDLE"].status()[1] == 1:  # STOPPED
            if failure is KeyboardInterrupt:
                raise KeyboardInterrupt
            error = OSError(5, "no")
            error.winerror = 5  # type: ignore[attr-defined]
            raise error
        return control(handle, code)  # type: ignore[arg-type]

    words = (*command.split(), "Base", "--dependents", "--json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "service_control", refused)
        code, out, err = run(*words)

    assert code == (130 if failure is KeyboardInterrupt else 1)
    assert err.endswith("; stopped before it: Top, Middle\n")
    assert ("interrupted; Base is RUNNING" in err) == (code == 130)
    assert json.loads(out)["dependents"] == ["Top", "Middle"]
    assert json.loads(out)["error"]["message"] in err


def test_interruption_ends_what_is_for_all(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that it has not come to are named."""
    assert run("install", services=BOTH)[0] == 0

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ServiceManager, "remove", interrupted)
    code, out, err = run("remove", "--all", services=BOTH)

    assert (code, out) == (130, "")
    assert err == "winsvc: interrupted\nwinsvc: not begun: My Reporter\n"


def test_interruption_behind_the_last_tells_what_is_done(
    run: Run, backend: SimulatedBackend, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is done then: nothing has failed, and nothing is left."""
    assert run("install", target)[0] == 0
    ready = configuring._ready_to_apply

    class Interrupted(list[Any]):
        is_interrupted = False

        def __iter__(self) -> Iterator[Any]:
            yield from super().__iter__()
            if not self.is_interrupted:
                self.is_interrupted = True
                raise KeyboardInterrupt

    monkeypatch.setattr(
        configuring, "_ready_to_apply", lambda *given: Interrupted(ready(*given))
    )
    code, out, err = run("apply", "Sample", "--description", "new", "--json")

    assert code == 130
    answer = json.loads(out)
    assert (answer["failed"], answer["not_begun"]) == (None, [])
    assert [each["service"] for each in answer["services"]] == ["Sample"]
    assert err == (
        "winsvc: interrupted; done before that, and not undone: Sample is changed\n"
    )
    with ServiceManager(backend=backend) as manager, manager.open("Sample") as handle:
        assert handle.config().description == "new"
