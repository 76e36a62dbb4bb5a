"""The commands that install, configure and remove services."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from winsvc.answers import DONE, tell
from winsvc.changes import plain, show_value
from winsvc.errors import ServiceExists
from winsvc.install import create_all, recommended, recommended_names
from winsvc.passwords import read_password
from winsvc.states import State
from winsvc.tables import print_table
from winsvc.wanted import wanted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from winsvc.changes import Changes
    from winsvc.commands import Commands
    from winsvc.config import ServiceConfig
    from winsvc.manager import ServiceManager


# --- install -------------------------------------------------------------------------


def install(commands: Commands, options: argparse.Namespace) -> int:
    """Create services, with what a good administrator would set."""
    if not commands.services:
        _name_what_to_install(commands, options)
    asked = wanted(commands, options)
    configs = asked.configs
    if not options.dry_run:
        configs = tuple(_with_password(commands, options, each) for each in configs)
    with commands.open(options) as manager:
        plans = [_plan_new(manager, config) for config in configs]
        if not options.dry_run:
            found = zip(configs, plans, strict=True)
            create_all(manager, [_supported(*each) for each in found])
    fields = {"services": [each.as_dict() for each in plans]}
    text = _text(plans, "would be created")
    if not options.dry_run:
        text = _text_of_install(configs, plans, asked.log_file)
    tell(options, fields | {"log_file": asked.log_file}, text)
    return DONE


def _name_what_to_install(commands: Commands, options: argparse.Namespace) -> None:
    """With a file the words are the name of a service in it, else targets."""
    if options.source is not None:
        _take_name(commands, options, options.targets)
        options.targets = []
    elif not options.targets:
        commands.wrong_usage("write a TARGET, or --from FILE")


def _take_name(
    commands: Commands, options: argparse.Namespace, words: Sequence[str]
) -> None:
    names = [*words, *([options.name] if options.name else [])]
    if len(names) > 1:
        commands.wrong_usage(f"one service at a time, not {', '.join(names)}")
    options.name = names[0] if names else None


def _plan_new(manager: ServiceManager, config: ServiceConfig) -> Changes:
    """Return what creating a service comes to, with what is recommended."""
    plan = manager.plan(
        recommended(config), if_supported=recommended_names(config)
    )
    if not plan.is_new:
        raise ServiceExists(operation="create", service=config.name)
    return plan


def _supported(config: ServiceConfig, plan: Changes) -> ServiceConfig:
    """Return what this system can have of what is recommended."""
    left_out: dict[str, Any] = dict.fromkeys(plan.left_out)
    return dataclasses.replace(recommended(config), **left_out)


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
    return "\n".join([*lines, *_left_out(plans[0])])


# --- plan and apply ------------------------------------------------------------------


def plan(commands: Commands, options: argparse.Namespace) -> int:
    """Tell what ``apply`` would change."""
    configs = _configs_to_apply(commands, options)
    with commands.open(options) as manager:
        plans = [manager.plan(*_complete(manager, each)) for each in configs]
    fields = {"services": [each.as_dict() for each in plans]}
    tell(options, fields, _text(plans, "would be created", "would be changed"))
    return DONE


def apply(commands: Commands, options: argparse.Namespace) -> int:
    """Create services, or change only what differs."""
    configs = _configs_to_apply(commands, options)
    done = []
    with commands.open(options) as manager:
        for each in configs:
            config, optional = _complete(manager, each)
            ...
    return DONE
