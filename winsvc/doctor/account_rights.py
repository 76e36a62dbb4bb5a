"""What the service's account may do with a file, as far as its DACL tells."""

from __future__ import annotations

from winsvc.doctor import acl
from winsvc.doctor.facts import Facts

_BUILT_IN = (acl.SIDS["SY"], acl.SIDS["LS"], acl.SIDS["NS"])
_OF_SYSTEM = ("WD", "AU", "BA")
_OF_ALL = ("WD", "AU", "BU", "SU")
_VIRTUAL, _ALL_SERVICES = "S-1-5-80-", "S-1-5-80-0"


def rights_unknown(facts: Facts, *groups: str) -> str:
    """Return why the account's rights cannot be told; empty if they can.

    Args:
        facts: Of the service.
        groups: The groups of facts, besides the account's, that are needed.
    """
    for group in ("account", *groups):
        if group in facts.unknown:
            return facts.unknown[group]
    return "" if facts.account_sid else "there is no such account"


def account_rights(sddl: str, facts: Facts) -> int:
    """Return the rights that the account has by itself and the groups all are in."""
    sid = facts.account_sid or ""
    groups = _OF_SYSTEM if sid == acl.SIDS["SY"] else _OF_ALL
    sids = {sid, *(acl.SIDS[each] for each in groups)}
    if sid.startswith(_VIRTUAL):
        sids.add(_ALL_SERVICES)
    return acl.allowed(sddl, sids)


def has_known_groups(facts: Facts) -> bool:
    """Tell whether all groups of the account are known: of built-in ones."""
    sid = facts.account_sid or ""
    return sid in _BUILT_IN or sid.startswith(_VIRTUAL)
