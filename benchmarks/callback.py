"""From a control sent to what follows: it returns, its status shows, Python runs.

``handler``, ``on_pause``: from the client's call to the first line of the service's
handler, whose times the services write down; plain C's is that of its control handler,
no thread between.  ``status``: from the call of PAUSE until the client, which asks as
soon as that has returned, sees another state than RUNNING.  All processes share the
clock.

Under ``busy`` Python's handler waits for its turn at the GIL, which comes after
its switch interval, 5 ms: a further service on winsvc has set it to a tenth.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from . import plan
from .results import Series
from .subjects import Bench, Subject, handler_times, rotated, say

ROUNDS = {"idle": 30, "busy": 15}
TURNS = {"idle": 50, "busy": 20}
PAUSES = {"idle": 10, "busy": 3}
# ms before each control: what waits is asleep again, the last handler long over.
REST = {"idle": 3, "busy": 100}
SETTLE = 200  # ms from RUNNING to the first control
Rounds = dict[tuple[str, str], list[tuple[float, ...]]]


def measure(bench: Bench) -> Iterator[Series]:
    """Measure idle and busy services: microseconds."""
    common = [bench.c(), bench.winsvc(), *bench.pywin32()]
    asyncio = bench.winsvc("Asyncio", "winsvc asyncio")
    quick = bench.winsvc("Quick", "winsvc, 0.5 ms turns")
    with bench.installed([*common, asyncio, quick]):
        yield from measure_condition(bench, [*common, asyncio], "idle")
        yield from measure_condition(bench, [*common, quick], "busy")


def measure_condition(
    bench: Bench, subjects: list[Subject], condition: str
) -> Iterator[Series]:
    """Measure services side by side when they are idle, else one after another."""
    rounds: Rounds = defaultdict(list)
    for number in bench.rounds(ROUNDS[condition]):
        group = rotated(subjects, number)
        groups = [group] if condition == "idle" else [[each] for each in group]
        for each in groups:
            visit(bench, each, condition, rounds)
        say(f"  {condition}: round {number + 1}")
    for (label, what), values in rounds.items():
        yield Series(
            group="callback",
            condition=condition,
            measure=what,
            subject=label,
            unit="us",
            rounds=tuple(values),
        )


def visit(
    bench: Bench, subjects: list[Subject], condition: str, rounds: Rounds
) -> None:
    """Start the services, measure and stop them."""
    with tempfile.TemporaryDirectory() as folder:
        files = {each.name: Path(folder, each.name) for each in subjects}
        records = bench.execute(list(make_plan(files, condition)))
        for each in subjects:
            own = [record for record in records if record.name == each.name]
            came = handler_times(files[each.name].read_text(encoding="ascii"))
            for what, values in delays(own, came):
                rounds[each.label, what].append(values)


def make_plan(files: dict[str, Path], condition: str) -> Iterator[str]:
    """Return the plan of one round."""
    names = list(files)
    for name in names:
        yield plan.start(name, condition, str(files[name]))
        yield plan.watch(name, "RUNNING", 10)
    yield plan.sleep(SETTLE)
    for turn in range(TURNS[condition]):
        for name in rotated(names, turn):
            yield plan.sleep(REST[condition])
            yield plan.control(name, plan.USER)
    for _ in range(PAUSES[condition]):
        for control, state in ((plan.PAUSE, "PAUSED"), (plan.CONTINUE, "RUNNING")):
            for name in names:
                yield plan.sleep(REST[condition])
                yield plan.control(name, control)
                yield plan.watch(name, state, 0)
    for name in names:
        yield from plan.stop(name)


def delays(
    records: list[plan.Record], came: dict[int, list[int]]
) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Return the microseconds of one service's round.

    Raises:
        ValueError: It has not handled as many controls as it was sent.
    """
    sent: dict[int, list[int]] = defaultdict(list)
    shown: list[int] = []  # after each PAUSE, the first sight of what it does
    for record in records:
        if record.what == "control":
            sent[record.values[2]].append(record.values[0])
        elif record.what == "status" and len(shown) < len(sent[plan.PAUSE]):
            at, state, *_ = record.values
            if state != plan.STATES["RUNNING"]:
                shown.append(at)
    for control, what in ((plan.USER, "handler"), (plan.PAUSE, "on_pause")):
        pairs = zip(sent[control], came[control], strict=True)
        yield what, tuple((after - before) / 1000 for before, after in pairs)
    pairs = zip(sent[plan.PAUSE], shown, strict=True)
    yield "status", tuple((after - before) / 1000 for before, after in pairs)
