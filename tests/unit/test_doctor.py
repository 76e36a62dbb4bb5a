"""The doctor's checks, each on facts made by hand: the healthy case and the sick."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import winsvc
from winsvc.doctor import CHECKS, Finding, render, scm_checks
from winsvc.doctor.acl import SIDS
from winsvc.doctor.command import read_command
from winsvc.doctor.facts import Dependency, Facts, Place, Probe, ScmEvent, Venv
from winsvc.doctor.findings import SEVERITIES, run_checks
from winsvc.doctor.pe import AMD64, ARM64, I386
from winsvc.manage.status import ServiceStatus
from winsvc.settings.config import ServiceConfig
from winsvc.settings.values import ActionKind, FailureAction, FailureActions
from winsvc.states import ServiceType, StartType, State

PYTHON = r"C:\Program Files\Python\python.exe"
ALARMS = ("problem", "warning", "note")
FILE = r"C:\Program Files\Clock\clock.py"
LINE = rf'"{PYTHON}" -P -m winsvc host --log-file C:\Logs\clock.log "{FILE}:Clock"'
SAFE = "O:SYD:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;BU)"
ME, SOMEBODY = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"
WRITABLE = SAFE + "(A;OICI;0x1301bf;;;AU)"
PRIVATE = f"O:{ME}D:PAI(A;;FA;;;SY)(A;;FA;;;{ME})"
RESTART = FailureActions(actions=(FailureAction(ActionKind.RESTART, 5.0),))
REPORT = {"winsvc": winsvc.__version__, "targets": {f"{FILE}:Clock": None}}
CONFIG: dict[str, Any] = {
    "name": "Clock",
    "start_type": StartType.AUTO,
    "service_type": ServiceType.OWN_PROCESS,
    "account": "LocalSystem",
    "dependencies": (),
    "failure_actions": RESTART,
    "failure_actions_on_error": True,
}


def status(state: State = State.RUNNING, *codes: int) -> ServiceStatus:
    """Return a status: state, exit code, its own exit code."""
    exit_code, own = (*codes, 0, 0)[:2]
    return ServiceStatus.from_tuple((16, state, 1, exit_code, own, 0, 0, 8))


def place(role: str, path: str, **more: Any) -> Place:
    """Return a place that only administrators may change."""
    return Place(**{"role": role, "path": path, "security": SAFE, **more})


PLACES = (
    place("the interpreter", PYTHON),
    place("its folder", r"C:\Program Files\Python", is_folder=True),
    place("the service's file", FILE),
)


def facts(config: dict[str, Any] | None = None, **changes: Any) -> Facts:
    """Return the facts of a healthy service, some of them changed."""
    given: dict[str, Any] = {
        "name": "Clock",
        "status": status(),
        "config": ServiceConfig.unchecked(**(CONFIG | (config or {}))),
        "command": read_command(LINE, LINE),
        "machine": AMD64,
        "system_machine": AMD64,
        "places": PLACES,
        "log_file": r"C:\Logs\clock.log",
        "log_security": "O:SYD:(A;;FA;;;WD)",
        "probe": Probe(report=REPORT),
        "account_sid": SIDS["SY"],
        "my_sid": ME,
        "message_file": r"C:\Program Files\Python\core.pyd",
    }
    return Facts(**(given | changes))


def found(given: Facts) -> list[Finding]:
    """Return what is worth telling."""
    return [each for each in run_checks(CHECKS, given) if each.severity in ALARMS]


def said(given: Facts, check: str) -> list[tuple[str, str]]:
    """Return the severities and words of one check."""
    findings = run_checks(CHECKS, given)
    return [(each.severity, each.what) for each in findings if each.check == check]


def imported(error: dict[str, Any]) -> Probe:
    """Return the probe of a target that raised."""
    return Probe(report=REPORT | {"targets": {f"{FILE}:Clock": error}})


def located(index: int, **more: Any) -> tuple[Place, ...]:
    """Return the places, one of them changed."""
    changed = list(PLACES)
    changed[index] = dataclasses.replace(PLACES[index], **more)
    return tuple(changed)


def event(event_id: int, message: str = "it\n failed") -> ScmEvent:
    """Return an event of the SCM's."""
    when = datetime(2026, 11, 23, 12, tzinfo=UTC)
    return ScmEvent(event_id=event_id, when=when, message=message)


def command(line: str, *exists: str) -> dict[str, Any]:
    """Return the facts of another command line."""
    return {"command": read_command(line, line, exists)}


