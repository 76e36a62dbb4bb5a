"""The times as pyperf's benchmark suite: ``pyperf compare_to`` and ``hist`` read it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyperf

from .places import describe
from .results import Run, Series
from .tables import SECONDS


def export(runs: Iterable[Run], file: Path) -> None:
    """Write the series that are times; a round is a run of pyperf's."""
    benchmarks: dict[str, pyperf.Benchmark] = {}
    for run in runs:
        for series in run.series:
            values = series.values
            # pyperf takes no difference that noise has made less than nothing.
            if series.unit in SECONDS and values and values[0] > 0:
                name = "/".join(series.key)
                if name in benchmarks:  # another place has the same
                    name = f"{name} ({describe(run)})"
                benchmarks[name] = benchmark(run, series, name)
    if benchmarks:
        suite = pyperf.BenchmarkSuite(list(benchmarks.values()))
        suite.dump(str(file), replace=True)


def benchmark(run: Run, series: Series, name: str) -> pyperf.Benchmark:
    """Return a series as a benchmark."""
    metadata = {
        "name": name,
        "unit": "second",
        "platform": str(run.where.get("system")),
        "python_version": str(run.where.get("python")),
        "description": describe(run),
    }
    return pyperf.Benchmark(
        [
            pyperf.Run(
                [value * SECONDS[series.unit] for value in values],
                metadata=metadata,
                collect_metadata=False,
            )
            for values in series.rounds
            if values
        ]
    )
