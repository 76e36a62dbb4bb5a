"""Gathering facts: from an SCM and a Windows of plain Python."""

from __future__ import annotations

import json
import ntpath
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

import winsvc
from winsvc.doctor import code_checks, diagnose, gather, render
from winsvc.doctor.acl import SIDS
from winsvc.doctor.facts import Dependency, Facts, ScmEvent
from winsvc.doctor.inside import MARK
from winsvc.doctor.pe import AMD64
from winsvc.doctor.probe import Ended
from winsvc.errors import ServiceError, ServiceNotFound, service_error
from winsvc.manage.status import ServiceInfo, ServiceStatus
from winsvc.settings.accounts import LOCAL_SERVICE, NETWORK_SERVICE
from winsvc.settings.config import ServiceConfig
from winsvc.settings.values import FailureActions
from winsvc.states import ServiceType, StartType, State
from winsvc.testing import SimulatedScm

ENVIRONMENT = r"C:\Program Files\Clock\venv"
PYTHON = ENVIRONMENT + r"\Scripts\python.exe"
BASE = r"C:\Program Files\Python"
FILE = r"C:\Program Files\Clock\clock.py"
LOG = r"C:\ProgramData\Clock\clock.log"
PACKAGES = ENVIRONMENT + r"\Lib\site-packages"
LINE = rf'"{PYTHON}" -P -m winsvc host --log-file {LOG} "{FILE}:Clock"'
ROOT = r"C:\Windows"
SAFE = "O:SYD:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x1200a9;;;BU)"
ME = "S-1-5-21-1-2-3-1001"
HEADER = b"MZ".ljust(0x3C, b"\0") + b"\x40\0\0\0PE\0\0" + AMD64.to_bytes(2, "little")
REPORT = {"winsvc": winsvc.__version__, "targets": {f"{FILE}:Clock": None}}


class FakeWindows:
    """A Windows with some files; a folder is there if something in it is."""

    def __init__(self) -> None:
        self.files = {
            PYTHON: HEADER,
            ENVIRONMENT + r"\pyvenv.cfg": f"home = {BASE}\r\n".encode("utf-8-sig"),
            ENVIRONMENT + r"\Lib\site-packages\winsvc\core.pyd": HEADER,
            BASE + r"\python.exe": HEADER,
            BASE + r"\Lib\os.py": b"",
            FILE: b"",
            LOG: b"2026-11-23 12:00:00,000 ERROR winsvc [1 M] it failed\nTraceback\n",
        }
        self.descriptors: dict[str, str | OSError] = {}
        self.ran: list[tuple[list[str], dict[str, str], str]] = []
        self.report: dict[str, Any] = REPORT
        self.refused: set[str] = set()
        self.variables = {"Path": r"C:\Windows", "TOOLS": r"C:\Program Files\Clock"}

    def _check(self, name: str) -> None:
        if name in self.refused:
            raise PermissionError(13, f"{name} refused")

    def is_file(self, path: str) -> bool:
        self._check("is_file")
        return path in self.files

    def is_folder(self, path: str) -> bool:
        return any(file.startswith(path.rstrip("\\") + "\\") for file in self.files)

    def read(self, path: str, size: int, *, from_end: bool = False) -> bytes:
        data = self.files[path]
        return data[-size:] if from_end else data[:size]

    def security(self, path: str) -> str:
        found = self.descriptors.get(path, SAFE)
        if isinstance(found, OSError):
            raise found
        return found

    def is_remote(self, path: str) -> bool:
        return path.startswith("\\\\")

    def machine_variables(self) -> dict[str, str]:
        return self.variables

    def my_variables(self) -> Mapping[str, str]:
        return {"SystemRoot": ROOT, "PYTHONPATH": "mine"}

    def is_deleted(self, service: str) -> bool:
        self._check("is_deleted")
        return False

    def native_machine(self) -> int:
        return AMD64

    def my_sid(self) -> str:
        return ME

    def run(
        self,
        command: Sequence[str],
        variables: Mapping[str, str],
        folder: str,
        timeout: float,
        /,
    ) -> Ended:
        self._check("run")
        self.ran.append((list(command), dict(variables), folder))
        line = MARK + json.dumps(self.report)
        return Ended(0, f"noise\n{line}\n".encode(), b"warning", 1.5)


