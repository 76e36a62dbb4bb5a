"""Build the project's win_amd64 wheel on Linux, from setup.py's own lists.

The rig runs this file as a program, since setuptools' setup() keeps global
state: ``python crossbuild.py PROJECT PYTHON_HOME BUILD_DIR``.
"""

import os
import runpy
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from tools import RigError, Tools, ensure_tools, run

CFLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror"]


def compile_and_link(tools: Tools, home: Path, extension: Extension, out: Path) -> None:
    """Make one .pyd, with objects of its own: macros differ between modules."""
    objects = out.with_suffix(".objects")
    objects.mkdir(parents=True, exist_ok=True)
    flags = CFLAGS + [f"-D{name}={value}" for name, value in extension.define_macros]
    for folder in extension.include_dirs:
        flags += ["-iquote", folder]
    # As a system's headers, CPython's are not held to -Wconversion.
    flags += ["-isystem", str(home / "include")]

    def compile_one(source: str) -> str:
        target = objects / (source.replace("/", "-") + ".o")
        if source.endswith(".rc"):
            # Beside the .rc is what it names, where rc.exe looks unasked.
            folder = os.path.dirname(source)
            run([tools.windres, "-I", folder, source, str(target)])
            return str(target)
        run([tools.gcc, *flags, "-c", source, "-o", str(target)])
        return str(target)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        compiled = list(pool.map(compile_one, extension.sources))
    run(
        [tools.gcc, "-shared", "-s", "-static-libgcc", "-Wl,--no-undefined"]
        + ["-o", str(out), *compiled, f"-L{home / 'libs'}", "-lpython3"]
        + [f"-l{library}" for library in extension.libraries]
    )


def build_command(home: Path) -> type[build_ext]:
    """Return a build_ext that cross-compiles against the Windows Python."""

    class CrossBuildExt(build_ext):
        """Name and make modules as setuptools does on Windows."""

        def get_ext_filename(self, fullname: str) -> str:
            """Return the path of an abi3 module on Windows."""
            return fullname.replace(".", "/") + ".pyd"

        def build_extension(self, ext: Extension) -> None:
            """Cross-compile one module."""
            scratch = Path(self.build_temp, ext.name + ".pyd")
            compile_and_link(ensure_tools(), home, ext, scratch)
            target = Path(self.get_ext_fullpath(ext.name))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(scratch.read_bytes())

    return CrossBuildExt


def main() -> None:
    """Build the wheel into BUILD_DIR/dist."""
    project, home, build = (Path(argument).resolve() for argument in sys.argv[1:4])
    os.chdir(project)
    recipe = runpy.run_path("setup.py")
    if not recipe["LIMITED_API"]:
        raise RigError("the rig builds the abi3 wheel: use a Python that has the GIL")
    egg_base = build / "egg"
    egg_base.mkdir(parents=True, exist_ok=True)
    setup(
        script_args=["--quiet", "bdist_wheel"],
        cmdclass={"build_ext": build_command(home)},
        ext_modules=[
            Extension(
                name,
                sources + (recipe["RESOURCES"] if name == "winsvc._core" else []),
                include_dirs=recipe["INCLUDE_DIRS"],
                define_macros=macros + recipe["LIMITED_API"],
                libraries=libraries,
                py_limited_api=True,
            )
            for name, (sources, macros, libraries) in recipe["extension_sources"](
                "win32"
            ).items()
        ],
        options={
            "egg_info": {"egg_base": str(egg_base)},
            "build": {"build_base": str(build / "base")},
            "bdist_wheel": {
                "bdist_dir": str(build / "unpacked"),
                "dist_dir": str(build / "dist"),
                "plat_name": "win-amd64",
                "py_limited_api": "cp311",
            },
        },
    )


if __name__ == "__main__":
    try:
        main()
    except RigError as error:
        sys.exit(str(error))
