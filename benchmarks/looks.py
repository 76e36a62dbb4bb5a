"""How all figures look: colours, marks, texts, axes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, FixedLocator, FuncFormatter, NullLocator

from .places import describe
from .results import Run
from .tables import rank

# The same run gives the same file, to the byte; text stays text, so that it is small.
# Any: each version of matplotlib types the names in its own way.
STYLE: Any = {
    "svg.hashsalt": "winsvc",
    "svg.fonttype": "none",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#777777",
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.labelcolor": "#222222",
    "ytick.labelcolor": "#222222",
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.7,
    "legend.frameon": False,
}
METADATA: dict[str, dict[str, str | None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}
Line: TypeAlias = Literal["-", "--", "-.", ":"]
WIDTH = 9.0  # inches
# Inches of a figure's height, from the top and from the bottom.
TITLE, SUBTITLE, LEGEND, PANELS = 0.12, 0.38, 0.6, 0.95
FOOTER, BELOW_PANELS = 0.1, 0.75
DECADES = 2.5  # a log axis of fewer has marks between the powers of ten
SHOWN = (0, 50, 90, 99, 99.9, 99.99)
DARK, GREY, LIGHT = "#222222", "#777777", "#e4e4e4"


@dataclass(frozen=True, slots=True)
class Look:
    """How a service looks in every figure: told apart not by the colour alone."""

    colour: str
    marker: str
    line: Line = "-"


# Okabe and Ito's colours, which the colour-blind can tell apart.
LOOKS = {
    "C": Look(DARK, "o"),
    "C again": Look("#999999", "o", "--"),
    "winsvc": Look("#0072B2", "s"),
    "pywin32": Look("#D55E00", "^"),
}
MORE_LOOKS = (
    Look("#009E73", "D", "--"),
    Look("#CC79A7", "v", "-."),
    Look("#E69F00", "P", ":"),
    Look("#56B4E9", "X", "--"),
)
# Stripes: dots and the like would make the files ten times as large.
PHASES = (
    ("#56B4E9", ""),
    ("#0072B2", "///"),
    ("#E69F00", "\\\\\\"),
    ("#009E73", "xx"),
)


def look_of(subject: str, subjects: Sequence[str] = ()) -> Look:
    """Return how a service looks; those without a look of their own share the rest."""
    if subject in LOOKS:
        return LOOKS[subject]
    others = [each for each in subjects if each not in LOOKS] or [subject]
    return MORE_LOOKS[others.index(subject) % len(MORE_LOOKS)]


def handle(subject: str, subjects: Sequence[str] = ()) -> Line2D:
    """Return a service's entry in a legend."""
    look = look_of(subject, subjects)
    return Line2D(
        [],
        [],
        color=look.colour,
        linestyle=look.line,
        marker=look.marker,
        markersize=4,
        linewidth=1.8,
        label=subject,
    )


def by_rank(subjects: Iterable[str]) -> list[str]:
    """Return the services once each, as in the tables."""
    return sorted(dict.fromkeys(subjects), key=rank)


@dataclass(frozen=True, slots=True)
class Canvas:
    """A figure with its texts; places are measured from its edges in inches."""

    figure: Figure

    @property
    def height(self) -> float:
        """Its height in inches."""
        return float(self.figure.get_size_inches()[1])

    def down(self, inches: float) -> float:
        """Return a place below the upper edge, as matplotlib counts."""
        return 1 - inches / self.height

    def up(self, inches: float) -> float:
        """Return a place above the lower edge."""
        return inches / self.height


def canvas(run: Run, title: str, subtitle: str, *, height: float) -> Canvas:
    """Return a figure with title and footer, and a height left for the panels."""
    figure = Figure(figsize=(WIDTH, height + PANELS + BELOW_PANELS))
    made = Canvas(figure)
    left = 0.015
    figure.text(left, made.down(TITLE), title, fontsize=13, fontweight="bold", va="top")
    figure.text(left, made.down(SUBTITLE), subtitle, color="#555555", va="top")
    figure.text(left, made.up(FOOTER), describe(run), color=GREY, fontsize=8)
    return made


def percentile_axis(axes: Axes) -> None:
    """Make x an axis of percentiles."""
    axes.xaxis.set_major_locator(FixedLocator([at(percent) for percent in SHOWN]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: percent_at(x)))


def at(percent: float) -> float:
    """Return where a percentile is: each nine as far from the one before."""
    return -math.log10(1 - percent / 100)


def percent_at(x: float) -> str:
    """Return the percentile at a place."""
    return f"{100 * (1 - 10**-x):.4g}"


def log_times_axis(axes: Axes, low: float, high: float) -> None:
    """Make y a log axis of times from the smallest to the largest one, in seconds."""
    axes.set_yscale("log")
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = (1, 2, 5) if math.log10(high / low) < DECADES else (1,)
    ticks = [step * 10.0**power for power in range(first, last + 1) for step in steps]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(EngFormatter(unit="s"))
    axes.set_ylim(low / 1.3, high * 1.3)
