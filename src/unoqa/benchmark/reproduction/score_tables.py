"""The tables of each system's score alone: how well it ranks the images, what a flow learned, which rows are equal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import spearmanr

from unoqa.benchmark.reproduction.cells import compute_aurocs
from unoqa.benchmark.reproduction.tables import DASH, EQUAL, EQUAL_MARK, Table, format_mean_std
from unoqa.core.auroc import auroc, auroc_difference
from unoqa.core.grading import Grade
from unoqa.thresholds.conformal import Conformal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.benchmark.reproduction.images import EncodedStudy
    from unoqa.benchmark.reproduction.learning import Learning
    from unoqa.benchmark.reproduction.scores import SystemScores

BY = ("score", "mean of the maps")
"""What ranks the images: the recipe's own score, or the mean of its maps."""


@final
@dataclass(frozen=True)
class ScoreMetrics:
    """The score of one system on the test split of one study and seed.

    Attributes:
        grades: reference grades.
        scores: higher = worse.
        means: means of the maps; empty for a system whose maps are not kept.
        refused: share of outstanding images above the conformal threshold.
        seconds: to fit, and to predict one image.
        learning: what a flow learned; None for another system.
    """

    grades: Int[np.ndarray, " images"]
    scores: Float[np.ndarray, " images"]
    means: Float[np.ndarray, " means"]
    refused: float
    seconds: tuple[float, float]
    learning: Learning | None

    @property
    def aurocs(self) -> tuple[float, float]:
        """AUROC of outstanding images and of ungradable images against the rest."""
        return compute_aurocs(self.grades, self.scores)

    def correlate(self, other: ScoreMetrics) -> float:
        """Return Spearman's correlation with the scores of another system."""
        return float(spearmanr(self.scores, other.scores).statistic)


@final
@dataclass
class ScoreTables:
    """Metrics by study and system, one for each seed."""

    metrics: dict[tuple[str, str], list[ScoreMetrics]] = field(default_factory=dict)

    def add(self, system: str, study: EncodedStudy, scores: SystemScores) -> None:
        """Add a system's metrics on the test split."""
        grades, test_scores = study.splits["test"].grades, scores.splits["test"].scores
        refused = test_scores[grades == Grade.OUTSTANDING] > Conformal().fit(scores.held_out)
        share = float(refused.mean()) if len(refused) else float("nan")
        grids = scores.splits["test"].maps
        means = np.mean([grid.mean(axis=1) for grid in grids], axis=0) if grids else np.empty(0)
        metrics = ScoreMetrics(grades, test_scores, means, share, scores.seconds, scores.learning)
        self.metrics.setdefault((study.name, system), []).append(metrics)

    def find_equals(self, study: str) -> dict[str, tuple[str, float]]:
        """Return, for each system that ranks as an earlier one does, that system and Spearman's correlation."""
        equals: dict[str, tuple[str, float]] = {}
        rows = self._select(study)
        for number, (system, seeds) in enumerate(rows):
            for other, others in rows[:number]:
                rank = float(np.mean([one.correlate(its) for one, its in zip(seeds, others, strict=True)]))
                if rank >= max(EQUAL, equals.get(system, ("", 0.0))[1]):
                    equals[system] = other, rank
        return equals

    def make_table(self, study: str) -> Table:
        """Return the table of one study."""
        equals = self.find_equals(study)
        rows = tuple(_make_row(system, metrics, equals.get(system)) for system, metrics in self._select(study))
        caption = (
            "The score alone, on the test set: AUROC of outstanding images and of ungradable images against the rest; "
            "share of outstanding images above the conformal threshold (aim: 10); the row above that ranks the images "
            f"alike ({EQUAL_MARK}: Spearman's correlation at least {EQUAL}); time to fit, with cross-fitted "
            "calibration, and to predict one image, without its encoder."
        )
        head = ("system", "O vs rest", "U vs rest", "refused outstanding, %", "ranks as", "fit, s", "predict, ms")
        return Table(f"Scores: {study}", caption, head, rows)

    def make_learning_table(self, study: str) -> Table | None:
        """Return the table of what the flows of one study learned; None if there is no flow."""
        flows = [(system, metrics) for system, metrics in self._select(study) if metrics[0].learning is not None]
        if not flows:
            return None
        caption = (
            "Each flow beside the Gaussian of the same features, with the same maps and score. Passes over the images: "
            "of the parameters kept, until training stopped, and at most (means over the scales). Loss: -log p of the "
            "features in nats per channel, of outstanding test images, which no flow has seen; before and after "
            "training, and by the Gaussian (behind a LayerNorm the loss is that of the normalised grid, which does "
            "not compare with the Gaussian's). Then Spearman's correlation with the Gaussian's ranking of the test "
            f"set ({EQUAL_MARK}: at least {EQUAL}, equal in effect), and AUROC less the Gaussian's; by the recipe's "
            "score, and by the mean of the maps. In brackets, for one seed, the 95 % interval of the difference "
            "(DeLong 1988)."
        )
        numbers = ("passes kept / seen / planned", "loss: start → end", "Gaussian's loss")
        head = ("flow", "by", *numbers, "Spearman", "O: flow − Gaussian", "U: flow − Gaussian")
        rows = [_make_learning_row(system, metrics, by) for system, metrics in flows for by in range(len(BY))]
        return Table(f"What the flows learned: {study}", caption, head, tuple(rows))

    def _select(self, study: str) -> list[tuple[str, list[ScoreMetrics]]]:
        return [(system, metrics) for (name, system), metrics in self.metrics.items() if name == study]


