"""ServiceConfig: what it refuses before anything changes, and what it makes equal."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winsvc.settings.accounts import (
    LOCAL_SERVICE,
    LOCAL_SYSTEM,
    NETWORK_SERVICE,
    normalize_account,
    takes_password,
    virtual_account,
)
from winsvc.settings.command_line import (
    is_safe_line,
    quote_command,
    split_command,
    split_image_path,
)
from winsvc.settings.config import ServiceConfig
from winsvc.settings.triggers import (
    Trigger,
    TriggerAction,
    TriggerData,
    TriggerDataType,
    TriggerType,
)
from winsvc.settings.values import (
    MAX_DWORD,
    NO_NODE,
    ActionKind,
    Environment,
    ErrorControl,
    FailureAction,
    FailureActions,
    LaunchProtection,
    SidType,
)
from winsvc.states import ServiceType, StartType

OWN, SHARED = ServiceType.OWN_PROCESS, ServiceType.SHARE_PROCESS


def actions(*each: FailureAction, **more: Any) -> FailureActions:
    """Return failure actions."""
    return FailureActions(actions=each, **more)


def trigger(**changed: Any) -> Trigger:
    """Return a trigger with something changed."""
    return dataclasses.replace(Trigger.network_available(), **changed)


BYTES = TriggerDataType.BINARY
REFUSED = [
    # the name, E-1
    ("name", "", "empty"),
    ("name", " ", "blank; give it 1 to 256 characters"),
    ("name", "\t\u00a0\n", "blank"),
    ("name", "a/b", "leave them out"),
    ("name", "a\\b", "leave them out"),
    ("name", "x" * 257, "257 characters; the SCM takes 256"),
    ("name", "\U0001f40d" * 129, "258 characters"),
    ("name", "a\0b", "NUL"),
    # texts, E-4, E-5
    ("display_name", "x" * 257, "257 characters"),
    ("description", "x" * 8192, "8191 at most"),
    ("group", "x" * 257, "256 at most"),
    ("group", "+Base", r"starts with \+"),
    # the command, E-16
    ("command", (), "no program"),
    ("command", ("", "x"), "no program"),
    ("command", "python x.py", "give a tuple"),
    ("command", ('a"b',), "quote"),
    ("command", ("svc.exe",), r"program 'svc.exe' without its full path"),
    ("command", (r"bin\svc.exe", "-a"), "full path"),
    ("command", (r"C:svc.exe",), "full path"),
    ("command", ("%",), "full path"),
    ("command", (r"C:\python.exe", "x\0"), "NUL"),
    ("command", (r"C:\python.exe", "x" * 32767), "32767 at most"),
    # start and type, E-7, E-9, E-10
    ("start_type", StartType.BOOT, "drivers"),
    ("start_type", StartType.SYSTEM, "drivers"),
    ("service_type", ServiceType.KERNEL_DRIVER, "OWN_PROCESS"),
    ("service_type", ServiceType(0x30), "OWN_PROCESS"),
    ("service_type", ServiceType(0), "OWN_PROCESS"),
    ("error_control", ErrorControl(4), "use IGNORE, NORMAL, SEVERE, CRITICAL"),
    ("sid_type", SidType(2), "use NONE, UNRESTRICTED, RESTRICTED"),
    ("launch_protection", LaunchProtection(9), "ANTIMALWARE_LIGHT"),
    ("account", "", "LocalSystem"),
    ("account", "x" * 2048, "2047 at most"),
    # lists, E-5, E-46 to E-49
    ("dependencies", "Tcpip", "give a tuple"),
    ("dependencies", ("foo",), "the service itself"),
    ("dependencies", ("+",), r"\+GROUP"),
    ("dependencies", ("",), "empty"),
    ("dependencies", (" ",), "blank"),
    ("dependencies", ("x" * 257,), "256 characters"),
    ("dependencies", ("+ ",), "without a group"),
    ("group", " ", "blank"),
    ("account", "\t ", "blank"),
    *[
        ("account", account, "no DOMAIN")
        for account in (".\\", "\\bob", "user@", "@host", "NT SERVICE\\")
    ],
    ("dependencies", ("a\0b",), "NUL"),
    ("dependencies", ("a/b",), "no key name"),
    ("dependencies", ("x" * 250,) * 9, "take 4520 bytes; the SCM takes 4096"),
    ("required_privileges", ("Backup",), "SeBackupPrivilege"),
    ("required_privileges", ("SeServiceLogonRight",), "which is none"),
    ("required_privileges", ("SeNoSuchPrivilege",), "'SeNoSuchPrivilege', which is"),
    ("required_privileges", ("SeBakupPrivilege",), "named like SeBackupPrivilege"),
    ("required_privileges", ("SeBackupPrivilege",) * 114, "4106 bytes"),
    # E-50 to E-58
    ("failure_actions", actions(*[FailureAction.nothing()] * 1025), "1024 at most"),
    ("failure_actions", FailureActions.restart(-1.0), "0 to 4294967 s"),
    ("failure_actions", FailureActions.restart(float("nan")), "0 to 4294967 s"),
    ("failure_actions", FailureActions.restart(4294967.3), "0 to 4294967 s"),
    ("failure_actions", FailureActions.restart(0.0001), "round it"),
    ("failure_actions", FailureActions.restart(1, reset_period=0.5), "whole seconds"),
    ("failure_actions", FailureActions.restart(1, reset_period=-1), "0 to 4294967295"),
    (
        "failure_actions",
        FailureActions.restart(1.0, reset_period=MAX_DWORD),
        "None for never",
    ),
    ("failure_actions", FailureActions(reset_period=1.0), "without actions"),
    ("failure_actions", actions(FailureAction.run_command()), "give the command line"),
    ("failure_actions", actions(FailureAction(ActionKind(9))), "unknown action 9"),
    ("failure_actions", FailureActions(command="a\0"), "command that holds a NUL"),
    ("failure_actions", FailureActions(reboot_message="x" * 8192), "8191"),
    ("preshutdown_timeout", -1.0, "0 to 4294967 s"),
    ("preshutdown_timeout", float("inf"), "0 to 4294967 s"),
    ("preshutdown_timeout", 0.0005, "milliseconds: round it"),
    # E-80 to E-82
    ("triggers", (Trigger.network_available(),) * 65, "64 at most"),
    ("triggers", (trigger(data=(TriggerData(BYTES, b""),) * 65),), "65 items"),
    ("triggers", (trigger(data=(TriggerData(BYTES, bytes(1025)),)),), "1025 bytes"),
    ("triggers", (trigger(type=TriggerType(21)),), "number 21; use a TriggerType"),
    ("triggers", (trigger(action=TriggerAction(3)),), "use a TriggerAction"),
    (
        "triggers",
        (dataclasses.replace(Trigger.rpc("0" * 32), action=TriggerAction.STOP),),
        "can only start",
    ),
    ("preferred_node", -2, "0 to 65535"),
    ("preferred_node", 0x10000, "0 to 65535"),
    # E-75, I-110
    ("environment", {"": "x"}, "without a name"),
    ("environment", {"a=b": "x"}, "a name .a. with = in it; use one without"),
    ("environment", {"a": "x\0"}, "NUL"),
    ("environment", {"a": "1", "A": "2"}, "twice"),
    ("dependencies", ("Tcpip", "TCPIP"), "'Tcpip' twice"),
    ("dependencies", ("+G", "+g"), r"'\+G' twice"),
    ("security", "O:SYD:(A;;GA;;;SY)", "no DACL"),
    ("security", "(A;;GA;;;SY)", "no DACL"),
    ("security", "D:(A;;GA;;SY)", "no DACL"),
    ("security", "D:(A;;GA;;;SY)S:(AU;;GA;;;WD)", "no DACL"),
    ("security", "D:(A;;GA;;;S-1-5-21-1-2-3-1001)", r"add \(A;;GA;;;BA\)"),
    ("security", "D:(A;;CCLCRPWPWD;;;BA)(A;;0x40000;;;SY)", "neither the admin"),
    ("security", "D:(D;;GA;;;BA)", "neither the admin"),
    *(
        ("security", sddl, "neither the admin")
        for sddl in (
            "D:(D;;GA;;;WD)(A;;GA;;;BA)",
            "D:(D;;WD;;;S-1-1-0)(A;;GA;;;BA)(A;;GA;;;SY)",
            "D:(D;;DC;;;AU)(A;;GA;;;BA)(A;;GA;;;SY)",
            "D:(D;;0x40000;;;BA)(A;;GA;;;SY)",
            "D:(D;;GW;;;BA)(A;;GA;;;WD)",
            "D:(D;;GA;;;IU)(D;;GA;;;SY)(A;;GA;;;BA)",
            "D:(A;;DC;;;BA)(D;;WD;;;AU)(A;;GA;;;BA)",
            "D:(A;CIIO;GA;;;BA)",
            "D:P(OA;;CCLC;;;BA)",
            "D:P(XA;;CCLC;;;BU;(@User.x==1))",
            "D:(AU;SA;GA;;;WD)",
            "D:(ML;;NW;;;LW)",
            "D:(OD;;GA;;;WD)(A;;GA;;;BA)",
            "D:(A;;0xZZ;;;BA)(A;;09;;;BA)",
            '(XD;;GA;;;WD;(@User.Title=="PM"))'.join(("D:", "(A;;GA;;;BU)")),
        )
    ),
    ("security", "D:", "nobody any right"),
    ("security", "D:P", "nobody any right"),
]


@pytest.mark.parametrize(("setting", "value", "text"), REFUSED)
def test_config_refuses_what_the_scm_would(
    setting: str, value: object, text: str
) -> None:
    """The message names the service, the setting, the rule and the remedy."""
    settings: dict[str, Any] = {
        "name": "Foo",
        "command": (r"C:\python.exe",),
        setting: value,
    }
    with pytest.raises(ValueError, match=text) as caught:
        ServiceConfig(**settings)

    where = ("command", "command_line") if setting == "command" else (setting,)
    head = str(caught.value).split(f"service {settings['name']!r}: ")[1]
    assert head.split()[0] in where


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        # E-49d
        ({"delayed": True, "group": "Base"}, 'delayed .* use group=""'),
        ({"delayed": True, "start_type": StartType.MANUAL}, "delayed .* use AUTO"),
        # E-8, E-43
        (
            {"account": "me", "service_type": ServiceType(0x110)},
            "account .* INTERACTIVE needs LocalSystem",
        ),
        ({"preferred_node": 0, "service_type": SHARED}, "preferred_node .*E-43"),
    ],
)
def test_config_refuses_settings_that_exclude_each_other(
    settings: dict[str, Any], text: str
) -> None:
    """As the SCM would with 87; each of them alone is allowed."""
    with pytest.raises(ValueError, match=text):
        ServiceConfig(name="Foo", **settings)

    for setting, value in settings.items():
        assert ServiceConfig(name="Foo", **{setting: value})


@pytest.mark.parametrize(
    "settings",
    [
        {"delayed": True, "start_type": StartType.AUTO, "group": ""},
        {"delayed": False, "start_type": StartType.MANUAL, "group": "Base"},
        {"account": "LocalSystem", "service_type": ServiceType(0x110)},
        {"preferred_node": NO_NODE, "service_type": SHARED},
        {"preferred_node": 3, "service_type": OWN},
        {"service_type": ServiceType(0x60)},
        {"dependencies": (), "required_privileges": (), "triggers": ()},
        {"dependencies": ("Tcpip", "+Base"), "error_control": ErrorControl.CRITICAL},
        {"dependencies": (*(f"{n:x>253}" for n in range(8)), "x" * 14)},
        {"failure_actions": FailureActions()},
        {"failure_actions": FailureActions.restart(0.001, reset_period=0.0)},
        {"failure_actions": actions(FailureAction.run_command(1.5), command="x")},
        {"preshutdown_timeout": MAX_DWORD / 1000},
        {"preshutdown_timeout": 0.0},
        {"triggers": (trigger(data=(TriggerData(BYTES, bytes(1024)),) * 64),) * 64},
        {"environment": {"PATH": "a=b", "empty": ""}},
        {"security": "D:PAI(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCWD;;;BA)(D;;0x20;;;WD)"},
        {"command": (r"%SystemRoot%\system32\svchost.exe", "-k", "x")},
        {"command": (r"\\server\share\svc.exe",)},
        {"command": ("c:/bin/svc.exe",)},
        {"security": "D:(A;;0x40002;;;S-1-5-18)"},
        {"security": "D:(A;;GA;;;AU)"},
        {"security": "D:(A;;GA;;;BA)(D;;GA;;;WD)"},
        {"security": "D:(A;;FA;;;BA)"},
        {"security": "D:(A;;KA;;;BA)"},
        {"security": "D:(OA;;GA;;;BA)"},
        {"security": "D:(D;;RPWP;;;WD)(A;;GA;;;BA)"},
        {"security": "D:(D;;GA;;;BU)(A;;GA;;;SY)"},
        {"security": "D:(D;CIIO;GA;;;WD)(A;CI;GA;;;BA)"},
        {"security": "D:(A;;262146;;;BA)"},
        {"security": "D:(A;;01000002;;;BA)"},
        {"security": '(XA;;GA;;;S-1-1-0;(@User.Title=="PM"))'.join(("D:", ""))},
    ],
)
def test_config_takes_what_is_allowed(settings: dict[str, Any]) -> None:
    """The limits themselves, and what deletes."""
    config = ServiceConfig(name="Foo", **settings)

    assert {name: getattr(config, name) for name in settings} == settings


def test_config_says_nothing_unasked() -> None:
    """None: it is not ours to say."""
    config = ServiceConfig(name="Foo")

    assert config.command_line is None
    assert all(
        getattr(config, field.name) is None
        for field in dataclasses.fields(config)
        if field.name != "name"
    )


def test_config_takes_the_limits() -> None:
    """The longest texts are allowed, and blanks in names (E-1, E-2)."""
    config = ServiceConfig(
        name="a b," + "x" * 252,
        command=(r"C:\p.exe", "x" * 32756),
        display_name="x" * 256,
        description="x" * 8191,
        account="x" * 2047,
        password="hunter2",
    )

    assert len(config.command_line or "") == 32767
    assert "hunter2" not in repr(config)


WRONG: Any = 5  # what type checkers would not let pass
MISTYPED: list[tuple[str, Any, str]] = [
    *((name, WRONG, "an int; give a text") for name in ("name", "display_name")),
    *((name, WRONG, "an int; give a text") for name in ("group", "security")),
    ("description", b"x", "is a bytes; give a text"),
    ("account", WRONG, "an int; give a text"),
    *((name, "yes", "a str; give True or False") for name in ("delayed",)),
    ("failure_actions_on_error", 1, "an int; give True or False"),
    ("event_source", "no", "a str; give True or False"),
    ("command", WRONG, "an int; give a tuple of texts"),
    ("command", ("C:\\x.exe", 5), "has an int in it; give a tuple of texts"),
    ("dependencies", {"a": 1}, "is a dict; give a tuple of texts"),
    ("required_privileges", [None], "has a NoneType in it"),
    ("triggers", ("network-lost",), "has a str in it; give a tuple of Trigger"),
    ("triggers", Trigger.network_lost(), "is a Trigger; give a tuple of Trigger"),
    ("triggers", (trigger(type=5),), "one whose type is an int; give a TriggerType"),
    ("triggers", (trigger(subtype="x"),), "whose subtype is a str; give a UUID"),
    ("triggers", (trigger(data=(b"x",)),), "data that has a bytes in it"),
    ("triggers", (trigger(data=(TriggerData(BYTES, WRONG),)),), "give bytes"),
    *((name, 2, "an int; give a member of S") for name in ("start_type", "sid_type")),
    ("service_type", 16, "an int; give a member of ServiceType"),
    ("error_control", "normal", "a str; give a member of ErrorControl"),
    ("launch_protection", False, "a bool; give a member of LaunchProtection"),
    ("preshutdown_timeout", "5", "is a str; give a number of seconds"),
    ("preferred_node", True, "is a bool; give a number"),
    ("preferred_node", 1.0, "is a float; give a number"),
    ("environment", {"A": 1}, "has 'A', which is an int; give a text"),
    ("environment", {1: "A"}, "has 1, which is an int; give a text"),
    ("environment", ["A=1"], "is a list; give a dict of texts"),
    ("failure_actions", (5,), "is a tuple; give FailureActions"),
    ("failure_actions", actions(WRONG), "no tuple of FailureAction"),
    ("failure_actions", FailureActions(actions=WRONG), "no tuple of FailureAction"),
    ("failure_actions", actions(FailureAction(WRONG)), "whose kind is an int"),
    (
        "failure_actions",
        actions(FailureAction(ActionKind.RESTART, "5")),  # type: ignore[arg-type]
        "whose delay is a str; give a number of seconds",
    ),
    (
        "failure_actions",
        FailureActions.restart(5.0, reset_period="day"),  # type: ignore[arg-type]
        "reset_period that is a str",
    ),
    ("failure_actions", FailureActions(command=WRONG), "command that is an int"),
    ("failure_actions", FailureActions(reboot_message=WRONG), "that is an int"),
]


@pytest.mark.parametrize(("setting", "value", "text"), MISTYPED)
def test_config_refuses_wrong_types(setting: str, value: object, text: str) -> None:
    """As any other wrong value: service, setting, what it is, what to give."""
    settings: dict[str, Any] = {"name": "Foo", setting: value}
    with pytest.raises(ValueError, match=text) as caught:
        ServiceConfig(**settings)

    assert str(caught.value).startswith(f"service {settings['name']!r}: {setting} ")


def test_password_of_a_wrong_type_is_not_told() -> None:
    """Its type is."""
    secret: Any = b"hunter2"
    with pytest.raises(ValueError, match="password is a bytes; give a text") as caught:
        ServiceConfig(name="Foo", account=r".\me", password=secret)

    assert "hunter2" not in str(caught.value)


# --- one form for what is equal -------------------------------------------------------


def test_config_is_a_value() -> None:
    """It has a hash, can be copied, and keeps what it was given unchanged."""
    variables = {"A": "1"}
    config = ServiceConfig(name="Foo", environment=variables)
    variables["A"] = "2"

    assert config.environment == {"A": "1"}
    assert hash(config) == hash(copy.deepcopy(config))
    assert dataclasses.replace(config, name="Bar").environment == {"A": "1"}
    with pytest.raises(TypeError):
        config.environment["A"] = "3"  # type: ignore[index]


def test_lists_become_tuples() -> None:
    """As they come from TOML or JSON."""
    settings: Any = {"command": [r"C:\x"], "dependencies": ["a"], "triggers": []}
    config = ServiceConfig(name="Foo", **settings)

    assert (config.command, config.dependencies, config.triggers) == (
        (r"C:\x",),
        ("a",),
        (),
    )


def test_unchecked_takes_what_an_scm_tells() -> None:
    """A driver, an old command line; checked again as soon as it is changed."""
    config = ServiceConfig.unchecked(
        name="Disk", start_type=StartType.BOOT, account="LocalService"
    )

    assert (config.start_type, config.account) == (StartType.BOOT, LOCAL_SERVICE)
    assert config.description is None
    with pytest.raises(ValueError, match="drivers"):
        dataclasses.replace(config, description="x")
    with pytest.raises(TypeError, match="colour"):
        ServiceConfig.unchecked(name="Disk", colour="red")


def test_environment_is_lines_in_the_registry() -> None:
    """E-75; what is no NAME=value has no effect (I-110)."""
    variables = Environment.from_lines(("A=1", "B=", "C", "=D", "E=f=g"))

    assert variables == {"A": "1", "B": "", "E": "f=g"}
    assert variables.lines() == ("A=1", "B=", "E=f=g")
    assert repr(Environment({"A": "secret", "B": "2"})) == "<Environment 'A', 'B'>"
    assert repr(Environment()) == "<Environment empty>"


# --- accounts -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "name", "password"),
    [
        ("LocalSystem", LOCAL_SYSTEM, False),
        (r".\localsystem", LOCAL_SYSTEM, False),
        (r"NT AUTHORITY\SYSTEM", LOCAL_SYSTEM, False),
        ("localservice", LOCAL_SERVICE, False),
        (r"nt authority\Local Service", LOCAL_SERVICE, False),
        (r"NT Authority\NetworkService", NETWORK_SERVICE, False),
        ("Network Service", NETWORK_SERVICE, False),
        (r"nt service\Foo", r"NT SERVICE\Foo", False),
        (r"DOMAIN\managed$", r"DOMAIN\managed$", False),
        (r".\me", r".\me", True),
        (r"DOMAIN\Local Hero", r"DOMAIN\Local Hero", True),
        ("me@example.com", "me@example.com", True),
    ],
)
def test_account_has_one_name(written: str, name: str, password: bool) -> None:
    """E-18: the name that the SCM keeps, and whether it wants a password."""
    assert normalize_account(written) == name
    assert ServiceConfig(name="Foo", account=written).account == name
    assert takes_password(written) == takes_password(name) == password


def test_privileges_are_written_as_windows_does() -> None:
    """In any case they are one."""
    config = ServiceConfig(name="Foo", required_privileges=("SEDEBUGPRIVILEGE",))

    assert config.required_privileges == ("SeDebugPrivilege",)


def test_virtual_account_is_that_of_the_service() -> None:
    """E.10."""
    assert virtual_account("Foo") == r"NT SERVICE\Foo"
    assert normalize_account(virtual_account("Foo")) == virtual_account("Foo")


@pytest.mark.parametrize(
    ("account", "password", "text"),
    [
        (None, "hunter2", "password is set without"),
        ("me", "hunter2\0", "password holds a NUL"),
        ("me", "hunter2" * 50, "password has 350"),
        ("LocalSystem", "hunter2", "LocalSystem has none"),
        (r"NT SERVICE\Foo", "hunter2", "has none"),
        ("managed$", "hunter2", "has none"),
    ],
)
def test_config_refuses_passwords_without_telling_them(
    account: str | None, password: str, text: str
) -> None:
    """What is wrong is told, the password itself is not."""
    with pytest.raises(ValueError, match=text) as caught:
        ServiceConfig(name="Foo", account=account, password=password)

    assert "hunter2" not in str(caught.value)


# --- command lines --------------------------------------------------------------------


@given(
    st.text('ab \\:é"\t', min_size=1).filter(lambda text: '"' not in text),
    st.lists(st.text('ab \\"\té')),
)
def test_quoted_command_splits_into_the_same_words(
    program: str, arguments: list[str]
) -> None:
    """Blanks, quotes, backslashes and empty words survive (E-16)."""
    command = (program, *arguments)

    assert split_command(quote_command(command)) == command


@pytest.mark.parametrize(
    ("line", "words"),
    [
        # Microsoft's own examples of the rules
        ('x "abc" d e', ("x", "abc", "d", "e")),
        (r'x a\\b d"e f"g h', ("x", r"a\\b", "de fg", "h")),
        (r"x a\\\"b c d", ("x", r"a\"b", "c", "d")),
        (r'x a\\\\"b c" d e', ("x", r"a\\b c", "d", "e")),
        ('x a"b"" c d', ("x", 'ab" c d')),
        # programs
        (r'"C:\a b\x.exe"', (r"C:\a b\x.exe",)),
        (r'"C:\a b\\" y', ("C:\\a b\\\\", "y")),
        (r'C:\"a b"\x.exe y', (r"C:\a b\x.exe", "y")),
        (r"C:\a b\x.exe y", (r"C:\a", r"b\x.exe", "y")),
        (
            r"%SystemRoot%\system32\svchost.exe -k netsvcs",
            (r"%SystemRoot%\system32\svchost.exe", "-k", "netsvcs"),
        ),
        ("  x  y ", ("x", "y")),
        ("x\ty", ("x", "y")),
        ('x ""', ("x", "")),
        ('"x', ("x",)),
        ('x "a b', ("x", "a b")),
        ("", ()),
        (" ", ()),
    ],
)
def test_command_line_is_split_as_documented(line: str, words: tuple[str, ...]) -> None:
    """The rules of Microsoft's C library, for lines that we did not write."""
    assert split_command(line) == words


