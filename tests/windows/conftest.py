"""The fixtures of the tests on a real SCM."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import Lab, on_wine, run_tool
from scm_bench import Bench, Seen


def pytest_report_header() -> str:
    """Say which SCM this is."""
    return f"SCM: {'Wine' if on_wine() else 'Windows'}"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A real SCM to install services in."""
    lab = Lab(tmp_path)
    yield lab
    lab.close()


@pytest.fixture
def tool() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command-line tool."""
    return run_tool


@pytest.fixture
def bench() -> Iterator[Bench]:
    """The core and an SCM, for the binding's tests."""
    bench = Bench()
    yield bench
    bench.close()


@pytest.fixture
def seen() -> Iterator[Any]:
    """Open a service with pywin32."""
    opened: list[Seen] = []

    def open_one(name: str) -> Seen:
        opened.append(Seen(name))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
