"""Put a Windows CPython together from what PyPI and this interpreter have.

The official pythonXY.dll, the .pyd files and their DLLs come from the panda3d
wheel, the standard library from the running interpreter, and python.exe and
python3.dll are made here.  The result has the layout of a normal Windows
installation, so that -m, -P, site-packages and PYTHONPATH behave as there.
"""

import compileall
import hashlib
import os
import py_compile
import re
import shutil
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

from tools import HERE, RigError, Tools, run, say

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
XY = VERSION.replace(".", "")
PANDA3D = "panda3d==1.10.16"
RECIPE = [
    "windows_python.py",
    "python_exe.c",
    "python_exe.rc",
    "python_exe.manifest",
    "include/pyconfig.h",
]

# Wine has its own api-ms-*, and the tests need no Tcl.  Wine's WMI is not good
# enough for _wmi: it aborts the process, while platform can do without it.
UNWANTED = re.compile(
    r"api-ms-.*|tcl86t\..*|tk86t\..*|_(tkinter|wmi|test.*)\..*|.*\.cp\d+t-.*"
)
SKIPPED_STDLIB = shutil.ignore_patterns(
    "__pycache__",
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "turtledemo",
    "lib2to3",
    "ensurepip",
    "lib-dynload",
    "config-*",
    # They describe the machine that Linux's CPython was built on.
    "_sysconfigdata_*",
    "_sysconfig_vars_*",
)


def cached_python(tools: Tools) -> Path:
    """Return the folder of the Windows Python, building it the first time."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    home = cache / "winsvc" / "wine" / f"python-{VERSION}-{_recipe_hash()}"
    if home.is_dir():
        return home
    say(f"building a Windows Python {VERSION} in {home}")
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="building-") as temp:
        fresh = Path(temp) / "python"
        _build(tools, Path(temp), fresh)
        try:
            fresh.rename(home)
        except OSError:
            # Another rig may have been quicker: its result is as good.
            if not home.is_dir():
                raise
    return home


def pip(command: str) -> list[str]:
    """Return the start of a pip command for the Windows Python's wheels."""
    return [
        sys.executable,
        "-m",
        "pip",
        command,
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary=:all:",
        "--platform=win_amd64",
        f"--python-version={VERSION}",
    ]


def _recipe_hash() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for name in RECIPE:
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()[:12]


def _build(tools: Tools, temp: Path, home: Path) -> None:
    for folder in ("DLLs", "libs", "Lib/site-packages"):
        (home / folder).mkdir(parents=True)
    _unpack_binaries(tools, temp, home)
    _copy_stdlib(home)
    _copy_headers(home)
    _make_python3_dll(tools, temp, home)
    _make_python_exe(tools, temp, home)


def _unpack_binaries(tools: Tools, temp: Path, home: Path) -> None:
    run([*pip("download"), "--no-deps", f"--dest={temp}", PANDA3D])
    (wheel,) = temp.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            folder, _, name = info.filename.rpartition("/")
            if folder != "deploy_libs" or UNWANTED.fullmatch(name):
                continue
            (home / "DLLs" / name).write_bytes(archive.read(info))
    wheel.unlink()
    core = home / "DLLs" / f"python{XY}.dll"
    if not core.is_file():
        raise RigError(f"{wheel.name} has no {core.name}")
    beside_exe = {core.name.lower(), "vcruntime140_1.dll"}
    table = run([tools.objdump, "-p", str(core)])
    beside_exe.update(name.lower() for name in re.findall(r"DLL Name: (\S+)", table))
    for path in list((home / "DLLs").iterdir()):
        if path.name.lower() in beside_exe:
            path.rename(home / path.name)


def _copy_stdlib(home: Path) -> None:
    def ignore(folder: str, names: list[str]) -> set[str]:
        skipped = set(SKIPPED_STDLIB(folder, names))
        for name in names:
            if not name.endswith(".py") and not Path(folder, name).is_dir():
                skipped.add(name)
        return skipped

    source = sysconfig.get_path("stdlib")
    shutil.copytree(source, home / "Lib", ignore=ignore, dirs_exist_ok=True)
    # Service processes do not see our environment, so they would compile for
    # themselves; the magic number of X.Y is the same on both systems.
    compileall.compile_dir(
        home / "Lib",
        quiet=2,
        workers=os.cpu_count() or 1,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def _copy_headers(home: Path) -> None:
    # Python.h takes the pyconfig.h of its own folder before any -I.
    source = sysconfig.get_path("include")
    if not Path(source, "Python.h").is_file():
        raise RigError(f"no Python.h in {source}: install CPython's headers")
    shutil.copytree(source, home / "include")
    shutil.copy(HERE / "include" / "pyconfig.h", home / "include")


def _exports(tools: Tools, dll: Path) -> list[str]:
    table = run([tools.objdump, "-p", str(dll)]).partition("[Ordinal/Name Pointer]")[2]
    # Newer binutils print "+base[ 1]  0000" between the number and the name.
    row = re.compile(r"^\s*\[ *\d+\](?: \+base\[ *\d+\] +\w+)? (\w+)$", re.MULTILINE)
    names = row.findall(table)
    if not names:
        raise RigError(f"found no exported names in {dll}")
    return names


def _import_library(tools: Tools, definition: Path, library: Path) -> None:
    run([tools.dlltool, "-d", str(definition), "-l", str(library)])


def _make_python3_dll(tools: Tools, temp: Path, home: Path) -> None:
    core = f"python{XY}"
    names = _exports(tools, home / f"{core}.dll")
    definitions = {
        core: [f"  {name}" for name in names],
        "python3": [f"  {name}" for name in names],
        "forwards": [f"  {name}={core}.{name}" for name in names],
    }
    for stem, lines in definitions.items():
        dll = "python3.dll" if stem == "forwards" else f"{stem}.dll"
        text = "\n".join([f"LIBRARY {dll}", "EXPORTS", *lines, ""])
        (temp / f"{stem}.def").write_text(text)
    for stem in (core, "python3"):
        library = home / "libs" / f"lib{stem}.a"
        _import_library(tools, temp / f"{stem}.def", library)
    flags = ["-shared", "-nostdlib", "-s", "-Wl,--entry,0"]
    forwards = str(temp / "forwards.def")
    run([tools.gcc, *flags, "-o", str(home / "python3.dll"), forwards])


def _make_python_exe(tools: Tools, temp: Path, home: Path) -> None:
    resources = temp / "resources.o"
    run([tools.windres, "python_exe.rc", str(resources)], cwd=HERE)
    flags = ["-municode", "-O2", "-s", "-static-libgcc"]
    inputs = [str(HERE / "python_exe.c"), str(resources)]
    libraries = [f"-L{home / 'libs'}", f"-lpython{XY}"]
    run([tools.gcc, *flags, "-o", str(home / "python.exe"), *inputs, *libraries])
