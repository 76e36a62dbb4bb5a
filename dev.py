"""Set this checkout up, and run a nox session in it: ``python3 dev.py demo``.

``python3 dev.py`` alone runs every check and all tests, under Wine too.  Needs
only Python 3.11 or newer; what is missing of the system's packages is installed
when root runs this on Debian, and named in one sentence otherwise.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
NOX = "nox>=2025.2"


def is_program(*names: str) -> bool:
    """Return whether one of these programs, or files, is there."""
    return any(shutil.which(name) for name in names)


def compiles(*compiler: str) -> bool:
    """Return whether a compiler makes programs: it may lack headers, or a library."""
    program = "#include <stdlib.h>\nint main(void) { return 0; }\n"
    command = [*compiler, "-x", "c", "-o", os.devnull, "-"]
    try:
        done = subprocess.run(
            command, input=program, text=True, capture_output=True, check=False
        )
    except OSError:
        return False
    return done.returncode == 0


# Debian's package -> is what it brings there?
ALWAYS = {
    "python3-venv": lambda: importlib.util.find_spec("ensurepip") is not None,
    "python3-dev": lambda: Path(sysconfig.get_path("include"), "Python.h").is_file(),
    "gcc": lambda: is_program("gcc"),
    "libc6-dev": lambda: compiles("gcc"),
}
FOR_SESSION = {
    "sanitize": {
        "clang": lambda: is_program("clang"),
        "libclang-rt-dev": lambda: compiles("clang", "-fsanitize=thread"),
    },
    "counts": {"valgrind": lambda: is_program("valgrind")},
    "wine": {
        "wine64": lambda: is_program("wine64", "wine", "/usr/lib/wine/wine64"),
        "gcc-mingw-w64-x86-64-win32": lambda: is_program("x86_64-w64-mingw32-gcc"),
    },
}


def install_missing(sessions: list[str]) -> None:
    """Install the system's packages that are missing, or say which."""
    if not sys.platform.startswith("linux"):
        return
    wanted = dict(ALWAYS)
    for session, packages in FOR_SESSION.items():
        if not sessions or session in sessions:
            wanted |= packages
    missing = [package for package, is_there in wanted.items() if not is_there()]
    if not missing:
        return
    command = f"apt-get install -y --no-install-recommends {' '.join(missing)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit(f"Please run once as root, then start this again: {command}")
    print(f"installing {' '.join(missing)} with apt-get", flush=True)
    quiet = {"stdout": subprocess.DEVNULL}
    subprocess.run(["apt-get", "update"], check=True, **quiet)
    subprocess.run(command.split(), check=True, **quiet)


def main() -> int:
    """Set up and run nox; return its exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts this may have less
        sys.exit("winsvc needs Python 3.11 or newer")
    sessions = sys.argv[1:]
    install_missing(sessions)
    nox = BIN / ("nox.exe" if os.name == "nt" else "nox")
    if not nox.exists():
        print("setting up .venv", flush=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        pip = [BIN / "python", "-m", "pip", "install", "-q"]
        subprocess.run([*pip, "--disable-pip-version-check", NOX], check=True)
    command = [nox, "--noxfile", ROOT / "noxfile.py"]
    if sessions:
        command += ["--session", *sessions]
    return subprocess.run(command, cwd=ROOT).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        # What failed has said why.
        sys.exit(f"this failed: {' '.join(map(str, error.cmd))}")
