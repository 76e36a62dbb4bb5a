"""Compile and run the C tests: plain, and under the sanitizers.

``python tests/c/run.py [NAME …]`` from anywhere; a NAME such as ``test_queue``
runs only that test.  The sources are those of ``setup.py``.  ``nox -s sanitize``
runs this; pytest does not.  Everything is built in ``build/c``.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "c"
SETUP = runpy.run_path(str(ROOT / "setup.py"))
CORE: list[str] = SETUP["CORE"]
SEAM: list[str] = SETUP["OS_POSIX"] + SETUP["FAULTS"]
SIM: list[str] = SETUP["SCM_SIMULATED"]
MACROS = ["-DWSV_FAULTS=1"]
PYTHON_MACROS = [*MACROS, "-DWSV_SIM=1", "-DPy_LIMITED_API=0x030B0000"]
STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
WARNINGS = [*STRICT, "-Wpedantic"]
INCLUDES = ["-Icsrc", "-Itests/c"]
MINGW = "x86_64-w64-mingw32-gcc"
TIME_LIMIT = 170.0  # seconds for one test; each has a watchdog of its own

THREADS = "tests/c/threads.c"
HOSTED = ["tests/c/hosted.c", "tests/c/fake_scm.c", THREADS]
# What each test is linked with: the pure parts with nothing but themselves.
TESTS = {
    "test_state": ["csrc/core/state.c"],
    "test_progress": ["csrc/core/progress.c"],
    "test_queue": ["csrc/core/queue.c"],
    "test_journal": ["csrc/core/journal.c"],
    "test_payload": ["csrc/core/payload.c"],
    "test_traps": [*CORE, *SEAM, *HOSTED],
    "test_reports": [*CORE, *SEAM, *HOSTED],
    "test_lives": [*CORE, *SEAM, *HOSTED],
    "test_news": [*CORE, *SEAM, *HOSTED],
    "test_starts": [*CORE, *SEAM, *HOSTED],
    "test_family": [*CORE, *SEAM, *HOSTED],
    "test_queries": [*CORE, *SEAM, *HOSTED],
    "test_stress": [*CORE, *SEAM, *HOSTED, "tests/c/restarts.c"],
    "test_wire": ["csrc/core/text.c", *SEAM, *SIM, THREADS],
    "test_life": [*CORE, *SEAM, *SIM, THREADS],
    "test_shared": [*CORE, *SEAM, *SIM, THREADS],
}
# What the linker is told besides: a test that has a seam function of its own.
LINKED = {"test_family": ["-Wl,--wrap=wsv_os_alloc"]}


@dataclass(frozen=True)
class Flavour:
    """One way to compile and run the tests."""

    name: str
    compiler: str
    flags: tuple[str, ...]


CLANG_ONLY = "-Wthread-safety"
FLAVOURS = (
    Flavour("gcc", "gcc", ("-O2",)),
    Flavour("clang", "clang", ("-O2", CLANG_ONLY)),
    Flavour(
        "asan+ubsan",
        "clang",
        (
            "-O1",
            "-g",
            CLANG_ONLY,
            "-fsanitize=address,undefined",
            "-fno-sanitize-recover=all",
        ),
    ),
    Flavour("tsan", "clang", ("-O1", "-g", CLANG_ONLY, "-fsanitize=thread")),
)


class StepFailed(Exception):
    """A step failed; its text is what the tool said."""


def call(*command: str, limit: float = TIME_LIMIT) -> str:
    """Run a command in the project's root and return its output."""
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        msg = f"{' '.join(command)}\nnot through after {limit:g} s"
        raise StepFailed(msg) from late
    if done.returncode:
        msg = f"{' '.join(command)}\n{done.stdout}exit code {done.returncode}"
        raise StepFailed(msg)
    return done.stdout


