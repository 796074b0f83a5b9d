"""A panel: several (encoder, module) pairs whose standardised scores are fused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, final

import numpy as np
import torch
from jaxtyping import Float, Int

from unoqa.core.contracts import NO_WORK, WithLatents, select_prefix
from unoqa.core.errors import UsageError
from unoqa.core.features import FeaturePyramid
from unoqa.core.parallel import map_all
from unoqa.core.work import Work
from unoqa.grader.cross_fitting import EVERY, FoldFit, FoldPrediction, MapSums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from unoqa.core.contracts import Encoder, FittedModule, LowQualityModule, State
    from unoqa.core.features import FeatureSet, Scale

Fusion = Literal["sum", "norm"]
"""How standardised scores become one: their sum, or the norm of their positive parts.

The norm lets one clear fault count fully where the other members see none; a thousandth of the sum orders
images that are better than the average outstanding one.
"""

Final = Literal["folds", "held-out", "refit"]
"""Which modules score new images, and which images the threshold is learned from.

`folds`: the mean over the modules of all folds. Calibration and new images are then scored by models that
have seen equally many images, so the threshold keeps its promise for modules that adapt closely.
`held-out`: one module, fitted on all folds but the first, whose images alone it is calibrated on (split conformal:
Papadopoulos et al. 2002). The promise is then strict for a single member, and fitting and asking cost one module; in
return the threshold rests on a share of the images, and scatters more. Several members are standardised by the images
that the threshold is learned from, which refuses more than promised where those are fewer than some 20.
`refit`: one module fitted on every image; a fraction of the work and memory. It knows outstanding images
better than a fold's module does, so it refuses fewer of them than promised (docs/accuracy.md has figures).
"""


@final
@dataclass(frozen=True)
class Member:
    """One pair of a panel; `weight` multiplies its standardised score."""

    encoder: Encoder
    module: LowQualityModule
    weight: float = 1.0


def _no_latent() -> Float[np.ndarray, " numbers"]:
    raise UsageError("No module of this recipe has latents; choose cflow or fastflow, or another 'representation'.")


@final
@dataclass(frozen=True)
class Prediction:
    """What a panel says of one image.

    Attributes:
        score: higher = worse.
        members: the weighted standardised score of each member; 0 is the mean of outstanding images.
        maps: the maps of all members, in their order, higher = worse.
        latent: gives the latents of the first member that has any, flattened, in half precision.
    """

    score: float
    members: Float[np.ndarray, " members"]
    maps: tuple[Float[np.ndarray, "_ _"], ...]
    latent: Callable[[], Float[np.ndarray, " numbers"]] = _no_latent


@final
@dataclass(frozen=True)
class FittedMember:
    """One pair that has learned.

    Attributes:
        encoder: position of its encoder among the panel's distinct ones.
        centre, spread: mean and standard deviation of its scores of outstanding images not seen.
    """

    encoder: int
    modules: tuple[FittedModule, ...]
    centre: float
    spread: float
    weight: float

    def predict(self, pyramid: FeaturePyramid) -> tuple[float, list[Float[np.ndarray, "_ _"]]]:
        """Return the weighted standardised score of one image, and its maps; means over the modules."""
        evidences = [module.predict(pyramid) for module in self.modules]
        score = float(torch.stack([evidence.score[0].double() for evidence in evidences]).mean())
        maps = zip(*(evidence.maps for evidence in evidences), strict=True)
        pictures = [torch.stack([grid[0] for grid in folds]).mean(dim=0).cpu().numpy() for folds in maps]
        return self.weight * (score - self.centre) / self.spread, pictures

    def state(self) -> State:
        """Return the arrays of all modules."""
        return {
            f"{position}.{name}": array
            for position, module in enumerate(self.modules)
            for name, array in module.state().items()
        }


@final
@dataclass(frozen=True)
class FittedPanel:
    """A panel that has learned."""

    members: tuple[FittedMember, ...]
    fusion: Fusion

    def predict(self, pyramids: Sequence[FeaturePyramid]) -> Prediction:
        """Judge one image by its features, one pyramid of batch 1 per distinct encoder.

        One image at a time, because the sums of a matrix product differ in their last bits with its size.
        """
        judged = [member.predict(pyramids[member.encoder]) for member in self.members]
        scores = np.array([score for score, _ in judged])
        maps = tuple(grid for _, grids in judged for grid in grids)
        return Prediction(fuse(scores, self.fusion), scores, maps, partial(self._latent, pyramids))

    def _latent(self, pyramids: Sequence[FeaturePyramid]) -> Float[np.ndarray, " numbers"]:
        for member in self.members:
            module = member.modules[0]
            if isinstance(module, WithLatents):
                return flatten_to_half(module.latents(pyramids[member.encoder]))
        return _no_latent()


def flatten_to_half(latents: Sequence[Float[Tensor, "1 _channels _rows _columns"]]) -> Float[np.ndarray, " numbers"]:
    """Flatten the latents of one image; a number that half precision does not hold becomes the largest that it does."""
    largest = torch.finfo(torch.float16).max
    return np.concatenate([grid.flatten().clamp(-largest, largest).half().cpu().numpy() for grid in latents])


def fuse(scores: Float[np.ndarray, " members"], fusion: Fusion) -> float:
    """Make one score of the members'; that of a single one stays as it is, since no other is to be outweighed."""
    if fusion == "sum" or len(scores) == 1:
        return float(scores.sum())
    return float(np.sqrt(np.square(np.maximum(scores, 0)).sum()) + 0.001 * scores.sum())


