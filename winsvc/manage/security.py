r"""Who may do what with a service: the DACL of its security descriptor, as SDDL.

Pure: nothing here asks the system.  What is not understood (audit, object and
conditional entries, unknown rights) is refused, so that it cannot be damaged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntFlag

from winsvc.manage import rights as r


class ServiceRight(IntFlag):
    """What an account may be allowed to do with a service (scm-rules D.4)."""

    QUERY_CONFIG = r.QUERY_CONFIG
    CHANGE_CONFIG = r.CHANGE_CONFIG
    QUERY_STATUS = r.QUERY_STATUS
    ENUMERATE_DEPENDENTS = r.ENUMERATE_DEPENDENTS
    START = r.START
    STOP = r.STOP
    PAUSE_CONTINUE = r.PAUSE_CONTINUE
    INTERROGATE = r.INTERROGATE
    USER_DEFINED_CONTROL = r.USER_DEFINED_CONTROL
    DELETE = r.DELETE
    READ_CONTROL = r.READ_CONTROL
    WRITE_DAC = r.WRITE_DAC
    WRITE_OWNER = 0x80000
    ALL_ACCESS = 0xF01FF


TO_START = (
    ServiceRight.START
    | ServiceRight.QUERY_STATUS
    | ServiceRight.QUERY_CONFIG
    | ServiceRight.INTERROGATE
)
"""What it takes to start a service and to wait until it is up."""

# The letters of SDDL, in the order in which Windows writes them.
LETTERS: dict[str, int] = {
    "CC": 0x1,
    "DC": 0x2,
    "LC": 0x4,
    "SW": 0x8,
    "RP": 0x10,
    "WP": 0x20,
    "DT": 0x40,
    "LO": 0x80,
    "CR": 0x100,
    "SD": 0x10000,
    "RC": 0x20000,
    "WD": 0x40000,
    "WO": 0x80000,
}
_LETTERS_OF_ALL = sum(LETTERS.values())
# What the SCM makes of generic rights (D.4); READ_CONTROL comes with each.
_GENERIC: dict[str, tuple[int, int]] = {
    "GA": (0x10000000, ServiceRight.ALL_ACCESS),
    "GX": (
        0x20000000,
        ServiceRight.START
        | ServiceRight.STOP
        | ServiceRight.PAUSE_CONTINUE
        | ServiceRight.USER_DEFINED_CONTROL
        | ServiceRight.READ_CONTROL,
    ),
    "GW": (0x40000000, ServiceRight.CHANGE_CONFIG | ServiceRight.READ_CONTROL),
    "GR": (
        0x80000000,
        ServiceRight.QUERY_CONFIG
        | ServiceRight.QUERY_STATUS
        | ServiceRight.INTERROGATE
        | ServiceRight.ENUMERATE_DEPENDENTS
        | ServiceRight.READ_CONTROL,
    ),
}
# The same everywhere; those of a domain or a computer stay as they are written.
SIDS: dict[str, str] = {
    "AN": "S-1-5-7",
    "AU": "S-1-5-11",
    "BA": "S-1-5-32-544",
    "BG": "S-1-5-32-546",
    "BU": "S-1-5-32-545",
    "IU": "S-1-5-4",
    "LS": "S-1-5-19",
    "NS": "S-1-5-20",
    "NU": "S-1-5-2",
    "OW": "S-1-3-4",
    "PU": "S-1-5-32-547",
    "RC": "S-1-5-12",
    "RD": "S-1-5-32-555",
    "SO": "S-1-5-32-549",
    "SU": "S-1-5-6",
    "SY": "S-1-5-18",
    "WD": "S-1-1-0",
}
# The last numbers of SIDs of a domain, or of a computer.
_RELATIVE = {
    "LA": 500,
    "LG": 501,
    "DA": 512,
    "DU": 513,
    "DG": 514,
    "DC": 515,
    "DD": 516,
    "SA": 518,
    "EA": 519,
    "PA": 520,
}
_ABBREVIATIONS = {sid: letters for letters, sid in SIDS.items()}

_SID = r"S-1-[0-9]+(?:-[0-9]+)+|[A-Z]{2}"
_WHOLE = re.compile(
    rf"(?:O:(?:{_SID}))?(?:G:(?:{_SID}))?"
    r"(?:D:(?P<dacl>[A-Z_]*(?:\([^()]*\))*))?(?:S:.*)?",
    re.IGNORECASE | re.DOTALL,
)
_ACE = re.compile(
    r"\((?P<kind>[^;()]*);(?P<flags>[^;()]*);(?P<rights>[^;()]*);"
    rf"(?P<objects>[^;()]*;[^;()]*);(?P<account>{_SID})\)",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"(?:P|AR|AI)*", re.IGNORECASE)
_FLAGS = re.compile(r"(?:OI|CI|NP|IO|ID|SA|FA)*", re.IGNORECASE)
_INHERITED = "ID"


@dataclass(frozen=True, slots=True)
class Ace:
    """One entry of a DACL.

    Attributes:
        allows: True: it allows, False: it denies.
        rights: What, as a mask of :class:`ServiceRight` and of generic rights.
        account: SID, or an SDDL abbreviation of one (``BA``).
        flags: Flags of inheritance as SDDL has them; services have none.
    """

    allows: bool
    rights: int
    account: str
    flags: str = ""

    def __str__(self) -> str:
        """Return it as SDDL, as Windows writes it."""
        kind = "A" if self.allows else "D"
        account = _ABBREVIATIONS.get(self.account, self.account)
        return f"({kind};{self.flags};{format_rights(self.rights)};;;{account})"

    @property
    def sid(self) -> str:
        """The SID; the abbreviation where that depends on the computer."""
        return SIDS.get(self.account.upper(), self.account.upper())

    @property
    def place_in_order(self) -> tuple[bool, bool]:
        """What it is sorted by: what denies first, what is inherited last."""
        return _INHERITED in _pairs(self.flags), self.allows

    def is_direct(self, sid: str) -> bool:
        """Tell whether it is an account's, and nothing of inheritance."""
        return not self.flags and self.sid == sid


