"""Runs the coroutines of an :class:`winsvc.AsyncService` on its event loop.

The control thread waits for the SCM's events, has each handled on the loop, and
waits until that is done: order, back-pressure and the pending states are those
of plain services.  Between ``on_start``, ``run`` and the end the loop is run from
here, so that no task of the service's is ours: it may cancel all that it sees.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import traceback
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from winsvc.events import Event, Stop

if TYPE_CHECKING:
    from winsvc.aio import AsyncService
    from winsvc.host import Host

Inbox: TypeAlias = "asyncio.Queue[tuple[Event, asyncio.Future[None]] | None]"
"""What one iteration over the events has still to see, and is to say when it has."""


class Looper:
    """One life of a service on its loop.

    Args:
        service: Whose coroutines are run.
        host: The life.
        loop: Made for it; not running.

    Made and run on the service's main thread; ``deliver`` and ``deafen`` are for
    the control thread, the other methods for the loop.
    """

    def __init__(
        self, service: AsyncService, host: Host, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.stop: asyncio.Future[None] = loop.create_future()
        """Done when the SCM has been told STOP_PENDING."""
        self._service = service
        self._host = host
        self._loop = loop
        self._context = contextvars.copy_context()  # of on_start, and of run
        self._start: asyncio.Task[None] | None = None
        self._has_started = self._has_failed = self._is_ending = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._inboxes: list[Inbox] = []
        self._seen: asyncio.Future[Any] | None = None  # the last event, by all inboxes
        self._is_over = False
        self._deaf: asyncio.Future[None] = loop.create_future()
        loop.set_exception_handler(self._on_error)

    # --- the main thread ----------------------------------------------------------

    def live(self) -> None:
        """Run the service: its start, its ``run``, and all that ends it."""
        watcher = threading.Thread(
            target=self._watch_stop,
            name=f"winsvc-stop {self._host.name}",
            daemon=True,
        )
        watcher.start()
        run = None
        if self._run_start():
            run = self._begin("run", self._service.run)
            run.add_done_callback(self._run_done)
            self._run_until(run, self._deaf)
        self._host.over()
        self._run_until(self._deaf)
        self._end(run)
        self._find_forgotten()
        watcher.join()

    def _run_start(self) -> bool:
        self._start = self._begin("on_start", self._service.on_start)
        self._run_until(self._start)
        error = _error_of(self._start)
        if error is not None and not (self._has_failed and self._start.cancelled()):
            self._fail(error)
        if self._has_failed:
            return False
        self._has_started = True
        try:
            return self._host.started()
        except OSError as failure:
            self._fail(failure)
            return False

    def _begin(
        self, name: str, method: Callable[[], Coroutine[Any, Any, None]]
    ) -> asyncio.Task[None]:
        return self._loop.create_task(_call(method), name=name, context=self._context)

    def _run_until(self, *futures: asyncio.Future[Any]) -> None:
        """Run the loop until one of these is done, whatever breaks out of it.

        That is the end of the service, ``sys.exit`` in a task say, or ``loop.stop``;
        its coroutines go on, so that it stops in order.
        """
        is_done = False

        def note(_: object) -> None:
            nonlocal is_done
            if not is_done:
                is_done = True
                self._loop.stop()

        for future in futures:
            future.add_done_callback(note)
        while not is_done:
            try:
                self._loop.run_forever()
            except (SystemExit, KeyboardInterrupt) as error:
                self._fail(error)
            else:
                if not is_done and self._has_started:
                    self._host.over()
        for future in futures:
            future.remove_done_callback(note)

    def _end(self, run: asyncio.Task[None] | None) -> None:
        """Let ``run`` and the iterations end by themselves; then end all tasks."""
        time_up: asyncio.Future[None] = self._loop.create_future()
        grace = self._service.stop_grace
        if grace is not None:
            timer = self._loop.call_later(grace, _finish, time_up)
        for ending in (run, self._seen):
            if ending is not None:
                self._run_until(ending, time_up)
        if grace is not None:
            timer.cancel()
        if run is not None:
            self._is_ending = True
            run.cancel()
            self._run_until(run)
        while tasks := asyncio.all_tasks(self._loop):
            for task in tasks:
                task.cancel()
            for task in tasks:
                self._run_until(task)

    def _find_forgotten(self) -> None:
        """Let asyncio find failed tasks that nobody has waited for."""
        gc.collect()
        last: asyncio.Future[None] = self._loop.create_future()
        self._loop.call_soon(last.set_result, None)
        self._run_until(last)

    # --- what fails ---------------------------------------------------------------

    def _fail(self, error: BaseException) -> None:
        """End the service as failed; its start, if it has not come to its end."""
        self._host.failed(error)
        if self._has_started:
            self._host.over()
        else:
            self._has_failed = True
            if self._start is not None:
                self._start.cancel()

    def _run_done(self, run: asyncio.Task[None]) -> None:
        error = _error_of(run)
        if error is not None and not (self._is_ending and run.cancelled()):
            self._fail(error)

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := _error_of(task)) is not None:
            self._fail(error)

    def _on_error(
        self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]
    ) -> None:
        """Take what the loop's callbacks raise, and tasks that nobody waits for."""
        task, error = context.get("future"), context.get("exception")
        if not isinstance(task, asyncio.Task) or error is None or _is_proactors(task):
            # A transport's, say, of a client that has gone: no reason to end.
            loop.default_exception_handler(context)
        elif not isinstance(error, SystemExit | KeyboardInterrupt):
            # Found when the task was freed: by whatever thread.
            self._call_soon(self._fail, error)

    # --- other threads ------------------------------------------------------------

    def _watch_stop(self) -> None:
        """Wake who waits for the stop, however long the handlers before it take."""
        self._host.wait_stop(None)
        self._call_soon(_finish, self.stop)

    def deliver(self, event: Event) -> bool | None:
        """Have an event handled on the loop, and wait until it has been."""
        handling = asyncio.run_coroutine_threadsafe(self._handle(event), self._loop)
        answer, error = handling.result()
        if error is not None:
            raise error
        return answer

    def tasks_text(self) -> str:
        """Return where all tasks wait; the loop itself may hang."""
        return "\n".join(map(_where, asyncio.all_tasks(self._loop)))

    def deafen(self) -> None:
        """Take note that no event will come any more."""
        self._call_soon(self._end_events)
        self._call_soon(_finish, self._deaf)

    def _call_soon(self, callback: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # closed: nobody is there to be told
            self._loop.call_soon_threadsafe(callback, *arguments)

    # --- on the loop --------------------------------------------------------------

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Let a task's failure be the service's."""
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def open_inbox(self) -> Inbox:
        """Return where the events are put from now on, and ``None`` at their end."""
        inbox: Inbox = asyncio.Queue()
        self._inboxes.append(inbox)
        if self._is_over:
            inbox.put_nowait(None)
        return inbox

    def close_inbox(self, inbox: Inbox) -> None:
        """Put no events there any more; nobody comes for those that are there."""
        self._inboxes.remove(inbox)
        while not inbox.empty():
            item = inbox.get_nowait()
            if item is not None:
                item[1].set_result(None)

    async def _handle(self, event: Event) -> tuple[bool | None, BaseException | None]:
        # Not raised here: sys.exit would break out of the loop.
        try:
            answer = await self._service.on_event(event)
            await self._show(event)
        except BaseException as error:  # noqa: BLE001 - raised by deliver
            return None, error
        finally:
            if isinstance(event, Stop):
                self._end_events()
        return answer, None

    async def _show(self, event: Event) -> None:
        """Wait until all iterations have handled an event, or the service stops."""
        if not self._inboxes:
            return
        seen = [self._loop.create_future() for _ in self._inboxes]
        for inbox, future in zip(self._inboxes, seen, strict=True):
            inbox.put_nowait((event, future))
        self._seen = asyncio.gather(*seen)
        await asyncio.wait((self._seen, self.stop), return_when=asyncio.FIRST_COMPLETED)

    def _end_events(self) -> None:
        if not self._is_over:
            self._is_over = True
            for inbox in self._inboxes:
                inbox.put_nowait(None)


async def _call(method: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Await a method's coroutine: whatever it is, what goes wrong is the task's."""
    await method()


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _error_of(task: asyncio.Task[Any]) -> BaseException | None:
    """Return what a task that is done has raised.

    Not what has broken out of the loop, which has been dealt with.
    """
    try:
        task.result()
    except (SystemExit, KeyboardInterrupt):
        return None
    except BaseException as error:  # noqa: BLE001 - it is a value here
        return error
    return None


def _where(task: asyncio.Task[Any]) -> str:
    """Return a task's name, and the coroutines that await each other in it."""
    frames = []
    awaited: Any = task.get_coro()
    while (frame := getattr(awaited, "cr_frame", None)) is not None:
        frames.append((frame, frame.f_lineno))
        awaited = awaited.cr_await
    stack = traceback.StackSummary.extract(iter(frames))
    return f"Task {task.get_name()}:\n" + "".join(stack.format())


def _is_proactors(task: asyncio.Task[Any]) -> bool:
    """Tell whether a task is the Proactor's own.

    It fails whenever a client goes away before it is accepted.
    """
    name: str = getattr(task.get_coro(), "__qualname__", "")
    return name.startswith("IocpProactor.")
