"""Names of images as people type them: blanks, slashes, Unicode forms and letter case vary."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, final

from unoqa.store.formulas import unescape_formula

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def parse_image_name(cell: str) -> str:
    """Return the image name in a cell, normalised."""
    return normalise_name(unescape_formula(cell.strip()))


def normalise_name(name: str) -> str:
    """Return a name in NFC, without blanks around it or `./` in front, and with slashes for backslashes."""
    return unicodedata.normalize("NFC", name.strip().replace("\\", "/").removeprefix("./"))


def fold_name(name: str) -> str:
    """Return a normalised name without its case: equal for Unicode's canonical caseless matches."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", normalise_name(name)).casefold())


def get_file_name(name: str) -> str:
    """Return the last part of a normalised name."""
    return PurePosixPath(normalise_name(name)).name


def fold_file_name(name: str) -> str:
    """Return the last part of a name without its case."""
    return PurePosixPath(fold_name(name)).name


def group_names(names: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    """Return the names by key, in order."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[key(name)].append(name)
    return dict(groups)


@final
class NameIndex:
    """Finds images by what a person writes: a path or, for any folder, a file name; exactly or in another case."""

    def __init__(self, names: Iterable[str]) -> None:
        """Index the images' paths below one folder."""
        paths = [*names]
        keys = (normalise_name, fold_name, get_file_name, fold_file_name)
        self._groups = [(key, group_names(paths, key)) for key in keys]

    def find(self, name: str) -> list[str]:
        """Return the images that the name stands for; several if it is ambiguous, none if it stands for none."""
        groups = self._groups[:2] if "/" in normalise_name(name) else self._groups
        return next((found for key, names in groups if (found := names.get(key(name)))), [])
