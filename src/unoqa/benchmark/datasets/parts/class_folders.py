"""Folders whose children are the three grades, wherever they lie in a tree."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from unoqa.benchmark.datasets.parts.contract import Labelled
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
"""What a class folder may be called, in small letters."""

_EXPECTED = "expected are three: 0, 1, 2 or ungradable, gradable, outstanding."

Place = tuple[str, ...]
"""The names that lead from a data set's folder to one below it."""


@final
@dataclass(frozen=True)
class ClassFolders:
    """One folder that holds three class folders.

    Attributes:
        in_words: whether those are called by words, not by numbers.
    """

    place: Place
    images: tuple[Labelled, ...]
    in_words: bool


def class_folders(folder: Path, images: Iterable[ImageReference]) -> tuple[ClassFolders, ...]:
    """Find every folder with class folders, in the order of their places.

    Raises:
        DataSetError: one of the three has no image, or a folder beside them is none of the three.
    """
    by_place: dict[Place, list[ImageReference]] = defaultdict(list)
    for image in images:
        by_place[image.path.relative_to(folder).parent.parts].append(image)
    parents = {place[:depth] for place in by_place if (depth := _depth_of_class(place)) is not None}
    children: dict[Place, dict[str, list[ImageReference]]] = {parent: defaultdict(list) for parent in sorted(parents)}
    for place, members in by_place.items():
        nearest = next((place[:depth] for depth in reversed(range(len(place))) if place[:depth] in parents), None)
        if nearest is not None:
            children[nearest][place[len(nearest)]].extend(members)
    return tuple(_graded(folder, parent, members) for parent, members in children.items())


def _depth_of_class(place: Place) -> int | None:
    """Return how deep the nearest class folder lies."""
    return next((depth for depth in reversed(range(len(place))) if place[depth].lower() in GRADES), None)


def _graded(folder: Path, place: Place, members: Mapping[str, Sequence[ImageReference]]) -> ClassFolders:
    where = folder.joinpath(*place)
    named: dict[Grade, str] = {}
    for name in sorted(members):
        grade = GRADES.get(name.lower())
        if grade is None:
            raise DataSetError(f"{where / name} is none of the class folders; {_EXPECTED}")
        if grade in named:
            raise DataSetError(
                f"{where} holds two folders of {grade.word} images, {named[grade]} and {name}; keep one."
            )
        named[grade] = name
    for grade in Grade:
        if grade not in named:
            raise DataSetError(f"{where} has no folder with {grade.word} images; {_EXPECTED}")
    images = tuple(Labelled(image, grade) for grade in Grade for image in members[named[grade]])
    return ClassFolders(place, images, in_words=not named[Grade.OUTSTANDING].isdigit())
