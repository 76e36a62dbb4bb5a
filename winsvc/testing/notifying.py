"""The simulated SCM's notifications (part F.1 of the rules)."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from winsvc.testing.records import Handle, Record, refusal
from winsvc.winerror import (
    ERROR_INVALID_HANDLE,
    ERROR_INVALID_PARAMETER,
    ERROR_SERVICE_MARKED_FOR_DELETE,
)

if TYPE_CHECKING:
    from winsvc._interfaces import NoticeTuple, StatusTuple
    from winsvc.testing.database import SimulatedBackend

CREATED = 0x80
DELETED = 0x100
DELETE_PENDING = 0x200
OF_SCM = CREATED | DELETED
OF_SERVICE = 0x7F | DELETE_PENDING


# Real seconds between two looks: the wire calls nobody, since C never enters
# Python, and simulated time may stand still.
_FIRST_PAUSE = 0.0005
_LAST_PAUSE = 0.01
_NOTHING: StatusTuple = (0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(slots=True, eq=False)
class _Subscription:
    """One handle's: what it has been told of so far."""

    handle: Handle
    mask: int
    key: int
    known: dict[int, Record] = field(default_factory=dict)
    """By identity: the services that there were (of the SCM)."""
    seen: tuple[int, int] | None = None
    """Life and state that it was notified of (of a service)."""


class SimulatedNotifier:
    """A notifier; it looks at the database while somebody waits for it.

    Args:
        backend: The simulated SCM.
    """

    def __init__(self, backend: SimulatedBackend) -> None:
        self._backend = backend
        self._subscriptions: list[_Subscription] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def add(self, handle: Handle, mask: int, key: int) -> None:
        """Subscribe; what the SCM refuses becomes a notice (F-1)."""
        if not handle.is_open:
            raise refusal(ERROR_INVALID_HANDLE, "be notified of services")
        subscription = _Subscription(handle, mask, key)
        if handle.record is None:
            subscription.known = self._records()
        with self._lock:
            closed = self._closed.is_set()
            if not closed:
                self._subscriptions.append(subscription)
        if closed:
            self._backend.handle_close(handle)
            raise EOFError("the notifier is closed")

    def remove(self, key: int) -> None:
        """End the subscriptions of a key."""
        self._end([each for each in self._all() if each.key == key])

    def wait(self, seconds: float | None) -> list[NoticeTuple]:
        """Block until there are notices, or simulated time is up."""
        clock = self._backend.monotonic
        until = None if seconds is None else clock() + seconds
        pause = _FIRST_PAUSE
        while not self._closed.is_set():
            pairs = [(each, self._look(each)) for each in self._all()]
            notices = [notice for _, notice in pairs if notice is not None]
            self._end([each for each, notice in pairs if notice and notice[1]])
            if notices or (until is not None and clock() >= until - 1e-9):
                return notices
            self._closed.wait(pause)
            pause = min(pause * 1.5, _LAST_PAUSE)
        raise EOFError("the notifier is closed")

    def close(self) -> None:
        """End all subscriptions; again does nothing."""
        with self._lock:
            self._closed.set()
        self._end(self._all())

    def _all(self) -> list[_Subscription]:
        with self._lock:
            return list(self._subscriptions)

    def _end(self, ended: list[_Subscription]) -> None:
        for each in ended:
            with self._lock:
                if each not in self._subscriptions:
                    continue
                self._subscriptions.remove(each)
            self._backend.handle_close(each.handle)

    def _look(self, own: _Subscription) -> NoticeTuple | None:
        allowed = OF_SCM if own.handle.record is None else OF_SERVICE
        if own.mask & ~(OF_SCM | OF_SERVICE):
            return (own.key, ERROR_INVALID_PARAMETER, 0, _NOTHING, ())
        if own.mask & ~allowed:
            wrong = ERROR_INVALID_HANDLE
            if own.mask & allowed:
                wrong = ERROR_INVALID_PARAMETER
            return (own.key, wrong, 0, _NOTHING, ())
        if own.handle.record is None:
            return self._look_at_all(own)
        return self._look_at_one(own, own.handle.record)

    def _look_at_one(self, own: _Subscription, record: Record) -> NoticeTuple | None:
        life, status = record.life, record.status()
        deleted = record.deleted
        triggered = 0
        if own.seen != (life, status[1]):  # F-4: at once, at first
            own.seen = (life, status[1])
            triggered = 1 << (status[1] - 1)
        if deleted:
            triggered |= DELETE_PENDING
        triggered &= own.mask
        code = ERROR_SERVICE_MARKED_FOR_DELETE if deleted else 0  # F-8
        if not triggered and not code:
            return None
        return (own.key, code, triggered, status, ())

    def _look_at_all(self, own: _Subscription) -> NoticeTuple | None:
        known, own.known = own.known, self._records()
        deleted = [known[key].name for key in known.keys() - own.known.keys()]
        created = [own.known[key].name for key in own.known.keys() - known.keys()]
        triggered = (DELETED if deleted else 0) | (CREATED if created else 0)
        if not triggered & own.mask:
            return None
        names = (*deleted, *(f"/{name}" for name in created))  # F-9
        return (own.key, 0, triggered & own.mask, _NOTHING, names)

    def _records(self) -> dict[int, Record]:
        """Return the services there are; keeping them keeps identities apart."""
        return {id(record): record for record in self._backend.present()}


class SimulatedNotifying:
    """The notifiers' part of the simulated SCM."""

    def notifier_new(self) -> SimulatedNotifier:
        """Return a notifier."""
        return SimulatedNotifier(cast("SimulatedBackend", self))

    def notifier_add(
        self, notifier: SimulatedNotifier, handle: Handle, mask: int, key: int
    ) -> None:
        """Subscribe."""
        notifier.add(handle, mask, key)

    def notifier_remove(self, notifier: SimulatedNotifier, key: int) -> None:
        """End the subscriptions of a key."""
        notifier.remove(key)

    def notifier_wait(
        self, notifier: SimulatedNotifier, seconds: float | None
    ) -> list[NoticeTuple]:
        """Block for notices."""
        return notifier.wait(seconds)

    def notifier_close(self, notifier: SimulatedNotifier) -> None:
        """Close a notifier."""
        notifier.close()
