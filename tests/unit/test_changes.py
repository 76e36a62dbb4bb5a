"""What apply changes, as lines of text and for JSON."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from winsvc.manage.changes import LOGON_RIGHT, Change, Changes
from winsvc.settings.triggers import (
    Trigger,
    TriggerAction,
    TriggerData,
    TriggerDataType,
    TriggerType,
)
from winsvc.settings.values import (
    NO_NODE,
    Environment,
    ErrorControl,
    FailureAction,
    FailureActions,
    LaunchProtection,
    SidType,
)
from winsvc.states import ServiceType, StartType

PIPE = UUID("1f81d131-3fac-4537-9e0c-7e7b0c2f4b55")
TRIGGER = Trigger(
    TriggerType.NETWORK_ENDPOINT,
    TriggerAction.START,
    PIPE,
    (
        TriggerData(TriggerDataType.STRING, "a\0b\0\0".encode("utf-16-le")),
        TriggerData(TriggerDataType.LEVEL, b"\4"),
    ),
)
ACTIONS = FailureActions(
    actions=(FailureAction.restart(5), FailureAction.run_command(0.25)),
    reset_period=86400,
    command="mail.exe",
    reboot_message="a\nb",
)


@pytest.mark.parametrize(
    ("setting", "old", "new", "text"),
    [
        (
            "start_type",
            StartType.MANUAL,
            StartType.AUTO,
            "start type: manual -> auto",
        ),
        ("start_type", None, StartType.AUTO, "start type: auto"),
        (
            "service_type",
            ServiceType.OWN_PROCESS,
            ServiceType.OWN_PROCESS | ServiceType.INTERACTIVE,
            "service type: own-process -> own-process+interactive",
        ),
        ("delayed", False, True, "delayed: no -> yes"),
        ("description", "a  b", "", "description: a  b -> none"),
        ("description", "", "a\nb", r'description: none -> "a\nb"'),
        ("dependencies", (), ("A b", "+C"), "dependencies: none -> A b, +C"),
        ("preshutdown_timeout", 10.0, 0.5, "preshutdown timeout: 10 s -> 0.5 s"),
        ("preferred_node", NO_NODE, 0, "preferred node: none -> 0"),
        ("sid_type", SidType.NONE, SidType.RESTRICTED, "sid type: none -> restricted"),
        (
            "launch_protection",
            LaunchProtection.NONE,
            LaunchProtection(9),
            "launch protection: none -> unknown-9",
        ),
        (
            "error_control",
            ErrorControl.NORMAL,
            ErrorControl.IGNORE,
            "error control: normal -> ignore",
        ),
        ("event_source", None, r"C:\x.pyd", r"event source: none -> C:\x.pyd"),
        ("event_source", r"C:\x.pyd", None, r"event source: C:\x.pyd -> none"),
        ("password", None, "(set)", "password: (set)"),
        (
            "environment",
            Environment({"A": "1", "B": ""}),
            Environment(),
            "environment: A removed, B removed",
        ),
        (
            "failure_actions",
            FailureActions(),
            ACTIONS,
            "failure actions: none -> restart after 5 s, then run-command after "
            r'0.25 s; counted anew after 86400 s; command mail.exe; message "a\nb"',
        ),
        (
            "triggers",
            (),
            (TRIGGER,),
            f"triggers: none -> raw=6,{PIPE},2:61000000620000000000,3:04",
        ),
        (
            "triggers",
            (Trigger.network_available(),),
            (Trigger.domain_leave(), Trigger.named_pipe("a b")),
            "triggers: network-available -> domain-leave, named-pipe=a b",
        ),
    ],
)
def test_change_is_one_line(setting: str, old: Any, new: Any, text: str) -> None:
    """Each kind of value can be read, and stays on its line."""
    assert str(Change(setting, old, new)) == text


def test_changes_are_one_line_each() -> None:
    """They are true if there is something to do."""
    changes = Changes(
        "Foo",
        changes=(Change("delayed", False, True), Change("group", "x", "")),
        left_out=("triggers",),
    )

    assert str(changes) == "delayed: no -> yes\ngroup: x -> none"
    assert changes
    assert Changes("Foo", is_new=True)
    assert not Changes("Foo", left_out=("triggers",))


def test_changes_are_json() -> None:
    """Values are plain, enumerations by their names on the command line."""
    changes = Changes(
        "Foo",
        changes=(
            Change("start_type", StartType.MANUAL, StartType.AUTO),
            Change("triggers", (), (TRIGGER,)),
            Change("failure_actions", None, FailureActions.restart(1)),
            Change("environment", Environment(), Environment({"A": "1"})),
        ),
        left_out=("sid_type",),
        notes=("Not done.",),
    )
    found = json.loads(json.dumps(changes.as_dict()))

    assert found == {
        "service": "Foo",
        "is_new": False,
        "changes": [
            {"setting": "start_type", "old": "manual", "new": "auto"},
            {
                "setting": "triggers",
                "old": [],
                "new": [
                    {
                        "type": "network-endpoint",
                        "action": "start",
                        "subtype": str(PIPE),
                        "data": [
                            {"type": "string", "data": "61000000620000000000"},
                            {"type": "level", "data": "04"},
                        ],
                    }
                ],
            },
            {
                "setting": "failure_actions",
                "old": None,
                "new": {
                    "actions": [{"kind": "restart", "delay": 1}],
                    "reset_period": None,
                    "command": "",
                    "reboot_message": "",
                },
            },
            {
                "setting": "environment",
                "old": {},
                "new": {"A": "(set)"},
                "added": ["A"],
                "changed": [],
                "removed": [],
            },
        ],
        "left_out": ["sid_type"],
        "notes": ["Not done."],
    }


def test_right_to_log_on_is_a_change_of_its_own() -> None:
    """As text, and as JSON, where the account is a value."""
    change = Change(LOGON_RIGHT, None, r"D\user")

    assert str(change) == r"log on as a service: granted to D\user"
    assert change.as_dict() == {
        "setting": "log_on_as_a_service",
        "old": None,
        "new": r"D\user",
    }
