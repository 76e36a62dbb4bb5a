"""Events on a real SCM: what a client can send, what the system lets one ask for.

Wine 8 sends nothing of the system's own (H-36): those are in tests/sim, and as
structures handed to the registered handler in test_event_binding.py.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
import win32ts
from event_services import ACCEPT, DISK, IGNORE, JOURNAL
from lab import Installed, Lab, eventually, on_wine

from winsvc.power import PowerSetting
from winsvc.states import Accept, Control, State

WINE = on_wine()
FILE = Path(__file__).with_name("event_services.py")
NETBIND = [
    Control.NETBINDADD,
    Control.NETBINDREMOVE,
    Control.NETBINDENABLE,
    Control.NETBINDDISABLE,
]
ALWAYS = Accept.STOP | Accept.SHUTDOWN
HANDLED = (
    Accept.PARAMCHANGE
    | Accept.NETBINDCHANGE
    | Accept.HARDWAREPROFILECHANGE
    | Accept.POWEREVENT
    | Accept.SESSIONCHANGE
    | Accept.TIMECHANGE
    | Accept.TRIGGEREVENT
    | Accept.USERMODEREBOOT
    | Accept.LOWRESOURCES
    | Accept.SYSTEMLOWRESOURCES
)
SYSTEMS = [
    Control.SHUTDOWN,
    Control.DEVICEEVENT,
    Control.HARDWAREPROFILECHANGE,
    Control.POWEREVENT,
    Control.SESSIONCHANGE,
    Control.PRESHUTDOWN,
    Control.TIMECHANGE,
    Control.USER_LOGOFF,
    Control.TRIGGEREVENT,
    Control.USERMODEREBOOT,
    Control.LOWRESOURCES,
    Control.SYSTEMLOWRESOURCES,
]


def heard(service: Installed, *kinds: str) -> list[str]:
    """Return its calls of these kinds: the first words."""
    return [call for call in service.calls if call.split()[0] in kinds]


@pytest.mark.parametrize(
    ("cls", "accepts"),
    [
        ("Deaf", ALWAYS),
        ("Listener", ALWAYS | HANDLED),
        ("Early", Accept.STOP | Accept.PRESHUTDOWN | HANDLED),
        ("Reader", ALWAYS | Accept.NETBINDCHANGE | Accept.SESSIONCHANGE),
    ],
)
def test_clients_see_what_is_accepted(lab: Lab, cls: str, accepts: Accept) -> None:
    """The SCM takes every bit (B-5), and none is there but the handlers'."""
    service = lab.install(cls, file=FILE)
    service.start()

    assert service.handle.status().accepts == accepts


@pytest.mark.parametrize("cls", ["Listener", "Reader"])
def test_clients_controls_arrive(lab: Lab, cls: str) -> None:
    """NETBIND… and, with a handler, PARAMCHANGE, in order; without data (D-1)."""
    service = lab.install(cls, file=FILE)
    service.start()
    controls = [*NETBIND, Control.PARAMCHANGE]
    codes = [service.control_code(control) for control in controls]
    service.stop()

    has_param_change = cls == "Listener"
    assert codes == [0] * 4 + [0 if has_param_change else 1052]
    assert heard(service, "NetBindChange", "ParamChange", "Stop") == [
        *["NetBindChange b''"] * 4,
        *["ParamChange b''"] * has_param_change,
        "Stop b''",
    ]


def test_clients_controls_are_in_the_journal(lab: Lab) -> None:
    """Without data, answered with 0."""
    service = lab.install("Listener", file=FILE)
    service.start()
    for control in NETBIND:
        service.handle.control(control)
    service.handle.control(JOURNAL)
    service.stop()

    assert heard(service, "journal") == ["journal b'' 0"] * 4


