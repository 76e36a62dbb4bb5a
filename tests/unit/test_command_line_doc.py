"""docs/command-line.md: every command and option is there, and every screen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from winsvc import glance
from winsvc.commands.parsing import make_parser
from winsvc.settings.table import SETTINGS

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "command-line.md").read_text(encoding="utf-8")
OF_SETTINGS = {option for setting in SETTINGS for option in setting.options}


def commands() -> dict[str, set[str]]:
    """Return the commands and their options, those of settings left out."""
    (found,) = (each for each in make_parser(())._actions if each.dest == "command")
    assert isinstance(found.choices, dict)
    return {
        name: {
            option
            for action in parser._actions
            for option in action.option_strings
            if option not in OF_SETTINGS
        }
        for name, parser in found.choices.items()
    }


COMMANDS = commands()


@pytest.mark.parametrize("command", COMMANDS)
def test_command_is_there_with_its_options(command: str) -> None:
    """The settings' are in configuration.md, those of `bench` in benchmarks.md."""
    assert re.search(rf"`{command}\b", TEXT)
    if command not in ("bench", "host"):
        for option in COMMANDS[command] - {"-h", "--help"}:
            assert re.search(rf"{option}\b", TEXT), option


def test_status_has_the_fields_that_are_told() -> None:
    """JSON is a promise."""
    names = glance.fields("X", (16, 4, 0, 0, 0, 0, 0, 0))
    shown = re.search(r"^- STATUS: `(.*?)`", TEXT, re.MULTILINE)

    assert shown is not None
    assert re.findall(r'"(\w+)":', shown[1]) == list(names)


def test_screens_are_there() -> None:
    """Each that is shown has been taken, and is shown."""
    shown = set(re.findall(r"\(screens/(\w+\.svg)\)", TEXT))

    assert shown == {file.name for file in (DOCS / "screens").glob("*.svg")}