@dataclass(frozen=True, slots=True)
class Dacl:
    """The entries that say who may do what; the first that fits decides.

    Attributes:
        entries: The entries, in their order.
        control: ``P``, ``AR``, ``AI``: how it takes part in inheritance.
    """

    entries: tuple[Ace, ...] = ()
    control: str = ""

    def __str__(self) -> str:
        """Return it as SDDL."""
        return f"D:{self.control}{''.join(map(str, self.entries))}"

    @property
    def is_canonical(self) -> bool:
        """True if what denies comes first, and what is inherited last."""
        places = [ace.place_in_order for ace in self.entries]
        return places == sorted(places)

    def normal(self) -> Dacl:
        """Return an equal one as the SCM would keep it, to be compared.

        Generic rights become those of a service, SIDs are written one way, and
        the marks of automatic inheritance are left out.
        """
        entries = tuple(
            replace(
                ace,
                rights=_without_generic(ace.rights),
                account=ace.sid,
                flags="".join(sorted(_pairs(ace.flags.upper()))),
            )
            for ace in self.entries
        )
        return Dacl(entries, "P" if "P" in self.control.upper() else "")

    def allowed(self, account: str) -> int:
        """Return the rights that entries of its own allow an account."""
        sid = Ace(True, 0, account).sid
        found = 0
        for ace in self.entries:
            if ace.allows and ace.is_direct(sid):
                found |= _without_generic(ace.rights)
        return found

    def grant(self, account: str, rights: int) -> Dacl:
        """Return one that allows an account these rights as well.

        Args:
            account: Its SID, or an abbreviation of it.
            rights: Mask of :class:`ServiceRight`.

        Raises:
            ValueError: They are denied to the account by an entry of its own, or
                the entries are not in canonical order.
        """
        self._check_order()
        sid = Ace(True, 0, account).sid
        denied = [
            ace
            for ace in self.entries
            if not ace.allows
            and ace.sid == sid
            and _without_generic(ace.rights) & rights
        ]
        if denied:
            msg = f"{denied[0]} denies {account} some of that: take it out first"
            raise ValueError(msg)
        missing = rights & ~self.allowed(sid)
        if not missing:
            return self
        for place, ace in enumerate(self.entries):
            if ace.allows and ace.is_direct(sid):
                return self._with(place, replace(ace, rights=ace.rights | missing))
        return self._insert(Ace(True, rights, sid))

    def deny(self, account: str, rights: int) -> Dacl:
        """Return one that denies an account these rights as well.

        Args, raises: as :meth:`grant`; what is allowed to the account stays,
        and no longer counts.
        """
        self._check_order()
        sid = Ace(True, 0, account).sid
        for place, ace in enumerate(self.entries):
            if not ace.allows and ace.is_direct(sid):
                return self._with(place, replace(ace, rights=ace.rights | rights))
        return self._insert(Ace(False, rights, sid))

    def revoke(self, account: str, rights: int | None = None) -> Dacl:
        """Return one that no longer allows an account these rights.

        Args:
            account: Its SID, or an abbreviation of it.
            rights: Mask of :class:`ServiceRight`; default: all.
        """
        sid = Ace(True, 0, account).sid
        return Dacl(tuple(self._revoked(sid, rights)), self.control)

    def set_allowed(self, account: str, rights: int) -> Dacl:
        """Return one whose entries allow an account these rights and no more.

        Args, raises: as :meth:`grant`.
        """
        return self.revoke(account, ~rights).grant(account, rights)

    def _revoked(self, sid: str, rights: int | None) -> Iterator[Ace]:
        for ace in self.entries:
            if not (ace.allows and ace.is_direct(sid)):
                yield ace
                continue
            kept = 0 if rights is None else _without_generic(ace.rights) & ~rights
            if kept:
                yield replace(ace, rights=kept)

    def _check_order(self) -> None:
        if not self.is_canonical:
            msg = (
                "its entries are not in canonical order (denying, allowing, "
                "inherited), so that none can be added safely: set it as a whole"
            )
            raise ValueError(msg)

    def _insert(self, ace: Ace) -> Dacl:
        before = sum(each.place_in_order <= ace.place_in_order for each in self.entries)
        entries = (*self.entries[:before], ace, *self.entries[before:])
        return replace(self, entries=entries)

    def _with(self, place: int, ace: Ace) -> Dacl:
        entries = (*self.entries[:place], ace, *self.entries[place + 1 :])
        return replace(self, entries=entries)