@given(st.text('ab\\" \t'))
def test_any_line_is_split(line: str) -> None:
    """Nothing but blanks and quotes gets lost, and no blank unquoted."""
    words = split_command(line)

    assert "".join(words).replace('"', "").count("a") == line.count("a")
    if '"' not in line:
        assert words == tuple(line.split())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (r"C:\Program Files\Acme\svc.exe -a", (r"C:\Program Files\Acme\svc.exe", "-a")),
        (r"C:\Program Files\A - B\x.EXE", (r"C:\Program Files\A - B\x.EXE",)),
        (r'C:\a b\x.exe "c d" e', (r"C:\a b\x.exe", "c d", "e")),
        (r"%ProgramFiles%\A B\x.exe /k", (r"%ProgramFiles%\A B\x.exe", "/k")),
        # What is no path cannot be part of one, nor an option.
        (r"C:\bin\cmd /c x.exe", (r"C:\bin\cmd", "/c", "x.exe")),
        (r"C:\bin\svc -run x.exe", (r"C:\bin\svc", "-run", "x.exe")),
        (r"C:\bin\svc C:\x.exe", (r"C:\bin\svc", r"C:\x.exe")),
        (r"C:\a.exe b.exe", (r"C:\a.exe", "b.exe")),
        (r'"C:\Program Files\x.exe" -a', (r"C:\Program Files\x.exe", "-a")),
        (r"\SystemRoot\x.sys", (r"\SystemRoot\x.sys",)),
        ("", ()),
    ],
)
def test_image_path_is_split_as_it_was_meant(line: str, words: tuple[str, ...]) -> None:
    """Unquoted programs with blanks are whole, as if they were quoted (E-16)."""
    assert split_image_path(line) == words


@pytest.mark.parametrize(
    ("line", "safe"),
    [
        (r'"C:\Program Files\x.exe" -a', True),
        (r"C:\bin\x.exe -a b", True),
        (r"%SystemRoot%\system32\svchost.exe -k netsvcs -p", True),
        (r"%ProgramFiles%\x.exe", False),
        (r"C:\Program Files\x.exe -a", False),
        (r'"C:\Program Files"\x.exe', False),
    ],
)
def test_line_is_safe_if_it_means_one_program(line: str, safe: bool) -> None:
    """In quotes, or without blanks, a variable's included (E-16)."""
    assert is_safe_line(line) is safe
