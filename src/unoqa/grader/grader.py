"""The grader, and the grader whose second stage is settled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float

from unoqa.core.errors import CohortError, ImageError, UsageError
from unoqa.core.grading import Grade, Grading
from unoqa.core.parallel import map_all
from unoqa.core.progress import NoProgress
from unoqa.encoders.measures import MEASURES
from unoqa.grader.assessment import Assessment
from unoqa.grader.card import render_model_card
from unoqa.grader.cohort import CohortResult, Gate, grade_cohort, grade_settled, lone
from unoqa.grader.source import Failure, ImageSource
from unoqa.grader.split import FEWEST
from unoqa.store.model_folder import write_model_folder
from unoqa.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from unoqa.core.contracts import State
    from unoqa.core.image import EnfaceImage
    from unoqa.core.progress import Progress
    from unoqa.grader.fitting import Fitted
    from unoqa.grader.open_encoders import OpenEncoders
    from unoqa.grader.source import Source
    from unoqa.grader.split import FittedSplit, Split


@final
@dataclass(frozen=True)
class Origin:
    """What a grader was made by: a recipe with all its settings, and a seed.

    Attributes:
        checksum: SHA-256 that names the model folder it was read from; empty before it was saved.
    """

    recipe: str
    values: dict[str, Any]
    seed: int
    checksum: str = ""


@final
@dataclass(frozen=True)
class Grader:
    """Knows what outstanding looks like; scores, explains, and grades a cohort together."""

    encoders: OpenEncoders
    fitted: Fitted
    split: Split
    origin: Origin

    @property
    def gate(self) -> Gate:
        """The threshold between outstanding and not."""
        return Gate(self.fitted.threshold, self.fitted.spread)

    def examine(self, image: EnfaceImage) -> tuple[Assessment, Callable[[], Float[np.ndarray, "rows columns"]]]:
        """Assess one image; the same alone or in company.

        On the calling thread: with several threads of torch a score's last bits differ from those of a grading, which
        gives each image one.

        Returns:
            the assessment, and a function that makes the heat, of the image's size.

        Raises:
            ImageError: the image is too small, constant or not finite.
        """
        prepared = self.encoders.prepared(image)
        viewed = self.encoders.view(prepared)
        prediction = self.fitted.panel.predict(viewed)
        if self.gate.passes(prediction.score):
            assessment = Assessment(image.name, prediction.score)
        else:
            reasons = self.fitted.reasons.explain(self.encoders.measured(prepared, viewed))
            assessment = Assessment(image.name, prediction.score, self.split.represent(prediction), reasons)
        shape = (image.pixels.shape[0], image.pixels.shape[1])
        return assessment, lambda: self.fitted.heat.heat(prediction, shape)

    def grade_cohort(self, source: Source, *, progress: Progress | None = None) -> CohortResult:
        """Grade images together, clustering at test time as the paper does.

        Args:
            source: a folder, files, or images; at least 10.

        Raises:
            CohortError: fewer than 10 images.
        """
        source = ImageSource.of(source)
        check_cohort(len(source))
        result, _ = grade_cohort(_assess(self, source, progress), self.gate, self.split, seed=self.origin.seed)
        return result

    def settle(self, source: Source, *, progress: Progress | None = None) -> SettledGrader:
        """Freeze reduction and partition as a cohort gives them, so that one image can be graded.

        Raises:
            CohortError: fewer than 10 of the images are not outstanding.
        """
        assessed = _assess(self, ImageSource.of(source), progress)
        result, fitted = grade_cohort(assessed, self.gate, self.split, seed=self.origin.seed)
        if fitted is None:
            refused = sum(grading.score is not None for grading in result.gradings) - result.count(Grade.OUTSTANDING)
            raise CohortError(
                f"Settling takes at least {FEWEST} images that are not outstanding, and of {len(assessed)} images "
                f"{refused} are not; settle on a larger cohort, as mixed as those to be graded."
            )
        worst = [grading.image for grading in result.gradings if grading.grade is Grade.UNGRADABLE]
        refused = len(worst) + result.count(Grade.GRADABLE)
        if few := lone(worst, refused):
            raise CohortError(f"{few}; a settled model would do so for ever.")
        failures = tuple(one for one in assessed if isinstance(one, Failure))
        return SettledGrader(self, fitted, len(assessed) - len(failures), refused, failures, result.warnings)

    def save(self, folder: str | Path) -> None:
        """Write a model folder; `load` reads it back."""
        document = self.document()
        write_model_folder(Path(folder), document, self.state(), render_model_card(document))

    def document(self) -> dict[str, Any]:
        """Return facts and settings; centres and spreads as exact decimals, which TOML keeps."""
        members = self.fitted.panel.members
        return {
            "unoqa": __version__,
            "recipe": self.origin.recipe,
            "seed": self.origin.seed,
            "images": self.fitted.report.used,
            "threshold": self.fitted.threshold,
            "spread": self.fitted.spread,
            "resize": "Pillow bilinear, support widened with the reduction",
            "encoders": [encoder.checksum for encoder in self.encoders.encoders],
            "measures": {name: MEASURES.load(name).version for name in self.fitted.reasons.names},
            "standards": [{"centre": member.centre, "spread": member.spread} for member in members],
            "settings": self.origin.values,
        }

    def state(self) -> State:
        """Return everything learned, and the encoders' weights."""
        parts: dict[str, State] = {"reasons": self.fitted.reasons.state(), "heat": self.fitted.heat.state()}
        for number, encoder in enumerate(self.encoders.encoders):
            parts[f"encoder.{number}"] = encoder.state()
        for number, member in enumerate(self.fitted.panel.members):
            parts[f"panel.{number}"] = member.state()
        return {f"{part}.{name}": array for part, state in parts.items() for name, array in state.items()}


