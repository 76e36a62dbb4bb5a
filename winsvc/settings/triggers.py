"""Triggers: events of the system that start or stop a service (E.8)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from winsvc.settings.values import OpenEnum

# E-80
_MAX_ITEMS = 64
_MAX_BYTES = 1024

# E-83
FIRST_IP = UUID("4f27f2de-14e2-430b-a549-7cd48cbc8245")
LAST_IP = UUID("cc4ba62a-162e-4648-847a-b6bdf993e335")
DOMAIN_JOIN = UUID("1ce20aba-9851-4421-9430-1ddeb766e809")
DOMAIN_LEAVE = UUID("ddaf516e-58c2-4866-9574-c3b615d42ea1")
FIREWALL_OPEN = UUID("b7569e07-8421-4ee0-ad10-86915afdad09")
FIREWALL_CLOSE = UUID("a144ed38-8e12-4de4-9d96-e64740b1a524")
MACHINE_POLICY = UUID("659fcae6-5bdb-4da9-b1ff-ca2a178d46e0")
USER_POLICY = UUID("54fb46c8-f089-464c-b1fd-59d1b62c3b50")
RPC_INTERFACE = UUID("bc90d167-9470-4139-a9ba-be0bbbf5b74d")
NAMED_PIPE = UUID("1f81d131-3fac-4537-9e0c-7e7b0c2f4b55")
SYSTEM_STATE = UUID("2d7a2816-0c5e-45fc-9ce7-570e5ecde9c9")

_EVENTS = {
    FIRST_IP: "the network comes",
    LAST_IP: "the network is lost",
    DOMAIN_JOIN: "the computer joins a domain",
    DOMAIN_LEAVE: "the computer leaves its domain",
    FIREWALL_OPEN: "a port is opened in the firewall",
    FIREWALL_CLOSE: "a port is closed in the firewall",
    MACHINE_POLICY: "the machine's policy changes",
    USER_POLICY: "the user's policy changes",
    RPC_INTERFACE: "an RPC interface is asked for",
    NAMED_PIPE: "a named pipe is opened",
    SYSTEM_STATE: "a state of the system changes",
}


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


_START, _STOP = TriggerAction.START, TriggerAction.STOP
_PROTOCOLS = ("TCP", "UDP")
_PORT_WORD = re.compile("[A-Z][A-Z0-9-]*", re.IGNORECASE)  # RPC-EPMap, say


@dataclass(frozen=True, slots=True)
class TriggerData:
    """One item that the event's data is compared with (E-84).

    Attributes:
        type: How it is read.
        data: Its bytes, 1024 at most (E-80).
    """

    type: TriggerDataType
    data: bytes

    @classmethod
    def string(cls, *texts: str) -> Self:
        """Hold a text, or several that must all match, as UTF-16 with their ends.

        Raises:
            ValueError: One of them is empty or has a NUL, which would end it early.
        """
        if not all(texts) or any("\0" in text for text in texts):
            msg = f"a text of {texts!r} is empty or holds a NUL; give all in full"
            raise ValueError(msg)
        ended = "\0".join(texts) + ("\0\0" if len(texts) > 1 else "\0")
        return cls(TriggerDataType.STRING, ended.encode("utf-16-le"))

    @classmethod
    def number(cls, kind: TriggerDataType, value: int) -> Self:
        """Hold an ETW level (a byte) or keywords (64 bits).

        Raises:
            ValueError: It is too large.
        """
        size = 1 if kind is TriggerDataType.LEVEL else 8
        if not 0 <= value < 1 << 8 * size:
            msg = f"{value} does not fit into {8 * size} bits"
            raise ValueError(msg)
        return cls(kind, value.to_bytes(size, "little"))

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of a STRING."""
        text = self.data.decode("utf-16-le", "replace")
        return tuple(text.rstrip("\0").split("\0"))

    def __str__(self) -> str:
        """Say it in a few words."""
        match self.type:
            case TriggerDataType.STRING:
                return " ".join(map(repr, self.texts))
            case TriggerDataType.BINARY:
                return self.data.hex()
        return f"{self.type.name} {int.from_bytes(self.data, 'little'):#x}"


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

    @classmethod
    def network_available(cls, *, action: TriggerAction = _START) -> Self:
        """When the computer gets its first IP address, or has one at boot."""
        return cls(TriggerType.IP_ADDRESS_AVAILABILITY, action, FIRST_IP)

    @classmethod
    def network_lost(cls, *, action: TriggerAction = _STOP) -> Self:
        """When the computer loses its last IP address."""
        return cls(TriggerType.IP_ADDRESS_AVAILABILITY, action, LAST_IP)

    @classmethod
    def domain_join(cls, *, action: TriggerAction = _START) -> Self:
        """When the computer joins a domain, or is in one at boot."""
        return cls(TriggerType.DOMAIN_JOIN, action, DOMAIN_JOIN)

    @classmethod
    def domain_leave(cls, *, action: TriggerAction = _STOP) -> Self:
        """When the computer leaves its domain."""
        return cls(TriggerType.DOMAIN_JOIN, action, DOMAIN_LEAVE)

    @classmethod
    def machine_policy(cls, *, action: TriggerAction = _START) -> Self:
        """When the machine's group policy changes, or there is one at boot."""
        return cls(TriggerType.GROUP_POLICY, action, MACHINE_POLICY)

    @classmethod
    def user_policy(cls, *, action: TriggerAction = _START) -> Self:
        """When a user's group policy changes."""
        return cls(TriggerType.GROUP_POLICY, action, USER_POLICY)

    @classmethod
    def firewall_port(
        cls,
        port: int | str,
        protocol: str = "TCP",
        program: str | None = None,
        service: str | None = None,
        *,
        action: TriggerAction = _START,
    ) -> Self:
        """When a port is opened in the firewall; all that is given must match.

        Setting it needs the Base Filtering Engine stopped (E-87).

        Args:
            port: Its number, or ``"RPC"`` for any that RPC listens on.
            protocol: ``"TCP"`` or ``"UDP"``.
            program: Path of the program that listens, or ``"system"``.
            service: Key name of the service in it; needs ``program``.
            action: What the SCM does.

        Raises:
            ValueError: There is no such port, or a service without a program.
        """
        item = _port_of(port, protocol, program, service)
        return cls(TriggerType.FIREWALL_PORT_EVENT, action, FIREWALL_OPEN, (item,))

    @classmethod
    def firewall_port_closed(
        cls,
        port: int | str,
        protocol: str = "TCP",
        program: str | None = None,
        service: str | None = None,
        *,
        action: TriggerAction = _STOP,
    ) -> Self:
        """About a minute after a port was closed (E-87); as ``firewall_port``."""
        item = _port_of(port, protocol, program, service)
        return cls(TriggerType.FIREWALL_PORT_EVENT, action, FIREWALL_CLOSE, (item,))

    @classmethod
    def device(
        cls, interface: UUID | str, *hardware_ids: str, action: TriggerAction = _START
    ) -> Self:
        r"""When a device arrives, or is there at boot.

        Args:
            interface: Its interface class.
            *hardware_ids: Hardware or compatible IDs such as ``USBSTOR\GenDisk``,
                one of which must match; none: any device of the class.
            action: What the SCM does.
        """
        items = tuple(map(TriggerData.string, hardware_ids))
        kind = TriggerType.DEVICE_INTERFACE_ARRIVAL
        return cls(kind, action, _uuid(interface), items)

    @classmethod
    def named_pipe(cls, name: str) -> Self:
        r"""When a client opens a named pipe (Windows 8 and later).

        Args:
            name: Its name, with or without ``\\.\pipe\``.
        """
        if name.lower().startswith("\\\\.\\pipe\\"):
            name = name[9:]
        item = TriggerData.string(name)
        return cls(TriggerType.NETWORK_ENDPOINT, _START, NAMED_PIPE, (item,))

    @classmethod
    def rpc(cls, interface: UUID | str) -> Self:
        """When a client asks for an RPC interface's endpoint (Windows 8 and later)."""
        item = TriggerData.string(str(_uuid(interface)))
        return cls(TriggerType.NETWORK_ENDPOINT, _START, RPC_INTERFACE, (item,))

    @classmethod
    def etw(
        cls,
        provider: UUID | str,
        *,
        level: int | None = None,
        keyword_any: int | None = None,
        keyword_all: int | None = None,
        data: tuple[TriggerData, ...] = (),
        action: TriggerAction = _START,
    ) -> Self:
        """When an ETW provider writes an event.

        Args:
            provider: The provider.
            level: Highest level of the events, 0 to 255.
            keyword_any: 64 bits, one of which the event must have.
            keyword_all: 64 bits, all of which it must have.
            data: What its data must be, as the provider defines it.
            action: What the SCM does.
        """
        numbers = {
            TriggerDataType.LEVEL: level,
            TriggerDataType.KEYWORD_ANY: keyword_any,
            TriggerDataType.KEYWORD_ALL: keyword_all,
        }
        items = tuple(
            TriggerData.number(kind, value)
            for kind, value in numbers.items()
            if value is not None
        )
        return cls(TriggerType.CUSTOM, action, _uuid(provider), items + data)

    @classmethod
    def system_state(cls, name: bytes, *, action: TriggerAction = _START) -> Self:
        """When a state of the system changes (Windows 8 and later).

        Args:
            name: The state's name: eight bytes, as ``sc qtriggerinfo`` shows them.
            action: What the SCM does.
        """
        if len(name) != 8:
            msg = f"a state's name has 8 bytes, not {len(name)}"
            raise ValueError(msg)
        item = TriggerData(TriggerDataType.BINARY, name)
        kind = TriggerType.CUSTOM_SYSTEM_STATE_CHANGE
        return cls(kind, action, SYSTEM_STATE, (item,))

    def describe(self) -> str:
        """Return it as a line: ``start when a named pipe is opened: 'x'``."""
        match self.type:
            case TriggerType.DEVICE_INTERFACE_ARRIVAL:
                event = f"a device of class {self.subtype} arrives"
            case TriggerType.CUSTOM:
                event = f"ETW provider {self.subtype} writes an event"
            case _:
                name = f"{self.type.name} {self.subtype} happens"
                event = _EVENTS.get(self.subtype, name)
        told = ", ".join(map(str, self.data))
        return f"{self.action.name.lower()} when {event}" + (told and f": {told}")

    def __str__(self) -> str:
        """Say it in one line."""
        return self.describe()

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
        if self.type is TriggerType.NETWORK_ENDPOINT and self.action is not _START:
            yield "have a network endpoint that stops; it can only start (E-82)"


def _port_of(
    port: int | str, protocol: str, program: str | None, service: str | None
) -> TriggerData:
    """Return a firewall's port as its trigger wants it, in this order."""
    text = str(port).strip()
    number = int(text) if re.fullmatch("[+-]?[0-9]+", text) else None
    if text and not (_PORT_WORD.fullmatch(text) or 1 <= (number or 0) <= 0xFFFF):
        msg = f"there is no port {text}; give 1 to 65535, or RPC"
        raise ValueError(msg)
    # As they are kept: what is written in another way is no change.
    text = str(number or ("RPC" if text.upper() == "RPC" else text))
    protocol = protocol.strip().upper()
    if protocol and protocol not in _PROTOCOLS:
        msg = f"there is no protocol {protocol!r} with ports; give TCP or UDP"
        raise ValueError(msg)
    if service is not None and program is None:
        msg = f"service {service} listens in a program; give that too"
        raise ValueError(msg)
    wanted = (text, protocol, program, service)
    return TriggerData.string(*(each for each in wanted if each is not None))


def _uuid(value: UUID | str) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(value)
    except ValueError as error:
        msg = f"{value!r} is no GUID; write 8-4-4-4-12 hexadecimal digits"
        raise ValueError(msg) from error
