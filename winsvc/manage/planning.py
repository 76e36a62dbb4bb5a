"""From a configuration to what has to change in a service."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, fields
from itertools import chain
from typing import Any

from winsvc.errors import ServiceError, service_error
from winsvc.manage.backend import Backend, Handles, reported
from winsvc.manage.changes import HIDDEN, LOGON_RIGHT, Change, Changes
from winsvc.manage.logon_right import account_to_look_at, lacks_right
from winsvc.manage.reading import ALL, BASIC, LEVELS, NOT_KNOWN, Reader
from winsvc.manage.registry import is_ours
from winsvc.manage.security import same_dacl
from winsvc.settings.accounts import LOCAL_SYSTEM, normalize_account
from winsvc.settings.command_line import is_safe_line, split_image_path
from winsvc.settings.config import ServiceConfig
from winsvc.settings.config_checks import conflicts_of
from winsvc.settings.levels import Level, pack, unpack
from winsvc.settings.values import (
    NO_NODE,
    Environment,
    FailureActions,
    LaunchProtection,
    SidType,
)
from winsvc.shared import misfit
from winsvc.states import ServiceType, StartType
from winsvc.winerror import ERROR_ALREADY_EXISTS

# What a service has that has just been created; the rest is set in any case.
_DEFAULTS: dict[str, Any] = {
    "description": "",
    "failure_actions": FailureActions(),
    "delayed": False,
    "failure_actions_on_error": False,
    "sid_type": SidType.NONE,
    "required_privileges": (),
    "triggers": (),
    "preferred_node": NO_NODE,
    "launch_protection": LaunchProtection.NONE,
    "environment": None,
}

# What the SCM refuses together (E-49d, E-43, E-8): one may be there already.
_CONFLICTING = (
    ("delayed", "group"),
    ("preferred_node", "service_type"),
    ("account", "service_type"),
    ("command", "service_type"),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying a configuration comes to.

    Attributes:
        changes: What it changes.
        old: What the settings are now; for a new service, the defaults.
        new: What those that change are to be.
        password: The password to be set.
        grantee: The account that gets the right to log on as a service.
    """

    changes: Changes
    old: dict[str, Any] = field(repr=False)  # variables may be secrets
    new: dict[str, Any] = field(repr=False)
    password: str | None = field(repr=False)
    grantee: str | None = None


