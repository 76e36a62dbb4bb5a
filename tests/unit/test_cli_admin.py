"""What scripts and administrators need: drift, whole files, idempotence, rights."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from winsvc.commands.answers import DIFFERENT
from winsvc.manage.handle import ServiceHandle
from winsvc.manage.manager import ServiceManager
from winsvc.manage.security import TO_START, ServiceRight, parse_dacl
from winsvc.settings.config import ServiceConfig
from winsvc.states import StartType
from winsvc.testing.database import SimulatedBackend

from .conftest import Run


@pytest.fixture
def file(tmp_path: Path, target: str) -> str:
    """A TOML file with a target and a command."""
    path = tmp_path / "services.toml"
    path.write_text(
        f"[services.Sample]\ntarget = '{target}'\n"
        "[services.Plain]\ncommand = ['C:/plain.exe']\n"
    )
    return str(path)


def create_chain(backend: SimulatedBackend) -> None:
    """Create Base, which Leaf depends on."""
    with ServiceManager(backend=backend) as manager:
        for name, before in (("Base", ()), ("Leaf", ("Base",))):
            config = ServiceConfig(
                name=name, command=(f"C:/{name}.exe",), dependencies=before
            )
            manager.create(config).close()


# --- files and drift -----------------------------------------------------------------


def test_file_is_applied_as_a_whole(
    run: Run, backend: SimulatedBackend, file: str
) -> None:
    """Each of its services, unless one is named; options count for all."""
    planned = run("plan", file)
    applied = run("apply", file, "--start-type", "manual")
    again = run("apply", file)
    one = run("apply", file, "Plain", "--description", "x")

    assert [each[0] for each in (planned, applied, again, one)] == [0] * 4
    assert "Sample would be created" in planned[1]
    assert "Plain would be created" in planned[1]
    types = {name: each.start_type for name, each in backend.records.items()}
    assert types == {"SAMPLE": StartType.MANUAL, "PLAIN": StartType.MANUAL}
    assert again[1] == "Sample: nothing to change\nPlain: nothing to change\n"
    assert one[1].startswith("Plain is changed")
    assert "Sample" not in one[1]


def test_check_has_a_code_for_drift(run: Run, file: str) -> None:
    """A new service is a difference too; without the option it is none."""
    new = run("plan", file, "--check")
    run("apply", file)
    same = run("plan", file, "--check")
    run("config", "Plain", "--start-type", "disabled")
    option = ["--start-type", "auto"]
    drifted = run("plan", file, "--check", "--json", *option)
    unchecked = run("plan", file, *option)

    assert [new[0], same[0], drifted[0], unchecked[0]] == [DIFFERENT, 0, DIFFERENT, 0]
    changed = [bool(each["changes"]) for each in json.loads(drifted[1])["services"]]
    assert changed == [False, True]


# --- start, stop, remove -------------------------------------------------------------


def test_start_and_stop_if_needed_are_done_twice(run: Run, target: str) -> None:
    """Without the option the second is refused, with a remedy that fits."""
    run("install", target)
    never = run("stop", "Sample", "--if-needed")  # its exit code, 1077, is no failure
    told = [
        run(command, "Sample", "--if-needed", "--json")
        for command in ("start", "start", "stop", "stop")
    ]
    refused = run("stop", "Sample", "--json")

    assert (never[0], never[2]) == (0, "")
    assert [(code, err) for code, _, err in told] == [(0, "")] * 4
    assert [json.loads(out)["state"] for _, out, _ in told] == [
        *("RUNNING", "RUNNING", "STOPPED", "STOPPED")
    ]
    error = json.loads(refused[1])["error"]
    assert (refused[0], error["code"]) == (1, 1062)
    assert "--if-needed" in error["remedy"]
    assert "start it first" not in refused[2]


@pytest.mark.usefixtures("slow_until_shown")
def test_start_if_needed_waits_for_a_start_of_others(run: Run, target: str) -> None:
    """It is on its way already."""
    run("install", target)
    run("start", "--no-wait", "Sample", "slow")
    code, out, err = run("start", "Sample", "--if-needed")

    assert (code, err) == (0, "")
    assert out.endswith("Sample is RUNNING\n")


def test_start_if_needed_that_somebody_else_does(
    run: Run, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the start: 1056, and that is what was wanted."""
    run("install", target)
    start = ServiceHandle.start

    def twice(handle: ServiceHandle, *args: str) -> None:
        start(handle, *args)
        start(handle, *args)

    monkeypatch.setattr(ServiceHandle, "start", twice)
    code, out, err = run("start", "Sample", "--if-needed")
    run("stop", "Sample")
    plain = run("start", "Sample")

    assert (code, err) == (0, "")
    assert out.endswith("Sample is RUNNING\n")
    assert plain[0] == 1
    assert "1056" in plain[2]


