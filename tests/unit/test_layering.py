"""The arrows of docs/design.md 2: who may include or import whom."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CSRC = ROOT / "csrc"
PURE = ("state", "progress", "queue", "journal", "payload")
PLATFORM = re.compile(r"#include <(windows|winsvc|pthread|process|unistd|time)\.h>")

# Folder -> the folders whose headers it may include.
ALLOWED = {
    "core": {"core", "os", "scm"},
    "os": {"core", "os"},
    "scm": {"core", "os", "scm"},
    "manage": {"core", "os", "manage"},
    "python": {"core", "os", "scm", "manage", "python"},
}


def includes(file: Path) -> list[str]:
    """Return the project's headers that a C file includes."""
    return re.findall(r'^#include "(.+)"$', file.read_text(), re.MULTILINE)


C_FILES = sorted(CSRC.rglob("*.[ch]"))


@pytest.mark.parametrize("file", C_FILES, ids=lambda f: str(f.relative_to(CSRC)))
def test_c_file_includes_only_what_is_below(file: Path) -> None:
    """The arrows point down; only python/ knows Python, core/ knows no OS."""
    folder = file.parent.name
    text = file.read_text()

    assert {include.split("/")[0] for include in includes(file)} <= ALLOWED[folder]
    if folder != "python":
        assert "Python.h" not in text
    if folder == "core":
        assert not PLATFORM.search(text)
    assert "PyGILState_Ensure" not in text


@pytest.mark.parametrize("name", PURE)
def test_pure_file_includes_only_base(name: str) -> None:
    """State, progress, queue and journal need nothing but plain types."""
    for suffix in (".c", ".h"):
        found = set(includes(CSRC / "core" / (name + suffix)))
        assert found <= {"core/base.h", f"core/{name}.h"}


def test_setup_names_every_c_file() -> None:
    """What is in csrc/ is built, and every header is in the source distribution."""
    setup = runpy.run_path(str(ROOT / "setup.py"))
    built = {
        source
        for platform in ("linux", "win32")
        for sources, _, _ in setup["extension_sources"](platform).values()
        for source in sources
    }
    files = {file.relative_to(ROOT).as_posix() for file in C_FILES}

    assert built | set(setup["HEADERS"]) == files


def imports(file: Path) -> set[str]:
    """Return the modules that a Python file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


PY_FILES = sorted((ROOT / "winsvc").rglob("*.py"))
BENCHMARKS = ROOT / "benchmarks"
BENCHMARK_FILES = sorted([*BENCHMARKS.rglob("*.c"), *BENCHMARKS.rglob("*.py")])
# Measured is with a bare Python, on a Windows or under Wine: no extra is there.
WITH_EXTRA = {
    "plots",
    "latency_plots",
    "looks",
    "pyperf_export",
    "core_group",
    "python_side",
}


@pytest.mark.parametrize("file", PY_FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_python_file_leaves_the_binaries_to_native(file: Path) -> None:
    """Only _native loads _core and _sim; hosting needs nothing of testing/."""
    found = imports(file)

    assert not found & {"winsvc._core", "winsvc._sim"}
    if file.stem in (
        "host",
        "process",
        "serving",
        "service",
        "target",
        "log",
        "__main__",
    ):
        assert not any(name.startswith("winsvc.testing") for name in found)


@pytest.mark.parametrize("file", PY_FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_python_file_needs_no_benchmarks(file: Path) -> None:
    """``bench`` loads them by name, when they are asked for."""
    assert not any(name.startswith("winsvc.bench") for name in imports(file))


@pytest.mark.parametrize(
    "file", sorted(BENCHMARKS.rglob("*.py")), ids=lambda f: str(f.relative_to(ROOT))
)
def test_benchmark_is_measured_without_the_extra(file: Path) -> None:
    """Only what shows results needs it, and what measures in this Python."""
    if file.stem not in WITH_EXTRA:
        tops = {name.partition(".")[0] for name in imports(file)}

        assert not tops & {"matplotlib", "pyperf"}


@pytest.mark.parametrize(
    "file", [*C_FILES, *PY_FILES, *BENCHMARK_FILES], ids=lambda f: f.name
)
def test_file_is_one_idea_long(file: Path) -> None:
    """About 500 lines of C, about 400 of Python: more is two ideas."""
    lines = len(file.read_text(encoding="utf-8").splitlines())

    assert lines <= (550 if file.suffix in (".c", ".h") else 440)
