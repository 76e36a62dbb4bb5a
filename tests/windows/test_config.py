"""Configurations on a real SCM: written by apply, read back by others too."""

from __future__ import annotations

import contextlib
import sys
import winreg
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import win32service
from lab import Lab, on_wine

from winsvc.errors import (
    ServiceAccessDenied,
    ServiceError,
    ServiceExists,
    ServiceNotFound,
)
from winsvc.manage.security import TO_START, parse_dacl
from winsvc.settings.config import ServiceConfig
from winsvc.settings.triggers import Trigger, TriggerAction, TriggerType
from winsvc.settings.values import (
    ErrorControl,
    FailureAction,
    FailureActions,
    LaunchProtection,
    SidType,
)
from winsvc.states import ServiceType, StartType

WINE = on_wine()
SERVICES = r"SYSTEM\CurrentControlSet\Services"
SOURCES = SERVICES + r"\EventLog\Application"
NETWORK = UUID("4f27f2de-14e2-430b-a549-7cd48cbc8245")
LOGGED_ON = "S-1-5-4"
# Each setting with a value that is not what a service has by itself.
VALUES: dict[str, Any] = {
    "name": None,  # each test's own
    "command": (r"C:\a b\x.exe", "-a", "b c"),
    "display_name": "winsvc test of one setting",
    "description": "Says ü and 猫.",
    "start_type": StartType.MANUAL,
    "delayed": True,
    "service_type": ServiceType.SHARE_PROCESS,
    "error_control": ErrorControl.SEVERE,
    "group": "winsvc test group",
    "dependencies": ("Tcpip", "+winsvc test early"),
    "account": r"NT AUTHORITY\LocalService",
    "failure_actions": FailureActions(
        actions=(FailureAction.restart(5.0), FailureAction.run_command(0.5)),
        reset_period=3600.0,
        command="cmd.exe /c exit",
    ),
    "failure_actions_on_error": True,
    "sid_type": SidType.UNRESTRICTED,
    "required_privileges": ("SeChangeNotifyPrivilege", "SeBackupPrivilege"),
    "preshutdown_timeout": 12.345,
    "triggers": (
        Trigger(TriggerType.IP_ADDRESS_AVAILABILITY, TriggerAction.START, NETWORK),
    ),
    "preferred_node": 0,
    "launch_protection": LaunchProtection.WINDOWS_LIGHT,
    "environment": {"PYTHONUTF8": "1"},
    "security": "D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;CCLCRPLO;;;IU)",
    "event_source": True,
}
# H-20; of security it has only a stub (H-30).
UNKNOWN_TO_WINE = {
    "delayed": 124,
    "failure_actions": 124,
    "failure_actions_on_error": 124,
    "sid_type": 124,
    "required_privileges": 124,
    "triggers": 124,
    "preferred_node": 124,
    "launch_protection": 124,
    "security": 50,
}


class Bench:
    """A service's name, and what other programs say of that service."""

    def __init__(self, lab: Lab) -> None:
        self.manager = lab.manager
        self.name = lab.unique("config")
        self.other = lab.unique("other")
        self.everything = ServiceConfig(
            name=self.name,
            command=(sys.executable, "-c", "pass", "a b"),
            display_name=f"{self.name} for people",
            description="Says ü and 猫.",
            start_type=StartType.MANUAL,
            service_type=ServiceType.OWN_PROCESS,
            error_control=ErrorControl.IGNORE,
            group="winsvc test group",
            dependencies=("Tcpip", "+winsvc test early"),
            account="LocalSystem",
            preshutdown_timeout=12.345,
            environment={"PYTHONUTF8": "1", "Empty": "", "Two": "a=b"},
            event_source=True,
        )

    def config(self) -> ServiceConfig:
        """Return what our own API reads back."""
        with self.manager.open(self.name) as handle:
            return handle.config()

    def registry(self, path: str) -> dict[str, tuple[Any, int]]:
        """Return the values of a key, by the names in capitals."""
        found = {}
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
            for place in range(winreg.QueryInfoKey(key)[1]):
                name, value, kind = winreg.EnumValue(key, place)
                found[name.upper()] = (value, kind)
        return found

    def values(self) -> dict[str, tuple[Any, int]]:
        """Return the values of the service's own key."""
        return self.registry(rf"{SERVICES}\{self.name}")

    def has_source(self) -> bool:
        """Tell whether the event source is registered."""
        with contextlib.suppress(FileNotFoundError):
            return bool(self.registry(rf"{SOURCES}\{self.name}"))
        return False

    def pywin32(self) -> dict[str, Any]:
        """Return what pywin32 reads, under our names."""
        scm = win32service.OpenSCManager(None, None, win32service.SC_MANAGER_CONNECT)
        service = win32service.OpenService(
            scm, self.name, win32service.SERVICE_QUERY_CONFIG
        )
        try:
            kind, start, error, line, group, _, dependencies, account, display = (
                win32service.QueryServiceConfig(service)
            )
            description = win32service.QueryServiceConfig2(
                service, win32service.SERVICE_CONFIG_DESCRIPTION
            )
            preshutdown = win32service.QueryServiceConfig2(
                service, win32service.SERVICE_CONFIG_PRESHUTDOWN_INFO
            )
        finally:
            win32service.CloseServiceHandle(service)
            win32service.CloseServiceHandle(scm)
        return {
            "service_type": kind,
            "start_type": start,
            "error_control": error,
            "command": line,
            "group": group,
            "dependencies": tuple(dependencies or ()),
            "account": account,
            "display_name": display,
            "description": description,
            "preshutdown_timeout": preshutdown,
        }


