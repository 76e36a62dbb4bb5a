"""Who may read or change a file, from its security descriptor as SDDL.

Pure.  What a group's members are is not known here: an answer is about the SIDs that
it is asked for, and entries with conditions are taken for those without.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from winsvc.manage import security

SIDS = {**security.SIDS, "AC": "S-1-15-2-1", "CO": "S-1-3-0"}
TRUSTED_INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
# Whoever is one of these can do anything anyway.
TRUSTED = frozenset(
    {
        SIDS["SY"],
        SIDS["BA"],
        SIDS["CO"],
        SIDS["OW"],
        TRUSTED_INSTALLER,
        "LA",
        "DA",
        "EA",
    }
)
EVERYBODY = {
    SIDS["WD"]: "Everyone",
    SIDS["AU"]: "Authenticated Users",
    SIDS["BU"]: "Users",
    SIDS["IU"]: "INTERACTIVE",
    SIDS["NU"]: "NETWORK",
    SIDS["BG"]: "Guests",
    SIDS["AN"]: "ANONYMOUS LOGON",
    "DU": "Domain Users",
    "DG": "Domain Guests",
}
"""Groups that many are in, by SID."""

READ = 0x1  # FILE_READ_DATA, FILE_LIST_DIRECTORY
# Data or new files, subfolders (a package), deleting, the DACL, the owner.
WRITE = 0x2 | 0x4 | 0x40 | 0x10000 | 0x40000 | 0x80000
_LETTERS = {
    **security.LETTERS,
    "FA": 0x1F01FF,
    "FR": 0x120089,
    "FW": 0x120116,
    "FX": 0x1200A0,
}
_GENERIC = {
    "GA": (0x10000000, _LETTERS["FA"]),
    "GX": (0x20000000, _LETTERS["FX"]),
    "GW": (0x40000000, _LETTERS["FW"]),
    "GR": (0x80000000, _LETTERS["FR"]),
}
_OWNER = re.compile("O:(S-[0-9-]+|[A-Z]{2})")


class Entry(NamedTuple):
    """One entry of a file's DACL."""

    allows: bool
    rights: int
    sid: str


def entries(sddl: str) -> tuple[Entry, ...] | None:
    """Return the entries that hold for the file itself; ``None``: it has no DACL.

    Without a DACL everybody may do everything.

    Raises:
        ValueError: It is no SDDL.
    """
    # An owner's or group's SID holds no "D:"; the SACL comes last.
    match = re.search("D:([A-Z_]*)", sddl)
    if match is None or "NO_ACCESS_CONTROL" in match[1]:
        return None
    return tuple(_entries(sddl[match.end() :]))


def allowed(sddl: str, sids: Collection[str]) -> int:
    """Return the rights that one who is all of these SIDs has by its entries."""
    found = entries(sddl)
    if found is None:
        return _LETTERS["FA"]
    granted = denied = 0
    for entry in found:
        if entry.sid in sids:
            if entry.allows:
                granted |= entry.rights & ~denied
            else:
                denied |= entry.rights
    return granted


def writers(sddl: str, safe: Collection[str]) -> list[str]:
    """Return the SIDs, other than the safe ones, that may change it.

    The owner can: he may change the DACL, whatever that says.
    """
    found = entries(sddl)
    if found is None:
        return [SIDS["WD"]]
    named = dict.fromkeys(entry.sid for entry in found if entry.allows)
    able = [sid for sid in named if allowed(sddl, {sid}) & WRITE]
    if (match := _OWNER.match(sddl)) is not None:
        able.append(SIDS.get(match[1], match[1]))
    return [sid for sid in dict.fromkeys(able) if sid not in safe]


def _entries(text: str) -> Iterator[Entry]:
    for ace in _parenthesized(text):
        kind, letters, rights, _, _, sid, *_ = [*ace.split(";", 6), *[""] * 6]
        # A denial with a condition may not hold: it is left out.
        if kind in ("A", "D", "XA") and "IO" not in re.findall("..", letters):
            yield Entry(kind != "D", _rights(rights), SIDS.get(sid, sid))


def _parenthesized(text: str) -> Iterator[str]:
    """Yield what is in each pair of parentheses at the beginning of a text."""
    depth = begin = 0
    for place, char in enumerate(text):
        if char == "(":
            begin = begin if depth else place + 1
            depth += 1
        elif not depth:
            return  # the SACL
        elif char == ")":
            depth -= 1
            if not depth:
                yield text[begin:place]
    if depth:
        msg = f"not SDDL: {text}"
        raise ValueError(msg)


def _rights(text: str) -> int:
    if text.lower().startswith("0x"):
        rights = int(text, 16)
    else:
        letters = re.findall("..", text)
        rights = 0
        for each in letters:
            rights |= _GENERIC[each][1] if each in _GENERIC else _LETTERS.get(each, 0)
    for bit, meaning in _GENERIC.values():
        if rights & bit:
            rights |= meaning
    return rights


def name_of(sid: str) -> str:
    """Return a group's name, or the SID."""
    return EVERYBODY.get(sid, sid)
