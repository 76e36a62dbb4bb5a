"""Promise 7: a flood of events, more than the queue holds, against a slow handler.

``WINSVC_FLOOD_EVENTS`` sets how many there are: 20,000 at least, by default
100,000; one million takes half a minute.
"""

from __future__ import annotations

import logging
import os
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from uuid import UUID

import psutil
from simrig import eventually

import winsvc
from winsvc.events import Event, PowerSettingChange, SessionChange, TimeChange
from winsvc.journal import Kind
from winsvc.states import USER_CONTROLS, Accept, Control, State
from winsvc.testing import SimulatedScm

PER_SENDER = max(int(os.environ.get("WINSVC_FLOOD_EVENTS", "100000")), 20_000) // 4
SENDERS = 4
EVENTS = PER_SENDER * SENDERS
BATCH = 500
PATIENCE = 60.0
QUEUE_SLOTS = 1021  # without those for stops (csrc/core/queue.h)
ROUND = 5000
"""Events after which the handler waits until every sender is held up."""
STEP = 64
"""Events after which a sender that was refused tries again: fewer than there
always are in a full queue."""
MEGABYTE = 1 << 20
MEMORY_SLACK = 4 * MEGABYTE

SETTING = UUID("8e1c7cd2-5b8f-4c5e-8f7a-2d4f0c9a7d11").bytes_le
POWERSETTINGCHANGE = 0x8013
# The only kinds that may be folded together (csrc/core/queue.h).
COALESCING = (
    Control.PARAMCHANGE,
    Control.NETBINDADD,
    Control.NETBINDREMOVE,
    Control.NETBINDENABLE,
    Control.NETBINDDISABLE,
    Control.LOWRESOURCES,
    Control.SYSTEMLOWRESOURCES,
)
Raw = tuple[int, int, bytes | None]


