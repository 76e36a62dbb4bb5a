"""10 000 user controls as fast as one client can send them.

``rate``: ControlService calls a second.  ``refused``: calls that failed.  ``lost``:
neither refused nor handled, by the times that the service has written when it had
handled all: a control that the client was told is delivered and that never was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import plan
from .results import Series
from .subjects import Bench, Subject, handler_times, rotated, say

ROUNDS = 5
CONTROLS = 10_000
SETTLE = 200  # ms
WARM_UP = 500  # controls that do not count, of another code
UNITS = {"rate": "1/s", "refused": "count", "lost": "count"}


def measure(bench: Bench) -> Iterator[Series]:
    """Measure rates and losses."""
    subjects = [bench.c(), bench.winsvc(), *bench.pywin32()]
    found: dict[tuple[str, str], list[tuple[float, ...]]] = defaultdict(list)
    with bench.installed(subjects):
        for number in bench.rounds(ROUNDS):
            for subject in rotated(subjects, number):
                for name, value in visit(bench, subject).items():
                    found[name, subject.label].append((value,))
            say(f"  idle: round {number + 1}")
    for (name, label), values in found.items():
        yield Series("flood", "idle", name, label, UNITS[name], tuple(values))


def visit(bench: Bench, subject: Subject) -> dict[str, float]:
    """Flood one service."""
    times = bench.programs / "flood.txt"
    times.unlink(missing_ok=True)
    records = bench.execute(
        [
            plan.start(subject.name, "idle", str(times)),
            plan.watch(subject.name, "RUNNING", 10),
            plan.sleep(SETTLE),
            plan.flood(subject.name, plan.USER + 1, WARM_UP),
            plan.sleep(SETTLE),
            plan.flood(subject.name, plan.USER, CONTROLS),
            *plan.stop(subject.name),
        ]
    )
    return evaluate(records, handled(times))


def handled(times: Path) -> int:
    """Return how many user controls a service says that it has handled."""
    return len(handler_times(times.read_text(encoding="ascii"))[plan.USER])


def evaluate(records: Sequence[plan.Record], handled: int) -> dict[str, float]:
    """Return the values of one flood."""
    *_, flood = (record for record in records if record.what == "flood")
    before, after, sent, refused = flood.values
    return {
        "rate": sent / (after - before) * 1e9,
        "refused": refused,
        "lost": sent - refused - handled,
    }