class FakeScm:
    """Services by name: configuration, command line, status."""

    def __init__(self) -> None:
        self.services: dict[str, tuple[ServiceConfig, str, ServiceStatus]] = {}
        self.groups: dict[str, list[str]] = {}
        self.refused = 0
        self.source: str | None = ENVIRONMENT + r"\Lib\site-packages\winsvc\core.pyd"
        self.sids: dict[str, str | int] = {}
        self._backend = SimpleNamespace(
            machine=None,
            event_source=self.event_source,
            account_sid=self.account_sid,
            logon_right_held=self.logon_right_held,
        )
        self.logon_rights: set[str] = set()
        self.logon_code = 0
        self.add("Clock")

    def add(
        self, name: str, state: State = State.RUNNING, line: str = LINE, **more: Any
    ) -> None:
        settings = {"name": name, "start_type": StartType.AUTO, **more}
        settings.setdefault("failure_actions", FailureActions.restart(5.0))
        settings.setdefault("failure_actions_on_error", True)
        kind = settings.setdefault("service_type", ServiceType.OWN_PROCESS)
        config = ServiceConfig.unchecked(**settings)
        raw = (int(kind), state, 1, 0, 0, 0, 0, 8)
        self.services[name] = config, line, ServiceStatus.from_tuple(raw)

    def event_source(self, name: str) -> str | None:
        return self.source

    def account_sid(self, machine: str | None, account: str) -> str:
        found = self.sids.get(account, 1332)
        if isinstance(found, int):
            raise service_error("look up", account, found)
        return found

    def logon_right_held(self, machine: str | None, account: str) -> bool:
        if self.logon_code:
            raise service_error("read the rights of", account, self.logon_code)
        return account in self.logon_rights

    def open(self, name: str) -> FakeHandle:
        if name not in self.services:
            raise ServiceNotFound(operation="open", service=name)
        return FakeHandle(self, name)

    def list(self, *, group: str | None = None) -> tuple[ServiceInfo, ...]:
        names = list(self.services) if group is None else self.groups[group]
        return tuple(ServiceInfo(name, name, self.services[name][2]) for name in names)


class FakeHandle:
    """A service of it."""

    def __init__(self, scm: FakeScm, name: str) -> None:
        self._scm = scm
        self._config, self._line, self._status = scm.services[name]

    def __enter__(self) -> FakeHandle:
        return self

    def __exit__(self, *_: object) -> None: ...

    def status(self) -> ServiceStatus:
        return self._status

    def config(self) -> ServiceConfig:
        if self._scm.refused:
            raise service_error("read", self._config.name, self._scm.refused)
        return self._config

    def command_line(self) -> str:
        return self._line


@pytest.fixture(autouse=True)
def logged(monkeypatch: pytest.MonkeyPatch) -> list[ScmEvent]:
    """What the SCM has logged."""
    events: list[ScmEvent] = []
    monkeypatch.setattr(gather, "scm_events", lambda *_: tuple(events))
    return events


@pytest.fixture
def scm() -> FakeScm:
    """An SCM with one service."""
    return FakeScm()


def test_failure_actions_that_the_system_does_not_tell_are_not_guessed(
    scm: FakeScm, windows: FakeWindows
) -> None:
    """As on Wine (H-11)."""
    manager: Any = scm
    scm.add("Clock", failure_actions=None)
    findings = diagnose(manager, "Clock", system=windows)

    (found,) = [each for each in findings if each.check == "failure actions"]
    assert found.severity == "not checked"
    assert found.what == "this system does not tell its failure actions"


