"""Growth with the number of services: up to 64, in as many processes.

As many services in plain C are up beside those on winsvc.  All get INTERROGATE and a
user code in turn, one of C and one of winsvc side by side, so that both see the same
conditions: a condition's name says how many there are of each kind.  Services are
started one after the other; at the end all are told to stop, then waited for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from . import plan
from .control import WARM_UP
from .results import Series
from .subjects import Bench, Subject, rotated, say

ROUNDS = 2
NUMBERS = (1, 4, 16, 64)
TURNS = 256  # controls of each code to each kind, whatever the number
REST = 2  # ms before each control: what the last one set going is over
SETTLE = 500  # ms from the last start to the first control
CONTROLS = {plan.INTERROGATE: "INTERROGATE", plan.USER: "user code"}
Kind = list[Subject]
Found = dict[tuple[int, str, str, str], list[tuple[float, ...]]]


def measure(bench: Bench) -> Iterator[Series]:
    """Measure controls, starts and stops."""
    kinds = [copies(bench.c()), copies(bench.winsvc())]
    found: Found = defaultdict(list)
    with bench.installed([subject for kind in kinds for subject in kind]):
        for number in bench.rounds(ROUNDS):
            for count, before in zip(NUMBERS, (0, *NUMBERS), strict=False):
                new = [kind[before:count] for kind in rotated(kinds, number)]
                up = [kind[:count] for kind in rotated(kinds, number)]
                records = bench.execute([*start(new), *control(up)])
                add(found, count, kinds, records)
                say(f"  {count} services: round {number + 1}")
            for kind in rotated(kinds, number):
                add(found, NUMBERS[-1], [kind], bench.execute(list(stop(kind))))
    for (count, name, label, unit), values in found.items():
        condition = f"{count} services" if count > 1 else "1 service"
        yield Series("many", condition, name, label, unit, tuple(values))


def copies(subject: Subject) -> Kind:
    """Return as many services with one command."""
    return [
        replace(subject, name=f"BenchMany{subject.label.title()}{number}")
        for number in range(1, NUMBERS[-1] + 1)
    ]


def start(kinds: Sequence[Kind]) -> Iterator[str]:
    """Return the plan to start services."""
    for kind in kinds:
        for subject in kind:
            yield plan.start(subject.name, "idle")
            yield plan.watch(subject.name, "RUNNING", 1)


def control(kinds: Sequence[Kind]) -> Iterator[str]:
    """Return the plan to control all services that are up."""
    yield plan.sleep(SETTLE)
    for subject in (subject for kind in kinds for subject in kind):
        yield plan.control(subject.name, WARM_UP)
    for turn in range(TURNS):
        for code in CONTROLS:
            for kind in rotated(kinds, turn):
                yield plan.sleep(REST)
                yield plan.control(kind[turn % len(kind)].name, code)


def stop(kind: Kind) -> Iterator[str]:
    """Return the plan to stop all services of a kind."""
    for subject in kind:  # a look keeps a handle of the process, to see its end
        yield plan.watch(subject.name, "RUNNING", 1)
    for subject in kind:
        yield plan.control(subject.name, plan.STOP)
    for subject in kind:
        yield plan.watch(subject.name, "STOPPED", 1)
    for subject in kind:
        yield plan.gone(subject.name)


def add(
    found: Found, count: int, kinds: Sequence[Kind], records: Sequence[plan.Record]
) -> None:
    """Add what the records of one plan say.

    Raises:
        RuntimeError: A control was refused: what it took is no answer's time.
    """
    for kind in kinds:
        label = kind[0].label
        names = {subject.name for subject in kind}
        own = [record for record in records if record.name in names]
        for code, name in CONTROLS.items():
            if times := controls(own, code):
                found[count, name, label, "us"].append(times)
        if times := starts(own):
            found[count, "start to RUNNING", label, "ms"].append(times)
        for name, what in (("stop all", "status"), ("end of all processes", "gone")):
            if duration := stops(own, what):
                found[count, name, label, "ms"].append((duration,))


def controls(records: Sequence[plan.Record], wanted: int) -> tuple[float, ...]:
    """Return the microseconds of the controls with a code."""
    times = []
    for record in records:
        if record.what == "control":
            before, after, code, error = record.values
            if code == wanted:
                if error:
                    msg = f"{record.name} refused control {code} with error {error}"
                    raise RuntimeError(msg)
                times.append((after - before) / 1e3)
    return tuple(times)


def starts(records: Sequence[plan.Record]) -> tuple[float, ...]:
    """Return the milliseconds from each StartService to RUNNING."""
    begins = {each.name: each.values[0] for each in records if each.what == "start"}
    return tuple(
        (each.values[0] - begins[each.name]) / 1e6
        for each in records
        if each.what == "status"
        and each.name in begins
        and each.values[1] == plan.STATES["RUNNING"]
    )


def stops(records: Sequence[plan.Record], what: str) -> float | None:
    """Return the milliseconds from the first STOP to the last record of a kind."""
    begins = [
        each.values[0]
        for each in records
        if each.what == "control" and each.values[2] == plan.STOP
    ]
    if not begins:
        return None
    last = max(each.values[0] for each in records if each.what == what)
    return (last - min(begins)) / 1e6
