"""A process's connection to its SCM, made before anything else is imported."""

from __future__ import annotations

from winsvc import TYPE_CHECKING
from winsvc._native import as_service_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from winsvc._interfaces import Capsule, Hosting
    from winsvc.host import SessionUser

    Idle: TypeAlias = Callable[[], float]
    """Called while a service waits for its start; returns seconds to the next call."""

OWN_PROCESS_NAME = ""
_FIRST_LOOK = 0.25  # seconds: who was not started by an SCM is told so by then


class Connection:
    """A process's connection to its SCM, made before anything is imported.

    Args:
        hosting: The native module: ``_core`` or ``_sim``.
        wire: The simulated process's wire, ``None`` for the real SCM.
        names: Of its services; that of an own process is ignored (A-7).
        session_user: Looks up a session's domain and user.
    """

    def __init__(
        self,
        hosting: Hosting,
        wire: Capsule | None = None,
        names: tuple[str, ...] = (OWN_PROCESS_NAME,),
        session_user: SessionUser | None = None,
    ) -> None:
        self.hosting = hosting
        self.names = names
        self.session_user = session_user
        self._process = hosting.process_new(wire, names)
        self.handles = hosting.process_services(self._process)

    @property
    def is_shared(self) -> bool:
        """True for a process of several services."""
        return len(self.handles) > 1

    def start(self) -> None:
        """Start the dispatcher: the SCM may start the services from now on."""
        try:
            self.hosting.process_start(self._process)
        except OSError as error:
            raise as_service_error(error) from None

    def wait_start(
        self, index: int, idle: Idle | None = None
    ) -> tuple[Capsule, tuple[str, ...]] | None:
        """Wait until the SCM starts a service of this process.

        Returns:
            A new life, and ServiceMain's arguments, START_PENDING having been
            reported; ``None`` when the dispatcher has returned.

        Raises:
            ServiceError: The service could not be registered or reported.

        Blocks with the GIL released; signal handlers run after ``wake``.
        """
        patience = _FIRST_LOOK if idle is not None else None
        while True:
            try:
                started = self.hosting.wait_start(self.handles[index], patience)
            except EOFError:
                return None
            except OSError as error:
                raise as_service_error(error) from None
            if started is not None:
                return started
            patience = idle() if idle is not None else None

    def join(self) -> None:
        """Wait until the dispatcher has returned: the last service has stopped.

        Raises:
            NotStartedBySCM: No SCM has started this process (1063).
            ServiceError: Another failure of the SCM.
        """
        try:
            self.hosting.process_join(self._process)
        except OSError as error:
            raise as_service_error(error) from None
