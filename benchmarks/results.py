"""What a run has measured: series of rounds, percentiles, ratios, the JSON file."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import winsvc

FORMAT = 1
YARDSTICK = "C"  # the service that the ratios are of


@dataclass(frozen=True, slots=True)
class Series:
    """The values of one quantity, round by round.

    Args:
        group: What measured it: ``control``, ``start`` ...
        condition: What the service does meanwhile: ``idle``, ``busy`` ...
        measure: What was measured: ``INTERROGATE``, ``to RUNNING`` ...
        subject: The service: ``C``, ``winsvc`` ...
        unit: Of the values: ``us``, ``ms``, ``MB``, ``count`` ...
        rounds: The values.  Round n of one series and round n of another were
            measured at about the same time, so that their ratio means something.
    """

    group: str
    condition: str
    measure: str
    subject: str
    unit: str
    rounds: tuple[tuple[float, ...], ...]

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Identifies it in a run."""
        return self.group, self.condition, self.measure, self.subject

    @property
    def values(self) -> list[float]:
        """All values, sorted."""
        return sorted(value for values in self.rounds for value in values)

    def percentile(self, percent: float) -> float:
        """Return the nearest-rank percentile."""
        return percentile(self.values, percent)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A series beside another: the median over the rounds, and the middle half."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured in one place."""

    where: dict[str, Any]
    series: tuple[Series, ...]

    def find(
        self, group: str, condition: str, measure: str, subject: str
    ) -> Series | None:
        """Return a series."""
        key = (group, condition, measure, subject)
        return next((each for each in self.series if each.key == key), None)

    def yardstick(self, series: Series) -> Series | None:
        """Return what a series is compared with: the same of plain C."""
        found = self.find(series.group, series.condition, series.measure, YARDSTICK)
        return None if found is series else found


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile of sorted values."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def ratio(own: Series, other: Series, percent: float = 50) -> Ratio:
    """Return the ratio of two series' percentiles, round by round.

    Rounds in which one of them has no value are left out.
    """
    by_round = sorted(
        percentile(sorted(mine), percent) / percentile(sorted(others), percent)
        for mine, others in zip(own.rounds, other.rounds, strict=True)
        if mine and others
    )
    return Ratio(
        statistics.median(by_round), percentile(by_round, 25), percentile(by_round, 75)
    )


def where(**more: Any) -> dict[str, Any]:
    """Describe this place: the system, the processors, the Python."""
    return {
        "system": platform.platform(),
        "wine": wine_version(),
        "machine": platform.machine(),
        "processor": processor(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "winsvc": winsvc.__version__,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        **more,
    }


def processor() -> str:
    """Return the processor's name."""
    if sys.platform == "linux":
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    return platform.processor()


def wine_version() -> str | None:
    """Return Wine's version, if this is Wine."""
    if sys.platform != "win32":
        return None
    import ctypes

    version = getattr(ctypes.WinDLL("ntdll"), "wine_get_version", None)
    if version is None:
        return None
    version.restype = ctypes.c_char_p
    return str(version().decode())


def save(file: Path, runs: Iterable[Run]) -> None:
    """Write runs to a file."""
    data = {"format": FORMAT, "runs": [asdict(run) for run in runs]}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(data), encoding="utf-8")


def load(file: Path) -> list[Run]:
    """Read the runs of a file.

    Raises:
        ValueError: It is not a result of this suite.
    """
    data = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        msg = f"{file} is no result of this benchmark suite (format {FORMAT})"
        raise ValueError(msg)
    return [
        Run(
            run["where"],
            tuple(
                Series(**each | {"rounds": tuple(map(tuple, each["rounds"]))})
                for each in run["series"]
            ),
        )
        for run in data["runs"]
    ]
