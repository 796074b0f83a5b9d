"""Cross-fitting: a module is fitted without one fold of the images and then scores that fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float

from unoqa.core.parallel import map_in_order
from unoqa.grader.module_checks import check_evidence, restore_as_from_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.core.contracts import FittedModule, LowQualityModule
    from unoqa.core.features import FeatureSet
    from unoqa.core.work import Work

NO_FOLD = -1
"""In place of a fold: no image is left out."""


def assign_folds(images: int, folds: int, *, seed: int, groups: Sequence[str] | None = None) -> np.ndarray:
    """Assign images to folds at random: of equal size, or as equal as groups that stay together allow.

    Args:
        groups: of each image, such as its patient. The largest groups are dealt first, each to the smallest fold.
    """
    rng = np.random.default_rng(seed)
    if groups is None:
        return rng.permutation(np.arange(images) % folds)
    names, members = np.unique(np.asarray(groups), return_inverse=True)
    shuffled = rng.permutation(len(names))
    sizes = np.bincount(members)
    filled, fold_of = np.zeros(folds, dtype=int), np.empty(len(names), dtype=int)
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        fold_of[group] = filled.argmin()
        filled[fold_of[group]] += sizes[group]
    return fold_of[members]


def measure_spread(scores: Sequence[float]) -> float:
    """Return the standard error of the mean of scores by modules that were each fitted without another fold.

    The delete-a-group jackknife (Shao, Tu 1995, section 2.3); 0 if there is one module.
    """
    return float(np.sqrt((len(scores) - 1) * np.var(scores)))


@final
@dataclass
class MapSums:
    """Running sums of the values of a map."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, grid: Float[np.ndarray, "_ _"]) -> None:
        """Add the map of one image."""
        self.count += grid.size
        self.total += float(grid.sum(dtype=np.float64))
        self.squares += float(np.square(grid, dtype=np.float64).sum())

    @classmethod
    def merge(cls, parts: Sequence[MapSums]) -> MapSums:
        """Add up the sums of several sets of images."""
        return cls(*(sum(getattr(part, name) for part in parts) for name in ("count", "total", "squares")))

    def mean_and_std(self) -> tuple[float, float]:
        """Return mean and standard deviation."""
        mean = self.total / self.count
        return mean, max(self.squares / self.count - mean * mean, 1e-18) ** 0.5


@final
@dataclass(frozen=True)
class FoldPrediction:
    """A module fitted without one fold, and its predictions for that fold.

    Attributes:
        module: None if only the predictions are needed.
        rows: the images of the fold.
    """

    module: FittedModule | None
    rows: np.ndarray
    scores: Float[np.ndarray, " rows"]
    sums: tuple[MapSums, ...]


@final
@dataclass(frozen=True)
class FoldFit:
    """The fit of one member of a panel on all folds but one, or on every image.

    Attributes:
        names: of the images, for error messages; empty where they have none.
    """

    module: LowQualityModule
    features: FeatureSet
    seed: int
    work: Work
    fold: int
    names: Sequence[str] = ()

    def fit(self, folds: np.ndarray, *, keep: bool) -> FoldPrediction:
        """Fit, then score the images left out: one at a time, as new images are scored."""
        held_out = np.flatnonzero(folds == self.fold)
        name = "all" if self.fold == NO_FOLD else f"fold {self.fold}"
        rest = self.features.subset(np.flatnonzero(folds != self.fold))
        fitted = self.module.fit(rest, seed=self.seed, work=self.work.part(name))
        module = restore_as_from_file(self.module, fitted, rest.scales)
        scores, sums = [], tuple[MapSums, ...]()
        with map_in_order(module.predict, self.features.subset(held_out).batches(size=1)) as predictions:
            for row, evidence in zip(held_out.tolist(), predictions, strict=True):
                check_evidence(self.module, evidence, self.names[row] if self.names else f"image {row}")
                scores.append(float(evidence.score[0]))
                sums = sums or tuple(MapSums() for _ in evidence.maps)
                for one, grid in zip(sums, evidence.maps, strict=True):
                    one.add(grid[0].cpu().numpy())
        return FoldPrediction(module if keep else None, held_out, np.array(scores), sums)
