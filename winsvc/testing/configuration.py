"""The simulated SCM's database: the services that there are, and their settings.

The rules about values are in ``rules.py``; starting and controlling services is in
``database.py``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import replace

from winsvc._interfaces import ConfigTuple, StatusTuple
from winsvc.manage import rights
from winsvc.manage.security import dacl_of, parse_dacl
from winsvc.settings.accounts import LOCAL_SYSTEM
from winsvc.settings.levels import Level, pack
from winsvc.settings.values import NO_NODE
from winsvc.states import StartType, State
from winsvc.testing.accounts import sid_of
from winsvc.testing.records import Handle, Record, refusal
from winsvc.testing.rules import (
    check_account,
    check_change,
    check_dependencies,
    check_display_name,
    check_name,
    check_numbers,
    dependents_of,
    is_protected,
    value_of,
)
from winsvc.winerror import (
    ERROR_ACCESS_DENIED,
    ERROR_FILE_NOT_FOUND,
    ERROR_INVALID_ACL,
    ERROR_INVALID_HANDLE,
    ERROR_INVALID_LEVEL,
    ERROR_INVALID_PARAMETER,
    ERROR_SERVICE_DOES_NOT_EXIST,
    ERROR_SERVICE_EXISTS,
    ERROR_SERVICE_MARKED_FOR_DELETE,
)

OWNER = "O:SYG:SY"
_ACTIVE, _INACTIVE = 1, 2  # F-15
_NAP = 0.002


class SimulatedDatabase:
    """The functions of a client of the SCM that start and control nothing.

    Attributes:
        records: The services by their key names in capitals.
        users: SIDs of accounts by names, besides those that every system has.
        event_sources: Message files by names in capitals.
        logon_rights: The accounts, in capitals, that may log on as a service; those
            that need no right for it are not in it.
    """

    machine: str | None = None

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.users: dict[str, str] = {}
        self.event_sources: dict[str, str] = {}
        self.logon_rights: set[str] = set()
        self._lock = threading.RLock()

    # --- handles ------------------------------------------------------------------

    def manager_open(self, machine: str | None, access: int) -> Handle:
        """Open the SCM; there is only this machine's."""
        if machine is not None:
            raise refusal(1722, "open the SCM")  # E-20
        return Handle(None, access)

    def handle_close(self, handle: Handle) -> None:
        """Close a handle; a deleted, stopped service goes with its last (E-32)."""
        with self._lock:
            if not handle.is_open:
                raise refusal(ERROR_INVALID_HANDLE, "close a handle")
            handle.is_open = False
            if handle.record is not None:
                handle.record.handles -= 1
                self._sweep(handle.record)

    def service_open(self, manager: Handle, name: str, access: int) -> Handle:
        """Open a service by its key name (E-21)."""
        what = "open the service"
        with self._lock:
            self._check_manager(manager, rights.CONNECT, what)
            self._sweep_all()
            record = self.records.get(name.upper())
            if record is None:
                raise refusal(ERROR_SERVICE_DOES_NOT_EXIST, what)
            return self._handle(record, access)

    def present(self) -> list[Record]:
        """Return the services that there are."""
        with self._lock:
            self._sweep_all()
            return list(self.records.values())

    def _handle(self, record: Record, access: int) -> Handle:
        record.handles += 1
        return Handle(record, access)

    def _check_manager(self, manager: Handle, right: int, what: str) -> None:
        if not manager.is_open or manager.record is not None:
            raise refusal(ERROR_INVALID_HANDLE, what)
        if not manager.access & right:
            raise refusal(ERROR_ACCESS_DENIED, what)

    def _record(self, handle: Handle, what: str, right: int = 0) -> Record:
        if not handle.is_open or handle.record is None:  # E-24, E-25
            raise refusal(ERROR_INVALID_HANDLE, what)
        if handle.access & right != right:  # E-73
            raise refusal(ERROR_ACCESS_DENIED, what)
        return handle.record

    def _changed(self, handle: Handle, what: str, right: int) -> Record:
        """Return the record of a handle that may change it (E-33, E-73)."""
        record = self._record(handle, what, right)
        if record.deleted:
            raise refusal(ERROR_SERVICE_MARKED_FOR_DELETE, what)
        if is_protected(record):
            raise refusal(ERROR_ACCESS_DENIED, what)
        return record

    def _sweep_all(self) -> None:
        """Let go what was deleted while it ran, and has stopped since (E-32)."""
        for record in list(self.records.values()):
            self._sweep(record)

    def _sweep(self, record: Record) -> None:
        if (
            record.deleted
            and record.handles == 0
            and record.status()[1] == State.STOPPED
        ):
            self.records.pop(record.name.upper(), None)

    # --- the services -------------------------------------------------------------

    def service_create(
        self,
        manager: Handle,
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
    ) -> Handle:
        """Create a service; the checks come in the order of E-6."""
        what = "create the service"
        with self._lock:
            self._check_manager(manager, rights.CREATE_SERVICE, what)
            self._sweep_all()
            check_name(name, what)
            if not command_line:
                raise refusal(ERROR_INVALID_PARAMETER, what)
            check_numbers(service_type, start_type, error_control, what)
            old = self.records.get(name.upper())
            if old is not None:
                deleted = ERROR_SERVICE_MARKED_FOR_DELETE
                raise refusal(deleted if old.deleted else ERROR_SERVICE_EXISTS, what)
            check_display_name(name, display_name or name, self.records, what)
            check_account(service_type, account or LOCAL_SYSTEM, what)
            named = _services_first(dependencies or ())
            check_dependencies(name, group or "", named, self.records, what)
            record = Record(
                name=name,
                display_name=display_name or name,  # E-4
                command_line=command_line,
                service_type=service_type,
                start_type=start_type,
                account=account or LOCAL_SYSTEM,  # E-18
                error_control=error_control,
                group=group or "",
                dependencies=named,
                password=password,
            )
            self.records[name.upper()] = record
            return self._handle(record, access)

    def service_delete(self, handle: Handle) -> None:
        """Mark a service for deletion (E-30, E-31)."""
        what = "delete the service"
        with self._lock:
            record = self._record(handle, what, rights.DELETE)
            if record.deleted:
                raise refusal(ERROR_SERVICE_MARKED_FOR_DELETE, what)
            record.deleted = True
            record.start_type = StartType.DISABLED

    def service_list(
        self, manager: Handle, states: int, group: str | None
    ) -> list[tuple[str, str, StatusTuple]]:
        """Return services in the database's order (F-13 to F-18)."""
        what = "list the services"
        with self._lock:
            if states not in (1, 2, 3):
                raise refusal(ERROR_INVALID_PARAMETER, what)
            self._check_manager(manager, rights.ENUMERATE_SERVICE, what)
            found: Iterable[Record] = self.present()
            if group is not None:
                found = [one for one in found if one.group.upper() == group.upper()]
                if group and not found:
                    raise refusal(ERROR_SERVICE_DOES_NOT_EXIST, what)
            return _entries(found, states)

    def service_dependents(
        self, handle: Handle, states: int
    ) -> list[tuple[str, str, StatusTuple]]:
        """Return all dependents, the one that would start last first (F-20)."""
        what = "list the dependents"
        with self._lock:
            record = self._record(handle, what, rights.ENUMERATE_DEPENDENTS)
            if states not in (1, 2, 3):
                raise refusal(ERROR_INVALID_PARAMETER, what)
            self._sweep_all()
            return _entries(dependents_of(record, self.records), states)

    def has_active_dependents(self, record: Record) -> bool:
        """Tell whether a STOP is refused because of others (B-38)."""
        with self._lock:
            return bool(_entries(dependents_of(record, self.records), _ACTIVE))

    # --- settings -----------------------------------------------------------------

    def service_config(self, handle: Handle) -> ConfigTuple:
        """Return the settings (E-44)."""
        with self._lock:
            record = self._record(handle, "query settings", rights.QUERY_CONFIG)
            return (
                record.service_type,
                record.start_type,
                record.error_control,
                record.command_line,
                record.group,
                0,
                record.dependencies,
                record.account,
                record.display_name,
            )

    def service_change(
        self,
        handle: Handle,
        service_type: int | None,
        start_type: int | None,
        error_control: int | None,
        command_line: str | None,
        group: str | None,
        dependencies: tuple[str, ...] | None,
        account: str | None,
        password: str | None,
        display_name: str | None,
    ) -> None:
        """Change settings; ``None`` keeps one (E-40), "" is as E-41 says."""
        what = "change settings"
        with self._lock:
            record = self._changed(handle, what, rights.CHANGE_CONFIG)
            self._sweep_all()
            named = None if dependencies is None else _services_first(dependencies)
            given = {
                "service_type": service_type,
                "start_type": start_type,
                "error_control": error_control,
                "command_line": command_line or None,
                "group": group,
                "dependencies": named,
                "account": account or None,
                "display_name": record.name if display_name == "" else display_name,
            }
            new = {
                name: getattr(record, name) if value is None else value
                for name, value in given.items()
            }
            check_change(record, new, self.records, what)
            for name, value in new.items():
                setattr(record, name, value)
            if password is not None:
                record.password = password

    def service_config2(self, handle: Handle, level: int) -> tuple[bytes, int]:
        """Return a level's structure, whose pointers count from its start."""
        with self._lock:
            what = f"query level {level}"
            record = self._record(handle, what, rights.QUERY_CONFIG)
            if level not in Level.__members__.values():
                raise refusal(ERROR_INVALID_LEVEL, what)  # E-71
            value = record.level(Level(level))
            if level == Level.PREFERRED_NODE and value == NO_NODE:
                raise refusal(ERROR_INVALID_PARAMETER, what)
            return pack(level, value).data, 0

    def service_change2(
        self, handle: Handle, level: int, image: bytes, pointers: tuple[int, ...]
    ) -> None:
        """Set a level; that it can be unpacked shows that the pointers are right."""
        del pointers
        with self._lock:
            what = f"set level {level}"
            record = self._changed(handle, what, rights.CHANGE_CONFIG)
            record.levels[Level(level)] = value_of(record, handle, level, image)

    def service_security(self, handle: Handle) -> str:
        """Return owner, group and DACL."""
        with self._lock:
            what = "query the security"
            record = self._record(handle, what, rights.READ_CONTROL)
            return OWNER + record.security

    def service_change_security(self, handle: Handle, sddl: str) -> None:
        """Set the DACL; generic rights become those of a service (D.4)."""
        what = "set the security"
        with self._lock:
            record = self._changed(handle, what, rights.WRITE_DAC)
            if dacl_of(sddl) is None:
                raise refusal(ERROR_INVALID_ACL, what)
            try:
                dacl = parse_dacl(sddl)
            except ValueError as error:
                raise refusal(ERROR_INVALID_PARAMETER, f"{what}: {error}") from error
            normal = dacl.normal()
            record.security = str(replace(normal, control=dacl.control))

    def account_sid(self, machine: str | None, account: str) -> str:
        """Return an account's SID."""
        del machine
        return sid_of(account, self.users)

    def logon_right_held(self, machine: str | None, account: str) -> bool:
        """Tell whether an account may log on as a service (E-15)."""
        del machine
        return account.upper() in self.logon_rights

    def logon_right_grant(self, machine: str | None, account: str) -> None:
        """Let it; every name is a user's here."""
        del machine
        with self._lock:
            self.logon_rights.add(account.upper())

    def logon_right_revoke(self, machine: str | None, account: str) -> None:
        """Let it no more."""
        del machine
        with self._lock:
            self.logon_rights.discard(account.upper())

    # --- the registry -------------------------------------------------------------

    def dependencies(self, name: str) -> tuple[str, ...]:
        """Return what a service depends on."""
        with self._lock:
            return self._key(name).dependencies

    def environment(self, name: str) -> tuple[str, ...] | None:
        """Return the lines of a service's environment."""
        with self._lock:
            return self._key(name).environment

    def set_environment(self, name: str, lines: tuple[str, ...] | None) -> None:
        """Set them; here its processes do not get them (E-75)."""
        with self._lock:
            self._key(name).environment = lines

    def event_source(self, name: str) -> str | None:
        """Return the message file of an event source."""
        return self.event_sources.get(name.upper())

    def set_event_source(self, name: str, message_file: str | None) -> None:
        """Register an event source, or take it out."""
        with self._lock:
            if message_file is None:
                self.event_sources.pop(name.upper(), None)
            else:
                self.event_sources[name.upper()] = message_file

    def is_deleted(self, name: str) -> bool:
        """Tell whether a service is marked for deletion (E-31)."""
        with self._lock:
            self._sweep_all()
            return name.upper() in self.records and self._key(name).deleted

    def message_file(self) -> str:
        """Return a name for winsvc's message table."""
        return r"C:\simulated\winsvc\_core.pyd"

    def sleep(self, seconds: float) -> None:
        """Let real time pass, a little of it: the clock here may stand still."""
        time.sleep(min(seconds, _NAP))

    def _key(self, name: str) -> Record:
        record = self.records.get(name.upper())
        if record is None:
            raise refusal(ERROR_FILE_NOT_FOUND, "open a service's key")
        return record


def _services_first(dependencies: Iterable[str]) -> tuple[str, ...]:
    """Return dependencies in the order in which they are read back (E-44)."""
    return tuple(sorted(dependencies, key=lambda name: name.startswith("+")))


def _entries(
    records: Iterable[Record], states: int
) -> list[tuple[str, str, StatusTuple]]:
    """Return those in these states, 1 active, 2 not, as enumerations have them."""
    found = []
    for record in records:
        status = record.status()
        state = _INACTIVE if status[1] == State.STOPPED else _ACTIVE
        if state & states:
            found.append((record.name, record.display_name, status))
    return found
