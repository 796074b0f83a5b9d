"""Measures a model with a site's own scans: good scans refused, planted damage seen, agreement with its grades."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, final

from unoqa.benchmark.evaluation import compare
from unoqa.benchmark.labels import GradedRow, join_labels, read_labels
from unoqa.benchmark.parts.grading import grade_together
from unoqa.benchmark.selftest.run import run_selftest
from unoqa.core.assessment import Failure
from unoqa.core.intervals import Share
from unoqa.core.parallel import map_all
from unoqa.core.progress import NoProgress
from unoqa.grader.source import ImageSource

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.benchmark.agreement import Agreement
    from unoqa.benchmark.selftest.run import SelfTest
    from unoqa.core.image import EnfaceImage
    from unoqa.core.progress import Progress
    from unoqa.grader.grader import Grader, SettledGrader
    from unoqa.grader.source import ImagesLike


@final
@dataclass(frozen=True)
class Qualification:
    """What a site measured.

    Attributes:
        refused: share of the site's outstanding scans that are not outstanding by the model; about α is promised.
        alpha: the share that the threshold aims at.
        agreement: with the site's own grades; None if it gave none.
        failures: outstanding or graded scans that cannot be used.
    """

    refused: Share
    alpha: float | None
    selftest: SelfTest
    agreement: Agreement | None
    failures: tuple[Failure, ...]


def qualify(
    model: Grader | SettledGrader,
    outstanding: ImagesLike,
    labels: Path | None = None,
    images: Path | None = None,
    *,
    progress: Progress | None = None,
) -> Qualification:
    """Measure a model.

    Args:
        outstanding: scans that the model was not fitted on; at least five.
        labels: table with columns image,grade; None if there are no grades.
        images: folder of the images that it names; None for the folder of the table.

    Raises:
        UsageError: fewer than five outstanding scans can be used.
        ResultsError: the labels cannot be read or joined to images, or no labelled image has a grade.
    """
    grader, source = model.grader, ImageSource.find(outstanding)
    compared = None if labels is None else _compare(model, labels, images or labels.parent, progress)
    selftest = run_selftest(grader, source, progress=progress)
    task = (progress or NoProgress()).task("scoring outstanding scans", len(source))
    passed = map_all(lambda lazy: lazy.apply(partial(_passes, grader)), source.images, task)
    usable = [one for one in passed if not isinstance(one, Failure)]
    agreement, failures = compared or (None, ())
    return Qualification(
        Share(usable.count(False), len(usable)),
        grader.model.settings["threshold"].get("alpha"),
        selftest,
        agreement,
        (*(one for one in passed if isinstance(one, Failure)), *failures),
    )


def _passes(grader: Grader, image: EnfaceImage) -> bool:
    found, _ = grader.assess(image)
    return not found.out_of_scope and grader.threshold.passes(found.score)


def _compare(
    model: Grader | SettledGrader, labels: Path, images: Path, progress: Progress | None
) -> tuple[Agreement, tuple[Failure, ...]]:
    """Grade the labelled images as one cohort, and compare."""
    reference, source = read_labels(labels), ImageSource.find(images)
    joined = join_labels((lazy.name for lazy in source.images), reference.grades)
    chosen = replace(source, images=tuple(lazy for lazy in source.images if lazy.name in joined))
    gradings = grade_together(model, chosen, progress=progress).gradings
    rows = [GradedRow(one.image, one.grade, one.score) for one in gradings if one.score is not None]
    told = ((one.image, one.error.partition(": ")) for one in gradings if one.score is None)
    failures = tuple(Failure(name, code, sentence) for name, (code, _, sentence) in told)
    return compare(rows, reference, joined, str(images)), failures
