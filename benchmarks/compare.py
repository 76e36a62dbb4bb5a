"""What has changed between two results, and what of it is more than chance.

In one place the medians of the rounds are compared: every new one with every old
one, for the median of these quotients and their middle half.  Between two places
absolute times mean nothing; compared are then the ratios to plain C, round by round.

A change is marked if the whole middle half is beyond the noise.  The noise is what
shows where nothing can have changed: the middle half of "C again" ÷ "C" in either
result and, of absolute times, the change of C itself.  Counted instructions have none.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .places import describe, joined, place
from .results import YARDSTICK, Run, Series, percentile
from .tables import (
    NOTHING,
    aligned,
    factor,
    number,
    ordered,
    ratio_to_c,
    spread,
    without_repeats,
)

TWIN = "C again"
# Where there is no second C, and at least.
LEAST_NOISE = 0.05
# What callgrind counts is the same each time.
EXACT = ("core", "count")
# Of fewer rounds the middle half says nothing.
ENOUGH_ROUNDS = 4
TIMES = "×"  # noqa: RUF001 - not an x
COLUMNS = ("condition", "measure", "service")
SLOWER, FASTER = "more", "less"


@dataclass(frozen=True, slots=True)
class Change:
    """What has become of a series.

    Args:
        series: The new one.
        old: Its median, or its ratio to C, before.
        new: The same now.
        low: The lower end of the quotients' middle half.
        median: Of the quotients new ÷ old.
        high: The upper end.
        noise: What may be chance: 0.05 is five per cent.
        rounds: The fewer of the two results.
    """

    series: Series
    old: float
    new: float
    low: float
    median: float
    high: float
    noise: float
    rounds: int

    @property
    def mark(self) -> str:
        """``more`` or ``less`` where it is beyond the noise."""
        if not is_exact(self.series) and self.rounds < ENOUGH_ROUNDS:
            return "too few rounds"
        if self.low > 1 + self.noise:
            return SLOWER
        return FASTER if self.high < 1 / (1 + self.noise) else ""


def compare(old: Iterable[Run], new: Iterable[Run]) -> str:
    """Return the comparison as text."""
    before = joined(old)
    parts = []
    for run in joined(new):
        partner = counterpart(run, before)
        if partner is None:
            parts.append(f"new: {describe(run)}\nThe old result has nothing of this.")
        else:
            parts += _section(partner, run)
    return "\n\n".join(parts)


def counterpart(run: Run, before: Sequence[Run]) -> Run | None:
    """Return the run to compare with: of the same place if there is one."""
    keys = {series.key for series in run.series}

    def common(each: Run) -> int:
        return len(keys & {series.key for series in each.series})

    able = [each for each in before if common(each)]
    return max(
        able, key=lambda each: (place(each) == place(run), common(each)), default=None
    )


def changes(old: Run, new: Run) -> list[Change]:
    """Return what has changed: absolute in one place, of the ratios in two."""
    is_same_place = place(old) == place(new)
    found = []
    for series in ordered(new):
        twin = old.find(*series.key)
        if twin is None or not twin.values:
            continue
        if is_same_place:
            pair = round_medians(twin), round_medians(series)
        else:
            pair = ratios_to_c(old, twin), ratios_to_c(new, series)
        if change := _change(series, *pair, _noise(old, new, series, is_same_place)):
            found.append(change)
    return found


def is_exact(series: Series) -> bool:
    """Return whether chance has no part in the values."""
    return (series.group, series.unit) == EXACT


def round_medians(series: Series) -> list[float]:
    """Return the p50 of each round."""
    return [percentile(sorted(values), 50) for values in series.rounds if values]


def ratios_to_c(run: Run, series: Series) -> list[float]:
    """Return p50 ÷ C's p50, for each round that has both."""
    other = run.yardstick(series)
    if other is None:
        return []
    return [
        percentile(sorted(mine), 50) / yardstick
        for mine, others in zip(series.rounds, other.rounds, strict=True)
        if mine and others and (yardstick := percentile(sorted(others), 50))
    ]


def _change(
    series: Series, before: Sequence[float], after: Sequence[float], noise: float
) -> Change | None:
    quotients = sorted(_quotient(new, old) for new in after for old in before)
    if not quotients:
        return None
    return Change(
        series=series,
        old=statistics.median(before),
        new=statistics.median(after),
        low=percentile(quotients, 25),
        median=statistics.median(quotients),
        high=percentile(quotients, 75),
        noise=noise,
        rounds=min(len(before), len(after)),
    )


def _quotient(new: float, old: float) -> float:
    if old:
        return new / old
    return math.inf if new else 1.0  # controls that were lost, and none before


def _noise(old: Run, new: Run, series: Series, is_same_place: bool) -> float:
    """Return what shows where nothing has changed."""
    if is_exact(series):
        return 0.0
    quotients = [1 + LEAST_NOISE]
    what = series.group, series.condition, series.measure
    for run in (old, new):
        twin = run.find(*what, TWIN)
        if twin is not None and (ratio := ratio_to_c(run, twin)) is not None:
            quotients += [ratio.low, ratio.high]
    c_before, c_after = (run.find(*what, YARDSTICK) for run in (old, new))
    if is_same_place and c_before and c_after and series.subject != YARDSTICK:
        change = _change(c_after, round_medians(c_before), round_medians(c_after), 0)
        quotients += [change.median] if change else []
    return max(max(each, 1 / each) for each in quotients if each > 0) - 1


def _section(old: Run, new: Run) -> list[str]:
    found = changes(old, new)
    is_same_place = place(old) == place(new)
    heading = f"old: {describe(old)}\nnew: {describe(new)}"
    if not is_same_place:
        heading += (
            "\nWARNING: these are different places: absolute times are not "
            "comparable.\nCompared are the ratios to C of each (÷ C), no others."
        )
    if not found:
        return [heading, "They have nothing in common that can be compared."]
    suffix = "p50" if is_same_place else "÷ C"
    headings = (*COLUMNS, f"old {suffix}", f"new {suffix}", "new ÷ old", "noise", "")
    parts = [heading]
    show = number if is_same_place else factor
    for group in dict.fromkeys(change.series.group for change in found):
        rows = [
            (
                *change.series.key[1:],
                show(change.old),
                show(change.new),
                spread(change.median, change.low, change.high),
                f"{TIMES}{factor(1 + change.noise)}" if change.noise else NOTHING,
                change.mark,
            )
            for change in found
            if change.series.group == group
            and (is_same_place or change.series.subject != YARDSTICK)
        ]
        if rows:
            table = aligned([headings, *without_repeats(rows)])
            parts.append(f"{group}\n\n{table}")
    marked = sum(change.mark in (SLOWER, FASTER) for change in found)
    parts.append(f"{marked} of {len(found)} have changed by more than the noise.")
    return parts
