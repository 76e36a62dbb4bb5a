"""The accounts that services run as: their names, and which have a password."""

from __future__ import annotations

import hashlib
import struct

LOCAL_SYSTEM = "LocalSystem"
LOCAL_SERVICE = r"NT AUTHORITY\LocalService"
NETWORK_SERVICE = r"NT AUTHORITY\NetworkService"

_AUTHORITY = "nt authority\\"
_VIRTUAL = "nt service\\"
# In lower case, without NT AUTHORITY\ and blanks.
_BUILT_IN = {
    "localsystem": LOCAL_SYSTEM,
    "system": LOCAL_SYSTEM,
    "localservice": LOCAL_SERVICE,
    "networkservice": NETWORK_SERVICE,
}


def virtual_account(service: str) -> str:
    r"""Return the name of a service's own account, ``NT SERVICE\service`` (E-18)."""
    return f"NT SERVICE\\{service}"


def normalize_account(account: str) -> str:
    r"""Return an account's name as the SCM keeps it (E-18).

    Args:
        account: In any case and with or without its authority: ``LocalService``,
            ``NT AUTHORITY\Local Service``, ``.\LocalSystem``, ``NT SERVICE\name``.

    Returns:
        ``LocalSystem``, ``NT AUTHORITY\LocalService``, ``NT SERVICE\name`` …; a
        user's name is returned as it is.
    """
    short = account.lower().replace(" ", "")
    for prefix in (_AUTHORITY.replace(" ", ""), ".\\"):
        short = short.removeprefix(prefix)
    if short in _BUILT_IN:
        return _BUILT_IN[short]
    if account.lower().startswith(_VIRTUAL):
        return virtual_account(account[len(_VIRTUAL) :])
    return account


def takes_password(account: str) -> bool:
    r"""Return whether the SCM wants a password for an account (E-18).

    The built-in accounts, the services' own (``NT SERVICE\name``) and managed ones
    (``DOMAIN\name$``) have none that anybody knows.
    """
    return needs_logon_right(account) and not account.endswith("$")


def needs_logon_right(account: str) -> bool:
    r"""Return whether an account logs on by a right that it must be given (E-15).

    Users and managed accounts do; the built-in accounts and the services' own
    (``NT SERVICE\name``) have it by themselves.
    """
    name = normalize_account(account)
    return name != LOCAL_SYSTEM and not name.lower().startswith((_AUTHORITY, _VIRTUAL))


def service_sid(name: str) -> str:
    r"""Return the SID of ``NT SERVICE\name`` (E.10)."""
    text = name.upper().encode("utf-16-le", "surrogatepass")
    digest = hashlib.sha1(text, usedforsecurity=False)  # as Windows defines it
    numbers = struct.unpack("<5L", digest.digest())
    return "S-1-5-80-" + "-".join(map(str, numbers))
