"""Configurations in TOML and in words: what is read, written, and refused."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from configurations import ACTIONS, configs
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from winsvc.settings import text as setting_text
from winsvc.settings.config import ServiceConfig
from winsvc.settings.together import check_together
from winsvc.settings.toml_reader import ServiceTable, read_tables
from winsvc.settings.toml_writer import to_toml
from winsvc.settings.triggers import Trigger, TriggerAction
from winsvc.settings.values import (
    NO_NODE,
    ErrorControl,
    FailureAction,
    FailureActions,
    LaunchProtection,
    SidType,
)
from winsvc.states import ServiceType, StartType

FULL = r"""
[service]
name = "Foo"
command = ['C:\Program Files\foo.exe', "--all"]
display-name = "The Foo"
description = "Does foo."
start = "trigger"
type = "own"
error-control = "severe"
group = "Base"
dependencies = ["Tcpip", "+NetGroup"]
account = "LocalService"
sid-type = "restricted"
required-privileges = ["SeBackupPrivilege"]
preshutdown-timeout = 90
triggers = [
    { network-available = true },
    { network-lost = true, action = "start" },
    { firewall-port = 5001 },
    { named-pipe = "foo" },
]
preferred-node = 1
launch-protection = "windows-light"
security = "D:(A;;GA;;;SY)"
event-source = true

[service.failure-actions]
actions = [{ restart = 5 }, { run-command = 0.5 }, { none = 0 }]
reset-period = 86400
command = "notify.exe /fail=%1%"
reboot-message = "Sorry."
on-error = true

[service.environment]
MODE = "fast"
"A B" = 'C:\x'
"""
FULL_CONFIG = ServiceConfig(
    name="Foo",
    command=(r"C:\Program Files\foo.exe", "--all"),
    display_name="The Foo",
    description="Does foo.",
    start_type=StartType.MANUAL,
    delayed=False,
    service_type=ServiceType.OWN_PROCESS,
    error_control=ErrorControl.SEVERE,
    group="Base",
    dependencies=("Tcpip", "+NetGroup"),
    account="LocalService",
    failure_actions=ACTIONS,
    failure_actions_on_error=True,
    sid_type=SidType.RESTRICTED,
    required_privileges=("SeBackupPrivilege",),
    preshutdown_timeout=90.0,
    triggers=(
        Trigger.network_available(),
        Trigger.network_lost(action=TriggerAction.START),
        Trigger.firewall_port(5001),
        Trigger.named_pipe("foo"),
    ),
    preferred_node=1,
    launch_protection=LaunchProtection.WINDOWS_LIGHT,
    environment={"MODE": "fast", "A B": r"C:\x"},
    security="D:(A;;GA;;;SY)",
    event_source=True,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a test writes its TOML."""
    return tmp_path / "service.toml"


def test_every_key_is_read(file: Path) -> None:
    """Into the settings that it names."""
    file.write_text(FULL, encoding="utf-8")

    assert ServiceConfig.from_toml(file) == FULL_CONFIG
    assert read_tables(file) == (ServiceTable(FULL_CONFIG),)


def test_what_is_not_there_is_not_ours_to_say(file: Path) -> None:
    """None for all but the name; what is empty removes."""
    file.write_text('[service]\nname = "Foo"\ntriggers = []\nenvironment = {}\n')

    wanted = ServiceConfig(name="Foo", triggers=(), environment={})
    assert ServiceConfig.from_toml(file) == wanted


@pytest.mark.parametrize(
    ("lines", "settings"),
    [
        ('start = "auto"', {"start_type": StartType.AUTO, "delayed": False}),
        ('start = "delayed"', {"start_type": StartType.AUTO, "delayed": True}),
        ('start = "manual"', {"start_type": StartType.MANUAL, "delayed": False}),
        ('start = "disabled"', {"start_type": StartType.DISABLED, "delayed": False}),
        (
            'delayed = true\nstart = "auto"',
            {"start_type": StartType.AUTO, "delayed": True},
        ),
        ("delayed = true", {"delayed": True}),
        ('type = "shared"', {"service_type": ServiceType.SHARE_PROCESS}),
        ('type = "own+interactive"', {"service_type": ServiceType(0x110)}),
        ('preferred-node = "none"', {"preferred_node": NO_NODE}),
        ("failure-actions = {on-error=false}", {"failure_actions_on_error": False}),
        ("failure-actions = {actions=[]}", {"failure_actions": FailureActions()}),
        (
            "failure-actions = {actions=[{reboot=60.0}]}",
            {"failure_actions": FailureActions(actions=(FailureAction.reboot(60.0),))},
        ),
    ],
)
def test_words_stand_for_settings(
    file: Path, lines: str, settings: dict[str, Any]
) -> None:
    """A start type says whether it is delayed; one thing can be two settings."""
    file.write_text(f'[service]\nname = "Foo"\n{lines}\n')

    assert ServiceConfig.from_toml(file) == ServiceConfig(name="Foo", **settings)


