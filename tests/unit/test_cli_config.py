"""install, plan, apply, config and remove, on a simulated SCM."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import winsvc
from winsvc.attributes import settings_of
from winsvc.errors import ServiceError
from winsvc.install import log_file_in, recommended, recommended_names
from winsvc.manage.manager import ServiceManager
from winsvc.settings.config import ServiceConfig
from winsvc.settings.trigger_text import parse_trigger
from winsvc.settings.values import FailureAction, FailureActions, SidType
from winsvc.states import ServiceType, StartType
from winsvc.testing.database import SimulatedBackend

from .conftest import Run, typed

TOML = """
[services.Sample]
target = "{target}"
start = "delayed"
description = "From the file"
dependencies = ["Tcpip"]
environment = {{ MODE = "test" }}

[services.Plain]
command = ['C:\\plain.exe', "-x"]
start = "manual"
"""


IN_CIRCLE = ("--group", "g", "--depends", "+G")


class Rich(winsvc.Service):
    """Says all that a class can say."""

    name = "Rich"
    display_name = "A rich one"
    start_type = StartType.MANUAL
    dependencies = ("Tcpip", "+NetworkProvider")
    account = "LocalService"
    failure_actions = FailureActions(actions=(FailureAction.restart(7.0),))
    failure_actions_on_error = False
    sid_type = SidType.UNRESTRICTED
    required_privileges = ("SeChangeNotifyPrivilege",)
    preshutdown_timeout = 20.0
    triggers = (parse_trigger("network-available"),)
    environment = {"MODE": "class"}  # noqa: RUF012 - as people write it
    event_source = False


@pytest.fixture
def file(tmp_path: Path, target: str) -> str:
    """A TOML file with two services, one of them a target."""
    path = tmp_path / "services.toml"
    path.write_text(TOML.format(target=target.replace("\\", "\\\\")))
    return str(path)


def config_of(backend: SimulatedBackend, name: str) -> ServiceConfig:
    """Return a service's settings."""
    with ServiceManager(backend=backend) as manager, manager.open(name) as handle:
        return handle.config()


# --- install -------------------------------------------------------------------------


def test_install_sets_what_is_recommended(
    run: Run, backend: SimulatedBackend, target: str
) -> None:
    """Restarts in 5 s, 30 s and 2 min, also after an exit code; an event source."""
    code, out, _ = run("install", target)
    config = config_of(backend, "Sample")

    assert code == 0
    assert "Left out" not in out
    assert config.failure_actions == FailureActions.restart(
        5.0, 30.0, 120.0, reset_period=86400.0
    )
    assert config.failure_actions_on_error is True
    assert config.event_source is True
    assert config.service_type is ServiceType.OWN_PROCESS
    assert config.description == "Is a sample."


def test_options_are_stronger_than_what_is_recommended(
    run: Run, backend: SimulatedBackend, target: str
) -> None:
    """What is said is not touched, no and nothing included."""
    options = ["--on-failure", "none", "--no-fail-on-error", "--no-event-source"]
    code, _, err = run("install", *options, target)
    config = config_of(backend, "Sample")

    assert code == 0, err
    assert config.failure_actions == FailureActions(
        actions=(FailureAction.nothing(),), reset_period=86400.0
    )
    assert (config.failure_actions_on_error, config.event_source) == (False, False)


def test_recommended_fills_in_only_what_is_not_said() -> None:
    """And names what it has filled in."""
    given = ServiceConfig(name="X", failure_actions_on_error=False)
    filled = recommended(given)

    assert recommended_names(given) == ("failure_actions", "event_source")
    assert filled.failure_actions_on_error is False
    assert recommended_names(filled) == ()
    changed = {
        field.name
        for field in dataclasses.fields(given)
        if getattr(filled, field.name) != getattr(given, field.name)
    }
    assert changed == {"failure_actions", "event_source"}


