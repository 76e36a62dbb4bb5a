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

# Debian's package -> is it there?  The Wine rig looks after its own.
SYSTEM = {
    "python3-venv": lambda: importlib.util.find_spec("ensurepip") is not None,
    "python3-dev": lambda: Path(sysconfig.get_path("include"), "Python.h").is_file(),
    "gcc": lambda: shutil.which("gcc") is not None,
    "libc6-dev": lambda: shutil.which("gcc") is None or _compiles(),
}
# Only for the sanitizers.
CLANG = {"clang": lambda: shutil.which("clang") is not None}


def _compiles() -> bool:
    program = "#include <stdlib.h>\nint main(void) { return 0; }\n"
    command = ["gcc", "-x", "c", "-o", os.devnull, "-"]
    done = subprocess.run(command, input=program, text=True, capture_output=True)
    return done.returncode == 0


def install_missing(sessions: list[str]) -> None:
    """Install the system's packages that are missing, or say which."""
    if not sys.platform.startswith("linux"):
        return
    wanted = dict(SYSTEM)
    if not sessions or "sanitize" in sessions:
        wanted |= CLANG
    missing = [package for package, is_there in wanted.items() if not is_there()]
    if not missing:
        return
    command = f"apt-get install -y {' '.join(missing)}"
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
    sys.exit(main())
