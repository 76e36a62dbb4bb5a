"""How long a start takes, seen by the client and by winsvc's own journal.

All times begin when the client calls StartService.  Each round starts and stops the
services one after another, in rotated order, and runs bare Python processes between
them: what Python itself takes, and what its imports take.  A status counts as the
service's own once it is not what the SCM begins with (A-60).  The modules imported by
the process beside bare Python are those that a hosted service had when it was up.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import plan
from .results import Series
from .subjects import SERVICES, Bench, Subject, rotated, say

ROUNDS = 20
SLOW_ROUNDS = 3
REST = 100  # ms before each start: the last process has ended
SCMS_OWN = (plan.STATES["START_PENDING"], 0, 2000)
NS_PER_MS = 1e6
Times = dict[tuple[str, str], list[tuple[float, ...]]]  # by measure and subject


@dataclass(frozen=True, slots=True)
class Process:
    """A process that is run to its end: a yardstick."""

    label: str
    command: tuple[str, ...]


BARE = "python -c pass"
IMPORT = "import winsvc"
HOSTING = "what a service imports"


def measure(bench: Bench) -> Iterator[Series]:
    """Measure starts: milliseconds."""
    quick = bench.winsvc("QuickStart", file="quick_start.py")
    slow = bench.winsvc("SlowStart", file="slow_start.py")
    plain = [bench.c(), quick, *bench.pywin32("quick_pywin32.py", "BenchQuickPywin32")]
    imports = [slow, *bench.pywin32("slow_pywin32.py", "BenchSlowPywin32")]
    with bench.installed([*plain, *imports]):
        items: list[Subject | Process] = [
            *plain,
            *processes(hosted_modules(bench, quick)),
        ]
        for item in items:  # once for the system's caches
            list(visit(bench, item))
        yield from rounds(bench, "plain", ROUNDS, items)
        yield from rounds(bench, "5 s import", SLOW_ROUNDS, imports)


def hosted_modules(bench: Bench, quick: Subject) -> Path:
    """Start a service once; return the file that names the modules that it had."""
    start_and_stop(bench, quick)
    _, modules = told(bench)
    file = bench.programs / "modules.txt"
    file.write_text("\n".join(importable(modules)), encoding="utf-8")
    return file


def importable(modules: Sequence[str]) -> list[str]:
    """Return the modules that any process can import: not the service's own."""
    own = {"__main__", *(file.stem for file in SERVICES.glob("*.py"))}
    return [name for name in modules if name not in own]


def processes(modules: Path) -> list[Process]:
    """Return the yardsticks."""
    # -P, as the services have it: the folder this runs in is nobody's to import from.
    python = (sys.executable, "-P")
    return [
        Process(BARE, (*python, "-c", "pass")),
        Process(IMPORT, (*python, "-c", "import winsvc")),
        Process(HOSTING, (*python, str(SERVICES / "imports.py"), str(modules))),
    ]


def rounds(
    bench: Bench, condition: str, default: int, items: Sequence[Subject | Process]
) -> Iterator[Series]:
    """Measure services and processes in turn."""
    times: Times = defaultdict(list)
    for number in bench.rounds(default):
        for item in rotated(items, number):
            for name, value in visit(bench, item):
                times[name, item.label].append((value,))
        say(f"  {condition}: round {number + 1}")
    add_differences(times)
    for (name, label), values in times.items():
        yield Series("start", condition, name, label, "ms", tuple(values))


def add_differences(times: Times) -> None:
    """Add what the imports take: a process less bare Python, round by round."""
    for label in (IMPORT, HOSTING):
        if values := times.get(("process", label)):
            times["above bare Python", label] = [
                (value - least,)
                for (value,), (least,) in zip(
                    values, times["process", BARE], strict=True
                )
            ]


def visit(bench: Bench, item: Subject | Process) -> Iterator[tuple[str, float]]:
    """Measure one start: yield names and milliseconds.

    Raises:
        RuntimeError: A process has failed.
    """
    if isinstance(item, Process):
        lines = [plan.sleep(REST), plan.run(list(item.command))]
        (record,) = bench.execute(lines)
        before, after, exit_code = record.values
        if exit_code != 0:
            msg = f"{item.label} ended with {exit_code}"
            raise RuntimeError(msg)
        yield "process", (after - before) / NS_PER_MS
        return
    records = start_and_stop(bench, item)
    before, after = records[0].values
    yield "StartService", (after - before) / NS_PER_MS
    yield "own status visible", (first_own(records) - before) / NS_PER_MS
    yield "RUNNING visible", (first_running(records) - before) / NS_PER_MS
    if item.label == "winsvc":
        (reported, running), _ = told(bench)
        yield "first report", (reported - before) / NS_PER_MS
        yield "RUNNING reported", (running - before) / NS_PER_MS


def start_and_stop(bench: Bench, subject: Subject) -> list[plan.Record]:
    """Start a service, look every millisecond until it is up, and stop it."""
    return bench.execute(
        [
            plan.sleep(REST),
            plan.start(subject.name, str(report_file(bench))),
            plan.watch(subject.name, "RUNNING", 1),
            plan.sleep(REST),
            *plan.stop(subject.name),
        ]
    )


def report_file(bench: Bench) -> Path:
    """Return the file that quick_start.py writes."""
    return bench.programs / "start.txt"


def told(bench: Bench) -> tuple[tuple[int, int], list[str]]:
    """Return what quick_start.py has told: its first report, RUNNING, its modules."""
    file = report_file(bench)
    first, running, *modules = file.read_text(encoding="utf-8").split()
    file.unlink()  # nobody reads it twice
    return (int(first), int(running)), modules


def first_own(records: Sequence[plan.Record]) -> int:
    """Return when the client first saw a status that the service itself had reported.

    That is the first one but the SCM's own.  Wine's StartService returns only after
    the service's first report (H-2), so that its own is never seen there.
    """
    return next(at for at, *status in statuses(records) if tuple(status) != SCMS_OWN)


def first_running(records: Sequence[plan.Record]) -> int:
    """Return when the client first saw RUNNING."""
    return next(
        at for at, state, *_ in statuses(records) if state == plan.STATES["RUNNING"]
    )


def statuses(records: Sequence[plan.Record]) -> Iterator[tuple[int, ...]]:
    """Return what ``watch`` has seen: at, state, checkpoint, hint."""
    return (record.values for record in records if record.what == "status")