def test_services_may_have_one_display_name() -> None:
    """From Windows 10 1709 on (E-12)."""
    shown = (ServiceConfig(name=name, display_name="x") for name in "AB")
    check_together(tuple(shown))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[services.Dup]\n[services.dup]", "'Dup' and 'dup' are one name"),
        ("[services.A]\ndisplay-name='b'\n[services.B]", "'A' have one name, 'b'"),
        (
            "[services.A]\ndependencies=['B']\n[services.B]\ndependencies=['c']\n"
            "[services.C]\ngroup='g'\ndependencies=['x','a']",
            "A -> B -> C -> A; take.*1059",
        ),
        (
            "[services.A]\ndependencies=['+G']\n"
            "[services.B]\ngroup='g'\ndependencies=['a']",
            "A -> B -> A",
        ),
        ("[services.A]\ngroup='g'\ndependencies=['+G']", "A -> A"),
    ],
)
def test_services_that_cannot_all_be_there_are_refused(
    file: Path, text: str, told: str
) -> None:
    """The SCM would say so at the second, when the first is there."""
    file.write_text(text)
    with pytest.raises(ValueError, match=re.escape(str(file)) + ".*" + told):
        read_tables(file)


def test_services_may_depend_on_each_other_one_way(file: Path) -> None:
    """A diamond is no circle; a display name may be one's own key name."""
    file.write_text(
        "[services.A]\ndependencies=['B','C']\ndisplay-name='a'\n"
        "[services.B]\ndependencies=['D']\n[services.C]\ndependencies=['D','+H']\n"
        "[services.D]\ngroup='G'\n"
    )

    assert len(read_tables(file)) == 4


def test_many_ways_of_dependencies_are_each_gone_once(file: Path) -> None:
    """Thirty layers of two have 2**30 ways."""
    file.write_text(
        "".join(
            f"[services.{side}{layer}]\ndependencies=['A{layer + 1}', 'B{layer + 1}']\n"
            for layer in range(30)
            for side in "AB"
        )
    )

    assert len(read_tables(file)) == 60


PYPROJECT = """
[project]
name = "thing"
[tool.winsvc.services.Foo]
target = "thing.service:Foo"
[tool.winsvc.services."Bar Two"]
target = 'services/bar.py:Bar'
log-file = "logs/bar.log"
start = "delayed"
"""


def test_pyproject_has_several_services(tmp_path: Path) -> None:
    """Files count from its folder, modules are left; each has its name's table."""
    file = tmp_path / "pyproject.toml"
    file.write_text(PYPROJECT)
    foo, bar = read_tables(file)

    assert foo == ServiceTable(ServiceConfig(name="Foo"), "thing.service:Foo")
    assert bar.config.name == "Bar Two"
    assert bar.target == f"{tmp_path / 'services' / 'bar.py'}:Bar"
    assert bar.log_file == str(tmp_path / "logs" / "bar.log")
    assert ServiceConfig.from_toml(file, "bar two") == bar.config
    assert bar.config.delayed