def make_control(sender: int, number: int) -> Raw:
    """Make a sender's event of that number: 13 kinds in turn, 16 to a turn.

    Those with a payload carry the two; a user control has room for the number's
    last five bits in its code, and COALESCING for nothing.
    """
    turn = number % 16
    if turn < 5:
        return USER_CONTROLS[sender * 32 + number % 32], 0, None
    if turn < 9:  # WTSSESSION_NOTIFICATION
        session = struct.pack("<II", 8, sender << 28 | number)
        return Control.SESSIONCHANGE, 1 + number % 8, session
    if turn < 12:  # POWERBROADCAST_SETTING: at times the bytes are full first
        padding = bytes(number * 7 % 1500 if number & 1024 else 0)
        value = struct.pack("<II", sender, number) + padding
        data = SETTING + struct.pack("<I", len(value)) + value
        return Control.POWEREVENT, POWERSETTINGCHANGE, data
    if turn == 12:  # SERVICE_TIMECHANGE_INFO
        return Control.TIMECHANGE, 0, struct.pack("<qq", number, sender)
    return COALESCING[(number // 16 * 3 + turn) % len(COALESCING)], 0, None


def make_stream(sender: int) -> Iterator[Raw]:
    """Make all that a sender sends, in order."""
    for number in range(PER_SENDER):
        yield make_control(sender, number)


def sender_of(event: Event) -> int:
    """Return who has sent an event, as its decoded payload says."""
    match event:
        case SessionChange(session_id=int(session)):
            return session >> 28
        case PowerSettingChange(value=bytes(value)):
            return value[0]
        case TimeChange(old_filetime=int(old)):
            return old
        case _:
            return (int(event.control) - USER_CONTROLS[0]) // 32


class Flooded(winsvc.Service):
    """Compares what comes with what was sent; slow at times."""

    name = "Flooded"
    accepts = (
        Accept.PARAMCHANGE
        | Accept.NETBINDCHANGE
        | Accept.POWEREVENT
        | Accept.SESSIONCHANGE
        | Accept.TIMECHANGE
        | Accept.LOWRESOURCES
        | Accept.SYSTEMLOWRESOURCES
    )

    def __init__(self) -> None:
        self.expected = [
            (raw for raw in make_stream(sender) if raw[0] not in COALESCING)
            for sender in range(SENDERS)
        ]
        self.wrong: list[tuple[Event, Raw | None]] = []
        self.handled = 0
        self.handled_each = 0
        """Of the kinds that are not folded together."""
        self.coalescing: Counter[int] = Counter()
        self.folded = 0
        self.memory: list[int] = []
        self.held_up = 0
        self.finished = 0
        self.moved = threading.Condition()

    def on_event(self, event: Event) -> None:
        if event.control == Control.STOP:
            return
        if event.control in COALESCING:
            self.coalescing[event.control] += event.count
            self.folded += event.count - 1
        else:
            self.compare(event)
            self.handled_each += 1
        self.handled += 1
        if self.handled % STEP == 0:
            with self.moved:
                self.moved.notify_all()
        if self.handled % ROUND == 0:
            self.be_slow()

    def compare(self, event: Event) -> None:
        """See that it is the next one of its sender: none lost, twice, too early."""
        want = next(self.expected[sender_of(event)], None)
        is_right = (event.control, event.event_type, event.data or None) == want
        if event.count != 1 or (not is_right and len(self.wrong) < 10):
            self.wrong.append((event, want))

    def be_slow(self) -> None:
        """Handle nothing until the queue is full and nobody can send."""
        self.memory.append(psutil.Process().memory_info().rss)
        with self.moved:
            assert self.moved.wait_for(
                lambda: self.held_up + self.finished == SENDERS, PATIENCE
            )

    # --- for the senders ----------------------------------------------------------

    def wait_moved(self, before: int) -> None:
        """Wait until events have been handled since ``before`` of them were."""
        with self.moved:
            self.held_up += 1
            self.moved.notify_all()
            assert self.moved.wait_for(lambda: self.handled >= before + STEP, PATIENCE)
            self.held_up -= 1

    def finish(self) -> None:
        """Count a sender that has nothing more to send."""
        with self.moved:
            self.finished += 1
            self.moved.notify_all()


class Sender(threading.Thread):
    """Sends a stream of events, again from where they were refused with 1816."""

    def __init__(self, scm: SimulatedScm, service: Flooded, number: int) -> None:
        super().__init__(name=f"sender {number}", daemon=True)
        self.scm = scm
        self.service = service
        self.number = number
        self.accepted = 0
        """Of the kinds that are not folded together."""
        self.sent: Counter[int] = Counter()
        self.refused = 0
        self.error: BaseException | None = None
        self.peers: list[Sender] = []
        self.backlog = 0
        """The most events that were accepted and not yet handled."""

    def run(self) -> None:
        try:
            self.send_all()
        except BaseException as error:
            self.error = error
        finally:
            self.service.finish()

    def send_all(self) -> None:
        """Send the whole stream."""
        stream = make_stream(self.number)
        batch: list[Raw] = []
        while batch := batch + list(islice(stream, BATCH - len(batch))):
            before = self.service.handled
            sent = self.scm.send_many("Flooded", batch)
            self.count(batch[:sent])
            batch = batch[sent:]
            if batch:
                self.refused += 1
                self.service.wait_moved(before)

    def count(self, controls: list[Raw]) -> None:
        """Keep the figures of what was accepted."""
        for code, _, _ in controls:
            if code in COALESCING:
                self.sent[code] += 1
            else:
                self.accepted += 1
        accepted = sum(sender.accepted for sender in self.peers)
        # Read in this order, it is never more than it was.
        self.backlog = max(self.backlog, accepted - self.service.handled_each)


class Refusals(logging.Handler):
    """Adds up what the host says of refused controls."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told = 0
        self.others: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "was too slow" in record.msg and isinstance(record.args, tuple):
            _, dropped = record.args
            assert isinstance(dropped, int)
            self.told += dropped
        else:
            self.others.append(record.getMessage())


@contextmanager
def told_refusals() -> Iterator[Refusals]:
    """Take the host's log away from pytest, which would keep its many lines.

    Not with a fixture: pytest listens even to a logger that a fixture cut off.
    """
    log = logging.getLogger("winsvc.host")
    handler = Refusals()
    log.addHandler(handler)
    log.propagate = False
    try:
        yield handler
    finally:
        log.propagate = True
        log.removeHandler(handler)


def test_flood_loses_nothing() -> None:
    """Promise 7: none lost, reordered, twice; a bounded queue; folding is told."""
    with told_refusals() as refusals:
        flood(refusals)


def flood(refusals: Refusals) -> None:
    """Send everything, and look at what came of it."""
    scm = SimulatedScm(clock="real")
    handle = scm.add(Flooded)
    handle.start()
    eventually(lambda: handle.status().state is State.RUNNING, "it runs")
    service = scm.instance("Flooded")
    assert isinstance(service, Flooded)
    began = time.monotonic()
    senders = [Sender(scm, service, number) for number in range(SENDERS)]
    for sender in senders:
        sender.peers = senders
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    handle.stop()  # it comes behind all of them
    exit_code = scm.wait_gone("Flooded", PATIENCE)
    took = time.monotonic() - began
    totals = service.journal_totals()
    refused = sum(sender.refused for sender in senders)
    sent = sum((sender.sent for sender in senders), Counter[int]())
    backlog = max(sender.backlog for sender in senders)
    grown = max(service.memory) - service.memory[len(service.memory) // 10]
    print(
        f"{EVENTS} events from {SENDERS} senders in {took:.1f} s "
        f"({EVENTS / took:.0f} a second): {service.handled} handled, "
        f"{service.folded} folded into others, {refused} times refused with 1816; "
        f"backlog at most {backlog}, memory grew by {grown / MEGABYTE:.1f} MB"
    )

    assert [sender.error for sender in senders] == [None] * SENDERS
    assert exit_code == 0
    assert not service.wrong
    assert [next(rest, None) for rest in service.expected] == [None] * SENDERS
    assert service.coalescing == sent
    assert service.handled + service.folded == EVENTS
    assert totals[Kind.COALESCED] == service.folded > 0
    assert totals[Kind.DROPPED] == refusals.told == refused > 0
    assert totals[Kind.CONTROL] == EVENTS + refused + 1  # and the stop
    assert not refusals.others
    assert backlog <= QUEUE_SLOTS + 1  # the one that is being handled
    assert grown < MEMORY_SLACK
    assert not scm.violations
