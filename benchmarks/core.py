"""Count the instructions that operations of the C core take: exact, on Linux.

    python -m benchmarks.core [--update] [--compiler clang]

core_counts.c does an operation often, under callgrind, on one thread and in virtual
time; (count of 2 N - count of N) / N is what one takes, and must come out even.
Counted are the instructions of functions in csrc/, and their calls of what is not
there: locks, conditions, the clock, large copies.  What those take is only shown:
it is libc's, and differs from machine to machine.

core_counts.json has what was counted last.  More than that by TOLERANCE fails, if
it was the same compiler; with another one nothing but the list of operations can.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .callgrind import CountError, Profile
from .callgrind import run as run_callgrind

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = ROOT / "build" / "counts"
SOURCE = HERE / "core_counts.c"
BASELINE = HERE / "core_counts.json"
OPERATIONS = {
    "interrogate": "the handler answers INTERROGATE",
    "user": "the handler queues a control without data",
    "power": "the handler queues a power event, 32 bytes",
    "pause": "the handler queues PAUSE, enters PAUSE_PENDING, reports it",
    "pause+continue": "both, with their events taken and PAUSED, RUNNING reported",
    "wait": "the control thread takes that power event",
    "report": "a status, from the core into the simulated SCM",
    "progress": "the service makes progress: schedule and report",
    "checkpoint": "the reporter wakes up for a checkpoint",
    "note": "one journal entry",
    "queue": "an event with 32 bytes into the queue, and out",
    "life": "START_PENDING, RUNNING, STOP_PENDING, STOPPED",
}
REPEATS = 1024
# Nothing varies, so this is for nobody's noise: it lets a fix of a few instructions
# in without a new baseline, and is less than any clock, lock or copy costs.
TOLERANCE = 0.03
SHOWN = 8  # functions


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one operation costs.

    Attributes:
        functions: Instructions of each function of ours, without those it calls.
        calls: Of functions that are not ours.
        outside: Instructions in those.
    """

    functions: Mapping[str, int]
    calls: int
    outside: int = 0

    @property
    def instructions(self) -> int:
        """Those in functions of ours."""
        return sum(self.functions.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The costs of all operations, and the compiler that made them so."""

    compiler: str
    costs: Mapping[str, Cost]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How counts compare with the baseline."""

    failures: tuple[str, ...]
    remarks: tuple[str, ...]


# --- counting ---------------------------------------------------------------------


def identity(compiler: str, lead: str, target: str) -> str:
    """Return which compiler it is, of the first line of its --version.

    Whose it is counts, since distributions change its defaults; not their own
    revision of it: with that, their next update would switch the guard off.
    """
    maker = re.match(r"(?:gcc.*?\()?([A-Za-z]+)", lead)
    version = re.search(r"\d+\.\d+\.\d+", lead.rpartition(")")[2] or lead)
    return " ".join(
        (
            Path(compiler).name,
            version[0] if version else lead,
            f"({maker[1]})" if maker else "",
            target,
        )
    )


def ask(compiler: str, option: str) -> str:
    """Return what the compiler says of itself."""
    command = (compiler, option)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def build(compiler: str) -> Path:
    """Compile the program that does the operations."""
    setup = runpy.run_path(str(ROOT / "setup.py"))
    sources = [*setup["CORE"], *setup["OS_POSIX"], *setup["SCM_SIMULATED"]]
    BUILD.mkdir(parents=True, exist_ok=True)
    program = BUILD / f"core_counts-{Path(compiler).name}"
    command = (
        *(compiler, "-std=c11", "-O2", "-gdwarf-4", "-pthread", f"-I{ROOT / 'csrc'}"),
        "-Wl,--wrap=wsv_os_cond_wait",
        # (Debian 12's valgrind cannot read clang's DWARF 5.)
        # Absolute, since callgrind names the files as they were named here.
        *(str(ROOT / source) for source in sources),
        *(str(SOURCE), "-o", str(program)),
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CountError(f"{' '.join(command)}\n{done.stderr}")
    return program


def per_operation(once: Profile, twice: Profile, repeats: int, source: Path) -> Cost:
    """Return what one operation costs, from N of them and 2 N.

    Raises:
        CountError: They do not all cost the same.
    """

    def share(name: str, count: int) -> int:
        each, rest = divmod(count, repeats)
        if rest:
            msg = f"{name} has {count} instructions or calls in {repeats} operations"
            raise CountError(msg)
        return each

    def is_ours(file: str) -> bool:
        return Path(file).is_relative_to(source)

    def costliest(item: tuple[str, int]) -> tuple[int, str]:
        return -item[1], item[0]

    functions: Counter[str] = Counter()
    outside = calls = 0
    grown = Counter(twice.functions)
    grown.subtract(once.functions)
    for (file, function), count in grown.items():
        if is_ours(file):
            # Without what the compiler appends to parts and clones of a function.
            place = Path(file).relative_to(source).as_posix()
            functions[f"{function.partition('.')[0]} ({place})"] += count
        elif Path(file).name != SOURCE.name:
            outside += count
    grown_calls = Counter(twice.calls)
    grown_calls.subtract(once.calls)
    for (file, function, called_file, called), count in grown_calls.items():
        if is_ours(file) and not is_ours(called_file):
            calls += share(f"{function} calling {called}", count)
    return Cost(
        functions={
            name: each
            for name, count in sorted(functions.items(), key=costliest)
            if (each := share(name, count))
        },
        calls=calls,
        outside=outside // repeats,
    )


def measure(compiler: str) -> Counts:
    """Compile the program, and count all operations.

    Raises:
        CountError: Something needed is missing, or failed.
    """
    if not (ROOT / "csrc").is_dir():
        msg = f"{ROOT} has no csrc: this needs winsvc's sources, not an installed one"
        raise CountError(msg)
    if missing := [name for name in (compiler, "valgrind") if not shutil.which(name)]:
        packages = " ".join(sorted(missing, reverse=True))
        msg = f"not found: {', '.join(missing)}: apt-get install {packages}"
        raise CountError(msg)
    program = build(compiler)

    def count(operation: str) -> Cost:
        once, twice = (
            run_callgrind(
                program,
                operation,
                str(times),
                output=BUILD / f"{program.name}-{operation}-{times}.out",
            )
            for times in (REPEATS, 2 * REPEATS)
        )
        return per_operation(once, twice, REPEATS, ROOT / "csrc")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        costs = dict(zip(OPERATIONS, pool.map(count, OPERATIONS), strict=True))
    lead = ask(compiler, "--version").splitlines()[0]
    return Counts(
        compiler=identity(compiler, lead, ask(compiler, "-dumpmachine")), costs=costs
    )


# --- the baseline -----------------------------------------------------------------


def load(file: Path) -> Counts:
    """Read a baseline."""
    content = json.loads(file.read_text(encoding="utf-8"))
    return Counts(
        compiler=content["compiler"],
        costs={
            name: Cost(functions=cost["functions"], calls=cost["calls"])
            for name, cost in content["operations"].items()
        },
    )


def save(counts: Counts, file: Path) -> None:
    """Write a baseline: what is libc's is left out."""
    content = {
        "compiler": counts.compiler,
        "operations": {
            name: {"calls": cost.calls, "functions": dict(cost.functions)}
            for name, cost in counts.costs.items()
        },
    }
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def grown_functions(before: Cost, after: Cost) -> list[str]:
    """Name the functions that differ, the one that grew most first."""
    names = {*before.functions, *after.functions}
    changes = {
        name: after.functions.get(name, 0) - before.functions.get(name, 0)
        for name in names
    }
    ordered = sorted(names, key=lambda name: (-changes[name], name))
    return [
        f"    {before.functions.get(name, 0):6} -> {after.functions.get(name, 0):6}  "
        f"{name}"
        for name in ordered
        if changes[name]
    ][:SHOWN]


def judge(baseline: Counts, measured: Counts) -> Verdict:
    """Compare counts with the baseline."""
    failures: list[str] = []
    remarks: list[str] = []
    is_same = baseline.compiler == measured.compiler
    if not is_same:
        remarks.append(
            f"the baseline is {baseline.compiler}'s, this is {measured.compiler}: "
            "what it costs is only shown, and fails nothing"
        )
    # Which operations there are is no compiler's doing.
    for name in sorted(baseline.costs.keys() ^ measured.costs.keys()):
        where = "is not in the baseline" if name in measured.costs else "is gone"
        failures.append(f"{name} {where}: update the baseline with --update")
    for name, after in measured.costs.items():
        before = baseline.costs.get(name)
        if before is None:
            continue
        pairs = {
            "instructions": (before.instructions, after.instructions),
            "calls out": (before.calls, after.calls),
        }
        changes = [
            f"{new} {what}, were {old} ({new / old - 1 if old else 1:+.1%})"
            for what, (old, new) in pairs.items()
            if old != new
        ]
        if not changes:
            continue
        text = f"{name}: {'; '.join(changes)}"
        if any(new > old * (1 + TOLERANCE) for old, new in pairs.values()):
            text = "\n".join((text, *grown_functions(before, after)))
            (failures if is_same else remarks).append(text)
        elif all(new <= old for old, new in pairs.values()) and is_same:
            remarks.append(f"{text}: fewer than the baseline, update it with --update")
        else:
            remarks.append(text)
    return Verdict(failures=tuple(failures), remarks=tuple(remarks))


# --- the command ------------------------------------------------------------------


def print_table(counts: Counts) -> None:
    """Print what was counted."""
    print(f"{counts.compiler}, -O2; for one operation:\n")
    print(f"{'':15} {'ours':>6} {'calls out':>9} {'outside':>8}  what")
    for name, cost in counts.costs.items():
        print(
            f"{name:15} {cost.instructions:6} {cost.calls:9} {cost.outside:8}  "
            f"{OPERATIONS[name]}"
        )
    print()


def main(arguments: Sequence[str] | None = None) -> int:
    """Count, print, compare with the baseline; return the exit code."""
    parser = argparse.ArgumentParser(
        description="Count the instructions of the C core's operations."
    )
    parser.add_argument(
        "--update", action="store_true", help="make this the new baseline"
    )
    parser.add_argument("--compiler", default="gcc", help="gcc, or one to compare")
    options = parser.parse_args(arguments)
    try:
        counts = measure(options.compiler)
    except CountError as error:
        print(error, file=sys.stderr)
        return 2
    print_table(counts)
    if options.update:
        if BASELINE.exists() and load(BASELINE).compiler != counts.compiler:
            # Where CI has the former one, the guard would be off from then on.
            print(
                f"the baseline is {load(BASELINE).compiler}'s: update it with that, "
                f"or delete {BASELINE} first",
                file=sys.stderr,
            )
            return 2
        save(counts, BASELINE)
        print(f"written: {BASELINE}")
        return 0
    baseline = load(BASELINE)
    verdict = judge(baseline, counts)
    for remark in verdict.remarks:
        print(remark)
    for failure in verdict.failures:
        print(f"FAILED {failure}")
    if not verdict.failures and counts.compiler == baseline.compiler:
        print(f"no operation costs {TOLERANCE:.0%} more than the baseline")
    return 1 if verdict.failures else 0


if __name__ == "__main__":
    sys.exit(main())
