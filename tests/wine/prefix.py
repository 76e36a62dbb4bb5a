"""The Wine prefix: a Windows of its own for one run of the rig."""

import os
import shutil
import subprocess
from pathlib import Path

from tools import RigError, Tools, run, say

REGISTRY = ["system.reg", "user.reg", "userdef.reg"]
SETTINGS = """\
Windows Registry Editor Version 5.00

[HKEY_LOCAL_MACHINE\\System\\CurrentControlSet\\Control\\Session Manager\\Environment]
"PYTHONDONTWRITEBYTECODE"="1"
"""


def windows_path(path: Path) -> str:
    """Return a Unix path as a Windows program in any prefix sees it."""
    return "Z:" + str(path.resolve()).replace("/", "\\")


class Prefix:
    """A prefix folder whose registry is as new at the start of every run."""

    def __init__(self, tools: Tools, folder: Path) -> None:
        self._tools = tools
        self._folder = folder
        self._snapshot = folder.with_name(folder.name + "-registry")

    @property
    def environ(self) -> dict[str, str]:
        """Return the environment for Wine's programs."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in {"DISPLAY", "WAYLAND_DISPLAY", "WINEARCH", "WINESERVER"}
            and not name.startswith(("PYTHON", "LC_", "LANG", "VIRTUAL_ENV"))
        }
        return kept | {
            "WINEPREFIX": str(self._folder),
            "WINEDEBUG": "-all",
            # No offer to install Mono and Gecko, no entries in the desktop's menus.
            "WINEDLLOVERRIDES": "mscoree,mshtml=;winemenubuilder.exe=",
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def prepare(self) -> None:
        """Create the prefix when it is missing, and reset its registry."""
        stamp = self._snapshot / "wine-version"
        version = run([self._tools.wine, "--version"])
        self.kill()
        if not stamp.is_file() or stamp.read_text() != version + SETTINGS:
            try:
                self._create()
            except BaseException:
                self.kill()
                raise
            stamp.write_text(version + SETTINGS)
        for name in REGISTRY:
            shutil.copy(self._snapshot / name, self._folder)

    def settle(self, timeout: float) -> bool:
        """Wait until everything in the prefix has ended by itself."""
        try:
            self._wineserver("-w", timeout)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """End every program of the prefix and wait until they are gone."""
        if self._folder.is_dir():
            self._wineserver("-k", 60)
            self._wineserver("-w", 60)

    def _create(self) -> None:
        say(f"creating the Wine prefix {self._folder}")
        for folder in (self._folder, self._snapshot):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        settings = self._snapshot / "settings.reg"
        settings.write_text(SETTINGS)
        self._wine("wineboot", "--init")
        self._wine("winecfg", "-v", "win10")
        self._wine("regedit", "/S", windows_path(settings))
        # Only an orderly end makes wineserver write the registry's files.
        self._wine("wineboot", "--shutdown")
        if not self.settle(timeout=60):
            raise RigError(f"the programs in {self._folder} do not end")
        for name in REGISTRY:
            shutil.copy(self._folder / name, self._snapshot)

    def _wineserver(self, option: str, timeout: float) -> None:
        # Its exit code only says whether anything was running.
        subprocess.run(
            [self._tools.wineserver, option],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )

    def _wine(self, *command: str) -> None:
        try:
            done = subprocess.run(
                [self._tools.wine, *command],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=300,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RigError(f"wine {' '.join(command)}: no end after 300 s") from None
        if done.returncode != 0:
            raise RigError(f"wine {' '.join(command)} exited {done.returncode}")
