"""What the doctor finds out about a service's log file."""

from __future__ import annotations

import ntpath
from typing import Any

from winsvc.doctor.system import System
from winsvc.log_names import trouble_with
from winsvc.log_reader import last_error

_TAIL = 64 * 1024


def log_facts(system: System, path: str) -> dict[str, Any]:
    """Return the facts about a log file, without its rights, by their names.

    Raises:
        OSError: It cannot be read.
    """
    found: dict[str, Any] = {
        "log_file": path,
        "log_trouble": trouble_with(path, system.is_folder),
        "has_log_folder": system.is_folder(ntpath.dirname(path)),
        "has_log_file": system.is_file(path),
    }
    if found["has_log_file"] and not found["log_trouble"]:
        tail = system.read(path, _TAIL, from_end=True)
        found["last_error"] = last_error(tail.decode("utf-8", "replace"))
    return found
