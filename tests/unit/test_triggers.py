"""Triggers: what the builders make, and the words for them (E-80 to E-84)."""

from __future__ import annotations

import dataclasses
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winsvc.settings import triggers
from winsvc.settings.trigger_text import (
    TRIGGER_KINDS,
    parse_trigger,
    trigger_form,
    trigger_text,
)
from winsvc.settings.triggers import (
    Trigger,
    TriggerAction,
    TriggerData,
    TriggerDataType,
    TriggerType,
)

DISK = "53f56307-b6bf-11d0-94f2-00a0c91efb8b"
START, STOP = TriggerAction.START, TriggerAction.STOP
STRING = TriggerDataType.STRING


def utf16(text: str) -> bytes:
    """Return a text's bytes, every NUL written out."""
    return text.encode("utf-16-le")


# text -> (trigger, type, action, subtype of E-83, [(data type, bytes)])
MADE = {
    "network-available": (
        Trigger.network_available(),
        (2, START, "4f27f2de-14e2-430b-a549-7cd48cbc8245", []),
    ),
    "network-lost": (
        Trigger.network_lost(),
        (2, STOP, "cc4ba62a-162e-4648-847a-b6bdf993e335", []),
    ),
    "domain-join": (
        Trigger.domain_join(),
        (3, START, "1ce20aba-9851-4421-9430-1ddeb766e809", []),
    ),
    "domain-leave": (
        Trigger.domain_leave(),
        (3, STOP, "ddaf516e-58c2-4866-9574-c3b615d42ea1", []),
    ),
    "start:domain-leave": (
        Trigger.domain_leave(action=START),
        (3, START, "ddaf516e-58c2-4866-9574-c3b615d42ea1", []),
    ),
    "machine-policy": (
        Trigger.machine_policy(),
        (5, START, "659fcae6-5bdb-4da9-b1ff-ca2a178d46e0", []),
    ),
    "user-policy": (
        Trigger.user_policy(),
        (5, START, "54fb46c8-f089-464c-b1fd-59d1b62c3b50", []),
    ),
    # The example of Microsoft's page on SERVICE_TRIGGER.
    r"firewall-port=5001,UDP,%programfiles%\MyApplication\P.exe,MyService": (
        Trigger.firewall_port(
            5001, "UDP", r"%programfiles%\MyApplication\P.exe", "MyService"
        ),
        (
            4,
            START,
            "b7569e07-8421-4ee0-ad10-86915afdad09",
            [
                (
                    STRING,
                    utf16(
                        "5001\0UDP\0%programfiles%\\MyApplication\\P.exe\0MyService\0\0"
                    ),
                )
            ],
        ),
    ),
    "firewall-port-closed=RPC,TCP": (
        Trigger.firewall_port_closed("RPC"),
        (
            4,
            STOP,
            "a144ed38-8e12-4de4-9d96-e64740b1a524",
            [(STRING, utf16("RPC\0TCP\0\0"))],
        ),
    ),
    rf"device={DISK},USBSTOR\GenDisk,GenDisk": (
        Trigger.device(DISK, r"USBSTOR\GenDisk", "GenDisk"),
        (
            1,
            START,
            DISK,
            [(STRING, utf16("USBSTOR\\GenDisk\0")), (STRING, utf16("GenDisk\0"))],
        ),
    ),
    f"device={DISK}": (Trigger.device(UUID(DISK)), (1, START, DISK, [])),
    "named-pipe=my,pipe": (
        Trigger.named_pipe(r"\\.\PIPE\my,pipe"),
        (
            6,
            START,
            "1f81d131-3fac-4537-9e0c-7e7b0c2f4b55",
            [(STRING, utf16("my,pipe\0"))],
        ),
    ),
    f"rpc={DISK}": (
        Trigger.rpc("{53F56307-B6BF-11D0-94F2-00A0C91EFB8B}"),
        (
            6,
            START,
            "bc90d167-9470-4139-a9ba-be0bbbf5b74d",
            [(STRING, utf16(DISK + "\0"))],
        ),
    ),
    f"stop:etw={DISK},level=4,any=0x10,all=0x8000000000000000,string=x,binary=00ff": (
        Trigger.etw(
            DISK,
            level=4,
            keyword_any=0x10,
            keyword_all=1 << 63,
            data=(
                TriggerData.string("x"),
                TriggerData(TriggerDataType.BINARY, b"\0\xff"),
            ),
            action=STOP,
        ),
        (
            20,
            STOP,
            DISK,
            [
                (3, b"\x04"),
                (4, b"\x10\0\0\0\0\0\0\0"),
                (5, b"\0\0\0\0\0\0\0\x80"),
                (STRING, utf16("x\0")),
                (1, b"\0\xff"),
            ],
        ),
    ),
    "system-state=7508bca3290b960d": (
        Trigger.system_state(bytes.fromhex("7508BCA3290B960D")),
        (
            7,
            START,
            "2d7a2816-0c5e-45fc-9ce7-570e5ecde9c9",
            [(1, bytes.fromhex("7508BCA3290B960D"))],
        ),
    ),
    f"stop:raw=30,{DISK},2:6100,5:": (
        Trigger(
            TriggerType.AGGREGATE,
            STOP,
            UUID(DISK),
            (
                TriggerData(STRING, b"a\0"),
                TriggerData(TriggerDataType.KEYWORD_ALL, b""),
            ),
        ),
        (30, STOP, DISK, [(STRING, b"a\0"), (5, b"")]),
    ),
}
each_made = pytest.mark.parametrize("text", MADE)


