"""A service's environment and event source, in a registry of plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import pytest

from winsvc.doctor.system import Windows
from winsvc.errors import ServiceError
from winsvc.manage.registry import Registry, is_ours

OURS = r"C:\venv\Lib\site-packages\winsvc\_core.pyd"
SERVICES = r"SYSTEM\CURRENTCONTROLSET\SERVICES"
LOGS = SERVICES + r"\EVENTLOG"


class Key:
    """An open key: a context manager that counts."""

    def __init__(self, registry: FakeWinreg, path: str) -> None:
        self.registry, self.path = registry, path
        registry.open_keys += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.Close()

    def Close(self) -> None:
        self.registry.open_keys -= 1


class FakeWinreg:
    """What Python's winreg does, on a dict of keys without regard to case."""

    HKEY_LOCAL_MACHINE = Key
    KEY_QUERY_VALUE, KEY_SET_VALUE, KEY_ENUMERATE_SUB_KEYS, KEY_WRITE = 1, 2, 8, 0x20006
    REG_SZ, REG_EXPAND_SZ, REG_DWORD, REG_MULTI_SZ = 1, 2, 4, 7

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, tuple[Any, int]]] = {}
        self.open_keys = 0
        self.machines: list[str] = []
        self.refuse = ""
        for path in (SERVICES, rf"{SERVICES}\FOO", LOGS):
            self.keys[path] = {}
        for log in ("APPLICATION", "SYSTEM"):
            self.keys[rf"{LOGS}\{log}"] = {}

    def ConnectRegistry(self, machine: str, hive: object) -> Key:
        assert hive is self.HKEY_LOCAL_MACHINE
        self.machines.append(machine)
        return Key(self, "")

    def OpenKey(self, parent: object, path: str, _: int, access: int) -> Key:
        assert access
        assert parent is self.HKEY_LOCAL_MACHINE or isinstance(parent, Key)
        if path.upper() not in self.keys:
            raise FileNotFoundError(2, path)
        return Key(self, path.upper())

    def CreateKeyEx(self, parent: Key, name: str, _: int, access: int) -> Key:
        assert access == self.KEY_WRITE
        path = rf"{parent.path}\{name.upper()}"
        self.keys.setdefault(path, {})
        return Key(self, path)

    def DeleteKey(self, parent: Key, name: str) -> None:
        if self.keys.pop(rf"{parent.path}\{name.upper()}", None) is None:
            raise FileNotFoundError(2, name)

    def EnumKey(self, key: Key, place: int) -> str:
        return self._below(key)[place]

    def QueryInfoKey(self, key: Key) -> tuple[int, int, int]:
        return len(self._below(key)), len(self.keys[key.path]), 0

    def SetValueEx(self, key: Key, name: str, _: int, kind: int, value: Any) -> None:
        if name == self.refuse:
            raise PermissionError(13, name)
        assert isinstance(value, {1: str, 2: str, 4: int, 7: list}[kind])
        self.keys[key.path][name] = (value, kind)

    def QueryValueEx(self, key: Key, name: str) -> tuple[Any, int]:
        if name not in self.keys[key.path]:
            raise FileNotFoundError(2, name)
        return self.keys[key.path][name]

    def DeleteValue(self, key: Key, name: str) -> None:
        if self.keys[key.path].pop(name, None) is None:
            raise FileNotFoundError(2, name)

    def _below(self, key: Key) -> list[str]:
        start = key.path + "\\"
        paths = [path for path in self.keys if path.startswith(start)]
        return [rest for path in paths if "\\" not in (rest := path[len(start) :])]


@pytest.fixture
def winreg() -> Iterator[FakeWinreg]:
    """A registry with the service Foo and two event logs; no key is left open."""
    winreg = FakeWinreg()
    yield winreg
    assert winreg.open_keys == 0


@pytest.fixture
def registry(winreg: FakeWinreg) -> Registry:
    """What is tested, on it."""
    return Registry(winreg=winreg)


