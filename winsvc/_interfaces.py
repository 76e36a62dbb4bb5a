"""What the extension module ``_core`` offers, as type checkers see it."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

Capsule: TypeAlias = Any
"""A capsule of the extension: a process, a service, a wire, a handle …"""

StatusTuple: TypeAlias = tuple[int, int, int, int, int, int, int, int]
"""(type, state, accepted, exit_code, specific_code, checkpoint, wait_hint in
ms, pid)"""

JournalTuple: TypeAlias = tuple[int, int, int, int, int, int, int, int, bytes | None]
"""(number, kind, time in ns, done in ns, a, b, c, result, data)"""

NoticeTuple: TypeAlias = tuple[int, int, int, StatusTuple, tuple[str, ...]]
"""(key, code: 0 or why no more comes of that key, bits that fired since the last
notice of F-1, status at the last of them, names of F-9)"""

ConfigTuple: TypeAlias = tuple[int, int, int, str, str, int, tuple[str, ...], str, str]
"""(service type, start type, error control, command line, group, tag,
dependencies, account, display name)"""


class Hosting(Protocol):
    """What both modules offer to a process that hosts services.

    A ``life`` of a service lasts from one START_PENDING to STOPPED; in a shared
    process a service may have several.  What is asked for one that is over
    touches no later one.
    """

    def process_new(self, wire: Capsule | None, names: tuple[str, ...], /) -> Capsule:
        """Return a process that hosts these services; no wire in ``_core``."""

    def process_start(self, process: Capsule, /) -> None:
        """Create the dispatcher thread."""

    def process_join(self, process: Capsule, /) -> bool:
        """Block until the dispatcher has returned; OSError if it never was one."""

    def process_services(self, process: Capsule, /) -> tuple[Capsule, ...]:
        """Return the services, in the order of the names."""

    def wait_start(
        self, service: Capsule, seconds: float | None, /
    ) -> tuple[Capsule, tuple[str, ...]] | None:
        """Block until started; return the life and ServiceMain's arguments.

        None: woken, or the time is up.  EOFError: there is nothing to wait for.
        """

    def wake(self, service: Capsule, /) -> None:
        """Let wait_start and wait_stop return None once."""

    def journal(self, service: Capsule, /) -> list[JournalTuple]:
        """Return the journal's entries."""

    def totals(self, service: Capsule, /) -> tuple[int, ...]:
        """Return how many entries of each kind there ever were."""

    def configure(
        self,
        life: Capsule,
        handled: int,
        hint: float,
        start: float | None,
        stop: float | None,
        pause: float | None,
        resume: float | None,
        /,
    ) -> bool:
        """Set the accept mask, the wait hint and the budgets of the phases."""

    def started(self, life: Capsule, /) -> bool:
        """Report RUNNING; False: it has been asked to stop."""

    def accept(self, life: Capsule, handled: int, /) -> bool:
        """Change the accept mask and report it; False: not up, or it is stopping."""

    def reply(
        self, life: Capsule, query: int, answer: int, seconds: float | None, /
    ) -> None:
        """Set how a query is answered; seconds above 0: that long for Python's."""

    def answer(self, life: Capsule, ticket: int, answer: int, /) -> bool:
        """Answer a query; False: too late."""

    def subscribe(self, life: Capsule, subject: int, what: bytes, /) -> Capsule:
        """Ask the system for events of a subject."""

    def unsubscribe(self, subscription: Capsule, /) -> None:
        """Ask for them no more; again does nothing."""

    def wait_event(
        self, life: Capsule, /
    ) -> tuple[int, int, bytes, int, int, int] | None:
        """Block for (code, event_type, data, count, ticket, dropped since)."""

    def begin(self, life: Capsule, control: int, /) -> bool:
        """Tell whether a control's handler is to be called."""

    def finish(self, life: Capsule, control: int, /) -> bool:
        """Report PAUSED or RUNNING after its handler; False: it is stopping."""

    def wait_stop(self, life: Capsule, seconds: float | None, /) -> bool | None:
        """Block; True: stop, False: the time is up, None: woken."""

    def wait_news(
        self, life: Capsule, until: int | None, seen: int, /
    ) -> tuple[int, int]:
        """Block until a time in ns, or news: a number that is not ``seen``.

        Returns that number, and the time.  It changes with every ``wake``, with
        the stop, and with the end.
        """

    def progress(self, life: Capsule, hint: float, /) -> bool:
        """Raise the checkpoint; False: nothing is pending."""

    def request_stop(self, life: Capsule, /) -> bool:
        """Act as if a STOP had come."""

    def stopped(self, life: Capsule, exit_code: int, specific_code: int, /) -> bool:
        """Report STOPPED; False: the process is dead to the SCM already."""

    def wait_expired(self, life: Capsule, /) -> int | None:
        """Block for a state that is past its deadline; None at the end."""

    def expired_seen(self, life: Capsule, /) -> None:
        """Say that what had to be logged is logged."""

    def state(self, life: Capsule, /) -> int:
        """Return the state."""

    def is_stopping(self, life: Capsule, /) -> bool:
        """Tell whether it has been asked to stop."""

    def start_reason(self, life: Capsule, /) -> int | None:
        """Return why it was started, bits of D.6; None: not known, or it is over."""


