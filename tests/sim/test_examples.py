"""Every example runs in debug mode, from its start to a clean stop."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

if os.name != "posix":
    pytest.skip("these terminals are POSIX's", allow_module_level=True)

from terminal import Program

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_clock_ticks_until_interrupted() -> None:
    """The clock writes the time, and Ctrl+C stops it."""
    with Program(str(EXAMPLES / "clock.py"), "debug") as program:
        program.expect(r"it is \d\d:\d\d:\d\d")
        program.send(signal.SIGINT)
        code = program.wait()

    assert code == 0


def test_worker_pauses_counts_and_goes_on() -> None:
    """The worker takes its keys: pause, statistics, continue, stop."""
    with Program(str(EXAMPLES / "worker.py"), "debug", keys=True) as program:
        program.expect("job 10 is done")
        program.type("p")
        program.expect("PAUSED")
        program.type("u")
        program.expect(r"\d+ jobs done, \d+ waiting")
        program.type("c")
        program.expect("job 20 is done")
        program.type("s")
        code = program.wait()

    assert code == 0


def test_worker_stops_from_a_pause() -> None:
    """A paused worker stops too."""
    with Program(str(EXAMPLES / "worker.py"), "debug", keys=True) as program:
        program.expect("RUNNING")
        program.type("p")
        program.expect("PAUSED")
        program.type("s")
        code = program.wait()

    assert code == 0


def test_slow_start_reports_checkpoints() -> None:
    """The slow starter gets its parameter, and its checkpoints rise."""
    with Program(str(EXAMPLES / "slow_start.py"), "debug", "2") as program:
        program.expect("loading part 2 of 2")
        program.expect("RUNNING")
        program.send(signal.SIGINT)
        code = program.wait()

    assert code == 0
    assert "checkpoint 3" in program.text
    assert "everything is put away" in program.text


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.py")), ids=lambda p: p.stem)
def test_example_without_command_shows_help(example: Path) -> None:
    """Without a command an example says what it can do, with exit code 2."""
    with Program(str(example)) as program:
        code = program.wait()

    assert code == 2
    assert "debug" in program.text
