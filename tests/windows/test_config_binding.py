"""The binding of the configuration calls, on a real SCM.

What it writes is read with pywin32 and from the registry, and what those write is
read with it.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import win32service
from lab import eventually
from scm_bench import (
    AUTO,
    COMMAND,
    DEMAND,
    DISABLED,
    OWN,
    SHARE,
    WINE,
    Bench,
    refused,
    values,
)

from winsvc._interfaces import ConfigTuple

STOPPED = 1
ERROR_CALL_NOT_IMPLEMENTED = 120

# --- settings ---------------------------------------------------------------------


def test_all_settings_are_created(bench: Bench, seen: Any) -> None:
    """Everything that CreateService takes arrives, quotes and umlauts too."""
    name = bench.name()
    service = bench.create(
        name,
        SHARE,
        DISABLED,
        2,
        COMMAND,
        "Some Group",
        ("Tcpip", "Spöoler", "+Base"),
        r".\somebody",
        "pass word",
        "Größer als die Welt",
    )

    config = bench.core.service_config(service)
    assert config[:6] == (SHARE, DISABLED, 2, COMMAND, "Some Group", 0)
    assert config[7:] == (r".\somebody", "Größer als die Welt")
    assert config == seen(name).config()
    stored = values(name)
    assert stored["DependOnService"] == ["Tcpip", "Spöoler"]
    assert stored["DependOnGroup"] == ["Base"]
    assert stored["ImagePath"] == COMMAND
    assert stored["ErrorControl"] == 2
    bench.core.handle_close(service)


def test_defaults_are_the_scms(bench: Bench) -> None:
    """None everywhere: LocalSystem, the key name, no group, no dependencies."""
    name = bench.name()
    service = bench.create(name)

    expected = (OWN, DEMAND, 1, COMMAND, "", 0, (), "LocalSystem", name)
    assert bench.core.service_config(service) == expected
    assert not values(name).keys() & {"DependOnService", "DependOnGroup"}


@pytest.mark.skipif(WINE, reason="H-6: Wine's QueryServiceConfig has no dependencies")
def test_dependencies_are_read_in_one_list(bench: Bench) -> None:
    """E-44: services first, groups with a plus."""
    service = bench.create(
        bench.name(), OWN, DEMAND, 1, COMMAND, None, ("+Base", "Tcpip")
    )

    assert bench.core.service_config(service)[6] == ("Tcpip", "+Base")


# Each setting, its new value, and where it is in the ConfigTuple.
CHANGES: list[tuple[str, Any, int]] = [
    ("service_type", SHARE, 0),
    ("start_type", AUTO, 1),
    ("error_control", 3, 2),
    ("command_line", r"C:\other.exe", 3),
    ("group", "Other Group", 4),
    ("account", r".\other", 7),
    ("display_name", "Another Name 字", 8),
]


@pytest.mark.parametrize(
    ("setting", "value", "place"), CHANGES, ids=lambda value: str(value)[:12]
)
def test_each_setting_changes_alone(
    bench: Bench, seen: Any, setting: str, value: object, place: int
) -> None:
    """E-40: what is None stays as it is."""
    name = bench.name()
    service = bench.create(name)
    before = list(bench.core.service_config(service))
    bench.change(service, **{setting: value})

    after = bench.core.service_config(service)
    before[place] = value
    assert list(after) == before
    assert after == seen(name).config()


def test_dependencies_change_and_go(bench: Bench) -> None:
    """E-41: () deletes them."""
    name = bench.name()
    service = bench.create(name, OWN, DEMAND, 1, COMMAND, None, ("Tcpip",))
    bench.change(service, dependencies=("+Base", "Dhcp", "Dnscache"))
    changed = values(name)
    bench.change(service, dependencies=())
    gone = values(name)

    assert changed["DependOnService"] == ["Dhcp", "Dnscache"]
    assert changed["DependOnGroup"] == ["Base"]
    assert not gone.keys() & {"DependOnService", "DependOnGroup"}


@pytest.mark.skipif(WINE, reason="H-46: Wine deletes dependencies that are not given")
def test_dependencies_stay_if_not_given(bench: Bench) -> None:
    """E-40 for the one setting that is a list."""
    name = bench.name()
    service = bench.create(name, OWN, DEMAND, 1, COMMAND, None, ("Tcpip",))
    bench.change(service, start_type=AUTO)

    assert values(name)["DependOnService"] == ["Tcpip"]


def test_empty_group_deletes_it(bench: Bench) -> None:
    """E-41."""
    service = bench.create(bench.name(), OWN, DEMAND, 1, COMMAND, "Some Group")
    bench.change(service, group="")

    assert bench.core.service_config(service)[4] == ""


def test_what_pywin32_changes_is_read(bench: Bench, seen: Any) -> None:
    """The other way round."""
    name = bench.name()
    service = bench.create(name)
    win32service.ChangeServiceConfig(
        seen(name).handle,
        SHARE,
        AUTO,
        0,
        r"C:\theirs.exe",
        "Theirs",
        0,
        None,
        None,
        None,
        "By pywin32",
    )

    config: ConfigTuple = bench.core.service_config(service)
    assert config[:5] == (SHARE, AUTO, 0, r"C:\theirs.exe", "Theirs")
    assert config[8] == "By pywin32"


def test_long_settings_need_a_larger_buffer(bench: Bench) -> None:
    """E-44: 122 with the size; 2000 characters are 4 KB."""
    command = r"C:\program.exe " + "x" * 2000
    service = bench.create(bench.name(), OWN, DEMAND, 1, command)

    assert bench.core.service_config(service)[3] == command


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"service_type": OWN | SHARE}, 87),  # E-7
        ({"start_type": AUTO | DISABLED}, 87),  # E-9
    ],
)
def test_refused_change_changes_nothing(
    bench: Bench, settings: dict[str, int], code: int
) -> None:
    """The SCM's code arrives as it is."""
    service = bench.create(bench.name())
    before = bench.core.service_config(service)
    with refused(code):
        bench.change(service, **settings)

    assert bench.core.service_config(service) == before


