"""The services under test, and the rounds in which they are measured."""

from __future__ import annotations

import os
import signal
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import winsvc
from winsvc.install import HOST

from . import plan

HERE = Path(__file__).resolve().parent
SERVICES = HERE / "services"
TIMEOUT = 600.0  # seconds for one plan
PATIENCE = 10.0  # seconds for a service that a failed plan has left
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Subject:
    """A service that is measured."""

    label: str
    name: str
    command: tuple[str, ...]


class Bench:
    """What all groups need: the programs, the SCM, and how much to measure.

    Args:
        programs: The folder with client.exe and cservice.exe; logs go there too.
        rounds: How many rounds each group makes; ``None``: what it thinks right.
    """

    def __init__(self, programs: Path, rounds: int | None = None) -> None:
        self.programs = programs
        self._rounds = rounds

    def rounds(self, default: int) -> range:
        """Return the rounds that a group makes."""
        return range(self._rounds or default)

    def execute(self, lines: Sequence[str]) -> list[plan.Record]:
        """Have the client carry out a plan."""
        return plan.execute(self.programs / "client.exe", lines, timeout=TIMEOUT)

    def c(self, label: str = "C", *arguments: str) -> Subject:
        """Return the yardstick; "C again" is a second one: how it differs is chance."""
        name = "Bench" + label.title().replace(" ", "")
        return Subject(label, name, (str(self.programs / "cservice.exe"), *arguments))

    def winsvc(
        self,
        cls: str = "Plain",
        label: str = "winsvc",
        *,
        file: str = "winsvc_service.py",
    ) -> Subject:
        """Return a service of a file in services/."""
        log = str(self.programs / f"{cls}.log")
        target = f"{SERVICES / file}:{cls}"
        host = ("-P", HOST, "host", "--log-file", log, target)
        return Subject(label, f"Bench{cls}", (sys.executable, *host))

    def pywin32(
        self, file: str = "pywin32_service.py", name: str = "BenchPywin32"
    ) -> list[Subject]:
        """Return a service on pywin32, if that is installed."""
        if find_spec("servicemanager") is None:
            say("  pywin32 is not installed, and left out")
            return []
        # No -P: it imports from its own folder.
        return [Subject("pywin32", name, (sys.executable, str(SERVICES / file)))]

    @contextmanager
    def installed(self, subjects: Sequence[Subject]) -> Iterator[None]:
        """Create the services, and stop and delete them at the end."""
        with ExitStack() as stack:
            manager = stack.enter_context(winsvc.ServiceManager())
            for subject in subjects:
                clear(manager, subject.name)  # what a run that was killed has left
                config = winsvc.ServiceConfig(
                    name=subject.name,
                    command=subject.command,
                    start_type=winsvc.StartType.MANUAL,
                )
                manager.create(config).close()
                stack.callback(clear, manager, subject.name)
            yield


def clear(manager: winsvc.ServiceManager, name: str) -> None:
    """End and delete a service, if there is one."""
    try:
        service = manager.open(name)
    except winsvc.ServiceNotFound:
        return
    with service:
        pid = service.status().pid
        if pid:
            with suppress(winsvc.ServiceError):
                service.stop()
                service.wait_state(winsvc.State.STOPPED, timeout=PATIENCE)
            if service.status().state is not winsvc.State.STOPPED:
                os.kill(pid, signal.SIGTERM)  # Windows: ends it at once
                service.wait_state(winsvc.State.STOPPED, timeout=PATIENCE)
        service.delete()


def rotated(items: Sequence[T], number: int) -> list[T]:
    """Return the items, beginning with another one for each number.

    Backwards every other time: no item has always the same one before it.
    """
    first = number % len(items)
    turned = [*items[first:], *items[:first]]
    return turned[::-1] if number // len(items) % 2 else turned


def handler_times(text: str) -> dict[int, list[int]]:
    """Return what a service has written: by control, when its handler began."""
    times: dict[int, list[int]] = defaultdict(list)
    for line in text.splitlines():
        control, time = map(int, line.split())
        times[control].append(time)
    return times


def say(text: str) -> None:
    """Tell who waits how far it is."""
    print(text, flush=True)
