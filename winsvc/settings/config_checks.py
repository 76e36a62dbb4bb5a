"""The SCM's rules for a configuration that need no SCM to be checked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from winsvc.settings.accounts import LOCAL_SYSTEM, takes_password
from winsvc.settings.lockout import is_within_reach
from winsvc.settings.privileges import problem_of_privilege
from winsvc.settings.values import NO_NODE, problem_of_seconds
from winsvc.states import ServiceType, StartType

if TYPE_CHECKING:
    from winsvc.settings.config import ServiceConfig

Problems = Iterator[tuple[str, str]]

# Limits in UTF-16 units, without the end (E-1, E-4, E-5).
_LIMITS = {
    "name": 256,
    "display_name": 256,
    "description": 8191,
    "command_line": 32767,
    "group": 256,
    "account": 2047,
    "password": 256,
}
# Limits of lists in bytes, all NULs included (E-5).
_LIST_LIMITS = {"dependencies": 4096, "required_privileges": 4096}
_TYPES = frozenset(
    base | flag
    for base in (ServiceType.OWN_PROCESS, ServiceType.SHARE_PROCESS)
    for flag in (ServiceType(0), ServiceType.INTERACTIVE, ServiceType.USER_SERVICE)
)
_START_TYPES = (StartType.AUTO, StartType.MANUAL, StartType.DISABLED)
# One ACE has six parts or, with a condition or attribute, seven.
_ACE = r"\([A-Z]+(;[^;()]*){4};[^;()]+(;([^()]|\([^()]*\))*)?\)"
_ACCOUNT_PARTS = re.compile(r"[\\@]")
_FULL_PATH = re.compile(r"[A-Za-z]:[\\/]|\\\\|%[^%]+%")
_DACL = re.compile(f"D:(P|AR|AI)*(?P<entries>({_ACE})*)")


def problems_of(config: ServiceConfig) -> Problems:
    """Yield (setting, what is wrong and what to do), the password unseen.

    The types are right: ``config_types`` has seen to that.
    """
    yield from _problems_of_name(config.name)
    yield from _problems_of_command(config)
    yield from _problems_of_texts(config)
    yield from _problems_of_start(config)
    yield from _problems_of_account(config)
    yield from _problems_of_lists(config)
    yield from _problems_of_values(config)
    yield from conflicts_of(config)
    yield from _problems_of_environment(config)
    if config.security is not None:
        yield from _problems_of_security(config.security)


def conflicts_of(config: ServiceConfig) -> Problems:
    """Yield the same of settings that the SCM refuses together."""
    if config.delayed and config.group:
        yield (
            "delayed",
            f"is set for a member of the group {config.group!r}, which the SCM "
            'refuses; use group="" (E-49d)',
        )
    kind = config.service_type or ServiceType.OWN_PROCESS
    if config.account not in (None, LOCAL_SYSTEM) and kind & ServiceType.INTERACTIVE:
        yield "account", "is set, but INTERACTIVE needs LocalSystem; use that (E-8)"
    has_node = config.preferred_node not in (None, NO_NODE)
    if has_node and not kind & ServiceType.OWN_PROCESS:
        yield "preferred_node", "is for OWN_PROCESS alone; use NO_NODE (E-43)"


def _problems_of_name(name: str) -> Problems:
    if not name.strip():  # the SCM may take blanks, which nobody can see
        what = "blank" if name else "empty"
        yield "name", f"is {what}; give it 1 to 256 characters that can be seen"
    if "/" in name or "\\" in name:
        yield "name", "holds / or \\, which the SCM refuses; leave them out"


def _problems_of_command(config: ServiceConfig) -> Problems:
    if config.command is None:
        return
    if not config.command or not config.command[0]:
        yield "command", "has no program; put it first"
    program = config.command[0]
    if '"' in program:
        yield "command", "has a program with a quote in it; no file has such a name"
    # Where there is no Windows services run on a simulated SCM.
    if not _FULL_PATH.match(program) and not os.path.isabs(program):
        yield (
            "command",
            f"has the program {program!r} without its full path, for which the SCM "
            f"would search; write it, such as C:\\…\\{program} (E-16)",
        )


def _problems_of_texts(config: ServiceConfig) -> Problems:
    for name, limit in _LIMITS.items():
        text = getattr(config, name) or ""
        if "\0" in text:
            yield name, "holds a NUL, which ends a text for Windows; take it out"
        size = _units(text)
        if size > limit:
            yield name, f"has {size} characters; the SCM takes {limit} at most"


def _problems_of_start(config: ServiceConfig) -> Problems:
    if config.start_type is not None and config.start_type not in _START_TYPES:
        yield "start_type", "is for drivers; use AUTO, MANUAL or DISABLED"
    if config.delayed and config.start_type not in (None, StartType.AUTO):
        yield "delayed", "has no effect on this start_type; use AUTO (E-49d)"
    if config.service_type is not None and config.service_type not in _TYPES:
        yield (
            "service_type",
            "is neither OWN_PROCESS nor SHARE_PROCESS; use one of them, with "
            "INTERACTIVE or USER_SERVICE at most",
        )
    if config.group and not config.group.strip():
        yield "group", "is blank; name it, or leave it out"
    if config.group is not None and config.group.startswith("+"):
        yield "group", "starts with +, which marks a dependency; leave it out"


def _problems_of_account(config: ServiceConfig) -> Problems:
    account = config.account
    if account is not None and not account.strip():
        what = "blank" if account else "empty"
        yield "account", f'is {what}; use "LocalSystem"'
    elif account is not None and not all(map(str.strip, _ACCOUNT_PARTS.split(account))):
        yield (
            "account",
            rf"is {account!r}, no DOMAIN\name and no name@domain; write it so",
        )
    if config.password is None:
        return
    if account is None:
        yield "password", "is set without an account; name the account too"
    elif config.password and not takes_password(account):
        yield "password", f"is set, but {account} has none; leave it out (E-18)"


def _problems_of_lists(config: ServiceConfig) -> Problems:
    for name, limit in _LIST_LIMITS.items():
        texts = getattr(config, name) or ()
        for text in texts:
            if not text.strip() or "\0" in text:
                yield (
                    name,
                    "has a name that is empty or blank, or holds a NUL; take it out",
                )
        size = 2 * (sum(_units(text) + 1 for text in texts) + 1)
        if size > limit:
            yield name, f"take {size} bytes; the SCM takes {limit} at most (E-5)"
    names = [text.upper() for text in config.dependencies or ()]
    for text in config.dependencies or ():
        if names.count(text.upper()) > 1:
            yield "dependencies", f"have {text!r} twice, in any case; leave one out"
        if text.lower() == config.name.lower():
            yield "dependencies", "have the service itself; take it out (E-49)"
        if _units(text.removeprefix("+")) > _LIMITS["name"]:
            yield "dependencies", "have a name of more than 256 characters (E-1)"
        if not text.removeprefix("+").strip():
            yield "dependencies", "have a + without a group; name it: +GROUP (E-47)"
        if not text.startswith("+") and ("/" in text or "\\" in text):
            yield "dependencies", f"have {text!r}, no key name of a service (E-1)"
    for text in config.required_privileges or ():
        if problem := problem_of_privilege(text):
            yield "required_privileges", problem


def _problems_of_values(config: ServiceConfig) -> Problems:
    for name in ("error_control", "sid_type", "launch_protection"):
        value = getattr(config, name)
        if value is not None and not value.is_known:
            members = ", ".join(type(value).__members__)
            yield name, f"is {int(value)}, which has no meaning; use {members}"
    if config.failure_actions is not None:
        for problem in config.failure_actions.problems():
            yield "failure_actions", problem
    if config.preshutdown_timeout is not None:
        timeout_problem = problem_of_seconds(config.preshutdown_timeout)
        if timeout_problem:
            yield "preshutdown_timeout", timeout_problem
    triggers = config.triggers or ()
    if len(triggers) > 64:
        yield "triggers", f"are {len(triggers)}; the SCM takes 64 at most (E-80)"
    for trigger in triggers:
        for problem in trigger.problems():
            yield "triggers", problem
    node = config.preferred_node
    if node is not None and node != NO_NODE and not 0 <= node <= 0xFFFF:
        yield "preferred_node", f"is {node}; use 0 to 65535, or NO_NODE"


def _problems_of_environment(config: ServiceConfig) -> Problems:
    seen = set()
    for name, value in (config.environment or {}).items():
        if not name:
            yield "environment", "has a variable without a name"
        if "=" in name:
            # What is behind it may be a value.
            start = name.partition("=")[0]
            yield "environment", f"has a name {start!r} with = in it; use one without"
        if "\0" in name or "\0" in value:
            yield "environment", f"holds a NUL in {name!r}; take it out"
        if name.upper() in seen:
            yield "environment", f"has {name!r} twice, in different case (I-110)"
        seen.add(name.upper())


def _problems_of_security(sddl: str) -> Problems:
    match = _DACL.fullmatch(sddl)
    if match is None:
        yield "security", "is no DACL in SDDL; write D:(A;;RIGHTS;;;WHO)…"
    elif not match["entries"]:
        yield "security", "gives nobody any right; write one (A;;RIGHTS;;;WHO) at least"
    elif not is_within_reach(sddl):
        yield (
            "security",
            "lets neither the administrators nor the system change the service and its "
            "security, so that nothing could be changed back; add (A;;GA;;;BA), and "
            "deny that to no group which they are in",
        )


def _units(text: str) -> int:
    """Return the length of a text in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