@final
@dataclass(frozen=True)
class HeldOut:
    """What modules say of outstanding images that they have not seen.

    Attributes:
        rows: those images: all that were given, or those of the first fold where they are held out.
        scores: of each.
        levels: of each map, mean and standard deviation over images and places.
    """

    rows: Int[np.ndarray, " images"]
    scores: Float[np.ndarray, " images"]
    levels: tuple[tuple[float, float], ...]


@final
@dataclass(frozen=True)
class Panel:
    """Settings of a panel."""

    members: tuple[Member, ...]
    fusion: Fusion = "norm"
    folds: int = 5
    final: Final = "folds"

    def encoders(self) -> tuple[Encoder, ...]:
        """Return the distinct encoders, in the order of their first use."""
        return tuple(dict.fromkeys(member.encoder for member in self.members))

    def fit(self, features: Sequence[FeatureSet], *, seed: int, work: Work = NO_WORK) -> tuple[FittedPanel, HeldOut]:
        """Learn from the features of outstanding images, one set per distinct encoder.

        Returns:
            the panel, and what modules say of images that they have not seen: of all, or of those held out.
        """
        folds = assign_folds(len(features[0]), self.folds, seed=seed)
        encoders = self.encoders()
        pieces = [
            FoldFit(member.module, features[encoders.index(member.encoder)], seed, work.part(f"member {number}"), fold)
            for number, member in enumerate(self.members)
            for fold in self._fitted_without()
        ]
        task = work.progress.task("learning", len(pieces))
        said = map_all(lambda piece: piece.fit(folds, keep=self.final != "refit" or piece.fold == EVERY), pieces, task)
        each = len(pieces) // len(self.members)
        fitted, unseen = [], []
        for number, member in enumerate(self.members):
            own = said[number * each : (number + 1) * each]
            one, of_unseen = _member(member, encoders.index(member.encoder), own)
            fitted.append(one)
            unseen.append(of_unseen)
        fused = [fuse(scores, self.fusion) for scores in np.stack([one.scores for one in unseen], axis=1)]
        levels = tuple(level for one in unseen for level in one.levels)
        return FittedPanel(tuple(fitted), self.fusion), HeldOut(unseen[0].rows, np.array(fused), levels)

    def _fitted_without(self) -> tuple[int, ...]:
        """Return the folds without which modules are fitted, in their order."""
        if self.final == "held-out":
            return (0,)
        return (*range(self.folds), EVERY) if self.final == "refit" else tuple(range(self.folds))

    def restore(
        self,
        state: Mapping[str, Tensor],
        scales: Sequence[tuple[Scale, ...]],
        standards: Sequence[Mapping[str, float]],
    ) -> FittedPanel:
        """Return the panel that gave the arrays and, per member, centre and spread."""
        encoders = self.encoders()
        members = []
        for number, (member, standard) in enumerate(zip(self.members, standards, strict=True)):
            position = encoders.index(member.encoder)
            count = self.folds if self.final == "folds" else 1
            modules = tuple(
                member.module.restore(select_prefix(state, f"{number}.{fold}."), scales[position])
                for fold in range(count)
            )
            members.append(FittedMember(position, modules, standard["centre"], standard["spread"], member.weight))
        return FittedPanel(tuple(members), self.fusion)


def _member(member: Member, position: int, learned: Sequence[FoldPrediction]) -> tuple[FittedMember, HeldOut]:
    rows = np.concatenate([one.rows for one in learned])
    order = np.argsort(rows)
    scores = np.concatenate([one.scores for one in learned])[order]
    centre, spread = float(scores.mean()), float(max(scores.std(), 1e-9))
    modules = tuple(one.module for one in learned if one.module is not None)
    levels = tuple(
        MapSums.together(sums).level() for sums in zip(*(one.sums for one in learned if one.sums), strict=True)
    )
    fitted = FittedMember(position, modules, centre, spread, member.weight)
    return fitted, HeldOut(rows[order], member.weight * (scores - centre) / spread, levels)


def assign_folds(images: int, folds: int, *, seed: int) -> np.ndarray:
    """Deal images to folds of equal size, at random."""
    return np.random.default_rng(seed).permutation(np.arange(images) % folds)
