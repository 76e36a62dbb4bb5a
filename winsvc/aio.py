"""Services of coroutines: all of one's code on the main thread's event loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from winsvc.base import ServiceBase
from winsvc.handlers import call_of
from winsvc.looper import Looper

if TYPE_CHECKING:
    from winsvc.events import (
        DeviceEvent,
        Event,
        HardwareProfileChange,
        LowResources,
        NetBindChange,
        PowerEvent,
        SessionChange,
        TimeChange,
        TriggerEvent,
        UserLogoff,
        UserModeReboot,
    )
    from winsvc.host import Host

T = TypeVar("T")


def new_loop() -> asyncio.AbstractEventLoop:
    """Return the default loop: Windows's Proactor, which has subprocesses too."""
    if sys.platform == "win32":
        return asyncio.ProactorEventLoop()
    return asyncio.new_event_loop()


class AsyncService(ServiceBase):
    """A Windows service whose handlers are coroutines.

    All run on one event loop, on Python's main thread: ``on_start``, then ``run``,
    and beside it the other handlers, one at a time, in the order of the controls.
    A control is accepted exactly when its handler is overridden; stop and shutdown
    always are.  An exception in a handler, in ``run`` or in a task ends the service
    as failed (``FailureCode``), its traceback is logged.
    """

    _has_defaults: ClassVar[bool] = True
    _is_async: ClassVar[bool] = True

    loop_factory: ClassVar[Callable[[], asyncio.AbstractEventLoop] | None] = None
    """Makes the loop; default: ``ProactorEventLoop`` on Windows."""
    stop_grace: ClassVar[float | None] = 2.0
    """Seconds that ``run`` and who iterates over ``events()`` have after ``on_stop``
    to end by themselves; then ``run`` is cancelled, then all other tasks are.  Part
    of ``stop_timeout``; ``None``: all of it."""

    _looper: Looper | None = None
    _is_deaf = False

    # --- what the service can ask and do: on the loop -----------------------------

    async def wait_stop(self, timeout: float | None = None) -> bool:
        """Wait until the service is to stop.

        Args:
            timeout: Seconds of the loop's clock; ``None`` waits for ever.

        Returns:
            True when it is to stop, False when the time is up.
        """
        stop = self._on_loop("wait for the stop").stop
        await asyncio.wait((stop,), timeout=timeout)
        return self.stop_requested

    def create_task(
        self, coroutine: Coroutine[Any, Any, T], *, name: str | None = None
    ) -> asyncio.Task[T]:
        """Start a task of the service.

        Its exception ends the service as failed, at once; before RUNNING that
        cancels ``on_start``, and ``on_stop`` is not called.  When the service stops
        it is cancelled after ``run`` has ended.  (A task of ``asyncio.create_task``
        is cancelled too, and ends the service too if it fails, but only once asyncio
        sees that nobody wants its exception.)

        Args:
            coroutine: What to run.
            name: The task's.

        Call on the loop.
        """
        looper = self._on_loop("start a task")
        task = asyncio.create_task(coroutine, name=name)
        looper.adopt(task)
        return task

    async def events(self) -> AsyncGenerator[Event, None]:
        """Iterate over the events, in order, until the service stops.

        Its handlers are called before.  An event counts as handled, for PAUSED say,
        when the loop over them comes round again; once the service is to stop
        nothing waits for that but ``stop_grace``.  The last event is a ``Stop``,
        unless ``on_stop`` fails.  Events that have no handler are accepted by
        ``accepts``.  An iteration that is left and kept must be closed
        (``contextlib.aclosing``): it holds up all events.
        """
        looper = self._on_loop("iterate over its events")
        inbox = looper.open_inbox()
        try:
            while (item := await inbox.get()) is not None:
                event, seen = item
                try:
                    yield event
                finally:
                    seen.set_result(None)
        finally:
            looper.close_inbox(inbox)

    def _on_loop(self, operation: str) -> Looper:
        self._hosted(operation)
        assert self._looper is not None, "its loop exists from on_start on"
        return self._looper

    # --- what to override ---------------------------------------------------------

    async def on_start(self) -> None:
        """Get ready: START_PENDING until it returns, RUNNING then."""

    async def run(self) -> None:
        """Do the work; returning ends the service.  Default: wait for the stop."""
        await self.wait_stop()

    async def on_stop(self) -> None:
        """Clean up: STOP_PENDING until this and ``run`` have ended.

        Called once after an ``on_start`` that returned, however the service
        ends: asked to, by itself, or by an exception.
        """

    async def on_shutdown(self) -> None:
        """React to the system's shutdown; default: ``on_stop``."""
        await self.on_stop()

    async def on_preshutdown(self) -> None:
        """React to the coming shutdown; overriding accepts it, not SHUTDOWN."""
        await self.on_stop()

    async def on_pause(self) -> None:
        """Pause: PAUSE_PENDING until it returns, PAUSED then."""

    async def on_continue(self) -> None:
        """Go on: CONTINUE_PENDING until it returns, RUNNING then."""

    async def on_param_change(self) -> None:
        """Read the start-up parameters again."""

    async def on_netbind_change(self, event: NetBindChange) -> None:
        """React to a change of the network's bindings."""

    async def on_device_event(self, event: DeviceEvent) -> bool | None:
        """React to a device, after :meth:`register_device_notifications`.

        Returns:
            After :meth:`ask`, for a query: False refuses it, True allows it.
        """

    async def on_hardware_profile_change(
        self, event: HardwareProfileChange
    ) -> bool | None:
        """React to a change of the hardware profile; returns as device events."""

    async def on_power_event(self, event: PowerEvent) -> None:
        """React to suspend, resume, power status, and registered settings."""

    async def on_session_change(self, event: SessionChange) -> None:
        """React to a logon, logoff, lock, unlock, connect, disconnect."""

    async def on_time_change(self, event: TimeChange) -> None:
        """React to a change of the system's time."""

    async def on_trigger_event(self, event: TriggerEvent) -> None:
        """React to a trigger that came while the service runs."""

    async def on_user_mode_reboot(self, event: UserModeReboot) -> None:
        """React to a reboot that a user has asked for."""

    async def on_user_logoff(self, event: UserLogoff) -> None:
        """React to the logoff of a user service's user."""

    async def on_low_resources(self, event: LowResources) -> None:
        """Give memory back; overriding accepts both kinds."""

    async def on_user_control(self, code: int) -> None:
        """React to a code from 128 to 255: sent by anybody, so untrusted."""

    async def on_event(self, event: Event) -> bool | None:
        """See every event; the default calls the particular handler.

        Args:
            event: What came; overriding this accepts nothing more: see
                ``accepts``.

        Returns:
            What the handler returned.
        """
        call = call_of(event)
        if call is None:
            return None
        handler, arguments = call
        answer: bool | None = await getattr(self, handler)(*arguments)
        return answer

    # --- how it is hosted ---------------------------------------------------------

    def _live(self, host: Host) -> None:
        with asyncio.Runner(loop_factory=type(self).loop_factory or new_loop) as runner:
            self._looper = Looper(self, host, runner.get_loop())
            if self._is_deaf:  # before there was somebody to tell
                self._looper.deafen()
            self._looper.live()

    def _tasks_text(self) -> str:
        return self._looper.tasks_text() if self._looper is not None else ""

    def _deliver(self, event: Event) -> bool | None:
        assert self._looper is not None
        return self._looper.deliver(event)

    def _deaf(self) -> None:
        self._is_deaf = True
        if self._looper is not None:
            self._looper.deafen()
