"""What the doctor knows of a service: gathered once, then only looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from winsvc.doctor.command import Command
from winsvc.manage.status import ServiceStatus
from winsvc.settings.config import ServiceConfig
from winsvc.states import StartType, State

SERVICE_FILE = "the service's file"
PATH_FOLDER = "a folder of --path"
PYTHONPATH_FOLDER = "a folder of PYTHONPATH"
USER_PACKAGES = "the packages of its account"
"""Roles of places that are the user's own, not Python's, or that variables name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A service that has to run first, or a group (E-46, E-47).

    Attributes:
        name: Key name; a group's has "+" in front.
        state: ``None``: there is no such service; for a group, RUNNING if a member
            runs.
        start_type: ``None``: not known.
        exit_code: What it has stopped with.
    """

    name: str
    state: State | None
    start_type: StartType | None = None
    exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file or folder that the service runs code of.

    Attributes:
        role: What it is to the service, such as "the interpreter".
        path: Full path.
        is_there: Whether it exists.
        is_folder: Whether it is, or should be, a folder.
        security: Its owner and DACL as SDDL; ``None``: cannot be read.  Of a folder
            to search for code that is not there: of the nearest one above it.
        is_remote: Whether it is on a drive of the network.
    """

    role: str
    path: str
    is_there: bool = True
    is_folder: bool = False
    security: str | None = None
    is_remote: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Venv:
    """The virtual environment that the interpreter belongs to.

    Attributes:
        folder: Its folder.
        home: Where pyvenv.cfg says that its base Python is; empty: it does not.
        is_whole: Whether it has its pyvenv.cfg.
        has_home: Whether there is a Python in ``home``.
        has_base_packages: Whether that one's packages count too.
    """

    folder: str
    home: str = ""
    is_whole: bool = True
    has_home: bool = True
    has_base_packages: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What happened when the service's own Python imported its target.

    Attributes:
        report: What ``inside.py`` has said; ``None``: it did not get that far.
        exit_code: Of that Python; ``None``: it was ended because it took too long.
        output: The last of what it has written to stderr.
        seconds: How long it took.
    """

    report: Mapping[str, Any] | None = None
    exit_code: int | None = 0
    output: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScmEvent:
    """An event that the SCM has logged about the service (E.9).

    Attributes:
        event_id: Its low 16 bits, such as 7000.
        when: Its time.
        message: Its text, in the system's language.
    """

    event_id: int
    when: datetime
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All facts about one service.

    Attributes:
        name: Key name.
        unknown: Group of facts -> why it could not be had: ``config``,
            ``dependencies``, ``sharers``, ``deletion``, ``source``, ``files``,
            ``security``, ``probe``, ``events``, ``account``, ``logon_right``,
            ``circle``, ``log rights``.  The facts of such a group mean nothing.
        status: The SCM's record.
        config: Its settings (group ``config``).
        command: What its command line says (``config``).
        dependencies: What it depends on directly (``dependencies``).
        circle: Services, found from this one on, of which each depends on the next,
            and the last on the first; empty: there are none (``circle``).
        sharers: (name, account) of other services with the same command line
            (``sharers``).
        is_deleted: Whether it is marked for deletion (``deletion``).
        message_file: The message file of its event source, empty if that has none or
            is of another log, ``None`` without a source (``source``).
        has_message_file: Whether that file is there; ``None``: not known (``source``).
        variables: What its process starts with: the machine's variables and its own
            (``files``).
        machine: The program's machine as its PE header has it, 0: it is no program
            (``files``).
        system_machine: The system's own (``files``).
        service_word: A word in the program or script that only services have; empty:
            there is none; ``None``: not looked into (``files``).
        venv: Of the interpreter, if it has one (``files``).
        places: What it runs code of (``files``); their ``security`` is of the group
            ``security``.
        rivals: Programs that an unquoted command line would start first, and that
            there are (``files``).
        log_file: The path of its log, empty if it is not known.
        log_trouble: Why its path can be no log's, empty if it can (``files``).
        has_log_folder: Whether its folder is there (``files``).
        has_log_file: Whether it is there (``files``).
        log_place: The log, or the nearest folder above it that is there (``files``).
        log_security: The owner and DACL of that as SDDL; ``None``: there is no such
            folder (``log rights``).
        last_error: The last error in its log with its traceback, empty if there is
            none (``files``).
        probe: Of its Python; ``None``: its program is none (``probe``).
        account_sid: The SID of its account; ``None``: there is no such account
            (``account``).
        has_logon_right: Whether its account itself has the right to log on as a
            service, or needs none; a group may have it too (``logon_right``).
        my_sid: The SID of who asks (``security``).
        events: What the SCM has logged about it, the newest first (``events``).
    """

    name: str
    status: ServiceStatus
    config: ServiceConfig
    command: Command
    unknown: Mapping[str, str] = field(default_factory=dict)
    dependencies: tuple[Dependency, ...] = ()
    circle: tuple[str, ...] = ()
    sharers: tuple[tuple[str, str], ...] = ()
    is_deleted: bool = False
    message_file: str | None = None
    has_message_file: bool | None = True
    variables: Mapping[str, str] = field(default_factory=dict)
    machine: int = 0
    system_machine: int = 0
    service_word: str | None = None
    venv: Venv | None = None
    places: tuple[Place, ...] = ()
    rivals: tuple[str, ...] = ()
    log_file: str = ""
    log_trouble: str = ""
    has_log_folder: bool = True
    has_log_file: bool = True
    log_place: str = ""
    log_security: str | None = None
    last_error: str = ""
    probe: Probe | None = None
    account_sid: str | None = None
    has_logon_right: bool = True
    my_sid: str | None = None
    events: tuple[ScmEvent, ...] = ()