def stranger(line: str, exit_code: int, **more: Any) -> Facts:
    """Return the facts of a command that is not winsvc's host."""
    return facts(
        **command(line) | {"service_word": "", "probe": None, "log_file": ""} | more,
        status=status(State.STOPPED, exit_code),
    )


def test_healthy_service_has_no_finding() -> None:
    """Nothing but checks that have passed, each named once, or are not needed."""
    findings = run_checks(CHECKS, facts())

    assert {each.check for each in findings if each.severity != "ok"} == NOT_NEEDED
    assert {each.check for each in findings} == {each.name for each in CHECKS}
    assert all(each.what and each.remedy is None for each in findings)


NOT_NEEDED = {"shared account", "dependencies", "environment"}
"""What the healthy one has none of."""
MODULE = {
    "type": "ModuleNotFoundError",
    "text": "No module named 'requests'",
    "module": "requests.adapters",
    "file": FILE,
    "line": 3,
}
SYNTAX = {"type": "SyntaxError", "text": "invalid syntax", "file": FILE, "line": 7}
DLL = {
    "type": "ImportError",
    "text": "DLL load failed while importing _ssl: The specified module could not …",
    "module": "_ssl",
}
OLD_PATH = r"C:\My Services\python.exe -m winsvc host --log-file C:\Logs\x.log m:C"
LOGON = (event(7000), event(7038))