@each_made
def test_builder_makes_what_windows_documents(text: str) -> None:
    """Type, action, subtype and every byte of the data."""
    trigger, (kind, action, subtype, data) = MADE[text]

    assert (trigger.type, trigger.action) == (kind, action)
    assert trigger.subtype == UUID(subtype)
    assert [(item.type, item.data) for item in trigger.data] == data
    assert list(trigger.problems()) == []


@each_made
def test_trigger_is_written_and_read(text: str) -> None:
    """In the words of the command line and TOML."""
    trigger, _ = MADE[text]

    assert trigger_text(trigger) == text
    assert parse_trigger(text) == trigger


def test_every_kind_is_tried() -> None:
    """Above."""
    assert {trigger_form(each).kind for each, _ in MADE.values()} == set(TRIGGER_KINDS)


def test_subtypes_are_all_different() -> None:
    """E-83 names eleven."""
    found = {value for value in vars(triggers).values() if isinstance(value, UUID)}

    assert len(found) == 11


def test_short_forms_mean_the_usual() -> None:
    """TCP for a port; a blank is no part of a kind."""
    assert parse_trigger("firewall-port=80") == Trigger.firewall_port(80)
    for text in ("80,tcp", " 080,Tcp", "+80"):
        assert parse_trigger(f"firewall-port={text}") == Trigger.firewall_port(80)
    assert parse_trigger("firewall-port=rpc") == Trigger.firewall_port("RPC")
    assert parse_trigger("stop: network-lost") == Trigger.network_lost()
    assert parse_trigger(f"etw={DISK},level=0x4") == Trigger.etw(DISK, level=4)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("network-availabel", "'network-availabel'; write network-available$"),
        ("", "no kind ''; write network-available or network-lost"),
        ("network-available=1", "takes no argument; leave '1' out"),
        ("named-pipe", "write named-pipe=NAME"),
        ("rpc=1-2", "'1-2' is no GUID"),
        ("halt:network-lost", "start or stop, not 'halt'"),
        ("firewall-port=0", "no port 0"),
        ("firewall-port=65536", "no port 65536"),
        ("firewall-port=-1", "no port -1"),
        ("firewall-port=--5", "no port --5; give 1 to 65535"),
        ("firewall-port=+-5", "no port [+]-5; give 1 to 65535"),
        ("firewall-port=80,", "is empty"),
        ("firewall-port=80,TCP,,svc", "is empty"),
        (f"device={DISK},", "is empty"),
        (f"etw={DISK},level=256", "256 does not fit into 8 bits"),
        (f"etw={DISK},any=-1", "-1 does not fit into 64 bits"),
        (f"etw={DISK},level=x", "'x' is no number"),
        (f"etw={DISK},size=1", "'size=1' is none of level="),
        ("system-state=00", "8 bytes, not 1"),
        ("system-state=xy", "'xy' is no row of bytes; write two hexadecimal"),
        (f"etw={DISK},binary=123", "'123' is no row of bytes"),
        ("raw=1", "'' is no GUID"),
        (f"raw=x,{DISK}", "'x' is no number"),
        (f"raw=1,{DISK},1:0", "'0' is no row of bytes"),
        ("firewall-port=80,FOO", "no protocol 'FOO' with ports; give TCP or UDP"),
        ("firewall-port=80-90", "no port 80-90"),
    ],
)
def test_wrong_text_is_refused(text: str, told: str) -> None:
    """The message has the text, and what is wrong."""
    with pytest.raises(ValueError, match=told) as caught:
        parse_trigger(text)

    assert repr(text) in str(caught.value)


