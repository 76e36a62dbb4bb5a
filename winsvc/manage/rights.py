"""Access rights to the SCM and to a service (scm-rules D.4), and who needs which."""

from __future__ import annotations

from winsvc.states import USER_CONTROLS, Control

# To the SCM.
CONNECT = 0x1
CREATE_SERVICE = 0x2
ENUMERATE_SERVICE = 0x4

# To a service.
QUERY_CONFIG = 0x1
CHANGE_CONFIG = 0x2
QUERY_STATUS = 0x4
ENUMERATE_DEPENDENTS = 0x8
START = 0x10
STOP = 0x20
PAUSE_CONTINUE = 0x40
INTERROGATE = 0x80
USER_DEFINED_CONTROL = 0x100
DELETE = 0x10000
READ_CONTROL = 0x20000
WRITE_DAC = 0x40000

# Its creator gets what it asks for, whatever the descriptor says (E-13).
OF_CREATOR = (
    QUERY_CONFIG
    | CHANGE_CONFIG
    | QUERY_STATUS
    | ENUMERATE_DEPENDENTS
    | START
    | STOP
    | PAUSE_CONTINUE
    | INTERROGATE
    | USER_DEFINED_CONTROL
    | DELETE
    | READ_CONTROL
    | WRITE_DAC
)

# B-32; for any other code the SCM says 87 before it looks at rights (B-30).
RIGHT_FOR: dict[int, int] = {
    Control.STOP: STOP,
    Control.INTERROGATE: INTERROGATE,
    Control.PAUSE: PAUSE_CONTINUE,
    Control.CONTINUE: PAUSE_CONTINUE,
    Control.PARAMCHANGE: PAUSE_CONTINUE,
    Control.NETBINDADD: PAUSE_CONTINUE,
    Control.NETBINDREMOVE: PAUSE_CONTINUE,
    Control.NETBINDENABLE: PAUSE_CONTINUE,
    Control.NETBINDDISABLE: PAUSE_CONTINUE,
    **dict.fromkeys(USER_CONTROLS, USER_DEFINED_CONTROL),
}
