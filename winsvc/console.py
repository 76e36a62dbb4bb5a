"""Debug mode: a service in a terminal, on every system, nothing installed.

The service runs on a simulated SCM.  Its ``on_start`` and ``run`` have Python's
main thread, as under the real one; this file's threads are the SCM's client,
who sends what the keys and Ctrl+C ask for.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, NoReturn

from winsvc.errors import ServiceError
from winsvc.events import PowerReason, SessionReason
from winsvc.glance import describe_exit
from winsvc.inputs import CLOSED, INTERRUPT, Inputs
from winsvc.states import Accept, Control, State, control_name
from winsvc.testing import SimulatedScm
from winsvc.testing.system import SystemEvent, power_event, session_change
from winsvc.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from winsvc.base import ServiceBase
    from winsvc.testing.process import Body

FAILED = 1
ENDED_HARD = 130  # as a shell says of Ctrl+C
DEFAULT_USER_CONTROL = 128
KEYS = """\
Keys: p pause, c continue, s stop, i interrogate, u control 128 (200u: 200),
m parameters have changed; as the system: x shut down, z suspend and resume,
l lock and unlock a session; ? help; Ctrl+C or q stops it, twice ends it at once."""
_CONTROLS = {
    "p": Control.PAUSE,
    "c": Control.CONTINUE,
    "i": Control.INTERROGATE,
    "s": Control.STOP,
    "m": Control.PARAMCHANGE,
}
# What only the system sends, and only to services that accept it.
_SYSTEM_EVENTS: dict[str, tuple[Accept, tuple[SystemEvent, ...]]] = {
    "x": (Accept.SHUTDOWN, (SystemEvent(Control.SHUTDOWN),)),
    "z": (
        Accept.POWEREVENT,
        tuple(map(power_event, (PowerReason.SUSPEND, PowerReason.RESUMEAUTOMATIC))),
    ),
    "l": (
        Accept.SESSIONCHANGE,
        tuple(map(session_change, (SessionReason.LOCK, SessionReason.UNLOCK))),
    ),
}


def debug(service: type[ServiceBase], args: Sequence[str] = ()) -> int:
    """Run a service in this terminal until it has stopped.

    Args:
        service: Its class.
        args: Its start parameters.

    Returns:
        0, or 1 if it failed.

    Call on the main thread; blocks.  A service that hangs past its deadline, and
    a second Ctrl+C, end the process.
    """
    _start_logging()
    session = _Session(service, tuple(args))
    with session.inputs:
        return session.run()


def _start_logging() -> None:
    faulthandler.enable()
    logging.getLogger("winsvc.host").setLevel(logging.WARNING)  # we show the rest
    logger = logging.getLogger("winsvc")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)


class _Session:
    """One run of a service in the terminal."""

    def __init__(self, service: type[ServiceBase], args: tuple[str, ...]) -> None:
        self.inputs = Inputs(self._wake_main)
        self._bodies: SimpleQueue[Body | None] = SimpleQueue()
        self._scm = SimulatedScm("real", launch=lambda _, body: self._bodies.put(body))
        self._name = service.name
        self._args = args
        self._handle = self._scm.add(service)
        # Beside the service's own prints, which stdout is for.
        self._timeline = Timeline(self._scm, self._name, sys.stderr)
        self._over = False
        self._interrupted = False
        self._stop_wanted = False
        self._digits = ""

    def run(self) -> int:
        """Be the service's main thread; return the exit code."""
        paint = self._timeline.paint
        intro = f"{self._name} on a simulated SCM; nothing is installed."
        print(paint.bold(intro), file=sys.stderr)
        keys = KEYS if self.inputs.has_keys else "Ctrl+C stops it."
        print(paint.dim(keys), file=sys.stderr, flush=True)
        client = _start(self._client, "winsvc-client")
        body = self._bodies.get()
        if body is None:
            return FAILED
        body()
        self._over = True
        self.inputs.wake()
        client.join()
        status = self._handle.status()
        if status.exit_code == 0:
            return 0
        what = describe_exit(status.exit_code, status.service_exit_code)
        print(paint.bad(f"{self._name} failed: {what}"), file=sys.stderr)
        return FAILED

    # --- the client's threads ------------------------------------------------

    def _client(self) -> None:
        try:
            self._handle.start(*self._args)
        except ServiceError as error:
            print(f"winsvc: {error}", file=sys.stderr)
            self._bodies.put(None)
            return
        reader = _start(self._follow, "winsvc-reports")
        while not self._over:
            self._react(self.inputs.get())
        reader.join()

    def _follow(self) -> None:
        self._timeline.follow(self.inputs.wake)
        # Dead before its main thread came to its end: a deadline has passed.
        if self._timeline.process.exit_code is None:
            self._timeline.say("!", "ended", "it hangs; the log says where")
            self._end(FAILED)

    def _react(self, key: str) -> None:
        if key == INTERRUPT or key == "q":
            self._interrupt()
        elif key == CLOSED:
            self._close()
        elif key.isascii() and key.isdigit():
            self._digits += key
            return
        elif key == "u":
            self._send(int(self._digits or DEFAULT_USER_CONTROL))
        elif key in _CONTROLS:
            self._send(_CONTROLS[key])
        elif key in _SYSTEM_EVENTS:
            self._send_as_system(*_SYSTEM_EVENTS[key])
        elif key == "?":
            print(KEYS, file=sys.stderr, flush=True)
        elif not key:
            self._stop_if_started()
            return
        self._digits = ""

    def _interrupt(self) -> None:
        if self._interrupted:
            self._timeline.say("!", "ended", "without waiting for it any longer")
            self._end(ENDED_HARD)
        self._stop()

    def _close(self) -> None:
        """Stop as far as Windows leaves it the time; being told again is no hurry."""
        if not self._interrupted:
            self._stop()

    def _stop(self) -> None:
        self._interrupted = True
        status = self._handle.status()
        if status.state is State.START_PENDING and Accept.STOP not in status.accepts:
            # The SCM would refuse: until its code is loaded it accepts no STOP (B-44).
            self._stop_wanted = True
            more = "once it is loaded; Ctrl+C again ends it now"
            self._timeline.say("!", "STOP", more)
        else:
            self._send(Control.STOP)

    def _stop_if_started(self) -> None:
        if self._stop_wanted and Accept.STOP in self._handle.status().accepts:
            self._stop_wanted = False
            self._send(Control.STOP)

    def _send(self, code: int) -> None:
        try:
            self._handle.control(code)
        except ServiceError as error:
            meaning = f"{error.winerror}, {error.strerror}"
            self._timeline.say("!", control_name(code), f"refused: {meaning}")
        self._timeline.update()

    def _send_as_system(self, bit: Accept, events: tuple[SystemEvent, ...]) -> None:
        accepts = self._handle.status().accepts
        if bit is Accept.SHUTDOWN and Accept.PRESHUTDOWN in accepts:
            bit, events = Accept.PRESHUTDOWN, (SystemEvent(Control.PRESHUTDOWN),)
        if bit not in accepts:
            name = control_name(events[0].control)
            self._timeline.say("!", name, "not sent: the service does not accept it")
            return
        try:
            for event in events:
                self._scm.send(self._name, *event)
        except OSError as error:
            self._timeline.say("!", control_name(events[0].control), str(error))
        self._timeline.update()

    def _wake_main(self) -> None:
        """Let the main thread run Python's signal handlers."""
        with suppress(LookupError):  # it has not been started yet
            host = self._timeline.process.host
            if host is not None:
                host.wake()

    def _end(self, code: int) -> NoReturn:
        """End the process with whatever hangs in it."""
        self.inputs.restore()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _start(body: Callable[[], None], name: str) -> threading.Thread:
    thread = threading.Thread(target=body, name=name, daemon=True)
    thread.start()
    return thread