# What is changed in a healthy service: check, severity, part of what is said, part of
# the remedy, the facts.
SICK: dict[str, tuple[str, str, str, str, Facts]] = {
    "marked for deletion (E-32)": (
        *("deletion", "problem", "1072", "services.msc"),
        facts(is_deleted=True),
    ),
    "never started (A-61)": (
        *("state", "note", "1077", "`start Clock`"),
        facts(status=status(State.STOPPED, 1077)),
    ),
    "pending": (
        *("state", "note", "START_PENDING", "its log"),
        facts(status=status(State.START_PENDING)),
    ),
    "import failed (B-8)": (
        *("state", "problem", "could not be imported, or is no service", "clock.log"),
        facts(status=status(State.STOPPED, 1066, 64001)),
    ),
    "on_start raised (B-8)": (
        *("state", "problem", "64002 START", "clock.log"),
        facts(status=status(State.STOPPED, 1066, 64002)),
    ),
    "its own code (B-8)": (
        *("state", "problem", "own exit code 9", "clock.log"),
        facts(status=status(State.STOPPED, 1066, 9)),
    ),
    "its own code, no log known": (
        *("state", "problem", "own exit code 9", "`debug`"),
        facts(status=status(State.STOPPED, 1066, 9), log_file=""),
    ),
    "process died (E-51)": (
        *("state", "problem", "1067", "clock.log"),
        facts(status=status(State.STOPPED, 1067)),
    ),
    "a Windows code": (
        *("state", "problem", "1053 ERROR_SERVICE_REQUEST_TIMEOUT", "`debug`"),
        facts(status=status(State.STOPPED, 1053)),
    ),
    "disabled": (
        *("start type", "problem", "1058", "--start-type manual"),
        facts({"start_type": StartType.DISABLED}),
    ),
    "no such account (E-15)": (
        *("account", "problem", r"no account .\gone (1057", r".\user"),
        facts({"account": r".\gone"}, account_sid=None),
    ),
    "another's virtual account (E-18)": (
        *("account", "problem", "another service's own", "NT SERVICE\\Clock"),
        facts({"account": "NT SERVICE\\Other"}, account_sid="S-1-5-80-1-2-3-4-5"),
    ),
    "logon failed": (
        *("account", "problem", r".\me: it could not log on (1069)", "password"),
        facts({"account": r".\me"}, status=status(State.STOPPED, 1069), account_sid=ME),
    ),
    "logon failed, by the events (E.9)": (
        *("account", "problem", "1069", "password"),
        facts(
            {"account": r".\me"},
            status=status(State.STOPPED, 1077),
            account_sid=ME,
            events=LOGON,
        ),
    ),
    "no right to log on (7041)": (
        *("account", "problem", "may not log on as a service", "secpol.msc"),
        facts(
            {"account": r".\me"},
            status=status(State.STOPPED, 1077),
            account_sid=ME,
            events=(event(7000), event(7041)),
        ),
    ),
    "no right to log on, by the policy (E-15)": (
        *("account", "problem", "does not itself have the right", "and grants that"),
        facts(
            {"account": r".\me"},
            status=status(State.STOPPED, 1069),
            account_sid=ME,
            has_logon_right=False,
        ),
    ),
    "the right was missing, and is not any more": (
        *("account", "problem", "event 7041); it has the right", "`start Clock` again"),
        facts(
            {"account": r".\me"},
            status=status(State.STOPPED, 1069),
            account_sid=ME,
            events=(*LOGON[:1], event(7041)),
        ),
    ),
    "the right may not be read": (
        *("account", "problem", "(1069)", "present password; grant it the right"),
        facts(
            {"account": r".\me"},
            status=status(State.STOPPED, 1069),
            account_sid=ME,
            unknown={"logon_right": "5"},
        ),
    ),
    "never started, without the right": (
        *("account", "note", "unless a group", r"`apply Clock --account .\me` grants"),
        facts(
            {"account": r".\me"},
            status=status(State.STOPPED, 1077),
            account_sid=ME,
            has_logon_right=False,
        ),
    ),
    "managed account without the right": (
        *("account", "problem", "does not itself", r"D\managed$` grants that"),
        facts(
            {"account": "D\\managed$"},
            status=status(State.STOPPED, 1069),
            account_sid=ME,
            has_logon_right=False,
        ),
    ),
    "managed account failed": (
        *("account", "problem", "1069", "Test-ADServiceAccount"),
        facts(
            {"account": "D\\managed$"},
            status=status(State.STOPPED, 1069),
            account_sid=ME,
        ),
    ),
    "other account in the process (E-49e)": (
        *("shared account", "problem", "1079", "`apply Clock --account"),
        facts(sharers=(("Other", "NT AUTHORITY\\LocalService"),)),
    ),
    "dependency missing (E-48)": (
        *(
            "dependencies",
            "problem",
            "on Gone, which does not exist (1075)",
            "--depends",
        ),
        facts(dependencies=(Dependency(name="Gone", state=None),)),
    ),
    "dependency disabled (E-46)": (
        *(
            "dependencies",
            "problem",
            "on Db, which is disabled (1068)",
            "`apply Db --start",
        ),
        facts(
            dependencies=(
                Dependency(
                    name="Db", state=State.STOPPED, start_type=StartType.DISABLED
                ),
            )
        ),
    ),
    "dependency failed (E-46)": (
        *("dependencies", "warning", "Db, which has stopped with 1066", "`doctor Db`"),
        facts(
            dependencies=(Dependency(name="Db", state=State.STOPPED, exit_code=1066),)
        ),
    ),
    "group empty (E-47)": (
        *("dependencies", "problem", "group Net", "--depends"),
        facts(dependencies=(Dependency(name="+Net", state=None),)),
    ),
    "no failure actions (E-50)": (
        *("failure actions", "note", "nothing is done", "--on-failure"),
        facts({"failure_actions": FailureActions()}),
    ),
    "failure actions for crashes only (E-50)": (
        *("failure actions", "note", "only crashes", "--fail-on-error"),
        facts({"failure_actions_on_error": False}),
    ),
    "dependencies in a circle (E-49)": (
        *("dependencies", "problem", "(1059): Clock -> Db -> Clock", "`apply Db --dep"),
        facts(
            dependencies=(Dependency(name="Db", state=State.STOPPED),),
            circle=("Clock", "Db"),
        ),
    ),
    "no service's program (A-41)": (
        *("hosting", "note", r"nothing in C:\x.exe shows", "`install` a service's"),
        stranger(r'"C:\x.exe"', 1077),
    ),
    "no service's program, tried (A-41)": (
        *("hosting", "problem", "its start has failed (1053)", "Task Scheduler"),
        stranger(r'"C:\x.exe"', 1053),
    ),
    "no service's program, by the events (E.9)": (
        *("hosting", "problem", "its start has failed (1053)", "Task Scheduler"),
        stranger(r'"C:\x.exe"', 1077, events=(event(7000), event(7009))),
    ),
    "no service's script (A-42)": (
        *("hosting", "note", r"nothing in C:\a.py shows", "Task Scheduler"),
        stranger(rf'"{PYTHON}" C:\a.py', 1077),
    ),
    "nothing to host": (
        *("hosting", "problem", "does not say what to host (1053)", "`install` it"),
        facts(**command(rf'"{PYTHON}" -m winsvc host'), probe=None),
    ),
    "its own process, but several in it (A-7)": (
        *("hosting", "problem", "hosts Other, Clock, and a type", "`install` it again"),
        facts(**command(rf'"{PYTHON}" -m winsvc host Other=o:O Clock=m:C')),
    ),
    "unquoted (E-16)": (
        *("command line", "warning", r"C:\My.exe", r'"C:\My Services\python.exe" -m'),
        facts(**command(OLD_PATH)),
    ),
    "unquoted, and another is there (E-16)": (
        *("command line", "problem", r"starts C:\My.exe in", r'"C:\My Services\py'),
        facts(**command(OLD_PATH), rivals=(r"C:\My.exe",)),
    ),
    "no full path": (
        *("command line", "problem", "python.exe", "full path"),
        facts(**command("python -m winsvc host m:C")),
    ),
    "variable that there is not (E-16)": (
        *("command line", "warning", "has %mode%, and", "not for a user"),
        facts(**command(LINE + " %TOOLS% 50% %mode%"), variables={"Tools": "x"}),
    ),
    "interpreter gone (A-62)": (
        *("program", "problem", f"{PYTHON} is not there", "`install` it again"),
        facts(places=located(0, is_there=False), machine=0),
    ),
    "other program gone (A-62)": (
        *("program", "problem", r"C:\x.exe is not there", "restore"),
        facts(
            **command(r'"C:\x.exe"'),
            places=(place("the program", r"C:\x.exe", is_there=False),),
        ),
    ),
    "no program (A-62)": (
        *("program", "problem", "no program for Windows (193)", "`install` it again"),
        facts(machine=0),
    ),
    "other processor": (
        *("program", "problem", "64-bit ARM, this system is 64-bit x86", "`install`"),
        facts(machine=ARM64),
    ),
    "pywin32": (
        *("program", "note", "pywin32", ""),
        facts(**command(r'"C:\x\pythonservice.exe"'), message_file="x"),
    ),
    "virtual environment's Python gone": (
        *("environment", "problem", r"C:\Old, which is gone", "install that Python"),
        facts(venv=Venv(folder=r"C:\venv", home=r"C:\Old", has_home=False)),
    ),
    "pyvenv.cfg gone": (
        *("environment", "problem", "pyvenv.cfg is gone", "python -m venv"),
        facts(venv=Venv(folder=r"C:\venv", is_whole=False, has_home=False)),
    ),
    "package missing": (
        *("code", "problem", rf"requests' ({FILE}:3)", "-m pip install requests"),
        facts(probe=imported(MODULE)),
    ),
    "target's module missing": (
        *("code", "problem", "m:C cannot be imported", "--path"),
        facts(
            probe=Probe(report=REPORT | {"targets": {"m:C": MODULE | {"module": "m"}}})
        ),
    ),
    "syntax error": (
        *("code", "problem", f"invalid syntax ({FILE}:7)", "correct the file"),
        facts(probe=imported(SYNTAX)),
    ),
    "DLL missing": (
        *("code", "problem", "DLL load failed", "a DLL that _ssl needs"),
        facts(probe=imported(DLL)),
    ),
    "no such class": (
        *("code", "problem", "has no Clock", "target's class"),
        facts(probe=imported({"type": "TypeError", "text": "it has no Clock"})),
    ),
    "the code raises": (
        *("code", "problem", f"ZeroDivisionError: x ({FILE}:7)", "`debug`"),
        facts(probe=imported(SYNTAX | {"type": "ZeroDivisionError", "text": "x"})),
    ),
    "slow import": (
        *("code", "warning", "after 120 s of that, whatever start", "on_start, not"),
        facts(probe=Probe(exit_code=None, seconds=60.2)),
    ),
    "Python does not run": (
        *("code", "problem", "ends with 1 before it runs any code: no enc", "repair"),
        facts(probe=Probe(exit_code=1, output="Fatal\nno encodings")),
    ),
    "Python says nothing": (
        *("code", "problem", "it says nothing", "repair"),
        facts(probe=Probe(exit_code=103)),
    ),
    "winsvc not installed": (
        *("code", "problem", "not installed in", "-m pip install pywinsvc"),
        facts(probe=Probe(report={"winsvc_error": MODULE | {"module": "winsvc"}})),
    ),
    "winsvc damaged": (
        *("code", "problem", "cannot be imported in", "--force-reinstall"),
        facts(probe=Probe(report={"winsvc_error": SYNTAX})),
    ),
    "binary missing": (
        *("code", "problem", "binary cannot be loaded", "--force-reinstall"),
        facts(probe=Probe(report=REPORT | {"core_error": DLL})),
    ),
    "another winsvc": (
        *("code", "note", "has winsvc 9.9", ""),
        facts(probe=Probe(report=REPORT | {"winsvc": "9.9"})),
    ),
    "file gone": (
        *("places", "problem", f"{FILE}, is not there", "restore"),
        facts(places=located(2, is_there=False)),
    ),
    "network drive": (
        *("places", "problem", "network drive", "disk of this computer"),
        facts(places=located(2, is_remote=True)),
    ),
    "Store Python": (
        *("places", "problem", "Microsoft Store", "python.org"),
        facts(places=located(0, path=r"C:\Users\me\x\WindowsApps\python.exe")),
    ),
    "LocalService cannot read it": (
        *("places", "problem", "LocalService may not read the service's", "icacls"),
        facts(
            {"account": "LocalService"},
            account_sid=SIDS["LS"],
            places=located(2, security=PRIVATE),
        ),
    ),
    "a user cannot read it": (
        *("places", "warning", "unless by a group", "icacls"),
        facts(
            {"account": r".\other"},
            account_sid=SOMEBODY,
            places=located(2, security=PRIVATE),
        ),
    ),
    "in a user's profile": (
        *("places", "note", "in a user's profile", r"C:\Program Files"),
        facts(places=located(2, path=r"C:\Users\me\clock.py")),
    ),
    "imported as another": (
        *("code", "note", "not as NT AUTHORITY\\LocalService", ""),
        facts({"account": "LocalService"}, account_sid=SIDS["LS"]),
    ),
    "everybody may change it": (
        *("safety", "warning", "Authenticated Users may change its folder", "icacls"),
        facts(places=located(1, security=WRITABLE)),
    ),
    "somebody may change it": (
        *("safety", "note", f"{SOMEBODY} may change", "icacls"),
        facts(places=located(1, security=SAFE + f"(A;;FA;;;{SOMEBODY})")),
    ),
    "PYTHONHOME": (
        *("variables", "warning", r"system-wide PYTHONHOME is set to C:\O", "remove"),
        facts(variables={"PYTHONHOME": r"C:\O"}),
    ),
    "PYTHONPATH of its own (E-75)": (
        *("variables", "warning", "the service's PYTHONPATH", "remove"),
        facts({"environment": {"PythonPath": "x"}}, variables={"PYTHONPATH": "x"}),
    ),
    "log's folder": (
        *("log", "note", r"C:\Logs, is not there yet", ""),
        facts(has_log_folder=False, has_log_file=False),
    ),
    "log is a folder": (
        *(
            "log",
            "warning",
            r"cannot be C:\Logs\clock.log: it is a fo",
            "--log-file FILE",
        ),
        facts(log_trouble="it is a folder"),
    ),
    "log may not be written": (
        *("log", "warning", r"LocalSystem may not write its log C:\Logs", "icacls"),
        facts(log_security=f"O:{ME}D:(A;;FA;;;{ME})(A;;FR;;;SY)"),
    ),
    "log may not be created": (
        *("log", "warning", "LocalSystem may not create its log", r'"C:\Logs" /grant'),
        facts(
            has_log_file=False,
            log_place=r"C:\Logs",
            log_security=f"O:{ME}D:(A;;FA;;;{ME})(A;;FR;;;SY)",
        ),
    ),
    "log's folder may not be created": (
        *("log", "warning", r"create the folder of its log, C:\Logs", r'"C:\" /grant'),
        facts(
            has_log_file=False,
            has_log_folder=False,
            log_place="C:\\",
            log_security="O:BAD:(A;;FR;;;SY)",
        ),
    ),
    "a user may not write the log": (
        *("log", "warning", r"clock.log, unless by a group", "icacls"),
        facts(
            {"account": r".\other"},
            account_sid=SOMEBODY,
            log_security="O:SYD:(A;;FR;;;WD)(A;;FA;;;BA)",
        ),
    ),
    "log without full path (E-77)": (
        *("log", "warning", "no full path", "--log-file"),
        facts(
            **command(rf'"{PYTHON}" -m winsvc host --log-file x.log m:C'),
            log_file="x.log",
            has_log_folder=False,
        ),
    ),
    "no event source (G-3)": (
        *("event source", "note", "no source of events", "--event-source"),
        facts(message_file=None),
    ),
    "source of another log, or no message file (G-1)": (
        *("event source", "warning", "of another log", "--event-source"),
        facts(message_file=""),
    ),
    "message file gone (G-7)": (
        *("event source", "warning", "core.pyd, is gone", "--event-source"),
        facts(has_message_file=False),
    ),
    "the SCM's events (E.9)": (
        *("SCM's events", "note", "event 7031, 2 times lately: it failed", ""),
        facts(events=(event(7031), event(7031))),
    ),
}


