"""Whether a service's DACL leaves anybody who could change it back.

Pure.  Entries are looked at in their order: the first that allows or denies a right
to one of somebody's groups decides.  What depends on a condition is taken for what
keeps the service within reach: a denial for none, what is granted for granted.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_CHANGE_CONFIG, _WRITE_DAC = 0x2, 0x40000  # D.4
IN_CONTROL = _CHANGE_CONFIG | _WRITE_DAC
_GENERIC_ALL, _GENERIC_WRITE = 0x10000000, 0x40000000

_TRUSTED_INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
_SIDS = {
    "S-1-1-0": "WD",
    "S-1-5-11": "AU",
    "S-1-5-18": "SY",
    "S-1-5-32-544": "BA",
    "S-1-5-32-545": "BU",
    "S-1-5-4": "IU",
    _TRUSTED_INSTALLER: "TI",
}
# SYSTEM is an administrator, too; Windows' installer is SYSTEM and itself.
_OF_SYSTEM = frozenset(("SY", "BA", "WD", "AU"))
_OF_INSTALLER = _OF_SYSTEM | {"TI"}
_OF_ADMINISTRATORS = frozenset(("BA", "DA", "WD", "AU"))
# Whom a denial to these hits is among the administrators at the computer itself,
# though nobody would give them rights in that way.
_OFTEN_OF_ADMINISTRATORS = _OF_ADMINISTRATORS | {"IU", "BU", "LA"}

# One with a condition has parentheses in it.
_ACE = re.compile(
    r"\((?P<kind>[A-Z]+);(?P<flags>[^;]*);(?P<rights>[^;]*);[^;]*;[^;]*;"
    r"(?P<account>[^;()]+)(?:;(?:[^()]|\([^()]*\))*)?\)"
)
# Plain, of an object, and with a condition; audits and labels give nobody anything.
_GRANTS = ("A", "OA", "XA", "ZA")
_DENIALS = ("D", "OD")
_NUMBER = re.compile("0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*", re.IGNORECASE)
_INHERIT_ONLY = "IO"


def is_for_administrators(sddl: str) -> bool:
    """Tell whether a DACL lets administrators change the service and the DACL."""
    return _keeps(sddl, _OF_ADMINISTRATORS, _OFTEN_OF_ADMINISTRATORS)


def is_within_reach(sddl: str) -> bool:
    """Tell the same of administrators, the system or Windows' installer."""
    return (
        is_for_administrators(sddl)
        or _keeps(sddl, _OF_SYSTEM, _OF_SYSTEM)
        or _keeps(sddl, _OF_INSTALLER, _OF_INSTALLER)
    )


def _keeps(sddl: str, allowed: Collection[str], denied: Collection[str]) -> bool:
    granted = refused = 0
    for ace in _ACE.finditer(sddl):
        kind, account = ace["kind"], _SIDS.get(ace["account"], ace["account"])
        if _INHERIT_ONLY in re.findall("..", ace["flags"]):
            continue
        if kind in _DENIALS and account in denied:
            refused |= _mask(ace["rights"]) & ~granted
        elif kind in _GRANTS and account in allowed:
            granted |= _mask(ace["rights"]) & ~refused
    return granted & IN_CONTROL == IN_CONTROL


def _mask(text: str) -> int:
    """Return those of the rights that matter here."""
    if _NUMBER.fullmatch(text):
        is_octal = text.isdecimal() and text.startswith("0")
        mask = int(text, 8 if is_octal else 0)
    else:
        bits = {"DC": _CHANGE_CONFIG, "WD": _WRITE_DAC, "FA": IN_CONTROL}
        bits |= {"KA": IN_CONTROL, "FW": _CHANGE_CONFIG, "KW": _CHANGE_CONFIG}
        bits |= {"GA": _GENERIC_ALL, "GW": _GENERIC_WRITE}
        mask = 0
        for each in re.findall("..", text.upper()):
            mask |= bits.get(each, 0)
    if mask & _GENERIC_ALL:
        return IN_CONTROL
    return (mask | (_CHANGE_CONFIG if mask & _GENERIC_WRITE else 0)) & IN_CONTROL