def test_remove_stops_first(run: Run, backend: SimulatedBackend, target: str) -> None:
    """And waits, so that it has gone at the end; one that is stopped is removed."""
    for running in (True, False):
        run("install", target)
        if running:
            run("start", "Sample")
        code, out, err = run("remove", "Sample", "--stop", "--json")

        assert (code, err) == (0, "")
        assert json.loads(out) == {
            "name": "Sample",
            "removed": True,
            "state": "STOPPED",
            "reason": None,
        }
        assert not backend.records


def test_remove_of_what_somebody_holds_says_so(
    run: Run, backend: SimulatedBackend, target: str
) -> None:
    """It is there until the last handle is closed (E-32): that is no success."""
    run("install", target)
    with ServiceManager(backend=backend) as manager, manager.open("Sample"):
        code, out, _ = run("remove", "Sample", "--json")
        again = run("remove", "Sample")

    assert code == 1
    assert json.loads(out) == {
        "name": "Sample",
        "removed": False,
        "state": "STOPPED",
        "reason": "open",
    }
    assert (again[0], "1072" in again[2]) == (1, True)
    assert not backend.present()
    run("install", target)
    with ServiceManager(backend=backend) as manager, manager.open("Sample"):
        assert "when the last handle to it is closed" in run("remove", "Sample")[1]


