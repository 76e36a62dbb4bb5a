"""Plans for the client in C: what to do line by line, and what came of it.

Tabs are between the words of a plan: paths have spaces.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

INTERROGATE = 4
STOP = 1
PAUSE = 2
CONTINUE = 3
USER = 200
STATES = {
    "STOPPED": 1,
    "START_PENDING": 2,
    "STOP_PENDING": 3,
    "RUNNING": 4,
    "CONTINUE_PENDING": 5,
    "PAUSE_PENDING": 6,
    "PAUSED": 7,
}


@dataclass(frozen=True, slots=True)
class Record:
    """A line that the client has written: times in ns of the performance counter."""

    what: str
    name: str
    values: tuple[int, ...]


def start(name: str, *arguments: str) -> str:
    """Start a service; record ``start``: before, after."""
    return "\t".join(("start", name, *arguments))


def watch(name: str, state: str, pause_ms: int = 1) -> str:
    """Look until a state is there; ``status``: at, state, checkpoint, hint."""
    return f"watch\t{name}\t{STATES[state]}\t{pause_ms}"


def control(name: str, code: int) -> str:
    """Send a control; record ``control``: before, after, code, error."""
    return f"control\t{name}\t{code}"


def flood(name: str, code: int, count: int) -> str:
    """Send controls without a rest; ``flood``: before, after, sent, refused."""
    return f"flood\t{name}\t{code}\t{count}"


def gone(name: str) -> str:
    """Wait for the end of a process that a watch has seen; record ``gone``: at."""
    return f"gone\t{name}"


def stop(name: str) -> Iterator[str]:
    """Stop a service and wait for the end of its process."""
    yield control(name, STOP)
    yield watch(name, "STOPPED", 5)
    yield gone(name)


def sleep(milliseconds: int) -> str:
    """Rest."""
    return f"sleep\t{milliseconds}"


def run(command: list[str]) -> str:
    """Run a program to its end; record ``run``: before, after, exit code."""
    return f"run\t{subprocess.list2cmdline(command)}"


def execute(client: Path, lines: Iterable[str], *, timeout: float) -> list[Record]:
    """Have the client carry out a plan.

    Raises:
        RuntimeError: It failed; its message is on stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        plan, out = Path(folder, "plan"), Path(folder, "out")
        # The client calls the A functions: the code page of the system.
        plan.write_text("".join(f"{line}\n" for line in lines), encoding="mbcs")
        done = subprocess.run(
            [client, plan, out],
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
        )
        if done.returncode != 0:
            msg = f"the client ended with {done.returncode}"
            raise RuntimeError(msg)
        return list(map(parse, out.read_text(encoding="ascii").splitlines()))


def parse(line: str) -> Record:
    """Return what a line of the client's says."""
    what, name, *values = line.split()
    return Record(what, name, tuple(map(int, values)))
