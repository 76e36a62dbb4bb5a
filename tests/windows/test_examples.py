"""The examples, installed by their own command line and driven; and the demo."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from lab import HERE, Lab, eventually

Tool = Callable[..., "subprocess.CompletedProcess[str]"]
EXAMPLES = HERE.parents[1] / "examples"


class Script:
    """An example under a name of its own."""

    def __init__(self, tool: Tool, file: str, name: str, log_file: Path) -> None:
        self._tool = tool
        self._file = str(EXAMPLES / file)
        self._name = name
        self.log_file = log_file

    def __call__(self, command: str, *arguments: str) -> str:
        """Run one of its commands; return what it printed."""
        words = (command, "--name", self._name, *arguments)
        done = self._tool(sys.executable, "-P", self._file, *words)
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.mark.parametrize(
    ("file", "commands", "logged"),
    [
        ("clock.py", [("status",)], ["it is "]),
        (
            "worker.py",
            [("pause",), ("continue",), ("control", "128"), ("status",)],
            ["job", "done"],
        ),
        ("slow_start.py", [("status",)], ["is running"]),
    ],
)
def test_example_is_installed_and_driven(
    lab: Lab, tool: Tool, file: str, commands: list[tuple[str, ...]], logged: list[str]
) -> None:
    """install, start, its own commands, restart, stop, remove."""
    log_file = lab.folder / "example.log"
    script = Script(tool, file, lab.unique(file), log_file)
    script("install", "--log-file", str(log_file), "--start-type", "manual")
    script("start")
    printed = [script(*command) for command in commands]
    eventually(
        lambda: all(text in script.log_file.read_text("utf-8") for text in logged),
        f"{logged} in the log",
    )
    script("restart")
    script("stop")
    stopped = script("status")
    script("remove")

    assert "RUNNING" in printed[-1]
    assert "STOPPED" in stopped


def test_demo_runs(tool: Tool) -> None:
    """The simulated SCM works on Windows too."""
    done = tool(sys.executable, "-P", "-m", "winsvc", "demo")

    assert done.returncode == 0, done.stdout
    assert "STOPPED" in done.stdout
