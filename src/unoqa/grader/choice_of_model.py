"""Several models for one cohort: each image goes to the model that was fitted on such scans."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, final

from unoqa.core.errors import ImageError, UsageError
from unoqa.grader.grader import AnyGrader, load
from unoqa.grader.scans import KINDS, FittedScans
from unoqa.store.path_text import to_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.core.image import EnfaceImage

FACTS = (*KINDS, "slab")
"""Facts by which a model is chosen."""

NO_MODEL = "no-model"
"""Code of scope: the image is like the scans of no model."""


@final
@dataclass(frozen=True)
class Models:
    """One model or several.

    Attributes:
        graders: in an order that does not depend on how they were named.
        names: of each, for people.
        folders: of each, absolute; empty if they were not read from folders.
    """

    graders: tuple[AnyGrader, ...]
    names: tuple[str, ...] = ("the model",)
    folders: tuple[Path, ...] = ()

    @classmethod
    def of(cls, model: AnyGrader | Models) -> Models:
        """Return models, also of a single one."""
        return model if isinstance(model, Models) else cls((model,))

    @classmethod
    def load(cls, folders: Sequence[Path], *, device: str) -> Models:
        """Read model folders.

        Raises:
            ModelError: a folder is missing, changed, or of another version.
            UsageError: two folders hold the same model.
        """
        graders = [load(folder, device=device) for folder in folders]
        loaded = zip(graders, _name_folders(folders), (folder.absolute() for folder in folders), strict=True)
        ordered = sorted(loaded, key=lambda one: one[0].grader.model.checksum)
        for (first, name, _), (second, other, _) in pairwise(ordered):
            if first.grader.model.checksum == second.grader.model.checksum:
                raise UsageError(f"{name} and {other} are the same model; name it once.")
        return cls(*(tuple(one) for one in zip(*ordered, strict=True)))

    @property
    def checksum(self) -> str:
        """SHA-256 that names them; of a single model its own."""
        checksums = [one.grader.model.checksum for one in self.graders]
        return checksums[0] if len(checksums) == 1 else hashlib.sha256("\n".join(checksums).encode()).hexdigest()

    def choose(self, image: EnfaceImage) -> int:
        """Return the number of the model for an image.

        One model takes all images. Of several, it is the one that was fitted on scans of the image's size and whose
        device, field of view and slab are the image's, as far as both are known; where several are left, the one with
        which more of these agree.

        Raises:
            ImageError: `out-of-scope`: no model fits, or two fit alike.
        """
        if len(self.graders) == 1:
            return 0
        agreeing = {}
        for number, one in enumerate(self.graders):
            scope = one.grader.model.scope
            if not scope.find_other(image.facts) and _has_size(one.grader.model.scans, image):
                agreeing[number] = sum(getattr(image.facts, key) is not None for key in scope.wanted)
        best = [number for number, count in agreeing.items() if count == max(agreeing.values())]
        if not best:
            raise self._refuse(image, "is like the scans of none of the models")
        if len(best) > 1:
            fitting = " and ".join(self.names[number] for number in best)
            raise self._refuse(image, f"is like the scans of {fitting} alike")
        return best[0]

    def _refuse(self, image: EnfaceImage, why: str) -> ImageError:
        rows, columns = image.pixels.shape
        known = {"size": f"{columns}×{rows}"} | {
            key.replace("_", " "): fact.value for key in FACTS if (fact := getattr(image.facts, key)) is not None
        }
        what = ", ".join(f"{key} {value}" for key, value in known.items())
        return ImageError(
            "out-of-scope",
            f"{image.name} ({what}) {why}; fit a model on such scans, or name device, field of view and slab in a "
            "manifest, at fit and here.",
            scope=NO_MODEL,
        )


def _name_folders(folders: Sequence[Path]) -> list[str]:
    """Return the folders' own names, which may go into results; where two are equal, with the folders above them."""
    parts = [Path(os.path.realpath(folder)).parts for folder in folders]
    depth = 1
    while depth < max(map(len, parts)) and len({one[-depth:] for one in parts}) < len(set(parts)):
        depth += 1
    return [to_words("/".join(one[-depth:])) for one in parts]


def _has_size(scans: FittedScans, image: EnfaceImage) -> bool:
    """Tell whether the scan in a picture has a size that a model was fitted on."""
    try:
        return scans.has_size_of(scans.crop.apply(image))
    except ImageError:
        return False