@pytest.fixture
def bench(lab: Lab) -> Iterator[Bench]:
    """A name that no service has; what gets it is removed."""
    bench = Bench(lab)
    yield bench
    for name in (bench.name, bench.other):
        with contextlib.suppress(ServiceNotFound):
            bench.manager.remove(name)


def test_settings_read_back_everywhere(bench: Bench) -> None:
    """Created with everything that Wine knows; the same to three readers."""
    wanted = bench.everything
    changes = bench.manager.apply(wanted)
    found, values, other = bench.config(), bench.values(), bench.pywin32()

    assert changes.is_new
    assert {
        setting: getattr(found, setting)
        for setting in ServiceConfig.__dataclass_fields__
        if getattr(wanted, setting) is not None
    } == {
        setting: getattr(wanted, setting)
        for setting in ServiceConfig.__dataclass_fields__
        if getattr(wanted, setting) is not None
    }
    line = f'"{sys.executable}" -c pass "a b"'
    assert values["IMAGEPATH"][0] == line
    assert values["TYPE"] == (0x10, winreg.REG_DWORD)
    assert values["START"] == (3, winreg.REG_DWORD)
    assert values["ERRORCONTROL"] == (0, winreg.REG_DWORD)
    assert values["DISPLAYNAME"][0] == wanted.display_name
    assert values["DESCRIPTION"][0] == wanted.description
    assert values["GROUP"][0] == wanted.group
    assert values["OBJECTNAME"][0] == "LocalSystem"
    assert values["DEPENDONSERVICE"] == (["Tcpip"], winreg.REG_MULTI_SZ)
    assert values["DEPENDONGROUP"] == (["winsvc test early"], winreg.REG_MULTI_SZ)
    assert values["PRESHUTDOWNTIMEOUT"] == (12345, winreg.REG_DWORD)
    assert values["ENVIRONMENT"] == (
        ["PYTHONUTF8=1", "Empty=", "Two=a=b"],
        winreg.REG_MULTI_SZ,
    )
    dependencies = () if WINE else wanted.dependencies  # H-6
    assert other == {
        "service_type": 0x10,
        "start_type": 3,
        "error_control": 0,
        "command": line,
        "group": wanted.group,
        "dependencies": dependencies,
        "account": "LocalSystem",
        "display_name": wanted.display_name,
        "description": wanted.description,
        "preshutdown_timeout": 12345,
    }


def test_event_source_points_to_our_message_table(bench: Bench) -> None:
    """With all values of G-2; remove takes it out, delete would not (E-35)."""
    from winsvc import _core  # type: ignore[attr-defined,unused-ignore]

    bench.manager.apply(bench.everything)
    source = bench.registry(rf"{SOURCES}\{bench.name}")
    bench.manager.remove(bench.name)

    assert source["EVENTMESSAGEFILE"] == (_core.__file__, winreg.REG_EXPAND_SZ)
    assert source["CATEGORYMESSAGEFILE"] == (_core.__file__, winreg.REG_EXPAND_SZ)
    assert source["CATEGORYCOUNT"] == (2, winreg.REG_DWORD)
    assert source["TYPESSUPPORTED"] == (7, winreg.REG_DWORD)
    assert not bench.has_source()
    with pytest.raises(ServiceNotFound):
        bench.config()


