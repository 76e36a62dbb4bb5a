"""The SCM itself: create, find, list and configure services.

Everything here may be called from any thread, and blocks for as long as the SCM,
the service or the network takes.  Each operation asks for the access right that
it needs and no more, when it is first used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from types import TracebackType
from typing import Self, TypeVar

from winsvc._interfaces import Capsule
from winsvc.errors import ServiceError, ServiceMarkedForDelete, ServiceNotFound
from winsvc.manage import arguments, rights
from winsvc.manage.applying import (
    rights_for,
    steps_of,
    steps_of_creation,
    telling_whose_name,
)
from winsvc.manage.backend import Backend, Handles, NativeBackend, reported
from winsvc.manage.changes import Changes
from winsvc.manage.handle import ServiceHandle
from winsvc.manage.planning import Plan, Planner
from winsvc.manage.reading import Reader
from winsvc.manage.registry import is_ours
from winsvc.manage.status import ServiceInfo, ServiceStatus
from winsvc.manage.transaction import run_steps
from winsvc.manage.watching_all import ManagerWatch
from winsvc.settings.config import ServiceConfig
from winsvc.states import State

__all__ = ["ServiceHandle", "ServiceManager"]
T = TypeVar("T")

_ACTIVE, _INACTIVE, _ALL = 1, 2, 3  # F-15

# 5 s in all (E-34).
_GOING_AWAY_TRIES = 50
_GOING_AWAY_SECONDS = 0.1


class ServiceManager:
    """The SCM: a context manager that closes its handles at the end.

    Args:
        machine: Name of another computer; default: this one.
        backend: The SCM to use in place of the system's: a
            :class:`winsvc.testing.SimulatedScm`, say, or what is below it.

    Raises:
        TypeError: The machine is no text, or the backend no SCM.
        NoSCM: This is not Windows, and there is no ``backend``.
        ServiceError: The SCM cannot be reached: 5, 1722 (E-20).
    """

    def __init__(
        self,
        machine: str | None = None,
        *,
        backend: Backend | ServiceManager | None = None,
    ) -> None:
        if machine is not None:
            arguments.check_texts("ServiceManager", "machine", [machine])
        if isinstance(backend, ServiceManager):
            backend = backend._backend  # noqa: SLF001 - of this class
        backend = NativeBackend(machine) if backend is None else backend
        arguments.check_backend("ServiceManager", backend)
        self._backend: Backend = backend
        self._handles = Handles(
            self._backend, lambda right: self._backend.manager_open(machine, right)
        )
        with reported("open the SCM", None):
            self._handles.get(rights.CONNECT)

    def __enter__(self) -> Self:
        """Return the manager itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Close it."""
        self.close()

    def create(self, config: ServiceConfig) -> ServiceHandle:
        """Create a service; on failure there is none.

        A user's or a managed account gets the right to log on as a service, as by
        :meth:`apply`.

        Args:
            config: Its settings; what is ``None`` is left to the SCM.

        Returns:
            A handle with every right, to be closed by the caller.

        Raises:
            ServiceExists: There is one of this key name (1073).
            ServiceMarkedForDelete: There still is one, being deleted (1072),
                after 5 s: right after a removal that goes on for a moment (E-34).
            ServiceAccessDenied: The caller is no administrator (5).
            ServiceError: Another code of E-6, E-12, E-15 and E.7.
            ValueError: It has no command.
            TypeError: It is no configuration.
        """
        arguments.check_config("create", config)
        plan = Planner(self._backend, config).for_new(self._probes())
        handles = self._retried(lambda: self._execute(plan))
        return ServiceHandle(config.name, self._backend, handles, self.open)

    def plan(
        self, config: ServiceConfig, *, if_supported: Iterable[str] = ()
    ) -> Changes:
        """Return what :meth:`apply` would change; change nothing.

        Where it may not be read whether an account may log on as a service, a note
        of the result says that this right is not granted.

        Args:
            config: The settings that the service is to have; ``None`` is for what
                may stay as it is.  A password cannot be compared: it is set anew.
            if_supported: Names of settings to be left out if this system does not
                know them; ``event_source``, also if it is somebody else's.

        Raises:
            ServiceAccessDenied: The settings may not be read (5).
            ServiceMarkedForDelete: It is being deleted (1072), as the registry
                tells (E-31).
            ServiceError: They cannot be read; 124, 120, 50: this system does not
                know one of them; 183: its event source is somebody else's.
            ValueError: There is no such service, and the command is missing; or
                ``if_supported`` has what is no setting.
            TypeError: An argument is of another type.
        """
        arguments.check_config("plan", config)
        optional = arguments.settings_of("plan", "if_supported", if_supported)
        handles = self._handles_of(config.name)
        try:
            return self._plan(config, handles, optional).changes
        finally:
            handles.close()

    def apply(
        self, config: ServiceConfig, *, if_supported: Iterable[str] = ()
    ) -> Changes:
        """Give a service these settings; create it if there is none.

        All of them are set or, when one fails, none: those before it get their
        old values back, and a service that has been created is deleted again.
        Most of them count from the next start on (E-42).

        A user's or a managed account that does not have the right to log on as a
        service itself gets it before it is set (E-15), also if only its password is
        set, or if it is a managed one and named again.

        Args:
            config: As for :meth:`plan`.
            if_supported: As for :meth:`plan`.

        Returns:
            What has changed; false if everything was so already.

        Raises:
            ServiceMarkedForDelete: It is being deleted (1072), for 5 s at least:
                it goes by itself right after a removal (E-34).  Where there is
                nothing to change, only if the registry tells.
            ServiceError: As :meth:`plan`, or the SCM refused a setting.  Notes on
                it tell what could not be set back.
            TypeError, ValueError: As for :meth:`plan`.
        """
        arguments.check_config("apply", config)
        optional = arguments.settings_of("apply", "if_supported", if_supported)
        return self._retried(lambda: self._apply(config, optional))

    def remove(self, name: str, *, timeout: float = 0.0) -> bool:
        """Delete a service, and take its event source out of the registry.

        It is not stopped by that (E-36); it is gone once it has stopped and all
        handles to it are closed, those of other programs too (E-32).  The event
        source goes if it is winsvc's and can be seen: that of another computer needs
        its Remote Registry service.  That of a service which has not stopped stays,
        so that its last events have their texts; once the service is gone, another
        call takes it out.  Its account keeps the right to log on as a service: others
        may run as it.

        Args:
            name: The key name.
            timeout: Seconds to wait until it is gone, if it has stopped.

        Returns:
            Whether it is gone.

        Raises:
            ServiceNotFound: There is no such service (1060), nor has it left an
                event source of winsvc's.
            ServiceMarkedForDelete: It is being deleted already (1072).
            ServiceError: It cannot be deleted; or only its event source cannot.
            TypeError, ValueError: No text as name, or no number from 0 on as timeout.
        """
        arguments.check_texts("remove", "name", [name])
        arguments.check_seconds("remove", "timeout", timeout)
        try:
            with self.open(name) as handle:
                handle.delete()
                has_stopped = handle.status().state is State.STOPPED
        except ServiceNotFound:
            if not self._take_out_source(name):
                raise
            return True
        if not has_stopped:
            return False
        is_gone = self._is_gone(name, timeout)
        try:
            self._take_out_source(name)
        except ServiceError as error:
            what = "removed" if is_gone else "marked for deletion"
            error.add_note(f"the service itself is {what}")
            raise
        return is_gone

    def wait_removed(self, name: str) -> None:
        """Wait while a service is just going away: for 5 s (E-34).

        Returns at once if there is none, and if it is not being deleted.  That is
        told by a change that changes nothing (E-33): the caller needs the right to
        change the service; without it nothing is told.

        Raises:
            ServiceMarkedForDelete: It is still there (1072).
            TypeError: The name is no text.
        """
        arguments.check_texts("wait_removed", "name", [name])
        self._retried(lambda: self._check_not_deleted(name))

    def open(self, name: str) -> ServiceHandle:
        """Open a service by its key name; display names are not looked at (E-21).

        Args:
            name: The key name, in any case.

        Returns:
            A handle, to be closed by the caller; the manager may be closed
            first, but then the handle has only the rights used so far.

        Raises:
            ServiceNotFound: There is no such service (1060).
            ServiceAccessDenied: Not even its status may be read (5).
            ServiceError: The name is not valid (123).
            TypeError: The name is no text.
        """
        arguments.check_texts("open", "name", [name])
        handles = self._handles_of(name)
        with reported("open", name):
            handles.get(rights.QUERY_STATUS)
        return ServiceHandle(name, self._backend, handles, self.open)

    def list(
        self, *, state: State | int | None = None, group: str | None = None
    ) -> tuple[ServiceInfo, ...]:
        """Return the services, drivers left out, in the SCM's order (F-18).

        Args:
            state: Only those in this state; its number will do.
            group: Only those of this load-order group; ``""``: those of none.

        Raises:
            ServiceError: The SCM did not answer; 1060: no such group (F-16).
            TypeError, ValueError: The state is none, or the group no text.

        Those whose status the caller may not read are missing (F-17).
        """
        if state is not None:
            state = arguments.state_of("list", state)
        if group is not None:
            arguments.check_texts("list", "group", [group])
        states = _ALL if state is None else _ACTIVE
        if state == State.STOPPED:
            states = _INACTIVE
        with reported("list the services", None):
            found = self._backend.service_list(
                self._handles.get(rights.ENUMERATE_SERVICE), states, group
            )
        infos = (
            ServiceInfo(name, display_name, ServiceStatus.from_tuple(status))
            for name, display_name, status in found
        )
        return tuple(info for info in infos if state in (None, info.status.state))

    def watch(self, timeout: float | None = None) -> ManagerWatch:
        """Return what happens to any service, for ``for`` and ``async for``.

        An event comes when a service has been created or deleted, or when its
        state, its process, its exit codes or the controls it accepts have changed;
        none for what there is at the time of the call.  The states that it has passed
        through are told as the SCM notifies of them; changes that follow each other at
        once may come as one.  Drivers are left out.  It ends when it is
        closed, or at the time-out: its ``end`` says which.  Close it, best by
        ``with`` or ``async with``.

        By the SCM's notifications, as they happen; where it does not tell of new
        services (H-33), the list is looked at once a second, and of a restart within
        that only the other process is seen: ``ServiceEvent.is_restart``.  It keeps a
        handle to each service, but lets go one that is to be deleted (E-32).

        Args:
            timeout: Seconds without an event after which it ends; ``None``: never.

        Raises:
            ServiceError: The services cannot be listed.
            TypeError, ValueError: The time is no number of seconds.
        """
        arguments.check_timeout("watch", timeout)

        def opener(name: str) -> Capsule:
            return self._handles_of(name).open(rights.QUERY_STATUS)

        return ManagerWatch(self._backend, self._handles, opener, timeout=timeout)

    def close(self) -> None:
        """Close the SCM's handles; again does nothing."""
        self._handles.close()

    def _take_out_source(self, name: str) -> bool:
        """Take out a service's event source; return whether it was winsvc's."""
        backend = self._backend
        with reported("take out the event source of", name):
            source = Reader(backend, name, self._handles).read(["event_source"])
            if not is_ours(source.get("event_source"), backend.message_file()):
                return False
            backend.set_event_source(name, None)
        return True

    def _is_gone(self, name: str, seconds: float) -> bool:
        """Tell whether a service that has been deleted is gone within some time."""
        clock = self._backend.monotonic
        until = clock() + seconds
        while True:
            with suppress(ServiceMarkedForDelete):  # then it is there
                try:
                    self.open(name).close()
                except ServiceNotFound:
                    return True
            if clock() >= until:
                return False
            self._backend.sleep(_GOING_AWAY_SECONDS)

    def _check_not_deleted(self, name: str) -> None:
        handles = self._handles_of(name)
        try:
            with reported("create", name):
                handle = handles.get(rights.CHANGE_CONFIG | rights.QUERY_CONFIG)
                # Wine erases dependencies that are not given anew (H-46).
                found = Reader(self._backend, name, handles).read(["dependencies"])
                names = found["dependencies"]
                change = self._backend.service_change
                change(handle, None, None, None, None, None, names, None, None, None)
        except ServiceMarkedForDelete:
            raise
        except ServiceError:
            return
        finally:
            handles.close()

    def _plan(
        self, config: ServiceConfig, handles: Handles, optional: frozenset[str]
    ) -> Plan:
        planner = Planner(self._backend, config, optional)
        try:
            with reported("open", config.name):
                handles.get(rights.QUERY_CONFIG)
        except ServiceNotFound:
            return planner.for_new(self._probes())
        if self._backend.is_deleted(config.name):
            raise ServiceMarkedForDelete(operation="change", service=config.name)
        return planner.for_existing(handles)

    def _apply(self, config: ServiceConfig, optional: frozenset[str]) -> Changes:
        handles = self._handles_of(config.name)
        try:
            plan = self._plan(config, handles, optional)
            if plan.changes.is_new:
                self._execute(plan).close()
                return plan.changes
            with reported("change", config.name):
                for right in rights_for(plan):
                    handles.get(right)
            with telling_whose_name(plan, self.list):
                run_steps(config.name, steps_of(plan, self._backend, handles))
            return plan.changes
        finally:
            handles.close()

    def _execute(self, plan: Plan) -> Handles:
        """Create a service; return its handles, which have every right."""
        name = plan.changes.service
        handles = self._handles_of(name)
        with reported("create", name):
            manager = self._handles.get(rights.CREATE_SERVICE)
        creation = steps_of_creation(plan, self._backend, manager, handles)
        steps = chain(creation, steps_of(plan, self._backend, handles))
        with telling_whose_name(plan, self.list):
            run_steps(name, steps)
        return handles

    def _retried(self, action: Callable[[], T]) -> T:
        """Do something again while the service is just going away (E-34)."""
        for _ in range(_GOING_AWAY_TRIES):
            try:
                return action()
            except ServiceMarkedForDelete:
                self._backend.sleep(_GOING_AWAY_SECONDS)
        return action()

    def _probes(self) -> Iterator[Callable[[], Handles]]:
        """Return functions that open a service each, to be closed by the caller."""
        with reported("list the services", None):
            found = self._backend.service_list(
                self._handles.get(rights.ENUMERATE_SERVICE), _ALL, None
            )
        for name, *_ in found:
            yield partial(self._handles_of, name)

    def _handles_of(self, name: str) -> Handles:
        backend, manager = self._backend, self._handles

        def opener(right: int) -> Capsule:
            return backend.service_open(manager.get(rights.CONNECT), name, right)

        return Handles(backend, opener)