@final
@dataclass(frozen=True)
class SettledGrader:
    """A grader with a frozen second stage: the same grade alone or among ten thousand.

    Attributes:
        cohort: images it was settled on.
        refused: those of them that are not outstanding, and made the partition; 0 of one that was read back, which has
            neither failures nor warnings.
    """

    grader: Grader
    partition: FittedSplit
    cohort: int
    refused: int = 0
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()

    def grade(self, source: Source) -> Grading:
        """Grade one image.

        Raises:
            UsageError: there are several.
            ImageError: it cannot be graded.
        """
        source = ImageSource.of(source)
        if len(source) > 1:
            raise UsageError(f"`grade` takes one image, and there are {len(source)}; call `grade_all` for all of them.")
        grading = self.grade_all(source).gradings[0]
        if grading.grade is None:
            code, sentence = grading.error.split(": ", 1)
            raise ImageError(code, sentence)
        return grading

    def grade_all(self, source: Source, *, progress: Progress | None = None) -> CohortResult:
        """Grade images, each for itself."""
        return grade_settled(_assess(self.grader, ImageSource.of(source), progress), self.grader.gate, self.partition)

    def save(self, folder: str | Path) -> None:
        """Write a model folder; `load` reads it back."""
        document = {
            **self.grader.document(),
            "settled": {
                "cohort": self.cohort,
                "worse": self.partition.worse,
                "distinct": self.partition.distinct,
            },
        }
        settled = {f"settled.{name}": array for name, array in self.partition.state().items()}
        write_model_folder(Path(folder), document, {**self.grader.state(), **settled}, render_model_card(document))


def check_cohort(images: int) -> None:
    """Refuse a cohort that cannot hold enough images to split.

    Raises:
        CohortError: fewer than 10 images.
    """
    if images < FEWEST:
        raise CohortError(
            f"Grading a cohort takes at least {FEWEST} images, and there "
            f"{'is 1' if images == 1 else f'are {images}'}; for fewer, settle the model on a larger cohort first: "
            "unoqa settle COHORT -m MODEL -o MODEL2, then grade with MODEL2."
        )


def _assess(grader: Grader, source: ImageSource, progress: Progress | None) -> list[Assessment | Failure]:
    task = (progress or NoProgress()).task("scoring", len(source))
    return map_all(lambda lazy: lazy.read(lambda image: grader.examine(image)[0]), source.images, task)