def test_second_apply_changes_nothing(bench: Bench) -> None:
    """Neither in the plan nor in the registry."""
    bench.manager.apply(bench.everything)
    before = bench.values()

    assert not bench.manager.plan(bench.everything)
    assert not bench.manager.apply(bench.everything)
    assert bench.values() == before


def test_change_sets_every_setting(bench: Bench) -> None:
    """Of a service that is there; what is emptied is gone from the registry."""
    bench.manager.apply(bench.everything)
    other = ServiceConfig(
        name=bench.name,
        command=(r"C:\other.exe",),
        display_name="",
        description="",
        start_type=StartType.DISABLED,
        error_control=ErrorControl.SEVERE,
        group="",
        dependencies=(),
        preshutdown_timeout=1.0,
        environment={},
        event_source=False,
    )
    changes = bench.manager.apply(other)
    found, values = bench.config(), bench.values()

    assert [change.setting for change in changes.changes] == [
        "command",
        "display_name",
        "description",
        "start_type",
        "error_control",
        "group",
        "dependencies",
        "preshutdown_timeout",
        "environment",
        "event_source",
    ]
    assert "start type: manual -> disabled" in str(changes).splitlines()
    assert not bench.manager.plan(other)
    assert (found.command, found.display_name) == ((r"C:\other.exe",), bench.name)
    assert (found.description, found.group, found.dependencies) == ("", "", ())
    assert (found.environment, found.event_source) == ({}, False)
    assert "ENVIRONMENT" not in values
    assert not values.get("DEPENDONSERVICE", ([],))[0]
    assert not bench.has_source()


def test_dependencies_survive_other_changes(bench: Bench) -> None:
    """Wine's SCM erases those that it is not given again (H-46)."""
    bench.manager.apply(bench.everything)
    bench.manager.apply(ServiceConfig(name=bench.name, start_type=StartType.DISABLED))
    values = bench.values()

    assert values["START"][0] == 4
    assert values["DEPENDONSERVICE"][0] == ["Tcpip"]
    assert values["DEPENDONGROUP"][0] == ["winsvc test early"]
    assert bench.config().dependencies == bench.everything.dependencies


def test_refused_change_leaves_everything(bench: Bench) -> None:
    """The last step fails (1078: that is another's display name and key name)."""
    manager = bench.manager
    manager.apply(ServiceConfig(name=bench.other, command=(r"C:\x.exe",)))
    manager.apply(bench.everything)
    before, values = bench.config(), bench.values()
    with pytest.raises(ServiceError) as caught:
        manager.apply(
            ServiceConfig(
                name=bench.name,
                display_name=bench.other,
                description="New.",
                preshutdown_timeout=1.0,
                environment={"NEW": "1"},
                event_source=False,
            )
        )

    assert caught.value.winerror == 1078
    assert caught.value.operation == "change the settings of"
    assert not getattr(caught.value, "__notes__", [])
    assert bench.config() == before
    assert bench.values() == values
    assert bench.has_source()


def test_refused_creation_leaves_nothing(bench: Bench) -> None:
    """The SCM refuses a source that is in another log: the service goes again."""
    system = rf"{SERVICES}\EventLog\System\{bench.name}"
    hive = winreg.HKEY_LOCAL_MACHINE
    winreg.CreateKey(hive, system).Close()
    try:
        with pytest.raises(ServiceError, match="is another event log, in one"):
            bench.manager.apply(bench.everything)
    finally:
        winreg.DeleteKey(hive, system)

    assert not bench.has_source()
    with pytest.raises(ServiceNotFound):
        bench.config()


def with_one(bench: Bench, setting: str) -> ServiceConfig:
    """Return a configuration that says one thing beside what a service needs."""
    settings = {"command": (r"C:\x.exe",), "start_type": StartType.AUTO}
    settings[setting] = VALUES[setting]
    return ServiceConfig(**{**settings, "name": bench.name})


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param(
            setting,
            marks=pytest.mark.skipif(
                WINE and setting in UNKNOWN_TO_WINE,
                reason="H-20, H-30: Wine's SCM has no such setting",
            ),
        )
        for setting in VALUES
    ],
)
def test_setting_is_read_back(bench: Bench, setting: str) -> None:
    """Set at the creation, and set on a service that is there."""
    config = with_one(bench, setting)
    if setting == "launch_protection":  # for signed programs alone (E.7)
        with pytest.raises(ServiceError):
            bench.manager.apply(config)
        with pytest.raises(ServiceNotFound):
            bench.config()
        return
    value = getattr(config, setting)
    bench.manager.apply(config)
    created = bench.config()
    assert not bench.manager.plan(config)
    bench.manager.remove(bench.name)
    bench.manager.apply(ServiceConfig(name=bench.name, command=(r"C:\before.exe",)))
    bench.manager.apply(config)
    changed = bench.config()

    assert getattr(created, setting) == value
    assert getattr(changed, setting) == value
    assert not bench.manager.plan(config)


