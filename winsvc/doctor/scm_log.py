"""What the SCM has logged about a service, and what of it is worth telling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from winsvc.doctor.facts import ScmEvent
from winsvc.manage.manager import ServiceManager
from winsvc.settings.config import ServiceConfig

SCM = "Service Control Manager"
DAYS = 14
_NEWEST = 500
# 7035, 7036, 7040, 7042, 7045 say what was done, not what went wrong (E.9).
TELLING = frozenset(
    {
        *(7000, 7001, 7002, 7003, 7008, 7009, 7010, 7011, 7012, 7013, 7014, 7016),
        *(7017, 7018, 7022, 7023, 7024, 7030, 7031, 7032, 7034, 7038, 7039, 7041),
        *(7043, 7044, 7046),
    }
)


def scm_events(
    manager: ServiceManager, name: str, config: ServiceConfig
) -> tuple[ScmEvent, ...]:
    """Return what has gone wrong with a service lately, the newest first.

    Raises:
        ServiceError: The event log cannot be read; 120: not on this system (H-38).
        ValueError: The name cannot be searched for.

    Blocks for as long as the event log takes.
    """
    from winsvc.eventlog import read

    records = read(
        name,
        newest=_NEWEST,
        since=datetime.now(UTC) - timedelta(days=DAYS),
        include_scm=True,
        display_name=config.display_name or name,
        machine=manager._backend.machine,  # noqa: SLF001 - one package
    )
    found = [
        ScmEvent(
            event_id=record.event_id,
            when=record.time,
            message=record.message or " | ".join(record.strings),
        )
        for record in records
        if record.source == SCM and record.event_id in TELLING
    ]
    return tuple(reversed(found))
