"""The images of a study and their features: each encoder encodes an image once, whatever the seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float, Int

from unoqa.core.assessment import Failure
from unoqa.core.errors import DataSetError
from unoqa.core.grading import Grade
from unoqa.formats import read
from unoqa.grader.source import LazyImage
from unoqa.store.workspace import make_key
from unoqa.thresholds.conformal import Conformal

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from unoqa.benchmark.datasets import LabelledImage, Study
    from unoqa.core.contracts import Encoder
    from unoqa.core.features import FeatureSet
    from unoqa.core.progress import Progress
    from unoqa.formats import ImageReference
    from unoqa.grader.cached_features import CachedFeatures


@final
@dataclass(frozen=True)
class GradedSplit:
    """The images of one labelled split that could be read.

    Attributes:
        digests: of the pixels.
        grades: reference grades.
    """

    digests: tuple[str, ...]
    grades: Int[np.ndarray, " images"]

    def __len__(self) -> int:
        return len(self.digests)

    def exclude(self, digests: Sequence[str]) -> GradedSplit:
        """Return the split without the images that have these digests."""
        excluded = set(digests)
        kept = [row for row, digest in enumerate(self.digests) if digest not in excluded]
        return GradedSplit(tuple(self.digests[row] for row in kept), self.grades[kept])


@final
@dataclass(frozen=True)
class EncodedStudy:
    """A study whose images are encoded.

    Attributes:
        fit: digests of the outstanding images to fit on.
        splits: `test`, and `external` and `validation` if the study has them.
        unread: one sentence for each image that could not be read.
        notes: sentences about images that were left out.
    """

    name: str
    fit: tuple[str, ...]
    splits: dict[str, GradedSplit]
    unread: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """A key of the images and their reference grades: cells depend on both."""
        splits = {name: (graded.digests, graded.grades.tolist()) for name, graded in self.splits.items()}
        return make_key(self.fit, splits)


@final
class FeatureLibrary:
    """Features by the digest of an image; each image is opened once, and encoded once by each encoder."""

    def __init__(self, encoders: Sequence[Encoder], cache: CachedFeatures) -> None:
        self._open_encoders = cache.encoders
        self._encoders = list(encoders)
        self._cache = cache
        self._digests: dict[ImageReference, str | Failure] = {}
        self._references: dict[str, ImageReference] = {}

    def encode(self, study: Study, progress: Progress) -> EncodedStudy:
        """Encode the images of a study that are not encoded yet.

        Raises:
            DataSetError: too few images to fit on can be read, or no image of a split.
        """
        graded = {"test": study.test, "external": study.external, "validation": study.validation}
        references = [*study.fit, *(one.reference for images in graded.values() for one in images)]
        fresh = [reference for reference in dict.fromkeys(references) if reference not in self._digests]
        encoding = self._cache.encode(LazyImage(one.name, partial(read, one)) for one in fresh)
        with progress.task(f"reading {study.name}", len(fresh)) as step, encoding as digests:
            for reference, digest in zip(fresh, digests, strict=True):
                self._digests[reference] = digest
                if isinstance(digest, str):
                    self._references.setdefault(digest, reference)
                step()
        unread = [found.message for one in references if isinstance(found := self._digests[one], Failure)]
        fit = tuple(dict.fromkeys(found for one in study.fit if isinstance(found := self._digests[one], str)))
        every = {name: self._select_readable(images) for name, images in graded.items() if images}
        splits = {name: images.exclude(fit) for name, images in every.items()}
        copies = sum(len(images) - len(splits[name]) for name, images in every.items())
        note = f"Study {study.name}: copies of images fitted on are left out of the tests: {copies}."
        return _check_usable(EncodedStudy(study.name, fit, splits, tuple(unread), (note,) if copies else ()))

    @property
    def device(self) -> torch.device:
        """Where encoders and modules run."""
        return self._open_encoders.device

    def key(self, encoder: Encoder) -> str:
        """Return the key of one encoder's features: it depends on settings, weights and image size."""
        return self._open_encoders.keys[self._encoders.index(encoder)]

    def read_features(self, encoder: Encoder, digests: Sequence[str]) -> FeatureSet:
        """Read the features of some images by one encoder; a module can have them rotated and encoded again."""
        images = {digest: self._find_image(digest) for digest in digests}
        return self._cache.read_rotatable(self._encoders.index(encoder), images)

    def read_pixels(self, digest: str) -> Float[np.ndarray, "size size"]:
        """Open an image again, resized to the size that the encoders get."""
        return self._find_image(digest).load().resize(self._open_encoders.size)

    def _find_image(self, digest: str) -> LazyImage:
        reference = self._references[digest]
        return LazyImage(reference.name, partial(read, reference))

    def _select_readable(self, images: Sequence[LabelledImage]) -> GradedSplit:
        graded = [(self._digests[image.reference], int(image.grade)) for image in images]
        kept = [(digest, grade) for digest, grade in graded if isinstance(digest, str)]
        return GradedSplit(tuple(digest for digest, _ in kept), np.array([grade for _, grade in kept], dtype=np.int64))


def _check_usable(study: EncodedStudy) -> EncodedStudy:
    """Return the study if enough of its images could be read."""
    needed = Conformal().min_images
    if len(study.fit) < needed:
        raise DataSetError(
            f"Study {study.name}: a threshold without labels needs at least {needed} outstanding images to fit on, and "
            f"{len(study.fit)} can be read{_format_first(study.unread)}; give more."
        )
    for name, graded in study.splits.items():
        if not len(graded):
            raise DataSetError(
                f"Study {study.name}: no image of the {name} split is left"
                f"{_format_first([*study.unread, *study.notes])}; give others."
            )
    return study


def _format_first(sentences: Sequence[str]) -> str:
    return f" ({sentences[0].removesuffix('.')})" if sentences else ""


def format_grade_counts(graded: GradedSplit) -> str:
    """Write how many images are outstanding, gradable and ungradable."""
    return " / ".join(str(int((graded.grades == grade).sum())) for grade in reversed(Grade))
