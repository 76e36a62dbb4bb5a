"""Plan and apply on the simulated SCM: all or nothing, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from configurations import ACTIONS

from winsvc.errors import (
    ServiceError,
    ServiceExists,
    ServiceMarkedForDelete,
    ServiceNotFound,
)
from winsvc.manage import rights
from winsvc.manage.manager import ServiceManager
from winsvc.manage.planning import Planner
from winsvc.manage.security import TO_START, ServiceRight, parse_dacl
from winsvc.settings.config import ServiceConfig
from winsvc.settings.triggers import (
    Trigger,
    TriggerAction,
    TriggerData,
    TriggerDataType,
    TriggerType,
)
from winsvc.settings.values import (
    NO_NODE,
    ErrorControl,
    FailureActions,
    LaunchProtection,
    SidType,
)
from winsvc.states import ServiceType, StartType
from winsvc.testing.database import SimulatedBackend

DISK_FULL = 112  # no rule of the SCM: it comes from the tests
MUTATING = (
    "service_create",
    "service_change",
    "service_change2",
    "service_change_security",
    "set_environment",
    "set_event_source",
    "service_delete",
    "logon_right_grant",
    "logon_right_revoke",
)
NETWORK = UUID("4f27f2de-14e2-430b-a549-7cd48cbc8245")
PIPE = UUID("1f81d131-3fac-4537-9e0c-7e7b0c2f4b55")

FULL = ServiceConfig(
    name="Full",
    command=(r"C:\a b\python.exe", "-m", "x y"),
    display_name="The full one",
    description="Has everything.",
    start_type=StartType.AUTO,
    delayed=True,
    service_type=ServiceType.OWN_PROCESS,
    error_control=ErrorControl.SEVERE,
    group="",
    dependencies=("Tcpip", "+Early"),
    account="LocalService",
    failure_actions=ACTIONS,
    failure_actions_on_error=True,
    sid_type=SidType.UNRESTRICTED,
    required_privileges=("SeChangeNotifyPrivilege", "SeBackupPrivilege"),
    preshutdown_timeout=42.5,
    triggers=(
        Trigger(TriggerType.IP_ADDRESS_AVAILABILITY, TriggerAction.START, NETWORK),
        Trigger(
            TriggerType.NETWORK_ENDPOINT,
            TriggerAction.START,
            PIPE,
            (TriggerData(TriggerDataType.STRING, "pipe\0".encode("utf-16-le")),),
        ),
    ),
    preferred_node=1,
    environment={"PYTHONUTF8": "1", "EMPTY": ""},
    security="D:(A;;GA;;;BA)(A;;CCLCSWRPWPLO;;;S-1-5-18)",
    event_source=True,
)
# Every setting otherwise; into a group, which conflicts with `delayed`.
OTHER = ServiceConfig(
    name="Full",
    command=(r"C:\other.exe",),
    display_name="",
    description="",
    start_type=StartType.MANUAL,
    delayed=False,
    service_type=ServiceType.SHARE_PROCESS,
    error_control=ErrorControl.IGNORE,
    group="Late",
    dependencies=(),
    account="LocalSystem",
    failure_actions=FailureActions.restart(1.0, 2.0),
    failure_actions_on_error=False,
    sid_type=SidType.NONE,
    required_privileges=(),
    preshutdown_timeout=1.0,
    triggers=(),
    preferred_node=NO_NODE,
    launch_protection=LaunchProtection.WINDOWS_LIGHT,
    environment={},
    security="D:(A;;GA;;;SY)",
    event_source=False,
)


class Scm(SimulatedBackend):
    """A simulated SCM whose n-th change of anything fails.

    Attributes:
        changes: The functions that changed something, in order.
        nth: The one that fails, counted from 0.
    """

    def __init__(self) -> None:
        super().__init__(virtual=True)
        self.changes: list[str] = []
        self.nth: int | None = None
        self.code = DISK_FULL
        for name in MUTATING:
            setattr(self, name, self._counting(name))

    def _counting(self, name: str) -> Any:
        function = getattr(super(), name)

        def call(*arguments: Any) -> Any:
            number = len(self.changes)
            self.changes.append(name)
            if number == self.nth:
                error = OSError(self.code, name)
                setattr(error, "winerror", self.code)  # noqa: B010
                raise error
            return function(*arguments)

        return call

    def fail(self, nth: int, code: int = DISK_FULL) -> None:
        """Let the n-th change from now on fail."""
        self.nth, self.code, self.changes = nth, code, []

    def snapshot(self) -> dict[str, Any]:
        """Return all that is kept, of every service."""
        kept = (
            "name",
            "display_name",
            "command_line",
            "service_type",
            "start_type",
            "account",
            "error_control",
            "group",
            "dependencies",
            "password",
            "security",
            "environment",
            "deleted",
            "handles",
        )
        services = {
            key: {name: getattr(record, name) for name in kept}
            | {f"level {level:d}": value for level, value in record.levels.items()}
            for key, record in self.records.items()
        }
        return services | {
            "event sources": dict(self.event_sources),
            "logon rights": set(self.logon_rights),
        }


@pytest.fixture
def scm() -> Scm:
    """A simulated SCM with another service in it."""
    backend = Scm()
    with ServiceManager(backend=backend) as manager:
        manager.create(ServiceConfig(name="Tcpip", command=(r"C:\net.exe",))).close()
    backend.changes.clear()
    return backend


@pytest.fixture
def manager(scm: Scm) -> Iterator[ServiceManager]:
    """Its manager."""
    with ServiceManager(backend=scm) as manager:
        yield manager


def config_of(manager: ServiceManager, name: str = "Full") -> ServiceConfig:
    """Read a service's configuration back."""
    with manager.open(name) as handle:
        return handle.config()


