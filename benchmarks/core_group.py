"""The group ``core``: without an SCM, in this Python, on this Linux.

What ``core.py`` counts and ``python_side.py`` measures, as series.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import core
from .callgrind import CountError
from .results import Series
from .subjects import say

GROUP = "core"
COMPILER = "gcc"


def measure(rounds: int | None) -> Iterator[Series]:
    """Measure: counts for one operation, and microseconds.

    Args:
        rounds: Processes of pyperf's; the counts are the same each time.

    Raises:
        RuntimeError: pyperf has failed.
    """
    say(f"{GROUP}:")
    try:
        yield from counted(core.measure(COMPILER))
    except CountError as error:
        say(f"  no instructions counted: {error}")
    say("  Python's side, with pyperf")
    yield from python_side(rounds)


def counted(counts: core.Counts) -> Iterator[Series]:
    """Return the counts; the compiler, which they depend on, is in the condition."""
    for what in ("instructions", "calls"):
        for name, cost in counts.costs.items():
            yield Series(
                group=GROUP,
                condition=f"{what}, {counts.compiler}",
                measure=name,
                subject="winsvc",
                unit="count",
                rounds=((float(getattr(cost, what)),),),
            )


def python_side(rounds: int | None) -> Iterator[Series]:
    """Run pyperf, and return its times: a round is one of its processes."""
    import pyperf

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "python_side.json")
        command = [sys.executable, "-m", f"{__package__}.python_side", "--quiet"]
        command += ["-o", str(file)]
        if rounds is not None:
            command += ["--processes", str(rounds)]
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        if done.returncode:
            msg = f"{' '.join(command)} ended with {done.returncode}"
            raise RuntimeError(msg)
        suite = pyperf.BenchmarkSuite.load(str(file))
    for each in suite.get_benchmarks():
        yield Series(
            group=GROUP,
            condition="Python's side",
            measure=each.get_name(),
            subject="winsvc",
            unit="us",
            rounds=tuple(
                tuple(value * 1e6 for value in run.values)
                for run in each.get_runs()
                if run.values  # others have calibrated
            ),
        )
