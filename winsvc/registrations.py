"""Registrations for what the system tells only who asks: power, devices."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from enum import IntEnum

from winsvc import TYPE_CHECKING
from winsvc._native import as_service_error

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self
    from uuid import UUID

    from winsvc._interfaces import Capsule, Hosting

log = logging.getLogger("winsvc.host")


class Subject(IntEnum):
    """What a service can ask the system to tell it about (D-12)."""

    POWER_SETTING = 1
    """The changes of a power setting; its GUID."""
    DEVICE_INTERFACE = 2
    """The devices of an interface class; its GUID, or nothing for all."""
    DEVICE_HANDLE = 3
    """An open device; its handle."""


def power_setting(setting: UUID | str) -> tuple[Subject, bytes]:
    """Return the subject of a power setting, and the bytes of its GUID."""
    return Subject.POWER_SETTING, _guid(setting).bytes_le


def device(
    interface_class: UUID | str | None, handle: int | None
) -> tuple[Subject, bytes]:
    """Return the same of a device's handle, of a class, or of all classes."""
    if handle is None:
        guid = b"" if interface_class is None else _guid(interface_class).bytes_le
        return Subject.DEVICE_INTERFACE, guid
    if interface_class is not None:
        msg = "register for a device's handle or for a class of interfaces, not both"
        raise ValueError(msg)
    try:
        return Subject.DEVICE_HANDLE, handle.to_bytes(8, "little")
    except OverflowError:
        msg = f"{handle} is no handle"
        raise ValueError(msg) from None


def _guid(value: UUID | str) -> UUID:
    from uuid import UUID

    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except ValueError:
        msg = f"{value!r} is no GUID: write it as 02731015-4510-4526-99e6-e5a17ebd1aea"
        raise ValueError(msg) from None


class Registration:
    """A registration that lasts until it is closed, or the service stops."""

    def __init__(self, owner: Registrations, handle: Capsule) -> None:
        self.handle = handle
        self._owner = owner

    def close(self) -> None:
        """End it; again does nothing.

        Raises:
            ServiceError: Windows refused.
        """
        self._owner.remove(self)

    def __enter__(self) -> Self:
        """Return itself."""
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


class Registrations:
    """All registrations of one life of a service; for any thread."""

    def __init__(self, hosting: Hosting, life: Capsule, service: str) -> None:
        self._hosting = hosting
        self._life = life
        self._service = service
        self._lock = threading.Lock()  # of the two below
        self._all: list[Registration] = []
        self._is_over = False

    def add(self, subject: Subject, data: bytes) -> Registration:
        """Register with the system for a subject, whose bytes say which."""
        with self._lock:
            if self._is_over:
                msg = f"{self._service} cannot register any more: it has stopped"
                raise RuntimeError(msg)
            try:
                handle = self._hosting.subscribe(self._life, subject, data)
            except OSError as error:
                raise as_service_error(error, service=self._service) from None
            registration = Registration(self, handle)
            self._all.append(registration)
        return registration

    def remove(self, registration: Registration) -> None:
        """End one; again does nothing."""
        with self._lock:
            if registration not in self._all:
                return
            self._all.remove(registration)
            try:
                self._hosting.unsubscribe(registration.handle)
            except OSError as error:
                raise as_service_error(error, service=self._service) from None

    def end(self) -> None:
        """End all: the service is about to report STOPPED."""
        with self._lock:
            self._is_over = True
            ended, self._all = self._all, []
        for registration in ended:
            try:
                self._hosting.unsubscribe(registration.handle)
            except OSError:
                with suppress(Exception):  # STOPPED is still to be reported
                    log.exception("%s could not end a registration", self._service)
