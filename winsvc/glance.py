"""``status NAME`` at a glance: what is there before the rest could be imported.

A monitor asks for it every few seconds, so that Python's own start should be most
of the cost.  Plain words alone are understood here, plain answers given: all else
is the full command's, which takes its texts from here.
"""

import os
import sys

from winsvc import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from winsvc._interfaces import Managing, StatusTuple

    Plain: TypeAlias = "str | int | float | Sequence[Plain] | Mapping[str, Plain]"

NO_SCM = (
    "winsvc: there is no SCM on this system; "
    "run `debug` or `demo`, which bring a simulated one"
)

# As in winsvc.states, whose import would cost more than the whole rest.
_STATES = (
    "NOT_READY",
    "STOPPED",
    "START_PENDING",
    "STOP_PENDING",
    "RUNNING",
    "CONTINUE_PENDING",
    "PAUSE_PENDING",
    "PAUSED",
)
_FAILURES = {
    64001: ("IMPORT", "its code could not be imported, or is no service"),
    64002: ("START", "on_start raised an exception"),
    64003: ("RUN", "run raised an exception"),
    64004: ("HANDLER", "the handler of a control raised an exception"),
    64005: ("STOP", "on_stop or on_shutdown raised an exception"),
    64006: ("DEADLINE", "starting or stopping took too long"),
}
_SPECIFIC = 1066
_STOPPED = 1
_PENDING = (2, 3, 5, 6)
_ACCEPTS = (
    (0x0001, "STOP"),
    (0x0002, "PAUSE_CONTINUE"),
    (0x0004, "SHUTDOWN"),
    (0x0008, "PARAMCHANGE"),
    (0x0010, "NETBINDCHANGE"),
    (0x0020, "HARDWAREPROFILECHANGE"),
    (0x0040, "POWEREVENT"),
    (0x0080, "SESSIONCHANGE"),
    (0x0100, "PRESHUTDOWN"),
    (0x0200, "TIMECHANGE"),
    (0x0400, "TRIGGEREVENT"),
    (0x0800, "USERMODEREBOOT"),
    (0x2000, "LOWRESOURCES"),
    (0x4000, "SYSTEMLOWRESOURCES"),
)
# Access rights, likewise: SC_MANAGER_CONNECT and SERVICE_QUERY_STATUS.
_CONNECT, _QUERY_STATUS = 0x1, 0x4


def glance(words: "Sequence[str]") -> int | None:
    """Answer ``status NAME [--json]``; return the exit code.

    Args:
        words: The command line's.

    Returns:
        ``None``: nothing was told, and the full command is to answer.
    """
    as_json = list(words[2:]) == ["--json"]
    if len(words) != 2 + as_json or words[0] != "status" or not _is_plain(words[1]):
        return None
    if os.name != "nt":
        if as_json:
            return None
        if sys.stderr is not None:  # print would take standard output instead
            print(NO_SCM, file=sys.stderr)
        return 1
    from winsvc._native import require_core

    text = look(require_core("open the SCM"), words[1], as_json=as_json)
    if text is None:
        return None
    try:
        print(text, flush=True)
    except OSError:  # the full command says it
        return None
    return 0


def look(core: "Managing", name: str, *, as_json: bool) -> str | None:
    """Return what the SCM says of a service; ``None``: it refuses, or is odd."""
    try:
        manager = core.manager_open(None, _CONNECT)
        status = core.service_status(core.service_open(manager, name, _QUERY_STATUS))
    except OSError:
        return None
    if as_json:
        return to_json({"services": [fields(name, status)]})
    return describe(name, status)


def _is_plain(name: str) -> bool:
    """Tell whether a name is no option, and is the same in every encoding."""
    odd = '"' in name or "\\" in name
    return name.isascii() and name.isprintable() and name[:1] not in "-" and not odd


# --- the answer, the full command's too --------------------------------------------


def state_name(state: int) -> str:
    """Return the name of a state, known or not."""
    return _STATES[state] if 0 <= state < len(_STATES) else f"UNKNOWN_{state}"


def sentence(name: str, status: "StatusTuple") -> str:
    """Return what a service is."""
    _, state, _, exit_code, specific, checkpoint, hint, _ = status
    text = f"{name} is {state_name(state)}"
    if state in _PENDING:
        return f"{text}: {describe_pending(checkpoint, hint / 1000)}"
    if state == _STOPPED and exit_code:
        return f"{text}: {describe_exit(exit_code, specific)}"
    return text


def describe(name: str, status: "StatusTuple") -> str:
    """Return the same, with its process and what it accepts."""
    text = sentence(name, status)
    if status[1] == _STOPPED:
        return text
    accepts = ", ".join(_names(status[2])) or "nothing"
    return f"{text}\n  process  {status[7]}\n  accepts  {accepts}"


def describe_exit(exit_code: int, specific: int) -> str:
    """Return what a service stopped with, as a phrase."""
    if exit_code == _SPECIFIC:
        return f"exit code 1066, specific code {describe_specific(specific)}"
    return f"exit code {describe_code(exit_code)}"


def describe_code(code: int) -> str:
    """Return a Windows exit code with its name and meaning."""
    if code == 0:
        return "0"
    from winsvc.codes import ERRORS

    if code not in ERRORS:
        from winsvc.errors import describe

        return f"{code} ({describe(code).meaning})"
    name, meaning, _ = ERRORS[code]
    return f"{code} {name} ({meaning})"


def describe_specific(code: int) -> str:
    """Return a service's own exit code, with its meaning if it is one of ours."""
    if code not in _FAILURES:
        return str(code)
    name, meaning = _FAILURES[code]
    return f"{code} {name} ({meaning})"


def describe_pending(checkpoint: int, wait_hint: float) -> str:
    """Return how far a pending service is."""
    return f"checkpoint {checkpoint}, next within {wait_hint:g} s"


def fields(name: str, status: "StatusTuple") -> "dict[str, Plain]":
    """Return a service's status as ``--json`` shows it (docs/command-line.md)."""
    _, state, accepts, exit_code, specific, checkpoint, hint, pid = status
    return {
        "name": name,
        "state": state_name(state),
        "pid": pid,
        "accepts": _names(accepts),
        "exit_code": exit_code,
        "service_exit_code": specific,
        "checkpoint": checkpoint,
        "wait_hint": hint / 1000,
    }


def to_json(value: "Plain") -> str:
    """Return what ``json.dumps`` does, for texts that need no escape."""
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        members = [f'"{key}": {to_json(each)}' for key, each in value.items()]
        return f"{{{', '.join(members)}}}"
    return f"[{', '.join(map(to_json, value))}]"


def _names(accepts: int) -> list[str]:
    return [name for bit, name in _ACCEPTS if accepts & bit]
