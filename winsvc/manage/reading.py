"""What the SCM and the registry have of a service's settings.

The values are those of ``ServiceConfig``, but for ``command``, which is one line
here, and ``event_source``, which is the message file: what can be compared and
set back exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from winsvc.errors import ServiceError
from winsvc.manage import rights
from winsvc.manage.backend import Backend, Handles, NotKeptError
from winsvc.manage.registry import is_ours
from winsvc.manage.security import dacl_of
from winsvc.settings.accounts import normalize_account
from winsvc.settings.command_line import split_image_path
from winsvc.settings.config import ServiceConfig
from winsvc.settings.levels import Level, unpack
from winsvc.settings.values import NO_NODE, Environment, ErrorControl
from winsvc.states import ServiceType, StartType
from winsvc.winerror import (
    ERROR_ACCESS_DENIED,
    ERROR_BAD_NET_NAME,
    ERROR_BAD_NETPATH,
    ERROR_CALL_NOT_IMPLEMENTED,
    ERROR_FILE_NOT_FOUND,
    ERROR_INVALID_LEVEL,
    ERROR_INVALID_PARAMETER,
    ERROR_NOT_FOUND,
    ERROR_NOT_SUPPORTED,
    RPC_S_SERVER_UNAVAILABLE,
)

BASIC = (
    "service_type",
    "start_type",
    "error_control",
    "command",
    "group",
    "dependencies",
    "account",
    "display_name",
)
"""What QueryServiceConfig has and one ChangeServiceConfig sets."""

LEVELS: dict[str, Level] = {
    "description": Level.DESCRIPTION,
    "failure_actions": Level.FAILURE_ACTIONS,
    "delayed": Level.DELAYED_AUTO_START,
    "failure_actions_on_error": Level.FAILURE_ACTIONS_FLAG,
    "sid_type": Level.SERVICE_SID,
    "required_privileges": Level.REQUIRED_PRIVILEGES,
    "preshutdown_timeout": Level.PRESHUTDOWN,
    "triggers": Level.TRIGGERS,
    "preferred_node": Level.PREFERRED_NODE,
    "launch_protection": Level.LAUNCH_PROTECTED,
}
"""What has a level of QueryServiceConfig2 to itself (E.7)."""

ALL = (*BASIC, *LEVELS, "environment", "event_source", "security")

NOT_KNOWN = frozenset(
    (ERROR_NOT_SUPPORTED, ERROR_CALL_NOT_IMPLEMENTED, ERROR_INVALID_LEVEL)
)
"""This system has no such level, or no such function (H-20)."""

# The registry of another computer is a service that mostly does not run.
_NO_REGISTRY = NOT_KNOWN | {
    ERROR_FILE_NOT_FOUND,
    ERROR_ACCESS_DENIED,
    ERROR_BAD_NETPATH,
    ERROR_BAD_NET_NAME,
    RPC_S_SERVER_UNAVAILABLE,
}
# Level 9 of a service that has no preferred node.
_NO_PREFERENCE = frozenset(
    (ERROR_FILE_NOT_FOUND, ERROR_INVALID_PARAMETER, ERROR_NOT_FOUND)
)


class Reader:
    """Reads a service's settings.

    Args:
        backend: The SCM.
        name: The service's key name.
        handles: Its handles; reading adds those that it needs.

    Attributes:
        missing: Settings that could not be read since this system has no such
            thing, or since the caller may not; and why.
    """

    def __init__(self, backend: Backend, name: str, handles: Handles) -> None:
        self._backend = backend
        self._name = name
        self._handles = handles
        self.missing: dict[str, OSError] = {}

    def read(self, settings: Iterable[str]) -> dict[str, Any]:
        """Return these settings' values, without those that are missing.

        Raises:
            OSError: They cannot be read for another reason.
        """
        wanted = set(settings)
        found: dict[str, Any] = {}
        if not wanted.isdisjoint(BASIC):
            found |= {
                name: value for name, value in self._basic().items() if name in wanted
            }
        for name in LEVELS:
            if name in wanted:
                self._try(found, name, self._level, NOT_KNOWN)
        if "environment" in wanted:
            self._try(found, "environment", self._environment, _NO_REGISTRY)
        if "event_source" in wanted:
            self._try(found, "event_source", self._event_source, _NO_REGISTRY)
        if "security" in wanted:
            codes = NOT_KNOWN | {ERROR_ACCESS_DENIED}
            self._try(found, "security", self._security, codes)
        return found

    def config(self) -> ServiceConfig:
        """Return all that can be read as a configuration.

        Raises:
            OSError: It cannot be read.
        """
        found = self.read(ALL)
        found["command"] = split_image_path(found["command"])
        if "environment" in found:
            found["environment"] = Environment.from_lines(found["environment"] or ())
        if "event_source" in found:
            ours = self._backend.message_file()
            found["event_source"] = is_ours(found["event_source"], ours)
        return ServiceConfig.unchecked(name=self._name, **found)

    def _try(
        self,
        found: dict[str, Any],
        setting: str,
        read: Callable[[str], Any],
        codes: frozenset[int],
    ) -> None:
        try:
            found[setting] = read(setting)
        except OSError as error:
            if getattr(error, "winerror", None) not in codes:
                raise
            self.missing[setting] = error

    def _basic(self) -> dict[str, Any]:
        handle = self._handles.get(rights.QUERY_CONFIG)
        kind, start, error, line, group, _, dependencies, account, display = (
            self._backend.service_config(handle)
        )
        return {
            "service_type": ServiceType(kind),
            "start_type": StartType(start),
            "error_control": ErrorControl(error),
            "command": line,
            "group": group,
            "dependencies": dependencies or self._backend.dependencies(self._name),
            "account": normalize_account(account),
            "display_name": display or self._name,
        }

    def _level(self, setting: str) -> Any:
        level = LEVELS[setting]
        try:
            handle = self._handles.get(rights.QUERY_CONFIG)
            image, base = self._backend.service_config2(handle, level)
        except OSError as error:
            code = getattr(error, "winerror", None)
            if level is Level.PREFERRED_NODE and code in _NO_PREFERENCE:
                return NO_NODE
            raise
        try:
            return unpack(level, image, base)
        except ValueError as error:
            raise ServiceError(
                operation=f"read {setting.replace('_', ' ')} of",
                service=self._name,
                winerror=13,
                detail=str(error),
            ) from error

    def _environment(self, _: str) -> tuple[str, ...] | None:
        return self._backend.environment(self._name)

    def _event_source(self, _: str) -> str | None:
        return self._backend.event_source(self._name)

    def _security(self, _: str) -> str | None:
        handle = self._handles.get(rights.READ_CONTROL)
        sddl = self._backend.service_security(handle)
        if not sddl.startswith("O:"):
            raise NotKeptError  # every service has an owner; Wine's have none (H-30)
        return dacl_of(sddl)
