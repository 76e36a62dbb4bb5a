"""The commands that run a service's code themselves: debug, host, demo, bench."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

from winsvc.base import check_class
from winsvc.commands.answers import refuse
from winsvc.shared import parse_services

if TYPE_CHECKING:
    import argparse

    from winsvc.base import ServiceBase
    from winsvc.commands import Commands

_PACKAGE = os.path.dirname(os.path.dirname(__file__))


def debug(commands: Commands, options: argparse.Namespace) -> int:
    """Run it in this terminal."""
    from winsvc import console

    return console.debug(_service_to_debug(commands, options), options.args)


def _service_to_debug(
    commands: Commands, options: argparse.Namespace
) -> type[ServiceBase]:
    for service in commands.services:
        if len(commands.services) == 1 or service.name == options.name:
            try:
                return check_class(service)
            except TypeError as error:
                commands.wrong_input(str(error))
    return commands.load(options.targets)[0][0]


def demo(_commands: Commands, _options: argparse.Namespace) -> int:
    """Show a service's life."""
    from winsvc import demo

    return demo.demo()


def bench(_commands: Commands, options: argparse.Namespace) -> int:
    """Measure."""
    try:
        # Not a mere import: in a checkout its files are in benchmarks/.
        home = import_module("winsvc.bench.cli")
    except ModuleNotFoundError as error:
        if error.name != "winsvc.bench":
            raise
        return refuse(
            options,
            f"the winsvc in {_PACKAGE} has no benchmarks beside it: "
            "in a checkout, pip install -e .",
        )
    code: int = home.main(options)
    return code


def host(commands: Commands, options: argparse.Namespace) -> int:
    """Be the service's process."""
    from winsvc import process

    if commands.services:
        log_file = options.log_file or options.default_log_file
        return process.run(*commands.services, log_file=log_file)
    services = parse_services(options.targets)
    if services is None and len(options.targets) > 1:
        commands.wrong_usage("write one TARGET, or NAME=TARGET for each service")
    targets, names = services or (options.targets, ())
    return process.host(
        targets, names=names, log_file=options.log_file, path=tuple(options.path)
    )
