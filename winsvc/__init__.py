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
    from winsvc.aio import AsyncService as AsyncService
    from winsvc.base import ServiceExit as ServiceExit
    from winsvc.cli import main as main
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
    from winsvc.manage.changes import Change as Change
    from winsvc.manage.changes import Changes as Changes
    from winsvc.manage.manager import ServiceHandle as ServiceHandle
    from winsvc.manage.manager import ServiceManager as ServiceManager
    from winsvc.manage.security import ServiceRight as ServiceRight
    from winsvc.manage.status import ServiceInfo as ServiceInfo
    from winsvc.manage.status import ServiceStatus as ServiceStatus
    from winsvc.manage.watching import ServiceWatch as ServiceWatch
    from winsvc.manage.watching import WatchEnd as WatchEnd
    from winsvc.manage.watching_all import ManagerWatch as ManagerWatch
    from winsvc.manage.watching_all import ServiceEvent as ServiceEvent
    from winsvc.process import run as run
    from winsvc.reasons import StartReason as StartReason
    from winsvc.reasons import StopMajor as StopMajor
    from winsvc.reasons import StopMinor as StopMinor
    from winsvc.reasons import StopReason as StopReason
    from winsvc.service import Service as Service
    from winsvc.settings.accounts import virtual_account as virtual_account
    from winsvc.settings.config import ServiceConfig as ServiceConfig
    from winsvc.settings.toml_reader import ServiceTable as ServiceTable
    from winsvc.settings.toml_reader import read_tables as read_tables
    from winsvc.settings.toml_writer import to_toml as to_toml
    from winsvc.settings.triggers import Trigger as Trigger
    from winsvc.settings.triggers import TriggerAction as TriggerAction
    from winsvc.settings.triggers import TriggerData as TriggerData
    from winsvc.settings.triggers import TriggerDataType as TriggerDataType
    from winsvc.settings.triggers import TriggerType as TriggerType
    from winsvc.settings.values import NO_NODE as NO_NODE
    from winsvc.settings.values import ActionKind as ActionKind
    from winsvc.settings.values import Environment as Environment
    from winsvc.settings.values import ErrorControl as ErrorControl
    from winsvc.settings.values import FailureAction as FailureAction
    from winsvc.settings.values import FailureActions as FailureActions
    from winsvc.settings.values import LaunchProtection as LaunchProtection
    from winsvc.settings.values import SidType as SidType
    from winsvc.states import Accept as Accept
    from winsvc.states import Control as Control
    from winsvc.states import FailureCode as FailureCode
    from winsvc.states import Query as Query
    from winsvc.states import ServiceType as ServiceType
    from winsvc.states import StartType as StartType
    from winsvc.states import State as State

__version__ = "0.1.0"

_HOMES = {
    "settings.accounts": ["virtual_account"],
    "aio": ["AsyncService"],
    "base": ["ServiceExit"],
    "manage.changes": ["Change", "Changes"],
    "cli": ["main"],
    "settings.config": ["ServiceConfig"],
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
    "manage.manager": ["ServiceHandle", "ServiceManager"],
    "process": ["run"],
    "reasons": ["StartReason", "StopMajor", "StopMinor", "StopReason"],
    "service": ["Service"],
    "settings.values": [
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
    "manage.status": ["ServiceInfo", "ServiceStatus"],
    "settings.toml_reader": ["ServiceTable", "read_tables"],
    "settings.toml_writer": ["to_toml"],
    "settings.triggers": [
        "Trigger",
        "TriggerAction",
        "TriggerData",
        "TriggerDataType",
        "TriggerType",
    ],
    "manage.security": ["ServiceRight"],
    "manage.watching": ["ServiceWatch", "WatchEnd"],
    "manage.watching_all": ["ManagerWatch", "ServiceEvent"],
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
