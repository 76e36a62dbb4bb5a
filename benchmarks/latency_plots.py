"""Figures of latencies: by percentile, and in relation to plain C's."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from . import looks
from .looks import Look, by_rank, canvas, look_of
from .results import YARDSTICK, Ratio, Run, Series
from .tables import SECONDS, factor, number, rank, ratio_to_c, split

# Of fewer values every one gets a mark.
FEW = 60


# --- percentiles ------------------------------------------------------------------


def percentiles(
    run: Run, title: str, series: Sequence[Series], subjects: Sequence[str]
) -> Figure:
    """Draw the latency of a condition: the slower ones to the right, up to the max.

    Args:
        run: For the footer.
        title: Of the figure.
        series: What to draw.
        subjects: Those of all conditions: each has one look in all figures.
    """
    panels = split(series, "measure")
    cells = len(panels) + 1  # one for the legend
    columns = 2 if cells in (2, 4) else 3
    rows = math.ceil(cells / columns)
    subtitle = "by percentile, up to the slowest of all; n: how many of each service"
    made = canvas(run, title, subtitle, height=2.3 * rows)
    grid = made.figure.add_gridspec(
        rows,
        columns,
        left=0.08,
        right=0.985,
        top=made.down(looks.PANELS),
        bottom=made.up(looks.BELOW_PANELS),
        hspace=0.3,
        wspace=0.1,
    )
    times = [value * SECONDS[each.unit] for each in series for value in each.values]
    low = min((time for time in times if time > 0), default=1e-6)
    first: Axes | None = None
    for place, (measure, lines) in enumerate(panels.items()):
        axes = made.figure.add_subplot(grid[place], sharex=first, sharey=first)
        if first is None:
            first = axes
            looks.log_times_axis(axes, low, max(*times, low))
            looks.percentile_axis(axes)
        counts = sorted({len(each.values) for each in lines})
        shown = " to ".join(map(number, dict.fromkeys((counts[0], counts[-1]))))
        axes.set_title(f"{measure}  (n = {shown})")
        for each in sorted(lines, key=lambda line: _behind(line.subject)):
            draw_percentiles(axes, each, look_of(each.subject, subjects))
        axes.grid(visible=True)
        is_left, is_last = place % columns == 0, place + columns >= len(panels)
        axes.tick_params(axis="y", labelleft=is_left, left=is_left)
        axes.tick_params(axis="x", labelbottom=is_last, bottom=is_last)
        if is_last:
            axes.set_xlabel("percentile", labelpad=1)
    corner = made.figure.add_subplot(grid[len(panels)])
    corner.set_axis_off()
    own = by_rank(each.subject for each in series)
    handles = [looks.handle(each, subjects) for each in own]
    corner.legend(handles=handles, loc="center left", fontsize=10, handlelength=2.5)
    return made.figure


def draw_percentiles(axes: Axes, series: Series, look: Look) -> None:
    """Draw a curve through all values, without those that nobody can tell apart."""
    values = series.values
    points: list[tuple[float, float]] = []
    for place, value in enumerate(values):
        # The middle of a value's share: the largest of n is at 1 - 1/2n.
        x = math.log10(len(values) / (len(values) - place - 0.5))
        if not points or x - points[-1][0] > 0.015 or place == len(values) - 1:
            points.append((x, value * SECONDS[series.unit]))
    x_values, y_values = zip(*points, strict=True)
    axes.plot(
        x_values,
        y_values,
        color=look.colour,
        linestyle=look.line,
        linewidth=1.8,
        marker=look.marker if len(values) < FEW else None,
        markersize=3,
    )


def _behind(subject: str) -> tuple[bool, int]:
    """Sort what is drawn: winsvc last, over all others."""
    return subject == "winsvc", -rank(subject)


# --- ratios -----------------------------------------------------------------------


def ratios(run: Run, group: str, series: Sequence[Series]) -> Figure | None:
    """Draw every ratio to plain C, with the middle half of the rounds."""
    found = {
        (each.condition, each.measure, each.subject): ratio
        for each in series
        if (ratio := ratio_to_c(run, each)) is not None and ratio.low > 0
    }
    if not found:
        return None
    subjects = by_rank(subject for *_, subject in found)
    places = rows_of(found)
    last = max(places.values())
    title = f"How many times as long as with plain C: {group}"
    subtitle = "p50, median over the rounds, and their middle half"
    if "C again" in subjects:
        subtitle += "; C again is a second C service: what it differs by is chance"
    made = canvas(run, title, subtitle, height=0.23 * (last + 2))
    bottom = made.up(looks.BELOW_PANELS)
    width, beyond = 0.47, 0.3  # of the figure: the panel, the numbers beside it
    axes = made.figure.add_axes(
        (0.2, bottom, width, made.down(looks.PANELS) - bottom), xscale="log"
    )
    axes.axvline(1, color=looks.LOOKS[YARDSTICK].colour, linewidth=1)
    beside = axes.get_yaxis_transform()
    for column, subject in enumerate(subjects):
        look = look_of(subject, subjects)
        x = 1.05 + column * beyond / max(3, len(subjects)) / width
        style: dict[str, Any] = {"color": look.colour, "fontsize": 8.5}
        name = textwrap.fill(subject, 10)
        axes.text(x, -0.9, name, transform=beside, fontweight="bold", **style)
        # Marks of equal ratios are to be seen, each a bit lower than the one before.
        shift = 0.22 * (column - (len(subjects) - 1) / 2)
        for (condition, measure, own), ratio in found.items():
            if own == subject:
                y = places[condition, measure]
                draw_ratio(axes, y + shift, ratio, look)
                shown = factor(ratio.median)
                axes.text(x, y, shown, transform=beside, va="center", **style)
    axes.set_ylim(last + 1, -0.8)
    axes.set_yticks(list(places.values()), [measure for _, measure in places])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    tops: dict[str, float] = {}
    for (condition, _), y in places.items():
        tops.setdefault(condition, y)
    for condition, y in tops.items():
        axes.text(
            -0.385, y, condition, transform=beside, va="center", fontweight="bold"
        )
        axes.axhline(y - 0.85, color=looks.LIGHT, linewidth=0.7)
    axes.grid(visible=True, axis="x")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: power_of_ten(x)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("÷ C")
    return made.figure


def rows_of(lines: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], float]:
    """Return where each condition and measure is, with a gap between conditions."""
    places: dict[tuple[str, str], float] = {}
    y, above = -1.0, None
    for condition, measure, _ in lines:
        if (condition, measure) not in places:
            y += 1 if above in (condition, None) else 1.7
            places[condition, measure] = y
            above = condition
    return places


def draw_ratio(axes: Axes, y: float, ratio: Ratio, look: Look) -> None:
    """Draw a ratio and its middle half."""
    axes.plot(
        [ratio.low, ratio.high],
        [y, y],
        color=look.colour,
        linewidth=2,
        alpha=0.45,
        solid_capstyle="round",
    )
    axes.plot(ratio.median, y, look.marker, color=look.colour, markersize=4.5)


def power_of_ten(x: float) -> str:
    """Return 0.1, 1, 10, 1 000."""
    return number(x) if x >= 1 else f"{x:g}"
