"""Pack and unpack the structures of ChangeServiceConfig2 and QueryServiceConfig2.

Pure: an address in a structure is an offset here, which the caller adds the place
to that the image is at.  Numbers are little-endian.  Each structure is laid out as
C does (scm-rules D.3, E.7): every member at a multiple of its size, so that behind
a DWORD which a pointer follows there are 4 bytes of nothing on 64 bits.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from winsvc.settings.triggers import (
    Trigger,
    TriggerAction,
    TriggerData,
    TriggerDataType,
    TriggerType,
)
from winsvc.settings.values import (
    MAX_DWORD,
    NO_NODE,
    ActionKind,
    FailureAction,
    FailureActions,
    LaunchProtection,
    SidType,
    to_milliseconds,
)

POINTER_SIZE = struct.calcsize("P")
_MAX_ACTIONS, _MAX_TRIGGERS, _MAX_ITEMS = 1024, 64, 64  # E-53, E-80


class Level(IntEnum):
    """Which of a service's further settings (scm-rules E.7)."""

    DESCRIPTION = 1
    FAILURE_ACTIONS = 2
    DELAYED_AUTO_START = 3
    FAILURE_ACTIONS_FLAG = 4
    SERVICE_SID = 5
    REQUIRED_PRIVILEGES = 6
    PRESHUTDOWN = 7
    TRIGGERS = 8
    PREFERRED_NODE = 9
    LAUNCH_PROTECTED = 12


class Image(NamedTuple):
    """A level's structure and all that it points to.

    Attributes:
        data: Its bytes.
        pointers: Where in them there are offsets in place of addresses, ascending.
    """

    data: bytes
    pointers: tuple[int, ...]


Value: TypeAlias = (
    str
    | bool
    | int
    | float
    | FailureActions
    | SidType
    | LaunchProtection
    | tuple[str, ...]
    | tuple[Trigger, ...]
)
"""What a level has: DESCRIPTION str, FAILURE_ACTIONS FailureActions,
DELAYED_AUTO_START and FAILURE_ACTIONS_FLAG bool, SERVICE_SID SidType,
REQUIRED_PRIVILEGES tuple of str, PRESHUTDOWN seconds as a float, TRIGGERS tuple of
Trigger, PREFERRED_NODE int or NO_NODE, LAUNCH_PROTECTED LaunchProtection."""


def pack(level: int, value: Any, *, pointer_size: int = POINTER_SIZE) -> Image:
    """Return the structure that sets a level to a value.

    Args:
        level: A ``Level``.
        value: As ``Value`` says.  Empty texts and lists delete (E-58, E.7).
        pointer_size: 4 or 8 bytes; default: this process's.

    Raises:
        ValueError: There is no such level, or a number does not fit.
    """
    writer = _Writer(pointer_size)
    _codec(level).pack(writer, value)
    return Image(bytes(writer.data), tuple(sorted(writer.pointers)))


def unpack(
    level: int, data: bytes, base: int, *, pointer_size: int = POINTER_SIZE
) -> Any:
    """Return the value in a level's structure.

    Args:
        level: A ``Level``.
        data: The structure, and all that it points to.
        base: The address that ``data`` was at when its pointers were made.
        pointer_size: 4 or 8 bytes; default: this process's.

    Returns:
        As ``Value`` says; NULL is an empty text or list.

    Raises:
        ValueError: There is no such level, or something of it is not within
            ``data``; the message names level and offset.
    """
    reader = _Reader(Level(level), data, base, pointer_size)
    return _codec(level).unpack(reader)


