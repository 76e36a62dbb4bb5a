"""The files and folders that a service's Python takes code from.

Of packages only the target's own and winsvc are looked into, and only as far as their
folders and modules on the way to the target; of all else the folder that it is in.
"""

from __future__ import annotations

import ntpath
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from winsvc.doctor.command import Command
from winsvc.doctor.facts import (
    PATH_FOLDER,
    PYTHONPATH_FOLDER,
    SERVICE_FILE,
    USER_PACKAGES,
    Venv,
)
from winsvc.doctor.system import System

_MINORS = range(11, 40)  # Python 3.11, and those to come
_CUSTOM = ("sitecustomize.py", "usercustomize.py")


class Spot(NamedTuple):
    """A file or folder, and what it is to the service."""

    role: str
    path: str
    is_folder: bool


def places_of(
    command: Command,
    venv: Venv | None,
    variables: Mapping[str, str],
    system: System,
    *,
    user_site: bool,
) -> tuple[Spot, ...]:
    """Return what code is run of, each path once.

    Args:
        command: The service's command line.
        venv: Of its interpreter, if it has one.
        variables: What its process starts with, names in capitals.
        system: This computer.
        user_site: Whether the packages of its account count.
    """
    found: dict[str, Spot] = {}
    for spot in _Places(command, venv, variables, system).all(user_site):
        path = ntpath.normpath(spot.path)
        found.setdefault(ntpath.normcase(path), spot._replace(path=path))
    return tuple(found.values())


class _Places:
    def __init__(
        self,
        command: Command,
        venv: Venv | None,
        variables: Mapping[str, str],
        system: System,
    ) -> None:
        self._command = command
        self._venv = venv
        self._system = system
        # -E and -I: Python looks at none of its variables.
        ignored = command.has_option("EI")
        self._variables = {} if ignored else variables
        self._appdata = variables.get("APPDATA", "")
        self._system32 = ntpath.join(
            variables.get("SYSTEMROOT", r"C:\Windows"), "System32"
        )
        self._own = ntpath.dirname(command.program)
        self._base = venv.home if venv and venv.home else self._own

    def all(self, user_site: bool) -> Iterator[Spot]:
        command = self._command
        kind = "the interpreter" if command.is_python else "the program"
        yield Spot(kind, command.program, False)
        yield Spot("its folder", self._own, True)
        searched = [ntpath.join(self._system32, each) for each in command.path]
        if command.is_python:
            python = [*self._python(), *self._by_variables()]
            if user_site and not command.has_option("sI"):
                python += self._user_packages()
            yield from python
            roles = (PYTHONPATH_FOLDER, USER_PACKAGES, "the packages")
            searched += [spot.path for spot in python if spot.role in roles]
        for folder in command.path:
            yield Spot(PATH_FOLDER, folder, True)
        for target in command.targets:
            path = _file_of(target)
            if path and ntpath.isabs(path):
                yield Spot(SERVICE_FILE, path, False)
                yield Spot("the folder of its file", ntpath.dirname(path), True)
            elif not path:
                for folder in searched:
                    yield from self._module(folder, target.partition(":")[0])
        if command.is_python:
            for folder in searched:
                yield from self._there("winsvc's folder", folder, "winsvc")

    def _python(self) -> Iterator[Spot]:
        venv, base = self._venv, self._base
        prefix = venv.folder if venv else self._own
        if venv and venv.is_whole:
            cfg = ntpath.join(prefix, "pyvenv.cfg")
            yield Spot("the environment's pyvenv.cfg", cfg, False)
        yield Spot("the folder of the base Python", base, True)
        yield Spot("Python's library", ntpath.join(base, "Lib"), True)
        yield from self._there("Python's DLLs", base, "DLLs")
        yield from self._packages(prefix)
        if venv and venv.has_base_packages:
            yield from self._packages(base)

    def _packages(self, prefix: str) -> Iterator[Spot]:
        folder = ntpath.join(prefix, r"Lib\site-packages")
        yield Spot("the packages", folder, True)
        yield from self._customs(folder)
        yield from self._customs(ntpath.join(self._base, "Lib"))

    def _by_variables(self) -> Iterator[Spot]:
        for home in self._folders("PYTHONHOME"):
            yield Spot("the folder of PYTHONHOME", home, True)
            yield from self._there("its library", home, "Lib")
            yield from self._there("its DLLs", home, "DLLs")
            yield from self._packages(home)
        for folder in self._folders("PYTHONPATH"):
            yield Spot(PYTHONPATH_FOLDER, folder, True)
            yield from self._customs(folder)
        for folder in self._folders("PYTHONPYCACHEPREFIX"):
            yield Spot("the folder of PYTHONPYCACHEPREFIX", folder, True)

    def _user_packages(self) -> Iterator[Spot]:
        """Yield where pip puts what an account installs for itself (PEP 370)."""
        if self._venv and not self._venv.has_base_packages:
            return
        base = self._variables.get("PYTHONUSERBASE")
        base = base or (self._appdata and ntpath.join(self._appdata, "Python"))
        if not base:
            return
        version = next(
            (
                f"Python3{minor}"
                for minor in _MINORS
                if self._system.is_file(ntpath.join(self._base, f"python3{minor}.dll"))
            ),
            None,
        )
        tail = ntpath.join(version, "site-packages") if version else ""
        folder = ntpath.join(self._system32, base, tail)
        yield Spot(USER_PACKAGES, folder, True)
        yield from self._customs(folder)

    def _folders(self, variable: str) -> Iterator[str]:
        """Yield what a variable names; it counts from where the service begins."""
        for folder in self._variables.get(variable, "").split(";"):
            if folder.strip():
                yield ntpath.join(self._system32, folder.strip())

    def _customs(self, folder: str) -> Iterator[Spot]:
        """Yield what Python imports at its start from any folder of its path."""
        for name in _CUSTOM:
            path = ntpath.join(folder, name)
            if self._system.is_file(path):
                yield Spot(name, path, False)

    def _module(self, folder: str, module: str) -> Iterator[Spot]:
        """Yield what of a module is in a folder: its packages, and its own file."""
        for part in module.split("."):
            path = ntpath.join(folder, part)
            if self._system.is_file(f"{path}.py"):
                yield Spot("its module", f"{path}.py", False)
            if not self._system.is_folder(path):
                return
            yield Spot("its package", path, True)
            if self._system.is_file(ntpath.join(path, "__init__.py")):
                yield Spot("its package", ntpath.join(path, "__init__.py"), False)
            folder = path

    def _there(self, role: str, folder: str, name: str) -> Iterator[Spot]:
        path = ntpath.join(folder, name)
        if self._system.is_folder(path):
            yield Spot(role, path, True)


def nearest_folder(system: System, path: str) -> str:
    """Return the nearest folder above a path that is there; the path if none is."""
    folder = ntpath.dirname(path)
    while not system.is_folder(folder):
        if (above := ntpath.dirname(folder)) == folder:
            return path
        folder = above
    return folder


def _file_of(target: str) -> str:
    """Return the file of a target, empty for a module's."""
    is_file = target.lower().endswith((".py", ".pyw"))
    base = target if is_file else target.rpartition(":")[0]
    return base if base.lower().endswith((".py", ".pyw")) else ""
