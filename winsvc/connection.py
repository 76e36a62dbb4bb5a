"""A process's connection to its SCM, and the services that come over it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from winsvc._native import as_service_error
from winsvc.host import Host, Loader, SessionUser

if TYPE_CHECKING:
    from winsvc._native import Capsule, Hosting

OWN_PROCESS_NAME = ""
_FIRST_LOOK = 0.25  # seconds: who was not started by an SCM is told so by then
Idle: TypeAlias = Callable[[], float]
"""Called while a service waits for its start; returns seconds to the next call."""

log = logging.getLogger("winsvc.host")


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


def serve(
    connection: Connection,
    loads: Sequence[Loader],
    *,
    on_host: Callable[[int, Host], None] | None = None,
    idles: Mapping[int, Idle] | None = None,
) -> int:
    """Host services until the last of them has stopped.

    Args:
        connection: Not started yet.
        loads: For each of its names: imports the user's code, returns its class.
        on_host: Told of every life that begins, on the thread that runs it.
        idles: By index, what to call while a service waits for its start.

    Returns:
        0, or the last specific exit code that was not 0.

    Raises:
        NotStartedBySCM: No SCM has started this process (1063); nothing of the
            services has run (A-3).
        ServiceError: The SCM could not be told of a start or stop.

    The first service runs on the calling thread, which should be the main one;
    the others each on a thread of their own.  Blocks.
    """
    server = _Server(connection, loads, on_host, idles or {})
    connection.start()
    threads = [
        threading.Thread(
            target=server.serve,
            args=(index,),
            name=f"winsvc-main {connection.names[index]}",
            daemon=True,
        )
        for index in range(1, len(connection.handles))
    ]
    for thread in threads:
        thread.start()
    server.serve(0)
    for thread in threads:
        thread.join()
    if server.error is not None:
        raise server.error
    connection.join()
    if not server.has_served:
        msg = "the SCM ended this process before it started a service"
        raise RuntimeError(msg)
    return server.exit_code


class _Server:
    """What the threads of :func:`serve` share."""

    def __init__(
        self,
        connection: Connection,
        loads: Sequence[Loader],
        on_host: Callable[[int, Host], None] | None,
        idles: Mapping[int, Idle],
    ) -> None:
        self.has_served = False
        self.exit_code = 0
        self.error: Exception | None = None
        self._connection = connection
        self._loads = loads
        self._on_host = on_host
        self._idles = idles

    def serve(self, index: int) -> None:
        """Run one service whenever the SCM starts it, until there is no SCM."""
        while self._serve_once(index):
            pass

    def _serve_once(self, index: int) -> bool:
        connection = self._connection
        try:
            started = connection.wait_start(index, self._idles.get(index))
            if started is None:
                return False
            life, argv = started
            self.has_served = True
            host = Host(
                connection.hosting,
                connection.handles[index],
                life,
                argv,
                session_user=connection.session_user,
            )
            if self._on_host is not None:
                self._on_host(index, host)
            self.exit_code = host.run(self._loads[index]) or self.exit_code
        except Exception as error:
            self.error = self.error or error
            if not connection.is_shared:
                return False
            log.exception("a service could not be hosted")
        return True
