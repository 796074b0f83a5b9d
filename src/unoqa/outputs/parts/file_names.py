"""Which file in a results folder a view of another package may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unoqa.store.results.database import RECORD
from unoqa.store.results.folder import HEAT, LOCK, MADE_LATER
from unoqa.store.results.points import POINTS

if TYPE_CHECKING:
    from collections.abc import Collection

OURS = (RECORD, POINTS, HEAT, LOCK, *MADE_LATER)
"""What a results folder holds beside the views of the shelf."""


def find_fault_of_file(file: str, others: Collection[str]) -> str:
    """Say why a view must not have a file of this name in the results folder; empty if it may.

    Args:
        others: the files of other views.
    """
    if not file or file.startswith(".") or any(letter in file for letter in "/\\:\0") or file.endswith(".part"):
        return f"its file '{file}' is not a plain name in the results folder"
    if file.casefold() in {other.casefold() for other in (*OURS, *others)}:
        return f"its file '{file}' is that of another view or of the record"
    return ""
