"""Find, and as root install, the programs that the rig runs."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
TRIPLET = "x86_64-w64-mingw32"

# The win32-threads compiler: it is the smaller one and the usual default.
DEBIAN_PACKAGES = {
    "wine": "wine64",
    "wineserver": "wine64",
    "gcc": "gcc-mingw-w64-x86-64-win32",
    "windres": "binutils-mingw-w64-x86-64",
    "dlltool": "binutils-mingw-w64-x86-64",
    "objdump": "binutils-mingw-w64-x86-64",
}
NAMES = {
    "wine": ["wine64", "wine"],
    "wineserver": ["wineserver", "wineserver64"],
    "gcc": [f"{TRIPLET}-gcc", f"{TRIPLET}-gcc-win32", f"{TRIPLET}-gcc-posix"],
    "windres": [f"{TRIPLET}-windres"],
    "dlltool": [f"{TRIPLET}-dlltool"],
    "objdump": [f"{TRIPLET}-objdump"],
}


class RigError(Exception):
    """The rig cannot go on; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Paths of the programs."""

    wine: str
    wineserver: str
    gcc: str
    windres: str
    dlltool: str
    objdump: str


def say(message: str) -> None:
    """Print a line about what the rig does."""
    print(f"[wine rig] {message}", flush=True)


def run(command: list[str], cwd: Path | None = None) -> str:
    """Run a tool and return what it printed; raise RigError when it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        text = done.stdout.strip()
        raise RigError(f"{' '.join(command)} exited {done.returncode}:\n{text}")
    return done.stdout


@lru_cache(maxsize=1)
def ensure_tools() -> Tools:
    """Return the tools, installing Debian's packages when run as root."""
    found = _search()
    if missing := _missing(found):
        _install(missing)
        found = _search()
    if missing := _missing(found):
        raise RigError(f"still not found after the installation: {missing}")
    return Tools(**{name: path for name, path in found.items() if path})


def _search() -> dict[str, str | None]:
    # Debian's wine64 alone puts nothing into /usr/bin.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/lib/wine"])
    return {
        tool: next(
            filter(None, (shutil.which(name, path=path) for name in names)), None
        )
        for tool, names in NAMES.items()
    }


def _missing(found: dict[str, str | None]) -> list[str]:
    return [NAMES[tool][0] for tool, path in found.items() if path is None]


def _install(missing: list[str]) -> None:
    packages = sorted(
        {DEBIAN_PACKAGES[tool] for tool, names in NAMES.items() if names[0] in missing}
    )
    if shutil.which("apt-get") is None:
        raise RigError(
            f"not found: {', '.join(missing)}; install Wine (64 bit) and the MinGW-w64 "
            "compiler and binutils for x86_64 with this system's package manager"
        )
    line = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    if os.geteuid() != 0:
        raise RigError(
            f"not found: {', '.join(missing)}; run: "
            f"sudo sh -c 'apt-get update && {line}'"
        )
    say(f"not found: {', '.join(missing)}; running apt-get update, {line}")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    run(["apt-get", "update", "-q"])
    run(line.split())
