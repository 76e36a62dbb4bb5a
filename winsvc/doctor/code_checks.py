"""Checks of what it runs: command line, Python, code, rights, log, event source."""

from __future__ import annotations

import ntpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from winsvc import __version__
from winsvc.doctor import acl, pe
from winsvc.doctor.account_rights import (
    account_rights,
    has_known_groups,
    rights_unknown,
)
from winsvc.doctor.facts import PATH_FOLDER, SERVICE_FILE, Facts, Place
from winsvc.doctor.findings import (
    Verdict,
    check,
    command,
    inapplicable,
    note,
    problem,
    unchecked,
    warning,
)
from winsvc.settings.accounts import LOCAL_SYSTEM
from winsvc.settings.command_line import VARIABLE, quote_command

_AGAIN = "`install` it again from the Python that it is to run in"
_PROFILE = re.compile(r"[a-z]:\\users\\(?!public\\)([^\\]+)\\", re.IGNORECASE)
_STORE = "\\windowsapps\\"
_DLLS = ("dll load failed", "specified module could not be found")


@check(
    "command line",
    "its program is named with its full path, in quotes if that has blanks",
    "config",
)
def command_line(facts: Facts) -> Iterator[Verdict]:
    """E-16: an unquoted path with blanks is tried at each of them."""
    line = facts.command
    known = {name.upper() for name in facts.variables}
    for name in dict.fromkeys(VARIABLE.findall(line.line)):
        if known and name.upper() not in known:
            yield warning(
                f"its command line has %{name}%, and the system has no variable of "
                "that name: it is taken as it is",
                "set the variable for the system, not for a user; if it is none, "
                "rename what is called so, before there is one",
            )
    if not ntpath.isabs(line.program):
        yield problem(
            f"its command line does not say where {line.program or 'its program'} "
            f"is: {line.line}",
            "write the program's full path into it",
        )
        return
    if line.is_quoted:
        return
    remedy = f"set it to {quote_command((line.program, *line.words))}"
    for rival in facts.rivals:
        yield problem(
            f"its path is not in quotes: Windows starts {rival} in place of "
            f"{line.program}",
            remedy,
        )
    if not facts.rivals:
        tries = " or ".join(line.tries)
        yield warning(
            f"its path has blanks and is not in quotes: whoever can create {tries} "
            f"has that started as {facts.config.account or LOCAL_SYSTEM}",
            remedy,
        )


@check("program", "its program is there, and is one for this system", "config", "files")
def program(facts: Facts) -> Iterator[Verdict]:
    """2, 3, 193, 216: what the SCM is to start."""
    path = facts.command.program
    if not facts.places[0].is_there:
        yield problem(
            f"{path} is not there: the start fails with 2 or 3",
            f"{_AGAIN}: the old one has been moved or removed"
            if facts.command.is_python
            else "restore the program, or correct the command line",
        )
    elif not facts.machine:
        yield problem(f"{path} is no program for Windows (193)", _AGAIN)
    elif not pe.can_run(facts.system_machine, facts.machine):
        kind = pe.NAMES.get(facts.machine, f"machine {facts.machine:#x}")
        own = pe.NAMES.get(facts.system_machine, "another")
        yield problem(f"{path} is for {kind}, this system is {own} (216)", _AGAIN)
    elif not facts.system_machine:
        yield unchecked("this system does not tell which processor it is for")
    if facts.command.kind == "pywin32":
        yield note(
            "it is a service of pywin32: its class is named in the registry below "
            "PythonClass, and is not looked at here",
            "pywin32's own `python -m win32serviceutil` shows more of it",
        )


@check("environment", "the Python of its virtual environment is there", "files")
def environment(facts: Facts) -> Iterator[Verdict]:
    """A virtual environment lives on the Python that it was made from."""
    venv = facts.venv
    if not facts.command.is_python:
        yield inapplicable("its program is no Python")
    elif venv is None and not facts.places[0].is_there:
        yield unchecked("its program is not there, as said elsewhere")
    elif venv is None:
        yield inapplicable("its Python is of no virtual environment")
    elif not venv.is_whole:
        yield problem(
            f"{venv.folder} is no virtual environment any more: its pyvenv.cfg is gone",
            "make it anew with `python -m venv`, and install its packages",
        )
    elif not venv.has_home:
        home = venv.home or "nowhere"
        yield problem(
            f"the virtual environment {venv.folder} was made from the Python in "
            f"{home}, which is gone (1053)",
            "install that Python again, or make the environment anew from another one",
        )


