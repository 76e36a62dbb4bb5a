"""``python -m winsvc bench``: measure what can be measured here, and show it.

The options are those of ``winsvc/cli.py``, which imports this when it is needed.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from . import programs, tables
from .compare import compare
from .places import merged
from .programs import BenchError
from .results import Run, load, save, where

CORE = "core"
GROUPS = {
    "control": "how long ControlService takes, whatever the service does meanwhile",
    "callback": "from a control to the handler in Python, or to the coroutine",
    "start": "from StartService to the first report, and to RUNNING",
    "checkpoint": "how punctual the checkpoints of a pending state are",
    "flood": "how many controls a second are answered",
    "many": "what becomes of it with many services",
    "manage": "how long lists of services and the command line take",
    "footprint": "memory, handles and threads of a service",
    CORE: "what the core in C and the Python around it take, without an SCM",
}
RESULTS = "results.json"
# While it is measured: what is there already is not lost with it.
PART = "measured.json"
EXTRA = ("matplotlib", "pyperf")


def main(options: argparse.Namespace) -> int:
    """Run the command and return the exit code; errors are said on stderr."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A console may lack a sign: that ends nothing which took an hour.
        sys.stdout.reconfigure(errors="replace")
    try:
        return _main(options)
    except BenchError as error:
        complain(str(error))
        return 1


def _main(options: argparse.Namespace) -> int:
    if options.list:
        print_groups()
        return 0
    old = read(options.compare) if options.compare else None
    if options.report:
        runs = read(options.report)
        output = options.output or options.report.parent
        done = True
        shown = runs
    else:
        groups = choose(options.groups)
        check_extra()
        output = options.output or default_output()
        runs, shown, done = measure(groups, options.rounds, output)
    if shown:
        print((tables.markdown if options.markdown else tables.text)(shown))
        if old is not None:
            print(f"\n{compare(old, shown)}")
        show(runs, output)
    return 0 if done else 1


def complain(text: str) -> None:
    """Say what went wrong."""
    print(f"winsvc: {text}", file=sys.stderr)


# --- what can be measured ---------------------------------------------------------


def print_groups() -> None:
    """Print all groups, and why some cannot be measured here."""
    unable = unavailable()
    width = max(map(len, GROUPS))
    for name, what in GROUPS.items():
        print(f"{name:{width}}  {what}{' (not here)' if name in unable else ''}")
    print_left_out(unable)


def unavailable() -> dict[str, str]:
    """Return the groups that cannot be measured here, and why."""
    unable = {}
    if reason := programs.why_no_scm():
        unable = {name: reason for name in GROUPS if name != CORE}
    if sys.platform == "win32":
        unable[CORE] = "it counts instructions with callgrind, on Linux"
    return unable


def print_left_out(unable: dict[str, str]) -> None:
    """Say what is not measured here; groups with the same reason in one line."""
    for reason in dict.fromkeys(unable.values()):
        names = ", ".join(name for name, why in unable.items() if why == reason)
        print(f"not here: {names}: {reason}", flush=True)


def choose(names: Sequence[str]) -> list[str]:
    """Return the groups to measure; none named: all that can be measured here.

    Raises:
        BenchError: One of them is unknown, or cannot be measured here.
    """
    for name in names:
        if name not in GROUPS:
            msg = f"no group {name}; there are {', '.join(GROUPS)}"
            raise BenchError(msg)
    unable = unavailable()
    for name in names:
        if name in unable:
            msg = f"measuring {name}: {unable[name]}"
            raise BenchError(msg)
    if names:
        return list(dict.fromkeys(names))
    print_left_out(unable)
    able = [name for name in GROUPS if name not in unable]
    if not able:
        msg = f"measuring: nothing can be measured here; {programs.why_no_scm()}"
        raise BenchError(msg)
    return able


def check_extra() -> None:
    """See to it that the results can be drawn, before they are measured.

    Raises:
        BenchError: Something is not installed.
    """
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        names = " and ".join(missing)
        msg = f'{names} missing for the results: pip install "pywinsvc[bench]"'
        raise BenchError(msg)


# --- measuring --------------------------------------------------------------------


def default_output() -> Path:
    """Return where the results go: into a checkout's own, ignored folder."""
    if programs.RIG.is_file():
        return programs.CHECKOUT / "build" / "bench"
    return Path("bench-results")


def measure(
    groups: Sequence[str], rounds: int | None, output: Path
) -> tuple[list[Run], list[Run], bool]:
    """Measure, and merge it into the results of the folder.

    Returns:
        All runs of the folder, those of now, and whether all went well.
    """
    file = output / RESULTS
    before = read(file) if file.exists() else []
    new: list[Run] = []
    failed = False
    scm_groups = [name for name in groups if name != CORE]
    if scm_groups:
        part = output / PART
        try:
            failed = not programs.measure(scm_groups, rounds=rounds, results=part)
        finally:
            # Ctrl+C, too, loses no group that was finished.
            if part.is_file():
                new = read(part)
                write(merged(before, new), file)
                part.unlink()
        if failed:
            missing = [name for name in scm_groups if name not in finished(new)]
            rest = f"; nothing of {', '.join(missing)}" if missing else ""
            complain(f"not all was measured, as said above{rest}")
    if CORE in groups:
        run = measure_core(rounds)
        failed = failed or run is None
        new += [run] if run else []
    runs = merged(before, new)
    if new:
        write(runs, file)
    return runs, new, not failed


def measure_core(rounds: int | None) -> Run | None:
    """Measure without an SCM, in this Python; ``None`` if it failed, and was said."""
    try:
        module = import_module(".core_group", __package__)
        return Run(where(), tuple(module.measure(rounds)))
    except (
        OSError,
        RuntimeError,
        ModuleNotFoundError,
        subprocess.SubprocessError,
    ) as error:
        complain(f"measuring {CORE}: {error}")
        return None


def finished(runs: Sequence[Run]) -> list[str]:
    """Return the groups that runs have."""
    return list(dict.fromkeys(each.group for run in runs for each in run.series))


# --- results ----------------------------------------------------------------------


def show(runs: Sequence[Run], output: Path) -> None:
    """Draw the figures and write what pyperf reads; say where they are."""
    check_extra()
    from .plots import draw_all
    from .pyperf_export import export

    files = [file for file in draw_all(runs, output) if file.suffix == ".svg"]
    for_pyperf = output / "results.pyperf.json"
    export(runs, for_pyperf)
    made = [f"{len(files)} figures (SVG, PNG)"] if files else []
    made += [for_pyperf.name] if for_pyperf.is_file() else []
    if made:
        print(f"\nIn {output}: {' and '.join(made)}")


def read(file: Path) -> list[Run]:
    """Read a result file.

    Raises:
        BenchError: It cannot be read, or is none.
    """
    try:
        return load(file)
    except OSError as error:
        msg = f"reading {file}: {error.strerror}"
    except (ValueError, KeyError, TypeError) as error:
        msg = f"reading {file}: {error}; move it away, or name another one"
    raise BenchError(msg)


def write(runs: Sequence[Run], file: Path) -> None:
    """Write a result file: the whole of it, or nothing."""
    new = file.with_suffix(".new")
    save(new, runs)
    new.replace(file)