def test_file_of_its_own_may_have_several_too(file: Path) -> None:
    """[services.NAME] without the tool's prefix."""
    file.write_text('[services.A]\nstart = "manual"\n[services.B]\n')

    assert [table.config.name for table in read_tables(file)] == ["A", "B"]
    with pytest.raises(ValueError, match="more than one service; name one of A, B"):
        ServiceConfig.from_toml(file)
    with pytest.raises(ValueError, match="no service C; name one of A, B"):
        ServiceConfig.from_toml(file, "C")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[service", "Expected"),
        ("", r"write \[service\], \[services.NAME\] or \[tool.winsvc.services.NAME\]"),
        ("service = 1", r"\[service\]: is no table"),
        ("services = 1", r"\[services\]: write a table for each"),
        ("[tool.winsvc]\nservices = [1]", r"\[tool.winsvc.services\]: write a table"),
        ("[services]\nA = 1", r"\[services.A\]: is no table"),
        ("[service]", r"\[service\]: name is missing"),
        ('[services.A]\nname = "B"', r"\[services.A\]: name stands in the table"),
        ("description = 1", "description is 1; write a text"),
        ('descripton = "x"', "descripton is no key; did you mean description"),
        ('display_name = "x"', "did you mean display-name"),
        ("colour = 1", "colour is no key; there are account, command, "),
        ('password = "hunter2"', "password has no place in a file; .*stdin"),
        ('command = "x y"', r"command is 'x y'; write an array: \["),
        ("command = [1]", "command is 1; write a text"),
        ('command = ["x"]\ntarget = "a:B"', "target stands in place of command"),
        ('target = "a:1b"', "target .*a:1b"),
        ('log-file = "x"', "log-file is for a target"),
        (
            'start = "automatic"',
            "write auto .or delayed, manual, disabled, trigger.$",
        ),
        ("start = true", "start is True; write a text"),
        ('start = "trigger"', "start is trigger, but there is none"),
        ('start = "manual"\ndelayed = true', "delayed has no effect"),
        ("delayed = 1", "delayed is 1; write true or false"),
        ('type = "sharde"', "type 'sharde' is not known; write shared"),
        ('sid-type = "x"', "sid-type 'x' .* none or unrestricted or restricted"),
        ("preshutdown-timeout = true", "preshutdown-timeout is True; write a number"),
        ("preshutdown-timeout = -1", "service 'Foo': preshutdown_timeout is -1.0 s"),
        ("preferred-node = 1.5", "preferred-node is 1.5"),
        ('preferred-node = "x"', "preferred-node 'x' is no node"),
        ('environment = ["A=1"]', r"environment is no table; write one: \{NAME"),
        ('environment = "A=1"', "environment is no table"),
        ("environment = {A=12}", "environment has A, which is no text; write it as"),
        ("failure-actions = 1", "failure-actions is 1; write a table"),
        ("failure-actions = {restart=1}", "failure-actions has restart, which is no"),
        ('failure-actions = {command="x"}', "one setting; write actions too"),
        ("failure-actions = {actions=[{start=5}]}", "has start, which .* restart"),
        ("failure-actions = {actions=[{}]}", "write one action each"),
        ('failure-actions = {actions=[{restart="5"}]}', "is '5'; write a number"),
        ("triggers = [1]", "triggers is 1; write a table"),
        ("triggers = [{}]", "write one kind each"),
        ("triggers = [{named_pipe='x'}]", "has named_pipe, .* mean named-pipe"),
        ("triggers = [{named-pipe=true}]", "write named-pipe=NAME"),
        ("triggers = [{network-lost=false}]", "is False; write true"),
        ("triggers = [{network-lost=true, action='x'}]", "start or stop, not 'x'"),
        ("triggers = [{named-pipe='x', action='stop'}]", "can only start"),
        ("[service]\nname = ' '", r"\[service\]: service ' ': name is blank"),
        ('[services." "]', r"\[services\. \]: service ' ': name is blank"),
        ('[services.""]', r"\[services\.\]: service '': name is empty"),
    ],
)
def test_mistake_is_told_by_file_table_and_key(
    file: Path, text: str, told: str
) -> None:
    """With the nearest word that there is."""
    if text and not text.startswith(("[", "service")):
        text = f'[service]\nname = "Foo"\n{text}\n'
        told = rf"\[service\]: .*{told}"
    file.write_text(text)
    with pytest.raises(ValueError, match=told) as caught:
        read_tables(file)

    assert str(caught.value).startswith(f"{file}: ")
    assert "hunter2" not in str(caught.value)


def test_file_that_is_no_text_is_told(file: Path) -> None:
    """What is in no Unicode has no mark, and may be anything."""
    file.write_bytes(FULL.replace("Does", "T\xfct").encode("cp1252"))
    with pytest.raises(ValueError, match=r"service\.toml: "):
        read_tables(file)


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8-sig", ""), ("utf-16-le", "\ufeff"), ("utf-16-be", "\ufeff")],
)
def test_file_may_begin_with_a_mark(file: Path, encoding: str, mark: str) -> None:
    """As Notepad and PowerShell's > write it, with lines that end as on Windows."""
    text = mark + FULL.replace("The Foo", "T\xfct \U0001f40d").replace("\n", "\r\n")
    file.write_bytes(text.encode(encoding))

    config = ServiceConfig.from_toml(file)
    assert config == dataclasses.replace(FULL_CONFIG, display_name="T\xfct \U0001f40d")