def test_what_the_system_lacks_is_left_out_in_one_line(
    run: Run, backend: SimulatedBackend, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of Wine (H-20): the service is created, and it is said."""
    read = backend.service_config2

    def without_failures(handle: Any, level: int) -> Any:
        if level in (2, 4):
            error = OSError(124, "no such level")
            error.winerror = 124  # type: ignore[attr-defined]
            raise error
        return read(handle, level)

    run("install", "winsvc.demo:Demo")  # the service that is asked
    monkeypatch.setattr(backend, "service_config2", without_failures)
    code, out, err = run("install", target)

    assert code == 0, err
    assert out.splitlines()[-1] == (
        "Left out, since this system does not know it: "
        "failure actions, failure actions on error"
    )
    demanded = run("install", "--name", "B", "--on-failure", "restart:5", target)
    assert demanded[0] == 1
    assert "124" in demanded[2]
    assert "B" not in backend.records


def test_class_attributes_are_its_configuration(
    run: Run, backend: SimulatedBackend
) -> None:
    """By the names of ServiceConfig; an option is stronger."""
    code, _, err = run("install", "--env", "MODE=option", services=[Rich])
    config = config_of(backend, "Rich")

    assert code == 0, err
    assert config.dependencies == Rich.dependencies
    assert config.account == r"NT AUTHORITY\LocalService"
    assert config.failure_actions == Rich.failure_actions
    assert config.failure_actions_on_error is False
    assert config.sid_type is SidType.UNRESTRICTED
    assert config.required_privileges == Rich.required_privileges
    assert config.preshutdown_timeout == 20.0
    assert config.triggers == Rich.triggers
    assert config.environment == {"MODE": "option"}
    assert config.event_source is False


def test_class_says_every_setting_but_those_of_its_process() -> None:
    """A new setting of ServiceConfig is one of classes too."""
    every = {field.name for field in dataclasses.fields(ServiceConfig)}
    values = {name: getattr(winsvc.Service, name, 0) for name in every}
    own = {name for name, value in values.items() if value is None}

    assert every - own == {
        *("name", "command", "password"),
        *("display_name", "description", "start_type"),
    }
    assert settings_of(type("Bare", (winsvc.Service,), {"name": "Bare"})) == {}
    assert set(settings_of(Rich)) >= {"triggers", "environment", "event_source"}


def test_dry_run_creates_nothing(
    run: Run, backend: SimulatedBackend, target: str
) -> None:
    """It shows each setting that would be set, and asks for no password."""
    code, out, _ = run("install", "--dry-run", "--account", r".\user", target)
    answer = json.loads(run("install", "--dry-run", "--json", target)[1])

    assert code == 0
    assert out.startswith("Sample would be created:\n")
    assert "\n  service type: own-process\n" in out
    assert "\n  failure actions: restart after 5 s, then" in out
    assert not backend.records
    (service,) = answer["services"]
    assert (service["service"], service["is_new"]) == ("Sample", True)
    assert answer["log_file"].endswith("Sample.log")


def test_install_of_existing_service_names_apply(
    run: Run, backend: SimulatedBackend, target: str
) -> None:
    """1073, with and without --dry-run; nothing is changed."""
    run("install", target)
    for options in ([], ["--dry-run"]):
        code, out, err = run("install", *options, "--description", "other", target)

        assert (code, out) == (1, "")
        assert "1073" in err
        assert "`apply`" in err
    assert config_of(backend, "Sample").description == "Is a sample."


def test_install_from_file(
    run: Run, backend: SimulatedBackend, file: str, target: str
) -> None:
    """The file before the class, options before the file."""
    code, out, err = run("install", "--from", file, "sample", "--env", "A=1")
    config = config_of(backend, "Sample")

    assert code == 0, err
    assert "Sample is installed" in out
    assert config.command is not None
    assert config.command[-1] == target
    assert (config.display_name, config.description) == ("A sample", "From the file")
    assert config.start_type is StartType.AUTO
    assert config.delayed is True
    assert config.environment == {"A": "1"}
    assert config.failure_actions_on_error is True
    assert run("install", "--from", file, "Plain")[0] == 0
    assert config_of(backend, "Plain").command == ("C:\\plain.exe", "-x")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["install"], "TARGET, or --from FILE"),
        (["install", "--from", "FILE"], "more than one service; add a name of Sample"),
        (["install", "--from", "FILE", "Nobody"], "no service Nobody"),
        (["install", "--from", "FILE", "Sample", "Plain"], "one service at a time"),
        (["install", "--from", "FILE", "Plain", "--log-file", "x"], "no target"),
        (["install", "--from", "missing.toml"], "missing.toml cannot be read"),
        (["install", "--reset-after", "0.5", "TARGET"], "whole seconds"),
        (["install", "--on-failure", "restat:5", "TARGET"], "restart"),
        (["install", "--trigger", "netwrk-available", "TARGET"], "network-available"),
        (["install", "--env", "NOVALUE", "TARGET"], "NAME=VALUE"),
        (["install", "--start-type", "delayed", "--group", "G", "TARGET"], "group"),
        (["install", "--security", "what", "TARGET"], "security"),
        (["apply"], "FILE.toml"),
        (["install", "--name", "", "TARGET"], "--name: it is empty"),
        (["install", "--name", " ", "TARGET"], "--name: it is blank"),
        (["plan", "--name", "\t", "--target", "TARGET"], "--name: it is blank"),
        (["install", "--name=-dash", "TARGET"], "cannot start with -"),
        (["install", "--log-file", "", "TARGET"], "--log-file: it is empty"),
        (["install", "--machine", "", "TARGET"], "--machine: it is empty"),
        (["apply", "--target", "TARGET", ""], "it is empty"),
        (["apply", "--target", "TARGET", " "], "it is blank"),
        (["plan", "FILE", "--display-name", "x", "--depends", "x"], "add the name"),
        (["plan", "FILE", "--depends", "plain"], "have the service itself"),
        (["apply", "FILE", "--start-type", "auto", *IN_CIRCLE], "-> Sample"),
        (["apply", "A", "B"], "one service at a time"),
        (["plan", "FILE", "--log-file", "x"], "add the name of one, Sample, Plain"),
        (["plan", "FILE", "--description", "x"], "add the name of one, Sample, Plain"),
        (["apply", "Sample", "--log-file", "x"], "--target"),
        (["install", "--start-type", "trigger", "TARGET"], "--trigger"),
        (["config", "Sample", "--json", "--toml"], "leave out one"),
        (["config", "Sample", "--toml", "--group", "g"], "set none with them"),
        (["remove", "Sample", "--dependents"], "--stop"),
        (["logs", "Sample", "--since", "99999999999d"], "10m"),
        (["config", "Sample", "--type", "odd"], "own"),
        (["stop", "Sample", "--reason", "why"], "planned"),
        (["stop", "Sample", "--reason", "planned:softwear"], "software"),
        (["stop", "Sample", "--comment", "alone"], "reason"),
        (["logs", "Sample", "--since", "soon"], "10m"),
        (["logs", "Sample", "--lines", "-1"], "number of lines"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_changed(
    run: Run,
    backend: SimulatedBackend,
    file: str,
    target: str,
    words: Sequence[str],
    said: str,
) -> None:
    """Exit code 2; the message has the remedy."""
    named = {"FILE": file, "TARGET": target}
    if words[0] == "stop":
        run("install", target)
    before = dict(backend.records)
    code, out, err = run(*(named.get(word, word) for word in words))

    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
    assert backend.records == before


# --- plan, apply, config -------------------------------------------------------------


def test_apply_creates_then_changes_only_what_differs(
    run: Run, backend: SimulatedBackend, file: str
) -> None:
    """Twice is once; `plan` says the same and does nothing."""
    planned = run("plan", file, "Sample")
    assert not backend.records
    created = run("apply", file, "Sample")
    again = run("apply", file, "Sample")
    backend_change = run("config", "Sample", "--description", "by hand")
    seen = run("plan", file, "Sample")
    mended = run("apply", "--from", file, "--name", "Sample")

    codes = [each[0] for each in (planned, created, again, backend_change, seen)]
    assert codes == [0] * 5
    assert planned[1].replace("would be", "is") == created[1]
    assert created[1].startswith("Sample is created:\n  command: ")
    assert again[1] == "Sample: nothing to change\n"
    assert seen[1] == (
        "Sample would be changed:\n  description: by hand -> From the file\n"
    )
    assert mended[1] == seen[1].replace("would be", "is")


def test_apply_leaves_alone_what_is_not_said(
    run: Run, backend: SimulatedBackend, target: str
) -> None:
    """What an administrator has set stays, what is recommended included."""
    run("install", "--on-failure", "reboot:60", target)
    code, out, _ = run("apply", "Sample", "--start-type", "disabled")
    config = config_of(backend, "Sample")

    assert code == 0
    assert out == "Sample is changed:\n  start type: auto -> disabled\n"
    assert config.failure_actions == FailureActions(
        actions=(FailureAction.reboot(60.0),), reset_period=86400.0
    )
    run("config", "Sample", "--no-event-source", "--no-fail-on-error")
    assert run("apply", "--target", target)[1] == "Sample: nothing to change\n"


@pytest.mark.parametrize("command", ["apply", "config"])
@pytest.mark.parametrize(
    ("words", "part", "value"),
    [
        (["--on-failure", "restart:9"], "actions", (FailureAction.restart(9.0),)),
        (["--reset-after", "60"], "reset_period", 60.0),
        (["--reset-after", "never"], "reset_period", None),
        (["--failure-command", "y.exe"], "command", "y.exe"),
        (["--reboot-message", ""], "reboot_message", ""),
    ],
)
def test_part_of_the_failure_actions_is_changed_alone(
    run: Run,
    backend: SimulatedBackend,
    target: str,
    command: str,
    words: list[str],
    part: str,
    value: object,
) -> None:
    """What is not said of them stays as it is."""
    whole = ["--on-failure", "run-command:1", "--failure-command", "x.exe"]
    run("install", *whole, "--reboot-message", "soon", target)
    before = config_of(backend, "Sample").failure_actions
    code, _, err = run(command, "Sample", *words)
    after = config_of(backend, "Sample").failure_actions

    assert (code, err) == (0, "")
    assert before is not None
    assert (before.command, before.reset_period) == ("x.exe", 86400.0)
    assert after == dataclasses.replace(before, **{part: value})
    assert run("plan", "Sample", *words, "--check")[0] == 0


def test_no_failure_actions_have_no_reset_period(
    run: Run, backend: SimulatedBackend, target: str
) -> None:
    """With the actions the time goes, which is refused without them (E-58)."""
    run("install", target)
    code, _, err = run("config", "Sample", "--on-failure", "")
    refused = run("config", "Sample", "--reset-after", "60")

    assert (code, err) == (0, "")
    assert config_of(backend, "Sample").failure_actions == FailureActions()
    assert refused[0] == 2
    assert "without actions" in refused[2]


def test_options_are_merged_with_the_failure_actions_of_a_file(
    run: Run, backend: SimulatedBackend, tmp_path: Path
) -> None:
    """A file's are whole; of an option only what it says counts before them."""
    file = tmp_path / "one.toml"
    file.write_text(
        "[service]\nname = 'Plain'\ncommand = ['C:/plain.exe']\n"
        "[service.failure-actions]\nactions = [{ restart = 3 }]\n"
    )
    for _ in range(2):
        assert run("apply", str(file), "--reset-after", "60")[0] == 0
        assert config_of(backend, "Plain").failure_actions == FailureActions.restart(
            3.0, reset_period=60.0
        )


@pytest.mark.parametrize(
    ("there", "changed", "told"),
    [
        (["--group", "g"], ["--start-type", "delayed"], "member of the group 'g'"),
        (["--start-type", "delayed"], ["--group", "g"], "member of the group 'g'"),
        (["--preferred-node", "0"], ["--type", "shared"], "OWN_PROCESS alone"),
        (["--type", "own+interactive"], ["--account", "LocalService"], "INTERACTIVE"),
    ],
)
def test_what_does_not_fit_what_is_there_is_refused(
    run: Run,
    backend: SimulatedBackend,
    target: str,
    there: list[str],
    changed: list[str],
    told: str,
) -> None:
    """Before anything is changed, and with the setting (E-8, E-43, E-49d)."""
    run("install", target, *there)
    before = config_of(backend, "Sample")
    for command in ("plan", "config"):
        code, _, err = run(command, "Sample", *changed)
        assert (code, told in err) == (2, True), err
    assert config_of(backend, "Sample") == before


def test_no_privileges_named_are_all(run: Run, target: str) -> None:
    """None is not what the process keeps then."""
    run("install", target)
    run("config", "Sample", "--privilege", "SeBackupPrivilege")
    cleared = run("config", "Sample", "--privilege", "")[1]

    assert "required privileges: SeBackupPrivilege -> all" in cleared
    assert re.search(r"required privileges +all\n", run("config", "Sample")[1])


def test_script_applies_its_class(run: Run, backend: SimulatedBackend) -> None:
    """A deployment runs `script.py apply` each time."""
    first = run("apply", services=[Rich])
    second = run("apply", services=[Rich])
    changed = run("plan", "--json", "--env", "MODE=x", services=[Rich])

    assert first[1].startswith("Rich is created:")
    assert second[1] == "Rich: nothing to change\n"
    assert json.loads(changed[1])["services"] == [
        {
            "service": "Rich",
            "is_new": False,
            "changes": [
                {
                    "setting": "environment",
                    "old": {"MODE": "(set)"},
                    "new": {"MODE": "(set)"},
                    "added": [],
                    "changed": ["MODE"],
                    "removed": [],
                }
            ],
            "left_out": [],
            "notes": [],
        }
    ]


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_values_of_variables_are_shown_in_the_export_alone(
    run: Run, tmp_path: Path, target: str, as_json: list[str]
) -> None:
    """Secrets are kept there: plans say which variables change, not into what."""
    secret, other = ("--env", "KEY=hunter2"), ("--env", "key=hunter3", "--env", "B=1")
    file = tmp_path / "copy.toml"
    told = [
        run("install", *secret, "--dry-run", *as_json, target),
        run("apply", *secret, "--target", target, *as_json),
        run("plan", "Sample", *other, *as_json),
        run("config", "Sample", *other, *as_json),
        run("config", "Sample", *as_json),
        run("plan", "Sample", "--env", "", *as_json),
        run("config", "Sample", "--output", str(file), *as_json),
    ]

    assert [code for code, _, _ in told] == [0] * 7
    assert not [out for _, out, err in told if "hunter" in out + err]
    assert "hunter3" in file.read_text(encoding="utf-8")
    if not as_json:
        assert "  environment: KEY=(set)\n" in told[0][1]
        assert "  environment: key changed, B added\n" in told[2][1]
        assert "key=(set), B=(set)\n" in told[4][1]
        assert "  environment: key removed, B removed\n" in told[5][1]


def test_apply_to_nobody_is_1060(run: Run) -> None:
    """There is nothing that it could be created with."""
    code, out, err = run("apply", "Nobody", "--start-type", "manual", "--json")

    assert code == 1
    assert json.loads(out)["error"]["code"] == 1060
    assert "1060" in err


def test_config_shows_every_setting(
    run: Run, backend: SimulatedBackend, file: str
) -> None:
    """As text, as JSON, and as TOML that `apply` has nothing to do with."""
    run("install", "--from", file, "Sample")
    text = run("config", "Sample")[1]
    fields = json.loads(run("config", "Sample", "--json")[1])
    toml = run("config", "Sample", "--toml")[1]

    rows = dict(line.split("  ", 1) for line in text.splitlines())
    assert rows["start type"].strip() == "auto"
    assert rows["delayed"].strip() == "yes"
    assert rows["environment"].strip() == "MODE=(set)"
    every = {field.name for field in dataclasses.fields(ServiceConfig)}
    assert set(fields) == (every - {"password"}) | {"command_line"}
    assert fields["start_type"] == "auto"
    assert fields["failure_actions"]["actions"][0] == {"kind": "restart", "delay": 5.0}
    assert fields["environment"] == {"MODE": "(set)"}
    assert tomllib.loads(toml)["service"]["start"] == "delayed"
    assert tomllib.loads(toml)["service"]["environment"] == {"MODE": "test"}
    copied = Path(file).with_name("copy.toml")
    copied.write_text(toml)
    assert run("apply", str(copied))[1] == "Sample: nothing to change\n"


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--depends", "dependencies"),
        ("--privilege", "required_privileges"),
        ("--trigger", "triggers"),
        ("--env", "environment"),
    ],
)
def test_empty_value_clears_a_list(
    run: Run, backend: SimulatedBackend, option: str, name: str
) -> None:
    """An option that may be repeated says nothing with an empty text."""
    run("install", services=[Rich])
    assert getattr(config_of(backend, "Rich"), name)
    code, _, err = run("config", "Rich", option, "")

    assert code == 0, err
    assert len(getattr(config_of(backend, "Rich"), name)) == 0


