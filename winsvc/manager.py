"""The SCM itself: create, find, list and configure services.

Everything here may be called from any thread, and blocks for as long as the SCM,
the service or the network takes.  Each operation asks for the access right that
it needs and no more, when it is first used.
"""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Self

from winsvc import rights
from winsvc._interfaces import Capsule
from winsvc.backend import Backend, Handles, NativeBackend, reported
from winsvc.config import ServiceConfig
from winsvc.errors import ServiceError
from winsvc.handle import ServiceHandle
from winsvc.states import ServiceType, StartType
from winsvc.status import ServiceInfo, ServiceStatus

__all__ = ["ServiceHandle", "ServiceManager"]


class ServiceManager:
    """The SCM: a context manager that closes its handles at the end.

    Args:
        machine: Name of another computer; default: this one.
        backend: The SCM to use in place of the system's: a simulated one.

    Raises:
        NoSCM: This is not Windows, and there is no ``backend``.
        ServiceError: The SCM cannot be reached: 5, 1722 (E-20).
    """

    def __init__(
        self, machine: str | None = None, *, backend: Backend | None = None
    ) -> None:
        self._backend = backend if backend is not None else NativeBackend()
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

        Args:
            config: Its settings.

        Returns:
            A handle with every right, to be closed by the caller.

        Raises:
            ServiceExists: There is one of this key name (1073).
            ServiceMarkedForDelete: There still is one, being deleted (1072).
            ServiceAccessDenied: The caller is no administrator (5).
            ServiceError: Another code of E-6, E-12, E-15.
            ValueError: It has no command.
        """
        backend = self._backend
        if config.command_line is None:
            msg = f"service {config.name!r}: command is missing; say what it runs"
            raise ValueError(msg)
        with reported("create", config.name):
            native = backend.service_create(
                self._handles.get(rights.CREATE_SERVICE),
                config.name,
                config.display_name or config.name,
                config.command_line,
                int(config.service_type or ServiceType.OWN_PROCESS),
                int(config.start_type or StartType.AUTO),
                config.account,
                config.password,
                rights.OF_CREATOR,
            )
        handles = self._handles_of(config.name)
        handles.add(rights.OF_CREATOR, native)
        handle = ServiceHandle(config.name, backend, handles)
        if config.description:
            try:
                with reported("describe", config.name):
                    backend.service_describe(native, config.description)
            except BaseException:
                with suppress(ServiceError), handle:
                    handle.delete()
                raise
        return handle

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
        """
        handles = self._handles_of(name)
        with reported("open", name):
            handles.get(rights.QUERY_STATUS)
        return ServiceHandle(name, self._backend, handles)

    def list(self) -> tuple[ServiceInfo, ...]:
        """Return all services, drivers left out, in the SCM's order (F-18).

        Raises:
            ServiceError: The SCM did not answer.

        Those whose status the caller may not read are missing (F-17).
        """
        with reported("list the services", None):
            found = self._backend.service_list(
                self._handles.get(rights.ENUMERATE_SERVICE)
            )
        return tuple(
            ServiceInfo(name, display_name, ServiceStatus.from_tuple(status))
            for name, display_name, status in found
        )

    def close(self) -> None:
        """Close the SCM's handles; again does nothing."""
        self._handles.close()

    def _handles_of(self, name: str) -> Handles:
        backend, manager = self._backend, self._handles

        def opener(right: int) -> Capsule:
            return backend.service_open(manager.get(rights.CONNECT), name, right)

        return Handles(backend, opener)
