"""What the client has measured becomes series: nothing is lost or mixed up."""

from __future__ import annotations

from pathlib import Path

import pytest

from winsvc.bench import callback, control, plan, subjects
from winsvc.bench.plan import Record
from winsvc.bench.results import Run, Series, load, percentile, ratio, save


def series(subject: str, *rounds: tuple[float, ...]) -> Series:
    return Series(
        group="control",
        condition="idle",
        measure="STOP",
        subject=subject,
        unit="us",
        rounds=rounds,
    )


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1.0), (50, 50.0), (90, 90.0), (99, 99.0), (100, 100.0)]
)
def test_percentile_is_a_value_that_was_measured(percent: float, value: float) -> None:
    assert percentile([float(number) for number in range(1, 101)], percent) == value


def test_ratio_is_made_round_by_round() -> None:
    # The machine was ten times slower in the second round, for both.
    own = series("winsvc", (2.0, 2.0), (30.0, 30.0), (2.0, 2.0))
    c = series("C", (1.0, 1.0), (10.0, 10.0), (1.0, 1.0))

    made = ratio(own, c)

    assert (made.median, made.low, made.high) == (2.0, 2.0, 3.0)


def test_ratio_leaves_out_rounds_without_values() -> None:
    assert (
        ratio(series("winsvc", (), (3.0,)), series("C", (1.0,), (2.0,))).median == 1.5
    )


def test_ratio_wants_the_same_rounds() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratio(series("winsvc", (1.0,)), series("C", (1.0,), (1.0,)))


def test_yardstick_is_the_same_measure_of_c() -> None:
    own, c = series("winsvc", (1.0,)), series("C", (2.0,))
    run = Run({}, (own, c))

    assert run.yardstick(own) is c
    assert run.yardstick(c) is None


def test_file_holds_all_values(tmp_path: Path) -> None:
    run = Run({"system": "a system"}, (series("C", (1.5, 2.5), ()),))
    file = tmp_path / "folder" / "results.json"

    save(file, [run])

    assert load(file) == [run]


@pytest.mark.parametrize("text", ["[]", "{}", '{"format": 0, "runs": []}'])
def test_other_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "other.json"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match="no result of this benchmark suite"):
        load(file)


def test_client_line_is_parsed() -> None:
    record = plan.parse("control BenchC 1000 3500 200 0")

    assert record == Record("control", "BenchC", (1000, 3500, 200, 0))


def test_control_times_are_kept_by_service_and_control() -> None:
    records = [
        plan.parse(line)
        for line in (
            "start A 0 1",
            "control A 1000 3000 255 0",  # warms up
            "control A 1000 3500 200 0",
            "control B 1000 5000 4 0",
            "status A 5000 7 0 0",
            "control A 6000 7000 200 0",
            "control A 8000 9000 1 109",  # it ended before it had answered
        )
    ]

    assert control.times_of(records) == {
        ("A", plan.USER): (2.5, 1.0),
        ("B", plan.INTERROGATE): (4.0,),
    }


def test_refused_control_is_no_time() -> None:
    with pytest.raises(RuntimeError, match="A refused control 200 with error 1816"):
        control.times_of([plan.parse("control A 1000 3500 200 1816")])


def callback_records() -> list[Record]:
    return [
        plan.parse(line)
        for line in (
            "status A 100 2 1 3000",
            "status A 200 4 0 0",
            "control A 1000 3000 200 0",
            "control A 5000 6000 2 0",
            "status A 7000 6 1 3000",
            "status A 9000 7 0 0",
            "control A 10000 11000 3 0",
            "status A 12000 4 0 0",
        )
    ]


def test_callback_delays_begin_with_the_call() -> None:
    came = subjects.handler_times("200 2500\n2 8000\n3 11500\n1 20000\n")

    assert dict(callback.delays(callback_records(), came)) == {
        "handler": (1.5,),
        "on_pause": (3.0,),
        "status": (2.0,),  # the first sight after PAUSE, none before it
    }


def test_lost_callback_is_found() -> None:
    with pytest.raises(ValueError, match="zip"):
        dict(callback.delays(callback_records(), subjects.handler_times("2 8000\n")))


def test_plan_visits_every_service_equally_often() -> None:
    condition = control.CONDITIONS[0]
    services = [
        control.Subject(label, label, ()) for label in ("C", "CAgain", "winsvc")
    ]

    files = {subject.name: Path(subject.name) for subject in services}

    lines = list(control.make_plan(files, services, condition))

    for subject in services:
        for code, count in (
            (plan.INTERROGATE, condition.turns),
            (plan.USER, condition.turns),
            (plan.PAUSE, condition.pauses),
            (plan.CONTINUE, condition.pauses),
            (plan.STOP, 1),
        ):
            assert lines.count(plan.control(subject.name, code)) == count
    first = [
        line.split("\t")[1]
        for line in lines
        if line.startswith("control") and line.endswith(f"\t{plan.USER}")
    ]
    assert first[:6] == ["C", "CAgain", "winsvc", "CAgain", "winsvc", "C"]


def test_condition_that_held_too_late_is_no_condition() -> None:
    records = [plan.parse("start A 0 1"), plan.parse("control A 1000 3000 255 0")]

    control.check_condition(records, [999, 2000])
    for is_up in ([], [1001]):
        with pytest.raises(RuntimeError, match="A's condition did not hold in time"):
            control.check_condition(records, is_up)


def test_rotation_changes_who_comes_before_whom() -> None:
    orders = ["".join(subjects.rotated("abc", number)) for number in range(7)]

    assert orders == ["abc", "bca", "cab", "cba", "acb", "bac", "abc"]
