"""How long ControlService takes, from call to return, under every condition.

Services that use no processor time are up side by side and get one control each in
turn, in rotated order; those that do are measured one after another, so that they do
not compete.  STOP comes once a round, at its end.  "C handing over" wakes a thread
for each user code, as winsvc has to for Python.
"""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import plan
from .results import Series
from .subjects import Bench, Subject, handler_times, rotated, say

NAMES = {
    plan.INTERROGATE: "INTERROGATE",
    plan.USER: "user code",
    plan.PAUSE: "PAUSE",
    plan.CONTINUE: "CONTINUE",
    plan.STOP: "STOP",
}
# Sent first, to have everything in the caches; its times do not count.
WARM_UP = 255
WARM_UP_TURNS = 5
IS_UP = 0  # of services/load.py
SETTLE = 200  # ms from RUNNING to the first control


Times = dict[tuple[str, int], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Condition:
    """How a condition is measured.

    Args:
        name: Of ``services/load.py``.
        rounds: How many.
        turns: INTERROGATE and user codes in a round.
        pauses: PAUSE and CONTINUE in a round.
        settle: The same for the services in Python: the condition holds then.
        rest: ms before each control: what the last one set going is over.
        is_alone: One service at a time is up, since they use the processors.
        turns_of_pywin32: It answers when the GIL is free; it is measured alone.
        spread: ms: its controls come at any time of what holds the GIL, which its
            answer ends.
    """

    name: str
    rounds: int
    turns: int
    pauses: int
    settle: int = SETTLE
    rest: int = 2
    is_alone: bool = False
    turns_of_pywin32: int | None = None
    spread: int = 0


CONDITIONS = (
    Condition("idle", rounds=30, turns=100, pauses=20),
    Condition("busy", rounds=20, turns=100, pauses=3, is_alone=True),
    Condition("gil", rounds=6, turns=200, pauses=2, turns_of_pywin32=2, spread=2000),
    Condition(
        "gc",
        rounds=8,
        turns=200,
        pauses=2,
        settle=6000,
        is_alone=True,
        turns_of_pywin32=3,
        spread=1000,
    ),
    Condition("slow", rounds=10, turns=25, pauses=5, rest=60),
)


def measure(bench: Bench) -> Iterator[Series]:
    """Measure all conditions: microseconds."""
    subjects = [
        bench.c(),
        bench.c("C again"),
        bench.c("C handing over", "hand-over"),
        bench.winsvc(),
        *bench.pywin32(),
    ]
    with bench.installed(subjects):
        for condition in CONDITIONS:
            yield from measure_condition(bench, subjects, condition)


def measure_condition(
    bench: Bench, subjects: list[Subject], condition: Condition
) -> Iterator[Series]:
    """Measure the services under one condition."""
    rounds: dict[tuple[str, str], list[tuple[float, ...]]] = defaultdict(list)
    labels = {subject.name: subject.label for subject in subjects}
    for number in bench.rounds(condition.rounds):
        for group in rotated(groups(subjects, condition), number):
            visited = visit(bench, rotated(group, number), condition)
            for (name, control), times in visited.items():
                rounds[labels[name], NAMES[control]].append(times)
        say(f"  {condition.name}: round {number + 1}")
    for label in labels.values():
        for what in NAMES.values():
            yield Series(
                group="control",
                condition=condition.name,
                measure=what,
                subject=label,
                unit="us",
                rounds=tuple(rounds[label, what]),
            )


def groups(subjects: list[Subject], condition: Condition) -> list[list[Subject]]:
    """Return the services that can be up side by side."""
    if condition.is_alone:
        return [[subject] for subject in subjects]
    if condition.turns_of_pywin32 is None:
        return [subjects]
    slow = [subject for subject in subjects if subject.label == "pywin32"]
    rest = [subject for subject in subjects if subject.label != "pywin32"]
    return [group for group in (rest, slow) if group]


def visit(bench: Bench, subjects: list[Subject], condition: Condition) -> Times:
    """Measure services in one round: microseconds by service and control."""
    with tempfile.TemporaryDirectory() as folder:
        files = {each.name: Path(folder, each.name) for each in subjects}
        records = bench.execute(list(make_plan(files, subjects, condition)))
        for each in subjects:
            if is_python(each) and condition.name in ("busy", "gil", "gc"):
                own = [record for record in records if record.name == each.name]
                text = files[each.name].read_text(encoding="ascii")
                check_condition(own, handler_times(text)[IS_UP])
    return times_of(records)


def is_python(subject: Subject) -> bool:
    """Tell whether a service is in Python: a condition may need time there."""
    return not subject.label.startswith("C")


def check_condition(records: list[plan.Record], is_up: list[int]) -> None:
    """Check that a service's condition held when its first control came.

    Raises:
        RuntimeError: It did not.
    """
    first = next(each for each in records if each.what == "control")
    if not is_up or is_up[0] > first.values[0]:
        msg = f"{first.name}'s condition did not hold in time: let it settle longer"
        raise RuntimeError(msg)


def make_plan(
    files: dict[str, Path], subjects: list[Subject], condition: Condition
) -> Iterator[str]:
    """Return the plan of one round: start the services, control and stop them."""
    turns, pauses, warm_up = condition.turns, condition.pauses, WARM_UP_TURNS
    spread = 0
    if condition.turns_of_pywin32 is not None and subjects[0].label == "pywin32":
        turns = pauses = condition.turns_of_pywin32
        warm_up = 0
        spread = condition.spread
    names = [subject.name for subject in subjects]
    for name in names:
        yield plan.start(name, condition.name, str(files[name]))
        yield plan.watch(name, "RUNNING", 10)
    yield plan.sleep(condition.settle if any(map(is_python, subjects)) else SETTLE)
    for name in names * warm_up:
        yield plan.sleep(condition.rest)
        yield plan.control(name, WARM_UP)
    for turn in range(turns):
        for control in (plan.INTERROGATE, plan.USER):
            for name in rotated(names, turn):
                yield plan.sleep(condition.rest + random.randint(0, spread))
                yield plan.control(name, control)
    for turn in range(pauses):
        for control, state in ((plan.PAUSE, "PAUSED"), (plan.CONTINUE, "RUNNING")):
            for name in rotated(names, turn):
                yield plan.sleep(condition.rest + random.randint(0, spread))
                yield plan.control(name, control)
            for name in names:
                yield plan.watch(name, state, 2)
    for name in names:
        yield from plan.stop(name)


def times_of(records: list[plan.Record]) -> Times:
    """Return microseconds by service and control.

    Raises:
        RuntimeError: A control was refused: what it took is no answer's time.
    """
    times: dict[tuple[str, int], list[float]] = defaultdict(list)
    for record in records:
        if record.what == "control":
            before, after, control, error = record.values
            if error and control != plan.STOP:
                msg = f"{record.name} refused control {control} with error {error}"
                raise RuntimeError(msg)
            # The process may have ended before its answer to STOP left it.
            if control in NAMES and not error:
                times[record.name, control].append((after - before) / 1000)
    return {key: tuple(values) for key, values in times.items()}
