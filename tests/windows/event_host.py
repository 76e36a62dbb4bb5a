"""Hosts a service whose HandlerEx is called as the system calls it.

A program of its own: before it hosts, it has RegisterServiceCtrlHandlerExW of winsvc's
module go through itself, and so learns the real handler.  On code 200 it calls that
with the structures of ``STRUCTURES``: each lies at the very end of readable memory, so
that a byte too many is an access violation, and is overwritten when the handler has
returned (I-127).  Codes 201 and 202 do the same with queries.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import threading
from ctypes import WINFUNCTYPE, c_ulong, c_void_p, c_wchar_p
from typing import Any
from uuid import UUID

import winsvc
from winsvc.events import Event
from winsvc.states import Accept, Control, Query

SEND, REFUSE, ASK = 200, 201, 202
PAGE = 0x1000
MEM_COMMIT, PAGE_NOACCESS, PAGE_READWRITE = 0x1000, 1, 4
# Not to be read: Windows documents no data for these.
NOWHERE = 1
BATTERY = UUID("a7ad8041-b45a-4cae-87a3-eecbb468a9e1").bytes_le
QUERY = (Control.DEVICEEVENT, 0x8001, struct.pack("<III", 12, 2, 0))


def setting(length: int, data: bytes) -> bytes:
    """Return a POWERBROADCAST_SETTING (D.3)."""
    return BATTERY + struct.pack("<I", length) + data


def device(size: int, body: bytes) -> bytes:
    """Return a DEV_BROADCAST structure (D.3)."""
    return struct.pack("<III", size, 3, 0) + body


# Name -> (control, event type, what lies there, how much of it is the event's data).
STRUCTURES: dict[str, tuple[int, int, bytes | int | None, int]] = {
    "setting": (0x0D, 0x8013, setting(4, b"\x2a\0\0\0"), 24),
    "setting, empty": (0x0D, 0x8013, setting(0, b""), 20),
    "setting, GUID": (0x0D, 0x8013, setting(16, bytes(16)), 36),
    "setting, 32 KB": (0x0D, 0x8013, setting(32768, b"s" * 32768), 32788),
    "setting, more": (0x0D, 0x8013, setting(32769, b"s" * 32769), 20),
    "setting, a lie": (0x0D, 0x8013, setting(0xFFFFFFFF, b""), 20),
    "setting, NULL": (0x0D, 0x8013, None, 0),
    "suspend": (0x0D, 0x0004, NOWHERE, 0),
    "session": (0x0E, 7, struct.pack("<II", 8, 0x10002), 8),
    "session, larger": (0x0E, 7, struct.pack("<III", 12, 3, 4), 8),
    "session, a lie": (0x0E, 7, struct.pack("<I", 4), 4),
    "session, NULL": (0x0E, 7, None, 0),
    "device": (0x0B, 0x8000, device(22, b"C\0O\0M\0003\0\0\0"), 22),
    "device, header": (0x0B, 0x8000, device(12, b""), 12),
    "device, 32 KB": (0x0B, 0x8000, device(32768, b"d" * 32756), 32768),
    "device, a lie": (0x0B, 0x8000, device(0xFFFFFFFF, b""), 12),
    "device, too small": (0x0B, 0x8000, struct.pack("<I", 11), 4),
    "device, NULL": (0x0B, 0x8000, None, 0),
    "time": (0x10, 0, struct.pack("<qq", 1, 2), 16),
    "time, NULL": (0x10, 0, None, 0),
    "profile": (0x0C, 0x18, NOWHERE, 0),
    "trigger": (0x20, 0, NOWHERE, 0),
    "reboot": (0x40, 0, NOWHERE, 0),
    "logoff": (0x11, 0, NOWHERE, 0),
    "resources": (0x60, 0, NOWHERE, 0),
    "bindings": (0x07, 0, NOWHERE, 0),
    "unknown": (0x77, 0x4711, NOWHERE, 0),
}

Handler = WINFUNCTYPE(c_ulong, c_ulong, c_ulong, c_void_p, c_void_p)
Register = WINFUNCTYPE(c_void_p, c_wchar_p, c_void_p, c_void_p)


def import_slot(module: int, function: str) -> int:
    """Return where a loaded module keeps the address of a function it imports."""

    def number(kind: str, at: int) -> int:
        size = struct.calcsize(kind)
        value: int = struct.unpack(kind, ctypes.string_at(module + at, size))[0]
        return value

    pointer = struct.calcsize("P")
    header = number("<I", 0x3C) + 24  # the optional one
    descriptor = number("<I", header + (112 if pointer == 8 else 96) + 8)
    while names := number("<I", descriptor):
        slots = number("<I", descriptor + 16)
        while hint := number("P", names):
            is_named = hint < 1 << 31
            if is_named and ctypes.string_at(module + hint + 2) == function.encode():
                return module + slots
            names += pointer
            slots += pointer
        descriptor += 20
    raise LookupError(function)


class Tap:
    """Between winsvc's module and RegisterServiceCtrlHandlerExW."""

    def __init__(self) -> None:
        from winsvc import _native

        core: Any = _native.require_core("tap it")
        module = ctypes.WinDLL(core.__file__)._handle
        slot = import_slot(module, "RegisterServiceCtrlHandlerExW")
        advapi32 = ctypes.WinDLL("advapi32")
        self._real = Register(("RegisterServiceCtrlHandlerExW", advapi32))
        self._mine = Register(self._register)
        self._handler = Handler()
        self._context: int | None = None
        self._kernel32 = ctypes.WinDLL("kernel32")
        self._kernel32.VirtualAlloc.restype = c_void_p
        before = c_ulong()
        assert self._kernel32.VirtualProtect(
            c_void_p(slot), struct.calcsize("P"), PAGE_READWRITE, ctypes.byref(before)
        )
        c_void_p.from_address(slot).value = ctypes.cast(self._mine, c_void_p).value

    def _register(self, name: str, handler: int, context: int) -> int | None:
        self._handler, self._context = Handler(handler), context
        status: int | None = self._real(name, handler, context)
        return status

    def call(self, control: int, event_type: int, data: bytes | int | None) -> int:
        """Call the handler; what it answers."""
        if not isinstance(data, bytes):
            return int(self._handler(control, event_type, data, self._context))
        size = -len(data) % PAGE + len(data)
        start = self._kernel32.VirtualAlloc(
            None, ctypes.c_size_t(size + PAGE), MEM_COMMIT, PAGE_READWRITE
        )
        before = c_ulong()
        assert self._kernel32.VirtualProtect(
            c_void_p(start + size), PAGE, PAGE_NOACCESS, ctypes.byref(before)
        )
        place = start + size - len(data)
        ctypes.memmove(place, data, len(data))
        answer = int(self._handler(control, event_type, place, self._context))
        ctypes.memset(place, 0xDD, len(data))
        return answer


