"""Triggers: events of the system that start or stop a service (E.8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from winsvc.settings import OpenEnum

_MAX_ITEMS = 64  # E-80
_MAX_BYTES = 1024


class TriggerType(OpenEnum):
    """Kind of event (E-81)."""

    DEVICE_INTERFACE_ARRIVAL = 1
    IP_ADDRESS_AVAILABILITY = 2
    DOMAIN_JOIN = 3
    FIREWALL_PORT_EVENT = 4
    GROUP_POLICY = 5
    NETWORK_ENDPOINT = 6
    CUSTOM_SYSTEM_STATE_CHANGE = 7
    CUSTOM = 20
    AGGREGATE = 30


class TriggerAction(OpenEnum):
    """What the SCM does when the event comes (E-82)."""

    START = 1
    STOP = 2


class TriggerDataType(OpenEnum):
    """How the SCM reads an item of a trigger's data (E-82)."""

    BINARY = 1
    STRING = 2
    LEVEL = 3
    KEYWORD_ANY = 4
    KEYWORD_ALL = 5


@dataclass(frozen=True, slots=True)
class TriggerData:
    """One item that the event's data is compared with (E-84).

    Attributes:
        type: How it is read.
        data: Its bytes, 1024 at most (E-80).
    """

    type: TriggerDataType
    data: bytes


@dataclass(frozen=True, slots=True)
class Trigger:
    """An event of the system that starts or stops a service.

    Attributes:
        type: Kind of event.
        action: What the SCM does.
        subtype: Which event of that kind; for a device, its interface class; for
            ETW, the provider (E-83).
        data: What the event's data is compared with.
    """

    type: TriggerType
    action: TriggerAction
    subtype: UUID
    data: tuple[TriggerData, ...] = ()

    def problems(self) -> Iterator[str]:
        """Yield what the SCM would refuse, with its remedy."""
        for number in (self.type, self.action, *(item.type for item in self.data)):
            if not number.is_known:
                kind = type(number).__name__
                yield f"have one with an unknown number {number:d}; use a {kind}"
        if len(self.data) > _MAX_ITEMS:
            yield f"have one with {len(self.data)} items; the SCM takes 64 (E-80)"
        for item in self.data:
            size = len(item.data)
            if size > _MAX_BYTES:
                yield f"have an item of {size} bytes; the SCM takes 1024 (E-80)"
        if (
            self.type is TriggerType.NETWORK_ENDPOINT
            and self.action is not TriggerAction.START
        ):
            yield "have a network endpoint that stops; it can only start (E-82)"
