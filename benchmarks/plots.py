"""Figures of what was measured, as SVG and PNG."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, MaxNLocator

from . import looks
from .latency_plots import percentiles, ratios
from .looks import Canvas, Look, by_rank, canvas, look_of
from .results import Run, Series
from .tables import SECONDS, split

MEANWHILE = {
    "idle": "the service is idle",
    "busy": "four of the service's threads compute",
    "gil": "the service holds the GIL, 2 s at a time",
    "gc": "the service collects garbage, 10 million objects",
    "slow": "the service's handlers take 50 ms",
}
TITLES = {
    "control": "How long ControlService takes while",
    "callback": "From a control to what follows, while",
}
# What the start's figure shows, one after the other: what every service has.
EVENTS = ("StartService", "own status visible", "RUNNING visible", "process")
LEGEND = (
    "StartService returns",
    "its own first status seen",
    "RUNNING seen",
    "process, to its end",
)
# Panels that differ by more have scales of their own.
ONE_SCALE = 8
MIDDLE_HALF = (25, 50, 75)


def draw_all(runs: Iterable[Run], folder: Path) -> list[Path]:
    """Draw what the runs have values for; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    with mpl.rc_context(looks.STYLE):
        for run in runs:
            for name, figure in figures(run):
                stem, again = name, 1
                while folder / f"{stem}.svg" in files:  # another place has it too
                    again += 1
                    stem = f"{name}-{again}"
                for kind, metadata in looks.METADATA.items():
                    file = folder / f"{stem}.{kind}"
                    figure.savefig(file, dpi=150, metadata=metadata)
                    files.append(file)
    return files


def figures(run: Run) -> Iterator[tuple[str, Figure]]:
    """Yield the figures of a run, and what their files are called."""
    groups = split((each for each in run.series if each.values), "group")
    for group, title in TITLES.items():
        series = [each for each in groups.get(group, ()) if each.unit in SECONDS]
        subjects = by_rank(each.subject for each in series)
        for condition, lines in split(series, "condition").items():
            what = f"{title} {MEANWHILE.get(condition, condition)}"
            yield f"{group}-{slug(condition)}", percentiles(run, what, lines, subjects)
        if figure := ratios(run, group, series):
            yield f"{group}-ratios", figure
    starts = [each for each in groups.get("start", ()) if each.measure in EVENTS]
    if starts:
        yield "start", timeline(run, starts)
    many = [
        each
        for lines in split(groups.get("many", ()), "measure").values()
        if len({amount(line) for line in lines}) > 1
        for each in lines
    ]
    if many:
        yield "many", growth(run, many)


# --- the start --------------------------------------------------------------------


def timeline(run: Run, series: Sequence[Series]) -> Figure:
    """Draw what comes how long after StartService."""
    panels = split(series, "condition")
    sizes = [len(split(lines, "subject")) for lines in panels.values()]
    ends = [max(middle_half(each)[2] for each in lines) for lines in panels.values()]
    is_shared = max(ends) < ONE_SCALE * min(ends)
    gap = 0.45 if is_shared else 0.7
    made = canvas(
        run,
        "What comes how long after StartService",
        "medians; the thin lines are the middle halves of all values"
        + ("" if is_shared else "; each panel has a scale of its own"),
        height=(0.3 * sum(sizes) + gap * len(sizes)),
    )
    grid = made.figure.add_gridspec(
        len(panels),
        1,
        left=0.21,
        right=0.96,
        top=made.down(looks.PANELS + 0.15),
        bottom=made.up(looks.BELOW_PANELS),
        height_ratios=sizes,
        hspace=gap * len(sizes) / (0.3 * sum(sizes)),
    )
    for place, (condition, lines) in enumerate(panels.items()):
        axes = made.figure.add_subplot(grid[place])
        subjects = by_rank(each.subject for each in lines)
        for y, subject in enumerate(subjects):
            own = [each for each in lines if each.subject == subject]
            draw_bar(axes, y, own)
        axes.set_title(condition, fontweight="bold")
        axes.set_yticks(range(len(subjects)), subjects)
        axes.set_ylim(len(subjects) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0, 1.12 * (max(ends) if is_shared else ends[place]))
        axes.xaxis.set_major_formatter(EngFormatter(unit="s"))
        axes.grid(visible=True, axis="x")
        has_scale = not is_shared or place == len(panels) - 1
        axes.tick_params(axis="x", labelbottom=has_scale, bottom=has_scale)
    entries = []
    for label, (colour, hatch) in zip(LEGEND, looks.PHASES, strict=True):
        patch = Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=label)
        entries.append(patch)
    legend_above(made, entries, left=0.12)
    return made.figure


