"""The guard over the core's instruction counts: what it reads, what it decides."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from winsvc.bench import core
from winsvc.bench.callgrind import CountError, Profile, parse

# Two calls of ours into libc, one of them from inlined lines; 7 + 20 + 30 + 12.
SAMPLE = """\
# callgrind format
version: 1
cmd: core_counts user 1024
desc: Trigger: Program termination

positions: line
events: Ir
summary: 69


ob=/x/build/core_counts
fl=/x/benchmarks/core_counts.c
fn=main
58 7
cfi=/x/csrc/core/runtime.c
cfn=handle
calls=4 150
55 62

fl=/x/csrc/core/runtime.c
fn=handle
150 8
cfn=decide.part.0
calls=2 90
151 20
fi=/x/csrc/core/queue.h
40 10
cob=/lib/libc.so.6
cfi=memmove.S
cfn=memmove
calls=2 1
41 5
fe=/x/csrc/core/runtime.c
160 2
cob=/lib/libc.so.6
cfi=lock.c
cfn=lock
calls=4 1
161 7

fn=decide.part.0
90 30

ob=/lib/libc.so.6
fl=lock.c
fn=lock
1 7
fl=memmove.S
fn=memmove
1 5
"""


def read(text: str) -> Profile:
    return parse(text.splitlines(keepends=True))


def times(profile: Profile, factor: int) -> Profile:
    """Return the profile of a run that did all of that so often."""
    return Profile(
        Counter({key: factor * count for key, count in profile.functions.items()}),
        Counter({key: factor * count for key, count in profile.calls.items()}),
    )


def cost(calls: int = 10, **functions: int) -> core.Cost:
    return core.Cost(functions=functions or {"handle": 60, "note": 40}, calls=calls)


def counts(compiler: str = "gcc 12", **costs: core.Cost) -> core.Counts:
    return core.Counts(compiler=compiler, costs=costs or {"user": cost()})


def test_functions_are_read_without_what_they_call() -> None:
    """Self costs, inlined lines counted where they are; calls with both ends."""
    profile = read(SAMPLE)

    assert profile.functions == {
        ("/x/benchmarks/core_counts.c", "main"): 7,
        ("/x/csrc/core/runtime.c", "handle"): 20,
        ("/x/csrc/core/runtime.c", "decide.part.0"): 30,
        ("lock.c", "lock"): 7,
        ("memmove.S", "memmove"): 5,
    }
    runtime = "/x/csrc/core/runtime.c"
    assert profile.calls == {
        ("/x/benchmarks/core_counts.c", "main", runtime, "handle"): 4,
        (runtime, "handle", runtime, "decide.part.0"): 2,
        (runtime, "handle", "memmove.S", "memmove"): 2,
        (runtime, "handle", "lock.c", "lock"): 4,
    }


@pytest.mark.parametrize(
    "text", ["", SAMPLE.replace("summary: 69", "summary: 70"), "not a profile\n"]
)
def test_incomplete_file_is_an_error(text: str) -> None:
    """What was misread would look like an improvement."""
    with pytest.raises(CountError, match="instructions"):
        read(text)


def test_operation_is_the_difference() -> None:
    """Ours by function, clones under its name; libc's apart; no driver's."""
    once = read(SAMPLE)
    each = core.per_operation(once, times(once, 2), 1, Path("/x/csrc"))

    assert each.functions == {
        "decide (core/runtime.c)": 30,
        "handle (core/runtime.c)": 20,
    }
    assert (each.instructions, each.calls, each.outside) == (50, 6, 12)


def test_uneven_cost_is_an_error() -> None:
    """An operation that does not always cost the same cannot be guarded."""
    once = read(SAMPLE)

    with pytest.raises(CountError, match=r"in 4 operations"):
        core.per_operation(once, times(once, 2), 4, Path("/x/csrc"))


def test_equal_counts_pass_without_a_word() -> None:
    """As every run of an unchanged core."""
    verdict = core.judge(counts(), counts())

    assert verdict == core.Verdict(failures=(), remarks=())


def test_two_percent_more_is_only_said() -> None:
    """A fix may cost a few instructions."""
    verdict = core.judge(counts(), counts(user=cost(handle=62, note=40)))

    assert verdict.failures == ()
    assert verdict.remarks == ("user: 102 instructions, were 100 (+2.0%)",)


def test_five_percent_more_fails_and_names_the_function() -> None:
    """The one that grew most comes first."""
    after = cost(handle=59, note=44, clock=2)
    verdict = core.judge(counts(), counts(user=after))

    assert verdict.remarks == ()
    (failure,) = verdict.failures
    lines = failure.splitlines()
    assert lines[0] == "user: 105 instructions, were 100 (+5.0%)"
    assert [line.split() for line in lines[1:]] == [
        ["40", "->", "44", "note"],
        ["0", "->", "2", "clock"],
        ["60", "->", "59", "handle"],
    ]


def test_one_more_lock_fails() -> None:
    """A call out is dear, however few instructions of ours it takes."""
    verdict = core.judge(counts(), counts(user=cost(calls=11)))

    assert verdict.failures == ("user: 11 calls out, were 10 (+10.0%)",)


def test_fewer_asks_for_an_update() -> None:
    """Else the next change could use up what was won."""
    verdict = core.judge(counts(), counts(user=cost(handle=40, note=40)))

    assert verdict.failures == ()
    (remark,) = verdict.remarks
    assert "fewer than the baseline, update it with --update" in remark


def test_fewer_instructions_do_not_pay_for_calls() -> None:
    """Each number is guarded by itself."""
    after = cost(calls=11, handle=40, note=40)

    assert core.judge(counts(), counts(user=after)).failures


@pytest.mark.parametrize("compiler", ["gcc 12", "gcc 13"])
def test_new_operation_fails(compiler: str) -> None:
    """Without a baseline it would never be guarded: whatever the compiler."""
    measured = counts(compiler, user=cost(), pause=cost())
    verdict = core.judge(counts(), measured)

    assert verdict.failures == (
        "pause is not in the baseline: update the baseline with --update",
    )


@pytest.mark.parametrize("compiler", ["gcc 12", "gcc 13"])
def test_operation_that_is_gone_fails(compiler: str) -> None:
    """A guard that no longer measures would pass for ever."""
    verdict = core.judge(counts(user=cost(), pause=cost()), counts(compiler))

    assert verdict.failures == ("pause is gone: update the baseline with --update",)


@pytest.mark.parametrize(("handle", "change"), [(600, "+540.0%"), (6, "-54.0%")])
def test_other_compiler_only_informs(handle: int, change: str) -> None:
    """Its counts differ for its own reasons: say so, and fail nothing."""
    measured = counts("gcc 13", user=cost(handle=handle, note=40))
    verdict = core.judge(counts(), measured)

    assert verdict.failures == ()
    assert verdict.remarks[0] == (
        "the baseline is gcc 12's, this is gcc 13: what it costs is only shown, and "
        "fails nothing"
    )
    assert change in verdict.remarks[1]
    assert "--update" not in verdict.remarks[1]


@pytest.mark.parametrize(
    ("compiler", "lead", "expected"),
    [
        ("gcc", "gcc (Debian 12.2.0-14+deb12u1) 12.2.0", "gcc 12.2.0 (Debian) pc"),
        ("gcc", "gcc (Debian 12.2.0-14+deb12u2) 12.2.0", "gcc 12.2.0 (Debian) pc"),
        ("gcc", "gcc (Ubuntu 12.2.0-3ubuntu1) 12.2.0", "gcc 12.2.0 (Ubuntu) pc"),
        ("gcc", "gcc (Debian 14.2.0-19) 14.2.0", "gcc 14.2.0 (Debian) pc"),
        ("/bin/clang", "Debian clang version 14.0.6", "clang 14.0.6 (Debian) pc"),
    ],
)
def test_compiler_is_known_without_its_revision(
    compiler: str, lead: str, expected: str
) -> None:
    """Another packager is another compiler; another package of one is not."""
    assert core.identity(compiler, lead, "pc") == expected


def test_baseline_is_written_and_read(tmp_path: Path) -> None:
    """Without libc's share, which is the machine's."""
    file = tmp_path / "counts.json"
    core.save(counts(user=core.Cost(functions={"f": 3}, calls=2, outside=9)), file)

    assert core.load(file) == counts(user=core.Cost(functions={"f": 3}, calls=2))


def test_committed_baseline_has_every_operation() -> None:
    """And core_counts.c does each."""
    names = list(core.load(core.BASELINE).costs)

    assert names == list(core.OPERATIONS)
    source = core.SOURCE.read_text(encoding="utf-8")
    assert all(f'{{"{name}", ' in source for name in names)
    # CI's, on Debian 12: any other would guard nothing there.
    compiler = json.loads(core.BASELINE.read_text(encoding="utf-8"))["compiler"]
    assert compiler == "gcc 12.2.0 (Debian) x86_64-linux-gnu"


def test_missing_tools_are_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """Nothing passes because nothing could be measured."""
    (tmp_path / "csrc").mkdir()
    monkeypatch.setattr(core, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", "")

    assert core.main([]) == 2
    assert capsys.readouterr().err == (
        "not found: gcc, valgrind: apt-get install valgrind gcc\n"
    )


def test_installed_package_says_that_it_has_no_sources(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """A wheel has Python's side of the suite alone."""
    monkeypatch.setattr(core, "ROOT", tmp_path)

    assert core.main([]) == 2
    assert "has no csrc" in capsys.readouterr().err


@pytest.mark.parametrize(("compiler", "code"), [("gcc 12", 0), ("gcc 13", 2)])
def test_update_keeps_the_compiler(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, compiler: str, code: int
) -> None:
    """An update made elsewhere would switch the guard off, and nobody would see."""
    file = tmp_path / "counts.json"
    core.save(counts(), file)
    monkeypatch.setattr(core, "BASELINE", file)
    measured = counts(compiler, user=cost(calls=3))
    monkeypatch.setattr(core, "measure", lambda compiler: measured)

    assert core.main(["--update"]) == code
    assert core.load(file).costs["user"].calls == (10 if code else 3)


@pytest.mark.parametrize("grown", [False, True])
def test_exit_code_tells_of_a_failure(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    grown: bool,
) -> None:
    """CI looks at nothing else."""
    baseline = core.load(core.BASELINE)
    costs = dict(baseline.costs)
    if grown:
        costs["user"] = core.Cost(functions={"f": 10_000}, calls=costs["user"].calls)
    measured = core.Counts(compiler=baseline.compiler, costs=costs)
    monkeypatch.setattr(core, "measure", lambda compiler: measured)

    assert core.main([]) == int(grown)
    assert ("FAILED user: 10000 instructions" in capsys.readouterr().out) is grown
