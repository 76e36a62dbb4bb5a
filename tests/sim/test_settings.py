"""The simulated SCM's settings: who may set what, and which code refuses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from simrig import Rig

import winsvc
from winsvc.errors import ServiceError
from winsvc.manage import rights
from winsvc.manage.manager import ServiceManager
from winsvc.settings.accounts import service_sid
from winsvc.settings.config import ServiceConfig
from winsvc.settings.levels import Level, pack, unpack
from winsvc.settings.triggers import (
    Trigger,
    TriggerAction,
    TriggerData,
    TriggerDataType,
    TriggerType,
)
from winsvc.settings.values import (
    NO_NODE,
    ActionKind,
    FailureAction,
    FailureActions,
    LaunchProtection,
    SidType,
)
from winsvc.states import State
from winsvc.testing.database import SimulatedBackend
from winsvc.testing.records import DEFAULT_DACL, Handle

NETWORK = UUID("4f27f2de-14e2-430b-a549-7cd48cbc8245")
ALL = rights.OF_CREATOR
NEW = {
    "name": "New",
    "service_type": 0x10,
    "start_type": 3,
    "error_control": 1,
    "command_line": "x.exe",
    "group": None,
    "dependencies": None,
    "account": None,
    "password": None,
    "display_name": None,
    "access": ALL,
}
CHANGE = dict.fromkeys(
    (
        "service_type",
        "start_type",
        "error_control",
        "command_line",
        "group",
        "dependencies",
        "account",
        "password",
        "display_name",
    )
)


@pytest.fixture
def scm() -> SimulatedBackend:
    """A simulated SCM without services."""
    return SimulatedBackend(virtual=True)


def create(scm: SimulatedBackend, **settings: Any) -> Handle:
    """Create a service with some settings; return a handle with every right."""
    manager = scm.manager_open(None, rights.CREATE_SERVICE)
    return scm.service_create(manager, *(NEW | settings).values())


def change(scm: SimulatedBackend, handle: Handle, **settings: Any) -> None:
    """Change some settings."""
    scm.service_change(handle, *(CHANGE | settings).values())


def set_level(scm: SimulatedBackend, handle: Handle, level: int, value: Any) -> None:
    """Set a level."""
    scm.service_change2(handle, level, *pack(level, value))


def get_level(scm: SimulatedBackend, handle: Handle, level: int) -> Any:
    """Read a level."""
    return unpack(level, *scm.service_config2(handle, level))


def code_of(act: Callable[[], object]) -> int:
    """Return the code with which something is refused; 0: it is not."""
    try:
        act()
    except OSError as error:
        return int(getattr(error, "winerror"))  # noqa: B009
    return 0


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"name": "", "command_line": ""}, 123),
        ({"name": "a/b"}, 123),
        ({"name": "n" * 257}, 123),
        ({"name": "n" * 256}, 0),
        ({"command_line": ""}, 87),
        ({"service_type": 0x30}, 87),
        ({"service_type": 0x102}, 87),
        ({"service_type": 0x3}, 87),
        ({"service_type": 0x110}, 0),
        ({"service_type": 0x50}, 0),
        ({"service_type": 0x110, "account": r".\me"}, 87),
        ({"start_type": 6}, 87),
        ({"start_type": 0}, 87),
        ({"start_type": 0, "service_type": 0x1}, 0),
        ({"error_control": 4}, 87),
        ({"name": "OLD", "error_control": 4}, 87),
        ({"name": "OLD"}, 1073),
        ({"name": "Gone"}, 1072),
        ({"display_name": "old"}, 1078),
        ({"display_name": "The old one"}, 0),
        ({"display_name": "new"}, 0),
        ({"dependencies": ("Nobody", "+Nothing", "nobody")}, 0),
        ({"dependencies": ("NEW",)}, 1059),
        ({"dependencies": ("Old",)}, 1059),
        ({"dependencies": ("+mine",), "group": "Mine"}, 1059),
    ],
)
def test_create_is_refused_in_order(
    scm: SimulatedBackend, settings: dict[str, Any], code: int
) -> None:
    """E-1 to E-14 and E-49, each with its code; the first that fits counts (E-6)."""
    create(scm, name="Old", display_name="The old one", dependencies=("New",))
    gone = create(scm, name="Gone")
    scm.service_delete(gone)

    assert code_of(lambda: create(scm, **settings)) == code


def test_created_service_has_the_defaults(scm: SimulatedBackend) -> None:
    """What is not said reads back as documented (E-4, E-18, E.7)."""
    handle = create(scm, dependencies=("+G", "A"))
    levels = {level: get_level(scm, handle, level) for level in Level if level != 9}

    assert scm.service_config(handle) == (
        0x10, 3, 1, "x.exe", "", 0, ("A", "+G"), "LocalSystem", "New",
    )  # fmt: skip
    assert levels == {
        1: "",
        2: FailureActions(),
        3: False,
        4: False,
        5: SidType.NONE,
        6: (),
        7: 10.0,
        8: (),
        12: LaunchProtection.NONE,
    }
    assert code_of(lambda: scm.service_config2(handle, 9)) == 87
    assert scm.service_security(handle) == f"O:SYG:SY{DEFAULT_DACL}"
    assert scm.environment("new") is None


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({}, 0),
        ({"service_type": 0x1}, 87),
        ({"service_type": 0x110}, 87),
        ({"service_type": 0x20}, 87),
        ({"group": "Mine"}, 87),
        ({"start_type": 1}, 87),
        ({"error_control": 9}, 87),
        ({"dependencies": ("Old",)}, 1059),
        ({"display_name": "OLD"}, 1078),
        ({"display_name": ""}, 0),
    ],
)
def test_change_is_refused_as_a_whole(
    scm: SimulatedBackend, settings: dict[str, Any], code: int
) -> None:
    """E-43; nothing is changed by what is refused."""
    create(scm, name="Old", dependencies=("New",))
    handle = create(scm, account=r".\me")
    set_level(scm, handle, Level.DELAYED_AUTO_START, True)
    set_level(scm, handle, Level.PREFERRED_NODE, 1)
    before = scm.service_config(handle)

    assert code_of(lambda: change(scm, handle, command_line="y", **settings)) == code
    assert (scm.service_config(handle) == before) is bool(code)


def test_change_keeps_and_clears(scm: SimulatedBackend) -> None:
    """None keeps (E-40); empty clears a group and dependencies, no path (E-41)."""
    handle = create(
        scm, group="G", dependencies=("A",), account="x", display_name="Shown"
    )
    before = scm.service_config(handle)
    change(scm, handle)
    assert scm.service_config(handle) == before
    change(
        scm,
        handle,
        command_line="",
        group="",
        dependencies=(),
        account="",
        display_name="",
    )

    assert scm.service_config(handle)[3:] == ("x.exe", "", 0, (), "x", "New")


TRIGGER = Trigger(TriggerType.IP_ADDRESS_AVAILABILITY, TriggerAction.START, NETWORK)


def with_data(*sizes: int) -> Trigger:
    """Return a trigger with so many items of these sizes."""
    items = tuple(TriggerData(TriggerDataType.BINARY, bytes(size)) for size in sizes)
    return Trigger(TriggerType.CUSTOM, TriggerAction.START, NETWORK, items)


@pytest.mark.parametrize(
    ("level", "value", "code"),
    [
        (1, "d" * 8191, 0),
        (1, "d" * 8192, 87),
        (2, FailureActions(actions=(FailureAction(ActionKind(4)),)), 0),
        (2, FailureActions(actions=(FailureAction(ActionKind(9)),)), 87),
        (3, True, 87),
        (3, False, 0),
        (5, SidType(2), 87),
        (6, ("SeBackupPrivilege",) * 113, 0),
        (6, ("SeBackupPrivilege",) * 114, 87),
        (8, (), 87),
        (8, (TRIGGER,), 0),
        (8, (Trigger(TriggerType(9), TriggerAction.START, NETWORK),), 87),
        (8, (Trigger(TriggerType.NETWORK_ENDPOINT, TriggerAction.STOP, NETWORK),), 87),
        (8, (with_data(1024),), 0),
        (8, (with_data(1025),), 87),
        (8, (with_data(*[1] * 65),), 87),
        (9, 1, 87),
        (9, NO_NODE, 0),
        (12, LaunchProtection(4), 87),
    ],
)
def test_level_is_refused(
    scm: SimulatedBackend, level: int, value: Any, code: int
) -> None:
    """E.7 and E-80 to E-82, of a shared service in a group (E-49d)."""
    handle = create(scm, service_type=0x20, group="G")
    before = [get_level(scm, handle, each) for each in Level if each != 9]

    assert code_of(lambda: set_level(scm, handle, level, value)) == code
    if code:
        assert [get_level(scm, handle, each) for each in Level if each != 9] == before
    elif value != NO_NODE:
        assert get_level(scm, handle, level) == value


def test_triggers_can_be_removed_once(scm: SimulatedBackend) -> None:
    """None when there are none is refused (E-80)."""
    handle = create(scm)
    set_level(scm, handle, 8, (TRIGGER,))

    assert code_of(lambda: set_level(scm, handle, 8, ())) == 0
    assert code_of(lambda: set_level(scm, handle, 8, ())) == 87


@pytest.mark.parametrize("level", [0, 10, 11, 13])
def test_unknown_level_is_124(scm: SimulatedBackend, level: int) -> None:
    """Both ways (E-71)."""
    handle = create(scm)

    assert code_of(lambda: scm.service_config2(handle, level)) == 124
    assert code_of(lambda: scm.service_change2(handle, level, b"", ())) == 124


def test_broken_structure_is_87(scm: SimulatedBackend) -> None:
    """What cannot be unpacked is no structure."""
    handle = create(scm)

    assert code_of(lambda: scm.service_change2(handle, 7, b"\0", ())) == 87


def test_driver_has_no_failure_actions(scm: SimulatedBackend) -> None:
    """1080 (E-59)."""
    handle = create(scm, service_type=0x1)

    assert code_of(lambda: set_level(scm, handle, 2, FailureActions.restart(1))) == 1080


def test_protected_service_takes_no_changes(scm: SimulatedBackend) -> None:
    """Once its process is protected, every change is refused with 5 (E.7)."""
    handle = create(scm)
    set_level(scm, handle, 12, LaunchProtection.WINDOWS)

    assert code_of(lambda: change(scm, handle)) == 5
    assert code_of(lambda: set_level(scm, handle, 1, "x")) == 5
    assert code_of(lambda: scm.service_change_security(handle, "D:(A;;GA;;;SY)")) == 5
    assert code_of(lambda: scm.service_delete(handle)) == 0


@pytest.mark.parametrize(
    ("access", "act"),
    [
        (ALL & ~rights.QUERY_CONFIG, lambda s, h: s.service_config(h)),
        (ALL & ~rights.QUERY_CONFIG, lambda s, h: s.service_config2(h, 1)),
        (ALL & ~rights.CHANGE_CONFIG, change),
        (ALL & ~rights.CHANGE_CONFIG, lambda s, h: set_level(s, h, 1, "x")),
        (
            ALL & ~rights.START,
            lambda s, h: set_level(s, h, 2, FailureActions.restart(1)),
        ),
        (ALL & ~rights.READ_CONTROL, lambda s, h: s.service_security(h)),
        (
            ALL & ~rights.WRITE_DAC,
            lambda s, h: s.service_change_security(h, "D:(A;;GA;;;SY)"),
        ),
        (
            ALL & ~rights.ENUMERATE_DEPENDENTS,
            lambda s, h: s.service_dependents(h, 3),
        ),
        (ALL & ~rights.DELETE, lambda s, h: s.service_delete(h)),
    ],
)
def test_missing_right_is_5(
    scm: SimulatedBackend,
    access: int,
    act: Callable[[SimulatedBackend, Handle], object],
) -> None:
    """A handle has the rights that were asked for, its creator's too (E-13, E-73)."""
    handle = create(scm, access=access)
    everything = create(scm, name="Else")

    assert code_of(lambda: act(scm, handle)) == 5
    assert code_of(lambda: act(scm, everything)) == 0


