"""Which paths can be no log file's."""

from __future__ import annotations

import ntpath
import os
from collections.abc import Callable

_NUMBERS = "123456789\N{SUPERSCRIPT ONE}\N{SUPERSCRIPT TWO}\N{SUPERSCRIPT THREE}"
# learn.microsoft.com/windows/win32/fileio/naming-a-file: with any extension too.
_DEVICES = frozenset({"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"}) | {
    port + number for port in ("COM", "LPT") for number in _NUMBERS
}
_NOWHERE = frozenset('<>"|?*') | {chr(code) for code in range(32)}


def trouble_with(path: str, is_folder: Callable[[str], bool] = os.path.isdir) -> str:
    """Return why no log can be at a path; empty if its name does not forbid it.

    Args:
        path: As ``--log-file`` has it, by Windows's rules on every system.
        is_folder: Tells whether there is such a folder.
    """
    name = path.replace("/", "\\")
    device = ntpath.basename(name).partition(".")[0].partition(":")[0].rstrip()
    if name.startswith("\\\\.\\") or device.upper() in _DEVICES:
        return "it is the name of a device, and what is written there is lost"
    beyond = set(name.removeprefix("\\\\?\\")) & _NOWHERE
    if beyond:
        return f"no file of Windows has {min(beyond)!r} in its name"
    if name.endswith("\\") or is_folder(path):
        return "it is a folder"
    return ""
