"""The check whether its program is a service's: whether it ever connects to the SCM."""

from __future__ import annotations

from collections.abc import Iterator

from winsvc.doctor.facts import Facts
from winsvc.doctor.findings import Verdict, check, note, passed, problem, unchecked
from winsvc.shared import misfit
from winsvc.states import ServiceType, State
from winsvc.winerror import ERROR_SERVICE_REQUEST_TIMEOUT, ERROR_SERVICE_SPECIFIC_ERROR

_NOT_CONNECTED = 7009  # an event of the SCM
_REMEDY = "`install` a service's code; the Task Scheduler starts what is no service"


@check("hosting", "its command is winsvc's host, which connects to the SCM", "config")
def hosting(facts: Facts) -> Iterator[Verdict]:
    """1053 (A-41, A-42): who never calls StartServiceCtrlDispatcher."""
    line = facts.command
    if line.kind == "host":
        if not line.targets:
            yield problem(
                f"its command line does not say what to host (1053): {line.line}",
                "`install` it again",
            )
        elif wrong := _misfit(facts):
            yield problem(f"its command {wrong}", "`install` it again")
    elif _has_connected(facts):
        yield passed("its program has connected to the SCM since the last boot")
    elif line.kind == "pywin32":
        yield passed("its program is pywin32's, which connects to the SCM")
    elif facts.service_word is None:
        reason = facts.unknown.get("files", f"not looked into: {line.line}")
        yield unchecked(f"whether it connects to the SCM: {reason}")
    elif facts.service_word:
        file = line.targets[0] if line.kind == "script" else line.program
        yield passed(f"{file} has the word {facts.service_word}, as services have")
    else:
        yield _no_service(facts)


def _misfit(facts: Facts) -> str | None:
    words = (facts.command.program, *facts.command.words)
    kind = facts.config.service_type or ServiceType.OWN_PROCESS
    return misfit(facts.name, words, kind)


def _no_service(facts: Facts) -> Verdict:
    line = facts.command
    file = line.targets[0] if line.kind == "script" else line.program
    what = (
        f"it is no command of winsvc's host, and nothing in {file} shows that it is a "
        "service's"
    )
    if _has_timed_out(facts):
        return problem(f"{what}: its start has failed (1053)", _REMEDY)
    why = "if it never calls StartServiceCtrlDispatcher its start fails (1053)"
    return note(f"{what}: {why}", _REMEDY)


def _has_connected(facts: Facts) -> bool:
    status = facts.status
    if status.state is State.STOPPED:
        return status.exit_code in (0, ERROR_SERVICE_SPECIFIC_ERROR)
    return status.state is not State.START_PENDING


def _has_timed_out(facts: Facts) -> bool:
    newest = [each.event_id for each in facts.events[:2]]  # 7000 goes with it
    return (
        facts.status.exit_code == ERROR_SERVICE_REQUEST_TIMEOUT
        or _NOT_CONNECTED in newest
    )
