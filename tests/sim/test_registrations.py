"""What a service registers for, as the simulated SCM keeps it; who is logged on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import payloads
import pytest
from simrig import Rig

import winsvc
from winsvc import _native
from winsvc.errors import ServiceError
from winsvc.events import DeviceEvent, DeviceReason, PowerEvent, SessionChange
from winsvc.power import PowerSetting
from winsvc.registrations import Registration
from winsvc.states import Accept, Control, FailureCode, State
from winsvc.testing import Subject, Subscription
from winsvc.testing.records import refusal
from winsvc.testing.system import power_setting_change, volume_event

NAME = "Watcher"
FAULT_SUBSCRIBE = 128
BATTERY = Subscription(Subject.POWER_SETTING, payloads.BATTERY.bytes_le)
DISKS = Subscription(Subject.DEVICE_INTERFACE, payloads.DISK.bytes_le)
EVERYTHING = Subscription(Subject.DEVICE_INTERFACE, b"")
FILE = Subscription(Subject.DEVICE_HANDLE, b"\x34\x12\0\0\0\0\0\0")


class Watcher(winsvc.Service):
    """Stops when it is let."""

    name = NAME

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.go = threading.Event()
        self.users: list[tuple[str, str] | None] = []

    def on_stop(self) -> None:
        self.stopping.set()
        assert self.go.wait(20)

    def on_power_event(self, event: PowerEvent) -> None: ...

    def on_session_change(self, event: SessionChange) -> None:
        assert event.session_id is not None
        self.users.append(self.session_user(event.session_id))


class AsyncWatcher(winsvc.AsyncService):
    """Registers on its loop."""

    name = NAME

    async def on_start(self) -> None:
        self.register_power_setting(PowerSetting.BATTERY_PERCENTAGE)

    async def run(self) -> None:
        with self.register_device_notifications():
            await self.wait_stop()


def start(rig: Rig, cls: type[Any] = Watcher) -> Any:
    """Start a watcher; return its instance once it runs."""
    rig.scm.add(cls).start()
    rig.reach(NAME, State.RUNNING)
    return rig.scm.instance(NAME)


def finish(rig: Rig, service: Watcher) -> None:
    """Stop it, and see it end well, without a registration left."""
    service.go.set()
    with rig.scm.open(NAME) as handle:
        handle.stop()
    rig.reach(NAME, State.STOPPED)
    left = rig.scm.subscriptions(NAME)  # undone before STOPPED, not after

    assert left == ()
    assert rig.scm.wait_gone(NAME) == 0


HOW: dict[str, tuple[Callable[[Watcher], Registration], Subscription]] = {
    "UUID": (lambda s: s.register_power_setting(payloads.BATTERY), BATTERY),
    "text": (lambda s: s.register_power_setting(str(payloads.BATTERY)), BATTERY),
    "braces": (
        lambda s: s.register_power_setting("{A7AD8041-B45A-4CAE-87A3-EECBB468A9E1}"),
        BATTERY,
    ),
    "named": (
        lambda s: s.register_power_setting(PowerSetting.BATTERY_PERCENTAGE),
        BATTERY,
    ),
    "class": (lambda s: s.register_device_notifications(payloads.DISK), DISKS),
    "class as text": (
        lambda s: s.register_device_notifications(str(payloads.DISK)),
        DISKS,
    ),
    "every class": (lambda s: s.register_device_notifications(), EVERYTHING),
    "handle": (lambda s: s.register_device_notifications(handle=0x1234), FILE),
}
each_way = pytest.mark.parametrize(("register", "subscription"), HOW.values(), ids=HOW)


@each_way
def test_registration_lasts_until_the_stop(
    rig: Rig, register: Callable[[Watcher], Registration], subscription: Subscription
) -> None:
    """The system has it from the call on, in on_stop too, and not after STOPPED."""
    service = start(rig)
    register(service)
    running = rig.scm.subscriptions(NAME)
    rig.scm.send(NAME, Control.STOP)
    assert service.stopping.wait(20)
    stopping = rig.scm.subscriptions(NAME)
    service.go.set()
    rig.reach(NAME, State.STOPPED)
    stopped = rig.scm.subscriptions(NAME)

    assert (running, stopping, stopped) == ((subscription,), (subscription,), ())
    assert rig.scm.wait_gone(NAME) == 0


@each_way
def test_registration_can_be_closed(
    rig: Rig, register: Callable[[Watcher], Registration], subscription: Subscription
) -> None:
    """close() ends it, again does nothing; ``with`` does it too; others stay."""
    service = start(rig)
    kept = register(service)
    with register(service) as other:
        two = rig.scm.subscriptions(NAME)
    one = rig.scm.subscriptions(NAME)
    other.close()
    kept.close()
    kept.close()
    none = rig.scm.subscriptions(NAME)
    finish(rig, service)

    assert (two, one, none) == ((subscription,) * 2, (subscription,), ())


def test_registering_in_on_start_and_on_stop(rig: Rig) -> None:
    """From START_PENDING to STOP_PENDING, on any of the service's threads."""

    class Eager(Watcher):
        def on_start(self) -> None:
            self.register_power_setting(payloads.BATTERY)

        def on_stop(self) -> None:
            self.register_device_notifications(payloads.DISK)
            super().on_stop()

    service = start(rig, Eager)
    running = rig.scm.subscriptions(NAME)
    rig.scm.send(NAME, Control.STOP)
    assert service.stopping.wait(20)
    stopping = rig.scm.subscriptions(NAME)
    service.go.set()
    rig.reach(NAME, State.STOPPED)

    assert (running, stopping) == ((BATTERY,), (BATTERY, DISKS))
    assert rig.scm.subscriptions(NAME) == ()
    assert rig.scm.wait_gone(NAME) == 0


