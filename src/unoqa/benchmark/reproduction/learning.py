"""What a flow learned: how long it trained, what that did to its likelihoods, and to its ranking of the images.

A flow that begins as the fitted Gaussian, and stops early, may still be that Gaussian. So each flow is compared with
the Gaussian of the same features, fitted on the same images, with the same maps and the same score.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from unoqa.core.work import Work
from unoqa.lowquality.flows.fitted import FittedFlows
from unoqa.lowquality.flows.module import FlowModule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor

    from unoqa.core.features import FeaturePyramid, FeatureSet
    from unoqa.core.progress import Progress
    from unoqa.grader.panel import FittedPanel, Panel

LOSS_IMAGES = 64
"""Largest number of unseen outstanding images whose likelihood is averaged."""

PREFIX = "learning."
"""Begins the names of the kept arrays."""


@final
@dataclass(frozen=True)
class Learning:
    """What one flow learned on one study.

    Attributes:
        passes: over the images: at most, until training stopped, and until the parameters kept; means over the scales.
        rows: the test images whose loss is known: those that were outstanding when it was computed.
        losses: of each of them: -log p of the features in nats per channel, by the flow before and after training and
            by the Gaussian. A flow behind a LayerNorm has the density of the normalised grid, so its losses compare
            with each other only, and those of the Gaussian are NaN.
        gaussian_scores: what the Gaussian gives each test image: its score, and the mean of its maps; higher = worse.
    """

    passes: Float[np.ndarray, "3"]
    rows: Int[np.ndarray, " some"]
    losses: Float[np.ndarray, "some 3"]
    gaussian_scores: Float[np.ndarray, "2 images"]

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Tensor]) -> Learning | None:
        """Return what `arrays` kept; None for a system that is no flow."""
        names = [field.name for field in fields(cls)]
        return cls(*(arrays[PREFIX + name].numpy() for name in names)) if PREFIX + names[0] in arrays else None

    def arrays(self) -> dict[str, Tensor]:
        """Return arrays to keep."""
        return {PREFIX + field.name: torch.from_numpy(getattr(self, field.name)) for field in fields(self)}

    def mean_losses(self, outstanding: Bool[np.ndarray, " images"]) -> tuple[float, float, float]:
        """Return the mean losses of the test images that are outstanding; NaN if there are none."""
        kept = self.losses[outstanding[self.rows]]
        start, end, gaussian = kept.mean(axis=0).tolist() if len(kept) else (float("nan"),) * 3
        return start, end, gaussian


@final
@dataclass(frozen=True)
class LearningStudy:
    """The images on which the flow of a panel's only member is compared with the Gaussian.

    Attributes:
        fit: outstanding images to fit on.
        test: the images to rank.
        rows: some of them that are outstanding.
    """

    panel: Panel
    fit: FeatureSet
    test: FeatureSet
    rows: Int[np.ndarray, " some"]
    seed: int

    def observe(self, fitted: FittedPanel, progress: Progress) -> Learning | None:
        """Compare the fitted panel with the Gaussian; None if its member is no flow."""
        member = self.panel.members[0]
        settings, flow = member.module, fitted.members[0].modules[0]
        if not isinstance(settings, FlowModule) or not isinstance(flow, FittedFlows):
            return None
        alone = replace(self.panel, members=(replace(member, module=settings.as_gaussian()),))
        gaussian, _ = alone.fit([self.fit], seed=self.seed, work=Work(progress))
        by_gaussian = self._compute_losses(gaussian.members[0].modules[0])
        start = by_gaussian
        if settings.start != "gaussian":
            start = self._compute_losses(settings.untrained().fit(self.fit, seed=self.seed))
        if settings.start == "layer-norm":
            by_gaussian = np.full_like(by_gaussian, np.nan)
        losses = np.stack([start, self._compute_losses(flow), by_gaussian], axis=1)
        passes = [np.array([one.planned, one.taken, one.kept]) / one.per_pass for one in flow.trainings]
        scores = score_images(gaussian, self.test.batches(1))
        return Learning(np.mean(passes, axis=0), self.rows, losses, scores)

    def _compute_losses(self, module: object) -> Float[np.ndarray, " some"]:
        assert isinstance(module, FittedFlows), "the settings of a flow fit a flow"
        unseen = self.test.subset(self.rows)
        return np.array([-float(module.compute_log_density(pyramid)[0]) for pyramid in unseen.batches(1)])


def score_images(panel: FittedPanel, images: Iterable[FeaturePyramid]) -> Float[np.ndarray, "2 images"]:
    """Return the score of each image, and the mean of its maps; higher = worse.

    One image after the other: a prediction holds the features of its image, for its latents.
    """
    scores = []
    for image in images:
        prediction = panel.predict([image])
        scores.append((prediction.score, np.mean([grid.mean() for grid in prediction.maps])))
    return np.array(scores, dtype=np.float64).T
