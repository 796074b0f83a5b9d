"""Names of images as people type them: blanks, slashes, Unicode forms and letter case vary."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a spreadsheet read a cell as a formula, unless an apostrophe stands before them."""


def strip_apostrophe(cell: str) -> str:
    """Remove the apostrophe that stops a spreadsheet from reading a name as a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(_FORMULA_STARTS) else cell


def parse_image_name(cell: str) -> str:
    """Return the image name in a cell, normalised."""
    return normalise_name(strip_apostrophe(cell.strip()))


def normalise_name(name: str) -> str:
    """Return an image name without blanks around it, without `./` in front, with slashes for backslashes, in NFC."""
    return unicodedata.normalize("NFC", name.strip().replace("\\", "/").removeprefix("./"))


def fold_name(name: str) -> str:
    """Return a normalised name without its case: equal for names that Unicode calls a canonical caseless match."""
    decomposed = unicodedata.normalize("NFD", normalise_name(name)).casefold()
    return unicodedata.normalize("NFC", decomposed)


def get_file_name(name: str) -> str:
    """Return the last part of a name, normalised."""
    return PurePosixPath(normalise_name(name)).name


def group_names(names: Iterable[str], key: Callable[[str], str]) -> Mapping[str, list[str]]:
    """Return the names by their keys, in order."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[key(name)].append(name)
    return dict(groups)


@final
class NameIndex:
    """Finds images by what a person writes: by path or, in any folder, by file name; exactly or in another case."""

    def __init__(self, names: Iterable[str]) -> None:
        """Index the names of all images.

        Args:
            names: paths below one folder.
        """
        paths = [*names]
        self._paths = [(key, group_names(paths, key)) for key in (normalise_name, fold_name)]
        self._file_names = [
            (key, group_names(paths, lambda name, key=key: key(get_file_name(name)))) for key in (normalise_name, fold_name)
        ]

    def find(self, name: str) -> list[str]:
        """Return the images that the name may stand for: of the nearest kind of match only; none if there is none."""
        groups = self._paths if "/" in normalise_name(name) else self._paths + self._file_names
        return next((found for key, names in groups if (found := names.get(key(name)))), [])