def test_second_service_of_a_name_is_refused(bench: Bench) -> None:
    """E-6: 1073, and the call is named."""
    name = bench.name()
    bench.create(name)
    with refused(1073) as caught:
        bench.create(name)

    assert "CreateService" in str(caught.value)


# --- lists and controls -----------------------------------------------------------


def test_list_is_filtered(bench: Bench) -> None:
    """F-15, F-16: by state, and by group."""
    name = bench.name()
    group = f"Group {name}"
    bench.create(name, OWN, DEMAND, 1, COMMAND, group)

    def names(states: int, group: str | None) -> set[str]:
        found = bench.core.service_list(bench.manager, states, group)
        return {name for name, _, _ in found}

    assert name in names(3, None)
    assert name in names(2, None)
    assert name not in names(1, None)
    # One of another test's may go meanwhile, when its process has ended (E-32).
    eventually(
        lambda: names(1, None) | names(2, None) == names(3, None), "both make all"
    )
    assert names(3, group) == {name}
    with refused(1060):
        names(3, "no such group")
    with refused(87):  # F-13
        names(0, None)


def test_list_has_status_and_display_name(bench: Bench) -> None:
    """F-19; never started: 1077 (A-61)."""
    name = bench.name()
    bench.create(name, OWN, DEMAND, 1, COMMAND, None, None, None, None, "Shown 字")
    found = {
        entry[0]: entry[1:] for entry in bench.core.service_list(bench.manager, 3, None)
    }

    display_name, status = found[name]
    assert display_name == "Shown 字"
    assert status == (OWN, STOPPED, 0, 1077, 0, 0, 0, 0)


def test_nothing_depends_on_a_new_service(bench: Bench) -> None:
    """F-21: none is no error."""
    service = bench.create(bench.name())

    assert bench.core.service_dependents(service, 3) == []