# --- apply does what it says ------


def test_every_setting_reads_back(manager: ServiceManager) -> None:
    """Applied to nothing, a configuration is all there; again changes nothing."""
    changes = manager.apply(FULL)
    found = config_of(manager)

    assert changes.is_new
    assert found == replace(
        FULL,
        launch_protection=LaunchProtection.NONE,
        security="D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;CCLCSWRPWPLO;;;SY)",
    )
    assert not manager.plan(FULL)
    assert not manager.apply(FULL)


def test_every_setting_changes(scm: Scm, manager: ServiceManager) -> None:
    """Of a service that is there, each setting becomes the new one, and once only."""
    manager.apply(FULL)
    planned = manager.plan(OTHER)
    before = scm.snapshot()
    changes = manager.apply(OTHER)
    found = config_of(manager)

    assert before != scm.snapshot()
    assert changes == planned
    assert not changes.is_new
    settings = [change.setting for change in changes.changes]
    assert settings == [
        name
        for name in ServiceConfig.__dataclass_fields__
        if name not in ("name", "password")
    ]
    assert found == replace(
        OTHER,
        display_name="Full",
        security="D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;SY)",
        environment={},
    )
    assert not manager.plan(OTHER)
    assert scm.event_sources == {}


def test_changing_back_changes_every_setting(manager: ServiceManager) -> None:
    """The other way round the order of E-43 and E-49d holds too."""
    first = replace(OTHER, launch_protection=None, dependencies=("+Early",))
    manager.apply(first)
    manager.apply(FULL)

    assert not manager.plan(FULL)
    assert config_of(manager).delayed is True
    assert config_of(manager).group == ""
    assert config_of(manager).preferred_node == 1


def test_plan_changes_nothing(scm: Scm, manager: ServiceManager) -> None:
    """Neither where there is no service, nor where there is one."""
    nothing = scm.snapshot()
    assert manager.plan(FULL).is_new
    assert scm.snapshot() == nothing
    manager.apply(FULL)
    before = scm.snapshot()

    assert manager.plan(OTHER)
    assert scm.snapshot() == before