@pytest.mark.parametrize("case", SICK)
def test_sick_service_has_its_finding(case: str) -> None:
    """That one, with its remedy, and none of another check beside what it causes."""
    check, severity, what, remedy, given = SICK[case]
    findings = [each for each in found(given) if each.check == check]

    assert len(findings) == 1
    assert findings[0].severity == severity
    assert what in findings[0].what
    assert remedy in (findings[0].remedy or "")
    assert severity in ("note",) or findings[0].remedy


# One thing that is wrong is told once, except where two checks both see it.
ALSO = {
    "logon failed, by the events (E.9)": {"state", "SCM's events", "code"},
    "no right to log on (7041)": {"state", "SCM's events", "code"},
    "no full path": {"log"},
    "logon failed": {"code", "state"},
    "managed account failed": {"code", "state"},
    "a user may not write the log": {"code"},
    "no service's program (A-41)": {"state"},
    "no service's program, tried (A-41)": {"state"},
    "no service's program, by the events (E.9)": {"state", "SCM's events"},
    "no service's script (A-42)": {"state"},
    # Not LocalSystem's.
    "no such account (E-15)": {"code"},
    "another's virtual account (E-18)": {"code"},
    "no right to log on, by the policy (E-15)": {"code", "state"},
    "the right was missing, and is not any more": {"SCM's events", "code", "state"},
    "the right may not be read": {"code", "state"},
    "never started, without the right": {"state", "code"},
    "managed account without the right": {"code", "state"},
    "variable that there is not (E-16)": {"hosting"},
    "LocalService cannot read it": {"code"},
    "a user cannot read it": {"code"},
}