@pytest.fixture
def windows() -> FakeWindows:
    """A Windows on which it works."""
    return FakeWindows()


def facts_of(
    scm: FakeScm, system: FakeWindows | str, import_target: bool | None = None
) -> Facts:
    """Gather."""
    manager: Any = scm
    return gather.Gatherer(manager, "Clock", system, import_target).gather()


def test_healthy_service_is_diagnosed_as_such(
    scm: FakeScm, windows: FakeWindows
) -> None:
    """From end to end; its Python has run once, as the service's would."""
    manager: Any = scm
    findings = diagnose(manager, "Clock", system=windows)
    ((command, variables, folder),) = windows.ran

    others = {each.check for each in findings if each.severity != "ok"}
    assert others == {"dependencies", "shared account"}
    assert render(findings).splitlines() == [
        f"{len(findings) - 2} checks passed, 2 not needed",
    ]
    assert command[:3] == [PYTHON, "-P", "-c"]
    assert json.loads(command[-1]) == [[], [f"{FILE}:Clock"], False]
    assert folder == ROOT + r"\System32"
    assert "PYTHONPATH" not in variables


def test_facts_are_those_of_the_files(scm: FakeScm, windows: FakeWindows) -> None:
    """The environment, its base, what code is run of, the log's last error."""
    facts = facts_of(scm, windows)
    assert facts.venv is not None
    assert facts.probe is not None

    assert facts.unknown == {}
    assert (facts.venv.folder, facts.venv.home) == (ENVIRONMENT, BASE)
    assert facts.venv.has_home
    assert facts.venv.is_whole
    assert (facts.machine, facts.system_machine) == (AMD64, AMD64)
    assert [(each.path, each.is_folder) for each in facts.places] == [
        (PYTHON, False),
        (ntpath.dirname(PYTHON), True),
        (ENVIRONMENT + r"\pyvenv.cfg", False),
        (BASE, True),
        (BASE + r"\Lib", True),
        (ENVIRONMENT + r"\Lib\site-packages", True),
        (FILE, False),
        (ntpath.dirname(FILE), True),
        (PACKAGES + r"\winsvc", True),
    ]
    assert all(each.is_there and each.security == SAFE for each in facts.places)
    assert facts.log_file == LOG
    assert facts.last_error.endswith("it failed\nTraceback")
    assert (facts.probe.output, facts.probe.seconds) == ("warning", 1.5)
    assert (facts.account_sid, facts.my_sid) == (SIDS["SY"], ME)


@pytest.mark.parametrize(
    ("gone", "check"),
    [
        (PYTHON, "program"),
        (BASE + r"\python.exe", "environment"),
        (FILE, "places"),
        (ENVIRONMENT + r"\Lib\site-packages\winsvc\core.pyd", "event source"),
    ],
)
def test_missing_file_is_found(
    scm: FakeScm, windows: FakeWindows, gone: str, check: str
) -> None:
    """By its check alone."""
    manager: Any = scm
    del windows.files[gone]
    findings = diagnose(manager, "Clock", system=windows)

    assert [
        each.check for each in findings if each.severity in ("problem", "warning")
    ] == [check]


def test_environment_without_its_file_is_found(
    scm: FakeScm, windows: FakeWindows
) -> None:
    """By the scripts that only environments have."""
    del windows.files[ENVIRONMENT + r"\pyvenv.cfg"]
    windows.files[ENVIRONMENT + r"\Scripts\activate.bat"] = b""
    facts = facts_of(scm, windows)

    assert facts.venv is not None
    assert not facts.venv.is_whole
    assert "cannot be run" in facts.unknown["probe"]