def test_manager_without_right_is_5(scm: SimulatedBackend) -> None:
    """Creating and listing need more than CONNECT (E-6, F-13)."""
    manager = scm.manager_open(None, rights.CONNECT)

    assert code_of(lambda: scm.service_create(manager, *NEW.values())) == 5
    assert code_of(lambda: scm.service_list(manager, 3, None)) == 5
    assert code_of(lambda: scm.service_list(manager, 0, None)) == 87


def test_handles_of_the_wrong_kind_are_6(scm: SimulatedBackend) -> None:
    """Or closed ones (E-24, E-25); and there is only this computer (E-20)."""
    service, manager = create(scm), scm.manager_open(None, 0x7)
    closed = create(scm, name="Closed")
    scm.handle_close(closed)

    assert code_of(lambda: scm.service_config(manager)) == 6
    assert code_of(lambda: scm.service_config(closed)) == 6
    assert code_of(lambda: scm.handle_close(closed)) == 6
    assert code_of(lambda: scm.service_list(service, 3, None)) == 6
    assert code_of(lambda: scm.manager_open("elsewhere", 1)) == 1722
    assert code_of(lambda: scm.service_dependents(service, 4)) == 87
    assert code_of(lambda: scm.environment("Nobody")) == 2


def test_deleted_service_is_read_but_not_changed(scm: SimulatedBackend) -> None:
    """1072 for every change; queries still work (E-33)."""
    handle = create(scm)
    scm.service_delete(handle)

    assert code_of(lambda: change(scm, handle)) == 1072
    assert code_of(lambda: set_level(scm, handle, 1, "x")) == 1072
    assert (
        code_of(lambda: scm.service_change_security(handle, "D:(A;;GA;;;SY)")) == 1072
    )
    assert code_of(lambda: scm.service_delete(handle)) == 1072
    assert scm.service_config(handle)[1] == 4
    assert get_level(scm, handle, 1) == ""


