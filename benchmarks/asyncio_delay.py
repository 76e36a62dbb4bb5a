"""Measure how long a control takes to its coroutine, beside what asyncio takes.

    python benchmarks/asyncio_delay.py [--simulated]
    python tests/wine/rig.py --exec benchmarks/asyncio_delay.py

From the control handler in C (the journal's time) to the first line of the handler
in Python: of an AsyncService, and of a plain Service.  The yardstick is what the
loop of that AsyncService takes from call_soon_threadsafe in another thread to the
callback.  The rounds of all three are interleaved.

On Windows the services are installed (as administrator), each in a process of its
own; elsewhere, or with --simulated, they are in this one, on SimulatedScm.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from latency import HERE, Row, Times, rotated, summarise

import winsvc
from winsvc.states import State

sys.path.insert(0, str(HERE / "services"))
from asyncio_delay_services import CONTROL, PAUSE, AsyncDelay, PlainDelay

SERVICES: tuple[type[winsvc.Service | winsvc.AsyncService], ...] = (
    AsyncDelay,
    PlainDelay,
)
YARDSTICK = "call_soon_threadsafe"
TIMEOUT = 60.0
WARM_UP = 1  # rounds that are left out


@contextmanager
def simulated() -> Iterator[list[winsvc.ServiceHandle]]:
    """Have the services in this process."""
    from winsvc.testing import SimulatedScm

    scm = SimulatedScm(clock="real")
    yield [scm.add(service) for service in SERVICES]


@contextmanager
def installed(logs: Path) -> Iterator[list[winsvc.ServiceHandle]]:
    """Have the services installed."""
    file = sys.modules[AsyncDelay.__module__].__file__
    host = (sys.executable, "-P", "-m", "winsvc", "host", "--log-file")
    with ExitStack() as stack:
        manager = stack.enter_context(winsvc.ServiceManager())
        handles = []
        for service in SERVICES:
            log = str(logs / f"{service.__name__}.log")
            config = winsvc.ServiceConfig(
                name=service.name,
                command=(*host, log, f"{file}:{service.__name__}"),
                start_type=winsvc.StartType.MANUAL,
            )
            handle = stack.enter_context(manager.create(config))
            stack.callback(handle.delete)
            handles.append(handle)
        yield handles


def measure(
    handles: list[winsvc.ServiceHandle], rounds: int, controls: int, folder: Path
) -> dict[str, Times]:
    """Run the rounds; return the microseconds of each kind."""
    files = {handle.name: folder / f"{handle.name}.json" for handle in handles}
    for handle in handles:
        handle.start(str(files[handle.name]))
        handle.wait_state(State.RUNNING, timeout=TIMEOUT)
    for number in range(WARM_UP + rounds):
        for handle in rotated(handles, number):
            for _ in range(controls):
                handle.control(CONTROL)
                time.sleep(PAUSE)
            handle.pause()
            handle.wait_state(State.PAUSED, timeout=TIMEOUT)
            handle.resume()
            handle.wait_state(State.RUNNING, timeout=TIMEOUT)
        print(f"  round {number + 1} of {WARM_UP + rounds}", flush=True)
    measured: dict[str, Times] = {}
    for handle in handles:
        handle.stop()
        handle.wait_state(State.STOPPED, timeout=TIMEOUT)
        text = files[handle.name].read_text(encoding="utf-8")
        for kind, times in json.loads(text).items():
            measured[kind] = times[WARM_UP:]
    return measured


def print_table(rows: list[Row]) -> None:
    """Print the rows, times in microseconds."""
    print(
        f"\n{'':21} {'n':>5} {'p50':>7} {'p90':>7} {'p99':>7} {'max':>7}  "
        f"p50 / {YARDSTICK}'s: median over the rounds (middle half)"
    )
    for row in rows:
        print(
            "{kind:21} {n:5} {p50:7.0f} {p90:7.0f} {p99:7.0f} {max:7.0f}  "
            "{ratio:5.2f} ({ratio_low:.2f} to {ratio_high:.2f})".format(**row)
        )


def main() -> None:
    """Measure, print a table, write a JSON file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--controls", type=int, default=100, help="in a round")
    parser.add_argument("--simulated", action="store_true", help="on Windows too")
    options = parser.parse_args()
    # Its journal keeps 512 entries.
    if options.rounds < 1 or not 1 <= options.controls <= 400:
        parser.error("--rounds: 1 at least; --controls: 1 to 400")
    output = HERE.parent / "build" / "bench"
    output.mkdir(parents=True, exist_ok=True)
    is_simulated = options.simulated or sys.platform != "win32"
    with (
        tempfile.TemporaryDirectory() as folder,
        simulated() if is_simulated else installed(output) as handles,
    ):
        measured = measure(handles, options.rounds, options.controls, Path(folder))
    rows: list[Row] = [
        {"kind": kind} | summarise(times, measured[YARDSTICK])
        for kind, times in sorted(measured.items(), key=lambda item: item[0].lower())
    ]
    where = "SimulatedScm" if is_simulated else "installed services"
    print(f"{where}, {platform.platform()}, Python {platform.python_version()}")
    print_table(rows)
    result = {
        "where": where,
        "system": platform.platform(),
        "python": platform.python_version(),
        "winsvc": winsvc.__version__,
        "rows": rows,
        "microseconds": measured,
    }
    what = "simulated" if is_simulated else "installed"
    file = output / f"asyncio_delay_{what}.json"
    file.write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(f"written: {file}")


if __name__ == "__main__":
    main()
