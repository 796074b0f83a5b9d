"""The table of each system's score alone: how well it ranks the images, and how long the system takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from unoqa.benchmark.reproduction.cells import compute_aurocs
from unoqa.benchmark.reproduction.tables import Table, format_mean_std
from unoqa.core.grading import Grade
from unoqa.thresholds.conformal import Conformal

if TYPE_CHECKING:
    from unoqa.benchmark.reproduction.images import EncodedStudy
    from unoqa.benchmark.reproduction.scores import SystemScores


@final
@dataclass(frozen=True)
class ScoreMetrics:
    """The score of one system on the test split of one study and seed.

    Attributes:
        outstanding, ungradable: AUROC against the rest.
        refused: share of outstanding images above the conformal threshold.
        seconds: to fit, and to predict one image.
    """

    outstanding: float
    ungradable: float
    refused: float
    seconds: tuple[float, float]


@final
@dataclass
class ScoreTables:
    """Metrics by study and system, one for each seed."""

    metrics: dict[tuple[str, str], list[ScoreMetrics]] = field(default_factory=dict)

    def add(self, system: str, study: EncodedStudy, scores: SystemScores) -> None:
        """Add a system's metrics on the test split."""
        grades, test_scores = study.splits["test"].grades, scores.splits["test"].scores
        outstanding, ungradable = compute_aurocs(grades, test_scores)
        refused = test_scores[grades == Grade.OUTSTANDING] > Conformal().fit(scores.held_out)
        share = float(refused.mean()) if len(refused) else float("nan")
        metrics = ScoreMetrics(outstanding, ungradable, share, scores.seconds)
        self.metrics.setdefault((study.name, system), []).append(metrics)

    def make_table(self, study: str) -> Table:
        """Return the table of one study."""
        rows = tuple(_make_row(system, metrics) for (name, system), metrics in self.metrics.items() if name == study)
        caption = (
            "The score alone, on the test set: AUROC of outstanding images and of ungradable images against the rest; "
            "share of outstanding images above the conformal threshold (aim: 10); time to fit, with cross-fitted "
            "calibration, and to predict one image, without its encoder."
        )
        head = ("system", "O vs rest", "U vs rest", "refused outstanding, %", "fit, s", "predict, ms")
        return Table(f"Scores: {study}", caption, head, rows)


def _make_row(system: str, seeds: list[ScoreMetrics]) -> tuple[str, ...]:
    return (
        system,
        format_mean_std([metrics.outstanding for metrics in seeds], scale=1.0, digits=3),
        format_mean_std([metrics.ungradable for metrics in seeds], scale=1.0, digits=3),
        format_mean_std([metrics.refused for metrics in seeds]),
        format_mean_std([metrics.seconds[0] for metrics in seeds], scale=1.0),
        format_mean_std([metrics.seconds[1] for metrics in seeds], scale=1000.0, digits=0),
    )