@pytest.mark.parametrize(
    ("sddl", "code"),
    [("O:SYG:SY", 1336), ("D:(A;;QQ;;;SY)", 87), ("D:P(A;;GR;;;S-1-5-18)", 0)],
)
def test_security_is_kept_as_the_scm_writes_it(
    scm: SimulatedBackend, sddl: str, code: int
) -> None:
    """Generic rights become those of a service (D.4)."""
    handle = create(scm)

    assert code_of(lambda: scm.service_change_security(handle, sddl)) == code
    kept = DEFAULT_DACL if code else "D:P(A;;CCLCSWLORC;;;SY)"
    assert scm.service_security(handle) == f"O:SYG:SY{kept}"


def test_accounts_have_sids(scm: SimulatedBackend) -> None:
    """Those that every system has, a service's own (E.10), and those added."""
    scm.users[r"HOME\me"] = "S-1-5-21-1-2-3-1001"
    names = ("LocalService", r"NT AUTHORITY\Local Service", "Everyone", "me")
    sids = [scm.account_sid(None, name) for name in names]

    assert sids == ["S-1-5-19", "S-1-5-19", "S-1-1-0", "S-1-5-21-1-2-3-1001"]
    # The one that everybody knows.
    assert scm.account_sid(None, r"nt service\trustedinstaller") == (
        "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
    )
    assert service_sid("a") == service_sid("A")
    assert code_of(lambda: scm.account_sid(None, "nobody")) == 1332


