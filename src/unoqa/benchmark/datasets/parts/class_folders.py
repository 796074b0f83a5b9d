"""Class folders: the three subfolders of a folder that hold the images of one grade each."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from unoqa.benchmark.datasets.parts.contract import LabelledImage
from unoqa.core.errors import DataSetError
from unoqa.core.grading import Grade

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from unoqa.formats import ImageReference

GRADES = {
    "0": Grade.UNGRADABLE,
    "ungradable": Grade.UNGRADABLE,
    "1": Grade.GRADABLE,
    "gradable": Grade.GRADABLE,
    "2": Grade.OUTSTANDING,
    "outstanding": Grade.OUTSTANDING,
    "best": Grade.OUTSTANDING,
    "excellent": Grade.OUTSTANDING,
}
"""Possible names of a class folder, in small letters."""

_EXPECTED = "three are expected: 0, 1, 2 or ungradable, gradable, outstanding."

Place = tuple[str, ...]
"""The folder names that lead from a data set's folder to a folder below it."""


@final
@dataclass(frozen=True)
class ClassFolders:
    """One folder that holds three class folders.

    Attributes:
        in_words: whether the class folders have words as names, not numbers.
    """

    place: Place
    images: tuple[LabelledImage, ...]
    in_words: bool


def find_class_folders(folder: Path, images: Iterable[ImageReference]) -> tuple[ClassFolders, ...]:
    """Find every folder that holds class folders, sorted by place.

    Raises:
        DataSetError: one of the three class folders has no image, or another folder lies beside them.
    """
    by_place: dict[Place, list[ImageReference]] = defaultdict(list)
    for image in images:
        by_place[image.path.relative_to(folder).parent.parts].append(image)
    parents = {place[:depth] for place in by_place if (depth := _find_class_depth(place)) is not None}
    children: dict[Place, dict[str, list[ImageReference]]] = {parent: defaultdict(list) for parent in sorted(parents)}
    for place, members in by_place.items():
        nearest = next((place[:depth] for depth in reversed(range(len(place))) if place[:depth] in parents), None)
        if nearest is not None:
            children[nearest][place[len(nearest)]].extend(members)
    return tuple(_label_images(folder, parent, members) for parent, members in children.items())


def _find_class_depth(place: Place) -> int | None:
    """Return the depth of the last class folder on the way; None if there is none."""
    return next((depth for depth in reversed(range(len(place))) if place[depth].lower() in GRADES), None)


def _label_images(folder: Path, place: Place, members: Mapping[str, Sequence[ImageReference]]) -> ClassFolders:
    where = folder.joinpath(*place)
    names: dict[Grade, str] = {}
    for name in sorted(members):
        grade = GRADES.get(name.lower())
        if grade is None:
            raise DataSetError(f"{where / name} is not a class folder; {_EXPECTED}")
        if grade in names:
            raise DataSetError(
                f"{where} holds two folders of {grade.word} images, {names[grade]} and {name}; keep one."
            )
        names[grade] = name
    for grade in Grade:
        if grade not in names:
            raise DataSetError(f"{where} has no folder with {grade.word} images; {_EXPECTED}")
    images = tuple(LabelledImage(image, grade) for grade in Grade for image in members[names[grade]])
    return ClassFolders(place, images, in_words=not names[Grade.OUTSTANDING].isdigit())
