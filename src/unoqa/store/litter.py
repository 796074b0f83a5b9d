"""What a system leaves in every folder that somebody looks into."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LITTER = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
"""Names of such files, in small letters."""


def is_empty(folder: Path) -> bool:
    """Tell whether a folder holds nothing of anybody's."""
    return all(entry.name.lower() in LITTER for entry in folder.iterdir())