def test_what_is_not_named_stays(scm: Scm, manager: ServiceManager) -> None:
    """None is nothing to say: only one call for one setting is made."""
    manager.apply(FULL)
    scm.changes.clear()
    changes = manager.apply(ServiceConfig(name="full", description="New."))

    assert [change.setting for change in changes.changes] == ["description"]
    assert scm.changes == ["service_change2"]
    assert config_of(manager) == replace(
        config_of(manager), name="Full", description="New."
    )


def test_basic_settings_are_one_call(scm: Scm, manager: ServiceManager) -> None:
    """With the dependencies, which Wine would erase (H-46)."""
    manager.apply(FULL)
    scm.changes.clear()
    manager.apply(
        ServiceConfig(
            name="Full",
            command=(r"C:\new.exe",),
            start_type=StartType.DISABLED,
            display_name="New",
            error_control=ErrorControl.NORMAL,
        )
    )

    assert scm.changes == ["service_change"]
    assert config_of(manager).dependencies == ("Tcpip", "+Early")


@pytest.mark.parametrize(
    "spelling",
    [
        {"account": r"NT AUTHORITY\Local Service"},
        {"dependencies": ("+EARLY", "tcpip")},
        {"required_privileges": ("SeBackupPrivilege", "SeChangeNotifyPrivilege")},
        {"security": "D:(A;;0xf01ff;;;S-1-5-32-544)(A;;LOWPRPSWLCCC;;;SY)"},
        {"environment": {"empty": "", "PythonUTF8": "1"}},
        {"preshutdown_timeout": 42.5},
        {"group": ""},
    ],
    ids=lambda spelling: next(iter(spelling)),
)
def test_other_spelling_is_no_change(
    manager: ServiceManager, spelling: dict[str, Any]
) -> None:
    """Where the SCM does not tell them apart, neither does a plan."""
    manager.apply(FULL)

    assert not manager.plan(replace(FULL, **spelling))


def test_password_is_always_set_and_never_shown(
    scm: Scm, manager: ServiceManager
) -> None:
    """It cannot be compared; with it goes the account that it is of."""
    config = ServiceConfig(
        name="Full", command=(r"C:\x.exe",), account=r".\me", password="s3cret"
    )
    created = manager.apply(config)
    again = manager.apply(replace(config, password="0ther"))

    assert "password: (set)" in str(created).splitlines()
    assert str(again) == "password: (set)"
    assert scm.records["FULL"].password == "0ther"
    assert "s3cret" not in repr(created) + str(created.as_dict())
    assert "0ther" not in repr(scm.records["FULL"])
    secret = ServiceConfig(name="Full", account=r".\me", password="pl4nned")
    with manager.open("Full") as handle:
        plan = Planner(scm, secret).for_existing(handle._handles)
    assert plan.password == "pl4nned"
    assert "pl4nned" not in repr(plan)
    assert "0ther" not in repr(again) + str(again.as_dict())


@pytest.mark.parametrize(
    ("line", "command", "shown"),
    [
        (r"C:\bin\x.exe -a", (r"C:\bin\x.exe", "-a"), ""),
        (r'"C:\bin\x.exe"  "-a"', (r"C:\bin\x.exe", "-a"), ""),
        (
            r"%SystemRoot%\system32\svchost.exe -k netsvcs",
            (r"%SystemRoot%\system32\svchost.exe", "-k", "netsvcs"),
            "",
        ),
        (
            r"C:\a b\x.exe -a",
            (r"C:\a b\x.exe", "-a"),
            r'command: C:\a b\x.exe -a -> "C:\a b\x.exe" -a',
        ),
        (
            r"C:\bin\x.exe -a",
            (r"C:\bin\x.exe", "-b"),
            r'command: C:\bin\x.exe -a -> "C:\bin\x.exe" -b',
        ),
    ],
)
def test_command_is_compared_by_its_words(
    scm: Scm, manager: ServiceManager, line: str, command: tuple[str, ...], shown: str
) -> None:
    """Lines that mean the same stay; one that can mean another is quoted (E-16)."""
    manager.apply(ServiceConfig(name="Full", command=(r"C:\x.exe",)))
    scm.records["FULL"].command_line = line
    changes = manager.apply(ServiceConfig(name="Full", command=command))

    assert str(changes) == shown


