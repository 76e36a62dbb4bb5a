"""Gather the facts about a service: from the SCM, the registry, the file system."""

from __future__ import annotations

import ntpath
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from winsvc.doctor import acl, pe, probe
from winsvc.doctor.command import Command, read_command, tries_of
from winsvc.doctor.dependencies import distinct, find_circle, look_up, needs_of
from winsvc.doctor.facts import (
    PATH_FOLDER,
    PYTHONPATH_FOLDER,
    SERVICE_FILE,
    USER_PACKAGES,
    Facts,
    Place,
    Venv,
)
from winsvc.doctor.log_facts import log_facts
from winsvc.doctor.places import Spot, nearest_folder, places_of
from winsvc.doctor.scm_log import scm_events
from winsvc.doctor.system import System
from winsvc.log import default_log_file
from winsvc.manage.manager import ServiceManager
from winsvc.settings.accounts import (
    LOCAL_SERVICE,
    LOCAL_SYSTEM,
    NETWORK_SERVICE,
    needs_logon_right,
    service_sid,
)
from winsvc.settings.command_line import VARIABLE
from winsvc.settings.config import ServiceConfig
from winsvc.states import ServiceType
from winsvc.winerror import ERROR_NONE_MAPPED

_OF_CONFIG = (
    *("dependencies", "circle", "sharers"),
    *("files", "account", "logon_right", "probe"),
)
_BUILT_IN = {
    LOCAL_SYSTEM: acl.SIDS["SY"],
    LOCAL_SERVICE: acl.SIDS["LS"],
    NETWORK_SERVICE: acl.SIDS["NS"],
}
# Who may create one that is not there has its code run.
_SEARCHED = (PATH_FOLDER, PYTHONPATH_FOLDER, USER_PACKAGES)
_PE_HEADER = 4096
_CONFIG_SIZE = 8192
_PROGRAM_SIZE = 64 * 1024 * 1024
# What a program or script that can be a service has somewhere; .NET's is the second.
_SERVICE_WORDS = (
    "StartServiceCtrlDispatcher",
    "ServiceProcess",
    "winsvc",
    "win32serviceutil",
    "servicemanager",
)


