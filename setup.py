"""Builds the two extension modules; everything else is in pyproject.toml.

The lists below are the only ones: the Wine rig (``tests/wine``) and the C
tests (``tests/c``) read them from here, so that what is tested is what ships.
"""

import sys
import sysconfig

CORE = [
    "csrc/core/state.c",
    "csrc/core/progress.c",
    "csrc/core/queue.c",
    "csrc/core/journal.c",
    "csrc/core/payload.c",
    "csrc/core/text.c",
    "csrc/core/runtime.c",
    "csrc/core/life.c",
    "csrc/core/reporter.c",
    "csrc/core/process.c",
]
OS_WINDOWS = ["csrc/os/win32.c"]
OS_POSIX = ["csrc/os/posix.c"]
FAULTS = ["csrc/os/fault.c"]
SCM_SIMULATED = [
    "csrc/scm/sim.c",
    "csrc/scm/sim_requests.c",
    "csrc/scm/sim_subscribe.c",
    "csrc/scm/sim_clock.c",
]
PYTHON = [
    "csrc/python/convert.c",
    "csrc/python/hosting.c",
    "csrc/python/life.c",
    "csrc/python/module.c",
]
HEADERS = [
    "csrc/core/base.h",
    "csrc/core/state.h",
    "csrc/core/progress.h",
    "csrc/core/queue.h",
    "csrc/core/journal.h",
    "csrc/core/payload.h",
    "csrc/core/text.h",
    "csrc/core/runtime.h",
    "csrc/core/runtime_impl.h",
    "csrc/core/process.h",
    "csrc/os/os.h",
    "csrc/os/console.h",
    "csrc/os/fault.h",
    "csrc/scm/scm.h",
    "csrc/scm/sim.h",
    "csrc/scm/sim_impl.h",
    "csrc/scm/sim_clock.h",
    "csrc/manage/eventlog.h",
    "csrc/manage/manage.h",
    "csrc/manage/notify.h",
    "csrc/manage/win32_account.h",
    "csrc/manage/win32_handle.h",
    "csrc/manage/win32_missing.h",
    "csrc/python/compat.h",
    "csrc/python/convert.h",
    "csrc/python/eventlog.h",
    "csrc/python/hosting.h",
    "csrc/python/life.h",
    "csrc/python/managing.h",
    "csrc/python/notifying.h",
    "csrc/python/terminal.h",
]
INCLUDE_DIRS = ["csrc"]
# The texts of our events, from winsvc/messages.py; linked into _core on Windows.
RESOURCES = ["csrc/messages/messages.rc"]
RESOURCE_DATA = ["csrc/messages/table.bin"]

# PEP 803 (abi3t) needs 3.15: a free-threaded 3.14 gets a wheel of its own.
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
LIMITED_API = [] if FREE_THREADED else [("Py_LIMITED_API", "0x030B0000")]


def extension_sources(platform):
    """Return ``{module: (sources, macros, libraries)}`` for a sys.platform."""
    windows = platform == "win32"
    os_layer = OS_WINDOWS if windows else OS_POSIX
    modules = {
        "winsvc._sim": (
            CORE + os_layer + FAULTS + SCM_SIMULATED + ["csrc/python/wire.c"] + PYTHON,
            [("WSV_SIM", "1"), ("WSV_FAULTS", "1")],
            ["advapi32"] if windows else [],
        )
    }
    if windows:
        modules["winsvc._core"] = (
            CORE
            + os_layer
            + [
                "csrc/os/win32_console.c",
                "csrc/scm/win32.c",
                "csrc/scm/win32_subscribe.c",
                "csrc/manage/win32_eventlog.c",
                "csrc/manage/win32_eventquery.c",
                "csrc/manage/win32_manage.c",
                "csrc/manage/win32_list.c",
                "csrc/manage/win32_config.c",
                "csrc/manage/win32_security.c",
                "csrc/manage/win32_account.c",
                "csrc/manage/win32_rights.c",
                "csrc/manage/win32_notify.c",
                "csrc/manage/win32_session.c",
                "csrc/python/eventlog.c",
                "csrc/python/managing.c",
                "csrc/python/configuring.c",
                "csrc/python/rights.c",
                "csrc/python/notifying.c",
                "csrc/python/terminal.c",
            ]
            + PYTHON,
            [],
            ["advapi32"],
        )
    return modules


def main():
    """Run setuptools."""
    from setuptools import Extension, setup
    from setuptools.command.build_ext import build_ext

    class SerialBuildExt(build_ext):
        """The modules share sources: ``-j`` would mix up their objects."""

        def finalize_options(self):
            super().finalize_options()
            self.parallel = None

    flags = [] if sys.platform == "win32" else ["-std=c11", "-pthread"]
    setup(
        cmdclass={"build_ext": SerialBuildExt},
        ext_modules=[
            Extension(
                name,
                sources + (RESOURCES if name == "winsvc._core" else []),
                depends=HEADERS + RESOURCE_DATA,
                include_dirs=INCLUDE_DIRS,
                define_macros=macros + LIMITED_API,
                libraries=libraries,
                extra_compile_args=flags,
                extra_link_args=[] if sys.platform == "win32" else ["-pthread"],
                py_limited_api=bool(LIMITED_API),
            )
            for name, (sources, macros, libraries) in extension_sources(
                sys.platform
            ).items()
        ],
        options=({"bdist_wheel": {"py_limited_api": "cp311"}} if LIMITED_API else {}),
    )


if __name__ == "__main__":
    main()