def test_exported_unquoted_command_is_what_was_meant(
    scm: Scm, manager: ServiceManager
) -> None:
    """Read, and applied again, it is quoted as a whole: its program stays the same."""
    manager.apply(ServiceConfig(name="Full", command=(r"C:\x.exe",)))
    scm.records["FULL"].command_line = r"C:\Program Files\Acme\svc.exe -a"
    command = config_of(manager).command
    manager.apply(ServiceConfig(name="Full", command=command))

    assert command == (r"C:\Program Files\Acme\svc.exe", "-a")
    assert scm.records["FULL"].command_line == r'"C:\Program Files\Acme\svc.exe" -a'


# --- all or nothing ------


def count_changes(manager: ServiceManager, scm: Scm, config: ServiceConfig) -> int:
    """Apply a configuration; return how many calls changed something."""
    scm.fail(-1)
    manager.apply(config)
    return len(scm.changes)


def steps(config: ServiceConfig, first: ServiceConfig | None) -> range:
    """Return the numbers of the changes that applying makes."""
    scm = Scm()
    with ServiceManager(backend=scm) as manager:
        if first is not None:
            manager.apply(first)
        return range(count_changes(manager, scm, config))


# Without a password, which alone cannot be set back.
USER = r"D\user"
WITH_ALL = replace(
    FULL, launch_protection=LaunchProtection.ANTIMALWARE_LIGHT, account=USER
)
OTHER_USER = replace(OTHER, account=USER)


@pytest.mark.parametrize("nth", steps(WITH_ALL, None))
def test_failed_creation_leaves_nothing(
    scm: Scm, manager: ServiceManager, nth: int
) -> None:
    """Whatever call fails, there is no service and no event source."""
    before = scm.snapshot()
    scm.fail(nth)
    with pytest.raises(ServiceError) as caught:
        manager.apply(WITH_ALL)

    assert caught.value.winerror == DISK_FULL
    assert caught.value.service == "Full"
    assert not getattr(caught.value, "__notes__", [])
    assert scm.snapshot() == before
    assert len(steps(WITH_ALL, None)) == 15


@pytest.mark.parametrize("nth", steps(OTHER_USER, FULL))
def test_failed_change_leaves_everything(
    scm: Scm, manager: ServiceManager, nth: int
) -> None:
    """Whatever call fails, each setting is exactly as it was."""
    manager.apply(FULL)
    config, before = config_of(manager), scm.snapshot()
    scm.fail(nth)
    with pytest.raises(ServiceError) as caught:
        manager.apply(OTHER_USER)

    assert caught.value.winerror == DISK_FULL
    assert not getattr(caught.value, "__notes__", [])
    assert config_of(manager) == config
    assert scm.snapshot() == before


@pytest.mark.parametrize("nth", steps(FULL, replace(OTHER, launch_protection=None)))
def test_failed_change_back_leaves_everything(
    scm: Scm, manager: ServiceManager, nth: int
) -> None:
    """The other way round, where nothing is removed but much is added."""
    manager.apply(replace(OTHER, launch_protection=None))
    config, before = config_of(manager), scm.snapshot()
    scm.fail(nth)
    with pytest.raises(ServiceError):
        manager.apply(FULL)

    assert config_of(manager) == config
    # The SCM keeps what it was told, even where that is its default.
    assert without_defaults(scm) == without_defaults(scm, before)


