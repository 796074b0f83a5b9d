"""The images of a study, encoded once by every encoder of every system, whatever the seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float, Int

from unoqa.core.errors import DataSetError, ImageError
from unoqa.core.grading import Grade
from unoqa.core.parallel import map_in_order
from unoqa.formats import read
from unoqa.grader.open_encoders import keep
from unoqa.store.workspace import make_key
from unoqa.thresholds.conformal import Conformal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from unoqa.benchmark.datasets import Labelled, Study
    from unoqa.core.contracts import Encoder
    from unoqa.core.features import FeaturePyramid, FeatureSet
    from unoqa.core.progress import Progress
    from unoqa.formats import ImageReference
    from unoqa.grader.open_encoders import OpenEncoders
    from unoqa.store.workspace import Workspace


@final
@dataclass(frozen=True)
class Graded:
    """The images of one labelled split that could be read."""

    digests: tuple[str, ...]
    grades: Int[np.ndarray, " images"]

    def __len__(self) -> int:
        return len(self.digests)

    def without(self, digests: Sequence[str]) -> Graded:
        """Return the images whose pixels are none of those."""
        known = set(digests)
        kept = [row for row, digest in enumerate(self.digests) if digest not in known]
        return Graded(tuple(self.digests[row] for row in kept), self.grades[kept])


@final
@dataclass(frozen=True)
class ReadStudy:
    """A study whose features are at hand.

    Attributes:
        fit: digests of the outstanding images to learn from.
        splits: `test`, and `external` and `validation` where there are any.
        unread: sentences about images that could not be read.
        notes: sentences about images left out.
    """

    name: str
    fit: tuple[str, ...]
    splits: dict[str, Graded]
    unread: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What stands for the images and their grades: a cell depends on both."""
        splits = {name: (graded.digests, graded.grades.tolist()) for name, graded in self.splits.items()}
        return make_key(self.fit, splits)


@final
class Library:
    """Features by the digest of an image; an image is opened once, and encoded once by each encoder."""

    def __init__(self, open_encoders: OpenEncoders, encoders: Sequence[Encoder], workspace: Workspace) -> None:
        self._viewer = open_encoders
        self._encoders = list(encoders)
        self._files = open_encoders.feature_files(workspace)
        self._known: dict[ImageReference, str | ImageError] = {}

    def read(self, study: Study, progress: Progress) -> ReadStudy:
        """Encode what is not encoded yet.

        Raises:
            DataSetError: too few images to fit on, or none of a split, can be read.
        """
        graded = {"test": study.test, "external": study.external, "validation": study.validation}
        references = [*study.fit, *(one.reference for images in graded.values() for one in images)]
        fresh = [reference for reference in dict.fromkeys(references) if reference not in self._known]
        encoding = map_in_order(self._encoded, fresh)
        with progress.task(f"reading {study.name}", len(fresh)) as step, encoding as encoded:
            for reference, made in zip(fresh, encoded, strict=True):
                self._known[reference] = made if isinstance(made, ImageError) else self._kept(*made)
                step()
        unread = [str(found) for one in references if isinstance(found := self._known[one], ImageError)]
        fit = tuple(dict.fromkeys(found for one in study.fit if isinstance(found := self._known[one], str)))
        every = {name: self._graded(images) for name, images in graded.items() if images}
        splits = {name: images.without(fit) for name, images in every.items()}
        copies = sum(len(images) - len(splits[name]) for name, images in every.items())
        note = f"Study {study.name}: copies of images fitted on are left out of the tests: {copies}."
        return _usable(ReadStudy(study.name, fit, splits, tuple(unread), (note,) if copies else ()))

    @property
    def device(self) -> torch.device:
        """Where encoders and modules run."""
        return self._viewer.device

    def key(self, encoder: Encoder) -> str:
        """Return what one encoder's features are kept under: its settings, its weights, the images' size."""
        return self._viewer.keys[self._encoders.index(encoder)]

    def features(self, encoder: Encoder, digests: Sequence[str]) -> FeatureSet:
        """Return the features that one encoder gave of some images."""
        file = self._files[self._encoders.index(encoder)]
        return file.read([file.row(digest) for digest in digests], self.device)

    def pixels(self, digest: str) -> Float[np.ndarray, "size size"]:
        """Open an image again, resized as the encoders see it."""
        reference = next(one for one, found in self._known.items() if found == digest)
        return read(reference).resized(self._viewer.size)

    def _encoded(self, reference: ImageReference) -> tuple[str, list[FeaturePyramid | None]] | ImageError:
        try:
            image = read(reference)
            digest = image.digest()
            return digest, self._viewer.encoded(image, digest, self._files)
        except ImageError as error:
            return error

    def _kept(self, digest: str, pyramids: list[FeaturePyramid | None]) -> str:
        keep(pyramids, digest, self._files)
        return digest

    def _graded(self, images: Sequence[Labelled]) -> Graded:
        found = [(self._known[one.reference], int(one.grade)) for one in images]
        kept = [(digest, grade) for digest, grade in found if isinstance(digest, str)]
        return Graded(tuple(digest for digest, _ in kept), np.array([grade for _, grade in kept], dtype=np.int64))


def _usable(study: ReadStudy) -> ReadStudy:
    needed = Conformal().needs
    if len(study.fit) < needed:
        raise DataSetError(
            f"Study {study.name}: a threshold without labels takes at least {needed} outstanding images to fit on, and "
            f"{len(study.fit)} can be read{_first(study.unread)}; give more."
        )
    for name, graded in study.splits.items():
        if not len(graded):
            raise DataSetError(
                f"Study {study.name}: no image of the {name} split is left{_first([*study.unread, *study.notes])}; "
                "give others."
            )
    return study


def _first(unread: Sequence[str]) -> str:
    return f" ({unread[0].removesuffix('.')})" if unread else ""


def mix(graded: Graded) -> str:
    """Write how many images have which grade."""
    return " / ".join(str(int((graded.grades == grade).sum())) for grade in reversed(Grade))
