"""Which handler an event goes to, and what having that handler accepts."""

from __future__ import annotations

from winsvc import TYPE_CHECKING
from winsvc.states import USER_CONTROLS, Accept, Control

if TYPE_CHECKING:
    from winsvc.base import ServiceBase
    from winsvc.events import Event


_NONE = Accept(0)


class Handler:
    """A handler, and the accept bit of its controls (scm-rules D.1)."""

    __slots__ = ("accept", "has_event", "name")

    def __init__(
        self, name: str, accept: Accept = _NONE, *, has_event: bool = True
    ) -> None:
        self.name = name
        self.accept = accept
        self.has_event = has_event


HANDLERS: dict[int, Handler] = {
    Control.STOP: Handler("on_stop", Accept.STOP, has_event=False),
    Control.SHUTDOWN: Handler("on_shutdown", Accept.SHUTDOWN, has_event=False),
    Control.PRESHUTDOWN: Handler("on_preshutdown", Accept.PRESHUTDOWN, has_event=False),
    Control.PAUSE: Handler("on_pause", Accept.PAUSE_CONTINUE, has_event=False),
    Control.CONTINUE: Handler("on_continue", Accept.PAUSE_CONTINUE, has_event=False),
    Control.PARAMCHANGE: Handler(
        "on_param_change", Accept.PARAMCHANGE, has_event=False
    ),
    Control.NETBINDADD: Handler("on_netbind_change", Accept.NETBINDCHANGE),
    Control.NETBINDREMOVE: Handler("on_netbind_change", Accept.NETBINDCHANGE),
    Control.NETBINDENABLE: Handler("on_netbind_change", Accept.NETBINDCHANGE),
    Control.NETBINDDISABLE: Handler("on_netbind_change", Accept.NETBINDCHANGE),
    Control.DEVICEEVENT: Handler("on_device_event"),
    Control.HARDWAREPROFILECHANGE: Handler(
        "on_hardware_profile_change", Accept.HARDWAREPROFILECHANGE
    ),
    Control.POWEREVENT: Handler("on_power_event", Accept.POWEREVENT),
    Control.SESSIONCHANGE: Handler("on_session_change", Accept.SESSIONCHANGE),
    Control.TIMECHANGE: Handler("on_time_change", Accept.TIMECHANGE),
    Control.TRIGGEREVENT: Handler("on_trigger_event", Accept.TRIGGEREVENT),
    Control.USERMODEREBOOT: Handler("on_user_mode_reboot", Accept.USERMODEREBOOT),
    Control.USER_LOGOFF: Handler("on_user_logoff", Accept.USERMODEREBOOT),
    Control.LOWRESOURCES: Handler("on_low_resources", Accept.LOWRESOURCES),
    Control.SYSTEMLOWRESOURCES: Handler("on_low_resources", Accept.SYSTEMLOWRESOURCES),
}


def call_of(event: Event) -> tuple[str, tuple[object, ...]] | None:
    """Return an event's handler and its arguments; ``None``: it has none."""
    if event.control in USER_CONTROLS:
        return "on_user_control", (int(event.control),)
    handler = HANDLERS.get(event.control)
    if handler is None:
        return None
    return handler.name, (event,) if handler.has_event else ()


def overrides(cls: type[ServiceBase], handler: str) -> bool:
    """Tell whether a class has a handler of its own."""
    for base in cls.__mro__:
        if handler in vars(base):
            return "_has_defaults" not in vars(base)
    return False


def accepted_by(cls: type[ServiceBase]) -> Accept:
    """Return the controls that a class accepts.

    Those it has handlers for or names in ``accepts``; always STOP; SHUTDOWN
    unless it wants PRESHUTDOWN in its place (C-31).
    """
    accepts = cls.accepts | Accept.STOP
    for handler in HANDLERS.values():
        if overrides(cls, handler.name) and handler.accept is not Accept.SHUTDOWN:
            accepts |= handler.accept
    if Accept.PRESHUTDOWN not in accepts:
        accepts |= Accept.SHUTDOWN
    return accepts


# inspect's CO_…: importing that takes longer than all that a service does until
# its first report.
_GENERATOR, _COROUTINE = 0x20, 0x80
_ITERABLE_COROUTINE, _ASYNC_GENERATOR = 0x100, 0x200


def check_handlers(cls: type[ServiceBase]) -> None:
    """Raise TypeError if a handler is not as its style of service wants it.

    A coroutine function that is called as a plain function does nothing.  What is
    decorated (``__wrapped__``), or no function, may be either.
    """
    names = {"on_start", "run", "on_event", "on_user_control"}
    names |= {handler.name for handler in HANDLERS.values()}
    for name in sorted(names):
        function = getattr(cls, name, None)
        code = getattr(function, "__code__", None)
        if code is None or not overrides(cls, name):
            continue
        where = f"{cls.__qualname__}.{name}"
        if not cls._is_async:
            if code.co_flags & (_COROUTINE | _ASYNC_GENERATOR):
                msg = (
                    f"{where} is `async`, which winsvc.Service cannot wait for: "
                    f"derive the class from winsvc.AsyncService, or write `def {name}`"
                )
                raise TypeError(msg)
            if code.co_flags & _GENERATOR:
                msg = f"{where} has `yield`: calling it does nothing"
                raise TypeError(msg)
        elif not (
            code.co_flags & (_COROUTINE | _ITERABLE_COROUTINE)
            or hasattr(function, "__wrapped__")
        ):
            msg = (
                f"{where} is no coroutine, as winsvc.AsyncService wants it: "
                f"write `async def {name}`, without `yield`"
            )
            raise TypeError(msg)
