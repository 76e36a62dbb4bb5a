"""Services that hear the events of a real system, seen through their logs."""

from __future__ import annotations

import winsvc
from winsvc.errors import ServiceError
from winsvc.events import Event
from winsvc.power import PowerSetting
from winsvc.registrations import Registration
from winsvc.states import Accept

# GUID_DEVINTERFACE_DISK.
DISK = "53f56307-b6bf-11d0-94f2-00a0c91efb8b"
IGNORE, ACCEPT, JOURNAL = 201, 202, 203
NETBIND = range(0x07, 0x0B)


class Deaf(winsvc.Service):
    """Handles nothing."""

    name = "Deaf"


class Binder(winsvc.Service):
    """Handles the network's bindings, and logs what it hears."""

    name = "Binder"

    def on_event(self, event: Event) -> bool | None:
        self.log.info("called %s %r", type(event).__name__, event.data)
        return super().on_event(event)

    def on_user_control(self, code: int) -> None:
        match code:
            case 201:
                self.ignore(Accept.NETBINDCHANGE)
            case 202:
                self.accept(Accept.NETBINDCHANGE)
            case 203:
                for entry in self.journal():
                    if entry.control in NETBIND:
                        self.log.info("called journal %r %d", entry.data, entry.result)

    def on_netbind_change(self, event: Event) -> None: ...


class Listener(Binder):
    """Handles everything."""

    name = "Listener"

    def on_param_change(self) -> None: ...

    def on_device_event(self, event: Event) -> bool | None: ...

    def on_hardware_profile_change(self, event: Event) -> bool | None: ...

    def on_power_event(self, event: Event) -> None: ...

    def on_session_change(self, event: Event) -> None: ...

    def on_time_change(self, event: Event) -> None: ...

    def on_trigger_event(self, event: Event) -> None: ...

    def on_user_mode_reboot(self, event: Event) -> None: ...

    def on_low_resources(self, event: Event) -> None: ...


class Early(Listener):
    """Accepts PRESHUTDOWN in place of SHUTDOWN."""

    name = "Early"

    def on_preshutdown(self) -> None: ...


class Reader(winsvc.AsyncService):
    """Reads its events in a loop."""

    name = "Reader"
    accepts = Accept.NETBINDCHANGE | Accept.SESSIONCHANGE

    async def run(self) -> None:
        async for event in self.events():
            self.log.info("called %s %r", type(event).__name__, event.data)


class Registered(Listener):
    """Registers for all that it can, closes one, and leaves the rest to the stop."""

    name = "Registered"

    def run(self) -> None:
        closed = self.register(PowerSetting.LID)
        self.register(PowerSetting.POWER_SOURCE)
        for interface_class in (None, DISK):
            self.register_device_notifications(interface_class)
            self.log.info("called registered %s", interface_class)
        closed.close()
        self.log.info("called closed")
        self.wait_stop()

    def register(self, setting: object) -> Registration:
        """Register for a power setting."""
        registration = self.register_power_setting(str(setting))
        self.log.info("called registered %s", setting)
        return registration


class WrongHandle(winsvc.Service):
    """Registers for the events of a handle that is none."""

    name = "WrongHandle"

    def run(self) -> None:
        try:
            self.register_device_notifications(handle=0x12345678)
        except ServiceError as error:
            self.log.info("called refused %d", error.winerror)
        self.log.info("called over")
        self.wait_stop()


class Sessions(winsvc.Service):
    """Says who is logged on in the sessions of its parameters."""

    name = "Sessions"

    def run(self) -> None:
        for number in self.args:
            self.log.info("called user %r", self.session_user(int(number)))
        self.wait_stop()