def test_start_that_cannot_be_delayed_is_told(file: Path) -> None:
    """In whichever order the keys are."""
    for lines in (
        'delayed = true\nstart = "manual"',
        'start = "manual"\ndelayed = true',
    ):
        file.write_text(f'[service]\nname = "Foo"\n{lines}\n')
        with pytest.raises(ValueError, match="delayed has no effect"):
            read_tables(file)


# --- writing --------------------------------------------------------------------------


def test_full_configuration_is_written(file: Path) -> None:
    """One line for each key, and back; the password stays out."""
    config = dataclasses.replace(
        FULL_CONFIG, account=r".\me", password="hunter2", start_type=None, delayed=None
    )
    text = to_toml(config)
    file.write_text(text, encoding="utf-8")

    assert "hunter2" not in text
    assert "command = ['C:\\Program Files\\foo.exe', \"--all\"]\n" in text
    assert "{ restart = 5.0 }, { run-command = 0.5 }, { none = 0.0 }" in text
    wanted = dataclasses.replace(config, password=None)
    assert ServiceConfig.from_toml(file) == wanted


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"start_type": StartType.BOOT}, "start"),
        ({"service_type": ServiceType.KERNEL_DRIVER}, "type"),
        ({"service_type": ServiceType(0xD0)}, "type"),
        ({"sid_type": SidType(9)}, "sid-type"),
        ({"description": "\ud800"}, "description"),
    ],
)
def test_what_has_no_words_is_not_written(settings: dict[str, Any], key: str) -> None:
    """A driver's settings, a number of a newer Windows, half a character."""
    config = ServiceConfig.unchecked(name="Foo", **settings)
    with pytest.raises(ValueError, match=f"service 'Foo': {key} cannot be written"):
        to_toml(config)


@given(configs, st.booleans())
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_configuration_is_read_as_it_was_written(
    file: Path, config: ServiceConfig, delayed: bool
) -> None:
    """An exported service is the same elsewhere."""
    delayed &= config.start_type in (None, StartType.AUTO)
    config = dataclasses.replace(config, delayed=delayed)
    file.write_text(to_toml(config), encoding="utf-8", newline="")

    assert ServiceConfig.from_toml(file) == config


# --- words on the command line --------------------------------------------------------


def test_actions_are_read_in_order() -> None:
    """A blank or two do no harm."""
    assert setting_text.parse_on_failure("restart:5, run-command:0.5,reboot,none") == (
        FailureAction.restart(5.0),
        FailureAction.run_command(0.5),
        FailureAction.reboot(),
        FailureAction.nothing(),
    )
    assert setting_text.parse_on_failure("") == ()
    assert ",".join(map(str, FailureActions.restart(5.0, 0.25).actions)) == (
        "restart:5,restart:0.25"
    )


def test_reset_node_and_variable_are_read() -> None:
    """Each has a word, or a form, of its own."""
    assert setting_text.parse_reset_after("86400") == 86400.0
    assert setting_text.parse_reset_after("never") is None
    assert setting_text.parse_node("3") == 3
    assert setting_text.parse_node("none") == NO_NODE
    assert setting_text.parse_variable("A=b=c") == ("A", "b=c")
    assert setting_text.parse_variable("A=") == ("A", "")


@pytest.mark.parametrize(
    ("parse", "text", "told"),
    [
        (setting_text.parse_on_failure, "restrat:5", "write restart .or none, "),
        (setting_text.parse_on_failure, "restart:x", "'x' is no number of seconds"),
        (setting_text.parse_on_failure, "restart,,", "'' is not known"),
        (setting_text.parse_reset_after, "daily", "'daily' is no number"),
        (setting_text.parse_node, "x", "a number, or none"),
        (setting_text.parse_variable, "A", "'A' is no variable; write NAME=VALUE"),
        (setting_text.parse_variable, "=x", "write NAME=VALUE"),
        (
            setting_text.parse_launch_protection,
            "window-light",
            "write windows-light .or none, ",
        ),
    ],
)
def test_wrong_word_is_refused(parse: Any, text: str, told: str) -> None:
    """And the right ones are told."""
    with pytest.raises(ValueError, match=told):
        parse(text)


def test_variable_without_name_does_not_tell_its_value() -> None:
    """It may be a secret."""
    with pytest.raises(ValueError, match="NAME=VALUE") as caught:
        setting_text.parse_variable("=hunter2")

    assert "hunter2" not in str(caught.value)
