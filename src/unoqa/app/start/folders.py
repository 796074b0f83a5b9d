"""Folders below the one that was opened: what they hold, for a person who chooses one."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from unoqa.formats.parts.kinds import has_image_suffix
from unoqa.formats.parts.own_outputs import find_own_output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from unoqa.web.roots import Root

MOST = 500
"""Folders that are listed of one folder."""

REPORT = "report.html"
"""The page of a results folder."""

MODEL, RESULTS = "a model", "results"
"""Kinds of folders, as `find_own_output` names them, in which no others are looked for."""

DEPTH, MOST_SEARCHED = 3, 3000
"""How deep models and results are looked for, and in how many folders at most."""


def browse(root: Root, relative: str) -> dict[str, Any]:
    """Return the folders in a folder, each with what it is and how many images lie directly in it.

    Raises:
        UsageError: the folder is not below the one that was opened.
    """
    folder = root.find(relative)
    names, children = _list(folder)
    children.sort(key=lambda child: child.name.casefold())
    return {
        "path": root.name(folder) if folder.is_dir() else "",
        "parent": root.name(folder.parent) if folder != root.folder else None,
        "images": _count_images(names),
        "folders": [{"name": one.name, "path": root.name(one), **_describe(one)} for one in children[:MOST]],
        "more": max(0, len(children) - MOST),
    }


def find_outputs(root: Root) -> dict[str, list[Any]]:
    """Return the models and the results below the folder, the newest first; and which results have a report."""
    found: dict[str, list[Path]] = {MODEL: [], RESULTS: []}
    for folder, kind in _walk(root.folder):
        if kind in found:
            found[kind].append(folder)
    newest = {kind: sorted(folders, key=_modified, reverse=True) for kind, folders in found.items()}
    return {
        "models": [root.name(one) for one in newest[MODEL]],
        "results": [{"name": root.name(one), "report": (one / REPORT).is_file()} for one in newest[RESULTS]],
    }


def _walk(start: Path) -> Iterator[tuple[Path, str]]:
    """Yield folders and what of ours they are, each listed once; a model or results hold no others."""
    waiting, seen = deque([(start, 0)]), 0
    while waiting and seen < MOST_SEARCHED:
        folder, depth = waiting.popleft()
        seen += 1
        names, children = _list(folder)
        kind = find_own_output(folder, names)
        yield folder, kind
        if depth < DEPTH and kind not in (MODEL, RESULTS):
            waiting += [(child, depth + 1) for child in children]


def _list(folder: Path) -> tuple[list[str], list[Path]]:
    """List what is in a folder: all names, and the folders that are neither hidden nor links, which may lead out."""
    names: list[str] = []
    children: list[Path] = []
    with suppress(OSError), os.scandir(folder) as entries:  # not readable: shown as empty
        for entry in entries:
            names.append(entry.name)
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                children.append(folder / entry.name)
    return names, children


def _describe(folder: Path) -> dict[str, Any]:
    names, children = _list(folder)
    return {"kind": find_own_output(folder, names), "images": _count_images(names), "folders": len(children)}


def _count_images(names: list[str]) -> int:
    return sum(map(has_image_suffix, names))


def _modified(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
