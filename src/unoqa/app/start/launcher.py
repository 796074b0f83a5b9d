"""A file that opens the app by a double click."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

from unoqa.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {"win32": "unoqa.bat", "darwin": "unoqa.command", "linux": "unoqa.desktop"}
"""By `sys.platform`; other systems get that of Linux."""


def make_launcher(folder: Path, *, platform: str = sys.platform) -> Path:
    """Write the launcher of this system into the folder that it opens, and return its path.

    Raises:
        UsageError: the folder's name has a character that the launcher's file cannot hold.
    """
    path = folder / NAMES.get(platform, NAMES["linux"])
    program, opened = sys.executable, str(folder.absolute())
    if any(letter in f"{program}{opened}" for letter in '\n\r"%'):
        raise UsageError(f"A launcher cannot name the folder {folder}: rename it without quotation marks and percents.")
    texts = {
        "unoqa.bat": f'@echo off\r\nchcp 65001 >nul\r\n"{program}" -m unoqa app "{opened}"\r\npause\r\n',
        "unoqa.command": f"#!/bin/sh\nexec {shlex.quote(program)} -m unoqa app {shlex.quote(opened)}\n",
        "unoqa.desktop": "[Desktop Entry]\nType=Application\nName=unoqa\nComment=Quality of OCTA images\n"
        f"Terminal=true\nExec={_quote(program)} -m unoqa app {_quote(opened)}\n",
    }
    path.write_bytes(texts[path.name].encode("utf-8"))
    if os.name == "posix":
        path.chmod(0o755)
    return path


def _quote(text: str) -> str:
    """Quote an argument of the key Exec (Desktop Entry Specification 1.5, section Exec)."""
    for letter in ("\\", "`", "$"):
        text = text.replace(letter, f"\\{letter}")
    return '"' + text.replace("\\", "\\\\") + '"'