class Gatherer:
    """Gathers the facts about one service; each group fails by itself.

    Args:
        manager: The SCM.
        name: Key name.
        system: This Windows, or why it can tell nothing.
        import_target: Whether to import the service's code here; ``None``: if
            nobody but administrators and the present user may change it.
    """

    def __init__(
        self,
        manager: ServiceManager,
        name: str,
        system: System | str,
        import_target: bool | None,
    ) -> None:
        self._manager = manager
        self._name = name
        self._system = system
        self._import_target = import_target
        self._unknown: dict[str, str] = {}

    def gather(self) -> Facts:
        """Return the facts.

        Raises:
            ServiceError: There is no such service, or its status may not be read.
        """
        with self._manager.open(self._name) as handle:
            status = handle.status()
            config, line = ServiceConfig.unchecked(name=self._name), ""
            with self._group("config"):
                config, line = handle.config(), handle.command_line()
        found: dict[str, Any] = {"status": status, "config": config}
        if "config" in self._unknown:
            for group in _OF_CONFIG:
                self._unknown[group] = self._unknown["config"]
        else:
            found |= self._from_scm(config, line)
        found["command"] = read_command(line, line)
        with self._group("source"):
            backend = self._manager._backend  # noqa: SLF001 - one package
            found["message_file"] = backend.event_source(self._name)
        if isinstance(self._system, str):
            for group in ("deletion", "files", "security", "probe"):
                self._unknown[group] = self._system
            found["has_message_file"] = None
        else:
            found |= self._from_system(self._system, config, line, found)
        with self._group("events"):
            found["events"] = scm_events(self._manager, self._name, config)
        return Facts(name=self._name, unknown=self._unknown, **found)

    @contextmanager
    def _group(self, *groups: str) -> Iterator[None]:
        """Say of these groups of facts why they are not known, if that fails."""
        try:
            yield
        except (OSError, ValueError) as error:
            for group in groups:
                self._unknown.setdefault(group, str(error))

    # --- the SCM --------------------------------------------------------------

    def _from_scm(self, config: ServiceConfig, line: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        with self._group("dependencies"):
            names = distinct(config.dependencies or ())
            found["dependencies"] = tuple(look_up(self._manager, one) for one in names)
        with self._group("circle"):
            found["circle"] = find_circle(
                self._name, lambda one: needs_of(self._manager, one)
            )
        with self._group("sharers"):
            if config.service_type and config.service_type & ServiceType.SHARE_PROCESS:
                found["sharers"] = tuple(self._sharers(line))
        with self._group("account"):
            found["account_sid"] = self._sid_of(config.account or LOCAL_SYSTEM)
        with self._group("logon_right"):
            found["has_logon_right"] = self._has_logon_right(config.account)
        return found

    def _sharers(self, line: str) -> Iterator[tuple[str, str]]:
        for info in self._manager.list():
            if not info.status.type & ServiceType.SHARE_PROCESS:
                continue
            if info.name.upper() == self._name.upper():
                continue
            with self._manager.open(info.name) as handle:
                if handle.command_line() == line:
                    yield info.name, handle.config().account or LOCAL_SYSTEM

    def _sid_of(self, account: str) -> str | None:
        if account in _BUILT_IN:
            return _BUILT_IN[account]
        if account.startswith("NT SERVICE\\"):
            return service_sid(account.partition("\\")[2])
        backend = self._manager._backend  # noqa: SLF001
        try:
            return backend.account_sid(backend.machine, account)
        except OSError as error:
            if getattr(error, "winerror", None) == ERROR_NONE_MAPPED:
                return None
            raise

    def _has_logon_right(self, account: str | None) -> bool:
        if account is None or not needs_logon_right(account):
            return True
        backend = self._manager._backend  # noqa: SLF001
        return backend.logon_right_held(backend.machine, account)

    # --- this computer ---------------------------------------------------------

    def _from_system(
        self, system: System, config: ServiceConfig, line: str, known: dict[str, Any]
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        with self._group("deletion"):
            found["is_deleted"] = system.is_deleted(self._name)
        if message_file := known.get("message_file"):
            path = _expand(message_file, system.my_variables()).partition(";")[0]
            with self._group("source"):
                found["has_message_file"] = system.is_file(path)
        if "config" in self._unknown:
            self._unknown["security"] = self._unknown["config"]
            return found
        with self._group("files", "security", "probe"):
            variables = probe.service_variables(
                system.machine_variables(),
                config.environment or {},
                system.my_variables(),
                config.account or LOCAL_SYSTEM,
            )
            expanded = _expand(line, variables)
            tries = tries_of(expanded)
            command = read_command(
                line, expanded, tuple(each for each in tries if system.is_file(each))
            )
            found |= {"command": command, "variables": variables}
            found["rivals"] = tuple(
                each for each in command.tries if system.is_file(each)
            )
            if not ntpath.isabs(command.program):
                msg = "its command line names the program without its full path"
                raise ValueError(msg)
            user_site = (config.account or LOCAL_SYSTEM) == LOCAL_SYSTEM
            found |= self._from_files(system, command, variables, user_site)
            found["my_sid"] = system.my_sid()
            self._probe(system, found, user_site)
        return found

    def _from_files(
        self,
        system: System,
        command: Command,
        variables: dict[str, str],
        user_site: bool,
    ) -> dict[str, Any]:
        found: dict[str, Any] = {"system_machine": system.native_machine()}
        if system.is_file(command.program):
            header = system.read(command.program, _PE_HEADER)
            found["machine"] = pe.machine_of(header)
        found["service_word"] = _service_word(system, command)
        venv = _venv_of(system, command.program) if command.is_python else None
        found["venv"] = venv
        spots = places_of(command, venv, variables, system, user_site=user_site)
        found["places"] = tuple(self._place(system, each) for each in spots)
        log_file = command.log_file or _default_log(self._name, command, venv)
        if log_file:
            found |= log_facts(system, log_file)
            is_there = found["has_log_file"]
            place = log_file if is_there else nearest_folder(system, log_file)
            found["log_place"] = place
            if is_there or place != log_file:
                with self._group("log rights"):
                    found["log_security"] = system.security(place)
        return found

    def _place(self, system: System, spot: Spot) -> Place:
        role, path, is_folder = spot
        is_there = system.is_folder(path) if is_folder else system.is_file(path)
        security, asked = None, path
        if not is_there and role in _SEARCHED:
            asked = nearest_folder(system, path)
        if is_there or asked != path:
            with self._group("security"):
                security = system.security(asked)
        return Place(
            role=role,
            path=path,
            is_there=is_there,
            is_folder=is_folder,
            security=security,
            is_remote=system.is_remote(path),
        )

    def _probe(self, system: System, found: dict[str, Any], user_site: bool) -> None:
        """Import the targets, or say why that is not done."""
        command, venv = found["command"], found["venv"]
        if not command.targets:
            return
        is_sound = pe.can_run(found["system_machine"], found.get("machine", 0))
        files = [each for each in found["places"] if each.role == SERVICE_FILE]
        if not found.get("machine") or not is_sound or (venv and not venv.has_home):
            self._unknown["probe"] = "its Python cannot be run, as said elsewhere"
        elif not all(each.is_there for each in files):
            self._unknown["probe"] = "its file is not there, as said elsewhere"
        elif self._import_target is False:
            self._unknown["probe"] = "it was not asked for"
        elif self._import_target is None and (risk := self._risk(found)):
            self._unknown["probe"] = (
                f"{risk}, and what is imported here runs with your rights: mend that "
                "first, or import it yourself with `debug`"
            )
        else:
            with self._group("probe"):
                found["probe"] = probe.import_targets(
                    command, found["variables"], system.run, user_site=user_site
                )

    def _risk(self, found: dict[str, Any]) -> str:
        """Return why importing the code would not be safe."""
        if "security" in self._unknown:
            return f"who may change its code is not known ({self._unknown['security']})"
        safe = acl.TRUSTED | {found["my_sid"]}
        for place in found["places"]:
            for sid in acl.writers(place.security, safe) if place.security else ():
                may = "change" if place.is_there else "create"
                return f"{acl.name_of(sid)} may {may} {place.path}"
        return ""


def _service_word(system: System, command: Command) -> str | None:
    """Return what shows that a program or script is a service's (A-41)."""
    file = {"program": command.program, "script": "".join(command.targets)}.get(
        command.kind, ""
    )
    if not ntpath.isabs(file) or not system.is_file(file):
        return None
    data = system.read(file, _PROGRAM_SIZE)
    return next((word for word in _SERVICE_WORDS if word.encode() in data), "")


def _expand(text: str, variables: Any) -> str:
    upper = {name.upper(): value for name, value in variables.items()}
    replace: Callable[[re.Match[str]], str] = lambda match: upper.get(  # noqa: E731
        match[1].upper(), match[0]
    )
    return VARIABLE.sub(replace, text)


def _venv_of(system: System, program: str) -> Venv | None:
    """Return the virtual environment that a Python belongs to, by PEP 405."""
    folder = ntpath.dirname(program)
    for place in (folder, ntpath.dirname(folder)):
        file = ntpath.join(place, "pyvenv.cfg")
        if not system.is_file(file):
            continue
        home, has_base_packages = "", False
        text = system.read(file, _CONFIG_SIZE).decode("utf-8-sig", "replace")
        for line in text.splitlines():
            key, _, value = line.partition("=")
            match key.strip().lower():
                case "home":
                    home = value.strip()
                case "include-system-site-packages":
                    has_base_packages = value.strip().lower() == "true"
        python = ntpath.join(home, ntpath.basename(program))
        has_home = system.is_file(python) or system.is_file(
            ntpath.join(home, "python.exe")
        )
        return Venv(
            folder=place,
            home=home,
            has_home=bool(home) and has_home,
            has_base_packages=has_base_packages,
        )
    if system.is_file(ntpath.join(folder, "activate.bat")):
        return Venv(folder=ntpath.dirname(folder), is_whole=False, has_home=False)
    return None


def _default_log(name: str, command: Command, venv: Venv | None) -> str:
    if command.kind == "host":
        folder = venv.folder if venv else ntpath.dirname(command.program)
    elif command.kind == "script":
        folder = ntpath.dirname(command.targets[0])
    else:
        return ""
    return default_log_file(name, folder)