def parse_dacl(sddl: str) -> Dacl:
    """Return the DACL of a security descriptor.

    Args:
        sddl: As SDDL, with or without owner, group and SACL.

    Raises:
        ValueError: It has none, or one with something in it that is not
            understood here.
    """
    found = _WHOLE.fullmatch(sddl.strip())
    if found is None:
        msg = f"{sddl!r} is no SDDL, or has entries that are not understood here"
        raise ValueError(msg)
    dacl = found["dacl"]
    if dacl is None:
        msg = f"{sddl!r} has no DACL: write D: and its entries"
        raise ValueError(msg)
    control, parenthesis, rest = dacl.partition("(")
    if not _CONTROL.fullmatch(control):
        msg = f"{control!r} in a DACL is not understood here"
        raise ValueError(msg)
    entries = re.findall(r"\([^()]*\)", parenthesis + rest)
    return Dacl(tuple(map(_parse_ace, entries)), control)


def dacl_of(sddl: str) -> str | None:
    """Return only the DACL's text of a security descriptor, whatever is in it.

    ``None``: it has none.
    """
    depth, start = 0, None
    for at, char in enumerate(sddl):
        depth += (char == "(") - (char == ")")
        if depth == 0 and sddl[at : at + 2] in ("O:", "G:", "D:", "S:"):
            if start is not None:
                return sddl[start:at]
            start = at if char == "D" else None
    return None if start is None else sddl[start:]


def same_dacl(one: str, other: str) -> bool:
    """Tell whether two DACLs say the same in the same order.

    A name that depends on the domain or the computer, such as ``DA``, is the same as
    a SID with its number at the end, of whichever domain.  Those with something that
    is not understood here are compared as they are.
    """
    try:
        first, second = parse_dacl(one).normal(), parse_dacl(other).normal()
    except ValueError:
        return dacl_of(one) == dacl_of(other)
    return (
        first.control == second.control
        and len(first.entries) == len(second.entries)
        and all(map(_is_same_entry, first.entries, second.entries))
    )


def _is_same_entry(one: Ace, other: Ace) -> bool:
    for name, sid in ((one.account, other.account), (other.account, one.account)):
        number = _RELATIVE.get(name)
        if number and sid.startswith("S-1-5-21-") and sid.endswith(f"-{number}"):
            return replace(one, account=sid) == replace(other, account=sid)
    return one == other


def format_rights(rights: int) -> str:
    """Return rights as SDDL has them, in letters if there are some for all."""
    if not rights or rights & ~_LETTERS_OF_ALL:
        return f"{rights:#x}"
    return "".join(text for text, bit in LETTERS.items() if rights & bit)


def parse_rights(text: str) -> int:
    """Return the mask of rights as SDDL has them: letters, or a number.

    Raises:
        ValueError: They are not understood here.
    """
    if re.fullmatch(r"0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*", text, re.IGNORECASE):
        octal = text.isdecimal() and text.startswith("0")
        rights = int(text, 8 if octal else 0)
        if rights < 1 << 32:
            return rights
    known = LETTERS | {letters: bit for letters, (bit, _) in _GENERIC.items()}
    rights = 0
    for pair in _pairs(text.upper()):
        if pair not in known:
            msg = f"the rights {text!r} are not understood here: write a number"
            raise ValueError(msg)
        rights |= known[pair]
    return rights


def _parse_ace(text: str) -> Ace:
    found = _ACE.fullmatch(text)
    if (
        found is None
        or found["kind"].upper() not in ("A", "D")
        or found["objects"] != ";"
        or not _FLAGS.fullmatch(found["flags"])
    ):
        msg = f"the entry {text} is not understood here"
        raise ValueError(msg)
    return Ace(
        found["kind"].upper() == "A",
        parse_rights(found["rights"]),
        found["account"].upper(),
        found["flags"].upper(),
    )


def _without_generic(rights: int) -> int:
    for bit, meaning in _GENERIC.values():
        if rights & bit:
            rights = rights & ~bit | meaning
    return rights


def _pairs(text: str) -> Iterable[str]:
    return [text[at : at + 2] for at in range(0, len(text), 2)]
