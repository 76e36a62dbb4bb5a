"""The example of two services in one process: in debug mode, and both together."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import sys
from pathlib import Path
from types import ModuleType

import pytest
from simrig import Rig

from winsvc.states import State

EXAMPLE = Path(__file__).parents[2] / "examples" / "shared.py"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example, imported."""
    spec = importlib.util.spec_from_file_location("shared_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "shared_example", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(os.name != "posix", reason="these terminals are POSIX's")
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("PyCollector", r"PyCollector: \d+ MB are free"),
        ("pyreporter", "PyReporter: nothing is measured yet"),
    ],
)
def test_each_runs_in_a_terminal(name: str, line: str) -> None:
    """Debug mode runs the one that is named, alone; Ctrl+C stops it."""
    from terminal import Program

    with Program(str(EXAMPLE), "debug", name) as program:
        program.expect(line)
        program.send(signal.SIGINT)
        code = program.wait()

    assert code == 0


def test_both_share_a_variable_and_stop_by_themselves(
    rig: Rig, example: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    """The reporter tells what the collector measures, and goes on without it."""
    caplog.set_level(logging.INFO, "winsvc")
    collector, reporter = rig.scm.add_process(example.Collector, example.Reporter)
    for handle in (reporter, collector):
        handle.start()
        rig.reach(handle.name, State.RUNNING)

    def told(service: str, text: str) -> bool:
        return any(
            record.name == f"winsvc.{service}" and text in record.getMessage()
            for record in caplog.records
        )

    def tick_until(service: str, text: str) -> None:
        rig.pass_time(0.1, lambda: told(service, text), f"{service} says {text!r}")

    tick_until("PyCollector", "MB are free")
    tick_until("PyReporter", "MB were free")
    process = collector.status().pid
    collector.stop()
    rig.reach("PyCollector", State.STOPPED)
    caplog.clear()
    tick_until("PyReporter", "MB were free")
    left = reporter.status()
    reporter.stop()

    assert left.state is State.RUNNING
    assert left.pid == process
    assert rig.scm.wait_gone("PyReporter") == 0