class Early(winsvc.Service):
    """Registers while it starts, and takes its time."""

    name = NAME

    def __init__(self) -> None:
        self.registered = threading.Event()
        self.go = threading.Event()
        self.calls: list[object] = []

    def on_start(self) -> None:
        self.register_power_setting(PowerSetting.BATTERY_PERCENTAGE)
        self.register_device_notifications()
        self.registered.set()
        assert self.go.wait(20)
        self.calls.append("started")

    def on_power_event(self, event: PowerEvent) -> None:
        self.calls.append(event.control)

    def on_device_event(self, event: DeviceEvent) -> None:
        self.calls.append(event.control)


def test_what_comes_while_it_starts_is_kept(rig: Rig) -> None:
    """D-12: the present value comes at once; it is accepted, and handled later."""
    handle = rig.scm.add(Early)
    handle.start()
    rig.eventually(lambda: hosted(rig), "it is loaded")
    service = rig.scm.instance(NAME)
    assert isinstance(service, Early)
    assert service.registered.wait(20)
    accepts = handle.status().accepts
    answers = [
        rig.scm.send(NAME, *power_setting_change(PowerSetting.BATTERY_PERCENTAGE, 50)),
        rig.scm.send(NAME, *volume_event(DeviceReason.DEVICEARRIVAL, "D")),
        rig.scm.send(NAME, 200),
    ]
    service.go.set()
    rig.eventually(lambda: len(service.calls) == 3, "both are handled")

    assert accepts == Accept.POWEREVENT | Accept.SHUTDOWN | Accept.STOP
    assert answers == [0, 0, 1061]
    assert service.calls == ["started", Control.POWEREVENT, Control.DEVICEEVENT]
    handle.stop()
    assert rig.scm.wait_gone(NAME) == 0


def hosted(rig: Rig) -> object:
    """Return the service once it is made."""
    host = rig.scm.process(NAME).host
    return host and host.service


def test_coroutines_register_too(rig: Rig) -> None:
    """The same in asyncio."""
    start(rig, AsyncWatcher)
    rig.eventually(lambda: len(rig.scm.subscriptions(NAME)) == 2, "both are there")
    running = rig.scm.subscriptions(NAME)
    rig.scm.send(NAME, Control.STOP)
    rig.reach(NAME, State.STOPPED)

    assert running == (BATTERY, EVERYTHING)
    assert rig.scm.subscriptions(NAME) == ()
    assert rig.scm.wait_gone(NAME) == 0


@pytest.mark.parametrize("where", ["on_start", "run", "on_stop"])
def test_failed_service_is_unregistered_too(rig: Rig, where: str) -> None:
    """However it ends."""

    def fail(self: Watcher) -> None:
        self.register_power_setting(payloads.BATTERY)
        raise OSError(where)

    cls = type(NAME, (winsvc.Service,), {"name": NAME, where: fail})
    rig.scm.add(cls).start()
    if where == "on_stop":
        rig.reach(NAME, State.RUNNING)
        rig.scm.send(NAME, Control.STOP)

    assert rig.scm.wait_gone(NAME) in set(FailureCode)
    assert rig.scm.subscriptions(NAME) == ()


def test_registration_after_the_stop_is_refused(rig: Rig) -> None:
    """A clear error, for threads that outlive the service; close() is harmless."""
    service = start(rig)
    registration = service.register_power_setting(payloads.BATTERY)
    finish(rig, service)
    with pytest.raises(RuntimeError, match="it has stopped"):
        service.register_power_setting(payloads.BATTERY)
    registration.close()

    assert rig.scm.subscriptions(NAME) == ()