@pytest.mark.skipif(WINE, reason="H-6: EnumDependentServices is a stub")
def test_dependents_come_in_the_order_of_stopping(bench: Bench) -> None:
    """F-20, and F-21 for more than fit into the first buffer."""
    first = bench.name()
    service = bench.create(first)
    chain = [first]
    for _ in range(8):
        chain.append(bench.name())
        bench.create(chain[-1], OWN, DEMAND, 1, COMMAND, None, (chain[-2],))

    found = bench.core.service_dependents(service, 3)
    assert [name for name, _, _ in found] == chain[:0:-1]
    assert {status[7] for _, _, status in found} == {0}
    assert bench.core.service_dependents(service, 1) == []
    with refused(87):
        bench.core.service_dependents(service, 0)


@pytest.mark.skipif(not WINE, reason="H-19: Windows has ControlServiceEx")
def test_wine_knows_no_reasons(bench: Bench) -> None:
    """H-19: 120, and the stub in sechost is not called."""
    service = bench.create(bench.name())
    for comment in (None, "because"):
        with refused(ERROR_CALL_NOT_IMPLEMENTED):
            bench.core.service_control_reason(service, 1, 0x40050005, comment)


@pytest.mark.skipif(WINE, reason="H-19: Wine has no ControlServiceEx")
def test_reason_reaches_the_scm(bench: Bench) -> None:
    """B-40: a wrong reason is 87, a right one meets a stopped service: 1062."""
    service = bench.create(bench.name())
    with refused(87):
        bench.core.service_control_reason(service, 1, 0, None)
    with refused(1062):
        bench.core.service_control_reason(service, 1, 0x40050005, "because")


# --- security ---------------------------------------------------------------------


def test_security_is_sddl(bench: Bench) -> None:
    """A DACL at least; the owner and group too where there are any (H-30)."""
    service = bench.create(bench.name())

    sddl = bench.core.service_security(service)
    assert "D:" in sddl
    assert WINE or re.match(r"O:\w+G:\w+D:.*\(A;", sddl)


@pytest.mark.skipif(WINE, reason="H-30: Wine keeps no security descriptors")
def test_dacl_comes_back(bench: Bench) -> None:
    """The owner stays, the DACL is what was set."""
    service = bench.create(bench.name())
    before = bench.core.service_security(service)
    dacl = "D:(A;;CCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;LCRP;;;AU)"
    bench.core.service_change_security(service, dacl)

    assert (
        bench.core.service_security(service).partition("D:")[0]
        == (before.partition("D:")[0])
    )
    assert "(A;;LCRP;;;AU)" in bench.core.service_security(service)


def test_dacl_is_set_without_an_error(bench: Bench) -> None:
    """As far as Wine goes (H-30)."""
    service = bench.create(bench.name())

    bench.core.service_change_security(service, "D:(A;;FA;;;BA)(A;;FA;;;SY)")


@pytest.mark.parametrize(
    ("sddl", "codes"),
    [
        ("", (1336,)),
        ("O:BA", (1336,)),
        ("G:BAO:BA", (1336,)),
        ("nonsense", (87, 1804)),  # ERROR_INVALID_PARAMETER, or INVALID_DATATYPE
    ],
)
def test_sddl_without_a_dacl_is_refused(
    bench: Bench, sddl: str, codes: tuple[int, ...]
) -> None:
    """No DACL would mean that everybody may do everything."""
    service = bench.create(bench.name())
    with refused(*codes):
        bench.core.service_change_security(service, sddl)


@pytest.mark.parametrize(
    ("account", "sid"),
    [
        ("NT AUTHORITY\\SYSTEM", "S-1-5-18"),
        ("NT AUTHORITY\\LocalService", "S-1-5-19"),
        ("BUILTIN\\Administrators", "S-1-5-32-544"),
        ("Everyone", "S-1-1-0"),
    ],
)
def test_well_known_accounts_have_sids(bench: Bench, account: str, sid: str) -> None:
    """On an English Windows; Wine is one."""
    assert bench.core.account_sid(None, account) == sid


@pytest.mark.parametrize("account", ["", "no such account"])
def test_account_that_is_none_is_1332(bench: Bench, account: str) -> None:
    """An empty one too, which the system takes for the domain BUILTIN."""
    with refused(1332):
        bench.core.account_sid(None, account)