class _Writer:
    """An image that grows: each structure is placed, then filled."""

    def __init__(self, pointer_size: int) -> None:
        self.size = pointer_size
        self.data = bytearray()
        self.pointers: list[int] = []

    def place(self, size: int, align: int | None = None) -> int:
        """Append zeros, by default where a pointer may be; return where."""
        self.data += bytes(-len(self.data) % (align or self.size))
        offset = len(self.data)
        self.data += bytes(size)
        return offset

    def dword(self, offset: int, value: int) -> None:
        """Write a number."""
        if not 0 <= value <= MAX_DWORD:
            msg = f"{value} does not fit into 32 bits"
            raise ValueError(msg)
        struct.pack_into("<L", self.data, offset, value)

    def pointer(self, offset: int, target: int) -> None:
        """Write a pointer to another offset."""
        struct.pack_into("<Q" if self.size == 8 else "<L", self.data, offset, target)
        self.pointers.append(offset)

    def block(self, offset: int, block: bytes, align: int = 1) -> None:
        """Append bytes and write a pointer to them."""
        target = self.place(len(block), align)
        self.data[target:] = block
        self.pointer(offset, target)

    def text(self, offset: int, text: str) -> None:
        """Append a text with its end, and write a pointer to it."""
        self.block(offset, (text + "\0").encode("utf-16-le", "surrogatepass"), 2)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Looks things up in an image, and never outside it."""

    level: Level
    data: bytes
    base: int
    size: int

    def error(self, what: str, offset: int) -> ValueError:
        """Return what is wrong where."""
        return ValueError(
            f"level {self.level.value} {self.level.name}: {what} "
            f"at offset {offset} of {len(self.data)}"
        )

    def block(self, offset: int, size: int) -> bytes:
        """Return bytes."""
        if not 0 <= offset <= len(self.data) - size:
            raise self.error(f"{size} bytes are not all there", offset)
        return self.data[offset : offset + size]

    def dword(self, offset: int) -> int:
        """Return a number."""
        return int.from_bytes(self.block(offset, 4), "little")

    def count(self, offset: int, limit: int) -> int:
        """Return how many there are, after E-53 or E-80."""
        count = self.dword(offset)
        if count > limit:
            raise self.error(f"{count} elements, over {limit},", offset)
        return count

    def pointer(self, offset: int) -> int | None:
        """Return the offset that a pointer is to, None for NULL."""
        address = int.from_bytes(self.block(offset, self.size), "little")
        return address - self.base if address else None

    def array(self, offset: int, count: int, size: int) -> range:
        """Return the offsets of an array's elements, all within the image."""
        start = self.pointer(offset)
        if count and start is None:
            raise self.error(f"NULL in place of {count} elements", offset)
        start = start or 0
        if count:
            self.block(start, count * size)
        return range(start, start + count * size, size)

    def text(self, offset: int) -> str:
        """Return the text that a pointer is to, "" for NULL."""
        start = self.pointer(offset)
        return "" if start is None else self.text_at(start)

    def text_at(self, start: int) -> str:
        """Return the text that begins somewhere."""
        end = start
        while self.block(end, 2) != b"\0\0":
            end += 2
        return self.data[start:end].decode("utf-16-le", "surrogatepass")


def _pack_text(writer: _Writer, text: str) -> None:
    writer.text(writer.place(writer.size), text)


def _unpack_text(reader: _Reader) -> str:
    return reader.text(0)


def _pack_failure_actions(writer: _Writer, value: FailureActions) -> None:
    size = writer.size
    start = writer.place(5 * size)
    period = value.reset_period if value.actions else 0.0
    writer.dword(start, MAX_DWORD if period is None else round(period))
    writer.text(start + size, value.reboot_message)
    writer.text(start + 2 * size, value.command)
    writer.dword(start + 3 * size, len(value.actions))
    # One element even of none: NULL would keep what there is (E-58).
    actions = writer.place(8 * max(1, len(value.actions)))
    writer.pointer(start + 4 * size, actions)
    for i, action in enumerate(value.actions):
        writer.dword(actions + 8 * i, action.kind)
        writer.dword(actions + 8 * i + 4, to_milliseconds(action.delay))


def _unpack_failure_actions(reader: _Reader) -> FailureActions:
    size = reader.size
    reader.block(0, 5 * size)
    period = reader.dword(0)
    count = reader.count(3 * size, _MAX_ACTIONS)
    actions = tuple(
        FailureAction(ActionKind(reader.dword(at)), reader.dword(at + 4) / 1000)
        for at in reader.array(4 * size, count, 8)
    )
    return FailureActions(
        actions=actions,
        reset_period=None if not actions or period == MAX_DWORD else float(period),
        reboot_message=reader.text(size),
        command=reader.text(2 * size),
    )


def _pack_number(writer: _Writer, value: int) -> None:
    writer.dword(writer.place(4), int(value))


def _pack_timeout(writer: _Writer, seconds: float) -> None:
    writer.dword(writer.place(4), to_milliseconds(seconds))


def _pack_texts(writer: _Writer, texts: tuple[str, ...]) -> None:
    # Of no texts at all the end is one text, an empty one, and its end.
    _pack_text(writer, "".join(text + "\0" for text in texts or ("",)))