class Managing(Protocol):
    """What ``_core`` offers to a client of the SCM.

    All may block for as long as the SCM or the network takes, with the GIL
    released; failures are OSError with ``winerror``.  A handle is closed once,
    by ``handle_close`` or when it is no longer referenced; using it after that
    is error 6.
    """

    def manager_open(self, machine: str | None, access: int, /) -> Capsule:
        """Return a handle to the SCM."""

    def handle_close(self, handle: Capsule, /) -> None:
        """Close a handle; again does nothing."""

    def service_list(
        self, manager: Capsule, states: int, group: str | None, /
    ) -> list[tuple[str, str, StatusTuple]]:
        """Return (name, display name, status) of services, in the SCM's order.

        States: 1 active, 2 stopped, 3 all (F-15).  Group: None for all, "" for
        those without one; 1060: nothing is in it (F-16).
        """

    def service_dependents(
        self, service: Capsule, states: int, /
    ) -> list[tuple[str, str, StatusTuple]]:
        """Return all dependents, the one that would start last first (F-20).

        States as of ``service_list``; the statuses have no pids.
        """

    def service_create(
        self,
        manager: Capsule,
        name: str,
        service_type: int,
        start_type: int,
        error_control: int,
        command_line: str,
        group: str | None,
        dependencies: tuple[str, ...] | None,
        account: str | None,
        password: str | None,
        display_name: str | None,
        access: int,
        /,
    ) -> Capsule:
        """Create a service and return a handle with these rights (E-6, E-13).

        None: no group, no dependencies, LocalSystem, no password, the name.  A
        group among the dependencies has "+" in front.
        """

    def service_change(
        self,
        service: Capsule,
        service_type: int | None,
        start_type: int | None,
        error_control: int | None,
        command_line: str | None,
        group: str | None,
        dependencies: tuple[str, ...] | None,
        account: str | None,
        password: str | None,
        display_name: str | None,
        /,
    ) -> None:
        """Change settings; None keeps one (E-40), "" and () delete (E-41).

        On Wine ``None`` for the dependencies deletes them (H-46).
        """

    def service_config(self, service: Capsule, /) -> ConfigTuple:
        """Return the settings (E-44)."""

    def service_config2(self, service: Capsule, level: int, /) -> tuple[bytes, int]:
        """Return a level's structure, and the address that its pointers count from.

        The bytes go on behind it with what the pointers point to, and with zeros.
        OSError 124: the SCM does not know the level (E-71).
        """

    def service_change2(
        self, service: Capsule, level: int, image: bytes, pointers: tuple[int, ...], /
    ) -> None:
        """Set a level.

        ``image`` is its structure and all that it points to; at the offsets
        ``pointers`` it has offsets from its own start where the SCM is to see
        addresses.  ValueError: it is too short for the level, or a pointer is not
        aligned or not of the image.  OSError 124: the SCM does not know the level.
        """

    def service_security(self, service: Capsule, /) -> str:
        """Return the security descriptor's owner, group and DACL as SDDL.

        The handle needs READ_CONTROL.
        """

    def service_change_security(self, service: Capsule, sddl: str, /) -> None:
        """Set the DACL to that of an SDDL text; the handle needs WRITE_DAC.

        OSError 1336: it has none, which would let everybody do everything.
        """

    def account_sid(self, machine: str | None, account: str, /) -> str:
        r"""Return an account's SID as text, S-1-…; OSError 1332: there is none.

        With ``.\`` in front it is one of the computer's own.
        """

    def logon_right_held(self, machine: str | None, account: str, /) -> bool:
        """Tell whether an account itself may log on as a service (E-15).

        It may also do so by a group.  OSError 1332: there is no such account; 1057:
        it is a group; 5: the caller may not know; 120: the system keeps no rights
        (H-55).
        """

    def logon_right_grant(self, machine: str | None, account: str, /) -> None:
        """Give an account that right; again does nothing."""

    def logon_right_revoke(self, machine: str | None, account: str, /) -> None:
        """Take that right from an account; again does nothing."""

    def service_open(self, manager: Capsule, name: str, access: int, /) -> Capsule:
        """Return a handle with these rights."""

    def service_delete(self, service: Capsule, /) -> None:
        """Mark a service for deletion."""

    def service_start(self, service: Capsule, arguments: tuple[str, ...], /) -> None:
        """Start a service."""

    def service_control(self, service: Capsule, code: int, /) -> StatusTuple:
        """Send a control; the status returned has no pid."""

    def service_status(self, service: Capsule, /) -> StatusTuple:
        """Return the SCM's record of the status."""

    def service_control_reason(
        self, service: Capsule, code: int, reason: int, comment: str | None, /
    ) -> StatusTuple:
        """Send a control with a reason (B-40, B-41), and return the status after it.

        OSError 120: the system has no ControlServiceEx (Wine, H-19).
        """