@check("code", "its code can be imported by its own Python", "config", "files", "probe")
def code(facts: Facts) -> Iterator[Verdict]:
    """1053 and 64001: what its Python says when it imports the service."""
    probe = facts.probe
    if probe is None and facts.command.kind in ("host", "module"):
        yield unchecked("its command line names no service of winsvc's to import")
        return
    if probe is None:
        yield inapplicable("its program is no Python that winsvc could import it with")
        return
    python = facts.command.program
    if probe.report is None:
        if probe.exit_code is None:
            yield warning(
                f"importing it took more than {probe.seconds:.0f} s, and a start ends "
                "after 120 s of that, whatever start_timeout says",
                "import what takes long in on_start, not at the top of its module: "
                "there start_timeout holds, and progress() asks for more",
            )
        else:
            last = probe.output.splitlines()[-1:] or ["it says nothing"]
            yield problem(
                f"{python} ends with {probe.exit_code} before it runs any code: "
                f"{last[0]}",
                "repair that Python, or `install` the service from another one",
            )
        return
    report = probe.report
    if "winsvc_error" in report:
        yield _no_winsvc(python, report["winsvc_error"])
        return
    if "core_error" in report:
        yield problem(
            f"winsvc's binary cannot be loaded in {python}: "
            f"{report['core_error']['text']}",
            f'"{python}" -m pip install --force-reinstall pywinsvc',
        )
    if report["winsvc"] != __version__:
        yield note(
            f"its Python has winsvc {report['winsvc']}, this is {__version__}",
            f'"{python}" -m pip install pywinsvc=={__version__}, if that is not meant',
        )
    for target, error in report["targets"].items():
        if error is not None:
            yield problem(*_import_error(target, error, python))
    account = facts.config.account or LOCAL_SYSTEM
    if account != LOCAL_SYSTEM and not any(report["targets"].values()):
        yield note(
            f"its code was imported as you are logged on, not as {account}: what only "
            "that account cannot reach shows when it starts",
            f"{command('start', facts.name)}, then {command('logs', facts.name)}",
        )


@check("places", "all that it runs is where a service can get at it", "files")
def places(facts: Facts) -> Iterator[Verdict]:
    """Drives and folders that are somebody's own; files that are gone."""
    for place in facts.places[1:]:
        if not place.is_there and place.role in (SERVICE_FILE, PATH_FOLDER):
            yield problem(
                f"{place.role}, {place.path}, is not there (1066, 64001 IMPORT)",
                "restore it, or `install` the service again from where it is now",
            )
    for place in _firsts(facts, lambda place: place.is_remote):
        yield problem(
            f"{place.role}, {place.path}, is on a network drive: drive letters are a "
            "user's own, and there is no network yet when services start",
            "put it on a disk of this computer",
        )
    for place in _firsts(facts, lambda place: _STORE in place.path.lower()):
        yield problem(
            f"{place.role}, {place.path}, is of the Microsoft Store: such a Python is "
            "one user's, and services cannot run it",
            f"install Python from python.org for all users; {_AGAIN}",
        )
    for place in _firsts(facts, lambda place: _is_of_another(place, facts)):
        yield note(
            f"{place.role}, {place.path}, is in a user's profile: it goes when that "
            "user goes, and whatever runs as that user can change it",
            "put Python and the code where all may read and only administrators write, "
            r"such as C:\Program Files",
        )
    account = facts.config.account or LOCAL_SYSTEM
    if unknown := rights_unknown(facts, "security"):
        yield unchecked(f"whether {account} may read all of that: {unknown}")
        return
    for place in _firsts(facts, lambda place: _cannot_read(place, facts)):
        what = f"{account} may not read {place.role}, {place.path}"
        remedy = (
            "put Python and the code where all may read, such as C:\\Program Files, "
            f'or: icacls "{place.path}" /grant "{account}:(RX)"'
        )
        if has_known_groups(facts):
            yield problem(what, remedy)
        else:
            yield warning(f"{what}, unless by a group that it is in", remedy)


@check(
    "safety",
    "only administrators, its account and you may change its program and the places "
    "that code is taken from",
    "files",
    "security",
)
def safety(facts: Facts) -> Iterator[Verdict]:
    """Whoever may change its code can do all that its account can."""
    account = facts.config.account or LOCAL_SYSTEM
    safe = acl.TRUSTED | {facts.my_sid or "", facts.account_sid or ""}
    if not any(place.security for place in facts.places):
        yield unchecked("none of what it runs is there")
    told: set[str] = set()
    for place in facts.places:
        found = acl.writers(place.security, safe) if place.security else []
        for sid in found:
            if sid in told:
                continue
            told.add(sid)
            may = "change" if place.is_there else "create"
            what = (
                f"{acl.name_of(sid)} may {may} {place.role}, {place.path}, and so "
                f"what {account} runs"
            )
            remedy = f'icacls "{place.path}" /inheritance:d /remove:g "*{sid}"'
            if not place.is_there:
                remedy = (
                    "take it out, or create it with rights for administrators alone"
                )
            if sid in acl.EVERYBODY:
                yield warning(what, remedy)
            else:
                yield note(what, f"if that is not meant so: {remedy}")


