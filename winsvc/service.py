"""What a user's service looks like: subclass :class:`Service`."""

from __future__ import annotations

from winsvc import TYPE_CHECKING
from winsvc.base import ServiceBase
from winsvc.handlers import call_of

if TYPE_CHECKING:
    from typing import ClassVar

    from winsvc.events import (
        DeviceEvent,
        Event,
        HardwareProfileChange,
        LowResources,
        NetBindChange,
        PowerEvent,
        SessionChange,
        TimeChange,
        TriggerEvent,
        UserLogoff,
        UserModeReboot,
    )
    from winsvc.host import Host


class Service(ServiceBase):
    """A Windows service: override what it is to react to.

    ``on_start`` and ``run`` are called on Python's main thread, all other
    handlers one at a time, in the order of the controls, on the control thread.
    A control is accepted exactly when its handler is overridden; stop and
    shutdown always are.  An exception in any handler ends the service as failed
    (``FailureCode``), its traceback is logged.
    """

    _has_defaults: ClassVar[bool] = True

    def wait_stop(self, timeout: float | None = None) -> bool:
        """Wait until the service is to stop.

        Args:
            timeout: Seconds; ``None`` waits for ever.

        Returns:
            True when it is to stop, False when the time is up.

        Blocks with the GIL released; woken by the SCM's thread directly.
        """
        return self._hosted("wait for the stop").wait_stop(timeout)

    # --- what to override ---------------------------------------------------------

    def on_start(self) -> None:
        """Get ready: START_PENDING until it returns, RUNNING then."""

    def run(self) -> None:
        """Do the work; returning ends the service.  Default: wait for the stop."""
        self.wait_stop()

    def on_stop(self) -> None:
        """Clean up: STOP_PENDING until this and ``run`` have returned.

        Called once after an ``on_start`` that returned, however the service
        ends: asked to, by itself, or by an exception.
        """

    def on_shutdown(self) -> None:
        """React to the system's shutdown; default: ``on_stop``."""
        self.on_stop()

    def on_preshutdown(self) -> None:
        """React to the coming shutdown; overriding accepts it, not SHUTDOWN."""
        self.on_stop()

    def on_pause(self) -> None:
        """Pause: PAUSE_PENDING until it returns, PAUSED then."""

    def on_continue(self) -> None:
        """Go on: CONTINUE_PENDING until it returns, RUNNING then."""

    def on_param_change(self) -> None:
        """Read the start-up parameters again."""

    def on_netbind_change(self, event: NetBindChange) -> None:
        """React to a change of the network's bindings."""

    def on_device_event(self, event: DeviceEvent) -> bool | None:
        """React to a device, after :meth:`register_device_notifications`.

        Returns:
            After :meth:`ask`, for a query: False refuses it, True allows it.
        """

    def on_hardware_profile_change(self, event: HardwareProfileChange) -> bool | None:
        """React to a change of the hardware profile; returns as device events."""

    def on_power_event(self, event: PowerEvent) -> None:
        """React to suspend, resume, power status, and registered settings."""

    def on_session_change(self, event: SessionChange) -> None:
        """React to a logon, logoff, lock, unlock, connect, disconnect."""

    def on_time_change(self, event: TimeChange) -> None:
        """React to a change of the system's time."""

    def on_trigger_event(self, event: TriggerEvent) -> None:
        """React to a trigger that came while the service runs."""

    def on_user_mode_reboot(self, event: UserModeReboot) -> None:
        """React to a reboot that a user has asked for."""

    def on_user_logoff(self, event: UserLogoff) -> None:
        """React to the logoff of a user service's user."""

    def on_low_resources(self, event: LowResources) -> None:
        """Give memory back; overriding accepts both kinds."""

    def on_user_control(self, code: int) -> None:
        """React to a code from 128 to 255: sent by anybody, so untrusted."""

    def on_event(self, event: Event) -> bool | None:
        """See every event; the default calls the particular handler.

        Args:
            event: What came; overriding this accepts nothing more: see
                ``accepts``.

        Returns:
            What the handler returned.
        """
        call = call_of(event)
        if call is None:
            return None
        handler, arguments = call
        answer: bool | None = getattr(self, handler)(*arguments)
        return answer

    # --- how it is hosted ---------------------------------------------------------

    def _live(self, host: Host) -> None:
        self.on_start()
        if host.started():
            self.run()

    def _deliver(self, event: Event) -> bool | None:
        return self.on_event(event)