def _make_row(system: str, seeds: list[ScoreMetrics], equal: tuple[str, float] | None) -> tuple[str, ...]:
    outstanding, ungradable = zip(*(metrics.aurocs for metrics in seeds), strict=True)
    return (
        system,
        format_mean_std(outstanding, scale=1.0, digits=3),
        format_mean_std(ungradable, scale=1.0, digits=3),
        format_mean_std([metrics.refused for metrics in seeds]),
        f"{equal[0]} ({equal[1]:.3f}) {EQUAL_MARK}" if equal else DASH,
        format_mean_std([metrics.seconds[0] for metrics in seeds], scale=1.0),
        format_mean_std([metrics.seconds[1] for metrics in seeds], scale=1000.0, digits=0),
    )


def _make_learning_row(system: str, seeds: list[ScoreMetrics], by: int) -> tuple[str, ...]:
    learned = [(one, one.learning) for one in seeds if one.learning is not None]
    passes = np.mean([learning.passes for _, learning in learned], axis=0)
    losses = [learning.mean_losses(one.grades == Grade.OUTSTANDING) for one, learning in learned]
    start, end, gaussian = (format_mean_std(each, scale=1.0, digits=3) for each in zip(*losses, strict=True))
    pairs = [(one.grades, (one.scores, one.means)[by], learning.gaussian_scores[by]) for one, learning in learned]
    rank = [float(spearmanr(mine, its).statistic) for _, mine, its in pairs]
    return (
        system,
        BY[by],
        " / ".join(_format_passes(number) for number in passes[::-1]),
        f"{start} → {end}",
        gaussian,
        format_mean_std(rank, scale=1.0, digits=3) + (f" {EQUAL_MARK}" if np.mean(rank) >= EQUAL else ""),
        _format_difference([(grades != Grade.OUTSTANDING, *scores) for grades, *scores in pairs]),
        _format_difference([(grades == Grade.UNGRADABLE, *scores) for grades, *scores in pairs]),
    )


def _format_passes(passes: float) -> str:
    return f"{passes:.1f}" if passes < 10 else f"{passes:.0f}"


def _format_difference(seeds: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> str:
    """Write two areas, each a mean over the seeds, and their difference; of one seed with its interval.

    Args:
        seeds: of each the images that should have high scores, the flow's scores, and the Gaussian's.
    """
    areas = [[auroc(scores[is_high], scores[~is_high]) for scores in both] for is_high, *both in seeds]
    one, other = np.mean(areas, axis=0)
    text = f"{one:.3f} − {other:.3f} = {one - other:+z.3f}"
    if len(seeds) > 1:
        return text
    is_high, *both = seeds[0]
    scores = np.stack(both)
    _, least, most = auroc_difference(scores[:, is_high], scores[:, ~is_high])
    return f"{text} ({least:+z.3f} to {most:+z.3f})"
