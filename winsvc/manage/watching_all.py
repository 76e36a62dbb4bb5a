"""Watching all services of an SCM: what is created, changed and deleted."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from winsvc._interfaces import Capsule, StatusTuple
from winsvc.manage.backend import Backend, Handles, reported
from winsvc.manage.notifier import (
    DELETE_PENDING,
    OF_SCM,
    OF_SERVICE,
    RENEWABLE,
    STATES,
    Notifier,
)
from winsvc.manage.rights import CONNECT, ENUMERATE_SERVICE, QUERY_STATUS
from winsvc.manage.status import ServiceStatus
from winsvc.manage.waiting import REST
from winsvc.manage.watching import (
    GRACE,
    WatchEnd,
    Watching,
    is_same_stage,
    settled,
)
from winsvc.winerror import ERROR_SERVICE_MARKED_FOR_DELETE

_POLL = 1.0
"""Seconds between two lists where the SCM does not notify."""
_LULL = 0.5
"""Seconds before lost subscriptions are renewed: they may be lost again at once."""
_SCM_KEY = 0
_ALL = 3  # F-15


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """Something that happened to one of the services.

    Attributes:
        name: Key name.
        status: Its status after that; ``None`` if it is gone.
        what: ``"created"``, ``"changed"`` or ``"deleted"``.
        before: What it was before a change.
    """

    name: str
    status: ServiceStatus | None
    what: Literal["created", "changed", "deleted"]
    before: ServiceStatus | None = None

    @property
    def is_restart(self) -> bool:
        """True if it was in another process before: it has stopped in between."""
        pids = [each.pid for each in (self.before, self.status) if each is not None]
        return len(pids) == 2 and all(pids) and pids[0] != pids[1]


class ManagerWatch(Watching[ServiceEvent]):
    """What happens to any service, as :meth:`ServiceManager.watch` describes it.

    The SCM's notifications tell when to list the services anew, and which states
    they have passed through.  The lists say what has changed, so that nothing is
    missed but what came and went between two of them, and of that the SCM's own
    names tell (F-9).  What a list shows before it has been notified rests for a
    moment: what was passed on the way there comes first.

    Args:
        backend: The SCM.
        manager: Handles to it.
        opener: Opens a handle to a service, with QUERY_STATUS.
        timeout: Seconds without an event after which it ends.
    """

    def __init__(
        self,
        backend: Backend,
        manager: Handles,
        opener: Callable[[str], Capsule],
        *,
        timeout: float | None = None,
    ) -> None:
        super().__init__()
        self._backend = backend
        self._manager = manager
        self._opener = opener
        self._timeout = timeout
        self._closed = threading.Event()
        self._events: deque[ServiceEvent] = deque()
        self._keys: dict[str, int] = {}
        self._dying: set[str] = set()
        """Marked for deletion while they run: their handles are given back."""
        self._untold: set[str] = set()
        """Gone by a list; that they are deleted the SCM has still to say."""
        self._notified: dict[str, list[ServiceStatus]] = {}
        """Since the last list, of each service in order."""
        self._held: dict[str, tuple[ServiceStatus, float]] = {}
        """Listed, and when, but not notified yet."""
        self._last_key = _SCM_KEY
        self._known = self._list()
        self._notifier = self._subscribe()
        for name in self._known:
            self._follow(name)
        # What has changed before the SCM was asked for notifications.
        try:
            self._compare(())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End it: who waits gets no more.  Again does nothing."""
        self._closed.set()
        notifier = self._notifier  # the consumer's thread may give it up
        if notifier is not None:
            notifier.close()

    def _step(self) -> ServiceEvent | None:
        clock = self._backend.monotonic
        until = None if self._timeout is None else clock() + self._timeout
        while True:
            if self._closed.is_set():
                self._finish(WatchEnd.CLOSED)
                return None
            if self._events:
                return self._events.popleft()
            left = None if until is None else until - clock()
            if left is not None and left <= 0 and not self._held:
                self._finish(WatchEnd.TIMEOUT)
                return None
            names = self._wait(left)
            if not self._closed.is_set():
                self._compare(names)

    def _finish(self, end: WatchEnd) -> None:
        self.end = end
        self.close()

    # --- notifications ------------------------------------------------------------

    def _subscribe(self) -> Notifier | None:
        try:
            notifier = Notifier(self._backend)
        except OSError:
            return None
        if not self._add_scm(notifier):
            notifier.close()
            return None
        return notifier

    def _add_scm(self, notifier: Notifier) -> bool:
        try:
            notifier.add(self._manager.open(ENUMERATE_SERVICE), OF_SCM, _SCM_KEY)
        except (OSError, EOFError):
            return False
        return True

    def _follow(self, name: str, *, anew: bool = False) -> None:
        """Be notified of a service; those that may not be opened are listed only."""
        if self._notifier is None:
            return
        self._unfollow(name)
        try:
            handle = self._open_anew(name) if anew else self._opener(name)
        except OSError:
            return
        self._last_key += 1
        self._keys[name] = self._last_key
        try:
            self._notifier.add(handle, OF_SERVICE, self._last_key)
        except EOFError:
            self._closed.set()

    def _open_anew(self, name: str) -> Capsule:
        """Open a service by a new handle to the SCM (F-8)."""
        scm = self._manager.open(CONNECT)
        try:
            return self._backend.service_open(scm, name, QUERY_STATUS)
        finally:
            self._backend.handle_close(scm)

    def _unfollow(self, name: str) -> None:
        key = self._keys.pop(name, None)
        if key is not None and self._notifier is not None:
            self._notifier.remove(key)

    def _wait(self, left: float | None) -> tuple[str, ...]:
        """Block until the list is worth a look; return the names of F-9."""
        if self._notifier is None:
            self._sleep(_POLL if left is None else min(_POLL, left))
            return ()
        if self._held:
            rest = GRACE
        else:
            rest = _POLL if self._dying else REST
            rest = rest if left is None else min(rest, left)
        try:
            notices = self._notifier.wait(rest)
        except EOFError:
            return ()
        if any(code in RENEWABLE for _key, code, *_ in notices):
            # Real time, whatever the SCM's clock: for the processor's sake.
            self._closed.wait(_LULL)
        names: tuple[str, ...] = ()
        followed = {key: name for name, key in self._keys.items()}
        for key, code, triggered, status, new in notices:
            if key == _SCM_KEY:
                names += new
                self._renew_scm(code)
            elif key in followed:
                self._heed(followed[key], code, triggered, status)
        return names

    def _renew_scm(self, code: int) -> None:
        if not code or self._notifier is None:
            return
        self._notifier.remove(_SCM_KEY)
        self._untold.clear()
        if code in RENEWABLE and self._add_scm(self._notifier):
            return
        # Without DELETED (H-33) there is no DELETE_PENDING either, and a handle
        # that is kept for a service would keep it from being deleted (E-32).
        self._notifier.close()
        self._notifier = None
        self._keys.clear()

    def _heed(self, name: str, code: int, triggered: int, raw: StatusTuple) -> None:
        if triggered & STATES:
            status = settled(ServiceStatus.from_tuple(raw))
            self._notified.setdefault(name, []).append(status)
        if code == ERROR_SERVICE_MARKED_FOR_DELETE or triggered & DELETE_PENDING:
            self._unfollow(name)
            self._dying.add(name)
        elif code in RENEWABLE:
            self._follow(name, anew=True)
        elif code:
            self._unfollow(name)

    def _sleep(self, seconds: float) -> None:
        """Block in short turns, for Ctrl+C; in the time of a simulated SCM."""
        clock = self._backend.monotonic
        until = clock() + seconds
        while (left := until - clock()) > 0 and not self._closed.is_set():
            self._closed.wait(min(left, 0.1))

    # --- lists ---------------------------------------------------------------------

    def _list(self) -> dict[str, ServiceStatus]:
        with reported("list the services", None):
            handle = self._manager.get(ENUMERATE_SERVICE)
            found = self._backend.service_list(handle, _ALL, None)
        return {
            name: settled(ServiceStatus.from_tuple(raw))
            for name, _display, raw in found
        }

    def _compare(self, names: tuple[str, ...]) -> None:
        """Make events of how the list differs from the last one."""
        old, new = self._known, self._list()
        self._known = new
        add = self._events.append
        created = {name[1:] for name in names if name.startswith("/")}
        deleted = {name for name in names if not name.startswith("/")}
        untold = deleted - self._untold
        again = untold & old.keys() & new.keys()
        gone = old.keys() - new.keys()
        if self._notifier is not None:
            self._untold = (self._untold | gone) - deleted
        for name in gone:
            self._tell_passed(name, old[name])
            self._forget(name)
            add(ServiceEvent(name, None, "deleted"))
        for name in (created & untold) - old.keys() - new.keys():
            add(ServiceEvent(name, None, "created"))
            add(ServiceEvent(name, None, "deleted"))
        for name in again:  # what follows was a handle to the one that is gone
            self._forget(name)
            add(ServiceEvent(name, None, "deleted"))
            self._follow(name)
            add(ServiceEvent(name, new[name], "created"))
        for name, status in new.items():
            if name not in old:
                self._follow(name)
                add(ServiceEvent(name, status, "created"))
            elif name not in again:
                self._known[name] = self._advance(name, old[name], status)
        self._notified.clear()

    def _advance(
        self, name: str, old: ServiceStatus, status: ServiceStatus
    ) -> ServiceStatus:
        """Make events of how one has changed; return what has been told of it."""
        notified = self._notified.get(name, [])
        is_told = bool(notified) and is_same_stage(notified[-1], status)
        if is_told:
            notified.pop()  # what it accepts, the list knows better
        is_quiet = not notified and not is_told
        now = self._backend.monotonic()
        if is_quiet and name in self._keys:
            held = self._held.get(name)
            if held is None and not is_same_stage(old, status):
                self._held[name] = (status, now)
                return old
            if held is not None and now - held[1] < GRACE:
                return old
        old = self._tell_passed(name, old)
        if is_told or name not in self._keys or is_same_stage(old, status):
            return self._tell(name, old, status)
        self._held[name] = (status, now)
        return old

    def _tell_passed(self, name: str, old: ServiceStatus) -> ServiceStatus:
        """Tell what was notified, or what a list has shown and nobody notifies."""
        held = self._held.pop(name, None)
        passed = self._notified.get(name) or ([] if held is None else [held[0]])
        for status in passed:
            old = self._tell(name, old, status)
        return old

    def _tell(
        self, name: str, old: ServiceStatus, status: ServiceStatus
    ) -> ServiceStatus:
        if status != old:
            self._events.append(ServiceEvent(name, status, "changed", old))
        return status

    def _forget(self, name: str) -> None:
        self._unfollow(name)
        self._dying.discard(name)
        self._held.pop(name, None)
