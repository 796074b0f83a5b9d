"""OCTA-25K-IQA-SEG, its two subsets for quality assessment: 10,480 images of 3×3 mm and 14,042 of 6×6 mm."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, final

from unoqa.benchmark.datasets.parts.class_folders import ClassFolders, class_folders
from unoqa.benchmark.datasets.parts.contract import DataSet, Labelled, Study
from unoqa.benchmark.datasets.parts.drawing import checked, count
from unoqa.benchmark.datasets.parts.finding import images_below, images_in, tree
from unoqa.core.errors import DataSetError
from unoqa.core.grading import Grade
from unoqa.core.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from unoqa.formats import ImageReference

LAYOUT = (
    "3x3/For_Train/train/{0,1,2}/*.png, 3x3/For_Train/test/{0,1,2}/*.png and, where there are external sets, "
    "3x3/external/{0,1,2}/*.png; 6x6 likewise"
)

HINT = (
    "octa25k is found at https://doi.org/10.5281/zenodo.5111972 and https://doi.org/10.5281/zenodo.5111975; unpack it, "
    f"and name the folder that holds {LAYOUT}."
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
"""Words of a folder's name that tell the split; a name that also says external is external."""


@final
@settings
class Octa25k(DataSet):
    """OCTA-25K-IQA-SEG: sOCTA-3x3-10k and sOCTA-6x6-14k, one study each (Wang et al. 2021, arXiv 2107.10476).

    How the archives name their folders is not documented, so these are recognised by what their names tell. The
    outstanding images of the training set are fitted on; its other images are not used. Where two external sets are
    numbered, the first is taken as the validation set of UNO-QA.
    """

    def studies(self, folder: Path, *, seed: int) -> tuple[Study, ...]:
        """Find both subsets, or the one that is there; the split is the published one, `seed` is not used."""
        del seed
        images = images_below(folder, HINT)
        found = _found(folder, images)
        for field, splits in found.items():
            for split in ("train", "test"):
                if split not in splits:
                    raise _refused(f"{field} has no {split} split", folder, images)
        outside = len(images) - sum(len(one.images) for splits in found.values() for one in splits.values())
        note = (f"{images_in(outside)} outside class folders not used.",) if outside else ()
        return tuple(_study(field, found[field], note) for field in sorted(found))


def _found(folder: Path, images: Sequence[ImageReference]) -> dict[str, dict[str, ClassFolders]]:
    """Return class folders by field of view and split."""
    found: dict[str, dict[str, ClassFolders]] = defaultdict(dict)
    for one in class_folders(folder, images):
        field, split = _field(one, folder), _split(one)
        if field is None or split is None:
            what = "field of view (3x3 or 6x6)" if field is None else "split (train, test, external)"
            raise _refused(f"no name on the way to {folder.joinpath(*one.place)} tells its {what}", folder, images)
        former = found[field].setdefault(split, one)
        if former is not one:
            places = " and ".join(str(folder.joinpath(*each.place)) for each in (former, one))
            raise DataSetError(f"octa25k: {places} are both the {split} split of {field}; keep one of them.")
    if not found:
        raise _refused("there are no class folders", folder, images)
    return found


def _field(one: ClassFolders, folder: Path) -> str | None:
    """Return what the nearest name says, beginning at the class folders, and ending above the data set's folder."""
    for name in (*reversed(one.place), *reversed(folder.resolve().parts)):
        for side, pattern in _FIELDS.items():
            if pattern.search(name.lower()):
                return side
    return None


def _split(one: ClassFolders) -> str | None:
    """Return what the nearest name says; the first of two external sets is what UNO-QA calls validation.

    Class folders in words that no name tells of are an external set: only those are delivered so.
    """
    for name in reversed(one.place):
        words = re.findall(r"[a-z]+|\d+", name.lower())
        if any(word == "ext" or word.startswith("external") for word in words):
            return "validation" if "1" in words else "external"
        for split, spellings in _SPLITS.items():
            if spellings & set(words):
                return split
    return "external" if one.in_words else None


def _study(field: str, splits: Mapping[str, ClassFolders], notes: tuple[str, ...]) -> Study:
    images = {split: splits[split].images if split in splits else () for split in PUBLISHED[field]}
    differing = (_differing(split, images[split], known) for split, known in PUBLISHED[field].items())
    study = Study(
        name=field,
        fit=tuple(image.reference for image in images["train"] if image.grade is Grade.OUTSTANDING),
        test=images["test"],
        external=images["external"],
        validation=images["validation"],
        notes=(*filter(None, differing), *notes),
    )
    return checked(study, "octa25k")


def _differing(split: str, images: Sequence[Labelled], published: Mapping[str, int]) -> str:
    """Return one sentence if there are other numbers of images than were published."""
    every = {"images": len(images), **{grade.word: count(images, grade) for grade in Grade}}
    here = {what: every[what] for what in published}
    return "" if here == published else f"The {split} split has {_listed(here)}; published are {_listed(published)}."


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in counts.items())


def _refused(what: str, folder: Path, images: Sequence[ImageReference]) -> DataSetError:
    return DataSetError(f"octa25k: {what}; expected is {LAYOUT}. Found is:\n{tree(folder, images)}")
