"""What the doctor asks of this Windows: files, their rights, drives, programs."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from tempfile import TemporaryFile
from typing import Any, Protocol

from winsvc.doctor.probe import Ended
from winsvc.manage.registry import Registry

_ENVIRONMENT = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
_SE_FILE_OBJECT = 1
_OWNER_AND_DACL = 0x1 | 0x4
_SDDL_REVISION = 1
_DRIVE_REMOTE = 4
_TOKEN_QUERY = 0x8
_TOKEN_USER = 1
_CREATE_NO_WINDOW = 0x08000000


class System(Protocol):
    """What ``gather`` asks: Windows's answers, or a test's.

    All may block for as long as a drive or the network takes; failures are OSError.
    """

    def is_file(self, path: str) -> bool:
        """Tell whether there is such a file."""

    def is_folder(self, path: str) -> bool:
        """Tell whether there is such a folder."""

    def read(self, path: str, size: int, *, from_end: bool = False) -> bytes:
        """Return the first bytes of a file, or the last."""

    def security(self, path: str) -> str:
        """Return the owner and DACL of a file or folder as SDDL."""

    def is_remote(self, path: str) -> bool:
        """Tell whether a path is on a drive of the network."""

    def machine_variables(self) -> dict[str, str]:
        """Return the system's variables, from the registry."""

    def my_variables(self) -> Mapping[str, str]:
        """Return those of this process."""

    def is_deleted(self, service: str) -> bool:
        """Tell whether a service is marked for deletion (E-31).

        Opening and querying it succeed all the same (E-22, E-33), and all that would
        fail with 1072 changes the others: the registry is asked.
        """

    def native_machine(self) -> int:
        """Return the system's machine, as PE headers have it; 0: unknown."""

    def my_sid(self) -> str:
        """Return the SID of the user whom this process runs as."""

    def run(
        self,
        command: Sequence[str],
        variables: Mapping[str, str],
        folder: str,
        timeout: float,
        /,
    ) -> Ended:
        """Run a program to its end, without a terminal."""


class Windows:
    """This Windows."""

    def __init__(self) -> None:
        if sys.platform == "win32":
            self._advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
            self._kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
            self._kernel32.LocalFree.argtypes = [ctypes.c_void_p]
            self._kernel32.GetCurrentProcess.restype = ctypes.c_void_p

    def is_file(self, path: str) -> bool:
        """Tell whether there is such a file."""
        return os.path.isfile(path)

    def is_folder(self, path: str) -> bool:
        """Tell whether there is such a folder."""
        return os.path.isdir(path)

    def read(self, path: str, size: int, *, from_end: bool = False) -> bytes:
        """Return the first bytes of a file, or the last."""
        with open(path, "rb") as file:
            if from_end:
                file.seek(max(0, os.fstat(file.fileno()).st_size - size))
            return file.read(size)

    def my_variables(self) -> Mapping[str, str]:
        """Return those of this process."""
        return os.environ

    def is_deleted(self, service: str) -> bool:
        """Tell whether a service is marked for deletion (E-31)."""
        found = Registry().is_deleted(service)
        if found is None:
            raise OSError("the registry does not tell: it is Wine's, or not yours")
        return found

    def run(
        self,
        command: Sequence[str],
        variables: Mapping[str, str],
        folder: str,
        timeout: float,
        /,
    ) -> Ended:
        """Run a program to its end, without a terminal."""
        begin = time.monotonic()
        # Files, not pipes: what the program itself has started may hold them open.
        with TemporaryFile() as output, TemporaryFile() as errors:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                creationflags=_CREATE_NO_WINDOW,
            )
            code: int | None = None
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            seconds = time.monotonic() - begin
            output.seek(0)
            errors.seek(0)
            return Ended(code, output.read(), errors.read(), seconds)

    if sys.platform == "win32":

        def is_remote(self, path: str) -> bool:
            """Tell whether a path is on a drive of the network."""
            if path.startswith("\\\\"):
                return not path.startswith(("\\\\?\\", "\\\\.\\"))
            drive = os.path.splitdrive(path)[0] + "\\"
            return bool(self._kernel32.GetDriveTypeW(drive) == _DRIVE_REMOTE)

        def machine_variables(self) -> dict[str, str]:
            """Return the system's variables, from the registry."""
            import winreg

            found = {}
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _ENVIRONMENT) as key:
                for place in range(winreg.QueryInfoKey(key)[1]):
                    name, value, kind = winreg.EnumValue(key, place)
                    if kind == winreg.REG_EXPAND_SZ:
                        value = winreg.ExpandEnvironmentStrings(value)
                    if isinstance(value, str):
                        found[name] = value
            return found

        def native_machine(self) -> int:
            """Return the system's machine, as PE headers have it; 0: unknown."""
            ask = getattr(self._kernel32, "IsWow64Process2", None)  # Windows 10
            if ask is not None:
                mine, native = ctypes.c_ushort(), ctypes.c_ushort()
                ask.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
                process = self._kernel32.GetCurrentProcess()
                if ask(process, ctypes.byref(mine), ctypes.byref(native)):
                    return native.value
            return 0

        def security(self, path: str) -> str:
            """Return the owner and DACL of a file or folder as SDDL."""
            descriptor, text = ctypes.c_void_p(), ctypes.c_wchar_p()
            code = self._advapi32.GetNamedSecurityInfoW(
                ctypes.c_wchar_p(path),
                _SE_FILE_OBJECT,
                _OWNER_AND_DACL,
                None,
                None,
                None,
                None,
                ctypes.byref(descriptor),
            )
            if code:
                raise ctypes.WinError(code)
            convert = "ConvertSecurityDescriptorToStringSecurityDescriptorW"
            try:
                self._check(
                    getattr(self._advapi32, convert)(
                        descriptor,
                        _SDDL_REVISION,
                        _OWNER_AND_DACL,
                        ctypes.byref(text),
                        None,
                    )
                )
                return self._taken(text)
            finally:
                self._kernel32.LocalFree(descriptor)

        def my_sid(self) -> str:
            """Return the SID of the user whom this process runs as."""
            token, size = ctypes.c_void_p(), ctypes.c_ulong()
            process = ctypes.c_void_p(self._kernel32.GetCurrentProcess())
            self._check(
                self._advapi32.OpenProcessToken(
                    process, _TOKEN_QUERY, ctypes.byref(token)
                )
            )
            try:
                buffer = ctypes.create_string_buffer(256)  # a SID has 68 at most
                self._check(
                    self._advapi32.GetTokenInformation(
                        token, _TOKEN_USER, buffer, len(buffer), ctypes.byref(size)
                    )
                )
                sid, text = ctypes.c_void_p.from_buffer(buffer), ctypes.c_wchar_p()
                self._check(
                    self._advapi32.ConvertSidToStringSidW(sid, ctypes.byref(text))
                )
                return self._taken(text)
            finally:
                self._kernel32.CloseHandle(token)

        def _taken(self, text: Any) -> str:
            """Return a text of Windows's, and free it."""
            try:
                return str(text.value)
            finally:
                self._kernel32.LocalFree(text)

        def _check(self, ok: int) -> None:
            if not ok:
                raise ctypes.WinError(ctypes.get_last_error())