@pytest.mark.parametrize("cls", ["Binder", "Listener"])
def test_accepting_changes_at_run_time(lab: Lab, cls: str) -> None:
    """ignore(): 1052, and the bit is gone; accept(): back again.

    Wine lets NETBIND… through as long as one of the next bits, such as POWEREVENT, is
    accepted; then the core refuses it with 120, and no handler hears of it.
    """
    is_let_through = WINE and cls == "Listener"
    service = lab.install(cls, file=FILE)
    service.start()
    service.handle.control(IGNORE)
    eventually(
        lambda: not service.handle.status().accepts & Accept.NETBINDCHANGE,
        "the bit is gone",
    )
    ignored = service.control_code(Control.NETBINDADD)
    service.handle.control(ACCEPT)
    eventually(
        lambda: service.handle.status().accepts & Accept.NETBINDCHANGE,
        "the bit is back",
    )
    accepted = service.control_code(Control.NETBINDREMOVE)
    service.handle.control(JOURNAL)
    service.stop()

    assert (ignored, accepted) == (0 if is_let_through else 1052, 0)
    assert len(heard(service, "NetBindChange")) == 1
    assert heard(service, "journal") == [
        *["journal b'' 120"] * is_let_through,
        "journal b'' 0",
    ]


def test_deaf_service_is_not_sent_what_it_does_not_accept(lab: Lab) -> None:
    """1052 for each control that a client may send."""
    service = lab.install("Deaf", file=FILE)
    service.start()
    controls = [*NETBIND, Control.PARAMCHANGE, Control.PAUSE, Control.CONTINUE]

    assert {service.control_code(control) for control in controls} == {1052}


def test_clients_cannot_send_the_systems_controls(lab: Lab) -> None:
    """B-31: 87, though they are accepted; so nobody but the system asks a query."""
    service = lab.install("Listener", file=FILE)
    service.start()
    codes = {control: service.control_code(control) for control in SYSTEMS}
    service.stop()

    assert set(codes.values()) == {87}
    assert service.calls == ["Stop b''"]


# --- registrations ------------------------------------------------------------------


def test_registrations_are_taken_and_undone(lab: Lab) -> None:
    """Power settings, one class of devices, all; it ends well with them or without."""
    service = lab.install("Registered", file=FILE)
    process = service.start()
    eventually(lambda: heard(service, "closed"), "all is registered")
    state = service.handle.status().state
    status = service.stop()

    assert state is State.RUNNING
    assert process.wait() == 0
    assert (status.exit_code, status.service_exit_code) == (0, 0)
    assert heard(service, "registered") == [
        f"registered {each}"
        for each in (PowerSetting.LID, PowerSetting.POWER_SOURCE, None, DISK)
    ]
    assert "could not" not in service.log
    if WINE:  # H-36: nothing of the system's comes
        assert heard(service, "PowerSettingChange", "DeviceEvent") == []


@pytest.mark.skipif(WINE, reason="H-36: Wine sends no power events")
def test_present_value_of_a_setting_comes_at_once(lab: Lab) -> None:
    """D-12: after registering, without any change."""
    service = lab.install("Registered", file=FILE)
    service.start()

    eventually(lambda: heard(service, "PowerSettingChange"), "the present value")


@pytest.mark.skipif(WINE, reason="H-49: Wine takes any handle for a device's")
def test_wrong_handle_is_refused(lab: Lab) -> None:
    """The error has Windows's code, the service goes on."""
    service = lab.install("WrongHandle", file=FILE)
    service.start()
    eventually(lambda: heard(service, "over"), "it has tried")
    service.stop()

    assert len(heard(service, "refused")) == 1
    assert heard(service, "refused") != ["refused 0"]


# --- sessions -----------------------------------------------------------------------


def my_session() -> int:
    """Return the session that the tests run in."""
    number = ctypes.c_ulong()
    kernel32 = ctypes.WinDLL("kernel32")
    assert kernel32.ProcessIdToSessionId(
        kernel32.GetCurrentProcessId(), ctypes.byref(number)
    )
    return number.value


def test_session_user_is_who_is_logged_on(lab: Lab) -> None:
    """The same as pywin32 says of the tests' own session."""
    session = my_session()
    user = win32ts.WTSQuerySessionInformation(None, session, win32ts.WTSUserName)
    domain = win32ts.WTSQuerySessionInformation(None, session, win32ts.WTSDomainName)
    service = lab.install("Sessions", file=FILE)
    service.start(str(session))
    service.stop()

    assert heard(service, "user") == [f"user {(domain, user) if user else None!r}"]


@pytest.mark.skipif(WINE, reason="H-50: Wine answers with its user for any session")
def test_session_that_is_not_there_is_nobodys(lab: Lab) -> None:
    """None, whatever the number; session 0 is the services' own."""
    service = lab.install("Sessions", file=FILE)
    service.start("0", "65000", "4294967294")
    service.stop()

    assert heard(service, "user") == ["user None"] * 3