def _unpack_texts(reader: _Reader) -> tuple[str, ...]:
    at = reader.pointer(0)
    texts: list[str] = []
    while at is not None and (text := reader.text_at(at)):
        texts.append(text)
        at += len(text.encode("utf-16-le", "surrogatepass")) + 2
    return tuple(texts)


def _pack_triggers(writer: _Writer, triggers: tuple[Trigger, ...]) -> None:
    size = writer.size
    start = writer.place(3 * size)
    writer.dword(start, len(triggers))
    if not triggers:
        return
    first = writer.place(len(triggers) * (8 + 3 * size))
    writer.pointer(start + size, first)
    for i, trigger in enumerate(triggers):
        at = first + i * (8 + 3 * size)
        writer.dword(at, trigger.type)
        writer.dword(at + 4, trigger.action)
        writer.block(at + 8, trigger.subtype.bytes_le, 4)
        writer.dword(at + 8 + size, len(trigger.data))
        if trigger.data:
            items = writer.place(len(trigger.data) * (8 + size))
            writer.pointer(at + 8 + 2 * size, items)
            _pack_items(writer, items, trigger.data)


def _pack_items(writer: _Writer, at: int, items: tuple[TriggerData, ...]) -> None:
    for item in items:
        writer.dword(at, item.type)
        writer.dword(at + 4, len(item.data))
        writer.block(at + 8, item.data, 8)
        at += 8 + writer.size


def _unpack_triggers(reader: _Reader) -> tuple[Trigger, ...]:
    size = reader.size
    reader.block(0, 3 * size)
    count = reader.count(0, _MAX_TRIGGERS)
    return tuple(
        _unpack_trigger(reader, at) for at in reader.array(size, count, 8 + 3 * size)
    )


def _unpack_trigger(reader: _Reader, at: int) -> Trigger:
    size = reader.size
    (subtype,) = reader.array(at + 8, 1, 16)
    count = reader.count(at + 8 + size, _MAX_ITEMS)
    items = []
    for item in reader.array(at + 8 + 2 * size, count, 8 + size):
        length = reader.dword(item + 4)
        data = b""
        if length:
            (start,) = reader.array(item + 8, 1, length)
            data = reader.block(start, length)
        items.append(TriggerData(TriggerDataType(reader.dword(item)), data))
    return Trigger(
        TriggerType(reader.dword(at)),
        TriggerAction(reader.dword(at + 4)),
        UUID(bytes_le=reader.block(subtype, 16)),
        tuple(items),
    )


def _pack_node(writer: _Writer, node: int) -> None:
    start = writer.place(4)
    if node == NO_NODE:
        writer.data[start + 2] = 1
        return
    if not 0 <= node <= 0xFFFF:
        msg = f"{node} does not fit into 16 bits"
        raise ValueError(msg)
    struct.pack_into("<H", writer.data, start, node)


def _unpack_node(reader: _Reader) -> int:
    node, deleted, _ = struct.unpack("<HBB", reader.block(0, 4))
    return NO_NODE if deleted else int(node)


class _Codec(NamedTuple):
    pack: Callable[[_Writer, Any], None]
    unpack: Callable[[_Reader], Any]


_CODECS = {
    Level.DESCRIPTION: _Codec(_pack_text, _unpack_text),
    Level.FAILURE_ACTIONS: _Codec(_pack_failure_actions, _unpack_failure_actions),
    Level.DELAYED_AUTO_START: _Codec(_pack_number, lambda r: bool(r.dword(0))),
    Level.FAILURE_ACTIONS_FLAG: _Codec(_pack_number, lambda r: bool(r.dword(0))),
    Level.SERVICE_SID: _Codec(_pack_number, lambda r: SidType(r.dword(0))),
    Level.REQUIRED_PRIVILEGES: _Codec(_pack_texts, _unpack_texts),
    Level.PRESHUTDOWN: _Codec(_pack_timeout, lambda r: r.dword(0) / 1000),
    Level.TRIGGERS: _Codec(_pack_triggers, _unpack_triggers),
    Level.PREFERRED_NODE: _Codec(_pack_node, _unpack_node),
    Level.LAUNCH_PROTECTED: _Codec(
        _pack_number, lambda r: LaunchProtection(r.dword(0))
    ),
}


def _codec(level: int) -> _Codec:
    return _CODECS[Level(level)]
