"""The privileges that Windows has, by their names ("Privilege Constants")."""

from __future__ import annotations

import difflib

_WORDS = """
AssignPrimaryToken Audit Backup ChangeNotify CreateGlobal CreatePagefile
CreatePermanent CreateSymbolicLink CreateToken Debug DelegateSessionUserImpersonate
EnableDelegation Impersonate IncreaseBasePriority IncreaseQuota IncreaseWorkingSet
LoadDriver LockMemory MachineAccount ManageVolume ProfileSingleProcess Relabel
RemoteShutdown Restore Security Shutdown SyncAgent SystemEnvironment SystemProfile
Systemtime TakeOwnership Tcb TimeZone TrustedCredManAccess Undock UnsolicitedInput
"""
PRIVILEGES = tuple(f"Se{word}Privilege" for word in _WORDS.split())
_BY_CAPITALS = {name.upper(): name for name in PRIVILEGES}


def normalize_privilege(name: str) -> str:
    """Return a privilege's name as Windows writes it, in whatever case it came."""
    return _BY_CAPITALS.get(name.upper(), name)


def problem_of_privilege(name: str) -> str | None:
    """Return what is wrong with the name of a privilege, or None."""
    if name in PRIVILEGES:
        return None
    # What they all have would make them all alike.
    words = {name[2:-9].upper(): name for name in PRIVILEGES}
    word = name.upper().removeprefix("SE").removesuffix("PRIVILEGE")
    near = difflib.get_close_matches(word, words, 1)
    instead = words[near[0]] if near else "SeBackupPrivilege, say"
    return f"have {name!r}, which is none; privileges are named like {instead}"