@pytest.mark.parametrize("case", SICK)
def test_sick_service_has_no_other_finding(case: str) -> None:
    """Checks do not raise the alarm about what others are there for."""
    others = {each.check for each in found(SICK[case][-1])} - {SICK[case][0]}

    assert others <= ALSO.get(case, set())


def test_notes_say_what_to_do() -> None:
    """All but those where nothing is to be done."""
    silent = {
        case
        for case, (check, severity, *_, given) in SICK.items()
        for each in found(given)
        if each.check == check and severity == "note" and each.remedy is None
    }

    assert silent == {"log's folder"}


def test_nothing_is_ok_that_was_not_looked_at() -> None:
    """A service of Windows's own, whose failure actions are unknown (H-11)."""
    spooler = facts(
        {"failure_actions": None, "failure_actions_on_error": None},
        **command(r"C:\Windows\System32\spoolsv.exe"),
        places=(place("the program", r"C:\Windows\System32\spoolsv.exe"),),
        probe=None,
        log_file="",
        message_file=None,
        unknown={"deletion": "Wine"},
    )
    checks: dict[str, set[str]] = {}
    for each in run_checks(CHECKS, spooler):
        checks.setdefault(each.severity, set()).add(each.check)

    assert checks == {
        "not checked": {"deletion", "failure actions"},
        "does not apply": {
            *("shared account", "dependencies", "environment", "code", "variables"),
            *("log", "event source"),
        },
        "ok": {
            *("state", "start type", "account", "SCM's events", "hosting"),
            *("command line", "program", "places", "safety"),
        },
    }