def draw_bar(axes: Axes, y: float, series: Sequence[Series]) -> None:
    """Draw what one service does, one after the other."""
    reached = end = 0.0
    for each in sorted(series, key=lambda line: line.percentile(50)):
        low, here, high = middle_half(each)
        colour, hatch = looks.PHASES[EVENTS.index(each.measure)]
        axes.barh(
            y,
            here - reached,
            left=reached,
            height=0.62,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0.5,
        )
        axes.plot([low, high], [y, y], color=looks.DARK, linewidth=1)
        reached, end = here, max(end, high)
    axes.annotate(
        EngFormatter(unit="s", places=0 if reached < 1 else 2)(reached),
        (end, y),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
    )


# --- many services ----------------------------------------------------------------


def growth(run: Run, series: Sequence[Series]) -> Figure:
    """Draw what a quantity becomes with the number of services."""
    panels = split(series, "measure")
    columns = min(2, len(panels))
    rows = math.ceil(len(panels) / columns)
    made = canvas(
        run,
        "With the number of services",
        "medians; the bands are the middle halves of all values",
        height=2.6 * rows,
    )
    grid = made.figure.add_gridspec(
        rows,
        columns,
        left=0.09,
        right=0.98,
        top=made.down(looks.PANELS + 0.2),
        bottom=made.up(looks.BELOW_PANELS),
        hspace=0.5,
        wspace=0.22,
    )
    subjects = by_rank(each.subject for each in series)
    for place, (measure, lines) in enumerate(panels.items()):
        axes = made.figure.add_subplot(grid[place])
        units = "" if lines[0].unit in SECONDS else f" ({lines[0].unit})"
        axes.set_title(f"{measure}{units}")
        for subject, own in split(lines, "subject").items():
            draw_growth(axes, own, look_of(subject, subjects))
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        if lines[0].unit in SECONDS:
            axes.yaxis.set_major_formatter(EngFormatter(unit="s"))
        axes.grid(visible=True)
        axes.set_xlabel("services", labelpad=1)
    legend_above(made, [looks.handle(each, subjects) for each in subjects], left=0.08)
    return made.figure


def draw_growth(axes: Axes, series: Sequence[Series], look: Look) -> None:
    """Draw a service's line."""
    ordered = sorted(series, key=amount)
    x = [amount(each) for each in ordered]
    low, here, high = zip(*map(middle_half, ordered), strict=True)
    axes.fill_between(x, low, high, color=look.colour, alpha=0.15, linewidth=0)
    axes.plot(
        x,
        here,
        color=look.colour,
        linestyle=look.line,
        marker=look.marker,
        markersize=4,
        linewidth=1.8,
    )


def amount(series: Series) -> int:
    """Return the number in a condition: ``10 services`` is 10."""
    found = re.search(r"\d+", series.condition)
    return int(found[0]) if found else 1


# --- what they share --------------------------------------------------------------


def legend_above(made: Canvas, handles: Sequence[Artist], *, left: float) -> None:
    """Put the legend between the titles and the panels."""
    made.figure.legend(
        handles=handles,
        loc="upper left",
        ncols=len(handles),
        bbox_to_anchor=(left, made.down(looks.LEGEND)),
        borderaxespad=0,
    )


def middle_half(series: Series) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper one; times in seconds."""
    scale = SECONDS.get(series.unit, 1.0)
    low, middle, high = (series.percentile(p) * scale for p in MIDDLE_HALF)
    return low, middle, high


def slug(text: str) -> str:
    """Return what can be in a file's name."""
    return re.sub(r"\W+", "-", text.lower()).strip("-")
