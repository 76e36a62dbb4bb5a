"""The commands that install, configure and remove services."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from winsvc.commands.answers import DONE, refuse, tell
from winsvc.commands.options import settings_in
from winsvc.commands.passwords import is_given, read_password
from winsvc.commands.tables import print_table
from winsvc.commands.wanted import wanted
from winsvc.errors import ServiceExists, ServiceNotFound
from winsvc.install import create_all, recommended, recommended_names
from winsvc.manage.changes import plain_value, show_value
from winsvc.settings.config import ServiceConfig
from winsvc.settings.toml_writer import to_toml
from winsvc.states import State

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from winsvc.commands import Commands
    from winsvc.manage.changes import Changes
    from winsvc.manage.manager import ServiceManager


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
    plan = manager.plan(recommended(config), if_supported=recommended_names(config))
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
        plans = [_complete(manager, config)[1] for config in configs]
    fields = {"services": [each.as_dict() for each in plans]}
    tell(options, fields, _text(plans, "would be created", "would be changed"))
    return DONE


def apply(commands: Commands, options: argparse.Namespace) -> int:
    """Create services, or change only what differs."""
    return _apply(commands, options, _configs_to_apply(commands, options))


def _apply(
    commands: Commands, options: argparse.Namespace, configs: Sequence[ServiceConfig]
) -> int:
    with commands.open(options) as manager:
        # All are looked at before one is changed, and the passwords asked for.
        found = [_complete(manager, config) for config in configs]
        complete = [
            _with_password(commands, options, _with_account(manager, config))
            if is_given(options) or _is_account_new(plan)
            else config
            for config, plan in found
        ]
        done = [
            manager.apply(config, if_supported=plan.left_out)
            for config, (_, plan) in zip(complete, found, strict=True)
        ]
    fields = {"services": [each.as_dict() for each in done]}
    tell(options, fields, _text(done, "is created", "is changed"))
    return DONE


def _is_account_new(plan: Changes) -> bool:
    return plan.is_new or any(each.setting == "account" for each in plan.changes)


def _with_account(manager: ServiceManager, config: ServiceConfig) -> ServiceConfig:
    """Return a configuration that says whose the password is."""
    if config.account is not None or config.command is not None:
        return config
    with manager.open(config.name) as handle:
        return dataclasses.replace(config, account=handle.config().account)


def _configs_to_apply(
    commands: Commands, options: argparse.Namespace
) -> tuple[ServiceConfig, ...]:
    if not commands.services:
        words = options.words
        if words and words[0].lower().endswith(".toml") and options.source is None:
            options.source, *words = words
        _take_name(commands, options, words)
        if options.name is None and options.source is None and not options.targets:
            commands.wrong_usage("write a FILE.toml, --target TARGET, or a NAME")
    return wanted(commands, options).configs


def _complete(
    manager: ServiceManager, config: ServiceConfig
) -> tuple[ServiceConfig, Changes]:
    """Return a configuration, and what applying it changes.

    A service that is not there is created as ``install`` would; what is there is
    its administrator's, but for what is said.
    """
    if config.command is None:
        manager.open(config.name).close()  # there is nothing to create it with
    names = recommended_names(config)
    try:
        manager.open(config.name).close()
    except ServiceNotFound:
        config = recommended(config)
        return config, manager.plan(config, if_supported=names)
    return config, manager.plan(config)


def _with_password(
    commands: Commands, options: argparse.Namespace, config: ServiceConfig
) -> ServiceConfig:
    try:
        password = read_password(options, config.account)
        return dataclasses.replace(config, password=password)
    except ValueError as error:
        commands.wrong_usage(str(error))


def _text(plans: Sequence[Changes], created: str, changed: str = "") -> str:
    lines = []
    for each in plans:
        if each:
            what = created if each.is_new else changed
            lines.append(f"{each.service} {what}:")
            lines += [f"  {change}" for change in each.changes]
        else:
            lines.append(f"{each.service}: nothing to change")
        lines += _left_out(each)
    return "\n".join(lines)


def _left_out(plan: Changes) -> list[str]:
    if not plan.left_out:
        return []
    names = ", ".join(name.replace("_", " ") for name in plan.left_out)
    return [f"Left out, since this system does not know it: {names}"]


# --- config and remove ---------------------------------------------------------------


def config(commands: Commands, options: argparse.Namespace) -> int:
    """Show a service's settings, or change those that are given."""
    try:
        given = settings_in(options)
        if given or is_given(options):
            change = ServiceConfig(name=options.name, **given)
            return _apply(commands, options, (change,))
    except ValueError as error:
        commands.wrong_usage(str(error))
    with commands.open(options) as manager, manager.open(options.name) as handle:
        found = handle.config()
        line = handle.command_line()
    if options.toml:
        try:
            print(to_toml(found), end="")
        except ValueError as error:  # a driver's
            return refuse(options, str(error))
        return DONE
    values = {
        field.name: getattr(found, field.name)
        for field in dataclasses.fields(found)
        if field.name != "password"
    }
    if options.json:
        fields = {name: plain_value(value) for name, value in values.items()}
        print(json.dumps(fields | {"command_line": line}))
        return DONE
    rows = [
        (name.replace("_", " "), show_value(name, value))
        for name, value in (values | {"command": line}).items()
        if value is not None  # this system does not know it
    ]
    print_table(("SETTING", "VALUE"), rows)
    return DONE


def remove(commands: Commands, options: argparse.Namespace) -> int:
    """Delete a service, and its event source."""
    with commands.open(options) as manager:
        with manager.open(options.name) as handle:
            state = handle.status().state
        manager.remove(options.name)
    if state is State.STOPPED:
        text = f"{options.name} is removed"
    else:
        text = f"{options.name} is {state.name}; once stopped it is removed"
    fields = {"name": options.name, "removed": state is State.STOPPED}
    tell(options, fields | {"state": state.name}, text)
    return DONE
