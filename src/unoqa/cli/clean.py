"""Remove unfinished work from a folder, after saying what.

Unfinished work is what interrupted commands left: the features of a fit that did not finish, and files that were half
written. Models, results and images are never removed.

Examples:

  unoqa clean models/
  unoqa clean models/ --yes
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from unoqa.cli.parts.terminal import print_message
from unoqa.core.errors import UsageError
from unoqa.store.files import is_partial
from unoqa.store.work_folder import LOCK, WorkFolder


def clean(
    folder: Annotated[Path, typer.Argument(help="Folder in which commands were interrupted.", metavar="FOLDER")],
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
) -> None:
    """List unfinished work, ask, and remove it."""
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}; name the one in which a command was interrupted.")
    found = _find_unfinished(folder)
    if not found:
        print_message(f"{folder} holds no unfinished work.")
        return
    for path in found:
        print_message(f"  {path} ({_format_size(path)})")
    if not yes and not typer.confirm(f"Remove {'it' if len(found) == 1 else f'these {len(found)}'}?", err=True):
        return
    for path in found:
        _remove(path)
    print_message("Removed.")


def _find_unfinished(folder: Path) -> list[Path]:
    """Return work folders of fits beside their models, and what was half written, also within results folders."""
    works = [path for path in folder.glob(".*.unfinished") if path.is_dir()]
    partial = [path for path in folder.rglob(".*") if is_partial(path)]
    return sorted([*works, *(path for path in partial if not any(work in path.parents for work in works))])


def _format_size(path: Path) -> str:
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
    size = sum(file.stat().st_size for file in files)
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def _remove(path: Path) -> None:
    if path.is_file():
        path.unlink(missing_ok=True)
    elif (path / LOCK).exists():
        with WorkFolder(path) as work:  # refused while a command still works there
            work.remove()
        shutil.rmtree(path, ignore_errors=True)
    else:
        shutil.rmtree(path, ignore_errors=True)