@pytest.mark.parametrize(
    ("check", "severity", "what", "given"),
    [
        (
            *("failure actions", "not checked", "whether exit codes"),
            facts({"failure_actions_on_error": None}),
        ),
        (
            *("start type", "does not apply", "marked for deletion"),
            facts({"start_type": StartType.DISABLED}, is_deleted=True),
        ),
        (
            *("account", "not checked", "no domain"),
            facts(unknown={"account": "no domain"}),
        ),
        (
            *("places", "not checked", "may read all of that: no domain"),
            facts(unknown={"account": "no domain"}),
        ),
        (
            *("places", "not checked", "there is no such account"),
            facts({"account": r".\gone"}, account_sid=None),
        ),
        (
            *("log", "not checked", "may write its log"),
            facts({"account": r".\gone"}, account_sid=None),
        ),
        (
            *("log", "not checked", "no folder above it"),
            facts(has_log_file=False, log_security=None),
        ),
        (
            *("dependencies", "not checked", "in a circle: refused"),
            facts(
                dependencies=(Dependency(name="Db", state=State.RUNNING),),
                unknown={"circle": "refused"},
            ),
        ),
        (*("program", "not checked", "which processor"), facts(system_machine=0)),
        (
            *("environment", "not checked", "not there"),
            facts(places=located(0, is_there=False), machine=0),
        ),
        (
            *("safety", "not checked", "is there"),
            facts(places=(place("the interpreter", PYTHON, security=None),)),
        ),
        (
            *("code", "not checked", "names no service"),
            facts(**command(rf'"{PYTHON}" -m http.server'), probe=None),
        ),
        (
            *("variables", "does not apply", "-E, -I"),
            facts(**command(LINE.replace("-P", "-I"))),
        ),
        (
            *("event source", "not checked", "core.pyd is there: far away"),
            facts(has_message_file=None, unknown={"files": "far away"}),
        ),
        (
            *("event source", "not checked", "needs one: refused"),
            facts(message_file=None, unknown={"config": "refused"}),
        ),
        (
            *("event source", "does not apply", "none of winsvc's"),
            facts(**command(r"C:\x.exe"), message_file=""),
        ),
        (
            *("hosting", "not checked", "not looked into"),
            facts(**command(rf'"{PYTHON}" -m x'), status=status(State.STOPPED, 1077)),
        ),
        (
            *("hosting", "not checked", "far away"),
            facts(
                **command(r"C:\x.exe"),
                status=status(State.START_PENDING),
                unknown={"files": "far away"},
            ),
        ),
        (
            *("hosting", "ok", r"C:\x.exe has the word winsvc"),
            stranger(r"C:\x.exe", 1077, service_word="winsvc"),
        ),
        (*("hosting", "ok", "has connected"), stranger(r"C:\x.exe", 1066)),
        (*("hosting", "ok", "pywin32"), stranger(r"C:\pythonservice.exe", 1077)),
    ],
)
def test_check_says_what_it_could_look_at(
    check: str, severity: str, what: str, given: Facts
) -> None:
    """Nothing else of that check: above all not that all is well."""
    ((found_severity, found_what),) = said(given, check)

    assert found_severity == severity
    assert what in found_what


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ({"last_error": "2026-11-23 ERROR x"}, r"see its log C:\Logs\clock.log"),
        ({}, r"`debug` to see what it does: its log C:\Logs\clock.log has no error"),
        ({"has_log_file": False}, r"its log C:\Logs\clock.log is not there"),
        ({"log_trouble": "it is a folder"}, "run it with `debug` to see what it does"),
        ({"log_file": ""}, "run it with `debug` to see what it does"),
    ],
)
def test_log_is_promised_only_if_it_says_something(
    given: dict[str, Any], remedy: str
) -> None:
    """os._exit in on_start, say, leaves nothing there."""
    failed = facts(status=status(State.STOPPED, 1067), **given)
    (verdict,) = scm_checks.state.run(failed)

    assert "os._exit" in verdict.what
    assert remedy in (verdict.remedy or "")


