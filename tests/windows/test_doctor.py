"""The doctor on services that are really broken: it names what was broken, alone."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import time
from pathlib import Path

import pytest
from lab import SERVICES, Installed, Lab, on_wine

from winsvc.doctor import diagnose, pe, render
from winsvc.doctor.system import Windows
from winsvc.errors import ServiceError, ServiceNotFound
from winsvc.manage import rights
from winsvc.settings.config import ServiceConfig
from winsvc.states import StartType, State

ALARMS = ("problem", "warning")
# What a service of the lab is without, and what holds for this computer.
EXPECTED = {"state", "failure actions", "event source", "log", "safety", "places"}
# What Wine does not tell: H-5, H-11, H-38.
UNTOLD = {"deletion", "failure actions", "SCM's events"}
MINIMAL = """
import winsvc

class Minimal(winsvc.Service):
    name = "Minimal"
"""


def alarms(lab: Lab, service: Installed) -> dict[str, str]:
    """Return the problems and warnings, by their checks; each has a remedy."""
    findings = diagnose(lab.manager, service.name, import_target=True)
    found = [each for each in findings if each.severity in ALARMS]
    print(render(findings))  # for who reads a failure

    assert all(each.remedy for each in found)
    return {each.check: each.what for each in found if each.check != "safety"}


def script(lab: Lab, text: str = MINIMAL, name: str = "its service.py") -> Path:
    """Write a service's file."""
    file = lab.folder / name
    file.write_text(text)
    return file


def refused(service: Installed) -> int:
    """Start it in vain; return the code."""
    with pytest.raises(ServiceError) as caught:
        service.start()
    return caught.value.winerror


def test_healthy_service_raises_no_alarm(lab: Lab) -> None:
    """Running, and stopped again; in seconds."""
    service = lab.install("Probe")
    service.start()
    begin = time.monotonic()
    running = diagnose(lab.manager, service.name, import_target=True)
    seconds = time.monotonic() - begin
    service.stop()

    print(render(running))
    print(f"diagnosed in {seconds:.2f} s")
    noted = {each.check for each in running if each.severity == "note"}
    unchecked = {each.check for each in running if each.severity == "not checked"}
    assert noted <= EXPECTED
    assert unchecked == (UNTOLD if on_wine() else set())
    severities = {each.check: each.severity for each in running}
    assert severities["code"] == severities["hosting"] == severities["log"] == "ok"
    assert seconds < 30
    assert alarms(lab, service) == {}


def test_interpreter_gone_is_found(lab: Lab) -> None:
    """The start fails with 2 or 3; the doctor names the program."""
    python = lab.folder / "gone" / "python.exe"
    command = (str(python), *lab.command(f"{SERVICES}:Probe", lab.folder / "x.log")[1:])
    service = lab.install("Gone", command=command)

    assert refused(service) in (2, 3)
    found = alarms(lab, service)
    assert set(found) - {"state"} == {"program"}
    assert str(python) in found["program"]


def test_program_that_is_none_is_found(lab: Lab) -> None:
    """193: a text file that is called python.exe."""
    python = lab.folder / "python.exe"
    python.write_text("no program")
    service = lab.install("NoProgram", command=(str(python), "-m", "winsvc", "x"))

    assert refused(service)
    found = alarms(lab, service)
    assert set(found) - {"state"} == {"program"}
    assert "193" in found["program"]


def test_target_gone_is_found(lab: Lab) -> None:
    """The service stops with 64001; the doctor names the file that is gone."""
    file = script(lab)
    service = lab.install("Minimal", file=file)
    file.unlink()
    with pytest.raises(ServiceError):
        service.start()
    found = alarms(lab, service)

    assert set(found) == {"state", "places"}
    assert str(file) in found["places"]
    assert "64001 IMPORT" in found["state"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("import one\nimport a_package_that_is_not_there", "a_package_that_is_not"),
        ("def f(:\n    pass\n", "SyntaxError"),
        ("import winsvc\n1 / 0\n", "ZeroDivisionError: division by zero"),
    ],
    ids=["missing package", "syntax error", "exception"],
)
def test_code_that_cannot_be_imported_is_found(lab: Lab, text: str, what: str) -> None:
    """With its exception and the line; the last error of the log is shown."""
    (lab.folder / "one.py").write_text("")
    file = script(lab, text, "broken.py")
    service = lab.install("Broken", file=file)
    with pytest.raises(ServiceError):
        service.start()
    found = alarms(lab, service)
    log = [each.what for each in diagnose(lab.manager, service.name)]

    assert set(found) == {"state", "code"}
    assert what in found["code"]
    assert f"{file}:{2 if 'import' in text else 1})" in found["code"]
    assert any("the last error in its log" in each and what in each for each in log)


def test_program_that_is_no_service_is_found(lab: Lab) -> None:
    """A script and an .exe that end at once: 1053 (A-42)."""
    file = script(lab, "print('no service')\n", "plain.py")
    shell = str(Path(os.environ["SYSTEMROOT"]) / "System32" / "cmd.exe")
    for command in ((sys.executable, str(file)), (shell, "/c", "exit")):
        service = lab.install("Plain", command=command)
        assert refused(service) == 1053
        findings = diagnose(lab.manager, service.name)
        (found,) = [each for each in findings if each.check == "hosting"]

        assert found.severity in ("note", "problem")
        assert command[-1] in found.what or shell in found.what
        assert "Task Scheduler" in (found.remedy or "")
        assert "ok" not in [each.severity for each in findings if each.check == "log"]


