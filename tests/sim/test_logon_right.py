"""E-15: who a service runs as is given the right to log on as one, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import winsvc
from winsvc.errors import ServiceError
from winsvc.install import create_all
from winsvc.manage.changes import Changes
from winsvc.manage.manager import ServiceManager
from winsvc.settings.config import ServiceConfig
from winsvc.states import StartType, State
from winsvc.testing import SimulatedScm
from winsvc.testing.database import SimulatedBackend

USER = r"D\user"
MANAGED = r"D\managed$"
GRANTED = ["log on as a service: granted to " + USER]


class Scm(SimulatedBackend):
    """A simulated SCM that may be refused the right.

    Attributes:
        calls: What changed something of services or rights, in order.
        refuse: Windows codes by the function that fails with it.
    """

    def __init__(self) -> None:
        super().__init__(virtual=True)
        self.calls: list[str] = []
        self.refuse: dict[str, int] = {}
        for name in (
            "logon_right_held",
            "logon_right_grant",
            "logon_right_revoke",
            "service_create",
            "service_change",
            "service_change2",
        ):
            setattr(self, name, self._noting(name))

    def _noting(self, name: str) -> Any:
        function = getattr(super(), name)

        def call(*arguments: Any) -> Any:
            self.calls.append(name)
            if name in self.refuse:
                error = OSError(self.refuse[name], name)
                setattr(error, "winerror", self.refuse[name])  # noqa: B010
                raise error
            return function(*arguments)

        return call


@pytest.fixture
def scm() -> Scm:
    """An empty one."""
    return Scm()


@pytest.fixture
def manager(scm: Scm) -> Iterator[ServiceManager]:
    """Its manager."""
    with ServiceManager(backend=scm) as manager:
        yield manager


def config(account: str | None = None, **more: Any) -> ServiceConfig:
    """Return a service's, with an account."""
    return ServiceConfig(name="Foo", command=(r"C:\x.exe",), account=account, **more)


def of_right(changes: Changes) -> list[str]:
    """Return what a plan says of the right."""
    return [each for each in str(changes).splitlines() if each.startswith("log on")]


def test_new_service_gets_it_before_it_is_created(
    scm: Scm, manager: ServiceManager
) -> None:
    """Told right behind the account; once."""
    planned = manager.plan(config(USER, password="secret"))
    scm.calls.clear()
    applied = manager.apply(config(USER, password="secret"))

    lines = str(applied).splitlines()
    assert planned == applied
    assert lines[lines.index("account: " + USER) + 1] == GRANTED[0]
    assert scm.calls == [
        "logon_right_held",  # by the plan
        "logon_right_held",  # by the step
        "logon_right_grant",
        "service_create",
    ]
    assert scm.logon_rights == {USER.upper()}
    assert applied.notes == ()
    assert not manager.apply(config(USER))


def test_create_grants_it_too(scm: Scm, manager: ServiceManager) -> None:
    """It is made of the same steps."""
    manager.create(config(USER)).close()

    assert scm.logon_rights == {USER.upper()}


def test_changed_account_gets_it_before_it_is_set(
    scm: Scm, manager: ServiceManager
) -> None:
    """The account before keeps it: others may run as it."""
    manager.apply(config(r".\before"))
    scm.calls.clear()
    changes = manager.apply(config(USER))

    assert of_right(changes) == GRANTED
    assert scm.calls[-2:] == ["logon_right_grant", "service_change"]
    assert scm.logon_rights == {USER.upper(), r".\BEFORE"}


@pytest.mark.parametrize("named", [True, False])
def test_password_alone_asks_for_it(
    scm: Scm, manager: ServiceManager, named: bool
) -> None:
    """Whether the account is named with it or is the one that the service has."""
    manager.apply(config(USER))
    scm.logon_rights.clear()
    unchanged = manager.apply(config(USER, start_type=StartType.MANUAL))
    asked = ServiceConfig.unchecked(
        name="Foo", account=USER if named else None, password="x"
    )
    changes = manager.apply(asked)

    assert of_right(unchanged) == []
    assert str(changes).splitlines() == [*GRANTED, "password: (set)"]
    assert scm.logon_rights == {USER.upper()}
    assert str(manager.apply(asked)) == "password: (set)"


def test_managed_account_that_is_named_again_gets_it(
    scm: Scm, manager: ServiceManager
) -> None:
    """It has no password to be set anew; nothing of the service is changed."""
    manager.apply(config(MANAGED))
    scm.logon_rights.clear()
    scm.calls.clear()
    changes = manager.apply(config(MANAGED))

    assert str(changes) == "log on as a service: granted to " + MANAGED
    assert "service_change" not in scm.calls
    assert scm.logon_rights == {MANAGED.upper()}
    assert not manager.apply(config(MANAGED))


@pytest.mark.parametrize(
    "account",
    [None, "LocalSystem", "LocalService", "NetworkService", r"NT SERVICE\Foo"],
)
def test_built_in_accounts_need_none(
    scm: Scm, manager: ServiceManager, account: str | None
) -> None:
    """The policy is not even asked."""
    scm.refuse = {"logon_right_held": 5}
    changes = manager.apply(config(account))

    assert of_right(changes) == []
    assert changes.notes == ()
    assert "logon_right_held" not in scm.calls


