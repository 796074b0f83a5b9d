"""Names for images: as short as they can be while no two are the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Sequence


@final
@dataclass(frozen=True)
class Found:
    """An image file, and the folder from which it is named.

    Attributes:
        path: as given, or below the folder as given.
        root: the folder given; for a file given directly, the one that it lies in.
        pages: how many images it holds.
    """

    path: Path
    root: Path
    pages: int

    def spellings(self) -> tuple[tuple[str, ...], ...]:
        """Return the names of all its pages in every form, the shortest first.

        Relative to the folder, with the folder's own name, as given; and as given with the number of the
        first page also, for the rare file whose own name ends in `#2`.
        """
        below = self.path.relative_to(self.root)
        forms = (below, Path(self.root.resolve().name) / below, self.path)
        marks = ["", *(f"#{number}" for number in range(2, self.pages + 1))]
        names = [tuple(_printable(form) + mark for mark in marks) for form in forms]
        names.append(tuple(f"{_printable(self.path)}#{number}" for number in range(1, self.pages + 1)))
        return tuple(names)


def distinct_names(found: Sequence[Found]) -> list[tuple[str, ...]]:
    """Name the pages of all files, each file by the shortest form that clashes with no other."""
    spellings = [file.spellings() for file in found]
    forms = [0] * len(found)
    while True:
        names = [spelling[form] for spelling, form in zip(spellings, forms, strict=True)]
        counts = Counter(chain.from_iterable(names))
        clashing = [
            position
            for position, pages in enumerate(names)
            if any(counts[name] > 1 for name in pages) and forms[position] + 1 < len(spellings[position])
        ]
        if not clashing:
            return names
        for position in clashing:
            forms[position] += 1


def _printable(path: Path) -> str:
    """A file name need not be valid Unicode; a name in a table must be."""
    return path.as_posix().encode("utf-8", "backslashreplace").decode("utf-8")
