"""Completion in shells: commands, options, and the services that there are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import winsvc
from winsvc.commands.completion import complete, service_names
from winsvc.commands.parsing import make_parser
from winsvc.errors import NoSCM
from winsvc.manage.manager import ServiceManager

# In a process of its own: argcomplete takes descriptors 8 and 9 as its own.
SCRIPT = """
import winsvc
from winsvc.manage.manager import ServiceManager
from winsvc.testing.database import SimulatedBackend

backend = SimulatedBackend(virtual=False)
with ServiceManager(backend=backend) as manager:
    manager.create(winsvc.ServiceConfig(name="Sample", command=("C:/x.exe",))).close()
winsvc.main(argv=[], manager_factory=lambda: ServiceManager(backend=backend))
"""


def completed(line: str, folder: Path) -> set[str]:
    """Return what a shell offers at the end of a line, by argcomplete's protocol."""
    pytest.importorskip("argcomplete")
    answers = folder / "answers"
    subprocess.run(
        [sys.executable, "-c", SCRIPT],
        check=True,
        timeout=60,
        env=os.environ
        | {
            "PYTHONPATH": str(Path(winsvc.__file__).parents[1]),
            "_ARGCOMPLETE": "1",
            "_ARGCOMPLETE_IFS": "\n",
            "_ARGCOMPLETE_STDOUT_FILENAME": str(answers),
            "COMP_LINE": line,
            "COMP_POINT": str(len(line)),
        },
    )
    return {word.strip() for word in answers.read_text().split("\n")}


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("winsvc sta", {"start", "status"}),
        ("winsvc status Sa", {"Sample"}),
        ("winsvc apply Sa", {"Sample"}),
        ("winsvc stop --depen", {"--dependents"}),
        ("winsvc list --state st", {"stopped"}),
    ],
)
def test_shell_is_offered_what_can_come_next(
    tmp_path: Path, line: str, offered: set[str]
) -> None:
    """Names come from the SCM."""
    assert completed(line, tmp_path) == offered


def test_names_are_none_without_an_scm() -> None:
    """An error in the middle of a command line helps nobody."""

    def none() -> ServiceManager:
        raise NoSCM(operation="open the SCM")

    assert service_names(none) == []


def test_nothing_is_done_without_argcomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "argcomplete", None)

    complete(make_parser(()), None)


def test_module_is_marked_for_global_completion() -> None:
    """argcomplete looks into its first 1024 bytes."""
    file = Path(winsvc.__file__).with_name("__main__.py")

    assert b"PYTHON_ARGCOMPLETE_OK" in file.read_bytes()[:1024]
