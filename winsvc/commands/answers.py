"""What a command says: lines for people, or one line of JSON for programs.

With ``--json`` an object takes the place of everything else on standard output,
for an error too; standard error stays for people.  docs/command-line.md has the
objects.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from winsvc import glance
from winsvc.commands.output import say
from winsvc.errors import ServiceError, ServiceFailed, describe
from winsvc.printable import one_line, with_values_in_line

if TYPE_CHECKING:
    import argparse

    from winsvc._interfaces import StatusTuple
    from winsvc.manage.status import ServiceStatus

DONE, REFUSED, WRONG, DIFFERENT, INTERRUPTED = 0, 1, 2, 3, 130


class Refused(Exception):
    """A command ends without having done it.

    Args:
        text: The sentence for people.
        error: What happened.
        done: What has been done before that, for ``--json``.
        code: The exit code.
    """

    def __init__(
        self,
        text: str,
        error: BaseException | None = None,
        done: Mapping[str, Any] | None = None,
        *,
        code: int = REFUSED,
    ) -> None:
        super().__init__(text)
        self.error = error
        self.done = done or {}
        self.code = code


def tell(options: argparse.Namespace, fields: Mapping[str, Any], text: str) -> None:
    """Say what came of a command.

    Args:
        options: Have ``json``.
        fields: The object.
        text: The lines in its place.
    """
    shown = with_values_in_line(text, _texts(fields))
    print(json.dumps(fields) if options.json else shown, flush=True)


def _texts(value: object) -> Iterator[str]:
    """Yield the texts in an answer, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, Iterable):
        for each in value:
            yield from _texts(each)


def warn(text: str) -> None:
    """Say on standard error, in one line, what was refused or failed."""
    say(f"winsvc: {one_line(text)}")


def refuse(
    options: argparse.Namespace,
    text: str,
    error: BaseException | None = None,
    done: Mapping[str, Any] | None = None,
    code: int = REFUSED,
) -> int:
    """Say what was refused or failed; return the exit code.

    Args:
        options: May have ``json``.
        text: The sentence for people.
        error: What happened; with ``--json`` it is the answer.
        done: What the answer has besides.
        code: The exit code.
    """
    if getattr(options, "json", False):
        fields = {"error": error_fields(error, text), **(done or {})}
        print(json.dumps(fields), flush=True)
    warn("; ".join([text, *_notes(error)]))
    return code


def _notes(error: BaseException | None) -> list[str]:
    """Return what could not be undone, say."""
    return list(getattr(error, "__notes__", ()))


def error_fields(error: BaseException | None, text: str) -> dict[str, Any]:
    """Return an error as ``--json`` shows it."""
    found: dict[str, Any] = {"notes": notes} if (notes := _notes(error)) else {}
    if not isinstance(error, ServiceError):
        code = getattr(error, "errno", None)
        found |= {"operation": None, "service": None, "code": code, "name": ""}
        return found | {"message": text, "remedy": None}
    found |= {
        "operation": error.operation,
        "service": error.service,
        "code": error.winerror,
        "name": describe(error.winerror).name,
        "message": text,
        "remedy": error.remedy,
    }
    if isinstance(error, ServiceFailed):
        found["exit_code"] = error.exit_code
        found["service_exit_code"] = error.service_exit_code
    return found


def raw_status(status: ServiceStatus) -> StatusTuple:
    """Return a status as the SCM's functions give it."""
    return (
        int(status.type),
        int(status.state),
        int(status.accepts),
        status.exit_code,
        status.service_exit_code,
        status.checkpoint,
        round(status.wait_hint * 1000),
        status.pid,
    )


def status_fields(name: str, status: ServiceStatus) -> Mapping[str, Any]:
    """Return a service's status as ``--json`` shows it."""
    return glance.fields(name, raw_status(status))


def sentence(name: str, status: ServiceStatus) -> str:
    """Return what a service is."""
    return glance.sentence(one_line(name), raw_status(status))