@pytest.mark.parametrize("path", [FILE, BASE + r"\Lib", ntpath.dirname(FILE)])
def test_code_that_others_may_change_is_not_run(
    scm: FakeScm, windows: FakeWindows, path: str
) -> None:
    """Unless told so; what the present user may change is run."""
    windows.descriptors[path] = SAFE + f"(A;;FA;;;{ME})"
    mine = facts_of(scm, windows)
    windows.descriptors[path] = SAFE + "(A;;FA;;;AU)"
    others = facts_of(scm, windows)
    ran = len(windows.ran)
    told = facts_of(scm, windows, import_target=True)

    assert mine.probe is not None
    assert others.probe is None
    assert f"Authenticated Users may change {path}" in others.unknown["probe"]
    assert ran == 1
    assert told.probe is not None


OTHERS = SAFE + "(A;;FA;;;AU)"
APPDATA = ROOT + r"\System32\config\systemprofile\AppData\Roaming"
USERS_PACKAGES = APPDATA + r"\Python\Python311\site-packages"
NO_VENV = rf'"{BASE}\python.exe" -m winsvc host "{FILE}:Clock"'
OF_MODULE = rf'"{PYTHON}" -P -m winsvc host --path C:\Clock clock.service:Clock'
# The line, the machine's variables, files there are, what others may change.
TAKEN_FROM = {
    "PYTHONPATH": (LINE, {"PYTHONPATH": r"C:\x;D:\pp"}, r"D:\pp\a.py", r"D:\pp"),
    "in System32": (
        LINE,
        {"PYTHONPATH": r" pp ;"},
        ROOT + r"\System32\pp\a.py",
        ROOT + r"\System32\pp",
    ),
    "absent": (LINE, {"PYTHONPATH": r"D:\pp\deep"}, r"D:\x.py", "D:\\"),
    "sitecustomize": (
        LINE,
        {"PYTHONPATH": r"D:\pp"},
        r"D:\pp\sitecustomize.py",
        r"D:\pp\sitecustomize.py",
    ),
    "of the packages": (
        LINE,
        {},
        PACKAGES + r"\usercustomize.py",
        PACKAGES + r"\usercustomize.py",
    ),
    "PYTHONHOME": (LINE, {"PYTHONHOME": r"D:\py"}, r"D:\py\Lib\os.py", r"D:\py\Lib"),
    "cache": (LINE, {"PYTHONPYCACHEPREFIX": r"D:\c"}, r"D:\c\a.pyc", r"D:\c"),
    "account's": (NO_VENV, {}, USERS_PACKAGES + r"\a.py", USERS_PACKAGES),
    "account's, absent": (NO_VENV, {}, APPDATA + r"\x", APPDATA),
    "userbase": (
        NO_VENV,
        {"PYTHONUSERBASE": r"D:\u"},
        r"D:\u\Python311\site-packages\a.py",
        r"D:\u\Python311\site-packages",
    ),
    "DLLs": (LINE, {}, BASE + r"\DLLs\_ssl.pyd", BASE + r"\DLLs"),
    "winsvc": (LINE, {}, PACKAGES + r"\winsvc\core.pyd", PACKAGES + r"\winsvc"),
    "package": (OF_MODULE, {}, r"C:\Clock\clock\service.py", r"C:\Clock\clock"),
    "module": (
        OF_MODULE,
        {},
        r"C:\Clock\clock\service.py",
        r"C:\Clock\clock\service.py",
    ),
    "initial module": (
        OF_MODULE,
        {},
        PACKAGES + r"\clock\__init__.py",
        PACKAGES + r"\clock\__init__.py",
    ),
    "--path, absent": (OF_MODULE, {}, r"C:\x", "C:\\"),
}


