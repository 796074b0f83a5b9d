"""The grader, and the settled grader, whose border between gradable and ungradable is frozen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol, final, runtime_checkable

import numpy as np
from jaxtyping import Float

from unoqa.core.assessment import Assessment, Failure
from unoqa.core.errors import CohortError, ImageError, UsageError
from unoqa.core.grading import Grading
from unoqa.core.parallel import map_all
from unoqa.core.progress import NoProgress
from unoqa.grader.cohort import (
    SETTLE_FIRST,
    CohortResult,
    FittedThreshold,
    check_cohort_size,
    describe_small_group,
    grade_cohort,
    grade_settled,
    is_refused_scan,
    list_ungradable_scans,
)
from unoqa.grader.cohort_warnings import add_warnings
from unoqa.grader.content import describe_content
from unoqa.grader.devices import find_device
from unoqa.grader.duplicates import compute_fingerprint
from unoqa.grader.findings import place_anatomically
from unoqa.grader.model import Model, read_model, write_model
from unoqa.grader.source import ImageSource
from unoqa.grader.split import FEWEST
from unoqa.grader.statistics import CohortStatistics, describe_statistics

if TYPE_CHECKING:
    from collections.abc import Callable

    from unoqa.core.image import EnfaceImage
    from unoqa.core.progress import Progress
    from unoqa.grader.fitting import Fitted
    from unoqa.grader.intensity import IntensityRange
    from unoqa.grader.open_encoders import OpenEncoders
    from unoqa.grader.source import ImagesLike
    from unoqa.grader.split import FittedSplit, Split


@runtime_checkable
class AnyGrader(Protocol):
    """What a grader and a settled grader have in common."""

    @property
    def grader(self) -> Grader:
        """The grader itself, or the one that was settled."""

    @property
    def frozen_split(self) -> FittedSplit | None:
        """The split between gradable and ungradable that a settled grader has; None if each cohort is split anew."""


@final
@dataclass(frozen=True, repr=False)
class Grader:
    """A fitted recipe: it scores and explains images, and grades a cohort."""

    model: Model

    @property
    def grader(self) -> Grader:
        """This grader."""
        return self

    @property
    def frozen_split(self) -> None:
        """None: every cohort is split anew."""

    @property
    def encoders(self) -> OpenEncoders:
        """The open encoders."""
        return self.model.encoders

    @property
    def fitted(self) -> Fitted:
        """All that was fitted on outstanding images."""
        return self.model.fitted

    @property
    def split(self) -> Split:
        """The settings of the split between gradable and ungradable."""
        return self.model.split

    @property
    def threshold(self) -> FittedThreshold:
        """The score up to which an image is outstanding."""
        return self.fitted.threshold

    @property
    def intensity_range(self) -> IntensityRange:
        """Which numbers in the files are black and white."""
        return self.model.scans.intensity_range

    def prepare(self, image: EnfaceImage) -> EnfaceImage:
        """Return the scan in a picture, its pixels from 0 (black) to 1 (white).

        Raises:
            ImageError: the picture is out of scope, no scan is found in it, or its values do not fit the intensity
                range.
        """
        self.model.scope.check(image)
        return self.model.scans.prepare(image)

    def assess(
        self, image: EnfaceImage, *, all_findings: bool = False
    ) -> tuple[Assessment, Callable[[], Float[np.ndarray, "rows columns"]]]:
        """Assess one image; the result does not depend on other images.

        It runs on the calling thread. If torch uses several threads there, the last bits of the score differ from
        those of a grading, which gives each image one thread.

        Args:
            all_findings: whether an outstanding image gets findings too.

        Returns:
            the assessment, and a function that makes the heat map of the scan's size.

        Raises:
            ImageError: as `prepare`; or the scan is too small, constant or not finite.
        """
        return self.assess_scan(image, self.prepare(image), all_findings=all_findings)

    def assess_scan(
        self, image: EnfaceImage, scan: EnfaceImage, *, all_findings: bool = False
    ) -> tuple[Assessment, Callable[[], Float[np.ndarray, "rows columns"]]]:
        """Assess the scan that `prepare` found in an image, as `assess` does."""
        prepared = self.encoders.prepare(scan)
        encoded = self.encoders.encode(prepared)
        prediction = self.fitted.panel.predict(encoded)
        passes = self.threshold.passes(prediction.score)
        wanted = all_findings or not passes
        measured = self.encoders.measure(prepared, encoded) if wanted or self.encoders.always_measures else None
        findings = self.fitted.findings.find(measured) if wanted and measured is not None else ()
        orientation, scans, content = image.facts.orientation, self.model.scans, describe_content(scan)
        shape = (scan.pixels.shape[0], scan.pixels.shape[1])
        assessment = Assessment(
            image.name,
            prediction.score,
            digest=image.digest(),
            size=shape,
            percentile=self.fitted.percentile(prediction.score),
            members=tuple(prediction.members.tolist()),
            spread=prediction.spread,
            point=np.empty(0) if passes else self.split.represent(prediction),
            findings=place_anatomically(findings, "" if orientation is None else orientation.value),
            facts=scan.facts,
            out_of_scope=scans.find_other_content(content),
            warnings=scans.find_warnings(scan),
            fingerprint=compute_fingerprint(prepared.resized[0]),
            statistics=describe_statistics(self.encoders, measured, content),
        )
        return assessment, lambda: self.fitted.heat.heat(prediction, shape)

    def grade(self, images: ImagesLike) -> NoReturn:
        """Say that the grader must be settled before it grades single images.

        Raises:
            UsageError: always.
        """
        del images
        raise UsageError(SETTLE_FIRST)

    def grade_cohort(self, images: ImagesLike, *, progress: Progress | None = None) -> CohortResult:
        """Grade images together, clustering at test time as the paper does.

        Args:
            images: a folder, files, or images in memory; at least 10.

        Raises:
            CohortError: fewer than 10 images.
        """
        source = ImageSource.find(images)
        check_cohort_size(len(source))
        assessed = assess_all(self, source, progress)
        result, _ = grade_cohort(assessed, self.threshold, self.split, seed=self.model.seed)
        return add_warnings(result, assessed, self.model, None)

    def settle(self, images: ImagesLike, *, progress: Progress | None = None) -> SettledGrader:
        """Freeze the split that a cohort gives, so that single images can be graded.

        Raises:
            CohortError: fewer than 10 of the images are not outstanding, or the ungradable group is too small.
            UsageError: the borders were set with labels.
        """
        self.model.check_without_labels()
        assessed = assess_all(self, ImageSource.find(images), progress, measure=True)
        result, fitted = grade_cohort(assessed, self.threshold, self.split, seed=self.model.seed)
        not_outstanding = sum(is_refused_scan(one, self.threshold) for one in assessed)
        if fitted is None:
            raise CohortError(
                f"Settling takes at least {FEWEST} images that are not outstanding, and {not_outstanding} of these "
                f"{len(assessed)} are not; settle on a larger cohort, as mixed as those to be graded."
            )
        if small := describe_small_group(list_ungradable_scans(result.gradings), not_outstanding):
            raise CohortError(f"{small}; a settled model would keep this split for good.")
        failures = tuple(one for one in assessed if isinstance(one, Failure))
        warnings = add_warnings(result, assessed, self.model, None).warnings
        statistics = CohortStatistics.of(assessed).thin()
        return SettledGrader(
            self, fitted, len(assessed) - len(failures), not_outstanding, failures, warnings, statistics
        )

    def save(self, folder: str | Path) -> None:
        """Write a model folder; `load` reads it back."""
        write_model(Path(folder), self.model)

    def __repr__(self) -> str:
        return f"Grader({self._summary()})"

    def _summary(self) -> str:
        images, value = self.fitted.report.used, self.threshold.value
        return f"recipe={self.model.recipe!r}, images={images}, threshold={value:.4g}"


@final
@dataclass(frozen=True, repr=False)
class SettledGrader:
    """A grader with a frozen split: an image gets the same grade alone or among ten thousand.

    Attributes:
        cohort: number of images that it was settled on.
        not_outstanding: how many of them are not outstanding and made the split; 0 if the model was read from a folder,
            which keeps neither failures nor warnings.
        statistics: of 2,000 of these images at most; None if an earlier version settled it.
    """

    grader: Grader
    frozen_split: FittedSplit
    cohort: int
    not_outstanding: int = 0
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()
    statistics: CohortStatistics | None = None

    def grade(self, images: ImagesLike) -> Grading:
        """Grade one image.

        Raises:
            UsageError: there are several images.
            ImageError: it cannot be graded.
        """
        source = ImageSource.find(images)
        if len(source) > 1:
            raise UsageError(f"`grade` takes one image, and there are {len(source)}; call `grade_all` for all of them.")
        grading = self.grade_all(source).gradings[0]
        if grading.grade is None:
            raise ImageError(*grading.error.split(": ", 1))
        return grading

    def grade_all(self, images: ImagesLike, *, progress: Progress | None = None) -> CohortResult:
        """Grade images, each on its own."""
        assessed = assess_all(self.grader, ImageSource.find(images), progress)
        result = grade_settled(assessed, self.grader.threshold, self.frozen_split)
        return add_warnings(result, assessed, self.grader.model, self.statistics)

    def save(self, folder: str | Path) -> None:
        """Write a model folder; `load` reads it back."""
        write_model(Path(folder), self.grader.model, self.frozen_split, self.cohort, self.statistics)

    def __repr__(self) -> str:
        return f"SettledGrader({self.grader._summary()}, cohort={self.cohort})"


def load(folder: str | Path, *, device: str = "cpu") -> Grader | SettledGrader:
    """Read a model folder; the grader gives the same bits as the one saved, on the same machine.

    Args:
        device: `cpu`, `cuda` or `auto`.

    Raises:
        ModelError: the folder is missing, changed, or of another version.
    """
    model, split, cohort, statistics = read_model(Path(folder), find_device(device))
    return Grader(model) if split is None else SettledGrader(Grader(model), split, cohort, statistics=statistics)


def assess_all(
    grader: Grader, source: ImageSource, progress: Progress | None, *, measure: bool = False
) -> list[Assessment | Failure]:
    """Assess images; `measure` says whether outstanding ones get findings too."""
    task = (progress or NoProgress()).task("scoring", len(source))
    return map_all(
        lambda lazy: lazy.apply(lambda one: grader.assess(one, all_findings=measure)[0]), source.images, task
    )
