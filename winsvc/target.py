r"""Names of services' classes: ``module:Class`` and ``path\file.py:Class``."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading

from winsvc import TYPE_CHECKING
from winsvc.base import HasService, ServiceBase, check_class

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_files: dict[str, str] = {}  # by the name that each is imported under
_lock = threading.Lock()  # of that, and of sys.path


class Target:
    """Where a service's class is.

    Args:
        module: Dotted name, or the path of a ``.py`` file.
        cls: Name of the class; empty for the only one of the module.
    """

    __slots__ = ("cls", "module")

    def __init__(self, module: str, cls: str = "") -> None:
        self.module = module
        self.cls = cls

    def __eq__(self, other: object) -> bool:
        """Tell whether module and class are the same."""
        if not isinstance(other, Target):
            return NotImplemented
        return (self.module, self.cls) == (other.module, other.cls)

    def __repr__(self) -> str:
        """Return the call that makes an equal target."""
        return f"Target({self.module!r}, {self.cls!r})"

    @property
    def is_file(self) -> bool:
        """True for the path of a script."""
        return self.module.lower().endswith((".py", ".pyw"))

    def __str__(self) -> str:
        """Return it as it is written on a command line."""
        return f"{self.module}:{self.cls}" if self.cls else self.module


def parse_target(text: str) -> Target:
    """Parse ``module:Class``, ``file.py:Class`` or, for the only class, less.

    Raises:
        ValueError: It is neither.
    """
    module, colon, cls = text.rpartition(":")
    # C:\clock.py has a colon, and no class after it.
    if not colon or os.sep in cls or "\\" in cls or "/" in cls:
        module, cls = text, ""
    target = Target(module, cls)
    if not module or (cls and not cls.isidentifier()):
        ok = False
    elif target.is_file:
        ok = True
    else:
        ok = all(part.isidentifier() for part in module.split("."))
    if not ok:
        msg = (
            f"{text!r} names no service: write module:Class, or the path of a "
            ".py file and :Class"
        )
        raise ValueError(msg)
    return target


def load_target(target: Target) -> type[ServiceBase]:
    """Import a target's module and return its class.

    A file's folder comes first on ``sys.path``, as for a script, and the file
    is imported under its stem, so that its ``__main__`` part does not run; once,
    for all services of a shared process.

    Raises:
        ImportError: The module or file is not there, or fails to import.
        TypeError: It has no such service.
    """
    module = _load_file(target.module) if target.is_file else None
    module = module or importlib.import_module(target.module)
    services = services_of(module)
    if target.cls:  # a daemon's class goes by its alias
        named = getattr(module, target.cls, None)
        services = [each for each in services if each.__name__ == target.cls]
        if isinstance(named, type | HasService) or (named and not services):
            return check_class(named)
    if target.cls and not services:
        msg = f"{target.module} has no {target.cls}; {_offer(module)}"
        raise TypeError(msg)
    if len(services) != 1:
        msg = f"{target.module} needs a class after a colon; {_offer(module)}"
        raise TypeError(msg)
    return check_class(services[0])


def _load_file(path: str) -> ModuleType:
    file = os.path.realpath(path)
    if not os.path.isfile(file):
        msg = f"there is no file {file}"
        raise ImportError(msg)
    folder, base = os.path.split(file)
    name = os.path.splitext(base)[0].replace(".", "_")  # no package's
    with _lock:
        loaded = sys.modules.get(name)
        if loaded is not None and not _is_of(loaded, file):
            msg = f"{file} cannot be imported as {name}: {loaded!r} is; rename it"
            raise ImportError(msg)
        _files[name] = file
        if _Finder not in sys.meta_path:
            sys.meta_path.insert(0, _Finder)
        if folder not in sys.path:
            sys.path.insert(0, folder)
    return importlib.import_module(name)  # locks: a sibling may be importing it too


def _is_of(module: ModuleType, file: str) -> bool:
    path = getattr(module, "__file__", None)
    real = os.path.realpath(path) if path else ""
    return os.path.normcase(real) == os.path.normcase(file)


class _Finder:
    """Finds the files that are targets, under their stems."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a file's spec; ``None``: it is no target."""
        del path, target
        file = _files.get(name)
        return importlib.util.spec_from_file_location(name, file) if file else None


def services_of(module: ModuleType) -> list[type[ServiceBase]]:
    """Return the services that a module itself defines."""
    values = vars(module).values()
    found = (
        value
        for value in (v.service if isinstance(v, HasService) else v for v in values)
        if isinstance(value, type)
        and issubclass(value, ServiceBase)
        and value.__module__ == module.__name__
        and value.name
    )
    return list(dict.fromkeys(found))


def _offer(module: ModuleType) -> str:
    names = [cls.__name__ for cls in services_of(module)]
    return f"it has {', '.join(names)}" if names else "it defines no service"