@pytest.mark.parametrize("case", TAKEN_FROM)
def test_nothing_that_others_may_change_is_imported(
    scm: FakeScm, windows: FakeWindows, case: str
) -> None:
    """Wherever Python takes code from; it is, once they may not."""
    line, variables, file, weak = TAKEN_FROM[case]
    scm.add("Clock", line=line)
    windows.variables |= variables
    windows.files |= {file: b"", BASE + r"\python311.dll": b""}
    safe = facts_of(scm, windows)
    windows.descriptors[weak] = OTHERS
    weakened = facts_of(scm, windows)
    findings = list(code_checks.safety.run(weakened))

    assert safe.probe is not None
    assert "Authenticated Users may" in weakened.unknown["probe"]
    assert len(windows.ran) == 1
    assert "Authenticated Users may" in findings[0].what


@pytest.mark.parametrize("flag", ["-E", "-I", "-PE"])
def test_variables_that_python_ignores_do_not_matter(
    scm: FakeScm, windows: FakeWindows, flag: str
) -> None:
    """-E and -I: nor are they looked at here."""
    scm.add("Clock", line=LINE.replace(" -P", f" {flag}"))
    windows.variables |= {"PYTHONPATH": r"D:\pp", "PYTHONHOME": r"D:\py"}
    windows.files |= {r"D:\pp\a.py": b"", r"D:\py\Lib\os.py": b""}
    windows.descriptors |= {r"D:\pp": OTHERS, r"D:\py": OTHERS}
    facts = facts_of(scm, windows)

    assert facts.probe is not None
    assert not [each for each in facts.places if each.path.startswith("D:")]


@pytest.mark.parametrize(
    ("account", "line", "isolated"),
    [
        (None, NO_VENV, False),
        ("LocalSystem", NO_VENV, False),
        (LOCAL_SERVICE, NO_VENV, True),
        (NETWORK_SERVICE, NO_VENV, True),
        (r"NT SERVICE\Clock", NO_VENV, True),
        (r".\bob", NO_VENV, True),
    ],
)
def test_packages_of_the_account_are_not_imported(
    scm: FakeScm,
    windows: FakeWindows,
    account: str | None,
    line: str,
    isolated: bool,
) -> None:
    """That account may have put anything there; LocalSystem may do all anyway."""
    scm.sids["bob"] = ME
    scm.add("Clock", line=line, account=account)
    facts = facts_of(scm, windows)
    ((command, *_),) = windows.ran

    assert ("-s" in command) is isolated
    roles = [each.role for each in facts.places]
    assert ("the packages of its account" in roles) is not isolated


@pytest.mark.parametrize("included", [False, True])
def test_environment_may_have_the_packages_of_its_base(
    scm: FakeScm, windows: FakeWindows, included: bool
) -> None:
    """As its pyvenv.cfg says; those of the account then count too (PEP 405)."""
    text = f"home = {BASE}\ninclude-system-site-packages = {str(included).lower()}\n"
    windows.files[ENVIRONMENT + r"\pyvenv.cfg"] = text.encode()
    facts = facts_of(scm, windows)
    paths = [each.path for each in facts.places]

    assert (BASE + r"\Lib\site-packages" in paths) is included
    assert (APPDATA + r"\Python" in paths) is included


def test_code_whose_rights_are_unknown_is_not_run(
    scm: FakeScm, windows: FakeWindows
) -> None:
    """Not known is not safe."""
    windows.descriptors[FILE] = PermissionError(13, "not yours")
    facts = facts_of(scm, windows)

    assert "not yours" in facts.unknown["security"]
    assert "not known" in facts.unknown["probe"]
    assert windows.ran == []


def test_code_is_not_run_if_not_wanted(scm: FakeScm, windows: FakeWindows) -> None:
    """The check says that it was not done."""
    assert facts_of(scm, windows, import_target=False).unknown == {
        "probe": "it was not asked for"
    }
    assert windows.ran == []


def test_failures_of_one_group_leave_the_others(
    scm: FakeScm, windows: FakeWindows
) -> None:
    """What cannot be had is named with its reason."""
    windows.refused = {"is_deleted", "run"}
    facts = facts_of(scm, windows)

    assert set(facts.unknown) == {"deletion", "probe"}
    assert "run refused" in facts.unknown["probe"]
    windows.refused = {"is_file"}
    scm.source = None
    facts = facts_of(scm, windows)
    assert set(facts.unknown) == {"files", "security", "probe"}


