"""docs/configuration.md is right: its tables agree with the code, its examples work."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from winsvc.settings import text as setting_text
from winsvc.settings.accounts import takes_password
from winsvc.settings.config import ServiceConfig
from winsvc.settings.levels import Level
from winsvc.settings.table import SETTING_BY_LEVEL, SETTING_BY_NAME, SETTINGS, Setting
from winsvc.settings.toml_reader import _READERS, read_tables
from winsvc.settings.toml_writer import _WRITERS
from winsvc.settings.trigger_text import TRIGGER_KINDS, parse_trigger
from winsvc.settings.triggers import Trigger
from winsvc.settings.values import ErrorControl, LaunchProtection, SidType

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
RULES = (ROOT / "docs" / "scm-rules.md").read_text(encoding="utf-8")
NONE = "\N{EN DASH}"


def table(first: str) -> list[dict[str, str]]:
    """Return the rows of the table whose first column has this head."""
    lines = TEXT.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {first} |"))
    heads, _, *rows = (
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
        for line in "\n".join(lines[start:]).partition("\n\n")[0].splitlines()
    )
    return [dict(zip(heads, row, strict=True)) for row in rows]


def quoted(cell: str) -> list[str]:
    """Return the words in backquotes."""
    return re.findall(r"`(.+?)`", cell)


ROWS = {row["setting"].strip("`"): row for row in table("setting")}
each_setting = pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.name)


def test_every_setting_has_a_row() -> None:
    """In the order of ServiceConfig's attributes, which the table of code has too."""
    names = [field.name for field in dataclasses.fields(ServiceConfig)]

    assert list(ROWS) == names
    assert list(SETTING_BY_NAME) == names
    assert set(SETTING_BY_LEVEL) == set(Level)


@each_setting
def test_row_agrees_with_the_table_of_code(setting: Setting) -> None:
    """Options, keys, function or level, registry value, and what Wine has."""
    row = ROWS[setting.name]

    assert tuple(quoted(row["command line"])) == setting.options
    assert tuple(quoted(row["TOML"])) == setting.keys
    assert row["set by"] == setting.call
    assert (f"level {setting.level}" == setting.call) == (setting.level is not None)
    assert row["registry"] == setting.registry
    missing = setting.missing_on_wine
    assert row["Wine"] == (f"no, {missing}" if missing else "yes")
    assert not missing or f"| {missing} |" in RULES


@each_setting
def test_tests_of_a_row_exist(setting: Setting) -> None:
    """Each is a function of the file that is named; the unit tests' files are there."""
    named = quoted(ROWS[setting.name]["tests"])

    assert any(name.startswith("unit/") for name in named)
    for name in named:
        path, _, function = name.partition("::")
        file = ROOT / "tests" / path
        if path.startswith("unit/") or file.exists():
            assert f"\ndef {function}(" in file.read_text(encoding="utf-8"), name


def test_toml_has_every_key() -> None:
    """What is read can be written, and is in the table."""
    keys = {key.partition(".")[0] for setting in SETTINGS for key in setting.keys}

    assert set(_READERS) == set(_WRITERS) == keys


@each_setting
def test_rules_of_a_row_exist(setting: Setting) -> None:
    """A reader can look them up."""
    for rule in re.findall(r"\b[A-H]-\d+[a-z]?", ROWS[setting.name]["meaning"]):
        assert f"**{rule}**" in RULES, rule


def test_words_are_those_that_are_parsed() -> None:
    """All of them, in their order."""
    words = {row["what"].split("`")[1]: quoted(row["words"]) for row in table("what")}

    assert tuple(words["--start-type"]) == setting_text.START_WORDS
    assert tuple(words["--type"]) == setting_text.TYPE_WORDS
    assert tuple(words["--error-control"]) == setting_text.words_of(ErrorControl)
    assert tuple(words["--sid-type"]) == setting_text.words_of(SidType)
    protections = setting_text.words_of(LaunchProtection)
    assert tuple(words["--launch-protection"]) == protections
    actions, empty = words["--on-failure"]
    assert [action.delay for action in setting_text.parse_on_failure(actions)] == [
        5.0,
        0.5,
        60.0,
        0.0,
    ]
    assert setting_text.parse_on_failure(empty.strip('"')) == ()


def test_every_kind_of_trigger_has_a_row() -> None:
    """With its argument, its builder, and what it does."""
    rows = table("word")
    words = [quoted(row["word"])[0] for row in rows]

    assert words == [
        f"{kind}={use}" if use else kind for kind, use in TRIGGER_KINDS.items()
    ]
    for row, kind in zip(rows, TRIGGER_KINDS, strict=True):
        (builder,) = quoted(row["`Trigger.`"])
        name = builder.partition("(")[0]
        assert name == "Trigger" or callable(getattr(Trigger, name))
        argument = "0" * 16 if kind == "system-state" else "0" * 32
        example = {"raw": f"1,{argument}", "firewall-port": "1"}
        example["firewall-port-closed"] = "1"
        text = f"{kind}={example.get(kind, argument)}" if TRIGGER_KINDS[kind] else kind
        action = parse_trigger(text).action.name.lower()
        assert row["does, if nothing else is said"].split()[0] == action


def test_accounts_have_passwords_as_told() -> None:
    """E-18."""
    for row in table("account"):
        for account in quoted(row["account"]):
            assert takes_password(account) == (row["password"] == "yes"), account


def blocks(language: str) -> list[str]:
    """Return the examples in a language."""
    return re.findall(rf"^```{language}\n(.+?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_examples_say_the_same(tmp_path: Path) -> None:
    """In Python and in TOML."""
    names: dict[str, Any] = {}
    (python,) = blocks("python")
    exec(compile(python, "docs/configuration.md", "exec"), names)
    file = tmp_path / "service.toml"
    file.write_text(blocks("toml")[0], encoding="utf-8")

    assert ServiceConfig.from_toml(file) == names["config"]


def test_example_of_a_project_is_read(tmp_path: Path) -> None:
    """Two services, one of them in a file beside it."""
    file = tmp_path / "pyproject.toml"
    file.write_text(blocks("toml")[1], encoding="utf-8")
    mirror, report = read_tables(file)

    assert mirror.target == "mirror.service:Mirror"
    assert mirror.config.triggers == (
        Trigger.network_available(),
        Trigger.firewall_port(5001, "UDP"),
    )
    assert report.target == f"{tmp_path / 'services' / 'report.py'}:Report"
    assert report.config.dependencies == (mirror.config.name,)