@pytest.mark.skipif(not WINE, reason="Windows knows them all: this is for H-20")
@pytest.mark.parametrize("setting", UNKNOWN_TO_WINE)
def test_setting_that_wine_does_not_know(bench: Bench, setting: str) -> None:
    """Refused before any change, or left out and said to be; created or not."""
    config = replace(with_one(bench, setting), description="known")
    with pytest.raises(ServiceError) as caught:
        bench.manager.apply(config)
    with pytest.raises(ServiceNotFound):
        bench.config()
    created = bench.manager.apply(config, if_supported=[setting])
    before = bench.values()
    with pytest.raises(ServiceError):
        bench.manager.apply(replace(config, description="new"))

    assert caught.value.winerror == UNKNOWN_TO_WINE[setting]
    assert caught.value.operation == f"read {setting.replace('_', ' ')} of"
    assert created.left_out == (setting,)
    assert bench.config().description == "known"
    assert getattr(bench.config(), setting) is None
    assert bench.values() == before
    assert not bench.manager.plan(config, if_supported=[setting])


def test_create_fails_where_there_is_one(bench: Bench) -> None:
    """1073, and the one that is there stays as it is."""
    with bench.manager.create(bench.everything):
        before = bench.values()
        with pytest.raises(ServiceExists):
            bench.manager.create(ServiceConfig(name=bench.name, command=(r"C:\y.exe",)))

    assert bench.values() == before


def test_created_again_at_once(bench: Bench) -> None:
    """apply waits while the service that was removed is going (E-34)."""
    for number in range(3):
        changes = bench.manager.apply(
            replace(bench.everything, description=f"number {number}")
        )
        assert changes.is_new
        assert bench.config().description == f"number {number}"
        bench.manager.remove(bench.name)


def test_command_line_is_raw(bench: Bench) -> None:
    """As pywin32 reads it, variables and all."""
    config = replace(bench.everything, command=(r"%SystemRoot%\x.exe", "%TEMP%"))
    with bench.manager.create(config) as handle:
        line = handle.command_line()

        assert line == r'"%SystemRoot%\x.exe" %TEMP%'
        assert line == bench.pywin32()["command"]
        assert handle.config().command == config.command


def test_others_services_can_be_read(bench: Bench) -> None:
    """Whatever the system's own services are set to."""
    names = [info.name for info in bench.manager.list()]
    configs = []
    for name in names:
        with (
            # Not found: one of another test's, whose process has ended now (E-32).
            contextlib.suppress(ServiceAccessDenied, ServiceNotFound),
            bench.manager.open(name) as handle,
        ):
            configs.append(handle.config())

    assert len(configs) >= 3
    assert all(config.command for config in configs)


def test_granted_start_reads_back(bench: Bench) -> None:
    """One entry more, and none at the second time; Wine keeps no security (H-30)."""
    with bench.manager.create(bench.everything) as handle:
        before = parse_dacl(handle.security()) if not WINE else None
        if before is None:
            with pytest.raises(ServiceError, match="50 ERROR_NOT_SUPPORTED"):
                handle.grant_start(LOGGED_ON)
            return
        granted = [handle.grant_start(LOGGED_ON), handle.grant_start(LOGGED_ON)]
        after = parse_dacl(handle.security())

    assert granted == [True, False]
    assert after.allowed(LOGGED_ON) & TO_START == TO_START
    assert len(after.entries) == len(before.entries)


@pytest.mark.skipif(WINE, reason="H-30: Wine keeps no security of services")
def test_security_reads_back(bench: Bench) -> None:
    """A DACL is what it was set to, and the second time there is nothing to do."""
    config = replace(
        bench.everything, security="D:(A;;GA;;;SY)(A;;GA;;;BA)(A;;CCLCRPLO;;;IU)"
    )
    bench.manager.apply(config)

    assert not bench.manager.plan(config)
    bench.manager.apply(replace(config, security="D:(A;;GA;;;SY)(A;;GA;;;BA)"))
    assert "IU" not in (bench.config().security or "")
