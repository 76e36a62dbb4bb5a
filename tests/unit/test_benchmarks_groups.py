"""The groups of the benchmarks: what they make of what the client has seen."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path

import pytest

from winsvc.bench import checkpoint, flood, footprint, manage, many, start
from winsvc.bench.plan import INTERROGATE, USER, Record, control, parse
from winsvc.bench.subjects import Subject

PENDING = 3  # STOP_PENDING
MS = 1_000_000


def seen(*looks: tuple[int, int, int, int]) -> list[Record]:
    """Return records of looks: ms, state, checkpoint, hint."""
    return [Record("status", "X", (at * MS, *rest)) for at, *rest in looks]


# --- checkpoint -----------------------------------------------------------------------


def test_worst_is_the_longest_time_between_rises() -> None:
    records = seen(
        (0, 4, 0, 0),
        (1000, PENDING, 1, 3000),
        (2500, PENDING, 2, 3000),
        (5200, PENDING, 3, 3000),
        (6000, 1, 0, 0),
    )
    assert checkpoint.worst(records, PENDING) == pytest.approx(0.9)


def test_worst_counts_the_time_to_the_end() -> None:
    records = seen((0, PENDING, 1, 5000), (8000, 1, 0, 0))
    assert checkpoint.worst(records, PENDING) == pytest.approx(1.6)


def test_worst_takes_the_hint_of_the_time() -> None:
    records = seen(
        (0, PENDING, 1, 10_000),
        (6000, PENDING, 2, 1000),
        (6900, 1, 0, 0),
    )
    assert checkpoint.worst(records, PENDING) == pytest.approx(0.9)


@pytest.mark.parametrize("again", [1, 0])
def test_a_report_without_a_higher_checkpoint_is_no_rise(again: int) -> None:
    records = seen(
        (0, PENDING, 1, 3000),
        (2000, PENDING, again, 4000),
        (6000, 1, 0, 0),
    )
    assert checkpoint.worst(records, PENDING) == pytest.approx(1.5)


def test_hint_zero_gives_a_second() -> None:
    records = seen((0, PENDING, 0, 0), (1500, 4, 0, 0))
    assert checkpoint.worst(records, PENDING) == pytest.approx(1.5)


def test_worst_begins_anew_with_each_phase() -> None:
    records = seen(
        (0, PENDING, 1, 1000),
        (500, 4, 0, 0),
        (90_000, PENDING, 1, 1000),
        (90_400, 1, 0, 0),
    )
    assert checkpoint.worst(records, PENDING) == pytest.approx(0.5)


def test_worst_leaves_other_states_out() -> None:
    records = seen(
        (0, 2, 1, 100),
        (9000, PENDING, 1, 1000),
        (9300, 1, 0, 0),
    )
    assert checkpoint.worst(records, PENDING) == pytest.approx(0.3)


@pytest.mark.parametrize(
    "looks",
    [
        [],
        [(0, 4, 0, 0)],
        [(0, 4, 0, 0), (1, 1, 0, 0)],
        [(0, PENDING, 1, 1000)],
        [(0, PENDING, 1, 1000), (500, PENDING, 2, 1000)],
    ],
)
def test_worst_wants_a_whole_phase(looks: list[tuple[int, int, int, int]]) -> None:
    with pytest.raises(ValueError, match="not seen"):
        checkpoint.worst(seen(*looks), PENDING)


# --- start ----------------------------------------------------------------------------


def test_the_scms_first_status_is_not_the_services_own() -> None:
    records = [
        Record("start", "X", (0, MS)),
        *seen((1, 2, 0, 2000), (7, 2, 1, 3000), (9, 4, 0, 0)),
    ]
    assert start.first_own(records) == 7 * MS
    assert start.first_running(records) == 9 * MS


@pytest.mark.parametrize(
    "status", [(2, 0, 5000), (2, 1, 2000), (4, 0, 0), (4, 0, 2000)]
)
def test_any_other_status_is_the_services_own(status: tuple[int, int, int]) -> None:
    assert start.first_own(seen((1, 2, 0, 2000), (5, *status), (9, 4, 0, 0))) == 5 * MS


def test_modules_of_the_service_itself_are_not_importable_elsewhere() -> None:
    modules = ["sys", "__main__", "winsvc.host", "quick_start", "load"]
    assert start.importable(modules) == ["sys", "winsvc.host"]
    assert footprint.foreign([*modules, "winsvcs"]) == ["sys", "winsvcs"]


def test_differences_are_taken_round_by_round() -> None:
    times: start.Times = {
        ("process", start.BARE): [(10.0,), (20.0,)],
        ("process", start.IMPORT): [(13.0,), (29.0,)],
        ("process", start.HOSTING): [(30.0,), (90.0,)],
    }
    start.add_differences(times)
    assert times["above bare Python", start.IMPORT] == [(3.0,), (9.0,)]
    assert times["above bare Python", start.HOSTING] == [(20.0,), (70.0,)]


def test_without_processes_there_are_no_differences() -> None:
    times: start.Times = {("StartService", "C"): [(1.0,)]}
    start.add_differences(times)
    assert set(times) == {("StartService", "C")}


# --- flood ----------------------------------------------------------------------------


def test_lost_is_what_was_neither_refused_nor_handled(tmp_path: Path) -> None:
    file = tmp_path / "times"
    file.write_text(f"{USER} 1\n{USER + 1} 2\n{USER} 3\n1 4\n")
    records = [
        parse(f"flood X 0 9 500 0 {USER + 1}"),
        parse("flood X 1000000000 3000000000 10 3"),
    ]
    assert flood.evaluate(records, flood.handled(file)) == {
        "rate": pytest.approx(5.0),
        "refused": 3,
        "lost": 5,
    }


# --- many -----------------------------------------------------------------------------


def test_controls_of_many_are_spread_over_all() -> None:
    kinds = [[Subject("C", f"C{n}", ()) for n in range(4)]]
    lines = list(many.control(kinds))
    for number in range(4):
        for code in many.CONTROLS:
            assert lines.count(control(f"C{number}", code)) == many.TURNS // 4


def test_records_of_many_go_to_their_kind() -> None:
    kinds = [[Subject("C", "C1", ())], [Subject("winsvc", "W1", ())]]
    records = [
        parse(f"start C1 0 {MS}"),
        parse(f"status C1 {2 * MS} 2 0 2000"),
        parse(f"status C1 {5 * MS} 4 0 0"),
        parse(f"control W1 1000 4000 {INTERROGATE} 0"),
        parse(f"control C1 1000 3000 {INTERROGATE} 0"),
        parse(f"control C1 1000 2000 {USER} 0"),
    ]
    found: many.Found = defaultdict(list)
    many.add(found, 1, kinds, records)
    assert found == {
        (1, "INTERROGATE", "C", "us"): [(2.0,)],
        (1, "user code", "C", "us"): [(1.0,)],
        (1, "start to RUNNING", "C", "ms"): [(5.0,)],
        (1, "INTERROGATE", "winsvc", "us"): [(3.0,)],
    }


def test_all_stops_are_over_with_the_last() -> None:
    records = [
        parse(f"status C1 {MS} 4 0 0"),
        parse(f"control C1 {2 * MS} {3 * MS} 1 0"),
        parse(f"control C2 {4 * MS} {5 * MS} 1 109"),
        parse(f"status C1 {9 * MS} 1 0 0"),
        parse(f"status C2 {8 * MS} 1 0 0"),
        parse(f"gone C1 {12 * MS}"),
        parse(f"gone C2 {11 * MS}"),
    ]
    assert many.stops(records, "status") == pytest.approx(7.0)
    assert many.stops(records, "gone") == pytest.approx(10.0)
    assert many.starts(records) == ()


def test_a_refused_control_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="1061"):
        many.controls([parse(f"control X 1 2 {USER} 1061")], USER)


# --- manage ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "what"),
    [((500, 499), "'b': 499"), ((12, 12), "'b': 12")],
    ids=["one lacks a service", "the services are not there"],
)
def test_lists_that_do_not_show_all_are_not_compared(
    counts: tuple[int, int], what: str
) -> None:
    winsvc, other = counts
    lists = {"winsvc": lambda: winsvc, "b": lambda: other}
    with pytest.raises(RuntimeError, match=what):
        manage.check(lists)


def test_lists_of_the_same_services_are_compared() -> None:
    manage.check({"winsvc": lambda: 512, "b": lambda: 512})


# --- footprint ------------------------------------------------------------------------


def test_wake_ups_are_per_minute() -> None:
    before = footprint.Sample(1, 1, 1, 1000, None)
    after = footprint.Sample(3_000_000, 2_000_000, 5, 1030, None)
    assert footprint.costs(before, after, 0.5) == {
        ("working set", "MB"): 3.0,
        ("private bytes", "MB"): 2.0,
        ("threads", "count"): 5.0,
        ("wake-ups", "1/min"): 60.0,
    }


def test_handles_are_told_where_they_are_counted() -> None:
    sample = footprint.Sample(1, 1, 1, 1, 77)
    assert footprint.costs(sample, sample, 1.0)["handles", "count"] == 77


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")
def test_context_switches_of_all_threads_count() -> None:
    """A thread that has slept so often has been woken as often."""
    folder = Path(f"/proc/{os.getpid()}")
    turns = 200
    begin, done, end = threading.Event(), threading.Event(), threading.Event()

    def sleep() -> None:
        begin.wait()
        for _ in range(turns):
            time.sleep(0.001)
        done.set()
        end.wait()

    thread = threading.Thread(target=sleep)
    thread.start()
    before = footprint.switches(folder)
    begin.set()
    done.wait()
    after = footprint.switches(folder)
    end.set()
    thread.join()
    assert turns <= after - before < 20 * turns


def test_structures_are_as_windows_has_them() -> None:
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        pytest.skip("the offsets are those of 64 bits")
    process, thread = footprint.ProcessInformation, footprint.ThreadInformation
    assert (ctypes.sizeof(process), ctypes.sizeof(thread)) == (256, 80)
    assert process.pid.offset == 80
    assert process.working_set.offset == 144
    assert process.pagefile.offset == 184
    assert thread.switches.offset == 64


def test_installed_size_is_the_packages_own() -> None:
    assert 100_000 < footprint.installed_size() < 20_000_000
