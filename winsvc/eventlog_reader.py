"""Reads events of a service: its own, and the SCM's about it."""

from __future__ import annotations

import heapq
import logging
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from winsvc.manage.backend import reported
from winsvc.messages import text_of
from winsvc.printable import printable
from winsvc.winerror import ERROR_EVT_QUERY_RESULT_STALE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from winsvc._interfaces import EventLog

log = logging.getLogger("winsvc.eventlog")

SCM = "Service Control Manager"
POLL = 1.0  # seconds between two looks of who follows
_ALL = 0xFFFFFFFF
_STALE_TRIES = 2
_SPACE = "{http://schemas.microsoft.com/win/2004/08/events/event}"
# Not XML, though Windows may write it, from an event that somebody made so.
_BAD = re.compile(
    r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    r"|&#(?:x[\da-fA-F]{1,8}|\d{1,8});"
)


class EventLevel(IntEnum):
    """How bad an event is."""

    ALWAYS = 0
    """Shown as information; events that were written as successes."""
    CRITICAL = 1
    ERROR = 2
    WARNING = 3
    INFORMATION = 4
    VERBOSE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """An event of the event log.

    Texts that were read are fit to be shown: anybody can write as any source (G-3).
    Control characters but tabs and ends of lines are U+FFFD.

    Attributes:
        record_id: Its number in its channel.
        time: When it was written; UTC.
        level: How bad it is; an ``int`` that is no ``EventLevel`` stays one.
        event_id: The low 16 bits, as Event Viewer shows it.
        qualifiers: The high 16 bits; 0 for events of newer providers.
        source: Who wrote it.
        channel: ``"Application"``, ``"System"``.
        computer: On which computer.
        pid: Of the process that wrote it; 0: not known, as for ReportEvent's on
            older systems.
        strings: What was put into the text.
        message: The whole text; ``None`` if Windows does not find it: the source is
            not registered, or its message file is gone.
    """

    record_id: int
    time: datetime
    level: int
    event_id: int
    qualifiers: int
    source: str
    channel: str
    computer: str
    pid: int
    strings: tuple[str, ...]
    message: str | None

    def __str__(self) -> str:
        """Return it as a line, or several, of a log."""
        try:
            level = EventLevel(self.level).name
        except ValueError:
            level = f"LEVEL {self.level}"
        stamp = self.time.astimezone().isoformat(" ", "milliseconds")
        text = self.message or " | ".join(self.strings)
        return printable(f"{stamp} {level} {self.source} [{self.event_id}] {text}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which events.

    Attributes:
        source: Whose.
        newest: Only so many, the last ones.
        since: Only later ones.
        scm_names: By which the SCM calls the service; none: its own events only.

    Raises:
        ValueError: As :func:`winsvc.eventlog.read` says.
    """

    source: str
    newest: int | None = None
    since: datetime | None = None
    scm_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.newest is not None and not 0 <= self.newest <= _ALL:
            msg = f"newest is {self.newest}: 0 or more"
            raise ValueError(msg)
        if self.since is not None and self.since.tzinfo is None:
            msg = "since has no time zone: use datetime.astimezone()"
            raise ValueError(msg)
        self.searches()  # raises what cannot be searched for

    def searches(self) -> dict[str, tuple[str, str]]:
        """Return, by channel, the conditions of ``System`` and beside it."""
        system = []
        if self.since is not None:
            stamp = self.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
            system = [f"TimeCreated[@SystemTime>='{stamp}Z']"]
        own = " and ".join([f"Provider[@Name={quote(self.source)}]", *system])
        found = {"Application": (own, "")}
        if self.scm_names:
            scm = " and ".join([f"Provider[@Name={quote(SCM)}]", *system])
            names = dict.fromkeys(self.scm_names)
            data = " or ".join(f"Data={quote(name)}" for name in names)
            found["System"] = (scm, f" and EventData[{data}]")
        return found


def quote(text: str) -> str:
    """Return a text as XPath has it, in the quotes that it does not hold itself.

    Raises:
        ValueError: It holds both: XPath 1.0 cannot escape them, and the event log
            knows no ``concat``.
    """
    for mark in ("'", '"'):
        if mark not in text:
            return f"{mark}{text}{mark}"
    msg = f"{text!r} cannot be searched for: it holds both ' and \""
    raise ValueError(msg)


def read_events(
    core: EventLog, machine: str | None, question: Question, *, follow: bool
) -> Iterator[EventRecord]:
    """Yield the events that are there, then, if told so, those that come.

    See :func:`winsvc.eventlog.read`.
    """
    channels = [
        _Channel(core, machine, name, conditions, question)
        for name, conditions in question.searches().items()
    ]
    # Before anything is yielded: what comes meanwhile is found by the next look.
    found = list(heapq.merge(*(each.present() for each in channels), key=_time))
    if question.newest is not None:
        found = found[len(found) - min(question.newest, len(found)) :]
    yield from found
    while follow:
        time.sleep(POLL)
        yield from heapq.merge(*(each.news() for each in channels), key=_time)


class _Channel:
    """A channel that is searched, and how far it has been read."""

    def __init__(
        self,
        core: EventLog,
        machine: str | None,
        name: str,
        conditions: tuple[str, str],
        question: Question,
    ) -> None:
        self._core = core
        self._machine = machine
        self._name = name
        self._system, self._beside = conditions
        self._source = question.source
        self._newest = question.newest
        self._last = 0
        self._warned: set[str] = set()

    def present(self) -> list[EventRecord]:
        """Return the events that there are, the oldest first."""
        # At least one, to know from where on to follow.
        newest = None if self._newest is None else max(self._newest, 1)
        return self._read_to(self._search(newest=newest))

    def news(self) -> list[EventRecord]:
        """Return the events since the last look."""
        newest = self._search(newest=1)
        if newest and newest[0].record_id == self._last:
            return []
        if newest and newest[0].record_id < self._last:
            self._last = 0  # somebody has cleared the log
        return self._read_to(self._search(f" and EventRecordID>{self._last}"))

    def _read_to(self, events: list[EventRecord]) -> list[EventRecord]:
        self._last = max((each.record_id for each in events), default=self._last)
        return events

    def _search(
        self, also: str = "", *, newest: int | None = None
    ) -> list[EventRecord]:
        xpath = f"*[System[{self._system}{also}]{self._beside}]"
        with reported(f"read the log {self._name} for events of", self._source):
            rows = self._query(xpath, newest)
        events = []
        for xml, message in rows if newest is None else reversed(rows):
            try:
                events.append(parse_event(xml, message))
            except ValueError as error:
                # Anybody can write as any source (G-3): one bad event hides no other.
                self._warn(str(error))
        return events

    def _query(self, xpath: str, newest: int | None) -> list[tuple[str, str | None]]:
        """Ask; once more if the log has changed so much that the answer is stale."""
        limit = _ALL if newest is None else newest
        tries = 0
        while True:
            try:
                return self._core.eventlog_query(
                    self._machine, self._name, xpath, newest is not None, limit
                )
            except OSError as error:
                code = getattr(error, "winerror", None)
                if code != ERROR_EVT_QUERY_RESULT_STALE or tries == _STALE_TRIES:
                    raise
                tries += 1

    def _warn(self, text: str) -> None:
        """Say it once: who follows comes upon the same event with each look."""
        if text not in self._warned:
            self._warned.add(text)
            log.warning("an event of %s cannot be shown: %s", self._source, text)


def parse_event(xml: str, message: str | None) -> EventRecord:
    """Make the record of an event's XML.

    Raises:
        ValueError: It is no event, or declares a document type.
    """
    xml = _BAD.sub(_allowed, xml)
    if "<!DOCTYPE" in xml:  # Windows writes none: no entities, inner or outer
        raise ValueError("the event's XML declares a document type")
    try:
        root = ElementTree.fromstring(xml)  # noqa: S314 - see the line above
    except ElementTree.ParseError as error:
        msg = f"the event's XML cannot be read: {error}"
        raise ValueError(msg) from error
    system = root.find(f"{_SPACE}System")
    if system is None:
        raise ValueError("the event's XML has no System part")

    def text(name: str, attribute: str | None = None) -> str:
        found = system.find(_SPACE + name)
        if found is None:
            return ""
        raw = found.text if attribute is None else found.get(attribute)
        return printable(raw or "")

    data = root.iter(f"{_SPACE}Data")
    strings = tuple(printable(each.text or "") for each in data)
    event_id = _number(text("EventID"))
    qualifiers = _number(text("EventID", "Qualifiers"))
    if message is None:
        # One of ours that was written elsewhere, or whose message file is gone.
        message = text_of(qualifiers << 16 | event_id, strings)
    return EventRecord(
        record_id=_number(text("EventRecordID")),
        time=_parse_time(text("TimeCreated", "SystemTime")),
        level=_level(_number(text("Level"))),
        event_id=event_id,
        qualifiers=qualifiers,
        source=text("Provider", "Name"),
        channel=text("Channel"),
        computer=text("Computer"),
        pid=_number(text("Execution", "ProcessID")),
        strings=strings,
        message=None if message is None else printable(message.rstrip()),
    )


def _allowed(found: re.Match[str]) -> str:
    """Return a character reference if it is to a character of XML."""
    digits = found[0][2:-1]
    if digits:
        code = int(digits[1:], 16) if digits[0] == "x" else int(digits)
        if code <= 0x10FFFF and not _BAD.fullmatch(chr(code)):
            return found[0]
    return "\N{REPLACEMENT CHARACTER}"


def _parse_time(text: str) -> datetime:
    """Return a SystemTime, whose fraction has seven digits or nine."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    micro = int(fraction[:6].ljust(6, "0")) if fraction else 0
    return datetime.fromisoformat(whole).replace(tzinfo=UTC, microsecond=micro)


def _number(text: str) -> int:
    return int(text) if text else 0


def _level(number: int) -> int:
    try:
        return EventLevel(number)
    except ValueError:
        return number


def _time(event: EventRecord) -> datetime:
    return event.time
