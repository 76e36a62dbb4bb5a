"""The binding of the configuration calls, on a real SCM.

What it writes is read with pywin32 and from the registry, and what those write is
read with it.
"""

from __future__ import annotations

import ctypes
import re
import struct
import threading
import uuid
import winreg
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import win32service
from lab import on_wine

from winsvc import _native
from winsvc._interfaces import Capsule, ConfigTuple, Core

WINE = on_wine()
ALL_OF_SCM = 0xF003F
ALL_OF_SERVICE = 0xF01FF
QUERY_CONFIG = 1
OWN, SHARE = 0x10, 0x20
AUTO, DEMAND, DISABLED = 2, 3, 4
STOPPED = 1
ERROR_CALL_NOT_IMPLEMENTED = 120
COMMAND = r'"C:\a folder\program.exe" --option "a b" größe'
DESCRIPTION, PRESHUTDOWN = 1, 7
# Level -> its structure without anything in it (D.3).
OTHER_LEVELS = {2: 40, 3: 4, 4: 4, 5: 4, 6: 8, 8: 24, 9: 4, 12: 4}
POINTER = struct.calcsize("P")
KEEP_ALL = (None,) * 9


class Settings(NamedTuple):
    """The arguments of ``service_change``; what is not given is kept."""

    service_type: int | None = None
    start_type: int | None = None
    error_control: int | None = None
    command_line: str | None = None
    group: str | None = None
    dependencies: tuple[str, ...] | None = None
    account: str | None = None
    password: str | None = None
    display_name: str | None = None


class Bench:
    """The core, the SCM, and services that go away at the end."""

    def __init__(self) -> None:
        self.core: Core = _native.require_core("test")
        self.manager = self.core.manager_open(None, ALL_OF_SCM)
        self._names: list[str] = []

    def name(self) -> str:
        """Return a name that no service has; one that gets it is deleted."""
        name = f"winsvc test config {uuid.uuid4().hex[:8]}"
        self._names.append(name)
        return name

    def create(
        self,
        name: str,
        *rest: Any,
        access: int = ALL_OF_SERVICE,
    ) -> Capsule:
        """Create a service; ``rest`` as after its name, as far as given."""
        defaults = (OWN, DEMAND, 1, COMMAND, None, None, None, None, None)
        settings: Any = (*rest, *defaults[len(rest) :], access)
        return self.core.service_create(self.manager, name, *settings)

    def open(self, name: str, access: int = ALL_OF_SERVICE) -> Capsule:
        """Open a service."""
        return self.core.service_open(self.manager, name, access)

    def change(self, service: Capsule, **settings: Any) -> None:
        """Change settings of a service."""
        self.core.service_change(service, *Settings(**settings))

    def describe(self, service: Capsule, text: str) -> None:
        """Set the description: a pointer, and what it points to."""
        image = struct.pack("P", POINTER) + text.encode("utf-16-le") + b"\0\0"
        self.core.service_change2(service, DESCRIPTION, image, (0,))

    def description(self, service: Capsule) -> str | None:
        """Follow the pointer that the SCM has given."""
        data, base = self.core.service_config2(service, DESCRIPTION)
        (pointer,) = struct.unpack_from("P", data)
        if not pointer:
            return None
        text = data[pointer - base :].decode("utf-16-le", "surrogatepass")
        return text.partition("\0")[0]

    def close(self) -> None:
        """Delete what has been created."""
        for name in self._names:
            try:
                service = self.open(name)
            except OSError as error:
                assert error.winerror == 1060  # noqa: PT017 - it was not created
            else:
                self.core.service_delete(service)
                self.core.handle_close(service)
        self.core.handle_close(self.manager)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Return the core and an SCM."""
    bench = Bench()
    yield bench
    bench.close()


def values(name: str) -> dict[str, Any]:
    """Return what the registry has of a service."""
    found = {}
    path = rf"SYSTEM\CurrentControlSet\Services\{name}"
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
        for index in range(winreg.QueryInfoKey(key)[1]):
            value, data, _ = winreg.EnumValue(key, index)
            found[value] = data
    return found


class Seen:
    """A service as pywin32 sees it."""

    def __init__(self, name: str) -> None:
        scm = win32service.OpenSCManager(None, None, ALL_OF_SCM)
        self.handle = win32service.OpenService(scm, name, ALL_OF_SERVICE)
        win32service.CloseServiceHandle(scm)

    def config(self) -> tuple[Any, ...]:
        """Return its settings as ``service_config`` does."""
        found = win32service.QueryServiceConfig(self.handle)
        return (*found[:6], tuple(found[6]), *found[7:])

    def close(self) -> None:
        """Close the handle."""
        win32service.CloseServiceHandle(self.handle)


@pytest.fixture
def seen() -> Iterator[Any]:
    """Open services with pywin32."""
    opened: list[Seen] = []

    def open_one(name: str) -> Seen:
        opened.append(Seen(name))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def refused(*codes: int) -> Any:
    """Expect the OSError of a Windows code, or one of several."""
    return pytest.raises(OSError, check=lambda error: error.winerror in codes)


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


# --- levels -----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["x", "größer 字 🙂", "y" * 4000])
def test_description_comes_back(bench: Bench, seen: Any, text: str) -> None:
    """Level 1; 4000 characters need a second, larger buffer (E-71)."""
    name = bench.name()
    service = bench.create(name)
    bench.describe(service, text)

    assert bench.description(service) == text
    assert values(name)["Description"] == text
    theirs = win32service.QueryServiceConfig2(seen(name).handle, DESCRIPTION)
    assert theirs == text


def test_description_goes(bench: Bench) -> None:
    """E-72: an empty one reads back as NULL."""
    name = bench.name()
    service = bench.create(name)
    assert bench.description(service) is None
    bench.describe(service, "x")
    bench.describe(service, "")

    assert bench.description(service) is None


def test_null_pointer_keeps_the_description(bench: Bench) -> None:
    """E.7: the image's zero is NULL unless it is named as a pointer."""
    service = bench.create(bench.name())
    bench.describe(service, "x")
    bench.core.service_change2(service, DESCRIPTION, bytes(POINTER), ())

    assert bench.description(service) == "x"


