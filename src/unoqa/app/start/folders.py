"""Folders below the one that was opened: what they hold, for a person who chooses one."""

from __future__ import annotations

import os
import tomllib
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from unoqa.app.start.images import Count
from unoqa.formats.parts.own_outputs import find_own_output
from unoqa.store.model_folder import DOCUMENT
from unoqa.store.results.database import RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from unoqa.web.roots import Root

MOST = 500
"""Folders that are listed of one folder."""

REPORT, SITE_REPORT = "report.html", "site-report.html"
"""The page of a results folder, and that of `unoqa qualify`."""

PAGES = {SITE_REPORT: "site report", "selftest.html": "self-test", "monitor.html": "monitoring"}
"""Other pages that commands make, and what they are."""

MODEL, RESULTS = "a model", "results"
"""Kinds of folders, as `find_own_output` names them, in which no others are looked for."""

DEPTH, MOST_SEARCHED = 3, 3000
"""How deep models and results are looked for, and in how many folders at most."""


def browse(root: Root, relative: str) -> dict[str, Any]:
    """Return the folders in a folder, each with what it is and how many images lie in it, at any depth.

    Raises:
        UsageError: the folder is not below the one that was opened.
    """
    folder = root.find(relative)
    _, children = _list(folder)
    children.sort(key=lambda child: child.name.casefold())
    here = Count().add(folder)
    count = Count()
    return {
        "path": root.name(folder) if folder.is_dir() else "",
        "parent": root.name(folder.parent) if folder != root.folder else None,
        **here,
        "folders": [{"name": one.name, "path": root.name(one), **_describe(one, count)} for one in children[:MOST]],
        "more": max(0, len(children) - MOST),
    }


def find_outputs(root: Root) -> dict[str, list[Any]]:
    """Return models, results and other pages below the folder, the newest first.

    Of a model: whether it is settled. Of results: whether they have a report, and whether it is older than what
    readers decided.
    """
    found: dict[str, list[Path]] = {MODEL: [], RESULTS: []}
    pages: list[Path] = []
    for folder, kind, names in _walk(root.folder):
        if kind in found:
            found[kind].append(folder)
        pages += [folder / page for page in PAGES if page in names]
    newest = {kind: sorted(folders, key=_modified, reverse=True) for kind, folders in found.items()}
    return {
        "models": [{"name": root.name(one), "settled": _is_settled(one)} for one in newest[MODEL]],
        "results": [{"name": root.name(one), "report": _find_report(one)} for one in newest[RESULTS]],
        "pages": [
            {"name": root.name(one.parent), "page": one.name, "title": PAGES[one.name]}
            for one in sorted(pages, key=_modified, reverse=True)
        ],
    }


def _is_settled(model: Path) -> bool:
    try:
        return "settled" in tomllib.loads((model / DOCUMENT).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # gone, or no model that can be read: a command says so
        return False


def _find_report(results: Path) -> str:
    """Return `new`, `old` if something was recorded after it was made, or an empty text if there is none."""
    made = _modified(results / REPORT)
    if not made:
        return ""
    return "new" if made >= _modified(results / RECORD) else "old"


def _walk(start: Path) -> Iterator[tuple[Path, str, list[str]]]:
    """Yield folders, what of ours they are, and the names in them; a model or results hold no others."""
    waiting, seen = deque([(start, 0)]), 0
    while waiting and seen < MOST_SEARCHED:
        folder, depth = waiting.popleft()
        seen += 1
        names, children = _list(folder)
        kind = find_own_output(folder, names)
        yield folder, kind, names
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


def _describe(folder: Path, count: Count) -> dict[str, Any]:
    kind = find_own_output(folder, _list(folder)[0])
    return {"kind": kind, **({} if kind else count.add(folder))}


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
