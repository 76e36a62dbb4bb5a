"""How near a pending service comes to its wait hint, as a client sees it.

The service takes 8 s for its start, for its pause and for its stop; the client looks
every 20 ms.  A client gives up when the checkpoint has not risen for longer than the
hint that it sees (C-11): a value is the longest time without a rise divided by that
hint, of one pending phase.  Below 1: nobody gives up.  The phase's begin and end
count as rises.  pywin32 reports nothing by itself, whatever the condition: it is
measured idle, in the first round.  Its start is not measured under Wine, whose
StartService returns only after the first report (H-2), when what took long is over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from . import plan
from .results import Series, wine_version
from .subjects import Bench, Subject, rotated, say

ROUNDS = 2
LOOK = 20  # ms
CONDITIONS = ("idle", "busy", "gil", "gc")
PHASES = ("START_PENDING", "PAUSE_PENDING", "STOP_PENDING")
LEAST_HINT = 1000  # ms: a client's first look, which is all that hint 0 gives (C-11)


def measure(bench: Bench) -> Iterator[Series]:
    """Measure gaps between checkpoints: ratios to the wait hint."""
    own = bench.winsvc("Pending", file="pending_service.py")
    others = bench.pywin32("pending_pywin32.py", "BenchPendingPywin32")
    ratios: dict[tuple[str, str, str], list[tuple[float, ...]]] = defaultdict(list)
    with bench.installed([own, *others]):
        for number in bench.rounds(ROUNDS):
            for condition in rotated(CONDITIONS, number):
                is_first = condition == "idle" and number == 0
                for subject in [own, *others] if is_first else [own]:
                    records = bench.execute(list(visit(subject, condition)))
                    for phase in phases(subject):
                        value = worst(records, plan.STATES[phase])
                        ratios[condition, phase, subject.label].append((value,))
                say(f"  {condition}: round {number + 1}")
    count = len(bench.rounds(ROUNDS))
    for (condition, phase, label), values in ratios.items():
        rounds = (*values, *[()] * (count - len(values)))
        yield Series("checkpoint", condition, phase, label, "ratio", rounds)


def phases(subject: Subject) -> Sequence[str]:
    """Return the pending states in which a service can be measured."""
    if subject.label == "pywin32" and wine_version() is not None:
        return PHASES[1:]
    return PHASES


def visit(subject: Subject, condition: str) -> Iterator[str]:
    """Return the plan: start, pause, continue, stop."""
    name = subject.name
    yield plan.start(name, condition)
    yield plan.watch(name, "RUNNING", LOOK)
    yield plan.control(name, plan.PAUSE)
    yield plan.watch(name, "PAUSED", LOOK)
    yield plan.control(name, plan.CONTINUE)
    yield plan.watch(name, "RUNNING", LOOK)
    yield plan.control(name, plan.STOP)
    yield plan.watch(name, "STOPPED", LOOK)
    yield plan.gone(name)


def worst(records: Sequence[plan.Record], pending: int) -> float:
    """Return the longest time without a rise of the checkpoint, in wait hints.

    Args:
        records: What ``watch`` has seen; it writes only what has changed.
        pending: The state in question.

    Raises:
        ValueError: The state was never seen, or was not seen to end.
    """
    values = [record.values for record in records if record.what == "status"]
    since = None
    found = []
    for (at, state, checkpoint, hint), (later, _, raised, _) in pairwise(values):
        if state != pending:
            since = None
            continue
        since = at if since is None else since
        found.append((later - since) / 1e6 / (hint or LEAST_HINT))
        if raised > checkpoint:
            since = later
    if not found or values[-1][1] == pending:
        msg = f"state {pending} was not seen from its begin to its end"
        raise ValueError(msg)
    return max(found)
