"""What a service is configured with: every setting that the SCM keeps."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from winsvc.settings.accounts import normalize_account
from winsvc.settings.command_line import quote_command
from winsvc.settings.config_checks import Problems, problems_of
from winsvc.settings.config_types import problems_of_types
from winsvc.settings.privileges import normalize_privilege
from winsvc.settings.triggers import Trigger
from winsvc.settings.values import (
    Environment,
    ErrorControl,
    FailureActions,
    LaunchProtection,
    SidType,
)
from winsvc.states import ServiceType, StartType


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    r"""Settings of a service, checked before anything is changed.

    ``None`` means that a setting is not ours to say: the SCM's default when the
    service is created, left alone when it is changed.  The settings by the names
    that the command line, TOML, the SCM and the registry have for them, with
    examples: ``docs/configuration.md``.

    Attributes:
        name: The key name: 1 to 256 characters, without ``/`` and ``\`` (E-1).
        command: The program with its full path, and its arguments.  The SCM
            expands ``%VARIABLE%`` in them when it starts the service.  Needed to
            create one.
        display_name: The name shown to people; "" resets it to ``name`` (E-4).
        description: The text that services.msc shows; "" removes it.
        start_type: AUTO, MANUAL or DISABLED: the others are for drivers (E-9).
            Created: AUTO.
        delayed: Start about two minutes after the other AUTO services; not in a
            ``group`` (E-49d).  False beside another ``start_type``: a mark that is
            there, without effect, may stay.
        service_type: A process of its own, or a shared one (E-7).  Created:
            OWN_PROCESS.
        error_control: What the system does if it fails at boot.  Created: NORMAL.
        group: The load-order group that it is in; "" for none.
        dependencies: Key names of services that start before it, and names of
            groups with ``+`` in front; () removes them (E-46, E-47).
        account: ``LocalSystem`` (created: this), ``LocalService``,
            ``NetworkService``, ``NT SERVICE\name``, ``DOMAIN\user``, ``.\user``,
            ``DOMAIN\managed$`` (E-18).
        password: The account's password; never shown.
        failure_actions: What the SCM does when it fails.
        failure_actions_on_error: Whether an exit code other than 0 is a failure
            too, not only a crash (E-50).
        sid_type: Whether its process has the SID of ``NT SERVICE\name`` (E.10).
        required_privileges: The privileges that its process keeps; () keeps all.
        preshutdown_timeout: Seconds that the system waits for it at PRESHUTDOWN.
        triggers: Events that start or stop it; () removes them (E-80).
        preferred_node: NUMA node; ``NO_NODE`` removes it.  OWN_PROCESS only.
        launch_protection: Protection of its process; signed programs only, and no
            way back by configuration (E.7).
        environment: Variables of its process beside the system's; {} removes
            them (E-75).
        security: Its DACL as SDDL, ``D:(A;;…)``: who may do what with it.  The
            administrators or the system must be able to change it back.
        event_source: Whether its name is a source in the Application event log.

    Raises:
        ValueError: A setting breaks a rule of the SCM; the message names the
            service, the setting, what is wrong, and the remedy.
    """

    name: str
    command: tuple[str, ...] | None = None
    display_name: str | None = None
    description: str | None = None
    start_type: StartType | None = None
    delayed: bool | None = None
    service_type: ServiceType | None = None
    error_control: ErrorControl | None = None
    group: str | None = None
    dependencies: tuple[str, ...] | None = None
    account: str | None = None
    password: str | None = field(default=None, repr=False)
    failure_actions: FailureActions | None = None
    failure_actions_on_error: bool | None = None
    sid_type: SidType | None = None
    required_privileges: tuple[str, ...] | None = None
    preshutdown_timeout: float | None = None
    triggers: tuple[Trigger, ...] | None = None
    preferred_node: int | None = None
    launch_protection: LaunchProtection | None = None
    environment: Mapping[str, str] | None = None
    security: str | None = None
    event_source: bool | None = None

    def __post_init__(self) -> None:
        """Bring what has several forms into one; check every rule."""
        self._check(problems_of_types(self))
        self._normalize()
        self._check(problems_of(self))

    def _check(self, problems: Problems) -> None:
        for name, problem in problems:
            raise ValueError(f"service {self.name!r}: {name} {problem}")

    @classmethod
    def unchecked(cls, **settings: Any) -> Self:
        """Return a configuration that may break rules, as an SCM has told it.

        Args:
            **settings: Any of the attributes.  What is there may be older than
                the rules, or newer than this list of them.
        """
        config = object.__new__(cls)
        for each in cls.__dataclass_fields__.values():
            object.__setattr__(config, each.name, settings.pop(each.name, None))
        if settings:
            msg = f"no such setting: {', '.join(settings)}"
            raise TypeError(msg)
        config._normalize()
        return config

    @classmethod
    def from_toml(
        cls, path: str | os.PathLike[str], name: str | None = None
    ) -> ServiceConfig:
        """Read a service's settings from a TOML file.

        Args:
            path: A file with ``[service]`` or ``[services.NAME]``, or a
                pyproject.toml with ``[tool.winsvc.services.NAME]``.
            name: The service; default: the only one of the file.

        Returns:
            Its settings; ``command`` is None if the file has a ``target``, which
            ``winsvc install`` turns into one.

        Raises:
            ValueError: The file is not right, or has no such service; the message
                names file, table and key.
            OSError: It cannot be read.
        """
        from winsvc.settings.toml_reader import read_config

        return read_config(path, name)

    @property
    def command_line(self) -> str | None:
        """The command as one line, quoted (E-16)."""
        return None if self.command is None else quote_command(self.command)

    def _normalize(self) -> None:
        for name in ("command", "dependencies", "required_privileges", "triggers"):
            value = getattr(self, name)
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(value))
        if self.account is not None:
            object.__setattr__(self, "account", normalize_account(self.account))
        if self.required_privileges is not None:
            names = tuple(map(normalize_privilege, self.required_privileges))
            object.__setattr__(self, "required_privileges", names)
        if self.environment is not None:
            object.__setattr__(self, "environment", Environment(self.environment))