@check("variables", "no variable leads its Python astray", "config", "files")
def variables(facts: Facts) -> Iterator[Verdict]:
    """PYTHONHOME and PYTHONPATH hold for every Python of this computer."""
    if not facts.command.is_python:
        yield inapplicable("its program is no Python")
        return
    if facts.command.has_option("EI"):
        yield inapplicable("its Python is told to look at none (-E, -I)")
        return
    own = {name.upper() for name in facts.config.environment or {}}
    for name in ("PYTHONHOME", "PYTHONPATH"):
        value = facts.variables.get(name)
        if value:
            # What is the service's own may be secret: its values are not shown.
            what = f"a system-wide {name} is set to {value}"
            if name in own:
                what = f"the service's {name} is set"
            yield warning(
                f"{what}: it holds for its Python too",
                f"remove {name}, or see that it fits this Python",
            )


@check("event source", "its event source has its message file", "source")
def event_source(facts: Facts) -> Iterator[Verdict]:
    """G-3, G-7: without it Event Viewer has no texts for its events."""
    if not facts.message_file:
        register = command("apply", facts.name, "--event-source")
        if "config" in facts.unknown:
            yield unchecked(f"whether it needs one: {facts.unknown['config']}")
        elif not facts.command.is_python or facts.service_word == "":
            yield inapplicable("it is none of winsvc's, and need not be")
        elif facts.message_file == "":
            yield warning(
                "its event source is of another log, or has no message file: Event "
                "Viewer shows its events without their texts",
                f"{register}; if it is of another log, that is refused and names it: "
                "take the source out there first",
            )
        else:
            yield note(
                "it is no source of events in the Application log: Event Viewer shows "
                "what it writes there without its texts",
                register,
            )
    elif facts.has_message_file is None:
        yield unchecked(f"whether {facts.message_file} is there: {_files(facts)}")
    elif not facts.has_message_file:
        yield warning(
            f"the message file of its event source, {facts.message_file}, is gone: "
            "Event Viewer shows its events without their texts",
            command("apply", facts.name, "--event-source"),
        )


CHECKS = (
    command_line,
    program,
    environment,
    code,
    places,
    safety,
    variables,
    event_source,
)


def _no_winsvc(python: str, error: Mapping[str, Any]) -> Verdict:
    if error.get("module") == "winsvc":
        return problem(
            f"winsvc is not installed in {python}",
            f'"{python}" -m pip install pywinsvc',
        )
    return problem(
        f"winsvc cannot be imported in {python}: {_describe(error)}",
        f'"{python}" -m pip install --force-reinstall pywinsvc',
    )


def _import_error(
    target: str, error: Mapping[str, Any], python: str
) -> tuple[str, str]:
    kind, module = error["type"], error.get("module")
    text = _describe(error)
    what = f"{target} cannot be imported: {text}"
    if kind in ("SyntaxError", "IndentationError", "TabError"):
        return what, "correct the file there"
    if any(mark in error["text"].lower() for mark in _DLLS):
        return what, (
            f"a DLL that {module or 'it'} needs is missing: reinstall that package, "
            "and put its DLLs where services find them, not on a user's PATH"
        )
    if kind == "ModuleNotFoundError" and module:
        if target.partition(":")[0].split(".")[0] == module.split(".")[0]:
            return what, (
                "`install` it again: the folder that it was found in goes into the "
                "command line then, as --path"
            )
        return what, (
            f"install it into the service's own Python: "
            f'"{python}" -m pip install {module.split(".")[0]}'
        )
    if kind == "TypeError" and "file" not in error:
        return what, "correct the target's class, `install` checks it"
    return what, "correct that, and try it with `debug`"


def _describe(error: Mapping[str, Any]) -> str:
    place = f" ({error['file']}:{error['line']})" if error.get("file") else ""
    return f"{error['type']}: {error['text']}{place}"


def _firsts(facts: Facts, holds: Any) -> Iterator[Place]:
    """Yield the first place that something holds for: the others follow from it."""
    for place in facts.places:
        if holds(place):
            yield place
            return


def _is_of_another(place: Place, facts: Facts) -> bool:
    match = _PROFILE.match(place.path)
    user = (facts.config.account or LOCAL_SYSTEM).rpartition("\\")[2]
    if match is None or _STORE in place.path.lower():
        return False
    return match[1].lower() != user.lower()


def _cannot_read(place: Place, facts: Facts) -> bool:
    if place.security is None or not place.is_there:
        return False
    return not account_rights(place.security, facts) & acl.READ


def _files(facts: Facts) -> str:
    return facts.unknown.get("files", "it could not be looked for")
