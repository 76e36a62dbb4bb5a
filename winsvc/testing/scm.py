"""SimulatedScm: a ServiceManager whose services run in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from winsvc._native import as_service_error
from winsvc.base import HasService, ServiceBase, check_class
from winsvc.journal import JournalEntry
from winsvc.manage.manager import ServiceHandle, ServiceManager
from winsvc.registrations import Subject
from winsvc.settings.config import ServiceConfig
from winsvc.states import ServiceType
from winsvc.testing.database import SimulatedBackend
from winsvc.testing.process import (
    ControlTuple,
    Launcher,
    SimulatedProcess,
    launch_thread,
)
from winsvc.testing.records import Program, Record
from winsvc.testing.reports import (
    Report,
    Subscription,
    Violation,
    make_report,
    violations_of,
)


class SimulatedScm(ServiceManager):
    """An SCM in this process: the same interface as the real one's, and more.

    Args:
        clock: ``"virtual"``: time stands still but for :meth:`advance`;
            ``"real"``: the system's monotonic clock.
        launch: Where a process's main thread runs; default: a new thread.

    Services are really hosted, by the same C core; only the SCM is simulated.
    """

    def __init__(
        self, clock: str = "virtual", *, launch: Launcher = launch_thread
    ) -> None:
        if clock not in ("virtual", "real"):
            msg = f"clock is {clock!r}: write 'virtual' or 'real'"
            raise ValueError(msg)
        self._simulated = SimulatedBackend(virtual=clock == "virtual", launch=launch)
        super().__init__(backend=self._simulated)

    def manager(self, machine: str | None = None) -> ServiceManager:
        """Return another client of this SCM, which may be closed by itself.

        For code that opens the SCM itself: in place of ``winsvc.ServiceManager``, and
        as the ``manager_factory`` of ``winsvc.main``.

        Args:
            machine: Must be left out: there are no other computers (1722).
        """
        return ServiceManager(machine, backend=self)

    @property
    def session_users(self) -> dict[int, tuple[str, str]]:
        """Domain and user of each logon session there is; to be changed."""
        return self._simulated.session_users

    @property
    def logon_rights(self) -> set[str]:
        """The accounts, in capitals, that may log on as a service; to be changed."""
        return self._simulated.logon_rights

    @property
    def now(self) -> float:
        """Seconds of the simulated clock."""
        return self._simulated.monotonic()

    @property
    def pipe_timeout(self) -> float:
        """Seconds that the SCM waits for a process (A-40)."""
        return self._simulated.pipe_timeout

    @pipe_timeout.setter
    def pipe_timeout(self, seconds: float) -> None:
        self._simulated.pipe_timeout = seconds

    def add(
        self, service: type[ServiceBase] | HasService, *, name: str | None = None
    ) -> ServiceHandle:
        """Create a service of a class, without a command line.

        Args:
            service: The class that its process hosts.
            name: Key name; default: the class's own.
        """
        cls = check_class(service)
        handle = self.create(
            ServiceConfig(
                name=name or cls.name,
                display_name=cls.display_name,
                command=(r"C:\python.exe", "-m", "winsvc", "host", cls.__qualname__),
                start_type=cls.start_type,
            )
        )
        self._record(handle.name).load = lambda: cls
        return handle

    def add_process(
        self, *services: type[ServiceBase] | HasService, also: Sequence[str] = ()
    ) -> tuple[ServiceHandle, ...]:
        """Create services that share one process (A-8 to A-10, A-28).

        The first that is started makes the process, the others use it while it
        lives; it ends with the last of them that stops.

        Args:
            *services: The classes that the process hosts, under their own names.
            also: Names of further services that are said to be in that process;
                they are not, so that starting one fails with 1083 (I-6).

        Returns:
            A handle to each, in that order.

        Raises:
            ServiceExists: There is one of these names (1073); none is created.
        """
        classes = tuple(map(check_class, services))
        program = Program(
            tuple(cls.name for cls in classes), tuple(map(_load_of, classes))
        )
        members = [(cls.name, cls) for cls in classes]
        members += [(name, ServiceBase) for name in also]
        handles: list[ServiceHandle] = []
        try:
            for name, cls in members:
                handles.append(self._create_member(program, name, cls))
        except BaseException:
            for handle in handles:
                with handle:
                    handle.delete()
            raise
        return tuple(handles)

    def _create_member(
        self, program: Program, name: str, cls: type[ServiceBase]
    ) -> ServiceHandle:
        config = ServiceConfig(
            name=name,
            display_name=cls.display_name,
            command=(r"C:\python.exe", rf"C:\{program.names[0]}.py"),  # its own main
            start_type=cls.start_type,
            service_type=ServiceType.SHARE_PROCESS,
        )
        handle = self.create(config)
        record = self._record(name)
        record.program = program
        record.place = program.place(name)
        return handle

    def advance(self, seconds: float) -> None:
        """Move a virtual clock on.

        Everything that falls due on the way happens at its time: the reporter
        threads are waited for, Python's threads are only woken.
        """
        self._simulated.advance(seconds)

    def send(
        self, name: str, control: int, event_type: int = 0, data: bytes | None = None
    ) -> int:
        """Deliver a control as the system itself does, whatever its code.

        The accept mask and the state are not asked; the buffer that the handler
        sees is overwritten when it returns (I-127).

        Returns:
            What the handler answered.

        Raises:
            ServiceError: It cannot be delivered: the service has stopped, say.
        """
        event = (control, event_type, data)
        with _sending_to(name):
            return self._simulated.deliver(self._record(name), event, "send")

    def send_many(self, name: str, controls: Sequence[ControlTuple]) -> int:
        """Deliver controls as :meth:`send` does, one after the other.

        Args:
            name: The service's.
            controls: ``(code, event_type, data or None)`` each.

        Returns:
            How many were answered with 0; the next one was not, and those behind
            it have not been sent.

        Blocks with the GIL released until the last has been answered.
        """
        with _sending_to(name):
            return self._simulated.deliver_many(self._record(name), controls, "send")

    def kill(self, name: str, exit_code: int = 1) -> None:
        """End a service's process as a crash does, with all services in it."""
        self.process(name).kill(exit_code)

    def wait_gone(self, name: str, timeout: float = 60.0) -> int:
        """Wait in real time until a service's process has ended.

        Returns:
            The exit code of the process.

        Raises:
            TimeoutError: It lives still.
        """
        process = self.process(name)
        if not process.gone.wait(timeout):
            msg = f"the process of {name} lives still after {timeout:g} s"
            raise TimeoutError(msg)
        assert process.exit_code is not None
        return process.exit_code

    def reports(self, name: str) -> tuple[Report, ...]:
        """Return what the service reported in its last process, oldest first."""
        record = self._record(name)
        process = record.process
        return tuple(map(make_report, process.reports(record.place))) if process else ()

    def subscriptions(self, name: str) -> tuple[Subscription, ...]:
        """Return what the service is subscribed to, the oldest first.

        One that is there after its stop has been forgotten.
        """
        record = self._record(name)
        return tuple(
            Subscription(Subject(subject), data)
            for subject, data in self.process(name).subscriptions(record.place)
        )

    def journal(self, name: str) -> tuple[JournalEntry, ...]:
        """Return the core's journal of the service in its last process."""
        return self.process(name).journal(self._record(name).place)

    def instance(self, name: str) -> ServiceBase:
        """Return the service object that its last start made."""
        host = self.process(name).hosts.get(self._record(name).place)
        if host is None or host.service is None:
            msg = f"{name} has not been loaded yet"
            raise LookupError(msg)
        return host.service

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Reports that broke a rule, of all processes so far."""
        return tuple(
            violation
            for record in self._simulated.records.values()
            for violation in violations_of(record)
        )

    def _record(self, name: str) -> Record:
        try:
            return self._simulated.records[name.upper()]
        except KeyError:
            msg = f"the simulated SCM has no service {name!r}"
            raise LookupError(msg) from None

    def process(self, name: str) -> SimulatedProcess:
        """Return the service's last process."""
        process = self._record(name).process
        if process is None:
            msg = f"{name} was never started"
            raise LookupError(msg)
        return process


def _load_of(service: type[ServiceBase]) -> Callable[[], type[ServiceBase]]:
    return lambda: service


@contextmanager
def _sending_to(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise as_service_error(error, "send a control to", name) from None
