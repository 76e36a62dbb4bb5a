"""Runs inside a service's own Python: says what can be imported there.

That Python gets this file's text with ``-c``, so that nothing of the doctor's own
folder is on its path; it may be one without winsvc.  In JSON on its command line: the
folders to put first on the path, and the targets.  Its report is one line on stdout,
after MARK.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

MARK = "winsvc-doctor:"


def look(path: list[str], targets: list[str], is_script: bool) -> dict[str, Any]:
    """Import winsvc, its binary and the targets; return what came of it.

    Args:
        path: Folders to put first on ``sys.path``.
        targets: ``module:Class``, or files.
        is_script: Whether they are scripts that call ``winsvc.main`` themselves.
    """
    report: dict[str, Any] = {
        "python": sys.version.split()[0],
        "prefix": sys.prefix,
        "base": sys.base_prefix,
        "path": [each for each in sys.path if each],
        "targets": {},
    }
    sys.path[:0] = path
    try:
        import winsvc
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the answer
        report["winsvc_error"] = describe(error)
        return report
    report["winsvc"] = winsvc.__version__
    report["folder"] = os.path.dirname(winsvc.__file__)
    try:
        from winsvc._native import require_core

        require_core("look at it")
    except ImportError as error:
        report["core_error"] = describe(error.__cause__ or error)
    except OSError:  # not Windows, which has no such binary
        report["core"] = None
    for target in targets:
        report["targets"][target] = _load(target, is_script)
    return report


def describe(error: BaseException) -> dict[str, Any]:
    """Return what an exception is, and where in the service's code it was raised."""
    found: dict[str, Any] = {
        "type": type(error).__name__,
        "text": " ".join(str(error).split()),
        "module": getattr(error, "name", None),
    }
    if isinstance(error, SyntaxError):
        found.update(text=error.msg, file=error.filename, line=error.lineno)
        return found
    ours = os.path.dirname(getattr(sys.modules.get("winsvc"), "__file__", "") or "-")
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith((ours, "<")):
            found.update(file=frame.filename, line=frame.lineno)
    return found


def _load(target: str, is_script: bool) -> dict[str, Any] | None:
    """Import a target; return what went wrong."""
    try:
        from winsvc.target import load_target, parse_target

        load_target(parse_target(target))
    except TypeError as error:
        # A script may have several classes, or make them when it is run.
        return None if is_script else describe(error)
    except BaseException as error:  # noqa: BLE001 - the user's code may raise any
        return describe(error)
    return None


def main() -> None:
    """Look, and say so on stdout, which nobody else can write to meanwhile."""
    path, targets, is_script = json.loads(sys.argv[1])
    answer = os.dup(1)
    os.dup2(2, 1)
    line = MARK + json.dumps(look(path, targets, is_script)) + "\n"
    os.write(answer, line.encode("ascii"))
    os._exit(0)  # not its atexit functions, nor its threads


if __name__ == "__main__":
    main()
