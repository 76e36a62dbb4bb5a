r"""What a service has in the registry that the SCM has no function for.

The variables of its environment (E-75), and its source in the event log (G-1).
Keys are below ``HKLM\SYSTEM\CurrentControlSet\Services``.
"""

from __future__ import annotations

import importlib
import ntpath
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from winsvc.errors import ServiceError
from winsvc.winerror import ERROR_ALREADY_EXISTS

SERVICES = r"SYSTEM\CurrentControlSet\Services"
EVENT_LOGS = SERVICES + r"\EventLog"
LOG = "Application"
ENVIRONMENT = "Environment"
ALL_TYPES = 7  # error, warning, information: G-2


def is_ours(message_file: str | None, our_file: str) -> bool:
    """Tell whether an event source is one of winsvc's: this one's, or another's.

    An environment of Python that has been moved or made anew has another folder,
    but the same file in it.
    """
    if message_file is None:
        return False
    return _tail(message_file) == _tail(our_file)


class Registry:
    """The registry of this computer, or of another one.

    Args:
        machine: Name of the other computer, whose Remote Registry service runs.
        winreg: The module; default: Python's own, which is Windows only.

    All of it may be called from any thread, and blocks for as long as the network
    takes; failures are OSError with ``winerror``.
    """

    def __init__(self, machine: str | None = None, winreg: Any = None) -> None:
        self._winreg = winreg or importlib.import_module("winreg")
        self._machine = machine and "\\\\" + machine.lstrip("\\")

    def environment(self, service: str) -> tuple[str, ...] | None:
        """Return the lines of a service's environment; ``None``: it has none."""
        return self._lines(service, ENVIRONMENT)

    def set_environment(self, service: str, lines: tuple[str, ...] | None) -> None:
        """Set those lines; ``None`` removes them.

        They count from the next start of its process on (E-75).
        """
        winreg = self._winreg
        with self._open(rf"{SERVICES}\{service}", winreg.KEY_SET_VALUE) as key:
            if lines is None:
                with suppress(FileNotFoundError):
                    winreg.DeleteValue(key, ENVIRONMENT)
            else:
                kind = winreg.REG_MULTI_SZ
                winreg.SetValueEx(key, ENVIRONMENT, 0, kind, list(lines))

    def dependencies(self, service: str) -> tuple[str, ...]:
        """Return what a service depends on, groups with ``+`` in front.

        Wine has services without a key: they depend on nothing.
        """
        try:
            services = self._lines(service, "DependOnService") or ()
            groups = self._lines(service, "DependOnGroup") or ()
        except FileNotFoundError:
            return ()
        return (*services, *(f"+{group.removeprefix('+')}" for group in groups))

    def is_deleted(self, service: str) -> bool | None:
        """Tell whether a service is marked for deletion (E-31); ``None``: not told.

        Wine keeps that mark in its SCM alone (H-45), and not all may read the key.
        """
        path = rf"{SERVICES}\{service}"
        try:
            with self._open(path, self._winreg.KEY_QUERY_VALUE) as key:
                return bool(self._winreg.QueryValueEx(key, "DeleteFlag")[0])
        except PermissionError:
            return None
        except FileNotFoundError:
            return None if _is_wine() else False

    def event_source(self, source: str) -> str | None:
        """Return the message file of a source in the Application log.

        Empty: it is registered without one, or in another log, whose it is then.
        ``None``: it is not registered.
        """
        values = self._values(source, ("EventMessageFile",))
        if values is None:
            return None if self._elsewhere(source) is None else ""
        return str(values["EventMessageFile"][0]) if values else ""

    def set_event_source(
        self, source: str, message_file: str | None, categories: int = 0
    ) -> None:
        """Register a source in the Application log; ``None`` takes it out.

        Args:
            source: Its name.
            message_file: Full path of what has its message table.
            categories: Number of categories that the table has.

        Raises:
            ServiceError: It is registered in another log, or is the name of one:
                a source is in one log only (G-1).

        It is registered as a whole, or is as it was.
        """
        winreg = self._winreg
        logs = rf"{EVENT_LOGS}\{LOG}"
        if message_file is None:
            with (
                self._open(logs, winreg.KEY_WRITE) as key,
                suppress(FileNotFoundError),
            ):
                winreg.DeleteKey(key, source)
            return
        if (where := self._elsewhere(source)) is not None:
            raise _taken(source, where)
        # A path with a % in it must not be expanded.
        text = winreg.REG_SZ if "%" in message_file else winreg.REG_EXPAND_SZ
        values: list[tuple[str, Any, str | int]] = [
            ("EventMessageFile", text, message_file),
            ("TypesSupported", winreg.REG_DWORD, ALL_TYPES),
        ]
        if categories:
            values.append(("CategoryMessageFile", text, message_file))
            values.append(("CategoryCount", winreg.REG_DWORD, categories))
        with self._open(logs, winreg.KEY_WRITE) as key:
            old = self._values(source, [name for name, *_ in values])
            try:
                with winreg.CreateKeyEx(key, source, 0, winreg.KEY_WRITE) as own:
                    for name, kind, value in values:
                        winreg.SetValueEx(own, name, 0, kind, value)
            except BaseException:
                with suppress(OSError):
                    if old is None:
                        winreg.DeleteKey(key, source)
                    else:
                        self._restore(key, source, [name for name, *_ in values], old)
                raise

    def _values(
        self, source: str, names: Iterable[str]
    ) -> dict[str, tuple[Any, int]] | None:
        """Return those of these values that a source has; ``None``: there is none."""
        found = {}
        path = rf"{EVENT_LOGS}\{LOG}\{source}"
        try:
            with self._open(path, self._winreg.KEY_QUERY_VALUE) as key:
                for name in names:
                    with suppress(FileNotFoundError):
                        found[name] = self._winreg.QueryValueEx(key, name)
        except FileNotFoundError:
            return None
        return found

    def _restore(
        self,
        logs: Any,
        source: str,
        names: Iterable[str],
        old: dict[str, tuple[Any, int]],
    ) -> None:
        winreg = self._winreg
        with winreg.CreateKeyEx(logs, source, 0, winreg.KEY_WRITE) as key:
            for name in names:
                with suppress(FileNotFoundError):
                    if name in old:
                        value, kind = old[name]
                        winreg.SetValueEx(key, name, 0, kind, value)
                    else:
                        winreg.DeleteValue(key, name)

    def _elsewhere(self, source: str) -> str | None:
        """Return what else a name is, if it can be no source of this log (G-1)."""
        for log in self._logs():
            if log.upper() == source.upper():
                return "that is the name of an event log"
            if log.upper() == LOG.upper():
                continue
            # The Security log is not for everybody to see.
            with suppress(FileNotFoundError, PermissionError):
                path = rf"{EVENT_LOGS}\{log}\{source}"
                self._open(path, self._winreg.KEY_QUERY_VALUE).Close()
                return f"it is registered in the event log {log!r}"
        return None

    def _logs(self) -> Iterator[str]:
        access = self._winreg.KEY_ENUMERATE_SUB_KEYS | self._winreg.KEY_QUERY_VALUE
        with self._open(EVENT_LOGS, access) as key:
            for place in range(self._winreg.QueryInfoKey(key)[0]):
                yield self._winreg.EnumKey(key, place)

    def _open(self, path: str, access: int) -> Any:
        winreg = self._winreg
        local = winreg.HKEY_LOCAL_MACHINE
        if self._machine is None:
            return winreg.OpenKey(local, path, 0, access)
        with winreg.ConnectRegistry(self._machine, local) as root:
            return winreg.OpenKey(root, path, 0, access)

    def _lines(self, service: str, name: str) -> tuple[str, ...] | None:
        winreg = self._winreg
        with self._open(rf"{SERVICES}\{service}", winreg.KEY_QUERY_VALUE) as key:
            try:
                value, kind = winreg.QueryValueEx(key, name)
            except FileNotFoundError:
                return None
        # Somebody else may have written anything there.
        if kind == winreg.REG_MULTI_SZ:
            return tuple(line for line in value or () if line)
        return (value,) if isinstance(value, str) and value else ()


def _is_wine() -> bool:
    if sys.platform != "win32":
        return False
    import ctypes

    return hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")


def _taken(source: str, why: str) -> ServiceError:
    return ServiceError(
        operation="register the event source of",
        service=source,
        winerror=ERROR_ALREADY_EXISTS,
        detail=why,
    )


def _tail(path: str) -> tuple[str, str]:
    folder, name = ntpath.split(path)
    return ntpath.basename(folder).upper(), name.upper()