def test_description_of_pywin32_is_read(bench: Bench, seen: Any) -> None:
    """The other way round."""
    name = bench.name()
    service = bench.create(name)
    win32service.ChangeServiceConfig2(seen(name).handle, DESCRIPTION, "theirs")

    assert bench.description(service) == "theirs"


@pytest.mark.parametrize("milliseconds", [0, 4321, 0xFFFFFFFF])
def test_preshutdown_timeout_comes_back(bench: Bench, milliseconds: int) -> None:
    """Level 7: a number, no pointer (C-33)."""
    name = bench.name()
    service = bench.create(name)
    image = struct.pack("I", milliseconds)
    bench.core.service_change2(service, PRESHUTDOWN, image, ())

    data, base = bench.core.service_config2(service, PRESHUTDOWN)
    assert struct.unpack_from("I", data)[0] == milliseconds
    assert values(name)["PreshutdownTimeout"] == milliseconds
    assert isinstance(base, int)


@pytest.mark.skipif(not WINE, reason="H-20: Windows has these levels")
@pytest.mark.parametrize("level", OTHER_LEVELS)
def test_wine_does_not_know_the_other_levels(bench: Bench, level: int) -> None:
    """H-20: 124, also where Wine's RPC says 1733; level 2 is taken and forgotten."""
    service = bench.create(bench.name())
    with refused(124):
        bench.core.service_config2(service, level)
    image = bytes(OTHER_LEVELS[level])
    if level == 2:
        bench.core.service_change2(service, level, image, ())
    else:
        with refused(124):
            bench.core.service_change2(service, level, image, ())


@pytest.mark.parametrize("level", [0, 13, 99, 0xFFFFFFFF])
def test_unknown_level_is_124(bench: Bench, level: int) -> None:
    """E-71."""
    service = bench.create(bench.name())
    with refused(124):
        bench.core.service_config2(service, level)
    with refused(124):
        bench.core.service_change2(service, level, bytes(64), ())


@pytest.mark.skipif(WINE, reason="H-20: Wine knows the levels 1 and 7 alone")
@pytest.mark.parametrize("level", [3, 4, 5])
def test_number_levels_come_back(bench: Bench, level: int) -> None:
    """Delayed start, the non-crash flag, the SID type."""
    service = bench.create(bench.name(), OWN, AUTO)
    bench.core.service_change2(service, level, struct.pack("I", 1), ())

    data, _ = bench.core.service_config2(service, level)
    assert struct.unpack_from("I", data)[0] == 1