def without_defaults(
    scm: Scm, snapshot: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return a snapshot without levels: their values are compared as read back."""
    return {
        key: {name: each for name, each in value.items() if "level" not in name}
        if isinstance(value, dict)
        else value
        for key, value in (snapshot or scm.snapshot()).items()
    }


@pytest.mark.parametrize("nth", steps(WITH_ALL, None))
def test_failed_create_leaves_nothing(
    scm: Scm, manager: ServiceManager, nth: int
) -> None:
    """create is made of the same steps."""
    before = scm.snapshot()
    scm.fail(nth)
    with pytest.raises(ServiceError):
        manager.create(WITH_ALL)

    assert scm.snapshot() == before


def test_interrupted_apply_is_undone(
    scm: Scm, manager: ServiceManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl+C in the middle of a step undoes that one too."""
    manager.apply(FULL)
    before = scm.snapshot()
    change = scm.set_environment

    def interrupted(name: str, lines: tuple[str, ...] | None) -> None:
        change(name, lines)
        if lines is None:
            raise KeyboardInterrupt

    monkeypatch.setattr(scm, "set_environment", interrupted)
    with pytest.raises(KeyboardInterrupt):
        manager.apply(OTHER)

    assert scm.snapshot() == before


def test_interrupted_creation_deletes_nobody_elses_service(
    scm: Scm, manager: ServiceManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl+C before the SCM is asked: the service of that name was there before."""
    manager.apply(FULL)
    before = scm.snapshot()

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(scm, "service_create", interrupted)
    with pytest.raises(KeyboardInterrupt):
        manager.create(OTHER)

    assert scm.snapshot() == before


def test_refused_value_names_the_settings_of_its_call(
    scm: Scm, manager: ServiceManager
) -> None:
    """87 alone does not say whose value it was."""
    scm.logon_rights.add(r".\ME")
    scm.fail(0, 87)
    with pytest.raises(
        ServiceError, match=r"\(one of what it sets: .*, account"
    ) as new:
        manager.create(replace(FULL, name="New"))
    manager.apply(ServiceConfig(name="Full", command=(r"C:\x.exe",)))
    config = ServiceConfig(
        name="Full",
        start_type=StartType.MANUAL,
        display_name="x",
        account=r".\me",
        password="s3cret",
    )
    scm.fail(0, 87)
    with pytest.raises(ServiceError) as changed:
        manager.apply(config)
    scm.fail(0, 5)
    with pytest.raises(ServiceError) as denied:
        manager.apply(config)

    assert "dependencies" in str(new.value)
    assert changed.value.detail == (
        "one of what it sets: start type, account, display name, password"
    )
    assert denied.value.detail is None


def test_undo_that_fails_is_told(
    scm: Scm, manager: ServiceManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first error is raised; a note names what is not as it was."""
    manager.apply(FULL)
    set_level = scm.service_change2

    def once(*arguments: Any) -> None:
        if scm.changes.count("service_change2"):
            scm.fail(0, 5)
        set_level(*arguments)

    scm.fail(1)  # the second setting's own change
    monkeypatch.setattr(scm, "service_change2", once)
    with pytest.raises(ServiceError) as caught:
        manager.apply(ServiceConfig(name="Full", description="x", delayed=False))

    (note,) = caught.value.__notes__
    assert "could not undo: set delayed of service 'Full': 5 ERROR_ACCESS" in note


def test_lost_password_is_told(scm: Scm, manager: ServiceManager) -> None:
    """Who changes the account cannot get the old one's password back."""
    me = ServiceConfig(
        name="Full", command=(r"C:\x.exe",), account=r".\me", password="old"
    )
    manager.apply(me)
    scm.fail(1)
    with pytest.raises(ServiceError) as caught:
        manager.apply(ServiceConfig(name="Full", account="LocalSystem", delayed=True))

    assert config_of(manager).account == r".\me"
    (note,) = caught.value.__notes__
    assert r"set the password of '.\\me' again" in note


# --- refused before anything is changed -----


def test_missing_command_is_refused(manager: ServiceManager) -> None:
    """Only a service that exists can go without."""
    with pytest.raises(ValueError, match="'Gone': command is missing"):
        manager.apply(ServiceConfig(name="Gone", description="x"))


def test_create_of_existing_service_fails(scm: Scm, manager: ServiceManager) -> None:
    """create is for a new one (1073); nothing of the old one is changed."""
    manager.apply(FULL)
    before = scm.snapshot()
    with pytest.raises(ServiceExists):
        manager.create(OTHER)

    assert scm.snapshot() == before


class OldScm(Scm):
    """One that knows levels 1 and 7 alone, as Wine does (H-20)."""

    def service_config2(self, handle: Any, level: int) -> tuple[bytes, int]:
        if level not in (1, 7):
            error = OSError(124, "level")
            setattr(error, "winerror", 124)  # noqa: B010
            raise error
        return super().service_config2(handle, level)


@pytest.mark.parametrize("exists", [True, False])
def test_unknown_setting_is_refused_or_left_out(exists: bool) -> None:
    """Where the system has no such level, that is said before any change."""
    scm = OldScm()
    manager = ServiceManager(backend=scm)
    manager.apply(
        ServiceConfig(name="Full" if exists else "Else", command=(r"C:\x.exe",))
    )
    before = scm.snapshot()
    config = ServiceConfig(
        name="Full",
        command=(r"C:\y.exe",),
        description="known",
        delayed=True,
        sid_type=SidType.NONE,
    )
    scm.fail(-1)
    for optional in ((), ("delayed",)):
        with pytest.raises(ServiceError, match="124 ERROR_INVALID_LEVEL") as caught:
            manager.apply(config, if_supported=optional)
        assert caught.value.operation in ("read delayed of", "read sid type of")
    assert scm.changes == []
    assert scm.snapshot() == before
    changes = manager.apply(config, if_supported=("sid_type", "delayed"))

    assert changes.is_new is not exists
    assert changes.left_out == ("delayed", "sid_type")
    assert config_of(manager).description == "known"
    assert config_of(manager).delayed is None
    with pytest.raises(ValueError, match="'colour', which is no setting"):
        manager.plan(config, if_supported=("colour",))


@pytest.mark.parametrize("exists", [True, False])
def test_start_that_is_not_delayed_needs_no_level(exists: bool) -> None:
    """What a system does not know no service of it has: `manual` says so much."""
    manager = ServiceManager(backend=OldScm())
    manager.apply(ServiceConfig(name="Full" if exists else "Else", command=(r"C:\x",)))
    changes = manager.apply(
        ServiceConfig(
            name="Full",
            command=(r"C:\x",),
            start_type=StartType.MANUAL,
            delayed=False,
        )
    )

    assert changes.left_out == ()
    assert config_of(manager).start_type is StartType.MANUAL


def refused(code: int) -> OSError:
    """Return the error that a backend raises for a code."""
    error = OSError(code, "refused")
    setattr(error, "winerror", code)  # noqa: B010
    return error


def test_probe_asks_the_first_service_that_can_be_seen(
    scm: Scm, manager: ServiceManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new service's levels are asked of another; that one's rights do not count."""
    manager.apply(ServiceConfig(name="Second", command=(r"C:\x.exe",)))
    asked = []
    service_open = scm.service_open

    def opened(handle: Any, name: str, access: int) -> Any:
        asked.append((name, access))
        secret = name == "Tcpip" and access == rights.QUERY_CONFIG
        if secret or access == rights.READ_CONTROL:
            raise refused(5)
        return service_open(handle, name, access)

    monkeypatch.setattr(scm, "service_open", opened)
    plan = manager.plan(replace(FULL, name="Third"))

    query = rights.QUERY_CONFIG
    assert plan.is_new
    assert plan.left_out == ()
    assert [name for name, access in asked if access == query] == [
        "Third",
        "Tcpip",
        "Second",
    ]


@pytest.mark.parametrize("code", [5, 53, 1722])
def test_unreachable_registry_is_told(
    scm: Scm, manager: ServiceManager, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Read back, it is not known; to be set, that is an error before any change."""

    def refuse(name: str) -> None:
        raise refused(code)

    manager.apply(FULL)
    before = scm.snapshot()
    monkeypatch.setattr(scm, "environment", refuse)
    monkeypatch.setattr(scm, "event_source", refuse)
    found = config_of(manager)
    assert (found.environment, found.event_source) == (None, None)
    with pytest.raises(ServiceError) as caught:
        manager.apply(OTHER)
    assert caught.value.operation == "read environment of"
    assert caught.value.winerror == code
    assert scm.snapshot() == before
    manager.remove("Full")

    assert set(scm.records) == {"TCPIP"}
    assert scm.event_sources == before["event sources"]


def test_unseen_security_is_none(
    scm: Scm, manager: ServiceManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who may read the settings sees those, without the DACL."""
    manager.apply(FULL)
    monkeypatch.setattr(scm, "service_security", lambda _: "D:")
    assert config_of(manager).security is None
    assert config_of(manager).description == FULL.description
    with pytest.raises(ServiceError, match=r"50 .*security cannot be set here"):
        manager.apply(replace(FULL, security="D:(A;;GA;;;SY)"))


@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [
        (lambda *_: (b"\0", 0), 13, "could not read preshutdown timeout of"),
        (lambda *_: (_ for _ in ()).throw(refused(1115)), 1115, "read the settings of"),
    ],
)
def test_level_that_cannot_be_read_is_an_error(
    scm: Scm,
    manager: ServiceManager,
    monkeypatch: pytest.MonkeyPatch,
    answer: Any,
    code: int,
    text: str,
) -> None:
    """A structure that is broken, and a code that does not mean: unknown."""
    manager.apply(FULL)
    monkeypatch.setattr(scm, "service_config2", answer)
    with pytest.raises(ServiceError, match=text) as caught:
        manager.plan(ServiceConfig(name="Full", preshutdown_timeout=1.0))

    assert caught.value.winerror == code


def test_foreign_event_source_is_refused(scm: Scm, manager: ServiceManager) -> None:
    """What another program has registered is left alone, and not taken out."""
    scm.event_sources["FULL"] = r"C:\other\messages.dll"
    before = scm.snapshot()
    with pytest.raises(ServiceError, match="another program has registered it"):
        manager.apply(FULL)
    assert scm.snapshot() == before
    manager.apply(replace(FULL, event_source=False))
    manager.remove("Full")

    assert scm.event_sources == {"FULL": r"C:\other\messages.dll"}


@pytest.mark.parametrize("exists", [True, False])
def test_foreign_event_source_can_be_left_out(
    scm: Scm, manager: ServiceManager, exists: bool
) -> None:
    """Where it is only a recommendation; it is named."""
    if exists:
        manager.apply(ServiceConfig(name="Full", command=(r"C:\x.exe",)))
    scm.event_sources["FULL"] = r"C:\other\messages.dll"
    changes = manager.apply(FULL, if_supported=("event_source", "delayed"))

    assert changes.left_out == ("event_source",)
    assert "event source" not in str(changes)
    assert scm.event_sources == {"FULL": r"C:\other\messages.dll"}
    assert config_of(manager).delayed
    assert not manager.plan(FULL, if_supported=("event_source",))


def test_event_source_of_an_earlier_environment_is_ours(
    scm: Scm, manager: ServiceManager
) -> None:
    """The same file in another folder: a Python that has been made anew (G-7)."""
    old = r"D:\old\site-packages\winsvc\_core.pyd"
    scm.event_sources["FULL"] = old
    changes = manager.apply(FULL)
    manager.remove("full")

    assert "event source" in str(changes)
    assert scm.event_sources == {}
    with pytest.raises(ServiceNotFound):
        manager.open("Full")


# --- a service that is going away ------


def test_service_that_is_being_deleted_is_refused(
    scm: Scm, manager: ServiceManager
) -> None:
    """Changing and creating it fail with 1072 while somebody holds it (E-33)."""
    manager.apply(FULL)
    with manager.open("Full") as handle:
        handle.delete()
        for act in (manager.apply, manager.create):
            with pytest.raises(ServiceMarkedForDelete):
                act(OTHER)

    assert set(scm.records) == {"TCPIP"}


def test_apply_waits_until_the_old_service_has_gone(
    scm: Scm, manager: ServiceManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right after a removal somebody still has a handle (E-34)."""
    manager.apply(FULL)
    handle = manager.open("Full")
    handle.delete()
    naps = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            handle.close()

    monkeypatch.setattr(scm, "sleep", sleep)
    changes = manager.apply(replace(OTHER, launch_protection=None))

    assert changes.is_new
    assert len(naps) == 3


# --- rights and security -----


def test_handles_have_the_rights_that_steps_need(scm: Scm) -> None:
    """Restarts need START beside CHANGE_CONFIG (E-59), and no more is asked for."""
    asked: list[int] = []
    service_open = scm.service_open

    def opened(manager: Any, name: str, access: int) -> Any:
        asked.append(access)
        return service_open(manager, name, access)

    with ServiceManager(backend=scm) as manager:
        manager.create(FULL).close()
        scm.service_open = opened  # type: ignore[method-assign]
        manager.apply(ServiceConfig(name="Full", description="x"))
        manager.apply(ServiceConfig(name="Full", failure_actions=FailureActions()))
        manager.apply(ServiceConfig(name="Full", security="D:(A;;GA;;;SY)"))

    change, query = rights.CHANGE_CONFIG, rights.QUERY_CONFIG
    security = rights.READ_CONTROL | rights.WRITE_DAC
    assert asked == [
        query,
        change,
        query,
        change | rights.START,
        query,
        rights.READ_CONTROL,
        security,
    ]


def test_grant_adds_an_entry_once(scm: Scm, manager: ServiceManager) -> None:
    """By name or SID; all others keep what they had."""
    user = "S-1-5-21-1-2-3-1001"
    scm.users[r".\me"] = user
    with manager.create(ServiceConfig(name="Full", command=(r"C:\x.exe",))) as handle:
        before = parse_dacl(handle.security())
        first = handle.grant_start(r".\me")
        second = handle.grant_start(user)
        handle.grant(user, ServiceRight.STOP)
        after = parse_dacl(handle.security())
        with pytest.raises(ServiceError, match="1332"):
            handle.grant_start("nobody")

    assert (first, second) == (True, False)
    assert after.entries[:-1] == before.entries
    assert after.allowed(user) == TO_START | ServiceRight.STOP


def test_system_without_security_says_so(
    scm: Scm, manager: ServiceManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that says yes and does nothing is found out (H-30)."""
    monkeypatch.setattr(scm, "service_change_security", lambda *_: None)
    before = scm.snapshot()
    with pytest.raises(ServiceError, match="50 ERROR_NOT_SUPPORTED") as caught:
        manager.apply(FULL)

    assert caught.value.operation == "set security of"
    assert scm.snapshot() == before


def test_command_line_is_what_is_kept(scm: Scm, manager: ServiceManager) -> None:
    """As it is, however it was written; the configuration has it in words."""
    with manager.create(ServiceConfig(name="Full", command=(r"C:\x.exe",))) as handle:
        scm.records["FULL"].command_line = r"%SystemRoot%\svchost.exe -k  net"

        assert handle.command_line() == r"%SystemRoot%\svchost.exe -k  net"
        assert handle.config().command == (r"%SystemRoot%\svchost.exe", "-k", "net")