def test_second_life_registers_anew(rig: Rig) -> None:
    """A new process has none of the former one's."""
    first = start(rig)
    first.register_power_setting(payloads.BATTERY)
    finish(rig, first)
    with rig.scm.open(NAME) as handle:
        handle.start()
    rig.reach(NAME, State.RUNNING)
    second = rig.scm.instance(NAME)
    assert isinstance(second, Watcher)
    before = rig.scm.subscriptions(NAME)
    second.register_device_notifications(payloads.DISK)
    after = rig.scm.subscriptions(NAME)
    finish(rig, second)

    assert (before, after) == ((), (DISKS,))


@pytest.mark.parametrize("text", ["", "battery", "a7ad8041-b45a-4cae-87a3", "{}", "0"])
@pytest.mark.parametrize(
    "method", ["register_power_setting", "register_device_notifications"]
)
def test_what_is_no_guid_is_refused(rig: Rig, method: str, text: str) -> None:
    """The error shows how one is written; the system was not asked."""
    service = start(rig)
    with pytest.raises(ValueError, match="is no GUID: write it as 02731015-"):
        getattr(service, method)(text)
    left = rig.scm.subscriptions(NAME)
    finish(rig, service)

    assert left == ()


@pytest.mark.parametrize("handle", [-1, 1 << 64])
def test_what_is_no_handle_is_refused(rig: Rig, handle: int) -> None:
    """A pointer's worth of bits, unsigned."""
    service = start(rig)
    with pytest.raises(ValueError, match=f"{handle} is no handle"):
        service.register_device_notifications(handle=handle)
    finish(rig, service)


def test_class_and_handle_are_refused(rig: Rig) -> None:
    """Either, not both."""
    service = start(rig)
    with pytest.raises(ValueError, match="not both"):
        service.register_device_notifications(payloads.DISK, handle=4)
    finish(rig, service)


def test_refusal_of_the_system_is_an_error(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Registering and closing name the service; at the stop it is logged."""
    sim = _native.require_sim()
    service = start(rig)
    sim.fault_arm(FAULT_SUBSCRIBE, 1)
    with pytest.raises(ServiceError, match=NAME) as registering:
        service.register_power_setting(payloads.BATTERY)
    none = rig.scm.subscriptions(NAME)
    registration = service.register_power_setting(payloads.BATTERY)
    sim.fault_arm(FAULT_SUBSCRIBE, 1)
    with pytest.raises(ServiceError, match=NAME) as closing:
        registration.close()
    service.register_device_notifications(payloads.DISK)
    sim.fault_arm(FAULT_SUBSCRIBE, 1)
    service.go.set()
    rig.scm.send(NAME, Control.STOP)

    assert rig.scm.wait_gone(NAME) == 0
    assert none == ()
    assert registering.value.winerror == closing.value.winerror == 6
    assert "could not end a registration" in caplog.text


def test_registering_needs_a_host() -> None:
    """What is not hosted cannot, and says how it could be."""
    with pytest.raises(RuntimeError, match="not hosted"):
        Watcher().register_power_setting(payloads.BATTERY)


# --- sessions -----------------------------------------------------------------------


def test_session_user_of_a_session_change(rig: Rig) -> None:
    """A handler looks up whose session it is; who has gone is nobody."""
    rig.scm.session_users[2] = ("EXAMPLE", "Ada ä€😀")
    rig.scm.session_users[0] = ("", "")  # the services' own: nobody logs on there
    service = start(rig)
    for number in (2, 0, 3):
        rig.scm.send(NAME, Control.SESSIONCHANGE, 7, payloads.session(number))
    rig.eventually(lambda: len(service.users) == 3, "all three are looked up")
    finish(rig, service)

    assert service.users == [("EXAMPLE", "Ada ä€😀"), None, None]


def look_up_with(rig: Rig, code: int) -> None:
    """Let every look-up fail with a Windows code."""

    def fail(session_id: int) -> tuple[str, str]:
        raise refusal(code, f"look up session {session_id}")

    host = rig.scm.process(NAME).host
    assert host is not None
    host._session_user = fail


@pytest.mark.parametrize("code", [2, 7022])
def test_session_that_is_not_there_is_nobodys(rig: Rig, code: int) -> None:
    """ERROR_FILE_NOT_FOUND, ERROR_CTX_WINSTATION_NOT_FOUND: a logoff was faster."""
    service = start(rig)
    look_up_with(rig, code)
    user = service.session_user(1)
    finish(rig, service)

    assert user is None


def test_refused_look_up_is_an_error(rig: Rig) -> None:
    """Access denied is no answer."""
    service = start(rig)
    look_up_with(rig, 5)
    with pytest.raises(ServiceError, match=NAME) as caught:
        service.session_user(1)
    finish(rig, service)

    assert caught.value.winerror == 5
