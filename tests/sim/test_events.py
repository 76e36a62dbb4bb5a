"""Every control, delivered with data through the simulated SCM's wire.

The wire overwrites its buffer when the handler has returned (I-127), and only then
are the handlers in Python let go: what they see is the core's copy.  The rows are
those of ``docs/events.md``: ``tests/unit/test_events_doc.py`` compares them.
"""

from __future__ import annotations

from typing import Any

import pytest
from event_rows import ALWAYS, ODD, PLAIN, ROWS, Row
from listener import HOLD, NAME, AsyncListener, Listener, finish, listening, start
from simrig import Rig

import winsvc
from winsvc import events
from winsvc.events import DeviceReason, PowerReason, ProfileReason, SessionReason
from winsvc.journal import JournalEntry, Kind
from winsvc.states import Accept, Control, State

NOT_IMPLEMENTED = 120
WITH_BIT = {name: row for name, row in ROWS.items() if row.accept}
every_row = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
with_bit = pytest.mark.parametrize("row", WITH_BIT.values(), ids=WITH_BIT)
both_styles = pytest.mark.parametrize("base", [Listener, AsyncListener])


def prepare(rig: Rig, row: Row) -> None:
    """Bring the listener into the state in which a row's control does something."""
    if row.state is State.PAUSED:
        rig.scm.send(NAME, Control.PAUSE)
        rig.reach(NAME, State.PAUSED)


def send(rig: Rig, row: Row) -> int:
    """Deliver a row's control; return what the handler answers."""
    return rig.scm.send(NAME, row.control, row.event_type, row.data)


def sent(rig: Rig, control: int) -> list[JournalEntry]:
    """Return the journal's entries of a control."""
    journal = rig.scm.journal(NAME)
    return [e for e in journal if e.kind is Kind.CONTROL and e.control == control]


def accepted(rig: Rig) -> Accept:
    """Return what the SCM says that the listener accepts."""
    with rig.scm.open(NAME) as handle:
        return handle.status().accepts


def deliver(rig: Rig, row: Row, base: type[Any]) -> None:
    """Deliver a row to a service that has its handler, and look at all of it."""
    service = start(rig, listening(base, row.handler))
    prepare(rig, row)
    service.events.clear()
    accepts = accepted(rig)
    rig.scm.send(NAME, HOLD)
    answer = send(rig, row)
    was_heard = bool(service.events)  # by now the SCM's buffer is overwritten
    service.gate.set()
    rig.eventually(lambda: service.calls, f"{row.handler} is called")

    (event,) = service.events
    arguments = () if row.control in PLAIN else (event,)
    if row.event is events.UserControl:
        arguments = (200,)
    assert accepts == row.accepts
    assert (answer, was_heard) == (0, False)
    assert service.calls == [(row.handler, arguments)]
    assert type(event) is row.event
    assert (event.control, event.event_type) == (row.control, row.event_type)
    assert (event.data, event.count) == (row.data, 1)
    assert {name: getattr(event, name) for name in row.fields} == row.fields
    (entry,) = sent(rig, row.control)
    assert (entry.data, entry.event_type, entry.result) == (
        row.data,
        row.event_type,
        0,
    )
    finish(rig, service)


@every_row
def test_control_arrives(rig: Rig, row: Row) -> None:
    """Its handler gets it, decoded, and the journal has the bytes (I-127)."""
    deliver(rig, row, Listener)


@every_row
def test_control_arrives_in_asyncio(rig: Rig, row: Row) -> None:
    """The same for handlers that are coroutines."""
    deliver(rig, row, AsyncListener)


def test_interrogate_is_answered_alone(rig: Rig) -> None:
    """The core answers with 0; no handler, no event (A-34)."""
    service = start(rig, listening(Listener))
    answer = rig.scm.send(NAME, Control.INTERROGATE, 0, ODD)
    finish(rig, service)

    assert answer == 0
    assert [event.control for event in service.events] == [Control.STOP]
    assert [entry.data for entry in sent(rig, Control.INTERROGATE)] == [ODD]


@every_row
def test_control_without_data(rig: Rig, row: Row) -> None:
    """A NULL pointer for any control is an event without data (I-128)."""
    service = start(rig, listening(Listener, row.handler))
    prepare(rig, row)
    answer = rig.scm.send(NAME, row.control, row.event_type)
    finish(rig, service)

    (event,) = (e for e in service.events if e.control == row.control)
    assert answer == 0
    assert (type(event), event.data) == (row.event, b"")
    assert [entry.data for entry in sent(rig, row.control)] == [b""]


# --- what is accepted ---------------------------------------------------------------