class Tapped(winsvc.Service):
    """Hears what its own process sends through the real handler."""

    name = "Tapped"
    tap: Tap
    accepts = Accept(0x6EF8)

    def __init__(self) -> None:
        self.heard = threading.Semaphore(0)

    def on_event(self, event: Event) -> bool | None:
        match event.control:
            case 200 | 201 | 202:
                threading.Thread(target=self.send, args=(event.control,)).start()
            case _:
                self.log.info(
                    "called event %s %d %d %s",
                    type(event).__name__,
                    event.control,
                    event.event_type,
                    event.data.hex(),
                )
                self.heard.release()
        return False if event.is_query else None

    def send(self, code: int) -> None:
        """Be the system's thread."""
        try:
            self.send_structures(code)
        except BaseException:
            self.log.exception("called failed")
            os._exit(1)  # the core's lock may be held for ever

    def send_structures(self, code: int) -> None:
        """Send what a code stands for."""
        match code:
            case 200:
                for name, (control, event_type, data, _) in STRUCTURES.items():
                    answer = self.tap.call(control, event_type, data)
                    self.log.info("called sent %s: %d", name, answer)
                    # The queue holds 64 KB.
                    assert self.heard.acquire(timeout=60), name
                for entry in self.journal():
                    if entry.control is not None and entry.control < 0x80:
                        data = entry.data or b""
                        self.log.info("called journal %d %s", entry.control, data.hex())
            case 201:
                self.refuse(Query.DEVICEQUERYREMOVE)
                self.log.info("called refused %d", self.tap.call(*QUERY))
            case 202:
                self.ask(Query.DEVICEQUERYREMOVE)
                self.log.info("called asked %d", self.tap.call(*QUERY))
        self.log.info("called done")


def main() -> int:
    """Host it."""
    Tapped.tap = Tap()
    return winsvc.run(Tapped, log_file=sys.argv[1])


if __name__ == "__main__":
    sys.exit(main())
