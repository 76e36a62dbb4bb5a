"""What an idle service costs: memory, threads, handles, wake-ups, size on the disk.

The services are RUNNING and idle.  Beside them stand processes that sleep: bare
Python, and Python with the modules that the service on winsvc has, winsvc's own left
out, without and with as many threads.  All idle side by side; nobody asks them anything
in that minute.

Everything comes from one call of Windows for all processes (``SystemProcess-
Information``), which needs no rights.  Wake-ups are context switches of all threads of
a process.  Wine counts no context switches, and of handles only the room for them: the
former are Linux's own there, from ``/proc``, the latter are left out.  Working set
and private bytes are Linux's VmRSS and RssAnon there.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import winsvc

from . import plan
from .results import Series, wine_version
from .start import importable, report_file, start_and_stop, told
from .subjects import SERVICES, Bench, Subject, rotated, say

ROUNDS = 1
SETTLE = 3.0  # seconds
IDLE = 60.0  # seconds
SLEEP = 3600  # seconds: longer than the measurement
BARE = "bare python"
MODULES = "python with its modules"
THREADS = "python with its modules and threads"
THREAD_COUNT = 5  # besides the main one, of a service on winsvc
SYSTEM_PROCESS_INFORMATION = 5
STATUS_INFO_LENGTH_MISMATCH = 0xC0000004
PROC = Path("Z:/proc")  # Linux's, as Wine shows it


@dataclass(frozen=True, slots=True)
class Process:
    """A process that idles."""

    label: str
    pid: int
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """What the system says of a process."""

    working_set: int
    private: int
    threads: int
    switches: int
    handles: int | None


class ProcessInformation(ctypes.Structure):
    """SYSTEM_PROCESS_INFORMATION, as ntddk.h and its descendants have it."""

    _fields_ = (
        ("next_entry", ctypes.c_uint32),
        ("threads", ctypes.c_uint32),
        ("reserved", ctypes.c_uint64 * 6),
        ("name_length", ctypes.c_uint16 * 2),
        ("name", ctypes.c_void_p),
        ("base_priority", ctypes.c_int32),
        ("pid", ctypes.c_void_p),
        ("parent", ctypes.c_void_p),
        ("handles", ctypes.c_uint32),
        ("session", ctypes.c_uint32),
        ("key", ctypes.c_void_p),
        ("peak_virtual", ctypes.c_size_t),
        ("virtual", ctypes.c_size_t),
        ("page_faults", ctypes.c_uint32),
        ("peak_working_set", ctypes.c_size_t),
        ("working_set", ctypes.c_size_t),
        ("quotas", ctypes.c_size_t * 4),
        ("pagefile", ctypes.c_size_t),
        ("peak_pagefile", ctypes.c_size_t),
        ("private", ctypes.c_size_t),
        ("io", ctypes.c_uint64 * 6),
    )


class ThreadInformation(ctypes.Structure):
    """SYSTEM_THREAD_INFORMATION: one for each thread follows its process's."""

    _fields_ = (
        ("times", ctypes.c_uint64 * 3),
        ("wait_time", ctypes.c_uint32),
        ("start", ctypes.c_void_p),
        ("pid", ctypes.c_void_p),
        ("tid", ctypes.c_void_p),
        ("priorities", ctypes.c_int32 * 2),
        ("switches", ctypes.c_uint32),
        ("state", ctypes.c_uint32),
        ("reason", ctypes.c_uint32),
    )


def measure(bench: Bench) -> Iterator[Series]:
    """Measure an idle minute, and the sizes on the disk."""
    quick = bench.winsvc("QuickStart", file="quick_start.py")
    others = bench.pywin32("quick_pywin32.py", "BenchQuickPywin32")
    services = [bench.c(), quick, *others]
    found: dict[tuple[str, str, str], list[tuple[float, ...]]] = defaultdict(list)
    with bench.installed(services):
        start_and_stop(bench, quick)
        names = foreign(told(bench)[1])
        modules = bench.programs / "foreign_modules.txt"
        modules.write_text("\n".join(names), encoding="utf-8")
        for number in bench.rounds(ROUNDS):
            with ExitStack() as stack:
                processes = [
                    stack.enter_context(sleeping(label, command))
                    for label, command in sleepers(modules).items()
                ]
                processes += [
                    stack.enter_context(running(bench, subject))
                    for subject in rotated(services, number)
                ]
                for label, values in idle(processes).items():
                    for (name, unit), value in values.items():
                        found[name, label, unit].append((value,))
            say(f"  idle: round {number + 1}")
    for (name, label, unit), rounds in found.items():
        yield Series("footprint", "idle", name, label, unit, tuple(rounds))
    yield from sizes()


def foreign(modules: Sequence[str]) -> list[str]:
    """Return the modules that are not winsvc's."""
    return [name for name in importable(modules) if name.partition(".")[0] != "winsvc"]


def sleepers(modules: Path) -> dict[str, tuple[str, ...]]:
    """Return the commands that sleep, by label."""
    python = (sys.executable, "-P")
    sleep = f"import os, time; print(os.getpid(), flush=True); time.sleep({SLEEP})"
    imports = (*python, str(SERVICES / "imports.py"), str(modules), str(SLEEP))
    return {
        BARE: (*python, "-c", sleep),
        MODULES: (*imports, "0"),
        THREADS: (*imports, str(THREAD_COUNT)),
    }