class Planner:
    """Compares a configuration with what there is.

    Args:
        backend: The SCM.
        config: The configuration.
        optional: Settings to be left out where the system does not know them,
            ``event_source`` also where it is somebody else's.
    """

    def __init__(
        self,
        backend: Backend,
        config: ServiceConfig,
        optional: frozenset[str] = frozenset(),
    ) -> None:
        self._backend = backend
        self._config = config
        self._optional = optional
        self._wanted = _wanted(config, backend)

    def for_existing(self, handles: Handles) -> Plan:
        """Return the plan for a service that is there.

        Raises:
            ServiceError: Its settings cannot be read, or this system does not
                know one of them.
            ValueError: What is wanted does not fit what it has.
        """
        name = self._config.name
        reader = Reader(self._backend, name, handles)
        wanted = set(self._wanted)
        # Wine erases dependencies that are not given anew (H-46).
        needed = wanted | {"dependencies", "account"} if wanted & {*BASIC} else wanted
        if self._config.password is not None:
            needed = needed | {"dependencies", "account"}
        if "delayed" in wanted:
            needed = needed | {"start_type"}
        beside = set().union(*(each for each in _CONFLICTING if wanted & set(each)))
        with reported("read the settings of", name):
            old = reader.read(needed | beside)
        missing = {
            setting: error
            for setting, error in reader.missing.items()
            if setting in needed
        }
        left_out = self._left_out(missing) | self._taken(old)
        self._check_conflicts(old | {each: self._wanted[each] for each in wanted})
        new = {
            setting: value
            for setting, value in self._wanted.items()
            if setting in old
            and setting not in left_out
            and not self._is_same(setting, old[setting], value)
        }
        if "delayed" in new and self._is_idle(old["start_type"]):
            del new["delayed"]
        return self._plan(old, new, left_out, is_new=False)

    def for_new(self, probes: Iterable[Callable[[], Handles]]) -> Plan:
        """Return the plan for a service that is not there.

        Args:
            probes: Return the handles of services that are: only of one can be
                asked which settings this system knows.  The first that can be
                read serves.

        Raises:
            ServiceError: This system does not know one of the settings.
            ValueError: There is no command.
        """
        name = self._config.name
        if self._config.command is None:
            msg = f"service {name!r}: command is missing; say what it runs"
            raise ValueError(msg)
        kind = self._wanted.get("service_type", ServiceType.OWN_PROCESS)
        self._check_host(self._wanted["command"], kind)
        left_out = self._left_out(self._probe(probes))
        old: dict[str, Any] = dict(_DEFAULTS)
        if "event_source" in self._wanted:
            with reported("read the event source of", name):
                old["event_source"] = self._backend.event_source(name)
        left_out |= self._taken(old)
        new = {
            setting: value
            for setting, value in self._wanted.items()
            if setting not in left_out
            and not (setting in old and self._is_same(setting, old[setting], value))
        }
        return self._plan(old, new, left_out, is_new=True)

    def _is_idle(self, start_type: StartType) -> bool:
        """Tell whether the mark of a delayed start has no effect, and may stay.

        The words for other starts than AUTO say that they are not delayed; a service
        that was delayed before keeps the mark all the same (E-49d).  In a group it
        must not be (E-43).
        """
        starts = (start_type, self._wanted.get("start_type", StartType.AUTO))
        return StartType.AUTO not in starts and not self._wanted.get("group")

    def _plan(
        self,
        old: dict[str, Any],
        new: dict[str, Any],
        left_out: Collection[str],
        *,
        is_new: bool,
    ) -> Plan:
        password = self._config.password
        grantee, notes = self._grantee(old, new)
        changes = []
        for setting in (each.name for each in fields(ServiceConfig)):
            if setting in new:
                before = None if is_new else _shown(setting, old[setting])
                changes.append(Change(setting, before, _shown(setting, new[setting])))
            elif setting == "password" and password is not None:
                changes.append(Change(setting, None, HIDDEN))
            if setting == "account" and grantee is not None:
                changes.append(Change(LOGON_RIGHT, None, grantee))
        ordered = tuple(each for each in ALL if each in left_out)
        name = self._config.name
        told = Changes(name, is_new, tuple(changes), ordered, notes)
        return Plan(told, old, new, password, grantee)

    def _grantee(
        self, old: dict[str, Any], new: dict[str, Any]
    ) -> tuple[str | None, tuple[str, ...]]:
        """Return who gets the right to log on as a service, and notes on that."""
        account = account_to_look_at(
            self._config.account,
            old.get("account"),
            is_set="account" in new,
            has_password=self._config.password is not None,
        )
        if account is None:
            return None, ()
        lacks, note = lacks_right(self._backend, account)
        return account if lacks else None, () if note is None else (note,)

    def _check_conflicts(self, settings: dict[str, Any]) -> None:
        """Refuse what would not fit what the service has already."""
        kinds = {each: settings.get(each) for each in chain(*_CONFLICTING)}
        merged = ServiceConfig.unchecked(name=self._config.name, **kinds)
        for setting, problem in conflicts_of(merged):
            raise ValueError(f"service {merged.name!r}: {setting} {problem}")
        self._check_host(settings.get("command"), settings.get("service_type"))

    def _check_host(self, line: str | None, kind: ServiceType | None) -> None:
        """Refuse a command and a type by which another service would run, or none."""
        if line is None or kind is None:
            return
        if problem := misfit(self._config.name, split_image_path(line), kind):
            raise ValueError(f"service {self._config.name!r}: its command {problem}")

    def _taken(self, old: dict[str, Any]) -> set[str]:
        """Return the event source's name if it is somebody else's and may be left out.

        It is never taken over: where it is wanted in any case that is an error.
        """
        file = old.get("event_source")
        wants = self._wanted.get("event_source") is not None
        if not wants or file is None or is_ours(file, self._backend.message_file()):
            return set()
        if "event_source" in self._optional:
            return {"event_source"}
        raise ServiceError(
            operation="register the event source of",
            service=self._config.name,
            winerror=ERROR_ALREADY_EXISTS,
            detail=f"another program has registered it, with {file}"
            if file
            else "it is another event log, in one, or without a message file",
        )

    def _left_out(self, missing: dict[str, OSError]) -> set[str]:
        """Return those of the missing settings that may be; raise for others."""
        left_out = set()
        for setting, error in missing.items():
            code = getattr(error, "winerror", 0)
            if setting == "delayed" and code in NOT_KNOWN and not self._wanted[setting]:
                continue  # as it is, where no start can be delayed
            if setting in self._optional and code in NOT_KNOWN:
                left_out.add(setting)
                continue
            detail = f"{setting} cannot be set here" if code in NOT_KNOWN else None
            operation = f"read {setting.replace('_', ' ')} of"
            raise service_error(operation, self._config.name, code, detail) from error
        return left_out

    def _probe(self, probes: Iterable[Callable[[], Handles]]) -> dict[str, OSError]:
        """Return which of the settings another service cannot have either."""
        settings = set(self._wanted) & {*LEVELS, "security"}
        if not settings:
            return {}
        for probe in probes:
            handles = probe()
            reader = Reader(self._backend, self._config.name, handles)
            try:
                reader.read(settings)
            except OSError:
                continue  # that one is not for us to see
            finally:
                handles.close()
            return {
                setting: error
                for setting, error in reader.missing.items()
                if getattr(error, "winerror", None) in NOT_KNOWN
            }
        return {}

    def _is_same(self, setting: str, old: Any, new: Any) -> bool:
        if setting == "event_source":
            ours = self._backend.message_file()
            if new is None:  # not ours, not ours to take out
                return not is_ours(old, ours)
            return old is not None and str(old).upper() == str(new).upper()
        if setting == "command":
            return old == new or (
                is_safe_line(old) and split_image_path(old) == split_image_path(new)
            )
        if setting in LEVELS:
            return bool(_as_kept(setting, old) == _as_kept(setting, new))
        if setting == "environment":
            return _variables(old) == _variables(new)
        if setting == "security":
            return old is not None and same_dacl(old, new)
        if setting == "account":
            return _account(old) == _account(new)
        if setting == "group":
            return str(old).upper() == str(new).upper()
        if setting == "dependencies":
            return _names(old) == _names(new)
        return bool(old == new)


