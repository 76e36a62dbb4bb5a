"""winsvc: run a Python program as a Windows service.

Public names, imported on first use: a service is to tell the SCM that it starts
before it spends time on anything else.
"""

# typing's own, for the modules of a process that hosts: importing typing would cost
# it more than most of them.  Type checkers know the name.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from winsvc import constants as constants
    from winsvc import daemon as daemon
    from winsvc import doctor as doctor
    from winsvc import eventlog as eventlog
    from winsvc.accounts import virtual_account as virtual_account
    from winsvc.aio import AsyncService as AsyncService
    from winsvc.base import ServiceExit as ServiceExit
    from winsvc.changes import Change as Change
    from winsvc.changes import Changes as Changes
    from winsvc.cli import main as main
    from winsvc.config import ServiceConfig as ServiceConfig
    from winsvc.errors import NoSCM as NoSCM
    from winsvc.errors import NotStartedBySCM as NotStartedBySCM
    from winsvc.errors import ServiceAccessDenied as ServiceAccessDenied
    from winsvc.errors import ServiceCannotAcceptControl as ServiceCannotAcceptControl
    from winsvc.errors import ServiceError as ServiceError
    from winsvc.errors import ServiceExists as ServiceExists
    from winsvc.errors import ServiceFailed as ServiceFailed
    from winsvc.errors import ServiceMarkedForDelete as ServiceMarkedForDelete
    from winsvc.errors import ServiceNotActive as ServiceNotActive
    from winsvc.errors import ServiceNotFound as ServiceNotFound
    from winsvc.errors import ServiceTimeout as ServiceTimeout
    from winsvc.events import Event as Event
    from winsvc.journal import JournalEntry as JournalEntry
    from winsvc.manager import ServiceHandle as ServiceHandle
    from winsvc.manager import ServiceManager as ServiceManager
    from winsvc.process import run as run
    from winsvc.reasons import StartReason as StartReason
    from winsvc.reasons import StopMajor as StopMajor
    from winsvc.reasons import StopMinor as StopMinor
    from winsvc.reasons import StopReason as StopReason
    from winsvc.service import Service as Service
    from winsvc.settings import NO_NODE as NO_NODE
    from winsvc.settings import ActionKind as ActionKind
    from winsvc.settings import Environment as Environment
    from winsvc.settings import ErrorControl as ErrorControl
    from winsvc.settings import FailureAction as FailureAction
    from winsvc.settings import FailureActions as FailureActions
    from winsvc.settings import LaunchProtection as LaunchProtection
    from winsvc.settings import SidType as SidType
    from winsvc.states import Accept as Accept
    from winsvc.states import Control as Control
    from winsvc.states import FailureCode as FailureCode
    from winsvc.states import Query as Query
    from winsvc.states import ServiceType as ServiceType
    from winsvc.states import StartType as StartType
    from winsvc.states import State as State
    from winsvc.status import ServiceInfo as ServiceInfo
    from winsvc.status import ServiceStatus as ServiceStatus
    from winsvc.toml_config import ServiceTable as ServiceTable
    from winsvc.toml_config import read_tables as read_tables
    from winsvc.toml_writer import to_toml as to_toml
    from winsvc.triggers import Trigger as Trigger
    from winsvc.triggers import TriggerAction as TriggerAction
    from winsvc.triggers import TriggerData as TriggerData
    from winsvc.triggers import TriggerDataType as TriggerDataType
    from winsvc.triggers import TriggerType as TriggerType
    from winsvc.watching_all import ServiceEvent as ServiceEvent

__version__ = "0.1.0"

_HOMES = {
    "accounts": ["virtual_account"],
    "aio": ["AsyncService"],
    "base": ["ServiceExit"],
    "changes": ["Change", "Changes"],
    "cli": ["main"],
    "config": ["ServiceConfig"],
    "errors": [
        "NoSCM",
        "NotStartedBySCM",
        "ServiceAccessDenied",
        "ServiceCannotAcceptControl",
        "ServiceError",
        "ServiceExists",
        "ServiceFailed",
        "ServiceMarkedForDelete",
        "ServiceNotActive",
        "ServiceNotFound",
        "ServiceTimeout",
    ],
    "events": ["Event"],
    "journal": ["JournalEntry"],
    "manager": ["ServiceHandle", "ServiceManager"],
    "process": ["run"],
    "reasons": ["StartReason", "StopMajor", "StopMinor", "StopReason"],
    "service": ["Service"],
    "settings": [
        "ActionKind",
        "Environment",
        "ErrorControl",
        "FailureAction",
        "FailureActions",
        "LaunchProtection",
        "NO_NODE",
        "SidType",
    ],
    "states": [
        "Accept",
        "Control",
        "FailureCode",
        "Query",
        "ServiceType",
        "StartType",
        "State",
    ],
    "status": ["ServiceInfo", "ServiceStatus"],
    "toml_config": ["ServiceTable", "read_tables"],
    "toml_writer": ["to_toml"],
    "triggers": [
        "Trigger",
        "TriggerAction",
        "TriggerData",
        "TriggerDataType",
        "TriggerType",
    ],
    "watching_all": ["ServiceEvent"],
}
_MODULES = (
    "constants",
    "daemon",
    "devices",
    "doctor",
    "eventlog",
    "events",
    "power",
    "testing",
)
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
__all__ = sorted([*_HOME_OF, *_MODULES])


def __getattr__(name: str) -> object:
    if name not in _HOME_OF and name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value