@contextmanager
def sleeping(label: str, command: tuple[str, ...]) -> Iterator[Process]:
    """Run a process meanwhile."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            # Its own word: what we have started may be a venv's launcher.
            yield Process(label, int(process.stdout.readline()), command)
        finally:
            process.kill()


@contextmanager
def running(bench: Bench, subject: Subject) -> Iterator[Process]:
    """Run a service meanwhile."""
    start = plan.start(subject.name, str(report_file(bench)))
    look = plan.watch(subject.name, "RUNNING", 10)
    bench.execute([start, look])
    try:
        with winsvc.ServiceManager() as manager, manager.open(subject.name) as service:
            yield Process(subject.label, service.status().pid, subject.command)
    finally:
        # The look keeps a handle of the process, to see its end.
        bench.execute([look, *plan.stop(subject.name)])


def idle(processes: Sequence[Process]) -> dict[str, dict[tuple[str, str], float]]:
    """Let processes idle; return what they cost by label, name and unit."""
    time.sleep(SETTLE)
    before, begin = samples(processes), time.perf_counter()
    time.sleep(IDLE)
    after, end = samples(processes), time.perf_counter()
    minutes = (end - begin) / 60
    return {
        label: costs(before[label], sample, minutes) for label, sample in after.items()
    }


def costs(
    before: Sample, after: Sample, minutes: float
) -> dict[tuple[str, str], float]:
    """Return what a process cost by name and unit."""
    found = {
        ("working set", "MB"): after.working_set / 1e6,
        ("private bytes", "MB"): after.private / 1e6,
        ("threads", "count"): float(after.threads),
        ("wake-ups", "1/min"): (after.switches - before.switches) / minutes,
    }
    if after.handles is not None:
        found["handles", "count"] = float(after.handles)
    return found


def samples(processes: Sequence[Process]) -> dict[str, Sample]:
    """Return what the system says of processes now, by label.

    Raises:
        RuntimeError: One of them is not there any more.
    """
    everything = dict(all_samples())
    linux = linux_processes() if wine_version() else None
    found = {}
    for process in processes:
        sample = everything.get(process.pid)
        if sample is None:
            msg = f"{process.label} has ended"
            raise RuntimeError(msg)
        if linux is not None:
            number = switches(linux[process.command])
            sample = replace(sample, switches=number, handles=None)
        found[process.label] = sample
    return found


def linux_processes() -> dict[tuple[str, ...], Path]:
    """Return the folders of all Linux processes by their command lines."""
    found = {}
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):  # it may have ended meanwhile
            line = (folder / "cmdline").read_bytes().rstrip(b"\0")
            found[tuple(line.decode(errors="replace").split("\0"))] = folder
    return found


def switches(folder: Path) -> int:
    """Return the context switches of all threads of a Linux process."""
    return sum(
        int(line.split()[1])
        for task in folder.glob("task/*/status")
        for line in task.read_text(encoding="utf-8").splitlines()
        if line.startswith(("voluntary_ctxt", "nonvoluntary_ctxt"))
    )


def all_samples() -> Iterator[tuple[int, Sample]]:
    """Ask Windows for all processes."""
    if sys.platform != "win32":
        return
    query = ctypes.WinDLL("ntdll").NtQuerySystemInformation
    query.restype = ctypes.c_uint32
    size = ctypes.c_uint32(1 << 20)
    while True:
        buffer = ctypes.create_string_buffer(size.value)
        status = query(
            SYSTEM_PROCESS_INFORMATION, buffer, size.value, ctypes.byref(size)
        )
        if status == 0:
            break
        if status != STATUS_INFO_LENGTH_MISMATCH:
            msg = f"NtQuerySystemInformation failed with {status:#x}"
            raise RuntimeError(msg)
        size.value += 1 << 16  # processes may come meanwhile
    at = 0
    while True:
        process = ProcessInformation.from_buffer(buffer, at)
        threads = (ThreadInformation * process.threads).from_buffer(
            buffer, at + ctypes.sizeof(ProcessInformation)
        )
        yield (
            process.pid or 0,
            Sample(
                process.working_set,
                process.pagefile,  # what is called private bytes; Wine has it only here
                process.threads,
                sum(thread.switches for thread in threads),
                process.handles,
            ),
        )
        if process.next_entry == 0:
            return
        at += process.next_entry


def sizes() -> Iterator[Series]:
    """Return what the package has on the disk: installed, and as a wheel if found."""
    found = {"installed size": installed_size(), "wheel size": wheel_size()}
    for name, size in found.items():
        if size is not None:
            yield Series("footprint", "idle", name, "winsvc", "MB", ((size / 1e6,),))


def installed_size() -> int:
    """Return the bytes of the package's own files: no caches, not this suite."""
    package = Path(winsvc.__file__).parent
    return sum(
        file.stat().st_size
        for file in package.rglob("*")
        if file.is_file()
        and file.suffix != ".pyc"
        and Path(__file__).parent not in file.parents
    )


def wheel_size() -> int | None:
    """Return the bytes of the wheel that was installed, if it is still there."""
    try:
        origin = distribution("pywinsvc").read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    path = urlsplit(json.loads(origin)["url"]).path if origin else ""
    if not path.endswith(".whl"):
        return None
    wheel = Path(url2pathname(path))
    return wheel.stat().st_size if wheel.is_file() else None