def test_service_behind_a_port_needs_its_program() -> None:
    """The strings have fixed places, and none may be empty."""
    with pytest.raises(ValueError, match="give that too"):
        Trigger.firewall_port(80, service="Foo")
    with pytest.raises(ValueError, match="NUL"):
        Trigger.named_pipe("a\0b")


def test_endpoint_that_stops_is_told() -> None:
    """E-82: it is not until it is to be set, since an SCM might tell it."""
    trigger = parse_trigger("stop:named-pipe=x")

    assert trigger.action is STOP
    assert list(trigger.problems()) == [
        "have a network endpoint that stops; it can only start (E-82)"
    ]


def test_action_of_a_newer_windows_cannot_be_written() -> None:
    """There is no word for it."""
    trigger = dataclasses.replace(Trigger.network_lost(), action=TriggerAction(9))
    with pytest.raises(ValueError, match="does 9"):
        trigger_form(trigger)


@pytest.mark.parametrize(
    ("trigger", "line"),
    [
        (Trigger.network_available(), "start when the network comes"),
        (Trigger.named_pipe("p"), "start when a named pipe is opened: 'p'"),
        (
            Trigger.firewall_port_closed(80),
            "stop when a port is closed in the firewall: '80' 'TCP'",
        ),
        (
            Trigger.device(DISK, "a", "b"),
            f"start when a device of class {DISK} arrives: 'a', 'b'",
        ),
        (
            Trigger.etw(DISK, level=4, keyword_any=16),
            f"start when ETW provider {DISK} writes an event: "
            "LEVEL 0x4, KEYWORD_ANY 0x10",
        ),
        (
            Trigger.system_state(bytes(8)),
            "start when a state of the system changes: 0000000000000000",
        ),
        (
            Trigger(TriggerType(99), STOP, UUID(DISK)),
            f"stop when UNKNOWN_99 {DISK} happens",
        ),
    ],
)
def test_trigger_is_described_in_a_line(trigger: Trigger, line: str) -> None:
    """For people: ``str`` is the same."""
    assert trigger.describe() == str(trigger) == line


subtypes = st.sampled_from(
    [value for value in vars(triggers).values() if isinstance(value, UUID)]
)
items = st.builds(
    TriggerData,
    st.sampled_from(TriggerDataType),
    st.binary(max_size=12) | st.text(max_size=5).map(lambda text: utf16(text + "\0")),
)


@given(
    st.sampled_from(TriggerType),
    st.sampled_from(TriggerAction),
    subtypes | st.uuids(),
    st.lists(items, max_size=3),
)
def test_any_trigger_has_words(
    kind: TriggerType, action: TriggerAction, subtype: UUID, data: list[TriggerData]
) -> None:
    """What the kinds cannot say is raw; nothing is lost, and all can be described."""
    trigger = Trigger(kind, action, subtype, tuple(data))

    assert parse_trigger(trigger_text(trigger)) == trigger
    assert trigger.describe().startswith(f"{action.name.lower()} when ")
