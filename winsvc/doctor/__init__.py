"""Why does this service not work?  Gather facts, check them, say what to do.

``gather`` asks the SCM, the registry, the file system, the event log and the service's
own Python, once; the checks are pure functions of what it finds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from winsvc.doctor import code_checks, scm_checks
from winsvc.doctor.findings import NOT_CHECKED, Finding, run_checks
from winsvc.doctor.gather import Gatherer
from winsvc.doctor.system import System, Windows

if TYPE_CHECKING:
    from winsvc.manage.manager import ServiceManager

__all__ = ["Finding", "diagnose", "render"]

_CHECKS = (*scm_checks.CHECKS, *code_checks.CHECKS)


def diagnose(
    manager: ServiceManager,
    name: str,
    *,
    import_target: bool | None = None,
    system: System | None = None,
) -> tuple[Finding, ...]:
    """Return what is wrong with a service, the worst first.

    Nothing is changed.  What cannot be looked at, for want of a right or because it is
    on another computer, is a note that says so.

    Args:
        manager: The SCM that has it.
        name: Key name.
        import_target: Whether to import the service's code, in its own Python, as
            the present user; ``None``: if nobody but administrators and the present
            user may change that code, since it runs with their rights.
        system: What is asked about this computer; default: Windows.

    Raises:
        ServiceNotFound: There is no such service.
        ServiceError: Its status may not be read.

    Blocks for as long as all of that takes, a minute at most for the import.
    """
    source = system or _system_of(manager)
    facts = Gatherer(manager, name, source, import_target).gather()
    return run_checks(_CHECKS, facts)


def render(findings: Iterable[Finding]) -> str:
    """Return findings as text: each with its remedy, then how many checks passed."""
    return "\n".join(_lines(findings))


def _system_of(manager: ServiceManager) -> System | str:
    machine = manager._backend.machine  # noqa: SLF001 - one package
    if machine is not None:
        return f"it is on {machine}: run `doctor` there"
    if sys.platform != "win32":
        return "this is not Windows"
    return Windows()


def _lines(findings: Iterable[Finding]) -> Iterator[str]:
    passed = 0
    left_out: dict[str, list[str]] = {}  # by the reason, which many checks share
    for each in findings:
        if each.severity == "ok":
            passed += 1
            continue
        if each.what.startswith(NOT_CHECKED):
            reason = each.what.removeprefix(NOT_CHECKED)
            left_out.setdefault(reason, []).append(each.check)
            continue
        yield f"{each.severity.upper()} {each.check}: {each.what}"
        if each.remedy is not None:
            yield f"    -> {each.remedy}"
    for reason, checks in left_out.items():
        yield f"NOTE not checked: {', '.join(checks)}: {reason}"
    yield f"{passed} checks passed" if passed != 1 else "1 check passed"
