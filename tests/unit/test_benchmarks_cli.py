"""``python -m winsvc bench``: what runs where, what is merged, what is said."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from winsvc.bench import cli, measure, programs
from winsvc.bench.programs import BenchError, Compiler
from winsvc.bench.results import Run, Series, load, save
from winsvc.cli import main

HERE = {"system": "here", "time": "2026-11-23"}
CHECK_EXTRA = cli.check_extra
Say = Callable[..., tuple[int, str, str]]


def series(group: str, value: float = 1.0) -> Series:
    """Return a series with one value."""
    return Series(group, "idle", "what", "winsvc", "us", ((value,),))


@pytest.fixture
def bench(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Say:
    """Runs the command in a folder of its own; has the extra, and draws nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "check_extra", lambda: None)
    monkeypatch.setattr(cli, "show", lambda *_: None)

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_info:
            main(argv=["bench", *words])
        out, err = capfd.readouterr()
        assert isinstance(exit_info.value.code, int)
        return exit_info.value.code, out, err

    return run


class Machine:
    """What would measure."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], int | None]] = []
        self.fails = False

    def measure(
        self, groups: Sequence[str], *, rounds: int | None, results: Path
    ) -> bool:
        """Measure; the last one fails if that is wanted."""
        self.asked.append((list(groups), rounds))
        done = groups[:-1] if self.fails else groups
        save(results, [Run(HERE, tuple(map(series, done)))])
        return not self.fails

    def measure_core(self, rounds: int | None) -> Iterator[Series]:
        """Be core.measure."""
        self.asked.append(([cli.CORE], rounds))
        yield series(cli.CORE)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine on which everything can be measured."""
    it = Machine()
    monkeypatch.setattr(programs, "why_no_scm", lambda: None)
    monkeypatch.setattr(cli, "unavailable", dict)
    monkeypatch.setattr(programs, "measure", it.measure)
    monkeypatch.setattr(cli, "where", lambda: HERE)
    core = SimpleNamespace(measure=it.measure_core)
    monkeypatch.setattr(cli, "import_module", lambda *_: core)
    return it


def groups_in(file: Path) -> list[str]:
    """Return the groups of a result file."""
    return sorted({each.group for run in load(file) for each in run.series})


# --- what can be measured ---------------------------------------------------------


def test_list_names_every_group(bench: Say) -> None:
    """Those of measure.py, and core."""
    code, out, err = bench("--list")

    assert (code, err) == (0, "")
    assert list(cli.GROUPS) == [*measure.GROUPS, cli.CORE]
    for name in cli.GROUPS:
        assert f"\n{name} " in f"\n{out}"


def test_all_that_can_be_measured_is_the_default(
    bench: Say, machine: Machine, tmp_path: Path
) -> None:
    """The SCM's groups in one go, then core; the results are in one file."""
    code, out, _ = bench("--rounds", "3", "--output", "out")

    assert code == 0
    assert machine.asked == [(list(measure.GROUPS), 3), ([cli.CORE], 3)]
    assert groups_in(tmp_path / "out" / "results.json") == sorted(cli.GROUPS)
    assert "control (µs)" in out