# --- lists and dependents ------------------------------------------------------


class Quiet(winsvc.Service):
    """Runs until it is stopped."""

    name = "Quiet"


@pytest.fixture
def manager(rig: Rig) -> Iterator[ServiceManager]:
    """A manager whose services can run: Base, and those that depend on it."""
    scm = rig.scm
    for name, group, dependencies in (
        ("Top", "", ("Left", "Right")),
        ("Left", "", ("base",)),
        ("Base", "G", ()),
        ("Right", "", ("+g",)),
        ("Alone", "", ("Other",)),
    ):
        scm.add(Quiet, name=name).close()
        config = ServiceConfig(name=name, group=group, dependencies=dependencies)
        scm.apply(config)
    yield scm
    for info in scm.list():
        if info.status.state is State.RUNNING:
            with scm.open(info.name) as handle:
                handle.stop(dependents=True)
                handle.wait_state(State.STOPPED)


def run(manager: ServiceManager, *names: str) -> None:
    """Start services."""
    for name in names:
        with manager.open(name) as handle:
            handle.start()
            handle.wait_state(State.RUNNING)


def test_dependents_are_all_that_would_start_later(
    rig: Rig, manager: ServiceManager
) -> None:
    """Through services and groups, the last to start first (F-20, F-22)."""
    with manager.open("Base") as handle:
        names = [info.name for info in handle.dependents()]
        run(manager, "Top", "Left")
        active = [info.name for info in handle.dependents(active_only=True)]

    assert names == ["Top", "Left", "Right"]
    assert active == ["Top", "Left"]


