"""Reading the event log back, on one that is not there."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from winsvc import _native, eventlog, eventlog_reader
from winsvc.errors import ServiceError
from winsvc.eventlog_reader import EventLevel, EventRecord, parse_event, quote
from winsvc.messages import EventId, Severity, full_id

START = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
EVENT = """\
<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
<Provider Name='{source}'/><EventID Qualifiers='{qualifiers}'>{event}</EventID>\
<Version>0</Version><Level>{level}</Level><Task>1</Task><Opcode>0</Opcode>\
<Keywords>0x80000000000000</Keywords><TimeCreated SystemTime='{time}'/>\
<EventRecordID>{record}</EventRecordID><Correlation/>\
<Execution ProcessID='{pid}' ThreadID='0'/><Channel>{channel}</Channel>\
<Computer>box</Computer><Security/></System>\
<EventData>{data}</EventData></Event>"""


def event_xml(record: int = 1, **changes: Any) -> str:
    """Return the XML of an event, as EvtRender makes it."""
    values: dict[str, Any] = {
        "source": "Svc",
        "qualifiers": 0x6000,
        "event": 1,
        "level": 4,
        "time": "2024-05-06T07:08:09.1234567Z",
        "pid": 77,
        "channel": "Application",
        "data": "<Data>text</Data>",
    }
    return EVENT.format(record=record, **values | changes)


# --- one event ----------------------------------------------------------------------


def test_event_is_read() -> None:
    """All that its XML says."""
    assert parse_event(event_xml(5), "text\r\n") == EventRecord(
        record_id=5,
        time=START.replace(microsecond=123456),
        level=EventLevel.INFORMATION,
        event_id=1,
        qualifiers=0x6000,
        source="Svc",
        channel="Application",
        computer="box",
        pid=77,
        strings=("text",),
        message="text",
    )


@pytest.mark.parametrize(
    ("text", "micro"),
    [
        ("2024-05-06T07:08:09.123456700Z", 123456),
        ("2024-05-06T07:08:09Z", 0),
        ("2024-05-06T07:08:09.5Z", 500_000),
    ],
)
def test_time_is_of_any_fineness(text: str, micro: int) -> None:
    """Windows writes seven digits, newer ones nine."""
    event = parse_event(event_xml(time=text), None)

    assert event.time == START.replace(microsecond=micro)


def test_strings_keep_what_is_in_them() -> None:
    """Named or not, empty too; entities are those of XML."""
    data = "<Data Name='a'>&lt;x&gt; &amp;#0;</Data><Data/><Data>ä&#xA;&#10;</Data>"
    event = parse_event(event_xml(data=data), None)

    assert event.strings == ("<x> &#0;", "", "ä\n\n")


@pytest.mark.parametrize(
    "bad", ["\x00", "\x01", "\ud800", "&#0;", "&#x1B;", "&#xD800;", "&#99999999;"]
)
def test_what_is_no_xml_is_replaced(bad: str) -> None:
    """Anybody may have written the event (G-3)."""
    event = parse_event(event_xml(data=f"<Data>a{bad}b</Data>"), None)

    assert event.strings == ("a\ufffdb",)


@pytest.mark.parametrize("bad", ["\x1b", "\x07", "\x9b", "\x85", "\ud800", "\r"])
def test_message_does_nothing_to_a_terminal(bad: str) -> None:
    """Windows hands out what anybody has written, as it is (G-3)."""
    event = parse_event(event_xml(), f"a{bad}[2J\r\n\tb\r\n")

    assert event.message == "a\ufffd[2J\n\tb"
    assert str(event).endswith("[1] a\ufffd[2J\n\tb")
    assert str(event).encode().isascii() is False


@pytest.mark.parametrize("bad", ["\x9b", "&#x9b;", "&#13;", "\x7f"])
def test_strings_do_nothing_to_a_terminal(bad: str) -> None:
    """XML allows what terminals obey."""
    xml = event_xml(event=5555, source=f"S{bad}", data=f"<Data>a{bad}2J</Data>")
    event = parse_event(xml, None)

    assert (event.source, event.strings) == ("S\ufffd", ("a\ufffd2J",))


def test_record_of_any_maker_does_nothing_to_a_terminal() -> None:
    """Shown is what it holds, wherever that came from."""
    event = replace(parse_event(event_xml(), "x"), message="a\x1b[2J\udfff")

    assert str(event).endswith(" INFORMATION Svc [1] a\ufffd[2J\ufffd")


def test_document_type_is_refused() -> None:
    """No entities, inner or outer: no file is read, nothing grows."""
    text = "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>" + event_xml()
    with pytest.raises(ValueError, match="document type"):
        parse_event(text, None)


@pytest.mark.parametrize("xml", ["", "<Event/>", "<a", event_xml(time="x")])
def test_what_is_no_event_is_refused(xml: str) -> None:
    """With a ValueError, not with one of the parser's."""
    with pytest.raises(ValueError, match=r"XML|isoformat"):
        parse_event(xml, None)


