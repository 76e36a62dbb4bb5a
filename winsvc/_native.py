"""The two extension modules; nobody else imports them.

``_core`` is for the real SCM, ``_sim`` for the wire of the simulated one.  Each
is loaded when first asked for: ``import winsvc`` loads neither, and a service
under the real SCM never loads ``_sim``.
"""

import importlib
import os

from winsvc import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from winsvc._interfaces import Core
    from winsvc._wire_interfaces import Sim
    from winsvc.errors import ServiceError


def require_core(operation: str) -> "Core":
    """Return ``winsvc._core``, loaded at the first call.

    Args:
        operation: What it is needed for, as ServiceError words it.

    Raises:
        NoSCM: This is not Windows.
        ImportError: The binary is not built, or cannot be loaded.
    """
    if os.name != "nt":
        from winsvc.errors import NoSCM

        raise NoSCM(operation=operation)
    core: Core = _load("_core")
    return core


def require_sim() -> "Sim":
    """Return ``winsvc._sim``, loaded at the first call.

    Raises:
        ImportError: The binary is not built, or cannot be loaded.
    """
    sim: Sim = _load("_sim")
    return sim


def _load(name: str) -> "Any":
    try:
        return importlib.import_module(f"winsvc.{name}")
    except ImportError as error:
        raise ImportError(
            f"winsvc's binary {name} cannot be loaded ({error}): reinstall pywinsvc, "
            "or in its source tree run `python setup.py build_ext --inplace`",
            name=f"winsvc.{name}",
        ) from error


def as_service_error(
    error: OSError, operation: str | None = None, service: str | None = None
) -> "ServiceError":
    """Return the ServiceError of what one of the modules has raised."""
    from winsvc.errors import service_error

    code = getattr(error, "winerror", None) or error.errno or 0
    return service_error(operation or error.strerror or "call the SCM", service, code)
