"""Daemons: services of state callbacks, as POE::Component::Daemon::Win32 has them.

::

    import winsvc

    def callback(daemon, state, message):
        if state is winsvc.State.START_PENDING:
            open_everything()
        daemon.next_state()

    clock = winsvc.daemon.spawn(callback, alias="PyClock")

    if __name__ == "__main__":
        winsvc.main(clock)

A callback is called at once when its state begins, and again every
``poll_interval``, until :meth:`Daemon.next_state` is called.  How that maps to
Perl, and each difference: ``docs/from-perl.md``.
"""

from __future__ import annotations

import inspect
import math
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypedDict, Unpack

from winsvc.base import HasService, ServiceBase, check_class
from winsvc.constants import SERVICE_CONTROL_NONE as CONTROL_NONE
from winsvc.phases import NAMES, Phases
from winsvc.states import Accept, StartType, State

if TYPE_CHECKING:
    import asyncio
    import logging

    from winsvc.events import Event
    from winsvc.host import Host
    from winsvc.journal import JournalEntry

Callback: TypeAlias = Callable[["Daemon", State, int], object]
"""Called with the daemon, the state, and the message: a control, or
``CONTROL_NONE``.  Plain or ``async def``."""


class Options(TypedDict, total=False):
    """Options of :func:`spawn`: class attributes of the service."""

    name: str
    display_name: str
    description: str
    start_type: StartType
    start_timeout: float | None
    stop_timeout: float | None
    pause_timeout: float | None
    continue_timeout: float | None
    wait_hint: float
    accepts: Accept


def spawn(
    callback: Callback | Mapping[str, Callback] | None = None,
    alias: str = "win32daemon",
    poll_interval: float = 1.0,
    **options: Unpack[Options],
) -> Daemon:
    """Make a daemon; :func:`run`, ``winsvc.main`` or ``await`` hosts it.

    Args:
        callback: One for all states, or a mapping by the names of the states;
            a pending state without one is left at once.
        alias: The service's key name, unless ``name`` is given.
        poll_interval: Seconds from one call to the next.
        **options: ``name``, ``display_name``, ``description``, ``start_type``,
            ``wait_hint``, the time-outs, as of ``winsvc.Service``; ``accepts``:
            controls to accept besides those that Perl's daemons do.

    Raises:
        TypeError: There is no callback, or an option that does not exist.
        ValueError: There is no state of such a name, or the interval is none.
    """
    caller = sys._getframe(1).f_globals.get("__name__", __name__)  # noqa: SLF001 - as enum does
    daemon = Daemon(_callbacks_of(callback), alias, poll_interval, options, caller)
    _spawned.append(daemon)
    return daemon


def run() -> int:
    """Host all daemons that this process has spawned, until they have stopped.

    Returns, raises: as ``winsvc.run``.

    Several share the process: the first has the main thread, the others one
    each.  Blocks.

    Raises:
        RuntimeError: None has been spawned.
        ValueError: Two have the same name.
    """
    from winsvc.process import run as host

    services = [daemon.service for daemon in _spawned]
    if not services:
        msg = "nothing to run: spawn a daemon first"
        raise RuntimeError(msg)
    names = [service.name for service in services]
    if len({name.upper() for name in names}) < len(names):
        msg = f"two daemons have one name: {', '.join(names)}; give each its alias"
        raise ValueError(msg)
    _spawned.clear()
    return host(*services)


