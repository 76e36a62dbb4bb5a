"""Read which processor a program is for, from its PE header."""

from __future__ import annotations

I386, AMD64, ARM64 = 0x014C, 0x8664, 0xAA64
NAMES = {I386: "32-bit x86", AMD64: "64-bit x86", ARM64: "64-bit ARM"}

# What each system runs, its emulations included; x86 on ARM since Windows 11.
_RUNS = {I386: {I386}, AMD64: {I386, AMD64}, ARM64: {I386, AMD64, ARM64}}
_HEADER_AT = 0x3C


def machine_of(data: bytes) -> int:
    """Return the machine of a program, 0 if it is none.

    Args:
        data: The file's beginning; 4096 bytes are enough for all that linkers make.
    """
    if len(data) < _HEADER_AT + 4 or data[:2] != b"MZ":
        return 0
    header = int.from_bytes(data[_HEADER_AT : _HEADER_AT + 4], "little")
    if data[header : header + 4] != b"PE\0\0":
        return 0
    return int.from_bytes(data[header + 4 : header + 6], "little")


def can_run(system: int, program: int) -> bool:
    """Tell whether a system runs programs of a machine; yes if it is unknown."""
    return program in _RUNS.get(system, {program})
