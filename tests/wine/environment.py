"""The test environment: Windows Python, packages, our wheel, test programs."""

import hashlib
import shutil
import sys
from pathlib import Path

from tools import HERE, PROJECT, RigError, Tools, run, say
from windows_python import pip

WHEEL_INPUTS = ["setup.py", "pyproject.toml", "README.md", "LICENSE"]
WHEEL_TREES = ["csrc", "winsvc", "benchmarks"]
RIG_INPUTS = ["crossbuild.py", "environment.py", "tools.py"]
CFLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"]
# A test program may include a file of the project, to drive it alone.
CFLAGS += ["-iquote", str(PROJECT / "csrc")]
LIBRARIES = ["-ladvapi32", "-static-libgcc"]


class Stamp:
    """Remembers what a step was made from, to skip it when nothing changed."""

    def __init__(self, path: Path, *inputs: str | Path) -> None:
        digest = hashlib.sha256(sys.version.encode())
        for item in inputs:
            digest.update(b"\0" + str(item).encode() + b"\0")
            if isinstance(item, Path):
                digest.update(item.read_bytes())
        self._path = path
        self._wanted = digest.hexdigest()

    def is_fresh(self) -> bool:
        """Tell whether the step was finished with the same inputs."""
        return self._path.is_file() and self._path.read_text() == self._wanted

    def clear(self) -> None:
        """Forget the step before it is done again."""
        self._path.unlink(missing_ok=True)

    def write(self) -> None:
        """Record that the step is finished."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(self._wanted)


class Environment:
    """Everything that the tests of one Python version need, in one folder."""

    def __init__(self, tools: Tools, base: Path, folder: Path) -> None:
        self._tools = tools
        self._base = base
        self._folder = folder
        self.home = folder / "python"
        self.python = self.home / "python.exe"
        self.programs = folder / "bin"
        self._site = self.home / "Lib" / "site-packages"

    def prepare(self) -> None:
        """Bring the folder up to date."""
        self._install_packages()
        self._build_wheel()
        self._install_wheel()
        self._compile_programs()

    def _pip_install(self, *arguments: str) -> None:
        run(
            [
                *pip("install"),
                "--no-warn-conflicts",
                "--root-user-action=ignore",
                "--upgrade",
                f"--target={self._site}",
                *arguments,
            ]
        )

    def _install_packages(self) -> None:
        requirements = HERE / "requirements.txt"
        stamp = Stamp(self._folder / "packages.stamp", requirements, str(self._base))
        if stamp.is_fresh():
            return
        say(f"installing the test packages into {self.home}")
        stamp.clear()
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(self._base, self.home)
        self._pip_install("--requirement", str(requirements))
        stamp.write()

    def _build_wheel(self) -> None:
        inputs = [PROJECT / name for name in WHEEL_INPUTS]
        for tree in WHEEL_TREES:
            inputs += (
                path
                for path in sorted((PROJECT / tree).rglob("*"))
                if path.suffix in {".c", ".h", ".json", ".py", ".pyi", ".typed"}
            )
        for path in inputs:
            if not path.is_file():
                raise RigError(f"the wheel needs {path}, which does not exist")
        rig = [HERE / name for name in RIG_INPUTS]
        stamp = Stamp(self._folder / "wheel.stamp", *inputs, *rig, str(self._base))
        if stamp.is_fresh():
            return
        say("cross-building the wheel")
        stamp.clear()
        build = self._folder / "wheel"
        shutil.rmtree(build, ignore_errors=True)
        script = str(HERE / "crossbuild.py")
        run([sys.executable, script, str(PROJECT), str(self._base), str(build)])
        stamp.write()

    def _install_wheel(self) -> None:
        (wheel,) = (self._folder / "wheel" / "dist").glob("*.whl")
        stamp = Stamp(self._site / "pywinsvc.stamp", wheel)
        if stamp.is_fresh():
            return
        say(f"installing {wheel.name}")
        stamp.clear()
        # pip's --target leaves what an older version was called.
        for folder in self._site.glob("pywinsvc-*.dist-info"):
            shutil.rmtree(folder)
        self._pip_install("--no-deps", "--no-index", str(wheel))
        stamp.write()

    def _compile_programs(self) -> None:
        self.programs.mkdir(parents=True, exist_ok=True)
        sources = sorted((PROJECT / "tests" / "windows").glob("*.c"))
        included = sorted((PROJECT / "csrc").rglob("*.[ch]"))
        wanted = {source.stem for source in sources}
        for program in self.programs.glob("*.exe"):
            if program.stem not in wanted:
                program.unlink()
        for source in sources:
            stamp = Stamp(
                self.programs / f"{source.stem}.stamp",
                source,
                *included,
                str(CFLAGS + LIBRARIES),
            )
            program = self.programs / f"{source.stem}.exe"
            if program.is_file() and stamp.is_fresh():
                continue
            say(f"compiling {source.name}")
            stamp.clear()
            run([self._tools.gcc, *CFLAGS, "-o", str(program), str(source), *LIBRARIES])
            stamp.write()