def test_last_error_of_the_log_is_shown_after_a_failure() -> None:
    """In its own lines; a service that runs is not reminded of old ones."""
    text = "2026-11-23 12:00:00,000 ERROR winsvc it failed\nTraceback: …"
    failed = facts(status=status(State.STOPPED, 1066, 64003), last_error=text)
    (shown,) = [each for each in found(failed) if each.check == "log"]

    assert shown.severity == "note"
    assert shown.what.endswith("it failed\n    Traceback: …")
    assert found(facts(last_error=text)) == []


def test_remedy_for_a_password_names_the_account() -> None:
    """The command that asks for it, as it is typed."""
    failed = status(State.STOPPED, 1069)
    told = facts({"account": r".\the user"}, status=failed, account_sid=ME)
    (verdict,) = scm_checks.account.run(told)

    assert r'`apply Clock --account ".\the user"` asks for' in (verdict.remedy or "")


@pytest.mark.parametrize("exit_code", [0, 1066])
def test_right_is_no_matter_once_it_has_started(exit_code: int) -> None:
    """A group has it then; nor where the policy may not be read."""
    without = facts(
        {"account": r".\me"},
        status=status(State.STOPPED, exit_code),
        has_logon_right=False,
        account_sid=ME,
    )
    unknown = dataclasses.replace(
        without, status=status(State.STOPPED, 1077), unknown={"logon_right": "5"}
    )

    assert list(scm_checks.account.run(without)) == []
    assert list(scm_checks.account.run(unknown)) == []


def test_deletion_explains_disabled() -> None:
    """E-31: the SCM sets DISABLED when it marks for deletion: no advice to undo it."""
    given = facts({"start_type": StartType.DISABLED}, is_deleted=True)

    assert [each.check for each in found(given)] == ["deletion"]


