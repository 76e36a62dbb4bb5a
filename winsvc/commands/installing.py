"""The command that creates services, with what a good administrator would set."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from winsvc.commands.answers import DONE, tell
from winsvc.commands.configuring import (
    as_new,
    check_triggers,
    take_name,
    told,
    told_left_out,
    warn_of_lockout,
    with_password,
)
from winsvc.commands.passwords import Passwords
from winsvc.commands.wanted import wanted
from winsvc.errors import ServiceExists
from winsvc.install import create_all, explicit, recommended, recommended_names
from winsvc.manage.changes import LOGON_RIGHT

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from winsvc.commands import Commands
    from winsvc.manage.changes import Changes
    from winsvc.manage.manager import ServiceManager
    from winsvc.settings.config import ServiceConfig


def install(commands: Commands, options: argparse.Namespace) -> int:
    """Create services, with what a good administrator would set."""
    if not commands.services:
        _name_what_to_install(commands, options)
    asked = wanted(commands, options)
    check_triggers(options, asked.configs)
    configs = tuple(as_new(options, config) for config in asked.configs)
    if not options.dry_run:
        passwords = Passwords(options)
        configs = tuple(with_password(passwords, config) for config in configs)
    warn_of_lockout(configs)
    is_here = options.machine is None
    with commands.open(options) as manager:
        if not options.dry_run:
            for config in configs:
                manager.wait_removed(config.name)
        plans = [_plan_new(manager, config, is_here=is_here) for config in configs]
        if not options.dry_run:
            create_all(
                manager,
                [
                    _supported(recommended(config, is_here=is_here), plan)
                    for config, plan in zip(configs, plans, strict=True)
                ],
            )
    fields = {"services": [each.as_dict() for each in plans]}
    text = told(plans, "would be created")
    if not options.dry_run:
        text = _text_of_install(configs, plans, asked.log_file)
    tell(options, fields | {"log_file": asked.log_file}, text)
    return DONE


def _name_what_to_install(commands: Commands, options: argparse.Namespace) -> None:
    """With a file the words are the name of a service in it, else targets."""
    if options.source is not None:
        take_name(commands, options, options.targets)
        options.targets = []
    elif not options.targets:
        commands.wrong_usage("write a TARGET, or --from FILE")


def _plan_new(
    manager: ServiceManager, config: ServiceConfig, *, is_here: bool
) -> Changes:
    """Return what creating a service comes to, with what is recommended."""
    names = recommended_names(config, is_here=is_here)
    whole = explicit(recommended(config, is_here=is_here))
    plan = manager.plan(whole, if_supported=names)
    if not plan.is_new:
        raise ServiceExists(operation="create", service=config.name)
    return plan


def _supported(config: ServiceConfig, plan: Changes) -> ServiceConfig:
    """Return what this system can have of a configuration."""
    left_out: dict[str, Any] = dict.fromkeys(plan.left_out)
    return dataclasses.replace(config, **left_out)


def _text_of_install(
    configs: Sequence[ServiceConfig], plans: Sequence[Changes], log_file: str | None
) -> str:
    line = configs[0].command_line
    if len(configs) == 1:
        lines = [f"{configs[0].name} is installed; it runs {line}"]
    else:
        names = ", ".join(config.name for config in configs)
        lines = [f"{names} are installed; they run in one process {line}"]
    if log_file is not None:
        lines.append(f"Its log: {log_file}")
    granted = [
        str(change)
        for each in plans
        for change in each.changes
        if change.setting == LOGON_RIGHT
    ]
    notes = [note for each in plans for note in each.notes]
    lines += dict.fromkeys([*granted, *notes])  # one for all of the same account
    return "\n".join([*lines, *told_left_out(plans[0])])
