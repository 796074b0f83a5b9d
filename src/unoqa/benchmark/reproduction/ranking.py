"""How well each system's score alone ranks the images, and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from unoqa.benchmark.reproduction.cells import ranking
from unoqa.benchmark.reproduction.tables import Table, spread
from unoqa.core.grading import Grade
from unoqa.thresholds.conformal import Conformal

if TYPE_CHECKING:
    from unoqa.benchmark.reproduction.evidence import Evidence
    from unoqa.benchmark.reproduction.images import ReadStudy


@final
@dataclass(frozen=True)
class Rank:
    """One system on one study and seed."""

    outstanding: float
    ungradable: float
    refused: float
    seconds: tuple[float, float]


@final
@dataclass
class Rankings:
    """By study and system, one rank a seed."""

    ranks: dict[tuple[str, str], list[Rank]] = field(default_factory=dict)

    def add(self, system: str, study: ReadStudy, evidence: Evidence) -> None:
        """Take in what a system said of the test split."""
        grades, scores = study.splits["test"].grades, evidence.splits["test"].scores
        best, worst = ranking(grades, scores)
        refused = scores[grades == Grade.OUTSTANDING] > Conformal().fit(evidence.unseen)
        rank = Rank(best, worst, float(refused.mean()) if len(refused) else float("nan"), evidence.seconds)
        self.ranks.setdefault((study.name, system), []).append(rank)

    def table(self, study: str) -> Table:
        """Return the table of one study."""
        rows = tuple(_row(name, found) for (of, name), found in self.ranks.items() if of == study)
        caption = (
            "The score alone, on the test set: areas under the ROC curve of outstanding and of ungradable images "
            "against the rest; share of outstanding images refused by the conformal gate (aim: 10); time to learn, "
            "cross-fitted calibration included, and to judge an image, without its encoder."
        )
        head = ("system", "O vs rest", "U vs rest", "refused outstanding, %", "learn, s", "judge, ms")
        return Table(f"Scores: {study}", caption, head, rows)


def _row(name: str, found: list[Rank]) -> tuple[str, ...]:
    return (
        name,
        spread([one.outstanding for one in found], scale=1.0, digits=3),
        spread([one.ungradable for one in found], scale=1.0, digits=3),
        spread([one.refused for one in found]),
        spread([one.seconds[0] for one in found], scale=1.0),
        spread([one.seconds[1] for one in found], scale=1000.0, digits=0),
    )
