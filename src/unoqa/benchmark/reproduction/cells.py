"""One cell of a table: refused images reduced, clustered, named, and compared with the reference grades."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float, Int

from unoqa.benchmark.agreement import balanced_accuracy, confusion, kappa, quadratic
from unoqa.clusterings import CLUSTERINGS
from unoqa.core.auroc import auroc
from unoqa.core.grading import Grade
from unoqa.grader.open_encoders import library_versions
from unoqa.grader.split import FEWEST, Split
from unoqa.reductions import REDUCTIONS
from unoqa.reductions.none import NoReduction

if TYPE_CHECKING:
    from unoqa.grader.cohort import Gate


@final
@dataclass(frozen=True)
class Key:
    """Which cell.

    Attributes:
        points: what is reduced and clustered: `maps`, `score`, one scale, such as `map 0`, or another F_H of a flow.
        gate: `f1-max` (uses labels), `f1-max on validation` (uses labels) or `conformal`.
    """

    study: str
    split: str
    seed: int
    system: str
    points: str
    reduction: str
    clustering: str
    gate: str


@final
@dataclass(frozen=True)
class Cell:
    """Agreement of one cell's grades with the reference; fractions, not per cent.

    Attributes:
        renamed_kappa: kappa with the two clusters named as the labels like best: an oracle, not a method.
        refused: share of outstanding images that the gate refused.
        clustered: images that were refused and clustered; 0 where they were too few, and all count as gradable.
    """

    kappa: float
    accuracy: float
    quadratic_kappa: float
    balanced_accuracy: float
    renamed_kappa: float
    refused: float
    clustered: int

    def values(self) -> dict[str, Any]:
        """Return the figures by their names."""
        return asdict(self)


@final
@dataclass(frozen=True)
class Cohort:
    """The images of one split, and what one system says of them."""

    grades: Int[np.ndarray, " images"]
    scores: Float[np.ndarray, " images"]
    gate: Gate

    @property
    def refused(self) -> Int[np.ndarray, " refused"]:
        """Positions of the images above the threshold."""
        return np.flatnonzero(self.scores > self.gate.threshold)

    def reduced(self, points: Float[np.ndarray, "images high"], reduction: str, seed: int) -> np.ndarray:
        """Project the points of the refused images, learned from them alone."""
        if len(self.refused) < FEWEST:
            return points[self.refused, :1]
        own = _some(points, self.refused)
        return REDUCTIONS.load(reduction)().fit(own, seed=seed).project(own)

    def cell(self, reduced: Float[np.ndarray, "refused low"], clustering: str, seed: int) -> Cell:
        """Split the refused images in two, name the clusters by their mean scores, and compare."""
        given = np.full(len(self.grades), int(Grade.OUTSTANDING))
        given[self.refused] = int(Grade.GRADABLE)
        enough = len(self.refused) >= FEWEST
        if enough:
            split = Split("maps", NoReduction(), CLUSTERINGS.load(clustering)())
            _, verdicts = split.fit(reduced, self.scores[self.refused], spread=self.gate.spread, seed=seed)
            given[self.refused] = [int(grade) for grade in verdicts.grades]
        return self._compared(given, int(enough) * len(self.refused))

    def _compared(self, given: Int[np.ndarray, " images"], clustered: int) -> Cell:
        table = confusion(self.grades, given)
        good = self.grades == Grade.OUTSTANDING
        return Cell(
            kappa=kappa(table),
            accuracy=float((self.grades == given).mean()),
            quadratic_kappa=kappa(table, quadratic()),
            balanced_accuracy=balanced_accuracy(table),
            renamed_kappa=max(kappa(table), kappa(confusion(self.grades, _renamed(given)))),
            refused=float((given[good] != Grade.OUTSTANDING).mean()) if good.any() else float("nan"),
            clustered=clustered,
        )


def made_by() -> str:
    """Return what every cell depends on beside scores and points: settings of reductions and clusterings, versions."""
    return repr(
        [*(shelf.load(name)() for shelf in (REDUCTIONS, CLUSTERINGS) for name in shelf.names()), library_versions()]
    )


def ranking(grades: Int[np.ndarray, " images"], scores: Float[np.ndarray, " images"]) -> tuple[float, float]:
    """Return the areas under the ROC curve, outstanding against the rest and ungradable against the rest."""
    best, worst = grades == Grade.OUTSTANDING, grades == Grade.UNGRADABLE
    return auroc(scores[~best], scores[best]), auroc(scores[worst], scores[~worst])


def _some(points: Float[np.ndarray, "images high"], rows: Int[np.ndarray, " some"]) -> np.ndarray:
    """Return some points; of a file as another that has no name, since latents may be more than memory holds."""
    if not isinstance(points, np.memmap) or points.filename is None:
        return points[rows]
    with tempfile.TemporaryFile(dir=Path(points.filename).parent) as file:
        for row in rows:
            file.write(points[row].tobytes())
        file.flush()
        return np.memmap(file, dtype=points.dtype, mode="r", shape=(len(rows), points.shape[1]))


def _renamed(given: Int[np.ndarray, " images"]) -> Int[np.ndarray, " images"]:
    return np.where(given == Grade.OUTSTANDING, given, int(Grade.GRADABLE) - given)
