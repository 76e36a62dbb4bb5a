"""The one table of settings: what each is called, everywhere that it has a name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from winsvc.settings import text
from winsvc.settings.levels import Level
from winsvc.settings.trigger_text import parse_trigger

CREATE = "CreateService"
CHANGE = "ChangeServiceConfig"
SECURITY = "SetServiceObjectSecurity"
REGISTRY = "registry"
_ON_WINE = (Level.DESCRIPTION, Level.PRESHUTDOWN)  # H-20


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    r"""One setting of ``ServiceConfig``.

    Attributes:
        name: The attribute's name.
        options: Its options on the command line.
        keys: Its keys in TOML, with a dot before those of an inner table.
        call: What sets it: ``ChangeServiceConfig``, ``level N`` of
            ``ChangeServiceConfig2``, ``SetServiceObjectSecurity``, ``registry``.
        level: That level, or None.
        registry: Where the registry has it, below ``…\Services\NAME`` (E-74, E-61).
        missing_on_wine: Rule of part H for what Wine does not let read back, or "".
        parse: Returns the value of an option's text; None where the text itself
            is it.  ``start_type`` gets a dict of two settings, ``environment`` one
            variable, ``triggers`` one trigger, ``failure_actions`` the actions.
    """

    name: str
    options: tuple[str, ...]
    keys: tuple[str, ...]
    call: str
    registry: str
    level: Level | None = None
    missing_on_wine: str = ""
    parse: Callable[[str], Any] | None = None


def _config(name: str, option: str, key: str, registry: str, **more: Any) -> Setting:
    """Return one of ChangeServiceConfig's."""
    return Setting(
        name=name,
        options=(option,),
        keys=(key,),
        call=CHANGE,
        registry=registry,
        **more,
    )


def _level(
    level: Level,
    name: str,
    options: str,
    keys: str,
    registry: str,
    parse: Callable[[str], Any] | None = None,
) -> Setting:
    """Return one of ChangeServiceConfig2's; options and keys apart by blanks."""
    return Setting(
        name=name,
        options=tuple(options.split()),
        keys=tuple(keys.split()),
        call=f"level {level.value}",
        registry=registry,
        level=level,
        missing_on_wine="" if level in _ON_WINE else "H-20",
        parse=parse,
    )


SETTINGS = (
    Setting(
        name="name",
        options=("--name",),
        keys=("name",),
        call=CREATE,
        registry="the key's name",
    ),
    _config("command", "TARGET", "command", "ImagePath"),
    _config("display_name", "--display-name", "display-name", "DisplayName"),
    _level(
        Level.DESCRIPTION, "description", "--description", "description", "Description"
    ),
    _config("start_type", "--start-type", "start", "Start", parse=text.parse_start),
    _level(
        Level.DELAYED_AUTO_START,
        "delayed",
        "--start-type",
        "start delayed",
        "DelayedAutostart",
    ),
    _config("service_type", "--type", "type", "Type", parse=text.parse_type),
    _config(
        "error_control",
        "--error-control",
        "error-control",
        "ErrorControl",
        parse=text.parse_error_control,
    ),
    _config("group", "--group", "group", "Group"),
    _config(
        "dependencies",
        "--depends",
        "dependencies",
        "DependOnService, DependOnGroup",
        missing_on_wine="H-6",
    ),
    _config("account", "--account", "account", "ObjectName"),
    Setting(
        name="password",
        options=("--password-stdin", "--password-fd"),
        keys=(),
        call=CHANGE,
        registry="none: a secret of the LSA",
        missing_on_wine="H-29",
    ),
    _level(
        Level.FAILURE_ACTIONS,
        "failure_actions",
        "--on-failure --reset-after --failure-command --reboot-message",
        "failure-actions.actions failure-actions.reset-period failure-actions.command "
        "failure-actions.reboot-message",
        "FailureActions, FailureCommand, RebootMessage",
        text.parse_on_failure,
    ),
    _level(
        Level.FAILURE_ACTIONS_FLAG,
        "failure_actions_on_error",
        "--fail-on-error --no-fail-on-error",
        "failure-actions.on-error",
        "FailureActionsOnNonCrashFailures",
    ),
    _level(
        Level.SERVICE_SID,
        "sid_type",
        "--sid-type",
        "sid-type",
        "ServiceSidType",
        text.parse_sid_type,
    ),
    _level(
        Level.REQUIRED_PRIVILEGES,
        "required_privileges",
        "--privilege",
        "required-privileges",
        "RequiredPrivileges",
    ),
    _level(
        Level.PRESHUTDOWN,
        "preshutdown_timeout",
        "--preshutdown-timeout",
        "preshutdown-timeout",
        "PreshutdownTimeout",
        text.parse_seconds,
    ),
    _level(
        Level.TRIGGERS,
        "triggers",
        "--trigger",
        "triggers",
        "TriggerInfo",
        parse_trigger,
    ),
    _level(
        Level.PREFERRED_NODE,
        "preferred_node",
        "--preferred-node",
        "preferred-node",
        "PreferredNode",
        text.parse_node,
    ),
    _level(
        Level.LAUNCH_PROTECTED,
        "launch_protection",
        "--launch-protection",
        "launch-protection",
        "LaunchProtected",
        text.parse_launch_protection,
    ),
    Setting(
        name="environment",
        options=("--env",),
        keys=("environment",),
        call=REGISTRY,
        registry="Environment",
        parse=text.parse_variable,
    ),
    Setting(
        name="security",
        options=("--security",),
        keys=("security",),
        call=SECURITY,
        registry=r"Security\Security",
        missing_on_wine="H-30",
    ),
    Setting(
        name="event_source",
        options=("--event-source", "--no-event-source"),
        keys=("event-source",),
        call=REGISTRY,
        registry=r"…\Services\EventLog\Application\NAME (G-1)",
    ),
)
"""Every setting, in the order of ``ServiceConfig``'s attributes."""

SETTING_BY_NAME = {setting.name: setting for setting in SETTINGS}
SETTING_BY_LEVEL = {
    setting.level: setting for setting in SETTINGS if setting.level is not None
}
