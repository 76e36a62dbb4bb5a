"""What the SCM would refuse of services that are configured together.

It would say so at the second of two, when the first is there already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from winsvc.settings.config import ServiceConfig


def check_together(configs: Sequence[ServiceConfig]) -> None:
    """Check what the configurations of one file, or of one command, say together.

    Raises:
        ValueError: Two have one name, in whatever case, or one of them has another's
            as its display name (1078, E-12), or they depend on each other (1059,
            E-49).
    """
    for problem in _problems(configs):
        raise ValueError(problem)


def _problems(configs: Sequence[ServiceConfig]) -> Iterator[str]:
    owners: dict[str, str] = {}
    for config in configs:
        if config.name.upper() in owners:
            other = owners[config.name.upper()]
            yield f"{other!r} and {config.name!r} are one name to the SCM; take one out"
        owners[config.name.upper()] = config.name
    for config in configs:
        shown = config.display_name or config.name
        owner = owners.get(shown.upper(), config.name)
        if owner != config.name:
            yield (
                f"services {owner!r} and {config.name!r} have one name, {shown!r}, to "
                "the SCM; give one of them another display name (1078)"
            )
    for config in configs:
        if circle := _circle((config,), configs, set()):
            yield (
                f"services depend on each other: {' -> '.join(circle)}; take one of "
                "these dependencies out (1059)"
            )


def _circle(
    way: tuple[ServiceConfig, ...], configs: Sequence[ServiceConfig], seen: set[str]
) -> tuple[str, ...]:
    """Return the names on the way from a service back to itself, if there is one.

    Args:
        way: From that service to the one that is looked at.
        configs: All.
        seen: Names of those from which no way leads back; more are added.
    """
    for each in configs:
        if not _depends(way[-1], each):
            continue
        if each is way[0]:
            return tuple(one.name for one in (*way, each))
        if each.name not in seen:
            seen.add(each.name)
            if found := _circle((*way, each), configs, seen):
                return found
    return ()


def _depends(config: ServiceConfig, other: ServiceConfig) -> bool:
    names = [name.upper() for name in config.dependencies or ()]
    group = f"+{other.group}".upper() if other.group else None
    return other.name.upper() in names or group in names