def test_stop_is_refused_while_dependents_run(
    rig: Rig, manager: ServiceManager
) -> None:
    """1051 (B-38), until they have stopped; those that do not run do not count."""
    run(manager, "Base", "Right", "Alone")
    with manager.open("Base") as base, manager.open("Right") as right:
        with pytest.raises(ServiceError, match="1051"):
            base.stop()
        base.control(winsvc.Control.INTERROGATE)
        right.stop()
        right.wait_state(State.STOPPED)
        base.stop()

        assert base.wait_state(State.STOPPED).exit_code == 0


def test_list_can_be_narrowed(rig: Rig, manager: ServiceManager) -> None:
    """By state (F-15) and group (F-16), in the order of the database."""
    run(manager, "Left")

    def names(**how: Any) -> list[str]:
        return [info.name for info in manager.list(**how)]

    assert names() == ["Top", "Left", "Base", "Right", "Alone"]
    assert names(state=State.RUNNING) == ["Left"]
    assert names(state=State.STOPPED) == ["Top", "Base", "Right", "Alone"]
    assert names(group="g") == ["Base"]
    assert names(group="", state=State.STOPPED) == ["Top", "Right", "Alone"]
    with pytest.raises(ServiceError, match="1060"):
        manager.list(group="nobody's")


@pytest.mark.parametrize(
    ("code", "reason", "comment", "refused"),
    [
        (1, 0x40050005, "maintenance", 1062),
        (1, 0x10050005, None, 1062),
        (1, 0x60400100, None, 1062),
        (1, 0x50050005, None, 87),
        (1, 0x00050005, None, 87),
        (1, 0x20400100, None, 87),
        (1, 0x60050005, None, 87),
        (1, 0x40070005, None, 87),
        (1, 0x40050005, "c" * 127, 1062),
        (1, 0x40050005, "c" * 128, 87),
        (4, 0, None, 1062),
        (4, 0, "why", 87),
    ],
)
def test_reason_of_a_stop_is_checked(
    scm: SimulatedBackend, code: int, reason: int, comment: str | None, refused: int
) -> None:
    """B-40 and B-41, before the service's state (1062) is looked at."""
    handle = create(scm)

    assert (
        code_of(lambda: scm.service_control_reason(handle, code, reason, comment))
        == refused
    )
