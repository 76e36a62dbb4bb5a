"""What a service is installed with."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

from winsvc.states import ServiceType, StartType

# Limits in UTF-16 units, without the end (E-1, E-4, E-5).
_LIMITS = {
    "name": 256,
    "display_name": 256,
    "description": 8191,
    "command_line": 32767,
    "account": 2047,
    "password": 256,
}
_TYPES = frozenset(
    base | flag
    for base in (ServiceType.OWN_PROCESS, ServiceType.SHARE_PROCESS)
    for flag in (ServiceType(0), ServiceType.INTERACTIVE, ServiceType.USER_SERVICE)
)
_START_TYPES = (StartType.AUTO, StartType.MANUAL, StartType.DISABLED)


def quote_command(command: tuple[str, ...]) -> str:
    """Return the command line that a Windows program splits into ``command``.

    The program is always quoted, since the SCM would try an unquoted path at
    each blank (E-16); inside its quotes nothing is escaped.
    """
    program, *arguments = command
    line = f'"{program}"'
    return f"{line} {subprocess.list2cmdline(arguments)}" if arguments else line


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    r"""Settings of a service to be created, checked before anything is changed.

    Attributes:
        name: The key name: 1 to 256 characters, without ``/`` and ``\`` (E-1).
        command: The program, best with its full path, and its arguments.  The
            SCM expands ``%VARIABLE%`` in them when it starts the service.
        display_name: The name shown to people; empty: ``name`` (E-4).
        description: The text that services.msc shows.
        start_type: AUTO, MANUAL or DISABLED: the others are for drivers (E-9).
        service_type: A process of its own, or a shared one (E-7).
        account: ``None`` for LocalSystem, else ``DOMAIN\user``, ``.\user``,
            ``NT AUTHORITY\LocalService`` …, ``NT SERVICE\name`` (E-18).
        password: The account's password; never shown.

    Raises:
        ValueError: A setting breaks a rule of the SCM; the message names it.
    """

    name: str
    command: tuple[str, ...]
    display_name: str = ""
    description: str = ""
    start_type: StartType = StartType.AUTO
    service_type: ServiceType = ServiceType.OWN_PROCESS
    account: str | None = None
    password: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check every rule that does not need the SCM."""
        for name, problem in self._problems():
            raise ValueError(f"service {self.name!r}: {name} {problem}")

    @property
    def command_line(self) -> str:
        """The command as one line, quoted (E-16)."""
        return quote_command(self.command)

    def _problems(self) -> Iterator[tuple[str, str]]:
        """Yield (field, what is wrong and what to do), the password unseen."""
        if not self.name:
            yield "name", "is empty; give it 1 to 256 characters"
        if "/" in self.name or "\\" in self.name:
            yield "name", "holds / or \\, which the SCM refuses; leave them out"
        if isinstance(self.command, str):
            yield "command", "is one text; give a tuple of program and arguments"
        if not self.command or not self.command[0]:
            yield "command", "has no program; put it first"
        if '"' in self.command[0]:
            yield "command", "has a program with a quote in it; no file has such a name"
        yield from self._problems_of_texts()
        if self.start_type not in _START_TYPES:
            yield "start_type", "is for drivers; use AUTO, MANUAL or DISABLED"
        if self.service_type not in _TYPES:
            yield (
                "service_type",
                "is neither OWN_PROCESS nor SHARE_PROCESS; use one of them, with "
                "INTERACTIVE or USER_SERVICE at most",
            )
        if self.account == "":
            yield "account", "is empty; use None for LocalSystem"
        if self.account is not None and self.service_type & ServiceType.INTERACTIVE:
            yield "account", "is set, but INTERACTIVE needs LocalSystem; use None"
        if self.password is not None and self.account is None:
            yield "password", "is set without an account; LocalSystem has none"

    def _problems_of_texts(self) -> Iterator[tuple[str, str]]:
        for name, limit in _LIMITS.items():
            text = getattr(self, name) or ""
            if "\0" in text:
                yield name, "holds a NUL, which ends a text for Windows; take it out"
            size = len(text.encode("utf-16-le", "surrogatepass")) // 2
            if size > limit:
                yield name, f"has {size} characters; the SCM takes {limit} at most"
