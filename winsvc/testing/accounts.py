"""The SIDs of the accounts that every Windows has."""

from __future__ import annotations

from collections.abc import Mapping

from winsvc.settings.accounts import normalize_account, service_sid
from winsvc.testing.records import refusal
from winsvc.winerror import ERROR_NONE_MAPPED

_KNOWN = {
    "LOCALSYSTEM": "S-1-5-18",
    "NT AUTHORITY\\LOCALSERVICE": "S-1-5-19",
    "NT AUTHORITY\\NETWORKSERVICE": "S-1-5-20",
    "NT AUTHORITY\\AUTHENTICATED USERS": "S-1-5-11",
    "NT AUTHORITY\\INTERACTIVE": "S-1-5-4",
    "EVERYONE": "S-1-1-0",
    "BUILTIN\\ADMINISTRATORS": "S-1-5-32-544",
    "BUILTIN\\USERS": "S-1-5-32-545",
}
_SERVICE = "NT SERVICE\\"


def sid_of(account: str, users: Mapping[str, str]) -> str:
    """Return an account's SID.

    Args:
        account: Its name.
        users: SIDs by names, besides those that every system has.

    Raises:
        OSError: There is no such account (1332).
    """
    name = normalize_account(account).upper()
    if name.startswith(_SERVICE):
        return service_sid(name.removeprefix(_SERVICE))
    known = _KNOWN | {user.upper(): sid for user, sid in users.items()}
    for full, sid in known.items():
        if name in (full, full.rpartition("\\")[2]):
            return sid
    raise refusal(ERROR_NONE_MAPPED, "look up an account")