class Notifying(Protocol):
    """What ``_core`` offers to who is to be notified of services (F.1).

    A notifier has a thread of the extension's own, which registers again and
    again.  It is closed by ``notifier_close``, or when no longer referenced.
    """

    def notifier_new(self) -> Capsule:
        """Return a notifier; OSError 120 where the system has none."""

    def notifier_add(
        self, notifier: Capsule, handle: Capsule, mask: int, key: int, /
    ) -> None:
        """Subscribe; the handle becomes the notifier's.

        A refusal comes as a notice with its code.  EOFError: it is closed.
        """

    def notifier_remove(self, notifier: Capsule, key: int, /) -> None:
        """End the subscriptions of a key, and close their handles."""

    def notifier_wait(
        self, notifier: Capsule, seconds: float | None, /
    ) -> list[NoticeTuple]:
        """Block for notices, at most one for each key; none if the time is up.

        EOFError: it is closed.
        """

    def notifier_close(self, notifier: Capsule, /) -> None:
        """End all subscriptions, wake who waits; again does nothing."""


class Terminal(Protocol):
    """What ``_core`` offers about the events of the console."""

    def console_ignore(self) -> None:
        """Let no event end the process or get to its other handlers."""

    def console_watch(self) -> None:
        """Take the events for ``console_wait``."""

    def console_release(self) -> None:
        """Leave the events to the other handlers."""

    def console_wait(self) -> int | None:
        """Block for an event (``CTRL_C_EVENT`` …); None when none will come."""


class Sessions(Protocol):
    """What ``_core`` knows of logon sessions."""

    def session_user(self, session_id: int, /) -> tuple[str, str]:
        """Return domain and name of a session's user, empty when there is none."""


class EventLog(Protocol):
    """What ``_core`` offers about the Windows event log.

    All may block for as long as its service or the network takes, with the GIL
    released; failures are OSError with ``winerror``.
    """

    def eventlog_open(self, machine: str | None, source: str, /) -> Capsule:
        """Return what writes as a source; closed when no longer referenced."""

    def eventlog_report(
        self,
        log: Capsule,
        kind: int,
        category: int,
        event_id: int,
        strings: tuple[str, ...],
        data: bytes | None,
        /,
    ) -> None:
        """Write an event; the id has all 32 bits (G-4, G-5)."""

    def eventlog_close(self, log: Capsule, /) -> None:
        """Write no more; again does nothing, and writing after that is error 6."""

    def eventlog_query(
        self,
        machine: str | None,
        channel: str,
        xpath: str,
        newest_first: bool,
        limit: int,
        /,
    ) -> list[tuple[str, str | None]]:
        """Return (XML, message) of the events that an XPath selects.

        No message: Windows does not find the text.  120: this system cannot read.
        """


class Core(Hosting, Managing, Notifying, Sessions, Terminal, EventLog, Protocol):
    """The module ``winsvc._core``."""