def test_environment_reads_back(registry: Registry, winreg: FakeWinreg) -> None:
    """As REG_MULTI_SZ (E-75); None takes the value out, again as well."""
    assert registry.environment("Foo") is None
    registry.set_environment("Foo", ("A=1", "B="))
    assert registry.environment("foo") == ("A=1", "B=")
    assert winreg.keys[rf"{SERVICES}\FOO"] == {"Environment": (["A=1", "B="], 7)}
    for _ in range(2):
        registry.set_environment("Foo", None)

        assert registry.environment("Foo") is None


@pytest.mark.parametrize(
    ("value", "kind", "lines"),
    [
        (["", "A=1", ""], 7, ("A=1",)),
        ([], 7, ()),
        (None, 7, ()),
        ("A=1", 1, ("A=1",)),
        (b"\0\1", 3, ()),
        (7, 4, ()),
    ],
)
def test_environment_of_others_is_read_as_far_as_it_goes(
    registry: Registry,
    winreg: FakeWinreg,
    value: Any,
    kind: int,
    lines: tuple[str, ...],
) -> None:
    """Whatever somebody has put there (I-110)."""
    winreg.keys[rf"{SERVICES}\FOO"]["Environment"] = (value, kind)

    assert registry.environment("Foo") == lines


def test_dependencies_are_services_and_groups(
    registry: Registry, winreg: FakeWinreg
) -> None:
    """Wine's SCM keeps them in the registry alone (H-6)."""
    key = winreg.keys[rf"{SERVICES}\FOO"]
    assert registry.dependencies("Foo") == ()
    assert registry.dependencies("Winedevice1") == ()
    key["DependOnService"] = (["A", "B"], 7)
    key["DependOnGroup"] = (["G", "+H"], 7)

    assert registry.dependencies("Foo") == ("A", "B", "+G", "+H")


def test_mark_for_deletion_is_read(registry: Registry, winreg: FakeWinreg) -> None:
    """E-31; a service without the value, or without a key, has none."""
    assert registry.is_deleted("Foo") is False
    winreg.keys[rf"{SERVICES}\FOO"]["DeleteFlag"] = (1, 4)

    assert registry.is_deleted("foo") is True
    assert registry.is_deleted("Bar") is False


@pytest.mark.parametrize("why", ["Wine", "refused"])
def test_mark_for_deletion_that_is_not_told_is_not_denied(
    registry: Registry,
    winreg: FakeWinreg,
    monkeypatch: pytest.MonkeyPatch,
    why: str,
) -> None:
    """Wine has it elsewhere (H-45); the doctor says that it could not look."""

    def refuse(*_: object) -> Key:
        raise PermissionError(13, "no")

    monkeypatch.setattr("winsvc.manage.registry._is_wine", lambda: why == "Wine")
    if why == "refused":
        monkeypatch.setattr(winreg, "OpenKey", refuse)
    monkeypatch.setattr("winsvc.doctor.system.Registry", lambda: registry)

    assert registry.is_deleted("Foo") is None
    with pytest.raises(OSError, match="does not tell"):
        Windows().is_deleted("Foo")


