"""The check of a service's log: whether it can be written, and what it said last."""

from __future__ import annotations

import ntpath
from collections.abc import Iterator

from winsvc.doctor.account_rights import (
    account_rights,
    has_known_groups,
    rights_unknown,
)
from winsvc.doctor.facts import Facts
from winsvc.doctor.findings import (
    Verdict,
    check,
    command,
    inapplicable,
    note,
    unchecked,
    warning,
)
from winsvc.doctor.scm_checks import has_failed
from winsvc.settings.accounts import LOCAL_SYSTEM

ADD_FILE, ADD_FOLDER = 0x2, 0x4  # of a file: to write, to append
_ELSEWHERE = "`apply --target TARGET --log-file FILE` with a file's full path"


@check("log", "its log is a file that its account may write", "config", "files")
def log(facts: Facts) -> Iterator[Verdict]:
    """Where it logs, and what it said last if it has failed."""
    file = facts.log_file
    if not file or facts.service_word == "":
        yield inapplicable("it is no service of winsvc's, which would have one")
    elif facts.log_trouble:
        yield warning(f"its log cannot be {file}: {facts.log_trouble}", _ELSEWHERE)
    elif not ntpath.isabs(file):
        yield warning(
            f"its log {file} has no full path: services begin in System32", _ELSEWHERE
        )
    else:
        yield from _of_rights(facts)
    if has_failed(facts) and facts.last_error:
        lines = facts.last_error.replace("\n", "\n    ")
        yield note(
            f"the last error in its log {file}:\n    {lines}",
            f"{command('logs', facts.name)} shows what came before",
        )


def _of_rights(facts: Facts) -> Iterator[Verdict]:
    file, account = facts.log_file, facts.config.account or LOCAL_SYSTEM
    folder = ntpath.dirname(file)
    if facts.has_log_file:
        what, needed = f"write its log {file}", ADD_FILE | ADD_FOLDER
    elif facts.has_log_folder:
        what, needed = f"create its log {file}", ADD_FILE
    else:
        what, needed = f"create the folder of its log, {folder}", ADD_FOLDER
    unknown = rights_unknown(facts, "log rights")
    if unknown or facts.log_security is None:
        reason = unknown or "no folder above it is there"
        yield unchecked(f"whether {account} may {what}: {reason}")
    elif needed & ~account_rights(facts.log_security, facts):
        unless = "" if has_known_groups(facts) else ", unless by a group that it is in"
        place = file if facts.has_log_file else facts.log_place
        yield warning(
            f"{account} may not {what}{unless}",
            f'icacls "{place}" /grant "{account}:(M)", or {_ELSEWHERE}',
        )
    elif not facts.has_log_folder:
        yield note(
            f"the folder of its log, {folder}, is not there yet: a start makes it"
        )
