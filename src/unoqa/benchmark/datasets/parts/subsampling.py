"""A quick look at a study: a subsample of its images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from unoqa.core.grading import Grade

if TYPE_CHECKING:
    from unoqa.benchmark.datasets.parts.contract import LabelledImage, Study

MIN_TO_FIT = 24
"""Outstanding images to keep for fitting, if there are as many: a threshold that refuses one in ten needs nine."""


def subsample_study(study: Study, images: int, *, seed: int) -> Study:
    """Draw about `images` images of a study; each split keeps its share and its mix of grades.

    At least 24 images to fit on are kept, and in every split at least one image of each grade that it has.
    """
    graded = (study.test, study.external, study.validation)
    total, rest = len(study.fit) + sum(map(len, graded)), sum(map(len, graded))
    if total <= images:
        return study
    generator = np.random.default_rng(seed)
    count = min(len(study.fit), max(MIN_TO_FIT, round(images * len(study.fit) / total)))
    fit = tuple(study.fit[position] for position in _draw_positions(range(len(study.fit)), count, generator))
    share = min(1.0, max(0.0, (images - count) / max(rest, 1)))
    test, external, validation = (_subsample_split(split, share, generator) for split in graded)
    note = f"Quick look: {count} of {len(study.fit)} images to fit on, {len(test)} of {len(study.test)} test images."
    return replace(study, fit=fit, test=test, external=external, validation=validation, notes=(*study.notes, note))


def _subsample_split(
    images: tuple[LabelledImage, ...], share: float, generator: np.random.Generator
) -> tuple[LabelledImage, ...]:
    kept: list[int] = []
    for grade in Grade:
        positions = [position for position, image in enumerate(images) if image.grade is grade]
        count = min(len(positions), max(1, round(share * len(positions))))
        kept.extend(_draw_positions(positions, count, generator))
    return tuple(images[position] for position in sorted(kept))


def _draw_positions(positions: Sequence[int], count: int, generator: np.random.Generator) -> list[int]:
    """Draw some of the positions, and return them sorted."""
    return sorted(generator.permutation(np.array(positions, dtype=np.int64))[:count].tolist())