class Daemon(HasService):
    """A daemon: made by :func:`spawn`, told by its callbacks to move on.

    Attributes:
        alias: What it was spawned as.
        callbacks: By the names of the states.
        poll_interval: Seconds from one call to the next.
        service: The class to give to ``winsvc.main``, ``winsvc.run``,
            ``SimulatedScm.add``; as a target the alias or the variable names it.
        instance: The service of the present life, with all that any service
            can ask and do; before the first, one that is not hosted.
        is_async: True if some callback is a coroutine function.
        loop: Where the callbacks run; ``None``: on the hosting thread itself.
    """

    def __init__(
        self,
        callbacks: Mapping[str, Callback],
        alias: str,
        poll_interval: float,
        options: Options,
        module: str,
    ) -> None:
        if not 0.001 <= poll_interval <= 1e9:
            msg = f"poll_interval is {poll_interval}: 0.001 to 1e9 seconds"
            raise ValueError(msg)
        self.alias = alias
        self.callbacks = callbacks
        self.poll_interval = poll_interval
        self.loop: asyncio.AbstractEventLoop | None = None
        self.is_async = any(map(_is_async, callbacks.values()))
        self._may_idle = "not_ready" in callbacks
        self.service = _make_service(self, options, module)
        self.instance = self.service()

    # --- what callbacks use -------------------------------------------------------

    def next_state(self, delay_ms: float | None = None) -> None:
        """Go on to the next state when the callback has returned.

        From START_PENDING and CONTINUE_PENDING to RUNNING, from PAUSE_PENDING to
        PAUSED, from STOP_PENDING to STOPPED; after the message of a shutdown to
        STOP_PENDING.  In the other states it does nothing.

        Args:
            delay_ms: After a shutdown: milliseconds that stopping may take, up
                to an hour, told to the SCM as the wait hint; default: 30 000.

        Raises:
            ValueError: No wait hint can be so long.

        For any thread.
        """
        self.instance.phases.next_state(delay_ms)

    def stop(self, exit_code: int = 0) -> None:
        """Stop as if the SCM had asked for it: as ``Service.request_stop``."""
        self.instance.request_stop(exit_code)

    @property
    def state(self) -> State:
        """The state that its callbacks are in; see ``docs/from-perl.md``."""
        return self.instance.phases.state

    @property
    def event(self) -> Event | None:
        """While a callback is called with a control as its message: all of it."""
        return self.instance.phases.event

    def last_message(self, *, reset: bool = False) -> int:
        """Return the last control, ``CONTROL_NONE`` before the first.

        Args:
            reset: Forget it then.
        """
        phases = self.instance.phases
        message = phases.last_message
        if reset:
            phases.last_message = CONTROL_NONE
        return message

    @property
    def args(self) -> tuple[str, ...]:
        """The start parameters."""
        return self.instance.args

    @property
    def log(self) -> logging.Logger:
        """The service's logger."""
        return self.instance.log

    def progress(self, wait_hint: float | None = None) -> None:
        """Tell the SCM that a pending state gets on: as ``Service.progress``."""
        self.instance.progress(wait_hint)

    def accept(self, controls: Accept) -> None:
        """Accept again what :meth:`ignore` has taken away."""
        self.instance.accept(controls)

    def ignore(self, controls: Accept) -> None:
        """Accept these controls no more."""
        self.instance.ignore(controls)

    def journal(self) -> tuple[JournalEntry, ...]:
        """Return the last reports and controls, oldest first."""
        return self.instance.journal()

    # --- hosting it ---------------------------------------------------------------

    def run(self) -> int:
        """Host this daemon alone until it has stopped: as ``winsvc.run``."""
        from winsvc.process import run as host

        if self in _spawned:
            _spawned.remove(self)
        return host(self.service)

    def __await__(self) -> Generator[Any, None, int]:
        """Host it on a worker thread, with its callbacks on the running loop.

        Returns, raises: as :meth:`run`.  Cancelling it stops the service first.
        """
        return self._host_from_loop().__await__()

    async def _host_from_loop(self) -> int:
        import asyncio

        self.loop = asyncio.get_running_loop()
        hosting = asyncio.create_task(asyncio.to_thread(self.run))
        try:
            return await asyncio.shield(hosting)
        except asyncio.CancelledError:
            with suppress(RuntimeError):  # it has not been started
                self.stop()
            await hosting
            raise
        finally:
            self.loop = None

    def call(self, name: str, state: State, message: int) -> object:
        """Call a callback, on the hosting thread or on the loop; wait for it."""
        callback = self.callbacks[name]
        if self.loop is None and not self.is_async:
            return callback(self, state, message)
        import asyncio

        called = _outcome_of(callback, self, state, message)
        if self.loop is None:  # not_ready, before there is one
            answer, error = asyncio.run(called)
        else:
            answer, error = asyncio.run_coroutine_threadsafe(called, self.loop).result()
        if error is not None:
            raise error
        return answer

    def idle(self) -> float:
        """Call ``not_ready`` while the process waits; seconds to the next call.

        Not after the first start, nor after an exception.
        """
        if not self._may_idle or self.state is not State.NOT_READY:
            return math.inf
        self._may_idle = False
        self.call("not_ready", State.NOT_READY, CONTROL_NONE)
        self._may_idle = True
        return self.poll_interval


