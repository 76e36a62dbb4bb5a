"""What the benchmark suite makes of its results: tables, comparisons, figures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from winsvc.bench import tables
from winsvc.bench.compare import changes, compare
from winsvc.bench.places import describe, joined, merged
from winsvc.bench.results import Run, Series

WHERE: dict[str, Any] = {
    "system": "Windows-10",
    "wine": "8.0",
    "machine": "AMD64",
    "processors": 2,
    "python": "3.11.9",
    "winsvc": "0.1.0",
    "time": "2026-11-23T17:44:58+00:00",
}
ELSEWHERE = WHERE | {"processors": 16, "wine": None}


def series(
    subject: str,
    middle: float,
    *,
    group: str = "control",
    condition: str = "idle",
    measure: str = "INTERROGATE",
    unit: str = "us",
    rounds: int = 6,
    size: int = 100,
) -> Series:
    """Return values round a middle: 90 % to 110 % of it, the same in each round."""
    values = tuple(middle * (0.9 + 0.2 * (place + 0.5) / size) for place in range(size))
    return Series(group, condition, measure, subject, unit, (values,) * rounds)


def run(*all_series: Series, where: dict[str, Any] = WHERE) -> Run:
    """Return a run."""
    return Run(where, all_series)


def controls(factor: float = 1.0, where: dict[str, Any] = WHERE) -> Run:
    """Return a run with the four services; pywin32 takes as many times as long."""
    return run(
        series("C", 100),
        series("C again", 102),
        series("winsvc", 101),
        series("pywin32", 400 * factor),
        where=where,
    )


def cells(line: str) -> list[str]:
    """Return the cells of a line of Markdown."""
    return [cell.strip() for cell in line.strip("|").split("|")]


# --- tables -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (9, [True, False, False, False]),
        (10, [True, True, False, False]),
        (100, [True, True, True, False]),
        (1000, [True, True, True, True]),
    ],
)
def test_percentile_is_shown_with_enough_values(size: int, shown: list[bool]) -> None:
    """p99 of ten values would be the largest of them."""
    one = series("winsvc", 100, rounds=1, size=size)
    row = tables.row(run(one), one)

    assert row[3] == tables.number(size)
    assert [cell != "-" for cell in row[4:8]] == shown
    assert row[8] != "-"


def test_ratios_are_those_of_the_rounds() -> None:
    """Round by round against C; the middle half beside the median."""
    c = Series("g", "idle", "m", "C", "us", ((10.0,), (20.0,), (40.0,), (80.0,)))
    own = replace(c, subject="winsvc", rounds=((10.0,), (30.0,), (80.0,), (240.0,)))

    assert tables.row(run(c, own), own)[-2:] == ("1.75 (1.00–2.00)", "-")  # noqa: RUF001
    assert tables.row(run(c, own), c)[-2:] == ("1", "-")


def test_ratio_at_p99_needs_rounds_of_100() -> None:
    """The p99 of a round of 20 is its largest value."""
    wide, narrow = (
        run(series("C", 100, size=size), series("winsvc", 200, size=size))
        for size in (100, 99)
    )

    assert tables.row(wide, wide.series[1])[-1].startswith("2.00")
    assert tables.row(narrow, narrow.series[1])[-1] == "-"


@pytest.mark.parametrize(
    ("c", "own"),
    [(((0.0,),), ((1.0,),)), (((),), ((1.0,),)), (((1.0,),), ((1.0,), (2.0,)))],
)
def test_no_ratio_where_there_is_none(
    c: tuple[tuple[float, ...], ...], own: tuple[tuple[float, ...], ...]
) -> None:
    """C lost no control; C was not measured; the rounds do not belong together."""
    here = run(
        Series("flood", "idle", "lost", "C", "count", c),
        Series("flood", "idle", "lost", "winsvc", "count", own),
    )

    assert tables.ratio_to_c(here, here.series[1]) is None


def test_tables_put_the_services_side_by_side() -> None:
    """In the order C, C again, winsvc; what was not measured is left out."""
    measured = [
        series("pywin32", 400),
        series("winsvc", 100),
        series("C", 100),
        series("C", 5, group="footprint", measure="memory", unit="MB"),
        replace(series("nothing", 1), rounds=((),)),
    ]
    lines = tables.text([run(*measured)]).splitlines()

    assert lines[0] == describe(run())
    assert lines[2] == "control (µs)"
    assert lines[4].split()[:4] == ["condition", "measure", "service", "n"]
    assert lines[5].split()[:4] == ["idle", "INTERROGATE", "C", "600"]
    # What the row above has is not said again.
    assert [line.split()[0] for line in lines[6:8]] == ["winsvc", "pywin32"]
    assert lines[9] == "footprint (MB)"
    assert len(lines) == 13


def test_markdown_has_the_same_cells() -> None:
    """A table for each group, with the numbers to the right; no empty columns."""
    text = tables.markdown([controls()])
    shown = [name for name in tables.HEADINGS if name != "p99.9"]
    lines = [line for line in text.splitlines() if line.startswith("|")]

    assert "### control (µs)" in text
    assert cells(lines[0]) == shown
    assert cells(lines[1])[:4] == ["---", "---", "---", "--:"]
    assert {len(cells(line)) for line in lines} == {len(shown)}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0534, "0.0534"),
        (5.318, "5.32"),
        (58.94, "58.9"),
        (452.4, "452"),
        (4_001_749.2, "4 001 749"),
        (12, "12"),
    ],
)
def test_number_has_three_digits(value: float, text: str) -> None:
    """Whatever the unit."""
    assert tables.number(value) == text


# --- places -----------------------------------------------------------------------


def test_group_measured_again_replaces_the_older_one() -> None:
    """In the same place; other groups and other places stay."""
    start = series("C", 30, group="start")
    old = [run(series("C", 100), start), run(series("C", 7), where=ELSEWHERE)]
    new = run(series("C", 200), where=WHERE | {"time": "2026-11-24"})
    elsewhere, here = merged(old, [new])

    assert elsewhere == old[1]
    assert here.series == (start, new.series[0])
    assert here.where["time"] == "2026-11-24"


def test_another_version_stays_a_run_of_its_own() -> None:
    """Its groups are replaced all the same, but what is left says whose it is."""
    start = series("C", 30, group="start")
    old = run(series("C", 100), start)
    new = run(series("C", 200), where=WHERE | {"winsvc": "0.2.0"})

    assert merged([old], [new]) == [run(start), new]
    assert merged([new], [run(series("C", 1))]) == [run(series("C", 1))]
    (both,) = joined([run(start), new])
    assert both.series == (start, *new.series)


def test_place_is_described_in_a_line() -> None:
    """Wine and what it passes for; what is unknown is left out."""
    assert describe(run()) == (
        "Wine 8.0 as Windows-10, AMD64, 2 processors, CPython 3.11.9, "
        "winsvc 0.1.0, 2026-11-23"
    )
    assert describe(run(where=ELSEWHERE)).startswith("Windows-10, AMD64, 16")


# --- comparing --------------------------------------------------------------------


def marks(old: Run, new: Run) -> dict[str, str]:
    """Return the marks by service."""
    return {each.series.subject: each.mark for each in changes(old, new)}


def test_change_beyond_the_noise_is_marked() -> None:
    """And nothing else."""
    assert marks(controls(), controls(1.5)) == {
        **dict.fromkeys(("C", "C again", "winsvc"), ""),
        "pywin32": "more",
    }
    assert marks(controls(), controls(0.5))["pywin32"] == "less"
    assert marks(controls(), controls(1.04))["pywin32"] == ""


def test_what_c_changed_by_is_noise() -> None:
    """The machine was slower: everything is, and winsvc is not to blame."""
    slower = run(*(scaled(each, 1.3) for each in controls().series))

    assert marks(controls(), slower) == {
        "C": "more",
        **dict.fromkeys(("C again", "winsvc", "pywin32"), ""),
    }


def scaled(one: Series, factor: float) -> Series:
    """Return a series whose values are as many times as large."""
    rounds = tuple(tuple(value * factor for value in each) for each in one.rounds)
    return replace(one, rounds=rounds)


def test_what_two_cs_differ_by_is_noise() -> None:
    """Where the second C takes twice as long, so may winsvc."""
    old, new = (
        run(series("C", 100), series("C again", 200), series("winsvc", middle))
        for middle in (100, 180)
    )

    assert marks(old, new)["winsvc"] == ""


def test_few_rounds_are_not_judged() -> None:
    """Unless chance has no part in it: counted instructions."""
    old, new = (run(series("winsvc", middle, rounds=3)) for middle in (100, 200))
    before, after = (
        run(Series("core", "gcc", "user", "winsvc", "count", ((count,),)))
        for count in (1000, 1001)
    )

    assert marks(old, new) == {"winsvc": "too few rounds"}
    assert marks(before, after) == {"winsvc": "more"}
    assert marks(before, before) == {"winsvc": ""}


def test_losses_after_none_are_a_change() -> None:
    """There is no ratio to 0, but it is said."""
    none, some = (
        run(Series("flood", "idle", "lost", "winsvc", "count", ((count,),) * 5))
        for count in (0.0, 3.0)
    )

    assert marks(none, some) == {"winsvc": "more"}
    assert marks(none, none) == {"winsvc": ""}


def test_between_places_only_ratios_are_compared() -> None:
    """A machine ten times as fast has not made winsvc any better."""
    faster = run(*(scaled(each, 0.1) for each in controls().series), where=ELSEWHERE)
    text = compare([controls()], [faster])

    assert marks(controls(), faster) == dict.fromkeys(
        ("C again", "winsvc", "pywin32"), ""
    )
    assert "WARNING" in text
    assert "old ÷ C" in text
    assert "0 of 3 have changed" in text


def test_comparison_takes_the_same_place() -> None:
    """If the old result has it; if it has nothing in common, that is said."""
    old = [controls(where=ELSEWHERE), controls()]
    text = compare(old, [controls(2.0)])
    nothing = compare(old, [run(series("C", 1, group="start"))])

    assert "WARNING" not in text
    assert "1 of 4 have changed" in text
    assert "more" in text
    assert "nothing of this" in nothing


# --- pyperf -----------------------------------------------------------------------


def test_pyperf_compares_what_was_exported(tmp_path: Path) -> None:
    """By its own command; times are seconds, anything else is left out."""
    pyperf = pytest.importorskip("pyperf")
    from winsvc.bench.pyperf_export import export

    memory = series("winsvc", 12, measure="memory", unit="MB")
    difference = series("winsvc", -1, measure="above bare Python", unit="ms")
    files = [tmp_path / "old.json", tmp_path / "new.json"]
    for file, factor in zip(files, (1.0, 2.0), strict=True):
        here = run(*controls(factor).series, memory, difference)
        export([here, controls(where=ELSEWHERE)], file)
    suite = pyperf.BenchmarkSuite.load(str(files[0]))
    c = suite.get_benchmark("control/idle/INTERROGATE/C")
    command = [sys.executable, "-m", "pyperf", "compare_to", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert len(suite.get_benchmark_names()) == 8
    assert (c.median(), c.get_nrun()) == (pytest.approx(100e-6), 6)
    assert "control/idle/INTERROGATE/pywin32: Mean" in done.stdout
    assert "[old] 400 us +- 23 us -> [new] 800 us +- 46 us: 2.00x slower" in done.stdout


def test_pyperf_gets_no_file_without_times(tmp_path: Path) -> None:
    """Its suites are never empty."""
    pytest.importorskip("pyperf")
    from winsvc.bench.pyperf_export import export

    export([run(series("winsvc", 12, unit="MB"))], tmp_path / "none.json")

    assert not list(tmp_path.iterdir())


# --- figures ----------------------------------------------------------------------


def everything() -> list[Run]:
    """Return a run that has something for every figure."""
    found: list[Series] = []
    for group, subjects in {
        "control": ("C", "C again", "winsvc", "pywin32"),
        "callback": ("C", "winsvc", "winsvc asyncio", "winsvc, 0.5 ms turns"),
    }.items():
        found += [
            series(
                subject,
                100 * (1 + place**4 * (condition == "busy")),
                group=group,
                condition=condition,
                measure=measure,
                size=size,
            )
            for condition in ("idle", "busy")
            for place, subject in enumerate(subjects)
            for measure, size in (("user code", 400), ("PAUSE", 5), ("STOP", 1))
        ]
    of_start = ("StartService", "own status visible", "RUNNING visible")
    found += [
        timed("start", condition, measure, subject, ms)
        for condition, subject, times in (
            ("plain", "C", (30, 33, 45)),
            ("plain", "winsvc", (40, 60, 150)),
            ("5 s import", "winsvc", (40, 60, 5200)),
        )
        for measure, ms in zip(of_start, times, strict=True)
    ]
    found += [
        timed("many", condition, measure, subject, ms)
        for subject, ms in (("C", 30), ("winsvc", 90))
        for condition, measure in (
            ("1 service", "start"),
            ("64 services", "start"),
            ("64 services", "stop"),
        )
    ]
    return [run(*found)]


def timed(group: str, condition: str, measure: str, subject: str, ms: float) -> Series:
    """Return six rounds of one value."""
    return Series(group, condition, measure, subject, "ms", ((ms,),) * 6)


def drawn(runs: Sequence[Run], folder: Path) -> dict[str, bytes]:
    """Draw the figures; return the files by name."""
    from winsvc.bench.plots import draw_all

    return {file.name: file.read_bytes() for file in draw_all(runs, folder)}


def test_figures_are_small_and_the_same_each_time(tmp_path: Path) -> None:
    """They are kept with the docs: no date, no random names, text as text."""
    pytest.importorskip("matplotlib")
    first, again = (drawn(everything(), tmp_path / name) for name in "ab")

    assert {name.removesuffix(".svg") for name in first if name.endswith(".svg")} == {
        *("control-idle", "control-busy", "control-ratios"),
        *("callback-idle", "callback-busy", "callback-ratios"),
        *("start", "many"),
    }
    assert {name.replace(".svg", ".png") for name in first} == {
        name for name in first if name.endswith(".png")
    }
    for name, content in first.items():
        if name.endswith(".svg"):
            assert content == again[name]
            assert len(content) < 150_000
            assert b"<dc:date>" not in content
            assert b"Wine 8.0 as Windows-10" in content


def test_figures_of_two_places_have_names_of_their_own(tmp_path: Path) -> None:
    """None is overwritten by the other's."""
    pytest.importorskip("matplotlib")
    runs = [controls(), controls(where=ELSEWHERE)]

    assert {name for name in drawn(runs, tmp_path) if name.endswith(".svg")} == {
        *("control-idle.svg", "control-idle-2.svg"),
        *("control-ratios.svg", "control-ratios-2.svg"),
    }


def test_nothing_measured_draws_nothing(tmp_path: Path) -> None:
    """Groups of which there is no figure neither."""
    pytest.importorskip("matplotlib")

    assert not drawn([run(series("C", 5, group="flood", unit="1/s"))], tmp_path)
