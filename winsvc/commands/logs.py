"""The command ``logs``: what a service has written, to its file or the event log."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from winsvc import eventlog
from winsvc.commands.answers import DONE, refuse, warn
from winsvc.log_names import trouble_with
from winsvc.log_reader import POLL, read_log_file

if TYPE_CHECKING:
    import argparse

    from winsvc.commands import Commands
    from winsvc.eventlog_reader import EventRecord

_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}")


def logs(commands: Commands, options: argparse.Namespace) -> int:
    """Show the lines of its log file, or its events."""
    with commands.open(options) as manager, manager.open(options.name) as handle:
        file = commands.log_file(options, handle)
        display_name = handle.config().display_name if options.events else None
    # Ctrl+C is how following is meant to end: no failure.
    with suppress(KeyboardInterrupt):
        if options.events:
            _show_events(options, display_name)
            return DONE
        if file is None:
            text = f"{options.name} names no log file: --events shows its events"
            return refuse(options, text)
        if options.machine is not None:
            text = f"the log file {file} is on {options.machine}: --events can be seen"
            return refuse(options, text)
        if trouble := trouble_with(file):
            text = (
                f"its log cannot be {file}: {trouble}; "
                f"`apply {options.name} --target TARGET --log-file FILE` changes it"
            )
            return refuse(options, text)
        try:
            _show_lines(options, file)
        except FileNotFoundError as error:
            text = f"there is no log file {file} yet"
            if not options.follow:
                return refuse(options, text, error)
            warn(f"{text}: waiting for it")
            _wait_for(file)
            options.lines = None  # all of them are new
            _show_lines(options, file)
        except PermissionError as error:
            text = f"the log file {file} may not be read: {error.strerror}"
            return refuse(options, text, error)
    return DONE


def _wait_for(file: str) -> None:
    """Wait until the service has been started for the first time."""
    while not os.path.exists(file):
        time.sleep(POLL)


def _show_events(options: argparse.Namespace, display_name: str | None) -> None:
    for event in eventlog.read(
        options.name,
        newest=None if options.since else options.lines,
        since=options.since,
        follow=options.follow,
        include_scm=True,
        display_name=display_name,
        machine=options.machine,
    ):
        print(_event_json(event) if options.json else event, flush=True)


def _event_json(event: EventRecord) -> str:
    return json.dumps(asdict(event) | {"time": event.time.isoformat()})


def _show_lines(options: argparse.Namespace, file: str) -> None:
    newest = None if options.since else options.lines
    lines = read_log_file(file, newest=newest, follow=options.follow)
    for line in _newer(lines, options.since):
        print(json.dumps({"line": line}) if options.json else line, flush=True)


def _newer(lines: Iterator[str], since: datetime | None) -> Iterator[str]:
    """Leave out what is older; the lines of a traceback are as old as its first."""
    is_new = since is None
    for line in lines:
        if not is_new and (stamp := _STAMP.match(line)) and since is not None:
            time = datetime.strptime(stamp[0], "%Y-%m-%d %H:%M:%S,%f").astimezone()
            is_new = time >= since
        if is_new:
            yield line