def test_installed_wheel_measures_core_alone(
    bench: Say, machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It says what is left out, and why; into a folder of the current one."""
    monkeypatch.setattr(programs, "RIG", tmp_path / "rig.py")
    reason = "they need the SCM of Windows"
    monkeypatch.setattr(
        cli, "unavailable", lambda: dict.fromkeys(measure.GROUPS, reason)
    )
    code, out, _ = bench()

    assert code == 0
    assert machine.asked == [([cli.CORE], None)]
    assert f"not here: {', '.join(measure.GROUPS)}: {reason}" in out
    assert groups_in(tmp_path / "bench-results" / "results.json") == [cli.CORE]


def test_what_cannot_be_measured_is_refused(
    bench: Say, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If it was asked for: with the reason, and before anything is measured."""
    monkeypatch.setattr(cli, "unavailable", lambda: {"start": "there is no SCM"})
    code, out, err = bench("control", "start")
    unknown = bench("contrl")

    assert (code, out) == (1, "")
    assert err == "winsvc: measuring start: there is no SCM\n"
    assert "no group contrl; there are control, callback" in unknown[2]
    assert not machine.asked


def test_reasons_fit_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Linux in a checkout and without one; macOS."""
    monkeypatch.setattr(programs, "RIG", tmp_path / "rig.py")
    monkeypatch.setattr(sys, "platform", "linux")
    without = programs.why_no_scm()
    programs.RIG.touch()
    within = programs.why_no_scm()
    monkeypatch.setattr(sys, "platform", "darwin")

    assert without is not None
    assert "a checkout of winsvc" in without
    assert within is None
    assert "Wine on Linux" in str(programs.why_no_scm())
    assert set(cli.unavailable()) == set(measure.GROUPS)


def test_missing_extra_is_named_before_measuring(
    bench: Say, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour later would be late."""
    monkeypatch.setattr(cli, "find_spec", lambda _name: None)
    monkeypatch.setattr(cli, "check_extra", CHECK_EXTRA)
    code, _, err = bench("core")

    assert code == 1
    assert 'pip install "pywinsvc[bench]"' in err
    assert not machine.asked


@pytest.mark.parametrize("words", ["--rounds 0", "--rounds x", "--compare"])
def test_wrong_usage_exits_with_2(bench: Say, words: str) -> None:
    """As with every other command."""
    assert bench(*words.split())[0] == 2


def test_winsvc_without_benchmarks_says_so(
    bench: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkout's winsvc folder is the current one, and nothing is installed."""

    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name="winsvc.bench")

    monkeypatch.setattr("winsvc.commands.running.import_module", missing)
    code, _, err = bench("--list")

    assert code == 1
    assert "pip install -e ." in err


# --- measuring --------------------------------------------------------------------


def test_failed_group_loses_nothing_of_the_others(
    bench: Say, machine: Machine, tmp_path: Path
) -> None:
    """Neither those before it, nor those of earlier runs, nor core after it."""
    bench("footprint", "--output", "out")
    machine.fails = True
    code, _, err = bench("control", "start", "core", "--output", "out")

    assert code == 1
    assert err == "winsvc: not all was measured, as said above; nothing of start\n"
    assert groups_in(tmp_path / "out" / "results.json") == [
        *("control", "core", "footprint"),
    ]
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"results.json"}


