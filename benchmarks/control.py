"""How long ControlService takes, from call to return, under every condition.

Services that use no processor time are up side by side and get one control each in
turn, in rotated order; those that do are measured one after another, so that they do
not compete.  STOP comes once a round, when the rounds of all have been made.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from . import plan
from .results import Series
from .subjects import Bench, Subject, rotated, say

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


@dataclass(frozen=True, slots=True)
class Condition:
    """How a condition is measured.

    Args:
        name: Of ``services/load.py``.
        rounds: How many.
        turns: INTERROGATE and user codes in a round.
        pauses: PAUSE and CONTINUE in a round.
        settle: ms from RUNNING to the first control: all is at work then.
        rest: ms before each control: what the last one set going is over.
        is_alone: One service at a time is up, since they use the processors.
        turns_of_pywin32: It answers when the GIL is free; it is measured alone.
    """

    name: str
    rounds: int
    turns: int
    pauses: int
    settle: int = 200
    rest: int = 2
    is_alone: bool = False
    turns_of_pywin32: int | None = None


CONDITIONS = (
    Condition("idle", rounds=30, turns=100, pauses=20),
    Condition("busy", rounds=30, turns=100, pauses=5, is_alone=True),
    Condition("gil", rounds=10, turns=200, pauses=2, turns_of_pywin32=1),
    Condition("gc", rounds=10, turns=200, pauses=2, settle=6000, turns_of_pywin32=3),
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
            lines = list(visit(rotated(group, number), condition))
            for (name, control), times in times_of(bench.execute(lines)).items():
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


def visit(subjects: list[Subject], condition: Condition) -> Iterator[str]:
    """Return the plan of one round: start the services, control and stop them."""
    turns, pauses, warm_up = condition.turns, condition.pauses, WARM_UP_TURNS
    if condition.turns_of_pywin32 is not None and subjects[0].label == "pywin32":
        turns = pauses = condition.turns_of_pywin32
        warm_up = 0
    names = [subject.name for subject in subjects]
    for name in names:
        yield plan.start(name, condition.name)
        yield plan.watch(name, "RUNNING", 10)
    yield plan.sleep(condition.settle)
    for name in names * warm_up:
        yield plan.sleep(condition.rest)
        yield plan.control(name, WARM_UP)
    for turn in range(turns):
        for control in (plan.INTERROGATE, plan.USER):
            for name in rotated(names, turn):
                yield plan.sleep(condition.rest)
                yield plan.control(name, control)
    for turn in range(pauses):
        for control, state in ((plan.PAUSE, "PAUSED"), (plan.CONTINUE, "RUNNING")):
            for name in rotated(names, turn):
                yield plan.sleep(condition.rest)
                yield plan.control(name, control)
            for name in names:
                yield plan.watch(name, state, 2)
    for name in names:
        yield from plan.stop(name)


def times_of(
    records: list[plan.Record],
) -> dict[tuple[str, int], tuple[float, ...]]:
    """Return microseconds by service and control.

    Raises:
        RuntimeError: A control was refused: what it took is no answer's time.
    """
    times: dict[tuple[str, int], list[float]] = defaultdict(list)
    for record in records:
        if record.what == "control":
            before, after, control, error = record.values
            # The process may have ended before its answer to STOP left it.
            if error and control != plan.STOP:
                msg = f"{record.name} refused control {control} with error {error}"
                raise RuntimeError(msg)
            if control in NAMES:
                times[record.name, control].append((after - before) / 1000)
    return {key: tuple(values) for key, values in times.items()}
