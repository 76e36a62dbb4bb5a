"""Measure how long ControlService takes: winsvc, pywin32, and plain C.

Runs on Windows, or under Wine by way of run.py, which also compiles the client
and the C service.  In each round the services are started, sent their controls
by the client, and stopped.  Those that use no processor time run side by side
and get one control each in turn; those that do are measured one after another,
so that they do not compete.  More rounds make the ratios more precise; what
"C again" differs from C by is chance.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import platform
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import winsvc

HERE = Path(__file__).resolve().parent
CONDITIONS = {
    "idle": "the service waits for its stop",
    "busy": "four of its threads compute",
    "gil": "its main thread holds the GIL for 2 s at a time",
}
CONTROLS = ("interrogate", "user")
WARM_UP = 5
# pywin32 answers when the GIL is free: that takes 2 s for each control.
SLOW = {("pywin32", "gil"): 1}
VISIT_TIMEOUT = 300.0

Times = list[list[float]]
"""Microseconds: a list for each round."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """A service that is measured."""

    label: str
    name: str
    command: tuple[str, ...]


def make_subjects(programs: Path, logs: Path, pywin32: bool) -> list[Subject]:
    """Return the services, the yardstick first.

    The yardstick comes twice, to see what chance does.
    """
    c = str(programs / "cservice.exe")
    python = (sys.executable, "-P")
    target = f"{HERE / 'services' / 'winsvc_service.py'}:Latency"
    log = str(logs / "winsvc.log")
    host = (*python, "-m", "winsvc", "host", "--log-file", log, target)
    subjects = [
        Subject("C", "CLatency", (c,)),
        Subject("C again", "CLatencyAgain", (c,)),
        Subject("winsvc", "WinsvcLatency", host),
    ]
    if pywin32:
        # No -P: it imports from its own folder.
        script = str(HERE / "services" / "pywin32_service.py")
        subjects.append(Subject("pywin32", "Pywin32Latency", (sys.executable, script)))
    return subjects


@contextmanager
def installed(manager: winsvc.ServiceManager, subject: Subject) -> Iterator[None]:
    """Create a service, and delete it at the end."""
    config = winsvc.ServiceConfig(
        name=subject.name,
        command=subject.command,
        start_type=winsvc.StartType.MANUAL,
    )
    with manager.create(config) as service:
        try:
            yield
        finally:
            service.delete()


def groups(subjects: list[Subject], condition: str) -> list[list[Subject]]:
    """Return the services that can be measured side by side."""
    if condition == "busy":
        return [[subject] for subject in subjects]
    slow = [subject for subject in subjects if (subject.label, condition) in SLOW]
    quick = [subject for subject in subjects if subject not in slow]
    return [quick, *([subject] for subject in slow)]


def rotated(items: list[Any], number: int) -> list[Any]:
    """Return the items, beginning with another one for each number."""
    first = number % len(items)
    return items[first:] + items[:first]


def visit(
    client: Path, group: list[Subject], condition: str, controls: int
) -> dict[tuple[str, str], list[float]]:
    """Start services, measure and stop them; return times by (label, control)."""
    slow = SLOW.get((group[0].label, condition))
    labels = {subject.name: subject.label for subject in group}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "times.csv")
        count = str(min(controls, slow or controls))
        warm_up = str(slow or WARM_UP)
        subprocess.run(
            [client, file, condition, count, warm_up, *labels],
            check=True,
            stdin=subprocess.DEVNULL,
            timeout=VISIT_TIMEOUT,
        )
        times = defaultdict(list)
        with file.open(newline="") as lines:
            for name, control, microseconds in csv.reader(lines):
                times[labels[name], control].append(float(microseconds))
    return times


def percentile(ordered: list[float], percent: float) -> float:
    """Return the nearest-rank percentile of sorted values."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def ratios(times: Times, yardstick: Times) -> list[float]:
    """Return p50 ÷ the yardstick's p50, for each round."""
    return [
        statistics.median(own) / statistics.median(other)
        for own, other in zip(times, yardstick, strict=True)
    ]


def summarise(times: Times, yardstick: Times) -> Row:
    """Return a row of the table: microseconds, and the ratio of the medians."""
    ordered = sorted(value for values in times for value in values)
    by_round = sorted(ratios(times, yardstick))
    return {
        "n": len(ordered),
        "p50": percentile(ordered, 50),
        "p90": percentile(ordered, 90),
        "p99": percentile(ordered, 99),
        "max": ordered[-1],
        "ratio": statistics.median(by_round),
        "ratio_low": percentile(by_round, 25),
        "ratio_high": percentile(by_round, 75),
    }


def print_table(rows: list[Row]) -> None:
    """Print the rows, times in microseconds."""
    print(
        f"\n{'':4} {'':11} {'':8} {'n':>5} {'p50':>9} {'p90':>9} {'p99':>9} "
        f"{'max':>9}  p50 / C's: median over the rounds (middle half)"
    )
    for row in rows:
        print(
            "{condition:4} {control:11} {service:8} {n:5} {p50:9.0f} {p90:9.0f} "
            "{p99:9.0f} {max:9.0f}  {ratio:8.2f} ({ratio_low:.2f} to "
            "{ratio_high:.2f})".format(**row)
        )


def parse_arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument(
        "--controls", type=int, default=10, help="of each kind in a round"
    )
    parser.add_argument(
        "--conditions", nargs="+", choices=CONDITIONS, default=list(CONDITIONS)
    )
    parser.add_argument("--skip-pywin32", action="store_true")
    parser.add_argument(
        "--programs",
        type=Path,
        default=HERE.parent / "build" / "bench",
        help="folder of client.exe and cservice.exe; the results go there too",
    )
    options = parser.parse_args()
    if options.rounds < 1 or options.controls < 1:
        parser.error("--rounds and --controls: 1 at least")
    return options


def main() -> None:
    """Measure, print a table, write latency.json."""
    options = parse_arguments()
    programs: Path = options.programs.resolve()
    client = programs / "client.exe"
    pywin32 = find_spec("servicemanager") is not None and not options.skip_pywin32
    subjects = make_subjects(programs, programs, pywin32)
    labels = [subject.label for subject in subjects]
    measured: dict[tuple[str, str, str], Times] = defaultdict(list)
    with ExitStack() as stack:
        manager = stack.enter_context(winsvc.ServiceManager())
        for subject in subjects:
            stack.enter_context(installed(manager, subject))
        for condition, meaning in CONDITIONS.items():
            if condition not in options.conditions:
                continue
            print(f"{condition}: {meaning}", flush=True)
            for number in range(options.rounds):
                for group in rotated(groups(subjects, condition), number):
                    turn = rotated(group, number)
                    visited = visit(client, turn, condition, options.controls)
                    for (label, control), values in visited.items():
                        measured[condition, control, label].append(values)
                print(f"  round {number + 1} of {options.rounds}", flush=True)

    rows: list[Row] = [
        {"condition": condition, "control": control, "service": label}
        | summarise(times, measured[condition, control, "C"])
        for condition in CONDITIONS
        for control in CONTROLS
        for label in labels
        if (times := measured.get((condition, control, label)))
    ]
    print_table(rows)
    for (label, condition), count in SLOW.items():
        if label in labels and condition in options.conditions:
            print(f"{label}, {condition}: only {count} of each control in a round")
    result = {
        "system": platform.platform(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "winsvc": winsvc.__version__,
        "rounds": options.rounds,
        "rows": rows,
        "microseconds": {"/".join(key): times for key, times in measured.items()},
    }
    output = programs / "latency.json"
    output.write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(f"written: {output}")


if __name__ == "__main__":
    main()
