"""The commands that configure services, by what is wanted of them."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import TYPE_CHECKING

from winsvc.commands.answers import (
    DIFFERENT,
    DONE,
    INTERRUPTED,
    REFUSED,
    Refused,
    refuse,
    tell,
    warn,
)
from winsvc.commands.options import (
    says_failures,
    settings_in,
    wants_trigger,
    with_failures,
)
from winsvc.commands.passwords import Passwords, is_given
from winsvc.commands.tables import print_table
from winsvc.commands.wanted import wanted
from winsvc.errors import (
    ServiceMarkedForDelete,
    ServiceNotFound,
    service_error,
)
from winsvc.install import (
    explicit,
    log_file_in,
    recommended,
    recommended_names,
)
from winsvc.manage.changes import plain_value, show_value
from winsvc.settings.config import ServiceConfig
from winsvc.settings.lockout import is_for_administrators
from winsvc.settings.toml_writer import to_toml

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from winsvc.commands import Commands
    from winsvc.manage.changes import Changes
    from winsvc.manage.manager import ServiceManager

_SOURCE = "event_source"


def take_name(
    commands: Commands, options: argparse.Namespace, words: Sequence[str]
) -> None:
    """Take the one service's name from the words, or from ``--name``."""
    names = [*words, *([options.name] if options.name else [])]
    if len(names) > 1:
        commands.wrong_usage(f"one service at a time, not {', '.join(names)}")
    options.name = names[0] if names else None


def as_new(options: argparse.Namespace, config: ServiceConfig) -> ServiceConfig:
    """Return a new service's, with failure actions from the recommended ones."""
    return with_failures(options, config, recommended(config).failure_actions)


def plan(commands: Commands, options: argparse.Namespace) -> int:
    """Tell what ``apply`` would change."""
    configs = _configs_to_apply(commands, options)
    with commands.open(options) as manager:
        found = [_complete(manager, options, config) for config in configs]
        if is_given(options):
            passwords = Passwords(options)
            found = [
                _planned(
                    manager,
                    with_password(passwords, _with_account(manager, config)),
                    each,
                )
                for config, each in found
            ]
    plans = [each for _, each in found]
    warn_of_lockout(configs)
    fields = {"services": [each.as_dict() for each in plans]}
    tell(options, fields, told(plans, "would be created", "would be changed"))
    return DIFFERENT if options.check and any(plans) else DONE


def apply(commands: Commands, options: argparse.Namespace) -> int:
    """Create services, or change only what differs."""
    return _apply(commands, options, _configs_to_apply(commands, options))


def _apply(
    commands: Commands, options: argparse.Namespace, configs: Sequence[ServiceConfig]
) -> int:
    with commands.open(options) as manager:
        # All are looked at before one is changed, and the passwords asked for.
        try:
            complete = _ready_to_apply(manager, options, configs)
        except KeyboardInterrupt as error:
            text = "interrupted; nothing has been changed"
            raise Refused(text, error, code=INTERRUPTED) from error
        warn_of_lockout(configs)
        done: list[Changes] = []
        try:
            for config, left_out in complete:
                done.append(manager.apply(config, if_supported=left_out))
        except (OSError, ValueError, KeyboardInterrupt) as error:
            names = [config.name for config, _ in complete]
            raise _stopped_halfway(done, names[len(done) :], error) from error
    fields = {"services": [each.as_dict() for each in done]}
    tell(options, fields, told(done, "is created", "is changed"))
    return DONE


def _ready_to_apply(
    manager: ServiceManager,
    options: argparse.Namespace,
    configs: Sequence[ServiceConfig],
) -> list[tuple[ServiceConfig, tuple[str, ...]]]:
    """Return what to apply, passwords included, and what of it is to be left out."""
    passwords = Passwords(options)
    found = [_complete_once_gone(manager, options, each) for each in configs]
    return [
        (
            with_password(passwords, _with_account(manager, config))
            if is_given(options) or options.set_account or _is_account_new(plan)
            else config,
            plan.left_out,
        )
        for config, plan in found
    ]


def _stopped_halfway(
    done: Sequence[Changes], names: Sequence[str], error: BaseException
) -> Refused:
    """Return what says which services were done, failed, and were not begun.

    Args:
        done: Those before: they stay as they are now.
        names: The one that failed, which is as it was, and those behind it; none:
            it was interrupted behind the last.
        error: What happened to it.
    """
    failed, left = names[0] if names else None, list(names[1:])
    is_interrupted = isinstance(error, KeyboardInterrupt)
    parts = [str(error)]
    if is_interrupted:
        parts = ["interrupted" if failed is None else f"interrupted at {failed}"]
        if failed is not None and not hasattr(error, "__notes__"):
            parts.append(f"{failed} is as it was")
    if done:
        lines = told(done, "is created", "is changed").splitlines()
        before = "; ".join(
            line.rstrip(":") for line in lines if not line.startswith(" ")
        )
        parts.append(f"done before that, and not undone: {before}")
    if left:
        parts.append(f"not begun: {', '.join(left)}")
    fields = {
        "services": [each.as_dict() for each in done],
        "failed": failed,
        "not_begun": left,
    }
    code = INTERRUPTED if is_interrupted else REFUSED
    return Refused("; ".join(parts), error, fields, code=code)


def _is_account_new(plan: Changes) -> bool:
    return plan.is_new or any(each.setting == "account" for each in plan.changes)


def _with_account(manager: ServiceManager, config: ServiceConfig) -> ServiceConfig:
    """Return a configuration that says whose the password is.

    A service that is there keeps its account, whatever else is said of it.
    """
    if config.account is not None:
        return config
    try:
        with manager.open(config.name) as handle:
            return dataclasses.replace(config, account=handle.config().account)
    except ServiceNotFound:
        return config


