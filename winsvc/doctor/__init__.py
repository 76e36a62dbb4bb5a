"""Why does this service not work?  Gather facts, check them, say what to do.

``gather`` asks the SCM, the registry, the file system, the event log and the service's
own Python, once; the checks are pure functions of what it finds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from winsvc.doctor import code_checks, scm_checks
from winsvc.doctor.findings import SEVERITIES, Finding, run_checks
from winsvc.doctor.gather import Gatherer
from winsvc.doctor.hosting_check import hosting
from winsvc.doctor.log_check import log
from winsvc.doctor.system import System, Windows

if TYPE_CHECKING:
    from winsvc.manage.manager import ServiceManager

__all__ = ["Finding", "diagnose", "render"]

_ALARMS = ("problem", "warning", "note")
CHECKS = (*scm_checks.CHECKS, hosting, *code_checks.CHECKS, log)
"""All of them, in the order of docs/troubleshooting.md."""


def diagnose(
    manager: ServiceManager,
    name: str,
    *,
    import_target: bool | None = None,
    system: System | None = None,
) -> tuple[Finding, ...]:
    """Return what is wrong with a service, the worst first.

    Nothing is changed.  What cannot be looked at, for want of a right or because it is
    on another computer, is said to be ``not checked``, and why.

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
    return run_checks(CHECKS, facts)


def render(findings: Iterable[Finding], *, verbose: bool = False) -> str:
    """Return findings as text: each with its remedy, then how many of each kind.

    Args:
        findings: The worst first.
        verbose: Show those too that are ok, or that do not apply.
    """
    return "\n".join(_lines(tuple(findings), verbose))


def _system_of(manager: ServiceManager) -> System | str:
    machine = manager._backend.machine  # noqa: SLF001 - one package
    if machine is not None:
        return f"it is on {machine}: run `doctor` there"
    if sys.platform != "win32":
        return "this is not Windows"
    return Windows()


def _lines(findings: tuple[Finding, ...], verbose: bool) -> Iterator[str]:
    left_out: dict[str, list[str]] = {}  # by the reason, which many checks share
    for each in findings:
        if each.severity in _ALARMS:
            yield f"{each.severity.upper()} {each.check}: {each.what}"
            if each.remedy is not None:
                yield f"    -> {each.remedy}"
        elif each.severity == "not checked":
            left_out.setdefault(each.what, []).append(each.check)
    for reason, checks in left_out.items():
        yield f"NOT CHECKED {', '.join(checks)}: {reason}"
    checks_by = {
        severity: {each.check for each in findings if each.severity == severity}
        for severity in SEVERITIES
    }
    passed, not_done, not_needed = (
        len(checks_by[severity]) for severity in ("ok", "not checked", "does not apply")
    )
    line = "1 check passed" if passed == 1 else f"{passed} checks passed"
    line += f", {not_done} not done" if not_done else ""
    yield line + (f", {not_needed} not needed" if not_needed else "")
    if verbose:
        for each in findings:
            if each.severity in ("ok", "does not apply"):
                yield f"{each.severity} {each.check}: {each.what}"
