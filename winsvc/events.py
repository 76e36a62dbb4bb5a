"""Control events as frozen values, one class for each kind of control.

The kinds that carry a payload (power, session, device, time, trigger) have no
handler yet, and so are not accepted.  A control that arrives all the same is a
plain :class:`Event`; the real SCM's payload is not copied before it is decoded.
"""

from __future__ import annotations

from dataclasses import dataclass

from winsvc.states import USER_CONTROLS, Control


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One control that the SCM sent.

    Attributes:
        control: The code; an ``int`` where it has no name in ``Control``.
        event_type: The event type of the extended controls, else 0.
        data: A copy of the raw payload, ``b""`` without one.
        count: How often it came: above 1 only for the kinds that may be
            folded together when the queue is full (``docs/design.md`` 4).
    """

    control: Control | int
    event_type: int = 0
    data: bytes = b""
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Event):
    """The service is to stop: a client, or the service itself, asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shutdown(Stop):
    """The system shuts down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preshutdown(Stop):
    """The system is about to shut down; other services still run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Event):
    """The service is to pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Continue(Event):
    """The service is to go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamChange(Event):
    """The service's start-up parameters have changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserControl(Event):
    """A code from 128 to 255; by default any local user may send it (I-54)."""


_CLASSES: dict[int, type[Event]] = {
    Control.STOP: Stop,
    Control.SHUTDOWN: Shutdown,
    Control.PRESHUTDOWN: Preshutdown,
    Control.PAUSE: Pause,
    Control.CONTINUE: Continue,
    Control.PARAMCHANGE: ParamChange,
}


def make_event(code: int, event_type: int, data: bytes, count: int) -> Event:
    """Make the event of a control; unknown codes keep their number."""
    control: Control | int
    try:
        control = Control(code)
    except ValueError:
        control = code
    cls = UserControl if code in USER_CONTROLS else _CLASSES.get(code, Event)
    return cls(control=control, event_type=event_type, data=data, count=count)
