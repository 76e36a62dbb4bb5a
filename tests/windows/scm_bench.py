"""The core's calls on a real SCM, and independent readers of what they do."""

from __future__ import annotations

import struct
import uuid
import winreg
from typing import Any, NamedTuple

import pytest
import win32service
from lab import on_wine

from winsvc import _native
from winsvc._interfaces import Capsule, Core

WINE = on_wine()
ALL_OF_SCM = 0xF003F
ALL_OF_SERVICE = 0xF01FF
OWN, SHARE = 0x10, 0x20
AUTO, DEMAND, DISABLED = 2, 3, 4
COMMAND = r'"C:\a folder\program.exe" --option "a b" größe'
DESCRIPTION, PRESHUTDOWN = 1, 7
POINTER = struct.calcsize("P")


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


def refused(*codes: int) -> Any:
    """Expect the OSError of a Windows code, or one of several."""
    return pytest.raises(OSError, check=lambda error: error.winerror in codes)
