"""Paths that can be no log's."""

from __future__ import annotations

import pytest

from winsvc.log_names import trouble_with


@pytest.mark.parametrize(
    "path",
    [
        *("NUL", "nul.log", r"C:\logs\Com1", "C:/logs/aux.txt", "con:", "LPT9 .log"),
        *(r"\\.\pipe\log", "//./NUL", "conout$", "COM\N{SUPERSCRIPT TWO}"),
    ],
)
def test_device_is_no_log(path: str) -> None:
    """With any extension, in any folder (naming-a-file)."""
    assert "device" in trouble_with(path, lambda _: False)


@pytest.mark.parametrize("path", ["C:\\logs\\", "logs/", r"C:\windows"])
def test_folder_is_no_log(path: str) -> None:
    """Whether it is there or only written so."""
    assert trouble_with(path, lambda each: each == r"C:\windows") == "it is a folder"


@pytest.mark.parametrize("bad", [*'<>"|?*', "\n", "\x1f"])
def test_name_that_no_file_has_is_no_logs(bad: str) -> None:
    """Windows opens no such file; the service would run without a log."""
    assert repr(bad) in trouble_with(f"C:\\logs\\a{bad}b.log", lambda _: False)
    assert repr(bad) in trouble_with(f"\\\\?\\C:\\{bad}.log", lambda _: False)


@pytest.mark.parametrize(
    "path",
    [
        r"\\?\C:\logs\x.log",
        "x.log",
        r"C:\con\null.log",
        "COM0",
        r"\\server\share\com.log",
        "x.nul",
    ],
)
def test_file_can_be_a_log(path: str) -> None:
    """Names that only look like a device's."""
    assert trouble_with(path, lambda _: False) == ""
