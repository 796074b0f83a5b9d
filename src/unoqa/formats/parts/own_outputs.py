"""What unoqa itself has written: results, models and demos. Their pictures are never taken for scans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unoqa.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

_RECORD, _RECORD_MARK = "record.sqlite", slice(68, 72)
"""The record of results, and where SQLite keeps the id of the program that made a file."""

_PROGRAM = b"unoq"

_HEAT = "heat"


def list_names(folder: Path) -> list[str] | None:
    """Return the names of all that is in a folder; None where the system does not allow it."""
    try:
        return [child.name for child in folder.iterdir()]
    except OSError:
        return None


def find_own_output(folder: Path, names: Collection[str]) -> str:
    """Return what of ours a folder is: `results`, `a model` or `a demo`; an empty text for other folders.

    Args:
        names: of all that is in the folder.
    """
    if {"grades.csv", "run.json"} <= set(names) or ".unfinished" in names or _has_record(folder, names):
        return "results"
    if {"model.toml", "checksums.json"} <= set(names):
        return "a model"
    if "phantom" in names and {"model", "results"} & set(names) and (folder / "phantom" / "labels.csv").is_file():
        return "a demo"
    return ""


def refuse_own_outputs(paths: Iterable[Path]) -> None:
    """Reject paths that a user named if one is, or lies in, what unoqa has written.

    Raises:
        UsageError: it is results, a model or a demo, a file directly in one, or an overlay.
    """
    known: dict[Path, str] = {}
    for path in paths:
        absolute = path.absolute()
        heat = [folder.parent for folder in (absolute, *absolute.parents) if folder.name == _HEAT]
        for folder in (absolute if absolute.is_dir() else absolute.parent, *heat):
            if folder not in known:
                known[folder] = find_own_output(folder, list_names(folder) or ())
            if known[folder]:
                raise UsageError(
                    f"'{path}' belongs to {known[folder]} of unoqa and holds no scans; name files or folders of scans."
                )


def _has_record(folder: Path, names: Collection[str]) -> bool:
    if _RECORD not in names:
        return False
    try:
        with (folder / _RECORD).open("rb") as file:
            return file.read(_RECORD_MARK.stop)[_RECORD_MARK] == _PROGRAM
    except OSError:
        return False