def compile_all(
    compiler: str, flags: list[str], sources: list[str], folder: str
) -> dict[str, str]:
    """Compile sources side by side; return the object file of each."""
    (BUILD / folder).mkdir(parents=True, exist_ok=True)
    objects = {
        source: str(BUILD / folder / (source.replace("/", ".") + ".o"))
        for source in sources
    }

    def compile_one(source: str) -> None:
        call(compiler, *flags, *INCLUDES, "-c", source, "-o", objects[source])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, sources))
    return objects


def build(flavour: Flavour, names: list[str]) -> dict[str, str]:
    """Build tests in one flavour; return the program of each."""
    sources = sorted({s for name in names for s in TESTS[name]})
    mains = [f"tests/c/{name}.c" for name in names]
    flags = [*WARNINGS, *MACROS, *flavour.flags, "-pthread"]
    objects = compile_all(flavour.compiler, flags, sources + mains, flavour.name)
    programs = {}
    for name, main in zip(names, mains, strict=True):
        programs[name] = str(BUILD / flavour.name / name)
        call(
            flavour.compiler,
            *flavour.flags,
            "-pthread",
            *(objects[source] for source in (main, *TESTS[name])),
            *LINKED.get(name, ()),
            "-o",
            programs[name],
        )
    return programs


def run(program: str) -> str:
    """Run a test; without address randomisation where TSan needs that."""
    try:
        return call(program)
    except StepFailed as failed:
        setarch = shutil.which("setarch")
        if setarch is None or "unexpected memory mapping" not in str(failed):
            raise
        return call(setarch, "-R", program)


def check_extension(compiler: str) -> str:
    """Compile the Python side with every warning an error."""
    headers = sysconfig.get_paths()["include"]
    modules = SETUP["extension_sources"](sys.platform)
    sources = [s for s in modules["winsvc._sim"][0] if s.startswith("csrc/python/")]
    flags = [*STRICT, *PYTHON_MACROS, "-O1", "-isystem", headers]
    if compiler == "clang":
        flags.append(CLANG_ONLY)
    compile_all(compiler, flags, sources, f"python-{compiler}")
    return f"{len(sources)} files"


def check_windows() -> str:
    """Compile what Windows gets, Python's side excepted."""
    if shutil.which(MINGW) is None:
        return f"{MINGW} is not here: left out"
    modules = SETUP["extension_sources"]("win32")
    sources = {source for built, _, _ in modules.values() for source in built}
    sources = sorted(s for s in sources if not s.startswith("csrc/python/"))
    compile_all(MINGW, [*WARNINGS, *MACROS, "-O2"], sources, "mingw")
    return f"{len(sources)} files"


def main(names: list[str]) -> int:
    """Run all steps, one line each; return the exit code."""
    unknown = [name for name in names if name not in TESTS]
    if unknown:
        print(f"no test {', '.join(unknown)}: {', '.join(TESTS)}")
        return 2
    failures = 0

    def step(title: str, started: float, result: str | StepFailed) -> None:
        nonlocal failures
        seconds = time.monotonic() - started
        if isinstance(result, StepFailed):
            failures += 1
            print(f"FAILED {title} ({seconds:.1f} s)\n{result}", flush=True)
        else:
            print(f"ok     {title} ({seconds:.1f} s) {result.strip()}", flush=True)

    def attempt(title: str, action: object, *args: object) -> object:
        assert callable(action)
        started = time.monotonic()
        try:
            result = action(*args)
        except StepFailed as failed:
            step(title, started, failed)
            return None
        step(title, started, result if isinstance(result, str) else "")
        return result

    for flavour in FLAVOURS:
        programs = attempt(f"build {flavour.name}", build, flavour, names or [*TESTS])
        if isinstance(programs, dict):
            for name, program in programs.items():
                attempt(f"{name} {flavour.name}", run, program)
    if not names:
        for compiler in ("gcc", "clang"):
            attempt(f"csrc/python with {compiler}", check_extension, compiler)
        attempt("for Windows", check_windows)
    print(f"{failures} failed" if failures else "all well")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