# --- passwords -----------------------------------------------------------------------


@pytest.fixture
def passwords(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> list[str | None]:
    """The passwords that get to the SCM."""
    seen: list[str | None] = []
    asked.clear()
    create = SimulatedBackend.service_create
    change = SimulatedBackend.service_change

    def created(backend: SimulatedBackend, *arguments: Any) -> Any:
        seen.append(arguments[9])
        return create(backend, *arguments)

    def changed(backend: SimulatedBackend, *arguments: Any) -> Any:
        seen.append(arguments[8])
        return change(backend, *arguments)

    monkeypatch.setattr(SimulatedBackend, "service_create", created)
    monkeypatch.setattr(SimulatedBackend, "service_change", changed)
    return seen


def sources(monkeypatch: pytest.MonkeyPatch, source: str) -> list[str]:
    """Return the options for a password that comes from there."""
    if source == "stdin":
        monkeypatch.setattr(sys, "stdin", typed("pass\u00e9 word\r\n".encode()))
        return ["--password-stdin"]
    if source == "fd":
        read, write = os.pipe()
        os.write(write, "pass\u00e9 word\n".encode())
        os.close(write)
        return ["--password-fd", str(read)]
    return []


@pytest.mark.parametrize(
    ("source", "password"),
    [("stdin", "pass\u00e9 word"), ("fd", "pass\u00e9 word"), ("prompt", "asked")],
)
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_password_comes_from_no_command_line(
    run: Run,
    target: str,
    passwords: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    password: str,
    as_json: list[str],
) -> None:
    """And gets to nobody but the SCM."""
    options = sources(monkeypatch, source)
    told = run("install", "--account", r".\user", *options, *as_json, target)

    assert told[0] == 0
    assert passwords == [password]
    assert password not in told[1] + told[2]


def test_apply_asks_for_the_password_of_a_said_account_only(
    run: Run, target: str, passwords: list[str | None]
) -> None:
    """`plan` asks for none; who says --account again has a new password (1326)."""
    run("install", target)
    run("plan", "Sample", "--account", r".\user")
    assert passwords == [None]
    code, out, _ = run("apply", "Sample", "--account", r".\user")
    assert code == 0
    assert passwords == [None, "asked"]
    assert "asked" not in out
    again = run("apply", "Sample", "--account", r".\user")
    assert again[1] == "Sample is changed:\n  password: (set)\n"
    assert passwords == [None, "asked", "asked"]
    built_in = run("apply", "Sample", "--account", "LocalService")
    assert "password" not in built_in[1]
    assert run("apply", "Sample", "--start-type", "manual")[0] == 0
    assert passwords == [None, "asked", "asked", None, None]


def test_right_to_log_on_is_told(
    run: Run, backend: SimulatedBackend, target: str, passwords: list[str | None]
) -> None:
    """E-15: by install, plan and apply; to who has it already nothing is given."""
    granted = r"log on as a service: granted to .\user"
    installed = run("install", "--account", r".\user", target)
    backend.logon_rights.clear()
    planned = run("plan", "Sample", "--account", r".\other")
    applied = run("apply", "Sample", "--account", r".\other")
    again = run("apply", "Sample", "--account", r".\other", "--json")

    assert installed[1].splitlines().count(granted) == 1
    assert r"  log on as a service: granted to .\other" in planned[1].splitlines()
    assert applied[1].replace("is changed", "would be changed") == (
        planned[1] + "  password: (set)\n"
    )
    assert backend.logon_rights == {r".\OTHER"}
    (changes,) = json.loads(again[1])["services"]
    assert [each["setting"] for each in changes["changes"]] == ["password"]
    assert changes["notes"] == []


@pytest.mark.parametrize("command", ["install", "plan", "apply"])
def test_right_that_cannot_be_read_is_told(
    run: Run,
    backend: SimulatedBackend,
    target: str,
    passwords: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    """And left alone: whoever may not read the policy can set an account."""

    def refuse(*_: Any) -> bool:
        error = OSError(5, "no")
        setattr(error, "winerror", 5)  # noqa: B010
        raise error

    monkeypatch.setattr(backend, "logon_right_held", refuse)
    words = ["--target"] if command != "install" else []
    code, out, _ = run(command, "--account", r".\user", *words, target)

    assert code == 0
    assert out.count(r"log on as a service: not granted to .\user") == 1
    assert "(5 ERROR_ACCESS_DENIED)" in out
    assert backend.logon_rights == set()
    assert len(backend.records) == (command != "plan")


@pytest.mark.parametrize("named", [["Sample"], ["--target", "TARGET"]])
@pytest.mark.parametrize("command", ["plan", "apply"])
def test_given_password_is_that_of_the_account_that_is_there(
    run: Run,
    target: str,
    passwords: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    named: list[str],
) -> None:
    """Without --account too, by its name or by its target; `plan` says the same."""
    run("install", "--account", r".\user", target)
    options = sources(monkeypatch, "stdin")
    words = [target if word == "TARGET" else word for word in named]
    code, out, err = run(command, *words, *options)

    assert (code, err) == (0, "")
    assert "  password: (set)\n" in out
    assert passwords == ["asked", *(["pass\u00e9 word"] if command == "apply" else [])]


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_given_password_of_no_account_is_refused(
    run: Run, target: str, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """A service that is new, and one that runs as LocalSystem."""
    told = []
    for _ in range(2):
        options = sources(monkeypatch, "stdin")
        told.append(run(command, "--target", target, *options))
        run("install", target)

    assert [(code, out) for code, out, _ in told] == [(2, "")] * 2
    assert all("LocalSystem" in err for _, _, err in told)


@pytest.mark.parametrize("command", ["apply", "config"])
def test_given_password_is_set_anew(
    run: Run,
    target: str,
    passwords: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    """It cannot be compared: who gives one wants it set."""
    run("install", "--account", r".\user", target)
    options = sources(monkeypatch, "stdin")
    account = ["--account", r".\user"] if command == "apply" else []
    code, out, _ = run(command, "Sample", *account, *options)

    assert code == 0
    assert passwords == ["asked", "pass\u00e9 word"]
    assert out == "Sample is changed:\n  password: (set)\n"


def test_no_password_where_one_was_promised(
    run: Run,
    backend: SimulatedBackend,
    target: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An empty input, a closed descriptor, no terminal, no account: nothing is done."""

    def never(_text: str) -> str:
        raise AssertionError("Windows' getpass waits for keys that nobody presses")

    monkeypatch.setattr("getpass.getpass", never)
    read, write = os.pipe()
    os.close(read)
    os.close(write)
    account = ["--account", r".\user"]
    told = []
    for options in (
        [*account, "--password-stdin"],
        [*account, "--password-fd", str(read)],
        account,
        ["--password-stdin"],
        [*account, "--password-stdin", "--password-fd", "0"],
    ):
        monkeypatch.setattr(sys, "stdin", typed(b""))
        told.append(run("install", *options, target))

    assert [code for code, _, _ in told] == [2] * 5
    assert "write it there as one line" in told[0][2]
    assert f"file descriptor {read} cannot be read" in told[1][2]
    assert "--password-stdin" in told[2][2]
    assert "LocalSystem has none" in told[3][2]
    assert "not allowed with" in told[4][2]
    assert not backend.records


def test_dry_run_shows_what_the_scm_would_fill_in(
    run: Run, backend: SimulatedBackend
) -> None:
    """A plan and a creation by `apply` too; and that is what it has then."""
    create = ["--name", "Plain", "--target", "winsvc.demo:Demo"]
    told = [run("install", "winsvc.demo:Demo", "--name", "Plain", "--dry-run")[1]]
    told += [run("plan", *create)[1], run("apply", *create)[1]]
    config = config_of(backend, "Plain")

    for each in told:
        assert "\n  start type: auto\n" in each
        assert "\n  account: LocalSystem\n" in each
        assert "\n  service type: own-process\n" in each
        assert "\n  error control: normal\n" in each
    assert config.start_type is StartType.AUTO
    assert config.account == "LocalSystem"


def test_refused_display_name_is_told_with_its_owner(run: Run, target: str) -> None:
    """E-12: another's key name; and what to do about it."""
    run("install", target)
    code, _, err = run("install", "winsvc.demo:Demo", "--display-name", "sample")
    run("install", "winsvc.demo:Demo", "--name", "Other")
    changed = run("apply", "Other", "--display-name", "SAMPLE")[2]

    assert code == 1
    assert "1078" in err
    assert "the display name 'sample' is that of service 'Sample'" in err
    assert "--display-name" in err
    assert "the display name 'SAMPLE' is that of service 'Sample'" in changed


# --- a class's attributes -----


@pytest.mark.parametrize(
    ("name", "value", "near"),
    [
        ("dependancies", ("Tcpip",), "dependencies"),
        ("descripton", "x", "description"),
        ("displayname", "x", "display_name"),
        ("start_typ", StartType.MANUAL, "start_type"),
        ("acount", "LocalService", "account"),
        ("triggers_", (parse_trigger("network-lost"),), "triggers"),
        ("failure_action", FailureActions.restart(1.0), "failure_actions"),
        ("enviroment", {"A": "1"}, "environment"),
        ("stop_timout", 5, "stop_timeout"),
    ],
)
def test_misspelt_attribute_of_a_class_is_refused(
    run: Run, backend: SimulatedBackend, name: str, value: object, near: str
) -> None:
    """With the setting that it is nearest to; as TOML's keys are."""
    misspelt = type("Misspelt", (Rich,), {name: value, "__module__": __name__})
    code, _, err = run("install", services=[misspelt])

    assert code == 2
    assert f"Misspelt.{name} is no setting; did you mean {near}?" in err
    assert not backend.records


def test_own_attributes_of_a_class_are_left_alone(
    run: Run, backend: SimulatedBackend
) -> None:
    """Near a setting's name they are of another type, or not near enough."""

    class Free(Rich):
        accounts = ("a", "b")
        groups: tuple[str, ...] = ()
        names = ("x",)
        start_time = 0.0
        interval = 5.0
        trigger = None
        _descripton = "private"

        def environments(self) -> None: ...
        @property
        def descriptions(self) -> str:
            return ""

    Free.__qualname__ = "Free"
    assert run("install", services=[Free])[::2] == (0, "")
    assert backend.records


def test_what_a_target_prints_is_no_part_of_the_answer(
    run: Run, tmp_path: Path
) -> None:
    """It goes to standard error: whoever reads JSON has one object."""
    file = tmp_path / "noisy_module.py"
    file.write_text(
        "import winsvc\nprint('noise')\nclass N(winsvc.Service):\n    name = 'N'\n"
    )
    code, out, err = run("install", str(file), "--json")

    assert code == 0
    assert isinstance(json.loads(out), dict)
    assert err == "noise\n"


def test_what_a_class_cannot_say_is_warned_of(run: Run) -> None:
    """It may be the service's own; the password is not told."""
    words = {"password": "hunter2", "log_file": "x.log", "__module__": __name__}
    code, _, err = run("install", services=[type("Heavy", (Rich,), words)])

    assert code == 0
    assert "Heavy.password does not count" in err
    assert "Heavy.log_file does not count" in err
    assert "hunter2" not in err


# --- remove --------------------------------------------------------------------------


def test_remove_takes_the_event_source_with_it(
    run: Run, backend: SimulatedBackend, target: str
) -> None:
    """Else the registry would keep it for ever."""
    run("install", target)
    assert backend.event_source("Sample") is not None
    answer = json.loads(run("remove", "Sample", "--json")[1])

    assert answer == {"name": "Sample", "removed": True, "state": "STOPPED"} | {
        "reason": None
    }
    assert backend.event_source("Sample") is None


def test_notes_of_an_error_are_said(
    run: Run, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be set back: an administrator has to know."""

    def refused(*_: object, **__: object) -> None:
        error = ServiceError(operation="change", service="Sample", winerror=5)
        error.add_note("the description stays changed")
        raise error

    run("install", target)
    monkeypatch.setattr(ServiceManager, "apply", refused)
    code, _, err = run("apply", "Sample", "--description", "x")

    assert code == 1
    assert err.rstrip().endswith("; the description stays changed")


def test_log_file_is_found_in_the_command_line(
    run: Run, backend: SimulatedBackend, target: str
) -> None:
    """What `install` has written, blanks included; nothing of other programs."""
    run("install", "--log-file", "a b/c.log", target)
    with ServiceManager(backend=backend) as manager, manager.open("Sample") as handle:
        line = handle.command_line()

    assert log_file_in(line) == os.path.abspath("a b/c.log")
    assert log_file_in('"C:\\x.exe" --log-file') is None
    assert log_file_in("") is None