def _wanted(config: ServiceConfig, backend: Backend) -> dict[str, Any]:
    """Return what a configuration says, in the form that it is read back in."""
    wanted = {
        setting: value
        for setting in ALL
        if (value := getattr(config, setting)) is not None
    }
    if config.command is not None:
        wanted["command"] = config.command_line
    if config.display_name == "":
        wanted["display_name"] = config.name
    if config.environment is not None:
        lines = Environment(config.environment).lines()
        wanted["environment"] = lines or None
    if config.event_source is not None:
        wanted["event_source"] = backend.message_file() if config.event_source else None
    return wanted


def _as_kept(setting: str, value: Any) -> Any:
    """Return a level's value as it would be read back: in whole ms, say."""
    level = LEVELS[setting]
    if level is Level.REQUIRED_PRIVILEGES:
        return _names(value)
    if level is Level.PREFERRED_NODE:
        return value
    kept = unpack(level, pack(level, value).data, 0)
    if isinstance(kept, FailureActions) and not kept.actions:
        return FailureActions(command=kept.command, reboot_message=kept.reboot_message)
    return kept


def _names(names: Iterable[str]) -> frozenset[str]:
    """Return names to be compared: neither case nor order matters."""
    return frozenset(name.upper() for name in names)


def _variables(lines: Iterable[str] | None) -> dict[str, str]:
    """Return variables to be compared: names in any case are one (I-110)."""
    variables = Environment.from_lines(lines or ())
    return {name.upper(): value for name, value in variables.items()}


def _account(name: str) -> str:
    r"""Return an account to be compared: ``.\me`` is ``THISCOMPUTER\me``."""
    folded = normalize_account(name or LOCAL_SYSTEM).upper()
    domain, backslash, user = folded.partition("\\")
    here = os.environ.get("COMPUTERNAME", "").upper()
    return f".\\{user}" if backslash and here and domain == here else folded


def _shown(setting: str, value: Any) -> Any:
    return Environment.from_lines(value or ()) if setting == "environment" else value