def test_doctor_reads_the_same_mark(
    registry: Registry, winreg: FakeWinreg, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is one reader of it."""
    monkeypatch.setattr("winsvc.doctor.system.Registry", lambda: registry)

    assert Windows().is_deleted("Foo") is False
    winreg.keys[rf"{SERVICES}\FOO"]["DeleteFlag"] = (1, 4)
    assert Windows().is_deleted("Foo") is True


def test_event_source_reads_back(registry: Registry, winreg: FakeWinreg) -> None:
    """With all values of G-2; taken out, the key is gone."""
    assert registry.event_source("Foo") is None
    registry.set_event_source("Foo", OURS, categories=2)
    assert registry.event_source("foo") == OURS
    assert winreg.keys[rf"{LOGS}\APPLICATION\FOO"] == {
        "EventMessageFile": (OURS, 2),
        "CategoryMessageFile": (OURS, 2),
        "CategoryCount": (2, 4),
        "TypesSupported": (7, 4),
    }
    for _ in range(2):
        registry.set_event_source("Foo", None)

        assert registry.event_source("Foo") is None


def test_path_with_a_percent_is_not_expanded(
    registry: Registry, winreg: FakeWinreg
) -> None:
    """REG_SZ, and no categories where the table has none."""
    registry.set_event_source("Foo", r"C:\100%\_core.pyd")

    assert winreg.keys[rf"{LOGS}\APPLICATION\FOO"] == {
        "EventMessageFile": (r"C:\100%\_core.pyd", 1),
        "TypesSupported": (7, 4),
    }


def test_source_without_a_file_is_somebody_elses(
    registry: Registry, winreg: FakeWinreg
) -> None:
    """It is registered, though without texts."""
    winreg.keys[rf"{LOGS}\APPLICATION\FOO"] = {}

    assert registry.event_source("Foo") == ""
    assert not is_ours("", OURS)


@pytest.mark.parametrize(
    ("taken", "source", "text"),
    [
        (rf"{LOGS}\SYSTEM\FOO", "Foo", "registered in the event log 'SYSTEM'"),
        (rf"{LOGS}\FOO", "Foo", "the name of an event log"),
        (rf"{LOGS}\X", "Application", "the name of an event log"),
    ],
)
def test_source_of_another_log_is_refused(
    registry: Registry, winreg: FakeWinreg, taken: str, source: str, text: str
) -> None:
    """A source is in one log only, and no log's name (G-1); nothing is written."""
    winreg.keys[taken] = {}
    before = dict(winreg.keys)
    with pytest.raises(ServiceError, match=text) as caught:
        registry.set_event_source(source, OURS)

    assert caught.value.service == source
    assert winreg.keys == before
    assert registry.event_source(source) == ""  # seen before it is tried


@pytest.mark.parametrize("is_new", [True, False])
def test_half_a_registration_is_taken_back(
    registry: Registry, winreg: FakeWinreg, is_new: bool
) -> None:
    """A new key goes when a value cannot be written; an old one stays."""
    if not is_new:
        registry.set_event_source("Foo", OURS)
    winreg.refuse = "TypesSupported"
    with pytest.raises(PermissionError):
        registry.set_event_source("Foo", OURS)

    assert (registry.event_source("Foo") is None) is is_new


@pytest.mark.parametrize("refused", ["TypesSupported", "CategoryCount"])
def test_failed_change_of_a_source_leaves_it(
    registry: Registry, winreg: FakeWinreg, refused: str
) -> None:
    """Each value is as it was before; what was not there is not there."""
    key = rf"{LOGS}\APPLICATION\FOO"
    registry.set_event_source("Foo", r"D:\old\winsvc\_core.pyd")
    winreg.keys[key]["Mine"] = ("kept", 1)
    before = dict(winreg.keys[key])
    winreg.refuse = refused
    with pytest.raises(PermissionError):
        registry.set_event_source("Foo", OURS, categories=2)

    assert winreg.keys[key] == before


def test_other_computer_is_connected_to(winreg: FakeWinreg) -> None:
    """By its name with two backslashes in front, however it was given."""
    for machine in ("server", r"\\server"):
        assert Registry(machine, winreg).environment("Foo") is None

    assert winreg.machines == [r"\\server", r"\\server"]


def test_ours_is_the_same_file_in_any_folder() -> None:
    """That of another environment counts, another program's does not (G-7)."""
    assert is_ours(r"d:\old\WINSVC\_core.PYD", OURS)
    assert not is_ours(r"C:\venv\other\_core.pyd", OURS)
    assert not is_ours(r"%SystemRoot%\System32\EventCreate.exe", OURS)
    assert not is_ours(None, OURS)
