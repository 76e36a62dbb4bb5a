"""Every command under ``--json``, whatever fails below it: one line, one object."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from winsvc.install import log_file_of
from winsvc.manage.manager import ServiceHandle, ServiceManager
from winsvc.states import State
from winsvc.target import parse_target
from winsvc.testing.database import SimulatedBackend

from .conftest import Run

COMMANDS = {
    "install": "install --from FILE New",
    "install --dry-run": "install --from FILE New --dry-run",
    "plan": "plan FILE",
    "apply": "apply FILE",
    "grant": "grant Sample Everyone --stop",
    "config": "config Sample",
    "config with settings": "config Sample --description x --env A=1",
    "config --output": "config Sample --output OUTPUT",
    "remove": "remove Sample",
    "remove --stop": "remove Sample --stop --dependents",
    "start": "start Sample",
    "start of what runs": "start Base --if-needed",
    "stop": "stop Top",
    "stop --dependents": "stop Base --dependents",
    "restart": "restart Top",
    "restart --dependents": "restart Base --dependents",
    "pause": "pause Top",
    "continue": "continue Top",
    "control": "control Top 200",
    "status": "status Sample",
    "status of two": "status Sample Base",
    "list": "list",
    "dependents": "dependents Base",
    "watch": "watch Sample",
    "watch all": "watch",
    "logs": "logs Sample --follow",
    "logs --events": "logs Sample --events",
    "doctor": "doctor Sample",
}
STREAMS = ("watch", "logs")
FUNCTIONS = (
    "manager_open",
    "handle_close",
    "service_list",
    "service_dependents",
    "service_create",
    "service_change",
    "service_config",
    "service_config2",
    "service_change2",
    "service_security",
    "service_change_security",
    "account_sid",
    "service_open",
    "service_delete",
    "service_start",
    "service_control",
    "service_status",
    "notifier_new",
    "dependencies",
    "environment",
    "set_environment",
    "event_source",
    "set_event_source",
    "message_file",
    "wait_change",
)


def refusal() -> OSError:
    """Return a refusal of the SCM's."""
    error = OSError(1722, "no")
    error.winerror = 1722  # type: ignore[attr-defined]
    return error


FAILURES: dict[str, Callable[[], BaseException]] = {
    "refused": refusal,
    "an OSError of Python's": lambda: PermissionError(13, "no"),
    "interrupted": KeyboardInterrupt,
}


STATES = {"Sample": State.STOPPED, "Base": State.RUNNING, "Top": State.RUNNING}


class Scene:
    """Services that a command finds as they are always: two run, one has stopped."""

    def __init__(self, run: Run, backend: SimulatedBackend, target: str) -> None:
        self._run = run
        self._backend = backend
        self._target = target

    def set(self) -> None:
        """Bring all into its place again."""
        log = Path(log_file_of("Sample", parse_target(self._target)))
        log.parent.mkdir(exist_ok=True)
        log.write_text("a line\n")
        self._backend.records.pop("NEW", None)
        self._backend.event_sources.pop("NEW", None)
        for name, state in STATES.items():
            if name.upper() not in self._backend.records:
                depends = ["--depends", "Base"] if name == "Top" else []
                words = ("install", "--name", name, *depends, self._target)
                assert self._run(*words)[0] == 0
            manager = ServiceManager(backend=self._backend)
            with manager, manager.open(name) as handle:
                put(handle, state)


def put(handle: ServiceHandle, state: State) -> None:
    """Bring a service into a state."""
    now = handle.status().state
    if now.is_pending:
        ends = {State.STOP_PENDING: State.STOPPED, State.PAUSE_PENDING: State.PAUSED}
        now = handle.wait_state(ends.get(now, State.RUNNING), 20.0).state
    if now is state:
        return
    if state is State.STOPPED:
        handle.stop()
    elif now is State.PAUSED:
        handle.resume()
    else:
        handle.start()
    handle.wait_state(state, 20.0)


@pytest.fixture
def scene(run: Run, backend: SimulatedBackend, target: str) -> Scene:
    """All in its place."""
    scene = Scene(run, backend, target)
    scene.set()
    return scene


@pytest.fixture
def words(tmp_path: Path) -> Callable[[str], list[str]]:
    """Return the words of a command, with files of this test."""
    file = tmp_path / "x.toml"
    file.write_text(
        "[services.New]\ncommand = ['C:/x.exe']\nenvironment = { A = '1' }\n"
        "security = 'D:(A;;GA;;;BA)'\n"
        "[services.Sample]\ndescription = 'of the file'\n"
    )
    named = {"FILE": str(file), "OUTPUT": str(tmp_path / "out.toml")}
    return lambda text: [named.get(word, word) for word in text.split()]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("command", COMMANDS)
def test_answer_is_json_whatever_fails(
    run: Run,
    backend: SimulatedBackend,
    scene: Scene,
    words: Callable[[str], list[str]],
    command: str,
    failure: str,
) -> None:
    """At the first call of each function of the SCM, and at the second."""
    wanted = [*words(COMMANDS[command]), "--json"]
    failed = 0
    for function in FUNCTIONS:
        for at in (0, 1):
            seen: list[object] = []
            whole = getattr(backend, function)

            def fail(
                *arguments: Any,
                _whole: Any = whole,
                _seen: list[object] = seen,
                _at: int = at,
            ) -> Any:
                _seen.append(arguments)
                if len(_seen) == _at + 1:
                    raise FAILURES[failure]()
                return _whole(*arguments)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(backend, function, fail)
                if wanted[0] in STREAMS:
                    interrupt_at_last(patch, backend)
                told = run(*wanted)
            if len(seen) <= at:
                break  # it is not called as often
            check_answer(*told, words=wanted, is_interruption=failure == "interrupted")
            failed += told[0] != 0
            scene.set()

    # Ctrl+C is how those are meant to end.
    assert failed or (wanted[0] in STREAMS and failure == "interrupted")


def interrupt_at_last(patch: pytest.MonkeyPatch, backend: SimulatedBackend) -> None:
    """Let what would go on for ever end as by Ctrl+C, when it waits."""
    clock, asked = backend.monotonic, []

    def monotonic() -> float:
        asked.append(clock())
        if len(asked) > 5:
            raise KeyboardInterrupt
        return asked[-1]

    def sleep(_seconds: float) -> None:
        raise KeyboardInterrupt

    patch.setattr(backend, "monotonic", monotonic)
    patch.setattr("winsvc.log_reader.time", SimpleNamespace(sleep=sleep))


def check_answer(
    code: int, out: str, err: str, words: list[str], *, is_interruption: bool
) -> None:
    """Check that an answer can be parsed, and fits its exit code."""
    answers = [json.loads(line) for line in out.splitlines()]
    assert "Traceback" not in err
    assert all(isinstance(answer, dict) for answer in answers)
    assert len(answers) == 1 or words[0] in STREAMS
    assert code in ((0, 130) if is_interruption else (0, 1))
    if code == 130:
        assert answers[-1]["error"]["message"]
        assert err.count("\n") == 1
    elif code and words[0] != "doctor":
        assert '"error": {' in out
        assert err.startswith("winsvc: ")


def test_interruption_while_it_begins_is_told_too(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the words are understood; what is imported takes its time."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("winsvc.commands.parsing.make_parser", interrupted)
    plain = run("start", "Sample")
    code, out, err = run("start", "Sample", "--json")

    assert plain == (130, "", "winsvc: interrupted\n")
    assert (code, err) == (130, "winsvc: interrupted\n")
    assert json.loads(out)["error"]["message"] == "interrupted"