def test_log_that_is_a_folder_is_found(lab: Lab) -> None:
    """The service runs, and what it logs is lost."""
    command = lab.command(f"{SERVICES}:Probe", lab.folder)
    service = lab.install("Probe", command=command)
    service.start()
    found = alarms(lab, service)
    service.stop()

    assert set(found) == {"log"}
    assert f"{lab.folder}: it is a folder" in found["log"]


def test_log_that_the_account_may_not_write_is_found(lab: Lab) -> None:
    """By the rights of the file, which all may read and LocalService not write."""
    log = lab.folder / "x.log"
    log.write_text("")
    service = lab.install("Probe", command=lab.command(f"{SERVICES}:Probe", log))
    lab.manager.apply(ServiceConfig(name=service.name, account="LocalService"))
    set_dacl(log, "D:P(A;;FA;;;SY)(A;;FR;;;WD)")
    found = alarms(lab, service)
    set_dacl(log, "D:P(A;;FA;;;WD)")

    assert "LocalService may not write its log" in found["log"]
    assert "log" not in alarms(lab, service)


def test_deletion_is_found_where_the_system_tells(lab: Lab) -> None:
    """E-31; nothing of Wine's tells (H-5), and that is said."""
    service = lab.install("Probe")
    lab.forget(service)
    with service.handle:
        service.handle.delete()
        findings = diagnose(lab.manager, service.name)
    (found,) = [each for each in findings if each.check == "deletion"]

    assert found.severity == ("not checked" if on_wine() else "problem")


def test_circle_of_dependencies_is_found(lab: Lab) -> None:
    """E-49: Windows refuses it when it is configured, Wine does not (H-6)."""
    first, second = lab.unique("circle"), lab.unique("circle")
    command = lab.command(f"{SERVICES}:Probe", lab.folder / "x.log")
    configs = [
        ServiceConfig(name=name, command=command, dependencies=(other,))
        for name, other in ((first, second), (second, first))
    ]
    with lab.manager.create(configs[0]) as one:
        try:
            told = dependencies_told(lab, configs[1], of=first)
        finally:
            one.delete()

    circle = f"(1059): {first} -> {second} -> {first}"
    assert told in (1059, f"its dependencies lead in a circle {circle}")


def dependencies_told(lab: Lab, config: ServiceConfig, *, of: str) -> str | int:
    """Return what is told of dependencies beside another service, or its refusal."""
    try:
        other = lab.manager.create(config)
    except ServiceError as error:
        return error.winerror
    with other:
        findings = diagnose(lab.manager, of)
        other.delete()
    return "; ".join(each.what for each in findings if each.check == "dependencies")


def test_unquoted_path_is_found(lab: Lab) -> None:
    """E-16: a warning; a problem once what Windows tries first is there."""
    service = lab.install("Probe")
    folder = lab.folder / "my services"
    folder.mkdir()
    python = folder / "python.exe"
    python.write_text("never started")
    change_command_line(lab, service.name, f"{python} -m winsvc host x:X")
    before = alarms(lab, service)
    rival = lab.folder / "my.exe"
    rival.write_text("never started")
    after = alarms(lab, service)

    assert str(rival) in before["command line"]
    assert f"Windows starts {rival}" in after["command line"]


def change_command_line(lab: Lab, name: str, line: str) -> None:
    """Set one that our own configuration would have quoted."""
    backend = lab.manager._backend
    manager = backend.manager_open(None, rights.CONNECT)
    service = backend.service_open(manager, name, rights.CHANGE_CONFIG)
    kept = (None,) * 3
    backend.service_change(service, *kept, line, None, None, None, None, None)
    backend.handle_close(service)
    backend.handle_close(manager)


def test_virtual_environment_without_its_python_is_found(lab: Lab) -> None:
    """The Python in pyvenv.cfg has been uninstalled."""
    scripts = lab.folder / "venv" / "Scripts"
    scripts.mkdir(parents=True)
    python = scripts / "python.exe"
    shutil.copy(sys.executable, python)
    home = lab.folder / "Python309"
    (scripts.parent / "pyvenv.cfg").write_text(f"home = {home}\nversion = 3.9\n")
    command = (str(python), *lab.command(f"{SERVICES}:Probe", lab.folder / "x.log")[1:])
    service = lab.install("Venv", command=command)

    assert refused(service) == 1053
    found = alarms(lab, service)
    assert set(found) - {"state"} == {"environment"}
    assert str(home) in found["environment"]


def test_disabled_service_is_found(lab: Lab) -> None:
    """1058, as its start says."""
    service = lab.install("Probe", start_type=StartType.DISABLED)

    assert refused(service) == 1058
    assert set(alarms(lab, service)) - {"state"} == {"start type"}


