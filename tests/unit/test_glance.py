"""``status NAME`` at a glance: the full command's text, without its imports."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import winsvc
from winsvc import glance
from winsvc.__main__ import main
from winsvc.errors import NoSCM
from winsvc.manage.manager import ServiceManager
from winsvc.states import Accept, FailureCode, State

# What a status may have that the text depends on.
STATUSES = [
    (0x10, state, accepts, exit_code, specific, 3, hint, pid)
    for state, (exit_code, specific), accepts, (hint, pid) in itertools.product(
        (*map(int, State), 9),
        ((0, 0), (1077, 0), (1066, 64002), (1066, 7), (5, 0), (99999, 0)),
        (0, 0x5, 0x6FFF | 0x40000000),
        ((0, 0), (2500, 1234)),
    )
]


class FakeCore:
    """An SCM whose only service has a given status, the extension's or a backend's."""

    def __init__(self, status: tuple[int, ...], refusal: int = 0) -> None:
        self.status = status
        self.refusal = refusal

    def manager_open(self, machine: str | None, access: int) -> str:
        assert (machine, access) == (None, 1)
        return "manager"

    def service_open(self, manager: str, name: str, access: int) -> str:
        assert (manager, name, access) == ("manager", "My Service", 4)
        if self.refusal:
            error = OSError(0, "refused")
            error.winerror = self.refusal  # type: ignore[attr-defined]
            raise error
        return "service"

    def service_status(self, service: str) -> tuple[int, ...]:
        assert service == "service"
        return self.status

    def handle_close(self, handle: str) -> None: ...


def answer(words: list[str], core: Any, capfdbinary: Any) -> tuple[object, bytes]:
    """Return the full command's exit code and output."""
    with pytest.raises(SystemExit) as ended:
        winsvc.main(argv=words, manager_factory=lambda: ServiceManager(backend=core))
    return ended.value.code, capfdbinary.readouterr().out


def glanced(
    words: list[str], core: Any, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any
) -> tuple[object, bytes]:
    """Return the same of what Windows would run for ``python -m winsvc``."""
    with monkeypatch.context() as patch:
        patch.setattr("winsvc.glance.os", SimpleNamespace(name="nt"))
        patch.setattr("winsvc._native.require_core", lambda _operation: core)
        patch.setattr("winsvc.cli.main", lambda: pytest.fail("the full command ran"))
        patch.setattr(sys, "argv", ["winsvc", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    return ended.value.code, capfdbinary.readouterr().out


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_glance_says_what_the_full_command_says(
    options: list[str], monkeypatch: pytest.MonkeyPatch, capfdbinary: Any
) -> None:
    """Byte for byte, in every state, with every kind of exit code and accept mask."""
    for status in STATUSES:
        words = ["status", "My Service", *options]
        core = FakeCore(status)
        fast = glanced(words, core, monkeypatch, capfdbinary)

        assert fast == answer(words, core, capfdbinary), status
        assert fast[0] == 0
        assert fast[1].endswith(b"\n")


def test_tables_are_those_of_states() -> None:
    """They are written out again since the enums' import costs too much."""
    names = [glance.state_name(int(state)) for state in State]

    assert names == [state.name for state in State]
    for failure in FailureCode:
        text = glance.describe_specific(failure)
        assert text.startswith(f"{int(failure)} {failure.name} (")
    for flag in Accept:
        assert glance.fields("X", (16, 4, int(flag), 0, 0, 0, 0, 0))["accepts"] == [
            flag.name
        ]


def test_json_is_that_of_json_dumps() -> None:
    """For what a status can have, a name of any printable ASCII included."""
    name = "".join(map(chr, range(0x20, 0x7F))).replace('"', "").replace("\\", "")
    fields = glance.fields(name, (16, 7, 7, 1066, 3, 2, 1234, 5))

    assert glance.to_json({"services": [fields]}) == json.dumps({"services": [fields]})


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["status", "-h"],
        ["status", ""],
        ["status", "A", "B"],
        ["status", "A", "--machine=B"],
        ["status", "A", "--json", "--json"],
        ["status", "--json", "A"],
        ["status", 'A"B'],
        ["status", "Zeit\N{LATIN SMALL LETTER U WITH DIAERESIS}"],
        ["list", "A"],
    ],
)
def test_everything_else_is_left_to_the_full_command(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked and nothing written."""
    monkeypatch.setattr("winsvc.glance.os", SimpleNamespace(name="nt"))
    monkeypatch.setattr("winsvc._native.require_core", lambda _: pytest.fail("asked"))

    assert glance.glance(words) is None


def test_refusal_is_left_to_the_full_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which says it as all errors are said."""
    core = FakeCore((), refusal=1060)
    monkeypatch.setattr("winsvc.glance.os", SimpleNamespace(name="nt"))
    monkeypatch.setattr("winsvc._native.require_core", lambda _operation: core)

    assert glance.glance(["status", "My Service"]) is None
    assert capsys.readouterr() == ("", "")


def test_no_scm_is_said_as_everywhere() -> None:
    """The text is that of the error, which is not imported for it."""
    error = NoSCM(operation="open the SCM")

    assert f"winsvc: {error.strerror}; {error.remedy}" == glance.NO_SCM


@pytest.mark.parametrize(
    ("status", "more"),
    [((16, 4, 5, 0, 0, 0, 0, 1), set()), ((16, 1, 0, 1077, 0, 0, 0, 0), {"codes"})],
)
def test_glance_imports_next_to_nothing(
    status: tuple[int, ...], more: set[str], tmp_path: Path
) -> None:
    """Each module costs a hundredth of Python's own start, or more."""
    script = f"""
import os, runpy, sys
before = set(sys.modules)
class Core:
    manager_open = service_open = lambda *_: None
    service_status = lambda *_: {status}
from winsvc import _native
_native.require_core = lambda _: Core()
import winsvc.glance
winsvc.glance.os = type("nt", (), dict(name="nt"))
sys.argv = ["winsvc", "status", "A"]
try:
    runpy.run_module("winsvc", run_name="__main__")
except SystemExit as ended:
    assert ended.code == 0, ended
print(*sorted(set(sys.modules) - before))
"""
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(Path(winsvc.__file__).parents[1])},
    )
    *_, loaded = done.stdout.splitlines()
    ours = {name for name in loaded.split() if name.startswith("winsvc")}

    assert "A is" in done.stdout
    expected = {"winsvc", "winsvc._native", "winsvc.glance"}
    assert ours == expected | {f"winsvc.{name}" for name in more}
    unwanted = {"argparse", "dataclasses", "json", "__future__", "enum", "typing", "re"}
    assert not unwanted & set(loaded.split())