@pytest.mark.skipif(WINE, reason="H-11: Wine forgets failure actions")
def test_failure_actions_come_back(bench: Bench) -> None:
    """Level 2: a pointer in the middle, to an array behind the structure."""
    service = bench.create(bench.name())
    layout = "@IPPIP"
    size = struct.calcsize(layout)
    actions = struct.pack("IIII", 1, 5000, 0, 0)
    image = struct.pack(layout, 60, 0, 0, 2, size) + actions
    bench.core.service_change2(service, 2, image, (size - POINTER,))

    data, base = bench.core.service_config2(service, 2)
    reset, _, _, count, pointer = struct.unpack_from(layout, data)
    assert (reset, count) == (60, 2)
    assert data[pointer - base :][: len(actions)] == actions


@pytest.mark.parametrize(
    ("image", "pointers", "said"),
    [
        (b"", (), "0 bytes is too short for level 1"),
        (bytes(POINTER - 1), (), "too short"),
        (bytes(16), (4,), "no pointer can be at 4"),
        (bytes(16), (16,), "no pointer can be at 16"),
        (bytes(16), (2**40,), "no pointer can be at"),
        (struct.pack("P", 16) + bytes(8), (0,), "points outside"),
        (struct.pack("P", 2**60) + bytes(8), (0,), "points outside"),
        (struct.pack("PP", 8, 99), (0, 8), "pointer at 8 points outside"),
    ],
)
def test_wrong_image_is_refused(
    bench: Bench, image: bytes, pointers: tuple[int, ...], said: str
) -> None:
    """Before the SCM sees it: it would be read as addresses."""
    service = bench.create(bench.name())
    bench.describe(service, "before")
    with pytest.raises(ValueError, match=said):
        bench.core.service_change2(service, DESCRIPTION, image, pointers)

    assert bench.description(service) == "before"


@pytest.mark.parametrize("level", OTHER_LEVELS)
def test_short_structure_is_refused(bench: Bench, level: int) -> None:
    """Every level's structure has a size, which is read to its end."""
    service = bench.create(bench.name())
    image = bytes(OTHER_LEVELS[level] - 1)
    with pytest.raises(ValueError, match=f"too short for level {level}"):
        bench.core.service_change2(service, level, image, ())


@pytest.mark.parametrize(
    ("pointers", "error"),
    [((-1,), OverflowError), (("0",), TypeError), ([0], TypeError)],
)
def test_wrong_kind_of_pointer_is_refused(
    bench: Bench, pointers: Any, error: type[Exception]
) -> None:
    """They are offsets, in a tuple."""
    service = bench.create(bench.name())
    with pytest.raises(error):
        bench.core.service_change2(service, DESCRIPTION, bytes(16), pointers)


def test_pointer_named_twice_is_moved_once(bench: Bench) -> None:
    """The offsets are taken from the image that was given."""
    service = bench.create(bench.name())
    image = struct.pack("P", POINTER) + "once".encode("utf-16-le") + b"\0\0"
    bench.core.service_change2(service, DESCRIPTION, image, (0, 0))

    assert bench.description(service) == "once"


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
    assert names(1, None) | names(2, None) == names(3, None)
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


# --- wrong arguments --------------------------------------------------------------

NUMBERS = [
    (-1, OverflowError),
    (2**32, OverflowError),
    (2**80, OverflowError),
    ("1", TypeError),
    (1.5, TypeError),
]


@pytest.mark.parametrize(("number", "error"), NUMBERS)
def test_wrong_numbers_are_refused(
    bench: Bench, number: Any, error: type[Exception]
) -> None:
    """Each place for a number, before the SCM is asked."""
    core, manager = bench.core, bench.manager
    name = bench.name()
    for place in range(3):
        numbers = [OWN, DEMAND, 1]
        numbers[place] = number
        with pytest.raises(error):
            bench.create(name, *numbers)
    with pytest.raises(error):
        bench.create(name, access=number)
    with refused(1060):
        bench.open(name)
    service = bench.create(name)
    before = core.service_config(service)
    for setting in ("service_type", "start_type", "error_control"):
        with pytest.raises(error):
            bench.change(service, **{setting: number})
    with pytest.raises(error):
        core.service_config2(service, number)
    with pytest.raises(error):
        core.service_change2(service, number, bytes(64), ())
    with pytest.raises(error):
        core.service_list(manager, number, None)
    with pytest.raises(error):
        core.service_dependents(service, number)
    with pytest.raises(error):
        core.service_control_reason(service, number, 0, None)
    with pytest.raises(error):
        core.service_control_reason(service, 1, number, None)
    assert core.service_config(service) == before