def test_what_is_unknown_is_said_and_not_guessed() -> None:
    """A check whose facts are missing is not checked, with the reason; never ok."""
    unknown = {
        group: f"no {group}"
        for group in ("config", "dependencies", "sharers", "deletion", "source")
    } | {group: f"no {group}" for group in ("files", "security", "probe", "events")}
    findings = run_checks(CHECKS, facts(unknown=unknown, places=(), machine=0))
    notes = {
        each.check: each.what for each in findings if each.severity == "not checked"
    }

    assert set(notes) == {each.name for each in CHECKS} - {"state"}
    assert notes["SCM's events"] == "no events"
    assert all(text.startswith("no ") for text in notes.values())
    assert [each.check for each in findings if each.severity == "ok"] == ["state"]


def test_findings_come_worst_first_and_are_rendered() -> None:
    """Problems, warnings, notes; each with its remedy; then how many passed."""
    given = facts(
        {"failure_actions": FailureActions(), "start_type": StartType.DISABLED},
        **command(OLD_PATH),
    )
    findings = run_checks(CHECKS, given)
    order = [SEVERITIES.index(each.severity) for each in findings]
    lines = render(findings).splitlines()

    assert order == sorted(order)
    assert lines[0] == "PROBLEM start type: it is disabled (1058)"
    assert lines[1].startswith("    -> `apply Clock --start-type manual`")
    assert [line.split()[0] for line in lines[::2]] == [
        "PROBLEM",
        "WARNING",
        "NOTE",
        f"{len(CHECKS) - 6}",
    ]
    assert lines[-1] == f"{len(CHECKS) - 6} checks passed, 3 not needed"


def test_checks_left_out_are_rendered_by_their_reason() -> None:
    """One line for all that the same thing keeps from being done; not counted."""
    unknown = dict.fromkeys(("files", "security", "deletion"), "it is far away")
    lines = render(run_checks(CHECKS, facts(unknown=unknown))).splitlines()

    assert lines[0].startswith("NOT CHECKED deletion, program, environment, ")
    assert lines[0].endswith(": it is far away")
    assert lines[1:] == [f"{len(CHECKS) - 10} checks passed, 8 not done, 2 not needed"]


def test_service_in_its_own_users_profile_is_no_surprise() -> None:
    """Nobody else is concerned; nor by what is everybody's."""
    own = located(2, path=r"C:\Users\me\clock.py")
    public = located(2, path=r"C:\Users\Public\clock.py")
    checks = [each.check for each in found(facts({"account": r".\Me"}, places=own))]

    assert "places" not in checks
    assert found(facts(places=public)) == []


def test_disabled_service_is_not_told_to_be_started() -> None:
    """It would be refused with 1058."""
    given = facts({"start_type": StartType.DISABLED}, status=status(State(1), 1077))
    remedies = {each.check: each.remedy for each in found(given)}

    assert remedies["state"] is None
    assert remedies["start type"]


def test_32_bit_program_runs_on_64_bit_windows() -> None:
    """No alarm about what Windows emulates."""
    assert found(facts(machine=I386)) == []
    assert found(facts(machine=I386, system_machine=ARM64)) == []
    assert found(facts(machine=AMD64, system_machine=0)) == []


def test_value_of_a_variable_of_its_own_is_not_shown() -> None:
    """It may be a secret: the TOML export alone has it."""
    given = facts({"environment": {"PYTHONPATH": "hush"}}, variables={})
    given = dataclasses.replace(given, variables={"PYTHONPATH": "hush"})
    told = said(given, "variables")

    assert [severity for severity, _ in told] == ["warning"]
    assert "hush" not in repr(told)


def test_finding_is_plain_data() -> None:
    """Frozen, and JSON-able as it is."""
    (finding,) = found(facts(is_deleted=True))

    with pytest.raises(dataclasses.FrozenInstanceError):
        finding.what = "x"  # type: ignore[misc]
    assert set(dataclasses.asdict(finding)) == {"check", "severity", "what", "remedy"}


def test_documentation_has_every_check() -> None:
    """docs/troubleshooting.md, in their order; which ones look at files."""
    docs = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
    lines = docs.read_text(encoding="utf-8").splitlines()
    start = lines.index("| check | tells | needs |") + 2
    rows = [line.strip("| ").split(" | ") for line in lines[start : start + 99]]
    table = {row[0]: row[2:] for row in rows[: len(CHECKS)]}
    local = [each.name for each in CHECKS if {"files", "deletion"} & set(each.needs)]

    assert list(table) == [each.name for each in CHECKS]
    assert rows[len(CHECKS)] == [""]
    assert [name for name, needs in table.items() if needs == ["this computer"]] == [
        *local
    ]
