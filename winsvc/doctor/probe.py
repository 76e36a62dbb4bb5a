"""Import a service's target as the service would: its Python, its variables."""

from __future__ import annotations

import json
import ntpath
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from winsvc.doctor.command import Command
from winsvc.doctor.facts import Probe
from winsvc.doctor.inside import MARK
from winsvc.settings.accounts import LOCAL_SERVICE, LOCAL_SYSTEM, NETWORK_SERVICE

TIMEOUT = 60.0
_TAIL = 2000

# What Windows gives every process, whoever it runs as.
_SYSTEM_VARIABLES = (
    "ALLUSERSPROFILE",
    "COMMONPROGRAMFILES",
    "COMMONPROGRAMFILES(X86)",
    "COMMONPROGRAMW6432",
    "COMPUTERNAME",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "PROGRAMFILES(X86)",
    "PROGRAMW6432",
    "PUBLIC",
    "SYSTEMDRIVE",
    "SYSTEMROOT",
)
_PROFILES = {
    LOCAL_SYSTEM: r"System32\config\systemprofile",
    LOCAL_SERVICE: r"ServiceProfiles\LocalService",
    NETWORK_SERVICE: r"ServiceProfiles\NetworkService",
}


class Ended(NamedTuple):
    """A process that has ended, or was ended."""

    exit_code: int | None
    output: bytes
    errors: bytes
    seconds: float


Run = Callable[[Sequence[str], Mapping[str, str], str, float], Ended]
"""Runs (command, environment, folder, seconds) to its end, without a terminal."""


def service_variables(
    machine: Mapping[str, str],
    own: Mapping[str, str],
    mine: Mapping[str, str],
    account: str,
) -> dict[str, str]:
    """Return the variables that a service's process has, as far as is known.

    Args:
        machine: The system's, from the registry (E-76).
        own: The service's (E-75).
        mine: This process's, for what Windows gives all.
        account: The service's account: nothing of the present user's profile is
            left in, since the service has its own.
    """
    found = {
        name.upper(): value
        for name, value in mine.items()
        if name.upper() in _SYSTEM_VARIABLES
    }
    found |= {name.upper(): value for name, value in machine.items()}
    root = found.get("SYSTEMROOT", r"C:\Windows")
    if account in _PROFILES:
        profile = ntpath.join(root, _PROFILES[account])
        found["USERPROFILE"] = profile
        found["APPDATA"] = ntpath.join(profile, r"AppData\Roaming")
        found["LOCALAPPDATA"] = ntpath.join(profile, r"AppData\Local")
    return found | {name.upper(): value for name, value in own.items()}


def import_targets(
    command: Command,
    variables: Mapping[str, str],
    run: Run,
    timeout: float = TIMEOUT,
    *,
    user_site: bool = False,
) -> Probe:
    """Run the service's Python and have it import what the service is.

    The services' classes are not made instances of; the modules' own code runs.
    Blocks for ``timeout`` seconds at most.

    Args:
        command: The service's command line.
        variables: What the process starts with.
        run: Runs a program.
        timeout: Seconds, after which it is ended.
        user_site: Whether what the service's account has installed for itself may be
            imported: that account can write there, and this runs as another one.

    Raises:
        OSError: The program cannot be run.
    """
    path, targets = list(command.path), list(command.targets)
    is_script = command.kind == "script"
    words = json.dumps([path, targets, is_script])
    flags = list(command.flags)
    if not user_site:
        flags.append("-s")
    if is_script:
        flags.append("-P")  # load_target puts the script's own folder there
    code = Path(__file__).with_name("inside.py").read_text(encoding="utf-8")
    folder = ntpath.join(variables.get("SYSTEMROOT", r"C:\Windows"), "System32")
    ended = run(
        [command.program, *flags, "-c", code, words], variables, folder, timeout
    )
    report = None
    for line in ended.output.decode("ascii", "replace").splitlines():
        if line.startswith(MARK):
            report = json.loads(line.removeprefix(MARK))
    return Probe(
        report=report,
        exit_code=ended.exit_code,
        output=ended.errors[-_TAIL:].decode("utf-8", "replace").strip(),
        seconds=ended.seconds,
    )
