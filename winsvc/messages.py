"""The events that winsvc writes to the Windows event log: the one table of them.

``csrc/messages/make_table.py`` makes the message table of the binary from it, where
Event Viewer finds the texts; docs/event-log.md explains it.  Numbers are for good:
rules and tasks of administrators hang on them.
"""

from __future__ import annotations

import re
from enum import IntEnum

from winsvc import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CUSTOMER = 1 << 29  # not Microsoft's (G-4)
_INSERT = re.compile(r"%(?:([1-9]\d?)|(.))", re.DOTALL)


class Severity(IntEnum):
    """The two highest bits of a full id (G-4)."""

    INFORMATION = 1
    WARNING = 2
    ERROR = 3

    @property
    def kind(self) -> int:
        """What ReportEvent takes for it (G-5)."""
        return {1: 4, 2: 2, 3: 1}[self]


class Category(IntEnum):
    """What Event Viewer calls the task category."""

    SERVICE = 1
    """The service's life: its start, its stop, its failures."""
    LOG = 2
    """Records of loggers."""


class EventId(IntEnum):
    """Event ids as Event Viewer shows them: the low 16 bits."""

    LOG_INFORMATION = 1
    LOG_WARNING = 2
    LOG_ERROR = 3
    LOG_CRITICAL = 4
    STARTED = 10
    STOPPED = 11
    STOPPED_WITH_CODE = 12
    IMPORT_FAILED = 20
    START_FAILED = 21
    RUN_FAILED = 22
    HANDLER_FAILED = 23
    STOP_FAILED = 24
    DEADLINE_MISSED = 25
    THREAD_FAILED = 26


OWN_IDS = range(1000, 1100)
"""Ids that a service may give its records by ``extra={"event_id": …}``, whatever
their level."""

CATEGORY_TEXTS = {Category.SERVICE: "Service", Category.LOG: "Log"}

_FAILED = "The service %1 %2; it ends with exit code %3.%n%n%4"

TABLE: dict[EventId, tuple[Severity, Category, str]] = {
    EventId.LOG_INFORMATION: (Severity.INFORMATION, Category.LOG, "%1"),
    EventId.LOG_WARNING: (Severity.WARNING, Category.LOG, "%1"),
    EventId.LOG_ERROR: (Severity.ERROR, Category.LOG, "%1"),
    EventId.LOG_CRITICAL: (Severity.ERROR, Category.LOG, "%1"),
    EventId.STARTED: (
        Severity.INFORMATION,
        Category.SERVICE,
        "The service %1 is running. Start reason: %2.",
    ),
    EventId.STOPPED: (
        Severity.INFORMATION,
        Category.SERVICE,
        "The service %1 stops. Cause: %2.",
    ),
    EventId.STOPPED_WITH_CODE: (
        Severity.WARNING,
        Category.SERVICE,
        "The service %1 stops with exit code %3. Cause: %2.",
    ),
    EventId.IMPORT_FAILED: (Severity.ERROR, Category.SERVICE, _FAILED),
    EventId.START_FAILED: (Severity.ERROR, Category.SERVICE, _FAILED),
    EventId.RUN_FAILED: (Severity.ERROR, Category.SERVICE, _FAILED),
    EventId.HANDLER_FAILED: (Severity.ERROR, Category.SERVICE, _FAILED),
    EventId.STOP_FAILED: (Severity.ERROR, Category.SERVICE, _FAILED),
    EventId.DEADLINE_MISSED: (
        Severity.ERROR,
        Category.SERVICE,
        "The service %1 took too long in %2. Its threads:%n%n%3",
    ),
    EventId.THREAD_FAILED: (
        Severity.ERROR,
        Category.SERVICE,
        "A thread of the service %1 has ended by an exception: %2.%n%n%3",
    ),
}


def full_id(code: int, severity: Severity) -> int:
    """Return the 32 bits by which an event's text is found (G-4)."""
    return severity << 30 | _CUSTOMER | code


def all_texts() -> dict[int, str]:
    """Return the texts of the message table: of categories, and by full ids."""
    texts: dict[int, str] = {int(each): text for each, text in CATEGORY_TEXTS.items()}
    for event, (severity, _, text) in TABLE.items():
        texts[full_id(event, severity)] = text
    for severity in Severity:
        texts |= {full_id(code, severity): "%1" for code in OWN_IDS}
    return texts


def text_of(event: int, strings: Iterable[str]) -> str | None:
    """Return an event's text as Windows would, if it is in the table.

    Args:
        event: The full id.
        strings: What ``%1`` … stand for.
    """
    text = all_texts().get(event)
    if text is None:
        return None
    inserts = dict(enumerate(strings, 1))

    def insert(found: re.Match[str]) -> str:
        number, other = found.groups()
        if number is None:
            return "\n" if other == "n" else str(other)
        return inserts.get(int(number), found[0])

    return _INSERT.sub(insert, text)