class DaemonService(ServiceBase):
    """What the SCM starts and stops: an object for each life of a daemon."""

    daemon: ClassVar[Daemon]
    # Perl's own mask; STOP and SHUTDOWN are accepted anyway.
    accepts = Accept.PAUSE_CONTINUE | Accept.PARAMCHANGE | Accept.NETBINDCHANGE

    def __init__(self) -> None:
        daemon = self.daemon
        self.phases = Phases(daemon.call, daemon.callbacks, daemon.poll_interval)

    def _live(self, host: Host) -> None:
        self.daemon.instance = self
        if self.daemon.is_async and self.daemon.loop is None:
            self._live_beside_loop(host)
        else:
            self.phases.live(host)

    def _live_beside_loop(self, host: Host) -> None:
        """Have the callbacks called on a loop of this thread's own."""
        import asyncio

        from winsvc.aio import new_loop

        async def end() -> None:
            await asyncio.shield(life)

        with asyncio.Runner(loop_factory=new_loop) as runner:
            self.daemon.loop = runner.get_loop()
            self.daemon.loop.set_exception_handler(_report)
            life = self.daemon.loop.run_in_executor(None, self.phases.live, host)
            while not life.done():
                try:
                    runner.run(end())
                except BaseException as error:  # noqa: BLE001 - sys.exit in a task
                    host.failed(error)
                    host.over()
            self.daemon.loop = None

    def _deliver(self, event: Event) -> bool | None:
        answer = self.phases.post(event).result()
        return answer if isinstance(answer, bool) else None

    def _deaf(self) -> None:
        self.phases.deaf()


def _callbacks_of(
    callback: Callback | Mapping[str, Callback] | None,
) -> Mapping[str, Callback]:
    if callable(callback):
        return dict.fromkeys(NAMES, callback)
    if not callback:
        msg = (
            "a daemon needs a callback: a function of (daemon, state, message), or "
            f"a mapping with some of {', '.join(NAMES)}"
        )
        raise TypeError(msg)
    for name, each in callback.items():
        if name not in NAMES:
            msg = f"there is no callback {name!r}: write {', '.join(NAMES)}"
            raise ValueError(msg)
        if not callable(each):
            msg = f"the callback {name!r} is {each!r}: a function is wanted"
            raise TypeError(msg)
    return dict(callback)


def _is_async(callback: Callback) -> bool:
    return inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(
        getattr(callback, "__call__", None)  # noqa: B004 - of an object: its method
    )


async def _outcome_of(
    callback: Callback, daemon: Daemon, state: State, message: int
) -> tuple[object, BaseException | None]:
    # Not raised on the loop: sys.exit would break out of it.
    try:
        answer = callback(daemon, state, message)
        if inspect.isawaitable(answer):
            answer = await answer
    except BaseException as error:  # noqa: BLE001 - raised by Daemon.call
        return None, error
    return answer, None


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Report what a task has raised, but for exits: they have ended the service."""
    if not isinstance(context.get("exception"), SystemExit | KeyboardInterrupt):
        loop.default_exception_handler(context)


def _make_service(daemon: Daemon, options: Options, module: str) -> type[DaemonService]:
    if unknown := options.keys() - Options.__optional_keys__:
        msg = (
            f"spawn() has no option {', '.join(sorted(unknown))}: "
            f"write {', '.join(sorted(Options.__optional_keys__))}"
        )
        raise TypeError(msg)
    own = {
        "name": daemon.alias,
        **options,
        "accepts": DaemonService.accepts | options.get("accepts", Accept(0)),
        "daemon": daemon,
        "_idle": daemon.idle,
        "__module__": module,
    }
    # As a target the class goes by its alias, made an identifier.
    name = "".join(c if f"a{c}".isidentifier() else "_" for c in daemon.alias)
    name = name if name.isidentifier() else f"_{name}"
    cls: type[DaemonService] = type(name, (DaemonService,), own)
    check_class(cls)
    return cls


_spawned: list[Daemon] = []