def test_missing_dependency_is_found(lab: Lab) -> None:
    """1075, as its start says on Windows; Wine checks none (H-6)."""
    name = lab.unique("dependent")
    command = lab.command(f"{SERVICES}:Probe", lab.folder / "x.log")
    config = ServiceConfig(
        name=name,
        command=command,
        start_type=StartType.MANUAL,
        dependencies=("winsvc test nobody",),
    )
    with lab.manager.create(config) as handle:
        try:
            found = [
                each
                for each in diagnose(lab.manager, name, import_target=True)
                if each.severity in ALARMS and each.check != "safety"
            ]
        finally:
            handle.delete()

    assert [each.check for each in found] == ["dependencies"]
    assert "1075" in found[0].what


def test_code_that_others_may_change_is_not_imported(lab: Lab) -> None:
    """It would run with the rights of who asks; told, it is imported all the same."""
    text = "import pathlib\npathlib.Path(__file__).with_name('ran').write_text('')\n"
    file = script(lab, text + MINIMAL)
    service = lab.install("Minimal", file=file)
    set_dacl(file, "D:P(A;;FA;;;WD)")
    findings = diagnose(lab.manager, service.name)
    (code,) = [each for each in findings if each.check == "code"]
    warnings = [each.what for each in findings if each.severity == "warning"]
    ran = lab.folder / "ran"

    assert not ran.exists()
    assert code.severity == "not checked"
    assert "may change" in code.what
    assert any(text.startswith("Everyone may change") for text in warnings)
    assert alarms(lab, service) == {}
    assert ran.exists()


def test_variable_that_leads_to_anybodys_code_stops_the_import(lab: Lab) -> None:
    """PYTHONPATH of the service: sitecustomize is run by every Python there."""
    folder = lab.folder / "pythonpath"
    folder.mkdir()
    ran = write_customization(folder, "sitecustomize.py")
    set_dacl(folder, "D:P(A;OICI;FA;;;WD)")
    service = lab.install("Probe")
    lab.manager.apply(
        ServiceConfig(name=service.name, environment={"PYTHONPATH": str(folder)})
    )
    findings = diagnose(lab.manager, service.name)
    (code,) = [each for each in findings if each.check == "code"]
    asked = ran.exists()
    diagnose(lab.manager, service.name, import_target=True)

    assert "may change" in code.what
    assert not asked
    assert ran.exists()


def test_packages_of_the_account_are_not_imported(lab: Lab) -> None:
    """LocalService may write there; told to import, it is without them."""
    version = f"Python{sys.version_info.major}{sys.version_info.minor}"
    folder = lab.folder / "Python" / version / "site-packages"
    folder.mkdir(parents=True)
    ran = write_customization(folder, "usercustomize.py")
    service = lab.install("Probe")
    variables = {"APPDATA": str(lab.folder), "USERPROFILE": str(lab.folder)}
    lab.manager.apply(ServiceConfig(name=service.name, environment=variables))
    system = diagnose(lab.manager, service.name, import_target=True)
    by_system = ran.exists()
    ran.unlink(missing_ok=True)
    lab.manager.apply(ServiceConfig(name=service.name, account="LocalService"))
    local = diagnose(lab.manager, service.name, import_target=True)

    assert by_system
    assert not ran.exists()
    for findings in (system, local):
        assert not [each for each in findings if each.severity == "problem"]


def write_customization(folder: Path, name: str) -> Path:
    """Have Python write a file when it imports this at its start; return that."""
    ran = folder / "ran"
    (folder / name).write_text(f"open({str(ran)!r}, 'w').close()\n")
    return ran


def set_dacl(path: Path, sddl: str) -> None:
    """Say who may do what with a file."""
    advapi32 = ctypes.WinDLL("advapi32")
    descriptor = ctypes.c_void_p()
    convert = advapi32.ConvertStringSecurityDescriptorToSecurityDescriptorW
    assert convert(sddl, 1, ctypes.byref(descriptor), None)
    assert advapi32.SetFileSecurityW(str(path), 4, descriptor)


def test_own_sid_and_machine_are_known() -> None:
    """What the checks of rights and programs rest on."""
    system = Windows()

    assert system.my_sid().startswith("S-1-5-")
    assert system.native_machine() in pe.NAMES
    assert "D:" in system.security(sys.executable)
    assert not system.is_remote(sys.executable)
    assert system.is_remote(r"\\server\share\x.py")
    assert system.machine_variables()["windir"]


def test_unknown_service_is_refused(lab: Lab) -> None:
    """As by any other command."""
    with pytest.raises(ServiceNotFound):
        diagnose(lab.manager, "winsvc test nobody")


def test_service_of_windows_is_diagnosed(lab: Lab) -> None:
    """Nothing of Python in it: what is about Python does not apply."""
    (info, *_) = [
        each for each in lab.manager.list() if each.status.state is State.RUNNING
    ]
    findings = diagnose(lab.manager, info.name)
    severities = {each.check: each.severity for each in findings}

    assert "problem" not in severities.values()
    assert {severities[each] for each in ("environment", "code", "variables")} == {
        "does not apply"
    }
    assert severities["hosting"] == "ok"