def test_configuration_that_may_not_be_read_is_said_so(
    scm: FakeScm, windows: FakeWindows
) -> None:
    """Nothing that hangs on it is guessed; no finding is a problem."""
    manager: Any = scm
    scm.refused = 5
    findings = diagnose(manager, "Clock", system=windows)
    notes = {each.check: each.what for each in findings if each.severity != "ok"}

    assert {each.severity for each in findings} == {"not checked", "ok"}
    assert "ERROR_ACCESS_DENIED" in notes["program"]
    assert "ERROR_ACCESS_DENIED" in notes["dependencies"]
    assert windows.ran == []


def test_another_computer_is_told_by_its_scm(scm: FakeScm) -> None:
    """Files, rights and the import are of this computer: left out, and said so."""
    manager: Any = scm
    scm._backend.machine = "SERVER"
    scm.add("Clock", start_type=StartType.DISABLED)
    findings = diagnose(manager, "Clock")
    problems = [each.check for each in findings if each.severity == "problem"]
    notes = {
        each.check: each.what for each in findings if each.severity == "not checked"
    }

    assert problems == ["start type"]
    assert {"program", "code", "safety", "log", "deletion"} <= set(notes)
    assert "SERVER" in notes["event source"]
    assert all("SERVER" in notes[name] for name in ("program", "code", "safety"))


def test_program_without_full_path_is_not_looked_for(
    scm: FakeScm, windows: FakeWindows
) -> None:
    """Not on PATH, not in the current folder."""
    scm.add("Clock", line="python -m winsvc host m:C")
    facts = facts_of(scm, windows)

    assert "full path" in facts.unknown["files"]
    assert windows.ran == []


def test_variables_of_the_command_line_are_replaced(
    scm: FakeScm, windows: FakeWindows
) -> None:
    """By the machine's and the service's own, not by the present user's (E-16)."""
    line = (
        rf'"%tools%\venv\Scripts\%exe%" -P -m winsvc host "{FILE}:Clock" %PYTHONPATH%'
    )
    scm.add("Clock", line=line, environment={"EXE": "python.exe"})
    facts = facts_of(scm, windows)

    assert facts.command.program == PYTHON
    assert facts.command.words[-1] == "%PYTHONPATH%"
    assert facts.command.line == line


def test_rivals_of_an_unquoted_program_are_found(
    scm: FakeScm, windows: FakeWindows
) -> None:
    """Those that are there (E-16)."""
    scm.add("Clock", line=LINE.replace('"', "", 2))
    assert facts_of(scm, windows).rivals == ()
    windows.files[r"C:\Program.exe"] = HEADER

    assert facts_of(scm, windows).rivals == (r"C:\Program.exe",)


@pytest.mark.parametrize(
    ("line", "log"),
    [
        (rf'"{PYTHON}" -m winsvc host m:C', ENVIRONMENT),
        (rf'"{PYTHON}" "{FILE}"', ntpath.dirname(FILE)),
        (rf'"{PYTHON}" -m other', ""),
    ],
)
def test_default_log_is_known(
    scm: FakeScm,
    windows: FakeWindows,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    log: str,
) -> None:
    """As the host chooses it: beside the code."""
    monkeypatch.setattr("winsvc.log.os.path", ntpath)
    scm.add("Clock", line=line)
    facts = facts_of(scm, windows)

    assert facts.log_file == (log and log + r"\logs\Clock.log")


