"""Folders below the one that was opened: what they hold, for a person who chooses one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from unoqa.formats.parts.kinds import has_image_suffix
from unoqa.formats.parts.own_outputs import find_own_output, list_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from unoqa.web.roots import Root

MOST = 500
"""Folders that are listed of one folder."""

DEPTH, MOST_SEARCHED = 3, 3000
"""How deep models and results are looked for, and in how many folders at most."""


def browse(root: Root, relative: str) -> dict[str, Any]:
    """Return the folders in a folder, each with what it is and how many images lie directly in it.

    Raises:
        UsageError: the folder is not below the one that was opened.
    """
    folder = root.find(relative)
    children = sorted(_list_folders(folder), key=lambda child: child.name.casefold())
    return {
        "path": root.name(folder) if folder.is_dir() else "",
        "parent": root.name(folder.parent) if folder != root.folder else None,
        "images": _count_images(list_names(folder) or ()),
        "folders": [{"name": one.name, "path": root.name(one), **_describe(one)} for one in children[:MOST]],
        "more": max(0, len(children) - MOST),
    }


def find_outputs(root: Root) -> dict[str, list[str]]:
    """Return the models and the results that lie below the folder, the newest first."""
    found: dict[str, list[Path]] = {"a model": [], "results": []}
    for folder in _walk(root.folder):
        kind = find_own_output(folder, list_names(folder) or ())
        if kind in found:
            found[kind].append(folder)
    newest = {kind: sorted(folders, key=_modified, reverse=True) for kind, folders in found.items()}
    return {
        "models": [root.name(one) for one in newest["a model"]],
        "results": [root.name(one) for one in newest["results"]],
    }


def _walk(start: Path) -> Iterator[Path]:
    waiting, seen = [(start, 0)], 0
    while waiting and seen < MOST_SEARCHED:
        folder, depth = waiting.pop(0)
        seen += 1
        yield folder
        if depth < DEPTH:
            waiting += [(child, depth + 1) for child in _list_folders(folder)]


def _list_folders(folder: Path) -> list[Path]:
    """List folders that are neither hidden nor links, which may lead out of the folder that was opened."""
    try:
        with os.scandir(folder) as entries:
            return [
                folder / entry.name
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            ]
    except OSError:  # not readable: shown as empty
        return []


def _describe(folder: Path) -> dict[str, Any]:
    names = list_names(folder) or ()
    return {"kind": find_own_output(folder, names), "images": _count_images(names)}


def _count_images(names: list[str] | tuple[()]) -> int:
    return sum(has_image_suffix(name) for name in names)


def _modified(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
