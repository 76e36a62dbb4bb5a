"""One life of a daemon: which callback is called when, and with what.

No thread is made here and no SCM known: :mod:`winsvc.daemon` brings the
callbacks, :class:`winsvc.host.Host` the time, the stop and the reports.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from winsvc.base import check_wait_hint
from winsvc.constants import SERVICE_CONTROL_NONE as CONTROL_NONE
from winsvc.errors import ServiceError
from winsvc.events import Continue, Event, Pause, Stop
from winsvc.states import Control, State

if TYPE_CHECKING:
    from winsvc.host import Host

NAMES = (
    "not_ready",
    "start_pending",
    "running",
    "pause_pending",
    "paused",
    "continue_pending",
    "stop_pending",
    "stopped",
    "shutdown",
    "unhandled",
)
"""The callbacks: of the eight states, of the system's shutdown, of the rest."""
SHUTDOWN_DELAY = 30.0
_STOPS = ("shutdown", "stop_pending")

Call: TypeAlias = Callable[[str, State, int], object]
"""Calls the callback of a name with a state and a message."""


class Phases:
    """Calls a daemon's callbacks from START_PENDING to STOPPED.

    Args:
        call: Calls one of them.
        names: Those that there are.
        interval: Seconds from one call to the next, in the SCM's clock.

    :meth:`live` is the main thread's; the other methods are for any thread.
    """

    def __init__(self, call: Call, names: Container[str], interval: float) -> None:
        self.state = State.NOT_READY
        self.event: Event | None = None
        self.last_message: int = CONTROL_NONE
        self._call_back = call
        self._names = names
        self._interval = int(interval * 1e9)
        self._host: Host | None = None
        self._name = ""
        self._due: int | None = None  # the next call, in the clock's ns
        self._news = 0
        self._moves_on = False
        self._delay = SHUTDOWN_DELAY
        self._posted: tuple[Event, Future[object]] | None = None
        self._is_deaf = False

    # --- any thread ---------------------------------------------------------------

    def next_state(self, delay_ms: float | None = None) -> None:
        """Leave the pending state, or the shutdown, that we are in."""
        delay = delay_ms / 1000 if delay_ms else SHUTDOWN_DELAY
        check_wait_hint("delay_ms / 1000", delay)
        self._delay = delay
        self._moves_on = True
        self._wake()

    def post(self, event: Event) -> Future[object]:
        """Have an event dealt with: one at a time."""
        dealt_with: Future[object] = Future()
        self._posted = event, dealt_with
        self._wake()
        return dealt_with

    def deaf(self) -> None:
        """Learn that nothing will be posted any more."""
        self._is_deaf = True
        self._wake()

    def _wake(self) -> None:
        if self._host is not None:
            self._host.wake()

    # --- the main thread ----------------------------------------------------------

    def live(self, host: Host) -> None:
        """Run until the stop, which is posted last, has been dealt with."""
        self._host = host
        try:
            self._stay(State.START_PENDING, host)
            if host.started():
                self._enter(State.RUNNING)
                self._rest(host)
        except BaseException as error:  # noqa: BLE001 - all end the service
            host.failed(error)
        host.over()
        self._rest(host)

    def _rest(self, host: Host) -> None:
        """Be in a state that no next_state ends; deal with what is posted."""
        while not self._is_deaf:
            if self._posted is not None:
                (event, dealt_with), self._posted = self._posted, None
                try:
                    dealt_with.set_result(self._deal_with(event, host))
                except BaseException as error:  # noqa: BLE001 - for who has posted it
                    dealt_with.set_exception(error)
            elif self._is_time(host) and not host.stop_requested:
                self._call(self._name)

    def _deal_with(self, event: Event, host: Host) -> object:
        self.last_message = event.control
        match event:
            case Stop():
                self._stop(event, host)
            case Pause():
                self._change(State.PAUSE_PENDING, State.PAUSED, event, host)
            case Continue():
                self._change(State.CONTINUE_PENDING, State.RUNNING, event, host)
            case _:
                name = "unhandled" if "unhandled" in self._names else self._name
                return self._call(name, event)
        return None

    def _change(self, pending: State, after: State, event: Event, host: Host) -> None:
        before = self.state
        if self._stay(pending, host, event):
            host.finish(event)  # the SCM first, then the next callback
            self._enter(after)
        else:
            self._enter(before)

    def _stop(self, event: Event, host: Host) -> None:
        message: Event | None = event
        if event.control != Control.STOP:
            self._stay(self.state, host, event, "shutdown")
            with suppress(ServiceError):  # the next checkpoint will say it
                host.progress(self._delay)
            message = None
        self._stay(State.STOP_PENDING, host, message)
        self._enter(State.STOPPED)
        self._call("stopped")

    def _stay(
        self, state: State, host: Host, event: Event | None = None, name: str = ""
    ) -> bool:
        """Call a callback until next_state, but once at least.

        Returns:
            False: a stop has come, which ends the pending states before it.
        """
        self._enter(state, name)
        self._delay = SHUTDOWN_DELAY
        self._moves_on = self._name not in self._names
        while not self._moves_on:
            if self._is_time(host):
                self._call(self._name, event)
                if self._name != "shutdown":
                    event = None  # a message is said once, but that one is a state
            if self._name not in _STOPS and host.stop_requested:
                return False
        return True

    def _enter(self, state: State, name: str = "") -> None:
        self.state = state
        self._name = name or state.name.lower()
        self._due = 0 if self._name in self._names else None

    def _is_time(self, host: Host) -> bool:
        """Wait until the next call is due, or there is something new."""
        self._news, now = host.wait_news(self._due, self._news)
        if self._due is None or now < self._due:
            return False
        self._due = now + self._interval
        return True

    def _call(self, name: str, event: Event | None = None) -> object:
        if name not in self._names:
            return None
        self.event = event
        try:
            message = CONTROL_NONE if event is None else event.control
            return self._call_back(name, self.state, message)
        finally:
            self.event = None
