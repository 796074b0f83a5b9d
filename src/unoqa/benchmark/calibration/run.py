"""Sets the borders of a model with labels: the images of a results folder that people have graded."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np
import torch

from unoqa.benchmark.calibration.borders import Borders, Scored, fit_borders
from unoqa.benchmark.calibration.expectation import Expectation, cross_validate
from unoqa.benchmark.labels import join_labels, read_labels, read_reviewed
from unoqa.clusterings.kmeans import Kmeans
from unoqa.core.errors import ResultsError, UsageError
from unoqa.core.grading import Grade
from unoqa.core.intervals import Share
from unoqa.grader.cohort import FittedThreshold
from unoqa.grader.grader import Grader, SettledGrader
from unoqa.grader.recipe_values import dump_values, parse_panel
from unoqa.grader.split import FittedSplit, Split
from unoqa.reductions.none import NoReduction
from unoqa.store.results import Results
from unoqa.thresholds.fixed import Fixed

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.benchmark.labels import Labels
    from unoqa.core.grading import Grading
    from unoqa.grader.model import Model

FEWEST, FEWEST_OF_A_GRADE = 40, 2
"""Smallest number of labelled images, and of those of each grade; of fewer, the agreement to expect is not known."""


@final
@dataclass(frozen=True)
class Calibration:
    """A model whose borders were set with labels.

    Attributes:
        settled: the model; it grades single images.
        images: number of labelled images.
        expectation: the agreement to expect, before and after.
        refused: share of outstanding images, which the model was fitted on, that the new threshold refuses.
        unmatched: number of labels without an image that has a grade.
    """

    settled: SettledGrader
    images: int
    expectation: Expectation
    refused: Share
    unmatched: int


def calibrate(
    results: Path, model: Grader | SettledGrader, labels: Path | None = None, *, seed: int = 0
) -> Calibration:
    """Set the borders of a model so that they agree best with labels.

    Args:
        results: results folder of the model.
        labels: table with columns image,grade; None for the readers' grades in the record.

    Raises:
        ResultsError: the results are not the model's, or cannot be joined with the labels.
        UsageError: too few images are labelled, nothing is to be gained, or the model's borders were set with labels
            already.
    """
    grader = model.grader
    grader.model.check_without_labels()
    reference = read_reviewed(results) if labels is None else read_labels(labels)
    images = _read_graded(results, grader.model.checksum)
    joined = join_labels((one.image for one in images), reference.grades)
    labelled, given = _join(images, joined, reference)
    _check_labelled(labelled)
    run = Scored(np.array([one.score for one in images]), np.array([one.grade for one in images], dtype=int))
    expectation = cross_validate(labelled, given, run, seed=seed)
    if not expectation.gains:
        raise UsageError(
            f"Borders set with these {len(labelled)} labels would gain nothing: kappa is "
            f"{expectation.before.value:.2f} now, and {expectation.after.value:.2f} is to be expected "
            "(cross-validation); keep the model as it is, or label more images."
        )
    borders = fit_borders(labelled, run, seed=seed)
    outstanding = grader.fitted.reference
    refused = Share(int((outstanding > borders.threshold).sum()), len(outstanding))
    settled = _set_borders(grader.model, borders, len(labelled), expectation)
    if isinstance(model, SettledGrader):
        settled = replace(settled, statistics=model.statistics)
    return Calibration(settled, len(labelled), expectation, refused, len(reference.grades) - len(labelled))


def _read_graded(results: Path, checksum: str) -> list[Grading]:
    """Return the images that have a grade by their score.

    Raises:
        ResultsError: several models gave them, or another one.
    """
    with Results.open(results) as record:
        record.check_finished()
        models = [one.get("model") for one in record.facts.get("models", [record.facts])]
        images = [one for one in record.iterate() if one.grade is not None and not one.out_of_scope]
    if len(models) > 1:
        raise ResultsError(f"{results} holds grades of {len(models)} models; grade the images of one device alone.")
    if models != [checksum]:
        raise ResultsError(f"{results} was graded by another model; name the model that graded it, or grade it again.")
    return images


def _join(images: list[Grading], joined: dict[str, str], labels: Labels) -> tuple[Scored, np.ndarray]:
    """Return the labelled images with their labels, and the grades of the run."""
    found = [one for one in images if one.image in joined]
    scores = np.array([one.score for one in found], dtype=np.float64)
    reference = np.array([labels.grades[joined[one.image]] for one in found], dtype=int)
    return Scored(scores, reference), np.array([one.grade for one in found], dtype=int)


def _check_labelled(labelled: Scored) -> None:
    """Refuse labels from which borders, and the agreement to expect of them, cannot be known.

    Raises:
        UsageError: too few images are labelled, or hardly one of a grade.
    """
    if len(labelled) < FEWEST:
        raise UsageError(
            f"Setting borders takes at least {FEWEST} graded images with labels, and there are {len(labelled)}; "
            "label more, drawn at random from the cohort."
        )
    counts = {grade: int((labelled.grades == grade).sum()) for grade in Grade}
    few = [grade for grade, count in counts.items() if count < FEWEST_OF_A_GRADE]
    if few:
        raise UsageError(
            f"Of the {len(labelled)} labelled images {counts[few[0]]} is {few[0].word}, and at least "
            f"{FEWEST_OF_A_GRADE} of each grade are needed; label more images."
        )


def _set_borders(model: Model, borders: Borders, images: int, expectation: Expectation) -> SettledGrader:
    """Return the model with other borders; what other labels might have given makes its certainty."""
    threshold = FittedThreshold(borders.threshold, model.fitted.threshold.std, tuple(borders.thresholds.tolist()))
    settings = Split("score", NoReduction(), Kmeans())
    centres = torch.tensor([[borders.border - 1], [borders.border + 1]], dtype=torch.float64)
    split = FittedSplit(
        settings.reduction.restore({}),
        settings.clustering.restore({"centroids": centres}),
        ungradable_cluster=1,
        distinct=True,
        border=borders.border,
        borders=tuple(borders.borders.tolist()),
    )
    values = dump_values(
        size=model.encoders.size,
        panel=parse_panel(model.settings, model.recipe),
        threshold=Fixed(value=borders.threshold),
        split=settings,
    )
    changed = replace(
        model,
        fitted=replace(model.fitted, threshold=threshold),
        split=settings,
        settings={**model.settings, "threshold": values["threshold"], "split": values["split"]},
        calibration={"images": images, "kappa": asdict(expectation)},
        selftest=None,
    )
    return SettledGrader(Grader(changed), split, images)