@with_bit
@both_styles
def test_control_without_handler_is_not_accepted(
    rig: Rig, row: Row, base: type[Any]
) -> None:
    """Not reported, not delivered, and the answer says so; but for the stops."""
    service = start(rig, listening(base))
    accepts = accepted(rig)
    if row.accept in ALWAYS:
        service.ignore(row.accept)
    answer = send(rig, row)
    service.accept(ALWAYS)
    finish(rig, service)

    assert accepts == ALWAYS
    assert answer == NOT_IMPLEMENTED
    assert [event.control for event in service.events] == [Control.STOP]
    assert sent(rig, row.control)[0].result == NOT_IMPLEMENTED


@with_bit
def test_ignored_control_is_not_delivered(rig: Rig, row: Row) -> None:
    """ignore() is reported and refuses; accept() takes it back (B-45)."""
    service = start(rig, listening(Listener, row.handler))
    service.ignore(row.accept)
    ignoring = accepted(rig)
    refusal = send(rig, row)
    service.accept(row.accept)
    accepting = accepted(rig)
    prepare(rig, row)
    answer = send(rig, row)
    finish(rig, service)

    assert ignoring == row.accepts & ~row.accept
    assert accepting == row.accepts
    assert (refusal, answer) == (NOT_IMPLEMENTED, 0)
    assert [handler for handler, _ in service.calls].count(row.handler) == 1


@with_bit
def test_accepts_makes_on_event_hear_it(rig: Rig, row: Row) -> None:
    """``accepts`` is enough: no handler of its own is needed."""
    service = start(rig, listening(Listener, accepts=row.accept))
    accepts = accepted(rig)
    prepare(rig, row)
    answer = send(rig, row)
    finish(rig, service)

    assert accepts == row.accepts & ~row.also
    assert answer == 0
    assert row.event in [type(event) for event in service.events]


@pytest.mark.parametrize("control", [Control.DEVICEEVENT, 128, 200, 254])
def test_codes_without_accept_bit_always_arrive(rig: Rig, control: int) -> None:
    """DEVICEEVENT and codes 128 to 255 need no handler to be delivered (B-34)."""
    service = start(rig, listening(Listener))
    answer = rig.scm.send(NAME, control, 1, ODD)
    finish(rig, service)

    assert answer == 0
    assert [event.control for event in service.events] == [control, Control.STOP]
    assert service.events[0].data == ODD


# --- event types --------------------------------------------------------------------

REASONS = {
    Control.POWEREVENT: PowerReason,
    Control.SESSIONCHANGE: SessionReason,
    Control.DEVICEEVENT: DeviceReason,
    Control.HARDWAREPROFILECHANGE: ProfileReason,
}
HANDLER_OF = {row.control: row.handler for row in ROWS.values()}
UNKNOWN = 0x7777


@pytest.mark.parametrize("control", REASONS, ids=lambda control: control.name)
@both_styles
def test_every_event_type_arrives(rig: Rig, control: Control, base: type[Any]) -> None:
    """Each of D.2 in order, each with data of its own; unknown ones keep theirs."""
    service = start(rig, listening(base, HANDLER_OF[control]))
    types = [*REASONS[control], UNKNOWN]
    rig.scm.send(NAME, HOLD)
    answers = {rig.scm.send(NAME, control, t, b"%d" % t * 8) for t in types}
    finish(rig, service)

    heard = service.events[:-1]
    assert answers == {0}
    assert [event.reason for event in heard] == types
    assert [event.event_type for event in heard] == types
    assert [event.data for event in heard] == [b"%d" % t * 8 for t in types]
    assert [e.data for e in sent(rig, control)] == [event.data for event in heard]
    assert type(heard[-1].reason) is int


# --- asyncio: events() --------------------------------------------------------------


class Reader(winsvc.AsyncService):
    """Reads its events in a loop of ``run``."""

    name = NAME
    accepts = Accept.SESSIONCHANGE | Accept.TIMECHANGE | Accept.POWEREVENT

    async def run(self) -> None:
        self.events_read = [event async for event in self.events()]


def test_events_are_read_in_a_loop(rig: Rig) -> None:
    """events() brings what ``accepts`` names, decoded, in order; a Stop ends it."""
    service = start(rig, Reader)
    rows = [ROWS[name] for name in ("SESSIONCHANGE", "TIMECHANGE", "POWEREVENT")]
    accepts = accepted(rig)
    answers = [send(rig, row) for row in rows]
    rig.scm.send(NAME, Control.STOP)
    rig.scm.wait_gone(NAME)

    assert accepts == ALWAYS | Reader.accepts
    assert answers == [0, 0, 0]
    assert [type(event) for event in service.events_read] == [
        *(row.event for row in rows),
        events.Stop,
    ]
    for event, row in zip(service.events_read, rows, strict=False):
        assert event.data == row.data
        assert {name: getattr(event, name) for name in row.fields} == row.fields
