"""The project's sessions; ``dev.py`` calls them, ``nox --list`` names them."""

from __future__ import annotations

import glob
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.sessions = ["lint", "types", "tests", "sanitize", "counts", "wine"]
nox.options.reuse_venv = "yes"

PROJECT = nox.project.load_toml("pyproject.toml")
CODE = [
    "winsvc",
    "tests",
    "examples",
    "benchmarks",
    "setup.py",
    "noxfile.py",
    "dev.py",
]


def group(name: str) -> list[str]:
    """Return the requirements of a dependency group."""
    return nox.project.dependency_groups(PROJECT, name)


def c_files() -> list[str]:
    """Return all C sources and headers."""
    return sorted(
        str(path)
        for folder in ("csrc", "tests", "benchmarks")
        for path in Path(folder).rglob("*.[ch]")
    )


@nox.session
def demo(session: nox.Session) -> None:
    """Build winsvc and run its demo."""
    session.install("-q", ".[cli]")
    # -P: the installed package, not the source folder.
    session.run("python", "-P", "-m", "winsvc", "demo")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests that need no SCM but the simulated one."""
    # Not the extra bench: that brings a C compiler to Windows.
    session.install("-q", "-e", ".[cli]", *group("test"), *group("bench"))
    session.run("python", "-m", "pytest", "tests/unit", "tests/sim", *session.posargs)


@nox.session
def wine(session: nox.Session) -> None:
    """Run tests/windows in Windows Python under Wine's SCM."""
    for python in [sys.executable, *other_interpreters()]:
        version = output(python, "import sys; print('%d.%d' % sys.version_info[:2])")
        if python == sys.executable:
            session.install("-q", *group("wine"))
            runner = "python"
        else:
            folder = Path(session.create_tmp()) / version
            session.run(python, "-m", "venv", str(folder), external=True)
            runner = str(folder / "bin" / "python")
            session.run(
                runner, "-m", "pip", "install", "-q", *group("wine"), external=True
            )
        session.log(f"Windows CPython {version}")
        session.run(
            runner, "tests/wine/rig.py", *session.posargs, external=runner != "python"
        )


@nox.session
def windows(session: nox.Session) -> None:
    """Run tests/windows on a real Windows, as administrator."""
    session.install("-q", ".", *group("windows"))
    # -P: the installed package, not the source folder.
    session.run("python", "-P", "-m", "pytest", "tests/windows", *session.posargs)


def other_interpreters() -> list[str]:
    """Return the newer interpreters of this machine, one of each version."""
    found = []
    for minor in (12, 13):
        if sys.version_info[:2] == (3, minor):
            continue
        candidates = [shutil.which(f"python3.{minor}")]
        candidates += sorted(
            glob.glob(str(Path.home() / f".pyenv/versions/3.{minor}.*/bin/python"))
        )
        for candidate in filter(None, candidates):
            if output(candidate, "import ensurepip, venv; print(1)") == "1":
                found.append(candidate)
                break
    return found


def output(python: str, code: str) -> str:
    """Return what an interpreter prints, empty if it fails."""
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return done.stdout.strip()


@nox.session
def lint(session: nox.Session) -> None:
    """Check style: ruff, clang-format, actionlint."""
    session.install("-q", *group("lint"))
    session.run("ruff", "check", *CODE)
    session.run("ruff", "format", "--check", *CODE)
    session.run("clang-format", "--dry-run", "--Werror", *c_files())
    session.run("actionlint", *glob.glob(".github/workflows/*.yml"))


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy, as on Linux and as on Windows."""
    session.install("-q", *group("types"))
    for platform in ("linux", "win32"):
        session.run("mypy", "--platform", platform, "winsvc", "examples", "benchmarks")


@nox.session
def sanitize(session: nox.Session) -> None:
    """Run the C core's tests plain and under ASan, UBSan and TSan."""
    session.run("python", "tests/c/run.py", *session.posargs)


@nox.session
def counts(session: nox.Session) -> None:
    """Count the C core's instructions, and compare them with the committed ones."""
    session.run("python", "-m", "benchmarks.core", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build this system's wheel and check that it keeps to the stable ABI."""
    session.install("-q", "build", "abi3audit")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--wheel", "--outdir", "dist")
    session.run("abi3audit", "--strict", *glob.glob("dist/*.whl"))
