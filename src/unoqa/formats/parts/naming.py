"""Names for images: as short as possible, and no two alike for different paths."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from unoqa.store.path_text import to_words

if TYPE_CHECKING:
    from collections.abc import Sequence


@final
@dataclass(frozen=True)
class FoundFile:
    """An image file, and the folder that its name is relative to.

    Attributes:
        path: as the user gave it, or below the folder that the user gave.
        root: the folder that the user gave; of a file given directly, its parent folder.
        pages: number of images in the file.
    """

    path: Path
    root: Path
    pages: int

    def list_names(self) -> tuple[tuple[str, ...], ...]:
        """Return the possible names of all pages: one tuple per form, the shortest form first.

        The forms are: the path relative to the folder; the same with the folder's own name before it; the path as
        given; and the path as given with a number on the first page too, for the rare file that is itself called
        `…#2`.
        """
        below = self.path.relative_to(self.root)
        paths = (below, Path(self.root.resolve().name) / below, self.path)
        marks = ["", *(f"#{number}" for number in range(2, self.pages + 1))]
        names = [tuple(to_words(path.as_posix()) + mark for mark in marks) for path in paths]
        names.append(tuple(f"{to_words(self.path.as_posix())}#{number}" for number in range(1, self.pages + 1)))
        return tuple(names)


def choose_unique_names(found: Sequence[FoundFile]) -> list[tuple[str, ...]]:
    """Name the pages of all files: each file gets the shortest form that clashes with no other path.

    A path that is given twice may have one name twice: it is the same file.
    """
    possible = [file.list_names() for file in found]
    forms = [0] * len(found)
    while True:
        names = [of_file[form] for of_file, form in zip(possible, forms, strict=True)]
        shared = _find_shared(found, names)
        clashing = [
            position
            for position, pages in enumerate(names)
            if not shared.isdisjoint(pages) and forms[position] + 1 < len(possible[position])
        ]
        if not clashing:
            return names
        for position in clashing:
            forms[position] += 1


def _find_shared(found: Sequence[FoundFile], names: Sequence[tuple[str, ...]]) -> set[str]:
    """Return the names that pages of different paths have."""
    paths: dict[str, Path] = {}
    return {
        name
        for file, pages in zip(found, names, strict=True)
        for name in pages
        if paths.setdefault(name, file.path) != file.path
    }
