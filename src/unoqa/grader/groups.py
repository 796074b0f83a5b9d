"""Whether one set of images is of two populations: two devices, or two ways of export.

Two groups are found by half of the numbers of whole images, and again by the other half. In one population the two ways
to divide it have little in common; where there are two populations, both ways find them. This is the prediction
strength of Tibshirani and Walther (2005), between numbers in place of between images; it is measured over many random
halves, by the phi coefficient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from unoqa.grader.statistics import FEWEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Bool, Float

HALVES = 15
"""Random halves of the numbers."""

LIMIT = 0.7
"""Agreement of halves, in the median, from which a set is of two populations."""

SMALLEST_SHARE = 0.1
"""Smallest share of the images that makes a group; fewer are single odd images."""

FEWEST_NUMBERS = 10
"""Numbers that must differ among the images; of fewer, halves tell nothing."""

FARTHEST = 4.0
"""Standard deviations beyond which a number counts as this far."""

NAMED = 2
"""Images of each group that a sentence names."""


@final
@dataclass(frozen=True)
class Groups:
    """Two groups of images.

    Attributes:
        agreement: phi coefficient between the groups by one half of the numbers and by the other, in the median; 0 if
            the groups are too small.
        second: whether an image is of the second group; the first image is of the first.
    """

    agreement: float
    second: Bool[np.ndarray, " images"]

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many images are of either group; empty if all are of one population."""
        if self.agreement < LIMIT:
            return ()
        return int((~self.second).sum()), int(self.second.sum())

    def describe(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return one sentence about the images of these names, unless all are of one population."""
        if not self.sizes:
            return ()
        parts = [
            [name for name, is_second in zip(names, self.second, strict=True) if is_second == one] for one in (0, 1)
        ]
        (first, some), (second, others) = ((len(part), ", ".join(part[:NAMED])) for part in parts)
        return (
            f"The images fall into two groups, of {first} ({some}, …) and {second} ({others}, …): two devices, or two "
            "ways of export? A model is for one of them; fit each alone.",
        )


def find_groups(values: Float[np.ndarray, "images numbers"]) -> Groups:
    """Divide images into two groups by all numbers, and measure how well groups by halves of the numbers agree.

    Fewer than 20 images are of one population.
    """
    if len(values) < FEWEST:
        return Groups(0.0, np.zeros(len(values), dtype=bool))
    spread = values.std(axis=0)
    standardised = (values - values.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    standardised = np.clip(standardised, -FARTHEST, FARTHEST)
    if standardised.shape[1] < FEWEST_NUMBERS:
        return Groups(0.0, np.zeros(len(values), dtype=bool))
    generator = np.random.default_rng(0)
    found = []
    for _ in range(HALVES):
        some, others = np.array_split(generator.permutation(standardised.shape[1]), 2)
        found.append(_correlate(_divide(standardised[:, some]), _divide(standardised[:, others])))
    second = _divide(standardised)
    return Groups(float(np.median(np.abs(found))), second != second[0])


def _divide(values: Float[np.ndarray, "images numbers"]) -> Bool[np.ndarray, " images"]:
    from sklearn.cluster import KMeans  # noqa: PLC0415 - grading single images needs none of it

    return KMeans(2, n_init=3, random_state=0).fit_predict(values).astype(bool)


def _correlate(some: Bool[np.ndarray, " images"], others: Bool[np.ndarray, " images"]) -> float:
    """Return the phi coefficient; 0 if one of the groups is too small to be one."""
    shares = (min(one.mean(), 1 - one.mean()) for one in (some, others))
    return 0.0 if min(shares) < SMALLEST_SHARE else float(np.corrcoef(some, others)[0, 1])