def test_right_that_is_held_is_left_alone(scm: Scm, manager: ServiceManager) -> None:
    """In any case of the name; a later failure does not take it away."""
    scm.logon_rights = {USER.upper()}
    scm.refuse = {"service_create": 112}
    with pytest.raises(ServiceError):
        manager.apply(config(USER.lower()))

    assert "logon_right_grant" not in scm.calls
    assert "logon_right_revoke" not in scm.calls
    assert scm.logon_rights == {USER.upper()}


def test_right_that_somebody_else_grants_meanwhile_stays(
    scm: Scm, manager: ServiceManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the plan and its steps: it is not theirs to be undone."""
    held = scm.logon_right_held

    def meanwhile(machine: str | None, account: str) -> bool:
        found = held(machine, account)
        scm.logon_rights.add(account.upper())
        return found

    monkeypatch.setattr(scm, "logon_right_held", meanwhile)
    scm.refuse = {"service_create": 112}
    with pytest.raises(ServiceError):
        manager.apply(config(USER))

    assert "logon_right_grant" not in scm.calls
    assert scm.logon_rights == {USER.upper()}


@pytest.mark.parametrize("exists", [False, True])
def test_grant_that_is_undone(scm: Scm, manager: ServiceManager, exists: bool) -> None:
    """By a failure after it; the right is taken away last."""
    if exists:
        manager.apply(config())
    scm.refuse = {"service_change" if exists else "service_create": 112}
    with pytest.raises(ServiceError) as caught:
        manager.apply(config(USER))

    assert caught.value.winerror == 112
    assert scm.calls[-1] == "logon_right_revoke"
    assert scm.logon_rights == set()


def test_interrupted_grant_is_undone(
    scm: Scm, manager: ServiceManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl+C when it has been granted, and nobody has said so yet."""
    grant = scm.logon_right_grant

    def interrupted(machine: str | None, account: str) -> None:
        grant(machine, account)
        raise KeyboardInterrupt

    monkeypatch.setattr(scm, "logon_right_grant", interrupted)
    with pytest.raises(KeyboardInterrupt):
        manager.apply(config(USER))

    assert scm.logon_rights == set()
    assert scm.records == {}


def test_refused_grant_changes_nothing(scm: Scm, manager: ServiceManager) -> None:
    """The error names the account and the right; there is no service."""
    scm.refuse = {"logon_right_grant": 5}
    with pytest.raises(ServiceError) as caught:
        manager.apply(config(USER))

    assert str(caught.value).startswith(
        rf"could not grant {USER} the right to log on as a service, for service 'Foo': "
        "5 ERROR_ACCESS_DENIED"
    )
    assert scm.records == {}


@pytest.mark.parametrize("code", [5, 120, 1057, 1332, 1722])
def test_unreadable_right_is_a_note(
    scm: Scm, manager: ServiceManager, code: int
) -> None:
    """The account is set all the same, and the right left alone (H-55)."""
    scm.refuse = {"logon_right_held": code}
    planned = manager.plan(config(USER))
    applied = manager.apply(config(USER))

    (note,) = planned.notes
    assert planned == applied
    assert f"not granted to {USER}, since it cannot be read" in note
    assert f"({code} " in note
    assert "secpol.msc" in note
    assert of_right(applied) == []
    assert scm.logon_rights == set()
    assert scm.records["FOO"].account == USER


def test_error_that_is_none_of_windows_is_raised(
    manager: ServiceManager, scm: Scm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no answer of the policy's."""

    def broken(*_: Any) -> bool:
        raise OSError("broken")

    monkeypatch.setattr(scm, "logon_right_held", broken)
    with pytest.raises(OSError, match="broken"):
        manager.plan(config(USER))


def test_removed_service_leaves_it(scm: Scm, manager: ServiceManager) -> None:
    """Other services may run as that account."""
    manager.apply(config(USER))
    manager.remove("Foo")

    assert scm.records == {}
    assert scm.logon_rights == {USER.upper()}


class Quick(winsvc.Service):
    """Waits for its stop."""

    name = "Quick"


def test_install_of_several_that_fails_says_who_keeps_it(
    scm: Scm, manager: ServiceManager
) -> None:
    """What was created before is taken out; the right is not lost unsaid."""
    manager.create(ServiceConfig(name="B", command=(r"C:\\x.exe",))).close()
    configs = [
        ServiceConfig(name=name, command=(r"C:\\x.exe",), account=r".\me", password="p")
        for name in ("A", "B")
    ]
    with pytest.raises(ServiceError, match="1073") as caught:
        create_all(manager, configs)

    assert caught.value.__notes__ == [r".\me keeps the right to log on as a service"]
    assert [info.name for info in manager.list()] == ["B"]


def test_start_without_it_is_1069() -> None:
    """A-63; with it the same start succeeds, and a later loss shows again."""
    scm = SimulatedScm()
    with scm.add(Quick) as handle:
        scm.apply(ServiceConfig(name="Quick", account=USER))
        assert scm.logon_rights == {USER.upper()}
        for _ in range(2):
            scm.logon_rights.clear()
            with pytest.raises(ServiceError) as caught:
                handle.start()
            failed = handle.status()
            assert caught.value.winerror == 1069
            assert (failed.state, failed.exit_code) == (State.STOPPED, 1069)
            scm.logon_rights.add(USER.upper())
            handle.start()
            handle.wait_state(State.RUNNING)
            handle.stop()
            assert handle.wait_state(State.STOPPED).exit_code == 0
            scm.wait_gone("Quick")
    assert scm.violations == ()
