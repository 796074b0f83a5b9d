"""OCTA-25K-IQA-SEG, its two subsets for quality assessment: 10,480 images of 3×3 mm and 14,042 of 6×6 mm."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, final

from unoqa.benchmark.datasets.parts.class_folders import ClassFolders, find_class_folders
from unoqa.benchmark.datasets.parts.contract import DataSet, LabelledImage, Study
from unoqa.benchmark.datasets.parts.image_search import find_images, format_count, format_tree
from unoqa.benchmark.datasets.parts.splitting import check_study, count_grade
from unoqa.core.errors import DataSetError
from unoqa.core.grading import Grade
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from unoqa.formats import ImageReference

LAYOUT = (
    "3x3/For_Train/train/{0,1,2}/*.png, 3x3/For_Train/test/{0,1,2}/*.png and, if there are external sets, "
    "3x3/external/{0,1,2}/*.png; 6x6 likewise"
)

HINT = (
    "octa25k is available at https://doi.org/10.5281/zenodo.5111972 and https://doi.org/10.5281/zenodo.5111975; "
    f"unpack it, and give the folder that holds {LAYOUT}."
)

PUBLISHED: dict[str, dict[str, dict[str, int]]] = {
    "3x3": {
        "train": {"images": 6915, "outstanding": 961},
        "test": {"outstanding": 412, "gradable": 1179, "ungradable": 1374},
        "validation": {"images": 300},
        "external": {"outstanding": 100, "gradable": 100, "ungradable": 100},
    },
    "6x6": {
        "train": {"images": 9292},
        "test": {"images": 4150},
        "validation": {"images": 300},
        "external": {"images": 300},
    },
}
"""Counts of the COIPS repository's table (Wang et al. 2021) and of the UNO-QA paper, per field of view and split."""

_FIELDS = {
    side: re.compile(rf"(?<!\d){side[0]}\s*(mm)?\s*[x×]\s*{side[0]}(?!\d)|(?<![a-z0-9]){side[0]}mm?(?![a-z0-9])")
    for side in PUBLISHED
}

_SPLITS = {
    "validation": {"val", "valid", "validation"},
    "train": {"train", "training", "trainset"},
    "test": {"test", "testing", "testset"},
}
"""Words in a folder's name that name the split; a folder whose name also says external is external."""


@final
@settings
class Octa25k(DataSet):
    """OCTA-25K-IQA-SEG: sOCTA-3x3-10k and sOCTA-6x6-14k, one study each (Wang et al. 2021, arXiv 2107.10476).

    The folder names of the archives are not documented, so folders are recognised by words in their names. The
    outstanding images of the training set are fitted on; its other images are not used. If two external sets are
    numbered, the first is used as the validation set of UNO-QA.
    """

    def find_studies(self, folder: Path, *, seed: int) -> tuple[Study, ...]:
        """Find one or both subsets; the split is the published one, `seed` is not used."""
        del seed
        images = find_images(folder, HINT)
        found = _find_splits(folder, images)
        for field, splits in found.items():
            for split in ("train", "test"):
                if split not in splits:
                    raise _make_layout_error(f"{field} has no {split} split", folder, images)
        outside = len(images) - sum(len(place.images) for splits in found.values() for place in splits.values())
        note = (f"Not used: {format_count(outside)} outside class folders.",) if outside else ()
        return tuple(_make_study(field, found[field], note) for field in sorted(found))


def _find_splits(folder: Path, images: Sequence[ImageReference]) -> dict[str, dict[str, ClassFolders]]:
    """Return class folders by field of view and split."""
    found: dict[str, dict[str, ClassFolders]] = defaultdict(dict)
    for classes in find_class_folders(folder, images):
        field, split = _find_field(classes, folder), _find_split(classes)
        if field is None or split is None:
            what = "field of view (3x3 or 6x6)" if field is None else "split (train, test, external)"
            where = folder.joinpath(*classes.place)
            raise _make_layout_error(f"no folder on the path {where} is named after a {what}", folder, images)
        earlier = found[field].setdefault(split, classes)
        if earlier is not classes:
            places = " and ".join(str(folder.joinpath(*each.place)) for each in (earlier, classes))
            raise DataSetError(f"octa25k: {places} are both the {split} split of {field}; keep one of them.")
    if not found:
        raise _make_layout_error("there are no class folders", folder, images)
    return found


def _find_field(classes: ClassFolders, folder: Path) -> str | None:
    """Return the field of view named by the nearest folder: from the class folders up, beyond the data set's folder."""
    for name in (*reversed(classes.place), *reversed(folder.resolve().parts)):
        for side, pattern in _FIELDS.items():
            if pattern.search(name.lower()):
                return side
    return None


def _find_split(classes: ClassFolders) -> str | None:
    """Return the split named by the nearest folder; the first of two external sets is UNO-QA's validation set.

    Class folders named in words, whose path names no split, are an external set: only external sets come like that.
    """
    for name in reversed(classes.place):
        words = re.findall(r"[a-z]+|\d+", name.lower())
        if any(word == "ext" or word.startswith("external") for word in words):
            return "validation" if "1" in words else "external"
        for split, spellings in _SPLITS.items():
            if spellings & set(words):
                return split
    return "external" if classes.in_words else None


def _make_study(field: str, splits: Mapping[str, ClassFolders], notes: tuple[str, ...]) -> Study:
    images = {split: splits[split].images if split in splits else () for split in PUBLISHED[field]}
    differences = (_note_difference(split, images[split], known) for split, known in PUBLISHED[field].items())
    study = Study(
        name=field,
        fit=tuple(image.reference for image in images["train"] if image.grade is Grade.OUTSTANDING),
        test=images["test"],
        external=images["external"],
        validation=images["validation"],
        notes=(*filter(None, differences), *notes),
    )
    return check_study(study, "octa25k")


def _note_difference(split: str, images: Sequence[LabelledImage], published: Mapping[str, int]) -> str:
    """Return one sentence if the numbers of images differ from the published ones; else an empty one."""
    counts = {"images": len(images), **{grade.word: count_grade(images, grade) for grade in Grade}}
    here = {what: counts[what] for what in published}
    if here == published:
        return ""
    return f"The {split} split has {_format_counts(here)}; published: {_format_counts(published)}."


def _format_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in counts.items())


def _make_layout_error(what: str, folder: Path, images: Sequence[ImageReference]) -> DataSetError:
    return DataSetError(f"octa25k: {what}; expected: {LAYOUT}. Found:\n{format_tree(folder, images)}")
