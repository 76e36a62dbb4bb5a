"""What the journal keeps of events, and what becomes of those too many."""

from __future__ import annotations

import threading
from itertools import pairwise
from typing import Any

import payloads
import pytest
from listener import HOLD, NAME, AsyncListener, Listener, finish, listening, start
from simrig import Rig

from winsvc.events import Event
from winsvc.journal import JournalEntry, Kind
from winsvc.states import Accept, Control, Query, State

ENTRIES = 512
KEPT_BYTES = 65536
SLOTS = 1021  # of 1024: the last are for the stops
QUOTA = 1816
FOLDED = {
    Control.PARAMCHANGE: Accept.PARAMCHANGE,
    Control.NETBINDADD: Accept.NETBINDCHANGE,
    Control.NETBINDREMOVE: Accept.NETBINDCHANGE,
    Control.NETBINDENABLE: Accept.NETBINDCHANGE,
    Control.NETBINDDISABLE: Accept.NETBINDCHANGE,
    Control.LOWRESOURCES: Accept.LOWRESOURCES,
    Control.SYSTEMLOWRESOURCES: Accept.SYSTEMLOWRESOURCES,
}
EVERYTHING = Accept(0x7FFF)


def entries(rig: Rig, kind: Kind) -> list[JournalEntry]:
    """Return the journal's entries of a kind, oldest first."""
    return [entry for entry in rig.scm.journal(NAME) if entry.kind is kind]


def hold(rig: Rig, service: Any) -> None:
    """Hold the control thread; the queue is empty then."""
    rig.scm.send(NAME, HOLD)
    rig.eventually(lambda: service.is_held, "the control thread is held")


def heard(service: Any) -> bytes | None:
    """Return the data of the last event that was heard."""
    return service.events[-1].data if service.events else None


class Held:
    """Says when it is held."""

    is_held = False


class HeldListener(Held, Listener):
    """Plain."""

    def on_event(self, event: Event) -> bool | None:
        self.is_held = self.is_held or event.control == HOLD
        return super().on_event(event)


class HeldAsyncListener(Held, AsyncListener):
    """Of coroutines."""

    async def on_event(self, event: Event) -> bool | None:
        self.is_held = self.is_held or event.control == HOLD
        return await super().on_event(event)


both_styles = pytest.mark.parametrize("base", [HeldListener, HeldAsyncListener])


# --- what it keeps ------------------------------------------------------------------


def test_last_512_entries_are_kept(rig: Rig) -> None:
    """Older ones have gone, the numbers say how many."""
    service = start(rig, listening(HeldListener, accepts=Accept.SESSIONCHANGE))
    data = [payloads.session(number) for number in range(600)]
    rig.scm.send_many(NAME, [(Control.SESSIONCHANGE, 7, each) for each in data])
    journal = rig.scm.journal(NAME)
    kept = [entry.data for entry in journal if entry.kind is Kind.CONTROL]
    finish(rig, service)

    assert len(journal) == ENTRIES
    assert journal[0].number > 600 - ENTRIES
    assert all(b.number == a.number + 1 for a, b in pairwise(journal))
    assert len(kept) > ENTRIES - 10  # the others are the reporter's
    assert kept == data[-len(kept) :]
    assert [event.data for event in service.events[:-1]] == data


def test_last_64_kb_of_data_are_kept(rig: Rig) -> None:
    """An entry whose data newer ones have overwritten has ``None``, and stays."""
    service = start(rig, listening(HeldListener, accepts=Accept.SESSIONCHANGE))
    sizes = [10_000, 0, 20_000, 20_000, 1, 25_534]
    data = [bytes([65 + i]) * size for i, size in enumerate(sizes)]
    for payload in data:
        rig.scm.send(NAME, Control.SESSIONCHANGE, 7, payload)
        rig.eventually(lambda p=payload: heard(service) == p, "it is heard")
    kept = [entry.data for entry in entries(rig, Kind.CONTROL)]
    rig.scm.send(NAME, Control.SESSIONCHANGE, 7, b"x")
    after = [entry.data for entry in entries(rig, Kind.CONTROL)]
    sums = {entry.data for entry in entries(rig, Kind.REPORT)}
    finish(rig, service)

    assert sum(sizes[2:]) == KEPT_BYTES - 1
    assert kept == [None, *data[1:]]
    assert after == [None, *data[1:], b"x"]
    assert sums == {b""}  # they never had any: nothing of theirs is lost
    assert [event.data for event in service.events[:-2]] == data