def test_own_event_has_its_text_without_windows() -> None:
    """Written elsewhere, or by an environment that is gone (G-7)."""
    number = full_id(EventId.STOPPED, Severity.INFORMATION)
    xml = event_xml(
        event=number & 0xFFFF,
        qualifiers=number >> 16,
        data="<Data>Svc</Data><Data>itself</Data><Data>0</Data>",
    )

    assert parse_event(xml, None).message == "The service Svc stops. Cause: itself."
    assert parse_event(event_xml(event=5555), None).message is None


@pytest.mark.parametrize(
    ("level", "name"), [(0, "ALWAYS"), (1, "CRITICAL"), (5, "VERBOSE"), (9, "LEVEL 9")]
)
def test_event_is_a_line(level: int, name: str) -> None:
    """For people; an unknown level stays a number."""
    event = parse_event(event_xml(level=level, event=5555), None)

    assert event.level == level
    assert str(event).endswith(f" {name} Svc [5555] text")


# --- searching ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("plain", "'plain'"), ("it's", '"it\'s"'), ('say "x"', "'say \"x\"'")],
)
def test_name_is_quoted(text: str, quoted: str) -> None:
    """XPath 1.0 has no escapes, but two kinds of quotes."""
    assert quote(text) == quoted


def test_what_cannot_be_searched_for_is_refused(log: FakeLog) -> None:
    """Before anything is asked."""
    with pytest.raises(ValueError, match="holds both"):
        eventlog.read("a'b\"c")
    with pytest.raises(ValueError, match="holds both"):
        eventlog.read("ok", include_scm=True, display_name="a'b\"c")
    with pytest.raises(ValueError, match="time zone"):
        eventlog.read("ok", since=datetime(2024, 1, 1))
    with pytest.raises(ValueError, match="newest"):
        eventlog.read("ok", newest=-1)
    assert log.asked == []


