"""What the doctor says: findings, and the checks that make them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, get_args

from winsvc.doctor.facts import Facts

Severity: TypeAlias = Literal[
    "problem", "warning", "note", "not checked", "does not apply", "ok"
]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The worst first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the doctor has found.

    Attributes:
        check: Which check it is of, in a word or two.
        severity: ``problem``: the service cannot work so; ``warning``: it can, but it
            is unsafe or will fail one day; ``note``: good to know; ``not checked``:
            that could not be looked at; ``does not apply``: the service has nothing
            to look at; ``ok``: it was looked at, and is well.
        what: What was found, or why it was not looked at; more lines than one for a
            traceback.
        remedy: What to do about it, ``None`` where there is nothing to do.
    """

    check: str
    severity: Severity
    what: str
    remedy: str | None = None


class Verdict(NamedTuple):
    """A finding, before it knows its check."""

    severity: Severity
    what: str
    remedy: str | None


def problem(what: str, remedy: str) -> Verdict:
    """Return the verdict that the service cannot work so."""
    return Verdict("problem", what, remedy)


def warning(what: str, remedy: str) -> Verdict:
    """Return the verdict that it is unsafe, or will fail one day."""
    return Verdict("warning", what, remedy)


def note(what: str, remedy: str | None = None) -> Verdict:
    """Return the verdict that something is good to know."""
    return Verdict("note", what, remedy)


def unchecked(reason: str) -> Verdict:
    """Return the verdict that something could not be looked at."""
    return Verdict("not checked", reason, None)


def inapplicable(reason: str) -> Verdict:
    """Return the verdict that there is nothing to look at."""
    return Verdict("does not apply", reason, None)


def passed(what: str) -> Verdict:
    """Return the verdict that this, other than the check's own words, was found."""
    return Verdict("ok", what, None)


def command(verb: str, name: str, options: str = "") -> str:
    """Return a command of ``python -m winsvc`` about a service, as it is typed."""
    word = f'"{name}"' if " " in name else name
    return f"`{verb} {word} {options}".rstrip() + "`"


class Check(NamedTuple):
    """One check: a pure function of the facts.

    Attributes:
        name: Of its findings.
        passed: What holds if it has looked at all of it and yields nothing.
        needs: The groups of facts that it cannot do without (``Facts.unknown``).
        run: Yields its verdicts, also on what it cannot look at.
    """

    name: str
    passed: str
    needs: tuple[str, ...]
    run: Callable[[Facts], Iterable[Verdict]]


def check(
    name: str, passed: str, *needs: str
) -> Callable[[Callable[[Facts], Iterable[Verdict]]], Check]:
    """Make a check of a function; arguments as :class:`Check` has them."""

    def make(run: Callable[[Facts], Iterable[Verdict]]) -> Check:
        return Check(name, passed, needs, run)

    return make


def run_checks(checks: Iterable[Check], facts: Facts) -> tuple[Finding, ...]:
    """Return what all checks find, the worst first."""
    findings = [finding for each in checks for finding in _run(each, facts)]
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return tuple(findings)


def _run(each: Check, facts: Facts) -> Iterator[Finding]:
    missing = [facts.unknown[need] for need in each.needs if need in facts.unknown]
    if missing:
        yield Finding(each.name, *unchecked(missing[0]))
        return
    verdicts = tuple(each.run(facts))
    for verdict in verdicts:
        yield Finding(each.name, *verdict)
    if not verdicts:
        yield Finding(each.name, "ok", each.passed)
