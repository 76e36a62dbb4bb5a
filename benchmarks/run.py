"""Compile the client and the C service, then run latency.py.

    python benchmarks/run.py [arguments of latency.py]

On Windows (as administrator) with this Python, which has winsvc and perhaps
pywin32; elsewhere with the Windows Python of the Wine rig (tests/wine).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
PROGRAMS = PROJECT / "build" / "bench"
RIG = PROJECT / "tests" / "wine" / "rig.py"
MINGW = "x86_64-w64-mingw32-gcc"
GCC_FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
ON_WINDOWS = os.name == "nt"


def compile_command(source: Path, program: Path) -> list[str]:
    """Return the command of the first C compiler that is there."""
    if ON_WINDOWS and shutil.which("cl"):
        objects = f"/Fo{program.with_suffix('.obj')}"
        flags = ["/nologo", "/O2", "/W4", "/WX", objects, f"/Fe{program}"]
        return ["cl", *flags, str(source), "advapi32.lib"]
    gcc = shutil.which("gcc") if ON_WINDOWS else shutil.which(MINGW)
    if gcc is None:
        sys.exit(
            "no C compiler: run this in a developer command prompt, or put gcc on PATH"
            if ON_WINDOWS
            else f"no {MINGW}: as root, `python {RIG} --setup-only` installs it"
        )
    return [gcc, *GCC_FLAGS, "-static", "-o", str(program), str(source), "-ladvapi32"]


def main() -> int:
    """Compile and run; return the exit code."""
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    for name in ("client", "cservice"):
        command = compile_command(HERE / f"{name}.c", PROGRAMS / f"{name}.exe")
        subprocess.run(command, check=True)
    script = str((HERE / "latency.py").relative_to(PROJECT))
    command = [sys.executable, "-u", script, *sys.argv[1:]]
    if not ON_WINDOWS:
        command = [sys.executable, str(RIG), "--exec", script, *sys.argv[1:]]
    return subprocess.run(command, cwd=PROJECT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