class FakeLog:
    """A log that answers by record id and time, and notes what it was asked."""

    def __init__(self) -> None:
        self.events: dict[str, list[str]] = {"Application": [], "System": []}
        self.asked: list[tuple[str | None, str, str, bool, int]] = []
        self.error = 0
        self.stale = 0  # so many answers are

    def add(self, record: int, channel: str = "Application", **changes: Any) -> None:
        """Write an event, a second after the one of the number before."""
        time = START + timedelta(seconds=record)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
        xml = event_xml(record, channel=channel, time=stamp, **changes)
        self.events[channel].append(xml)

    def eventlog_query(
        self, machine: str | None, channel: str, xpath: str, newest: bool, limit: int
    ) -> list[tuple[str, str | None]]:
        self.asked.append((machine, channel, xpath, newest, limit))
        if self.stale:
            self.stale -= 1
            error = OSError(15011, "read the event log (EvtNext)")
            error.winerror = 15011  # type: ignore[attr-defined]
            raise error
        if self.error:
            error = OSError(self.error, "search the event log (EvtQuery)")
            error.winerror = self.error  # type: ignore[attr-defined]
            raise error
        after = re.search(r"EventRecordID>(\d+)", xpath)
        found = [
            xml
            for xml in self.events[channel]
            if after is None or self.record_of(xml) > int(after[1])
        ]
        return [(xml, None) for xml in found[:: -1 if newest else 1][:limit]]

    @staticmethod
    def record_of(xml: str) -> int:
        """Return an event's number."""
        found = re.search(r"<EventRecordID>(\d+)", xml)
        assert found
        return int(found[1])


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> FakeLog:
    """An event log in place of Windows's."""
    log = FakeLog()
    monkeypatch.setattr(_native, "require_core", lambda operation: log)
    return log


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What happens while a follower sleeps, one a sleep."""
    naps: list[Callable[[], None]] = []

    def sleep(seconds: float) -> None:
        assert seconds == eventlog_reader.POLL
        naps.pop(0)()

    monkeypatch.setattr("winsvc.eventlog_reader.time.sleep", sleep)
    return naps


def records(events: Iterator[EventRecord]) -> list[tuple[str, int]]:
    """Return channel and number of events."""
    return [(event.channel[:3], event.record_id) for event in events]


def test_events_come_oldest_first(log: FakeLog) -> None:
    """And it is asked only when iterated."""
    for number in (3, 5, 8):
        log.add(number)
    events = eventlog.read("Svc")
    assert log.asked == []

    assert records(events) == [("App", 3), ("App", 5), ("App", 8)]
    assert log.asked == [
        (None, "Application", "*[System[Provider[@Name='Svc']]]", False, 0xFFFFFFFF)
    ]


def test_newest_are_asked_from_the_end(log: FakeLog) -> None:
    """The last ones, oldest first."""
    for number in range(1, 9):
        log.add(number)

    assert records(eventlog.read("Svc", newest=2)) == [("App", 7), ("App", 8)]
    assert records(eventlog.read("Svc", newest=0)) == []
    assert records(eventlog.read("Svc", newest=99)) == [("App", n) for n in range(1, 9)]
    assert [asked[3:] for asked in log.asked] == [(True, 2), (True, 1), (True, 99)]


def test_since_is_searched_in_utc(log: FakeLog) -> None:
    """Whatever its time zone."""
    since = datetime(2024, 5, 6, 9, 8, 9, 123999, tzinfo=timezone(timedelta(hours=2)))
    list(eventlog.read("Svc", since=since, machine="other", include_scm=True))

    assert [asked[:3] for asked in log.asked] == [
        (
            "other",
            "Application",
            "*[System[Provider[@Name='Svc'] and "
            "TimeCreated[@SystemTime>='2024-05-06T07:08:09.123Z']]]",
        ),
        (
            "other",
            "System",
            "*[System[Provider[@Name='Service Control Manager'] and "
            "TimeCreated[@SystemTime>='2024-05-06T07:08:09.123Z']]"
            " and EventData[Data='Svc']]",
        ),
    ]


def test_scms_own_events_are_merged(log: FakeLog) -> None:
    """By their time; the SCM mostly says the display name (E.9)."""
    for number in (1, 4, 5):
        log.add(number)
    for number in (2, 3, 6):
        log.add(number, "System", source="Service Control Manager")
    events = eventlog.read("Svc", newest=4, include_scm=True, display_name="My 'Svc'")

    assert records(events) == [("Sys", 3), ("App", 4), ("App", 5), ("Sys", 6)]
    assert log.asked[1][2].endswith("and EventData[Data='Svc' or Data=\"My 'Svc'\"]]")


def test_follower_sees_each_event_once(log: FakeLog, naps: list[Any]) -> None:
    """From the last one shown on, also where none was."""
    log.add(1)
    log.add(2)
    naps += [
        lambda: None,
        lambda: (log.add(3), log.add(4, "System")),
        lambda: log.add(5, "System"),
        lambda: None,
        lambda: log.add(6),
    ]
    events = eventlog.read("Svc", newest=0, follow=True, include_scm=True)

    assert records(itertools.islice(events, 4)) == [
        ("App", 3),
        ("Sys", 4),
        ("Sys", 5),
        ("App", 6),
    ]


def test_follower_starts_anew_when_the_log_was_cleared(
    log: FakeLog, naps: list[Any]
) -> None:
    """Its numbers may begin again."""
    log.add(50)

    def clear() -> None:
        log.events["Application"].clear()

    naps += [clear, lambda: log.add(1), lambda: log.add(2)]
    events = eventlog.read("Svc", follow=True)

    assert records(itertools.islice(events, 3)) == [("App", 50), ("App", 1), ("App", 2)]


def test_unreadable_event_hides_no_other(
    log: FakeLog, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said that there is one."""
    log.add(1)
    log.events["Application"].append("<Event><!DOCTYPE x></Event>")
    log.add(3)

    assert records(eventlog.read("Svc")) == [("App", 1), ("App", 3)]
    assert "an event of Svc cannot be shown" in caplog.text


def test_follower_says_once_that_the_newest_is_unreadable(
    log: FakeLog, naps: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Not with each look; and what came before it is shown at once."""
    log.add(1)
    bad = "<Event><!DOCTYPE x><EventRecordID>9</EventRecordID></Event>"

    def spoil() -> None:
        log.add(2)
        log.events["Application"].append(bad)

    naps += [spoil, lambda: None, lambda: None, lambda: log.add(10)]
    events = eventlog.read("Svc", follow=True)
    first = records(itertools.islice(events, 2))
    looks_left = len(naps)
    last = records(itertools.islice(events, 1))

    assert (first, looks_left) == ([("App", 1), ("App", 2)], 3)
    assert last == [("App", 10)]
    assert caplog.text.count("cannot be shown") == 1


@pytest.mark.parametrize("times", [1, 2])
def test_stale_answer_is_asked_for_again(log: FakeLog, times: int) -> None:
    """The log has gone round meanwhile; nothing is shown twice."""
    log.add(1)
    log.add(2)
    log.stale = times

    assert records(eventlog.read("Svc")) == [("App", 1), ("App", 2)]
    assert len(log.asked) == times + 1


def test_answer_that_is_always_stale_is_an_error(log: FakeLog) -> None:
    """A log that is written to without end is not asked without end."""
    log.stale = 99
    with pytest.raises(ServiceError) as caught:
        next(eventlog.read("Svc"))

    assert caught.value.winerror == 15011
    assert len(log.asked) == 3


@pytest.mark.parametrize("code", [5, 120, 1722, 15007])
def test_failure_is_a_service_error(log: FakeLog, code: int) -> None:
    """With Windows's code, the log and the service."""
    log.error = code
    with pytest.raises(ServiceError, match="Application") as caught:
        next(eventlog.read("Svc"))
    assert caught.value.winerror == code
    assert caught.value.service == "Svc"