def test_remove_waits_for_who_lets_go(
    run: Run, backend: SimulatedBackend, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right after a removal it goes by itself (E-34)."""
    run("install", target)
    manager = ServiceManager(backend=backend)
    handle = manager.open("Sample")
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            handle.close()

    monkeypatch.setattr(backend, "sleep", sleep)
    assert run("remove", "Sample") == (0, "Sample is removed\n", "")
    assert len(naps) == 3


def test_last_events_of_a_running_service_keep_their_texts(
    run: Run, backend: SimulatedBackend, target: str
) -> None:
    """Its event source goes with another removal, once it has stopped."""
    run("install", target)
    run("start", "Sample")
    code, out, _ = run("remove", "Sample", "--json")

    assert code == 0
    assert (json.loads(out)["removed"], json.loads(out)["reason"]) == (False, "running")
    assert backend.event_source("Sample") is not None
    run("stop", "Sample")
    assert not backend.present()
    assert run("remove", "Sample", "--stop") == (0, "Sample is removed\n", "")
    assert backend.event_source("Sample") is None
    assert "1060" in run("remove", "Sample")[2]


def test_event_source_that_stays_is_told(
    run: Run, backend: SimulatedBackend, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service is gone all the same; another `remove` ends it."""
    run("install", target)

    def refuse(name: str, message_file: str | None) -> None:
        error = OSError(13, "refused")
        setattr(error, "winerror", 5)  # noqa: B010
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(backend, "set_event_source", refuse)
        code, _, err = run("remove", "Sample")

    assert code == 1
    assert "could not take out the event source of service 'Sample'" in err
    assert "the service itself is removed" in err
    assert run("remove", "Sample") == (0, "Sample is removed\n", "")
    assert backend.event_source("Sample") is None


@pytest.mark.parametrize("words", [["install"], ["apply", "--target"]])
def test_new_service_waits_for_the_old_one_to_go(
    run: Run,
    backend: SimulatedBackend,
    target: str,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a script removes and installs again, whoever holds it for a moment."""
    run("install", target)
    manager = ServiceManager(backend=backend)
    handle = manager.open("Sample")
    handle.delete()
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            handle.close()

    planned = run("plan", "Sample", "--start-type", "manual")
    shown = run("install", target, "--dry-run")
    monkeypatch.setattr(backend, "sleep", sleep)
    code, out, err = run(*words, target)

    assert (code, err) == (0, "")
    assert re.match("Sample is (installed|created)", out)
    assert (planned[0], shown[0]) == (1, 1)
    for told in (planned[2], shown[2]):
        assert "1072" in told
        assert "services.msc" in told


def test_install_of_what_does_not_go_is_refused(
    run: Run, backend: SimulatedBackend, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1072 with its remedy, also where the registry does not tell (H-45); not 1073."""
    run("install", target)
    with ServiceManager(backend=backend) as manager, manager.open("Sample") as handle:
        handle.delete()
        naps: list[float] = []
        monkeypatch.setattr(backend, "sleep", naps.append)
        monkeypatch.setattr(backend, "is_deleted", lambda _: False)
        code, _, err = run("install", target)

    assert code == 1
    assert sum(naps) == pytest.approx(5.0)
    assert "1072" in err
    assert "services.msc" in err


@pytest.mark.parametrize("settings", [["--description", "x"], ["--start-type", "auto"]])
def test_apply_tells_of_a_service_that_goes(
    run: Run, target: str, backend: SimulatedBackend, settings: list[str]
) -> None:
    """Also where nothing would change, but for what the deletion has (E-31)."""
    run("install", target)
    with ServiceManager(backend=backend) as manager, manager.open("Sample") as handle:
        handle.delete()
        for command in ("plan", "apply"):
            code, _, err = run(command, "Sample", *settings)
            assert (code, "1072" in err) == (1, True)


# --- dependents and rights -----------------------------------------------------------


def test_dependents_are_listed(run: Run, backend: SimulatedBackend) -> None:
    """As `list` has them."""
    create_chain(backend)
    text = run("dependents", "Base")
    active = json.loads(run("dependents", "Base", "--active", "--json")[1])
    every = json.loads(run("dependents", "Base", "--json")[1])

    assert text[0] == 0
    assert [line.split()[0] for line in text[1].splitlines()] == ["NAME", "Leaf"]
    assert active == {"services": []}
    assert [each["name"] for each in every["services"]] == ["Leaf"]
    assert run("dependents", "Nobody")[0] == 1


def test_list_of_a_group_that_is_not_there(run: Run, backend: SimulatedBackend) -> None:
    """The SCM's code for it is that of a missing service (F-16)."""
    create_chain(backend)
    code, _, err = run("list", "--group", "zz")

    assert code == 1
    assert "no load-order group 'zz'" in err
    assert "service" not in err


def test_grant_lets_an_account_start_it(run: Run, backend: SimulatedBackend) -> None:
    """Twice is once; with --stop it may stop it too."""
    create_chain(backend)
    sid = "S-1-5-32-545"

    def allowed() -> int:
        with ServiceManager(backend=backend) as manager:
            return parse_dacl(manager.open("Base").security()).allowed(sid)

    first = run("grant", "Base", sid)
    assert allowed() == TO_START
    again = json.loads(run("grant", "Base", sid, "--json")[1])
    more = run("grant", "Base", sid, "--stop")

    assert first == (0, f"{sid} may start Base\n", "")
    assert again == {"name": "Base", "account": sid, "changed": False}
    assert more[1] == f"{sid} may start and stop Base\n"
    assert allowed() == TO_START | ServiceRight.STOP


def test_deny_and_revoke(run: Run, backend: SimulatedBackend) -> None:
    """What an account is denied counts first; revoke takes out both kinds."""
    create_chain(backend)
    sid = "S-1-5-32-545"

    def own() -> list[tuple[bool, int]]:
        with ServiceManager(backend=backend) as manager:
            entries = parse_dacl(manager.open("Base").security()).entries
        return [(each.allows, each.rights) for each in entries if each.sid == sid]

    before = own()
    run("grant", "Base", sid)
    denied = run("deny", "Base", sid, "--stop")
    assert own()[0] == (False, ServiceRight.START | ServiceRight.STOP)
    again = run("deny", "Base", sid, "--stop")
    revoked = run("revoke", "Base", sid)
    nothing = json.loads(run("revoke", "Base", sid, "--json")[1])

    assert denied == (0, f"{sid} may neither start nor stop Base\n", "")
    assert again[1].endswith("already: nothing to change\n")
    assert revoked == (0, f"Base has no entry of {sid}\n", "")
    assert nothing == {"name": "Base", "account": sid, "changed": False}
    assert own() == before == []


@pytest.mark.parametrize("account", ["BA", "S-1-5-32-544"])
def test_administrators_are_not_locked_out(
    run: Run, backend: SimulatedBackend, account: str
) -> None:
    """Nobody could give them back what is taken: refused, and nothing is changed."""
    create_chain(backend)
    run("config", "Base", "--security", "D:(A;;GA;;;BA)(A;;GR;;;BU)")
    backend.users["BA"] = "S-1-5-32-544"
    with ServiceManager(backend=backend) as manager, manager.open("Base") as handle:
        before = handle.security()
        for group in ("S-1-1-0", "S-1-5-32-545", "S-1-5-4"):
            with pytest.raises(ValueError, match="administrators could not change"):
                handle.deny(group, ServiceRight.WRITE_DAC)
        code, _, err = run("revoke", "Base", account)
        after = handle.security()

    assert code == 1
    assert "administrators could not change its security any more" in err
    assert after == before


def test_grant_of_what_is_denied_is_refused(
    run: Run, backend: SimulatedBackend
) -> None:
    """What denies it counts first: it has to go first."""
    create_chain(backend)
    run("config", "Base", "--security", "D:(D;;RP;;;BU)(A;;GA;;;BA)")
    code, _, err = run("grant", "Base", "S-1-5-32-545")

    assert code == 1
    assert "denies" in err