def test_dependencies_are_looked_up(scm: FakeScm, windows: FakeWindows) -> None:
    """Services and groups, each once; what is missing, and what may not be read."""
    scm.add("Db", state=State.STOPPED, start_type=StartType.DISABLED)
    scm.groups = {"Up": ["Clock"], "Down": ["Db"], "Empty": []}
    names = ("Db", "Gone", "+Up", "DB", "+Down", "gone", "+Empty")
    scm.add("Clock", dependencies=names)
    facts = facts_of(scm, windows)

    assert facts.dependencies == (
        Dependency(name="Db", state=State.STOPPED, start_type=StartType.DISABLED),
        Dependency(name="Gone", state=None),
        Dependency(name="+Up", state=State.RUNNING),
        Dependency(name="+Down", state=State.STOPPED),
        Dependency(name="+Empty", state=None),
    )


def test_group_without_members_is_told() -> None:
    """Of a whole SCM: there is no such group then (F-16)."""
    scm = SimulatedScm()
    settings = ServiceConfig(
        name="Clock", command=(r"C:\x.exe",), dependencies=("+Nobody",)
    )
    scm.create(settings).close()
    with scm.manager() as manager:
        (told,) = [
            each for each in diagnose(manager, "Clock") if each.check == "dependencies"
        ]

    assert told.severity == "problem"
    assert "no service is in the group Nobody" in told.what


@pytest.mark.parametrize(
    ("needs", "circle"),
    [
        ({"Clock": "Db", "Db": "clock"}, ("Clock", "Db")),
        ({"Clock": "Clock"}, ("Clock",)),
        ({"Clock": "A Db", "A": "B", "B": "Gone", "Db": "B A"}, ()),
        ({"Clock": "A", "A": "B", "B": "C", "C": "A"}, ("A", "B", "C")),
        ({"Clock": "+Clock"}, ()),
        ({"Clock": "A", "A": "B C", "B": "", "C": "CLOCK"}, ("Clock", "A", "C")),
    ],
)
def test_circle_of_dependencies_is_found(
    scm: FakeScm, windows: FakeWindows, needs: dict[str, str], circle: tuple[str, ...]
) -> None:
    """Over several services, which this one need not be one of (E-49)."""
    scm.groups = {"Clock": []}
    for name, others in needs.items():
        scm.add(name, dependencies=tuple(others.split()))

    assert facts_of(scm, windows).circle == circle


@pytest.mark.parametrize(
    ("line", "data", "word"),
    [
        (r'"D:\x.exe"', HEADER, ""),
        (r'"D:\x.exe"', HEADER + b"\0StartServiceCtrlDispatcherW", "StartServiceCtrl"),
        (r'"D:\x.exe"', HEADER + b"System.ServiceProcess", "ServiceProcess"),
        (rf'"{PYTHON}" D:\x.py', b"print(1)", ""),
        (rf'"{PYTHON}" D:\x.py', b"import winsvc", "winsvc"),
        (rf'"{PYTHON}" -m http.server', b"", None),
        (LINE, b"", None),
    ],
)
def test_word_of_a_service_is_looked_for(
    scm: FakeScm, windows: FakeWindows, line: str, data: bytes, word: str | None
) -> None:
    """In a program or a script; what is neither is not looked into."""
    scm.add("Clock", line=line)
    windows.files |= {r"D:\x.exe": data, r"D:\x.py": data}
    found = facts_of(scm, windows).service_word

    assert found == word if not word else found and found.startswith(word)


def test_log_is_looked_at(scm: FakeScm, windows: FakeWindows) -> None:
    """Its rights, or those of the nearest folder above it; a folder is no log."""
    windows.descriptors = {LOG: "file's", r"C:\ProgramData": "folder's"}
    there = facts_of(scm, windows)
    del windows.files[LOG]
    windows.files[r"C:\ProgramData\x"] = b""
    gone = facts_of(scm, windows)
    windows.files[LOG + r"\x"] = b""
    folder = facts_of(scm, windows)

    assert (there.has_log_file, there.log_place, there.log_security) == (
        *(True, LOG, "file's"),
    )
    assert (gone.has_log_file, gone.has_log_folder) == (False, False)
    assert (gone.log_place, gone.log_security) == (r"C:\ProgramData", "folder's")
    assert folder.log_trouble == "it is a folder"


