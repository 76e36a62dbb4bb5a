"""The demo: the README's first command."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

STATES = [
    "START_PENDING",
    "RUNNING",
    "PAUSE_PENDING",
    "PAUSED",
    "CONTINUE_PENDING",
    "RUNNING",
    "STOP_PENDING",
    "STOPPED",
]


@pytest.fixture(scope="module")
def shown() -> subprocess.CompletedProcess[str]:
    """The demo's output and exit code."""
    command = [sys.executable, "-X", "utf8", "-m", "winsvc", "demo"]
    return subprocess.run(
        command, capture_output=True, encoding="utf-8", check=False, timeout=60
    )


def test_demo_shows_whole_life(shown: subprocess.CompletedProcess[str]) -> None:
    """All states in their order, and no word on stderr."""
    states = re.findall(r"\d s +([A-Z_]{6,})", shown.stdout)
    order = [s for i, s in enumerate(states) if i == 0 or s != states[i - 1]]

    assert shown.returncode == 0
    assert not shown.stderr
    assert order == STATES
    assert states.count("START_PENDING") >= 5


def test_demo_answers_while_gil_is_held(
    shown: subprocess.CompletedProcess[str],
) -> None:
    """The control is answered long before Python can get to it."""
    match = re.search(
        r"user 129 +answered in ([\d.]+) (µs|ms|s), in Python (\S+ \S+) later",
        shown.stdout,
    )

    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        assert match is None
        return
    assert match is not None
    units = {"s": 1, "ms": 1e-3, "µs": 1e-6}
    answered = float(match[1]) * units[match[2]]
    number, unit = match[3].split()
    handled = float(number) * units[unit]
    assert answered < handled
    assert handled > 0.8  # the GIL was held for a second


def test_demo_is_plain_without_terminal(
    shown: subprocess.CompletedProcess[str],
) -> None:
    """No colour codes in a pipe, lines that fit, two lines of advice at the end."""
    lines = shown.stdout.splitlines()

    assert "\033" not in shown.stdout
    assert max(map(len, lines)) <= 80
    assert lines[-2].startswith("Next: ")


def test_demo_writes_to_any_encoding() -> None:
    """A terminal without a micro sign gets plain letters."""
    script = "from winsvc.commands.progress import describe_duration as d; import sys; "
    script += "print(d(12e-6, sys.stdout))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        env={**__import__("os").environ, "PYTHONIOENCODING": "ascii"},
        check=True,
        timeout=60,
    )

    assert done.stdout.strip() == b"12 us"