def _configs_to_apply(
    commands: Commands, options: argparse.Namespace
) -> tuple[ServiceConfig, ...]:
    if not commands.services:
        words = options.words
        if words and words[0].lower().endswith(".toml") and options.source is None:
            options.source, *words = words
        take_name(commands, options, words)
        if options.name is None and options.source is None and not options.targets:
            commands.wrong_usage("write a FILE.toml, --target TARGET, or a NAME")

    def present_log(name: str) -> str | None:
        with commands.open(options) as manager:
            try:
                with manager.open(name) as handle:
                    return log_file_in(handle.command_line())
            except ServiceNotFound:
                return None

    return wanted(commands, options, present_log).configs


def _complete(
    manager: ServiceManager, options: argparse.Namespace, config: ServiceConfig
) -> tuple[ServiceConfig, Changes]:
    """Return a configuration, and what applying it changes.

    A service that is not there is created as ``install`` would; what is there is
    its administrator's, but for what is said.
    """
    try:
        with manager.open(config.name) as handle:
            if wants_trigger(options) and config.triggers is None:
                check_triggers(options, [handle.config()])
            if says_failures(options):
                present = handle.config().failure_actions
                config = with_failures(options, config, present)
    except ServiceNotFound as error:
        if config.command is None:
            detail = "to create it, say what it runs: a command, or a target"
            raise service_error("open", config.name, error.winerror, detail) from error
        is_here = options.machine is None
        config = as_new(options, config)
        names = recommended_names(config, is_here=is_here)
        config = explicit(recommended(config, is_here=is_here))
        plan = manager.plan(config, if_supported=names)
    else:
        plan = manager.plan(config)
    check_triggers(options, [config] if plan.is_new or config.triggers == () else [])
    return config, plan


def _complete_once_gone(
    manager: ServiceManager, options: argparse.Namespace, config: ServiceConfig
) -> tuple[ServiceConfig, Changes]:
    """Return the same; one that is just being deleted is waited for (E-34)."""
    try:
        return _complete(manager, options, config)
    except ServiceMarkedForDelete:
        manager.wait_removed(config.name)
    return _complete(manager, options, config)


def check_triggers(
    options: argparse.Namespace, configs: Iterable[ServiceConfig]
) -> None:
    """Refuse a start by triggers alone where there are none."""
    for config in configs:
        if wants_trigger(options) and not config.triggers:
            msg = f"service {config.name!r}: --start-type trigger, but there is none"
            raise ValueError(f"{msg}; add --trigger")


def with_password(passwords: Passwords, config: ServiceConfig) -> ServiceConfig:
    """Return a configuration with its account's password, asked for if need be."""
    return dataclasses.replace(config, password=passwords.of(config.account))


def _planned(
    manager: ServiceManager, config: ServiceConfig, plan: Changes
) -> tuple[ServiceConfig, Changes]:
    return config, manager.plan(config, if_supported=plan.left_out)


def warn_of_lockout(configs: Iterable[ServiceConfig]) -> None:
    """Warn of entries that leave nobody who could change them again."""
    for config in configs:
        if config.security is not None and not is_for_administrators(config.security):
            warn(
                f"service {config.name!r}: security lets administrators change it no "
                "more; (A;;GA;;;BA) would, if nothing denies it"
            )


def told(plans: Sequence[Changes], created: str, changed: str = "") -> str:
    """Return what plans come to: a line for each service and each change."""
    lines = []
    for each in plans:
        if each:
            what = created if each.is_new else changed
            lines.append(f"{each.service} {what}:")
            lines += [f"  {change}" for change in each.changes]
        else:
            lines.append(f"{each.service}: nothing to change")
        lines += [*each.notes, *told_left_out(each)]
    return "\n".join(lines)


def told_left_out(plan: Changes) -> list[str]:
    """Return a line for each kind of thing that a plan leaves out."""
    lines = []
    names = [name.replace("_", " ") for name in plan.left_out if name != _SOURCE]
    if names:
        what = ", ".join(names)
        lines.append(f"Left out, since this system does not know it: {what}")
    if _SOURCE in plan.left_out:
        lines.append(
            f"Left out: the event source {plan.service}, which is another program's, "
            "or cannot be seen"
        )
    return lines


# --- config --------------------------------------------------------------------------


def config(commands: Commands, options: argparse.Namespace) -> int:
    """Show a service's settings, or change those that are given."""
    given = settings_in(options)
    if given or says_failures(options) or is_given(options):
        if options.toml or options.output is not None:
            commands.wrong_usage(
                "--toml and --output show settings: set none with them"
            )
        change = ServiceConfig(name=options.name, **given)
        return _apply(commands, options, (change,))
    if options.json and options.toml:
        commands.wrong_usage("--toml is no JSON: leave out one of them")
    with commands.open(options) as manager, manager.open(options.name) as handle:
        found = handle.config()
        line = handle.command_line()
    if options.toml or options.output is not None:
        return _write_toml(options, found)
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


def _write_toml(options: argparse.Namespace, config: ServiceConfig) -> int:
    """Write a configuration as TOML: UTF-8, whatever the code page is."""
    try:
        text = to_toml(config)
    except ValueError as error:  # a driver's
        return refuse(options, str(error))
    if options.output is not None:
        options.output.write_text(text, encoding="utf-8", newline="\n")
        fields = {"name": options.name, "output": str(options.output)}
        tell(options, fields, f"{options.name}: written to {options.output}")
    elif sys.stdout.isatty():
        print(text, end="")
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
    return DONE
