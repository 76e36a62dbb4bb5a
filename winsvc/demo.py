"""``python -m winsvc demo``: a service's life in ten seconds, on any system."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from operator import call
from queue import SimpleQueue
from typing import TYPE_CHECKING

from winsvc import _native
from winsvc.commands.progress import describe_duration
from winsvc.service import Service
from winsvc.states import Control, State
from winsvc.testing import SimulatedScm
from winsvc.timeline import Timeline

if TYPE_CHECKING:
    from winsvc.journal import JournalEntry

GREETING, HELD = 128, 129
PATIENCE = 30.0
_REST = 0.8  # between the scenes


def keep_gil(seconds: float) -> Callable[[], object]:
    """Return a sleep in C that keeps the GIL: no other Python code runs meanwhile."""
    milliseconds = round(seconds * 1000)
    if sys.platform == "win32":
        return partial(ctypes.PyDLL("kernel32").Sleep, milliseconds)
    return partial(ctypes.PyDLL(None).poll, None, 0, milliseconds)


class Demo(Service):
    """Takes its time to start and to stop, and keeps the GIL when told to."""

    name = "Demo"
    wait_hint = 1.0

    def __init__(self) -> None:
        self.handled: SimpleQueue[tuple[int, float]] = SimpleQueue()
        self.cue = threading.Lock()
        self.cue.acquire()

    def on_start(self) -> None:
        """Be slow, and report nothing."""
        time.sleep(3.0)

    def run(self) -> None:
        """Keep the GIL for a second, on cue."""
        with self.cue:
            keep_gil(1.0)()
        self.wait_stop()

    def on_pause(self) -> None:
        """Take a moment."""
        time.sleep(0.2)

    def on_continue(self) -> None:
        """Take a moment."""
        time.sleep(0.2)

    def on_user_control(self, code: int) -> None:
        """Note when Python got to it."""
        self.handled.put((code, time.perf_counter()))

    def on_stop(self) -> None:
        """Clean up for a while."""
        time.sleep(0.7)


def demo() -> int:
    """Show a service's life on a simulated SCM, in real time.

    Returns:
        0, or 1 if the service failed.
    """
    return _Show().run()


class _Show:
    """The demo's client of the SCM, and its narrator."""

    def __init__(self) -> None:
        self._out = sys.stdout
        self._scm = SimulatedScm("real")
        self._handle = self._scm.add(Demo)
        self._timeline = Timeline(self._scm, Demo.name, self._out, self._remark)
        self._offset = self._scm.now - time.perf_counter()
        self._handled: dict[int, float] = {}

    def run(self) -> int:
        """Play all scenes."""
        paint = self._timeline.paint
        self._write(paint.bold("A Windows service's life in ten seconds"))
        self._write("The SCM is simulated and runs on any system; the service is")
        self._write("a real one, and winsvc's C core answers for it as on Windows.")
        self._start()
        self._greet()
        self._pause()
        self._keep_gil()
        code = self._stop()
        slowest = max(entry.duration for entry in self._timeline.controls)
        took = describe_duration(slowest, self._out)
        count = len(self._timeline.controls)
        self._write()
        self._write(paint.bold(f"{count} controls, the slowest answered in {took}."))
        self._write("Next: save the README's clock.py and run `python clock.py debug`;")
        self._write("on Windows, its `install` and `start` make it a real service.")
        return code

    # --- the scenes ----------------------------------------------------------

    def _start(self) -> None:
        self._scene(
            "Start",
            "on_start sleeps for 3 s and reports nothing.  The core raises the",
            "checkpoint by itself, so that the SCM sees a service that gets on.",
        )
        self._timeline.began = self._scm.now
        self._handle.start()
        reader = threading.Thread(target=self._timeline.follow, daemon=True)
        reader.start()
        self._reach(State.RUNNING)

    def _greet(self) -> None:
        self._scene(
            "A control of the service's own",
            "C answers the SCM at once and queues it; then Python handles it.",
        )
        self._handle.control(GREETING)
        self._wait_handled()

    def _pause(self) -> None:
        self._scene("Pause and continue", "Pending until the handlers return.")
        self._handle.pause()
        self._reach(State.PAUSED)
        time.sleep(_REST)
        self._handle.resume()
        self._reach(State.RUNNING)

    def _keep_gil(self) -> None:
        if not getattr(sys, "_is_gil_enabled", lambda: True)():
            return
        self._scene(
            "A control while Python is stuck",
            "The service keeps the GIL for a second: no Python code runs, not even",
            "this demo's, which is why you see the answer late.  The SCM had it at",
            "once: C gave it, and took the time.",
        )
        service = self._scm.instance(Demo.name)
        assert isinstance(service, Demo)
        wire = self._timeline.process.wire
        send = _native.require_sim().wire_control
        # Let the service go, sleep until it asks for the GIL, and send: giving up
        # the GIL in `send` hands it to the service first.  Between two lines of
        # Python it would change hands too early; `map` calls these from C.
        steps: list[Callable[[], object]] = [
            service.cue.release,
            keep_gil(0.2),
            partial(send, wire, 0, HELD, 0, None, PATIENCE),
        ]
        list(map(call, steps))
        self._wait_handled()

    def _stop(self) -> int:
        self._scene("Stop", "on_stop takes 0.7 s; then the service says STOPPED, once.")
        self._handle.control(Control.STOP)
        self._reach(State.STOPPED)
        return 1 if self._handle.status().exit_code else 0

    # --- what they share -----------------------------------------------------

    def _scene(self, title: str, *text: str) -> None:
        time.sleep(_REST)
        self._write()
        self._write(self._timeline.paint.bold(title))
        for line in text:
            self._write(line)

    def _reach(self, state: State) -> None:
        self._handle.wait_state(state, PATIENCE)
        self._timeline.update()

    def _wait_handled(self) -> None:
        service = self._scm.instance(Demo.name)
        assert isinstance(service, Demo)
        code, when = service.handled.get(timeout=PATIENCE)
        self._handled[code] = when + self._offset
        self._timeline.update()

    def _remark(self, entry: JournalEntry) -> str:
        """Tell when Python got to a control."""
        when = self._handled.get(entry.control or 0)
        if when is None:
            return ""
        return f", in Python {describe_duration(when - entry.time, self._out)} later"

    def _write(self, line: str = "") -> None:
        self._out.write(f"{line}\n")
        self._out.flush()