def test_log_whose_rights_are_unknown_is_not_checked(
    scm: FakeScm, windows: FakeWindows
) -> None:
    """The code is imported all the same: it is of no concern there."""
    manager: Any = scm
    windows.descriptors[LOG] = PermissionError(13, "not yours")
    findings = {each.check: each for each in diagnose(manager, "Clock", system=windows)}

    assert findings["log"].severity == "not checked"
    assert "not yours" in findings["log"].what
    assert findings["code"].severity == "ok"


def test_services_of_the_same_process_are_found(
    scm: FakeScm, windows: FakeWindows
) -> None:
    """By their command line, among the shared ones (E-49e)."""
    shared = {"service_type": ServiceType.SHARE_PROCESS}
    scm.add("Clock", **shared)
    scm.add("Bell", account="NT AUTHORITY\\LocalService", **shared)
    scm.add("Other", line="x", **shared)
    scm.add("Own")

    assert facts_of(scm, windows).sharers == (("Bell", "NT AUTHORITY\\LocalService"),)


@pytest.mark.parametrize(
    ("account", "sid"),
    [
        (None, SIDS["SY"]),
        ("NT AUTHORITY\\LocalService", SIDS["LS"]),
        ("NT SERVICE\\TrustedInstaller", "S-1-5-80-956008885-"),
        (r".\me", ME),
        (r".\gone", None),
    ],
)
def test_account_is_looked_up(
    scm: FakeScm, windows: FakeWindows, account: str | None, sid: str | None
) -> None:
    """None: there is no such account (1332)."""
    scm.sids = {r".\me": ME}
    scm.add("Clock", account=account)
    found = facts_of(scm, windows).account_sid

    assert found == sid if sid is None else found and found.startswith(sid)


def test_account_that_cannot_be_asked_for_is_unknown(
    scm: FakeScm, windows: FakeWindows
) -> None:
    """A domain that does not answer is no missing account."""
    scm.sids = {"D\\u": 1722}
    scm.add("Clock", account="D\\u")

    assert "1722" in facts_of(scm, windows).unknown["account"]


@pytest.mark.parametrize(
    ("account", "code", "has_right"),
    [
        (None, 5, True),
        ("LocalService", 5, True),
        ("NT SERVICE\\Clock", 5, True),
        (r".\me", 0, True),
        (r".\other", 0, False),
        (r"D\managed$", 0, False),
    ],
)
def test_right_to_log_on_is_looked_up(
    scm: FakeScm,
    windows: FakeWindows,
    account: str | None,
    code: int,
    has_right: bool,
) -> None:
    """Of those that need one (E-15): the policy is not asked about the others."""
    scm.logon_rights = {r".\me"}
    scm.logon_code = code
    scm.add("Clock", account=account)
    found = facts_of(scm, windows)

    assert found.has_logon_right is has_right
    assert "logon_right" not in found.unknown


def test_right_that_may_not_be_read_is_unknown(
    scm: FakeScm, windows: FakeWindows
) -> None:
    """The account is looked up all the same."""
    scm.logon_code = 5
    scm.sids = {r".\me": ME}
    scm.add("Clock", account=r".\me")
    found = facts_of(scm, windows)

    assert "5 ERROR_ACCESS_DENIED" in found.unknown["logon_right"]
    assert found.account_sid == ME


def test_event_log_that_cannot_be_read_is_unknown(
    scm: FakeScm, windows: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """H-38: Wine has none."""

    def refuse(*_: object) -> None:
        raise ServiceError(operation="read the event log", winerror=120)

    monkeypatch.setattr(gather, "scm_events", refuse)

    assert "120" in facts_of(scm, windows).unknown["events"]