def test_interrupted_run_keeps_what_was_finished(
    bench: Say, machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ctrl+C ends it with 130."""

    def interrupted(*args: Any, **more: Any) -> bool:
        machine.fails = True
        machine.measure(*args, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(programs, "measure", interrupted)
    code, _, err = bench("control", "start", "--output", "out")

    assert (code, err) == (130, "winsvc: interrupted\n")
    assert groups_in(tmp_path / "out" / "results.json") == ["control"]


def test_core_that_fails_is_said(
    bench: Say, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line: something is not installed."""

    def fails(_rounds: int | None) -> Iterator[Series]:
        raise RuntimeError("no valgrind: apt-get install valgrind")

    monkeypatch.setattr(cli, "import_module", lambda *_: SimpleNamespace(measure=fails))
    code, _, err = bench("core")

    assert code == 1
    assert err == ("winsvc: measuring core: no valgrind: apt-get install valgrind\n")


def test_broken_result_is_not_overwritten(
    bench: Say, machine: Machine, tmp_path: Path
) -> None:
    """What was not understood may be somebody's only copy."""
    file = tmp_path / "results.json"
    for content in ("{", '{"format": 0}', '{"format": 1, "runs": [{}]}', "[]"):
        file.write_text(content)
        code, _, err = bench("core", "--output", str(tmp_path))

        assert code == 1
        assert f"reading {file}" in err
        assert file.read_text() == content
    assert not machine.asked


def test_report_shows_a_file_and_measures_nothing(
    bench: Say, machine: Machine, tmp_path: Path
) -> None:
    """Also beside an older one, and in Markdown."""
    for name, value in (("old", 1.0), ("new", 5.0)):
        many = Series("control", "idle", "what", "winsvc", "us", ((value,),) * 6)
        save(tmp_path / f"{name}.json", [Run(HERE, (many,))])
    code, out, _ = bench(
        *("--report", "new.json", "--compare", "old.json", "--markdown")
    )
    missing = bench("--report", "none.json")

    assert code == 0
    assert "### control (µs)" in out
    assert "1 of 1 have changed" in out
    assert not machine.asked
    assert missing[0] == 1
    assert "none.json: No such file" in missing[2]


def test_module_is_the_same_command() -> None:
    """``python -m winsvc.bench``, from any folder."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "winsvc.bench", "--list"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "footprint" in done.stdout


# --- the programs -----------------------------------------------------------------


def test_current_folder_is_no_place_for_a_compiler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On Windows ``which`` looks there first; an administrator runs what it finds."""
    monkeypatch.setattr("shutil.which", lambda name: f".\\{name}.EXE")

    assert programs.find_program("cl") is None


def test_compilers_are_tried_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Visual Studio's, MinGW's, the one from PyPI; then it is said how to get one."""
    there = {"cl", "gcc"}
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(programs, "find_program", lambda name: name * (name in there))
    monkeypatch.setattr(programs, "find_spec", lambda name: name in there or None)
    source, program = Path("client.c"), Path("client.exe")
    found = []
    for gone in ("cl", "gcc", "ziglang"):
        there.add("ziglang")
        found.append(programs.find_compiler().line(source, program))
        there.discard(gone)
    there.clear()

    assert found[0][0] == "cl"
    assert found[0][-3:] == ["client.c", "advapi32.lib", "winmm.lib"]
    assert found[1][:2] == ["gcc", "-static"]
    assert found[2][:5] == [sys.executable, "-P", "-m", "ziglang", "cc"]
    with pytest.raises(BenchError, match="pip install ziglang"):
        programs.find_compiler()


def test_compiler_that_fails_is_quoted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What it has said, and what was run."""
    code = "import sys; sys.exit('no such header')"
    compiler = Compiler((sys.executable, "-c", code))
    monkeypatch.setattr(programs, "find_compiler", lambda: compiler)

    with pytest.raises(BenchError, match=r"compiling client\.c: .*\nno such header"):
        programs.compile_all(tmp_path)


def test_programs_compile_without_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the compiler that is here."""
    try:
        compiler = programs.find_compiler()
    except BenchError as error:
        pytest.skip(str(error))
    strict = "/WX" if compiler.is_msvc else "-Werror"
    strict_compiler = Compiler((*compiler.command, strict), compiler.is_msvc)
    monkeypatch.setattr(programs, "find_compiler", lambda: strict_compiler)
    programs.compile_all(tmp_path)

    for name in programs.PROGRAMS:
        assert (tmp_path / f"{name}.exe").read_bytes()[:2] == b"MZ"


@pytest.mark.skipif(os.name == "nt", reason="the paths are those of Linux")
def test_measuring_runs_nothing_of_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As administrator on Windows; under Wine by the rig, with Windows paths."""
    commands: list[list[str]] = []

    def fails(command: list[str]) -> int:
        commands.append(command)
        return 3

    monkeypatch.setattr(programs, "compile_all", lambda _folder: None)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(programs, "run", fails)
    monkeypatch.setattr(programs, "check_setuptools", lambda: None)
    for platform in ("win32", "linux"):
        monkeypatch.setattr(sys, "platform", platform)
        done = programs.measure(["control"], rounds=2, results=tmp_path / "part.json")

        assert not done
    windows, wine = commands
    ours = ["-P", "-u", "-m", "winsvc.bench.measure"]
    assert windows[1:5] == ours
    assert windows[-3:] == ["--rounds", "2", "control"]
    at = wine.index("--") + 1
    assert wine[1] == str(programs.RIG)
    assert wine[at : at + 5] == ["python.exe", *ours]
    assert wine[wine.index("--programs") + 1].startswith("Z:\\")
    # What LocalSystem runs is in a folder that was not there before.
    assert windows[windows.index("--programs") + 1].startswith(str(tmp_path))


def test_wine_needs_a_newer_setuptools(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Than a virtual environment has; said before anything is built."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("importlib.metadata.version", lambda _name: "65.5.0")

    with pytest.raises(BenchError, match="pip install 'setuptools>=78'"):
        programs.measure(["control"], rounds=None, results=tmp_path / "part.json")
    assert not list(tmp_path.iterdir())


def test_bench_is_loaded_for_its_command_only() -> None:
    """A service's process imports nothing of it."""
    code = (
        "import sys, winsvc.commands, winsvc.process, winsvc.cli\n"
        "print(*(name for name in sys.modules if name.startswith('winsvc.bench')))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )

    assert not done.stdout.strip()