TEXTS = ["command_line", "group", "account", "password", "display_name"]


@pytest.mark.parametrize("setting", TEXTS)
def test_wrong_texts_are_refused(bench: Bench, setting: str) -> None:
    """A NUL would end the text where its writer did not think of it."""
    name = bench.name()
    service = bench.create(name)
    before = bench.core.service_config(service)
    with pytest.raises(ValueError, match="NUL"):
        bench.change(service, **{setting: "some\0thing"})
    for wrong in (b"bytes", 1, ("x",)):
        with pytest.raises(TypeError):
            bench.change(service, **{setting: wrong})
    for place, value in enumerate(Settings._fields):
        if value == setting:
            arguments: list[Any] = [OWN, DEMAND, 1, COMMAND, *[None] * 5]
            arguments[place] = "some\0thing"
            with pytest.raises(ValueError, match="NUL"):
                bench.create(bench.name(), *arguments)

    assert bench.core.service_config(service) == before


def test_password_stays_out_of_errors(bench: Bench) -> None:
    """Neither its text nor its repr, whatever is wrong with it."""
    service = bench.create(bench.name())
    for password in ("secret\0word", b"secretword", ["secretword"]):
        with pytest.raises((ValueError, TypeError)) as caught:
            bench.change(service, account=r".\x", password=password)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("dependencies", "error"),
    [
        (["Tcpip"], TypeError),
        ("Tcpip", TypeError),
        ((b"Tcpip",), TypeError),
        ((None,), TypeError),
        (("",), ValueError),
        (("Tcpip", "", "Dhcp"), ValueError),
        (("Tcp\0ip",), ValueError),
    ],
)
def test_wrong_dependencies_are_refused(
    bench: Bench, dependencies: Any, error: type[Exception]
) -> None:
    """An empty one would end the list."""
    name = bench.name()
    with pytest.raises(error):
        bench.create(name, OWN, DEMAND, 1, COMMAND, None, dependencies)
    with refused(1060):
        bench.open(name)
    service = bench.create(name)
    with pytest.raises(error):
        bench.change(service, dependencies=dependencies)

    assert not values(name).keys() & {"DependOnService", "DependOnGroup"}


def test_other_wrong_texts_are_refused(bench: Bench) -> None:
    """The functions with a text of their own."""
    core, manager = bench.core, bench.manager
    service = bench.create(bench.name())
    with pytest.raises(ValueError, match="NUL"):
        core.service_list(manager, 3, "a\0b")
    with pytest.raises(ValueError, match="NUL"):
        core.service_control_reason(service, 1, 0, "a\0b")
    with pytest.raises(ValueError, match="NUL"):
        core.service_change_security(service, "D:\0")
    with pytest.raises(ValueError, match="NUL"):
        core.account_sid(None, "a\0b")
    with pytest.raises(ValueError, match="NUL"):
        core.account_sid("a\0b", "Everyone")
    with pytest.raises(ValueError, match="NUL"):
        bench.create("a\0b")
    nothing: Any = None
    with pytest.raises(TypeError):
        core.service_change_security(service, nothing)
    with pytest.raises(TypeError):
        core.account_sid(None, nothing)
    with pytest.raises(TypeError):
        bench.create(bench.name(), OWN, DEMAND, 1, None)


# --- handles, threads, memory -----------------------------------------------------


def test_closed_handle_is_6(bench: Bench) -> None:
    """E-24: every call."""
    core = bench.core
    service = bench.create(bench.name())
    manager = core.manager_open(None, ALL_OF_SCM)
    core.handle_close(service)
    core.handle_close(manager)
    calls = [
        lambda: core.service_config(service),
        lambda: core.service_change(service, *KEEP_ALL),
        lambda: core.service_config2(service, DESCRIPTION),
        lambda: core.service_change2(service, DESCRIPTION, bytes(8), ()),
        lambda: core.service_security(service),
        lambda: core.service_change_security(service, "D:(A;;FA;;;BA)"),
        lambda: core.service_dependents(service, 3),
        lambda: core.service_list(manager, 3, None),
        lambda: core.service_create(
            manager, "x", OWN, DEMAND, 1, "x", None, None, None, None, None, 0
        ),
    ]
    if not WINE:  # H-19: 120 comes first
        calls.append(lambda: core.service_control_reason(service, 1, 0, None))
    for call in calls:
        with refused(6):
            call()