def test_data_at_the_rings_very_end(rig: Rig) -> None:
    """64 KB to the byte are kept; one byte more, and the oldest have gone."""
    service = start(rig, listening(HeldListener, accepts=Accept.SESSIONCHANGE))
    whole = bytes(range(256)) * (KEPT_BYTES // 256)
    answer = rig.scm.send(NAME, Control.SESSIONCHANGE, 7, whole)
    rig.eventually(lambda: service.events, "it is heard")
    kept = entries(rig, Kind.CONTROL)[-1].data
    rig.scm.send(NAME, Control.SESSIONCHANGE, 7, b"x")
    after = [entry.data for entry in entries(rig, Kind.CONTROL)]
    finish(rig, service)

    assert answer == 0
    assert service.events[0].data == kept == whole
    assert after == [None, b"x"]


def test_data_that_never_fits_is_refused(rig: Rig) -> None:
    """More than the queue's 64 KB: 1816, ``None`` in the journal, no crash (I-128)."""
    service = start(rig, listening(HeldListener, accepts=Accept.SESSIONCHANGE))
    answer = rig.scm.send(NAME, Control.SESSIONCHANGE, 7, bytes(KEPT_BYTES + 1))
    (control,) = entries(rig, Kind.CONTROL)
    dropped = entries(rig, Kind.DROPPED)
    next_one = rig.scm.send(NAME, Control.SESSIONCHANGE, 7, b"next")
    finish(rig, service)

    assert (answer, next_one) == (QUOTA, 0)
    assert (control.data, control.result) == (None, QUOTA)
    assert [entry.control for entry in dropped] == [Control.SESSIONCHANGE]
    assert [event.data for event in service.events] == [b"next", b""]


def test_totals_count_what_has_gone(rig: Rig) -> None:
    """Every kind, from the first entry on, whatever the ring still has."""
    service = start(rig, listening(HeldListener, accepts=EVERYTHING))
    before = service.journal_totals()
    hold(rig, service)
    rig.scm.send_many(NAME, [(200, 0, b"12")] * 2000)
    for _ in range(7):
        rig.scm.send(NAME, Control.PARAMCHANGE)
    totals = service.journal_totals()
    service.request_stop()
    finish(rig, service)
    stopped = service.journal_totals()

    assert set(totals) == set(Kind)
    assert before[Kind.CONTROL] == before[Kind.DROPPED] == 0
    assert before[Kind.REPORT] == len(rig.scm.reports(NAME)) - 2
    # HOLD, those that fitted, the first that did not, and the last seven.
    assert totals[Kind.CONTROL] == 1 + SLOTS + 1 + 7
    assert totals[Kind.DROPPED] == 1 + 7
    assert totals[Kind.COALESCED] == totals[Kind.LATE] == 0
    assert stopped[Kind.REQUEST] == 1
    assert stopped[Kind.REPORT] == len(rig.scm.reports(NAME))
    assert len(rig.scm.journal(NAME)) == ENTRIES


# --- a full queue -------------------------------------------------------------------


@both_styles
@pytest.mark.parametrize("control", FOLDED, ids=lambda control: control.name)
def test_controls_that_only_say_look_again_are_folded(
    rig: Rig, control: Control, base: type[Any]
) -> None:
    """One that is queued stands for many: answered 0, counted, journalled."""
    service = start(rig, listening(base, accepts=FOLDED[control]))
    hold(rig, service)
    rig.scm.send(NAME, control)
    fill = rig.scm.send_many(NAME, [(200, 0, None)] * SLOTS)
    answers = [rig.scm.send(NAME, control) for _ in range(10)]
    coalesced = [entry.control for entry in entries(rig, Kind.COALESCED)]
    finish(rig, service)

    first = service.events[0]
    assert fill == SLOTS - 1
    assert answers == [0] * 10
    assert coalesced == [control] * 10
    assert (first.control, first.count) == (control, 11)
    assert [event.control for event in service.events].count(control) == 1


def test_each_control_is_folded_into_its_own_kind(rig: Rig) -> None:
    """A binding that was added does not stand for one that was removed."""
    service = start(rig, listening(HeldListener, accepts=EVERYTHING))
    hold(rig, service)
    for control in FOLDED:
        rig.scm.send(NAME, control)
    rig.scm.send_many(NAME, [(200, 0, None)] * SLOTS)
    for times, control in enumerate(FOLDED):
        for _ in range(times):
            rig.scm.send(NAME, control)
    finish(rig, service)

    counts = [(event.control, event.count) for event in service.events[: len(FOLDED)]]
    assert counts == [(control, 1 + times) for times, control in enumerate(FOLDED)]


@both_styles
def test_events_with_data_are_refused_when_it_is_full(
    rig: Rig, caplog: pytest.LogCaptureFixture, base: type[Any]
) -> None:
    """1816, DROPPED with the payload's own entry, and the log says how many."""
    service = start(rig, listening(base, accepts=EVERYTHING))
    hold(rig, service)
    rig.scm.send_many(NAME, [(200, 0, None)] * SLOTS)
    data = payloads.session(3)
    answers = [rig.scm.send(NAME, Control.SESSIONCHANGE, 7, data) for _ in range(3)]
    kinds = (Kind.CONTROL, Kind.DROPPED)
    journal = [e for e in rig.scm.journal(NAME) if e.kind in kinds][-6:]
    stop = rig.scm.send(NAME, Control.SHUTDOWN, 0, b"last")
    finish(rig, service)

    assert answers == [QUOTA] * 3
    assert [entry.kind for entry in journal] == [Kind.CONTROL, Kind.DROPPED] * 3
    assert [entry.data for entry in journal] == [data, b""] * 3
    assert [entry.result for entry in journal[::2]] == [QUOTA] * 3
    assert stop == 0
    assert (service.events[-1].control, service.events[-1].data) == (
        Control.SHUTDOWN,
        b"last",
    )
    assert len(service.events) == SLOTS + 1
    assert "3 controls were refused with 1816" in caplog.text


def test_full_of_bytes_is_full(rig: Rig) -> None:
    """64 KB of payloads wait at most; a stop gets in without its own."""
    service = start(rig, listening(HeldListener, accepts=EVERYTHING))
    hold(rig, service)
    half = bytes(KEPT_BYTES // 2)
    answers = [
        rig.scm.send(NAME, Control.SESSIONCHANGE, 7, data)
        for data in (half, half, b"x", None)
    ]
    stop = rig.scm.send(NAME, Control.STOP, 0, b"why")
    finish(rig, service)

    assert answers == [0, 0, QUOTA, 0]
    assert stop == 0
    assert [event.data for event in service.events] == [half, half, b"", b""]


def test_nothing_is_lost_or_reordered_below_that(rig: Rig) -> None:
    """Promise 7: four clients at once, each of their events once, in order."""
    service = start(rig, listening(HeldListener, accepts=EVERYTHING))
    codes = (129, 130, 131, 132)

    def client(code: int) -> None:
        for number in range(200):
            rig.scm.send(NAME, code, number, b"%d" % number)

    clients = [threading.Thread(target=client, args=(code,)) for code in codes]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    finish(rig, service)

    heard = [(event.control, event.event_type, event.data) for event in service.events]
    for code in codes:
        assert [each[1:] for each in heard if each[0] == code] == [
            (number, b"%d" % number) for number in range(200)
        ]


def test_late_answers_are_counted(rig: Rig) -> None:
    """LATE has the query and what was answered instead."""
    service = start(rig, listening(HeldListener, "on_device_event"))
    service.ask(Query.DEVICEQUERYREMOVE, refuse_if_late=True)
    hold(rig, service)
    query = (Control.DEVICEEVENT, 0x8001, payloads.interface())
    sender = threading.Thread(target=rig.scm.send, args=(NAME, *query))
    sender.start()
    rig.eventually(lambda: len(entries(rig, Kind.CONTROL)) == 2, "it is asked")
    rig.scm.advance(2.0)
    sender.join()
    (entry,) = entries(rig, Kind.LATE)
    totals = service.journal_totals()
    rig.reach(NAME, State.RUNNING)
    finish(rig, service)

    assert totals[Kind.LATE] == 1
    assert (entry.control, entry.event_type, entry.result) == (*query[:2], 170)
    assert str(entry).endswith("late DEVICEEVENT -> 170 (0 us)")
