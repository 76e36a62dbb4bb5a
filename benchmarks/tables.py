"""Tables of what was measured: as text for the terminal, as Markdown for the docs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from .places import describe
from .results import YARDSTICK, Ratio, Run, Series, ratio

Row = tuple[str, ...]
Form = Callable[[Sequence[Row]], str]

UNITS = {"us": "µs"}
SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}  # the units that are times
NOTHING = "-"
# Of fewer values these are the largest one, or close to it: not shown.
ENOUGH = {90: 10, 99: 100, 99.9: 1000}
PERCENTILES = (50, 90, 99, 99.9)
HEADINGS = (
    *("condition", "measure", "service", "n"),
    *("p50", "p90", "p99", "p99.9", "max", "p50 ÷ C", "p99 ÷ C"),
)
TEXT_COLUMNS = 3  # the first ones, which are no numbers
ORDER = ("C", "C again", "winsvc")
TO = "–"  # noqa: RUF001 - from one number to another


def text(runs: Iterable[Run]) -> str:
    """Return all tables, aligned."""
    return "\n\n".join(_sections(runs, "{}", "{} ({})", aligned))


def markdown(runs: Iterable[Run]) -> str:
    """Return all tables in Markdown."""
    return "\n\n".join(_sections(runs, "{}:", "### {} ({})", _pipes))


def _sections(
    runs: Iterable[Run], place: str, heading: str, form: Form
) -> Iterator[str]:
    for run in runs:
        yield place.format(describe(run))
        for (group, unit), series in groupby(ordered(run), lambda s: (s.group, s.unit)):
            yield heading.format(group, UNITS.get(unit, unit))
            rows = [row(run, each) for each in series]
            yield form(without_empty([HEADINGS, *without_repeats(rows)]))


def ordered(run: Run) -> list[Series]:
    """Return the series that have values: as measured, the services side by side."""
    series = [each for each in run.series if each.values]

    def firsts(*parts: str) -> dict[tuple[str, ...], int]:
        places: dict[tuple[str, ...], int] = {}
        for place, each in enumerate(series):
            places.setdefault(tuple(getattr(each, part) for part in parts), place)
        return places

    groups = firsts("group")
    units = firsts("group", "unit")
    conditions = firsts("group", "condition")
    measures = firsts("group", "measure")
    return sorted(
        series,
        key=lambda each: (
            groups[each.group,],
            units[each.group, each.unit],
            conditions[each.group, each.condition],
            measures[each.group, each.measure],
            rank(each.subject),
        ),
    )


def split(series: Iterable[Series], by: str) -> dict[str, list[Series]]:
    """Return series by their group, condition, measure or subject, as they come."""
    parts: dict[str, list[Series]] = {}
    for each in series:
        parts.setdefault(getattr(each, by), []).append(each)
    return parts


def rank(subject: str) -> int:
    """Return the place of a service beside the others."""
    return ORDER.index(subject) if subject in ORDER else len(ORDER)


def row(run: Run, series: Series) -> Row:
    """Return a line of a table."""
    values = series.values
    shown = (
        number(series.percentile(percent))
        if len(values) >= ENOUGH.get(percent, 1)
        else NOTHING
        for percent in PERCENTILES
    )
    return (
        *(series.condition, series.measure, series.subject, number(len(values))),
        *(*shown, number(values[-1])),
        *(_ratio(run, series, percent) for percent in (50, 99)),
    )


def _ratio(run: Run, series: Series, percent: float) -> str:
    found = ratio_to_c(run, series, percent)
    if found is None:
        return "1" if series.subject == YARDSTICK and percent == 50 else NOTHING
    return spread(found.median, found.low, found.high)


def ratio_to_c(run: Run, series: Series, percent: float = 50) -> Ratio | None:
    """Return what a series is in relation to plain C's.

    ``None`` where C has none, or where rounds have too few values for the percentile.
    """
    other = run.yardstick(series)
    if other is None:
        return None
    sizes = [len(values) for values in (*series.rounds, *other.rounds) if values]
    if not sizes or min(sizes) < ENOUGH.get(percent, 1):
        return None
    try:
        return ratio(series, other, percent)
    except (ValueError, ZeroDivisionError):
        # No round in common, or C's value is 0: there is no ratio.
        return None


def number(value: float) -> str:
    """Return three significant digits at least, thousands apart."""
    size = abs(value)
    if size >= 100 or value == int(value):
        return f"{value:,.0f}".replace(",", " ")
    if size < 1:
        return f"{value:.3g}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def factor(value: float) -> str:
    """Return a ratio: 0.98, 1.06, 23.1, 3 942."""
    return f"{value:.2f}" if abs(value) < 10 else number(value)


def spread(median: float, low: float, high: float) -> str:
    """Return a ratio with its middle half, if it has one: 1.06 (1.01 to 1.11)."""
    if low == high:
        return factor(median)
    return f"{factor(median)} ({factor(low)}{TO}{factor(high)})"


def without_repeats(rows: Iterable[Row]) -> Iterator[Row]:
    """Leave out the condition, and the measure, that the row above has."""
    above: Row = ("", "")
    for each in rows:
        condition, measure, *rest = each
        if each[:2] == above[:2]:
            measure = ""
        if each[0] == above[0]:
            condition = ""
        yield (condition, measure, *rest)
        above = each


def without_empty(rows: Sequence[Row]) -> list[Row]:
    """Leave out the columns in which nothing is shown."""
    kept = [
        column
        for column, cells in enumerate(zip(*rows[1:], strict=True))
        if set(cells) != {NOTHING}
    ]
    return [tuple(line[column] for column in kept) for line in rows]


def aligned(rows: Sequence[Row]) -> str:
    """Return rows as text: the first columns to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < TEXT_COLUMNS else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in rows
    )


def _pipes(rows: Sequence[Row]) -> str:
    heading, *body = rows
    columns = range(len(heading))
    rule = ["---" if column < TEXT_COLUMNS else "--:" for column in columns]
    return "\n".join(f"| {' | '.join(line)} |" for line in (heading, rule, *body))
