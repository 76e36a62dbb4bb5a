"""Services of coroutines: all of one's code on the main thread's event loop.

The control thread waits for the SCM's events, has each handled on the loop, and
waits until that is done: order, back-pressure and the pending states are those
of plain services.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from winsvc.base import ServiceBase
from winsvc.events import Event, Stop
from winsvc.handlers import call_of

if TYPE_CHECKING:
    from winsvc.events import (
        DeviceEvent,
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

    All run on one event loop, on Python's main thread: ``on_start`` and ``run``
    as its main task, the other handlers one at a time, in the order of the
    controls, each as a task beside ``run``.  A control is accepted exactly when
    its handler is overridden; stop and shutdown always are.  An exception in a
    handler, in ``run`` or in a task ends the service as failed
    (``FailureCode``), its traceback is logged.
    """

    _has_defaults: ClassVar[bool] = True

    loop_factory: ClassVar[Callable[[], asyncio.AbstractEventLoop] | None] = None
    """Makes the loop; default: ``ProactorEventLoop`` on Windows."""
    stop_grace: ClassVar[float] = 2.0
    """Seconds that ``run`` has after ``on_stop`` to end by itself; then it is
    cancelled."""

    _loop: asyncio.AbstractEventLoop | None = None

    # --- what the service can ask and do: on the loop -----------------------------

    async def wait_stop(self, timeout: float | None = None) -> bool:
        """Wait until the service is to stop.

        Args:
            timeout: Seconds of the loop's clock; ``None`` waits for ever.

        Returns:
            True when it is to stop, False when the time is up.
        """
        self._hosted("wait for the stop")
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._stopping.wait()
        return self.stop_requested

    def create_task(
        self, coroutine: Coroutine[Any, Any, T], *, name: str | None = None
    ) -> asyncio.Task[T]:
        """Start a task of the service.

        Its exception ends the service as failed, at once; when the service
        stops it is cancelled, after ``run`` has ended.  (A task of
        ``asyncio.create_task`` ends the service too if it fails, but only once
        asyncio sees that nobody wants its exception.)

        Args:
            coroutine: What to run.
            name: The task's.

        Call on the loop.
        """
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    async def events(self) -> AsyncIterator[Event]:
        """Iterate over the events, in order, until the service stops.

        An event counts as handled, for PAUSED say, when the loop over them
        comes round again.  Handlers are called as well, before.  Events that
        have no handler are accepted by ``accepts``.  The last one is a ``Stop``.
        """
        inbox: asyncio.Queue[Event | None] = asyncio.Queue()
        self._inboxes.append(inbox)
        if self._is_over:
            inbox.put_nowait(None)
        try:
            while (event := await inbox.get()) is not None:
                try:
                    yield event
                finally:
                    inbox.task_done()
        finally:
            self._inboxes.remove(inbox)
            while not inbox.empty():  # nobody comes for these
                inbox.get_nowait()
                inbox.task_done()

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

    # --- how it is hosted: the main thread ----------------------------------------

    def _live(self, host: Host) -> None:
        with asyncio.Runner(loop_factory=type(self).loop_factory or new_loop) as runner:
            runner.run(self._main(host))

    async def _main(self, host: Host) -> None:
        self._begin()
        watcher = threading.Thread(
            target=self._watch_stop, args=(host,), name="winsvc-stop", daemon=True
        )
        watcher.start()
        try:
            await self.on_start()
            if host.started():
                await self._run(host)
        except BaseException as error:  # noqa: BLE001 - all end the service
            # Cancelled: some task has broken out of the loop, by sys.exit say;
            # what it raised goes to Host through _live.
            if not _is_being_cancelled():
                host.failed(error)
        host.over()
        await self._deafness
        await self._end_tasks()
        watcher.join()

    def _begin(self) -> None:
        self._stopping = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._inboxes: list[asyncio.Queue[Event | None]] = []
        self._failures: list[BaseException] = []
        self._is_running = self._is_over = False
        loop = asyncio.get_running_loop()
        self._deafness = loop.create_future()
        loop.set_exception_handler(self._on_loop_error)
        self._loop = loop
        if self._is_deaf:  # before there was a loop to tell
            self._hear_no_more()

    async def _run(self, host: Host) -> None:
        self._is_running = True
        for failure in self._failures:
            self._fail(failure)
        run = asyncio.create_task(_error_of(self.run()), name="run")
        await asyncio.wait((run, self._deafness), return_when=asyncio.FIRST_COMPLETED)
        if not run.done():
            await asyncio.wait((run,), timeout=self.stop_grace)
            run.cancel()
        error = await run
        if error is not None:
            host.failed(error)

    async def _end_tasks(self) -> None:
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)
            await asyncio.sleep(0)  # lets _task_done take them out

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _on_loop_error(
        self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]
    ) -> None:
        loop.default_exception_handler(context)
        error = context.get("exception")
        # Of a task that nobody waits for.  A transport's, of a client that has
        # gone say, is no reason to end.
        if error is not None and isinstance(context.get("future"), asyncio.Task):
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        if not self._is_running:  # on_start goes on; after that it counts
            self._failures.append(error)
        elif self._host is not None:
            self._host.failed(error)
            self._host.over()

    # --- how it is hosted: other threads ------------------------------------------

    _is_deaf = False

    def _watch_stop(self, host: Host) -> None:
        """Wake who waits for the stop, however long the handlers before it take."""
        host.wait_stop(None)
        self._call_soon(self._stopping.set)

    def _deliver(self, event: Event) -> bool | None:
        assert self._loop is not None
        handling = asyncio.run_coroutine_threadsafe(self._handle(event), self._loop)
        answer, error = handling.result()
        if error is not None:
            raise error
        return answer

    def _deaf(self) -> None:
        self._is_deaf = True
        if self._loop is not None:
            self._call_soon(self._hear_no_more)

    def _call_soon(self, callback: Callable[[], object]) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # closed: nobody is there to be told
            self._loop.call_soon_threadsafe(callback)

    # --- on the loop --------------------------------------------------------------

    async def _handle(self, event: Event) -> tuple[bool | None, BaseException | None]:
        # Not raised here: sys.exit in a task would break out of the loop.
        try:
            answer = await self.on_event(event)
            for inbox in tuple(self._inboxes):
                inbox.put_nowait(event)
                await inbox.join()
        except BaseException as error:  # noqa: BLE001 - raised by _deliver
            return None, error
        finally:
            if isinstance(event, Stop):
                self._end_events()
        return answer, None

    def _hear_no_more(self) -> None:
        self._end_events()
        self._stopping.set()
        if not self._deafness.done():
            self._deafness.set_result(None)

    def _end_events(self) -> None:
        self._is_over = True
        for inbox in self._inboxes:
            inbox.put_nowait(None)


async def _error_of(coroutine: Coroutine[Any, Any, None]) -> BaseException | None:
    """Await a coroutine; return what it raises, unless it was cancelled by us."""
    try:
        await coroutine
    except BaseException as error:  # noqa: BLE001 - the caller decides
        return None if _is_being_cancelled() else error
    return None


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