def test_what_is_no_handle_is_refused(bench: Bench) -> None:
    """Capsules of another kind, and things that are none."""
    for wrong in (None, 1, object(), "handle"):
        with pytest.raises((TypeError, ValueError)):
            bench.core.service_config(wrong)
        with pytest.raises((TypeError, ValueError)):
            bench.core.service_config2(wrong, 1)


def test_handle_may_be_closed_under_a_call(bench: Bench) -> None:
    """Every call of the other threads ends well, or with 6."""
    name = bench.name()
    bench.describe(bench.create(name), "z" * 3000)
    codes: set[int] = set()

    def read(service: Capsule, ready: threading.Barrier) -> None:
        ready.wait()
        try:
            while True:
                bench.core.service_config2(service, DESCRIPTION)
                bench.core.service_config(service)
        except OSError as error:
            codes.add(error.winerror)

    for _ in range(5):
        service = bench.open(name, QUERY_CONFIG)
        ready = threading.Barrier(5)
        threads = [
            threading.Thread(target=read, args=(service, ready)) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        ready.wait()
        bench.core.service_config(service)
        bench.core.handle_close(service)
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()

    assert codes == {6}


class HeapEntry(ctypes.Structure):
    """PROCESS_HEAP_ENTRY."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_uint32),
        ("overhead", ctypes.c_uint8),
        ("region", ctypes.c_uint8),
        ("flags", ctypes.c_uint16),
        ("details", ctypes.c_void_p * 3),
    )


def heap_blocks() -> int:
    """Return how many blocks of this process's heap are in use.

    The core's memory is there, the system's texts and Python's large objects.
    """
    kernel32 = ctypes.WinDLL("kernel32")
    kernel32.GetProcessHeap.restype = ctypes.c_void_p
    heap = ctypes.c_void_p(kernel32.GetProcessHeap())
    entry = HeapEntry()
    blocks = 0
    assert kernel32.HeapLock(heap)
    while kernel32.HeapWalk(heap, ctypes.byref(entry)):
        blocks += entry.flags >> 2 & 1  # PROCESS_HEAP_ENTRY_BUSY
    kernel32.HeapUnlock(heap)
    return blocks


def test_calls_leak_nothing(bench: Bench) -> None:
    """Right and wrong ones, 100 times each: not one block for each is left."""
    core = bench.core
    name = bench.name()
    text = "w" * 4000
    service = bench.create(name)
    wide = struct.pack("P", POINTER) + text.encode("utf-16-le") + b"\0\0"
    wrong = struct.pack("P", 2**40) + bytes(8000)
    long_list = tuple("x" * 1000 for _ in range(4))

    def once() -> None:
        core.service_change2(service, DESCRIPTION, wide, (0,))
        core.service_config2(service, DESCRIPTION)
        core.service_config(service)
        core.service_security(service)
        core.service_change_security(service, "D:(A;;FA;;;BA)")
        core.account_sid(None, "Everyone")
        core.service_list(bench.manager, 3, None)
        core.service_dependents(service, 3)
        bench.change(service, group=text, account=r".\x", password="p" * 200)
        with pytest.raises(ValueError, match="outside"):
            core.service_change2(service, DESCRIPTION, wrong, (0,))
        with pytest.raises(ValueError, match="NUL"):
            bench.change(service, dependencies=long_list, password="p\0" * 4000)
        with pytest.raises(ValueError, match="empty"):
            bench.change(service, group=text, dependencies=(*long_list, ""))
        with refused(1073):
            bench.create(name, OWN, DEMAND, 1, text, text, long_list)
        with refused(124):
            core.service_change2(service, 99, wide, (0,))
        with refused(124):
            core.service_config2(service, 99)
        with refused(1332):
            core.account_sid(None, "no such account")
        with refused(1336):
            core.service_change_security(service, "O:BA")
        core.handle_close(bench.open(name))
        bench.open(name)  # closed when it is no longer referenced

    for _ in range(10):
        once()
    before = heap_blocks()
    for _ in range(100):
        once()

    assert abs(heap_blocks() - before) < 50
