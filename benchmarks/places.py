"""Where runs were measured: what may be compared, and what replaces what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from .results import Run

# The same in all of these: absolute times mean the same.
SAME = ("system", "wine", "machine", "processor", "processors", "python")


def place(run: Run) -> tuple[Any, ...]:
    """Return what two runs must share for their times to be comparable."""
    return tuple(run.where.get(name) for name in SAME)


def describe(run: Run) -> str:
    """Return the place in one line."""
    where = run.where
    wine = f"Wine {where['wine']} as {where['system']}" if where.get("wine") else None
    processors = where.get("processors")
    parts = (
        wine or where.get("system"),
        where.get("machine"),
        processors and f"{processors} processors",
        f"CPython {where.get('python')}",
        f"winsvc {where.get('winsvc')}",
        str(where.get("time") or "")[:10],
    )
    return ", ".join(str(part) for part in parts if part)


def merged(old: Iterable[Run], new: Iterable[Run]) -> list[Run]:
    """Return the runs of both; what is measured again replaces the older values.

    That goes by group and condition.

    What was measured with another version of winsvc, or whatever else ``where``
    says, stays a run of its own.
    """
    runs = list(old)
    for run in new:
        measured = {(series.group, series.condition) for series in run.series}
        runs = [
            _without(each, measured) if place(each) == place(run) else each
            for each in runs
        ]
        twin = next((each for each in runs if _is_twin(each, run)), None)
        if twin is not None:
            runs.remove(twin)
            run = replace(run, series=twin.series + run.series)
        runs = [each for each in runs if each.series]
        runs.append(run)
    return runs


def joined(runs: Iterable[Run]) -> list[Run]:
    """Return one run for each place."""
    places: dict[tuple[Any, ...], Run] = {}
    for run in runs:
        first = places.get(place(run))
        places[place(run)] = (
            run if first is None else replace(run, series=first.series + run.series)
        )
    return list(places.values())


def _without(run: Run, measured: set[tuple[str, str]]) -> Run:
    kept = (each for each in run.series if (each.group, each.condition) not in measured)
    return replace(run, series=tuple(kept))


def _is_twin(one: Run, other: Run) -> bool:
    return one.where | {"time": None} == other.where | {"time": None}
