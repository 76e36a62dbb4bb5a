"""The programs in C: compiled where there is a compiler, run where there is an SCM."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent
RIG = CHECKOUT / "tests" / "wine" / "rig.py"
PROGRAMS = ("client", "cservice")
MINGW = "x86_64-w64-mingw32-gcc"
WARNINGS = ("-Wall", "-Wextra", "-Wconversion")
ZIG_MACHINES = {"AMD64": "x86_64", "ARM64": "aarch64", "x86": "x86"}
RIG_TIMEOUT = 6 * 3600  # seconds; all groups take less than two hours
LEAST_SETUPTOOLS = 78  # as pyproject.toml says
AFTER_INTERRUPT = 60.0


class BenchError(Exception):
    """Something is missing, or has failed; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Compiler:
    """A C compiler for Windows.

    Args:
        command: What to run, without sources.
        is_msvc: It has Microsoft's options.
    """

    command: tuple[str, ...]
    is_msvc: bool = False

    def line(self, source: Path, program: Path) -> list[str]:
        """Return the command that makes a program of one source."""
        if self.is_msvc:
            objects = f"/Fo{program.with_suffix('.obj')}"
            flags = ("/nologo", "/O2", "/W4", objects, f"/Fe{program}")
            return [*self.command, *flags, str(source), "advapi32.lib", "winmm.lib"]
        options = ("-std=c11", "-O2", "-s", *WARNINGS, "-o", str(program))
        return [*self.command, *options, str(source), "-ladvapi32", "-lwinmm"]


def find_compiler() -> Compiler:
    """Return the first compiler that is there.

    Raises:
        BenchError: None is.
    """
    if sys.platform != "win32":
        if found := find_program(MINGW):
            return Compiler((found, "-static"))
        msg = (
            f"compiling the client: no {MINGW}; as root: "
            "apt-get install gcc-mingw-w64-x86-64-win32"
        )
        raise BenchError(msg)
    if found := find_program("cl"):
        return Compiler((found,), is_msvc=True)
    if found := find_program("gcc"):
        return Compiler((found, "-static"))
    if find_spec("ziglang") is not None:
        machine = ZIG_MACHINES.get(platform.machine(), "x86_64")
        zig = (sys.executable, "-P", "-m", "ziglang", "cc")
        return Compiler((*zig, "-target", f"{machine}-windows-gnu"))
    msg = (
        "compiling the client: no C compiler; run this in a developer command "
        "prompt of Visual Studio, put MinGW's gcc on PATH, or: pip install ziglang"
    )
    raise BenchError(msg)


def find_program(name: str) -> str | None:
    """Return the path of a program on PATH.

    On Windows ``which`` looks into the current folder first: what lies there is not
    to be run by an administrator.
    """
    found = shutil.which(name)
    return found if found and os.path.isabs(found) else None


def compile_all(folder: Path) -> None:
    """Make the client and the yardstick in a folder.

    Raises:
        BenchError: There is no compiler, or it has failed.
    """
    compiler = find_compiler()
    folder.mkdir(parents=True, exist_ok=True)
    for name in PROGRAMS:
        command = compiler.line(HERE / f"{name}.c", folder / f"{name}.exe")
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, errors="replace"
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            msg = f"compiling {name}.c: {' '.join(command)} failed:\n{said}"
            raise BenchError(msg)


def why_no_scm() -> str | None:
    """Return why the groups that need an SCM cannot run; ``None``: they can."""
    if sys.platform == "win32":
        import ctypes

        if ctypes.WinDLL("shell32").IsUserAnAdmin():
            return None
        return "they create services: run this as administrator"
    if not sys.platform.startswith("linux"):
        return "they need the SCM of Windows, or of Wine on Linux"
    if not RIG.is_file():
        return (
            "they need the SCM of Windows, or a checkout of winsvc, which brings "
            "Wine's: clone it, pip install -e, and run this again"
        )
    return None


def measure(groups: Sequence[str], *, rounds: int | None, results: Path) -> bool:
    """Measure groups on the SCM of this Windows, or Wine, into a result file.

    Args:
        groups: Of ``measure.py``.
        rounds: How many each makes; ``None``: what it thinks right.
        results: The file.

    Returns:
        Whether all went well; the file has the groups before the one that failed.

    Raises:
        BenchError: Nothing could be started.
    """
    results = results.resolve()
    if sys.platform != "win32":
        check_setuptools()
    # A new one, of our own: LocalSystem runs what lies there.
    folder = Path(tempfile.mkdtemp(prefix="winsvc-bench-"))
    compile_all(folder)
    results.parent.mkdir(parents=True, exist_ok=True)
    results.unlink(missing_ok=True)
    options = ["--programs", windows_path(folder), "--output", windows_path(results)]
    if rounds is not None:
        options += ["--rounds", str(rounds)]
    # -P: nothing of the current folder is run by an administrator.
    module = ["-P", "-u", "-m", "winsvc.bench.measure", *options, *groups]
    if sys.platform == "win32":
        command = [sys.executable, *module]
    else:
        timeout = ("--rig-timeout", str(RIG_TIMEOUT))
        rig = (sys.executable, str(RIG), *timeout, "--run", "--")
        command = [*rig, "python.exe", *module]
    if run(command) != 0:
        print(f"the services' logs are in {folder}", file=sys.stderr)
        return False
    shutil.rmtree(folder, ignore_errors=True)  # Windows may hold a log still
    return True


def check_setuptools() -> None:
    """See to it that the rig can build winsvc for Wine.

    Raises:
        BenchError: There is no setuptools, or an old one.
    """
    try:
        version = metadata.version("setuptools")
    except metadata.PackageNotFoundError:
        version = "0"
    if int(version.partition(".")[0]) < LEAST_SETUPTOOLS:
        msg = f"building winsvc for Wine: pip install 'setuptools>={LEAST_SETUPTOOLS}'"
        raise BenchError(msg)


def run(command: Sequence[str]) -> int:
    """Run a program and return its exit code; Ctrl+C is for it as well as for us."""
    with subprocess.Popen(command) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # It deletes its services; subprocess alone would kill it at once.
            process.wait(AFTER_INTERRUPT)
            raise


def windows_path(path: Path) -> str:
    """Return a path as a Windows program sees it, under Wine too."""
    if sys.platform == "win32":
        return str(path)
    return "Z:" + str(path).replace("/", "\\")
