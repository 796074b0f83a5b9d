"""A panel: several (encoder, module) pairs whose standardised scores are fused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar, final

import numpy as np
import torch
from jaxtyping import Float, Int

from unoqa.core.contracts import NO_WORK, WithLatents, select_prefix
from unoqa.core.errors import UsageError
from unoqa.core.features import FeaturePyramid
from unoqa.core.parallel import map_all
from unoqa.core.precision import Precision, get_precision, set_precision
from unoqa.core.work import Work
from unoqa.grader.cross_fitting import NO_FOLD, FoldFit, FoldPrediction, MapSums, assign_folds, measure_spread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from unoqa.core.contracts import Encoder, FittedModule, LowQualityModule, State
    from unoqa.core.features import FeatureSet, Scale

Map = Float[np.ndarray, "_ _"]

Score = TypeVar("Score", float, Float[np.ndarray, " modules"])

Fusion = Literal["sum", "norm"]
"""How the members' standardised scores become one: their sum, or the norm of their positive parts.

The norm lets one clear fault count in full even if the other members see none. A thousandth of the sum is added to
order images that are better than the average outstanding one.
"""

Final = Literal["folds", "held-out", "refit"]
"""Which modules score new images, and which images the threshold is fitted on.

`folds`: the score is the mean over the modules of all folds. Calibration images and new images are then scored by
modules fitted on equally many images, so the threshold keeps its promise even for modules that adapt closely.
`held-out`: one module, fitted on all folds but the first; the threshold is fitted on the first fold (split conformal,
Papadopoulos et al. 2002). The promise is then strict for a single member, and fitting and scoring cost one module; in
return the threshold rests on a part of the images and varies more. Several members are standardised by the same images
that the threshold is fitted on, which refuses more than promised if there are fewer than about 20.
`refit`: one module fitted on every image; a fraction of the work and memory. It knows outstanding images
better than the module of a fold, so it refuses fewer of them than promised (docs/accuracy.md has figures).
"""


SMALLEST_STD = 1e-9
"""Floor of the standard deviation of a member's scores, against division by zero."""


@final
@dataclass(frozen=True)
class Member:
    """One pair of a panel.

    Attributes:
        weight: multiplies its standardised score.
        std_floor: smallest standard deviation by which its scores are divided, in their unit: for a fault that hardly
            an outstanding image has, since their scores are nearly equal and the least excess would outweigh all else.
    """

    encoder: Encoder
    module: LowQualityModule
    weight: float = 1.0
    std_floor: float = SMALLEST_STD


def _no_latent() -> Float[np.ndarray, " numbers"]:
    raise UsageError("No module of this recipe has latents; choose cflow or fastflow, or another 'representation'.")


@final
@dataclass(frozen=True)
class Prediction:
    """A panel's prediction for one image.

    Attributes:
        score: higher = worse.
        members: the weighted standardised score of each member; 0 is the mean of outstanding images.
        maps: the maps of all members, in their order, higher = worse.
        latent: returns the latents of the first member that has any, flattened, in half precision.
        spread: standard error of the score: how much it depends on the outstanding images that were fitted on.
    """

    score: float
    members: Float[np.ndarray, " members"]
    maps: tuple[Map, ...]
    latent: Callable[[], Float[np.ndarray, " numbers"]] = _no_latent
    spread: float = 0.0


@final
@dataclass(frozen=True)
class FittedMember:
    """One fitted pair.

    Attributes:
        encoder: position of its encoder among the panel's distinct ones.
        mean, std: mean and standard deviation of its scores of unseen outstanding images.
    """

    encoder: int
    modules: tuple[FittedModule, ...]
    mean: float
    std: float
    weight: float

    def predict(self, pyramid: FeaturePyramid) -> tuple[float, Float[np.ndarray, " modules"], list[Map]]:
        """Return the weighted standardised score of one image, that by each module, and the maps; means of modules."""
        evidences = type(self.modules[0]).predict_each(self.modules, pyramid)
        scores = torch.stack([evidence.score[0].double() for evidence in evidences])
        maps = zip(*(evidence.maps for evidence in evidences), strict=True)
        means = [torch.stack([grid[0] for grid in folds]).mean(dim=0).cpu().numpy() for folds in maps]
        return self._standardise(float(scores.mean())), self._standardise(scores.cpu().numpy()), means

    def _standardise(self, score: Score) -> Score:
        return self.weight * (score - self.mean) / self.std

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
    """A fitted panel."""

    members: tuple[FittedMember, ...]
    fusion: Fusion

    def predict(self, pyramids: Sequence[FeaturePyramid]) -> Prediction:
        """Score one image by its features, one pyramid of batch size 1 per distinct encoder.

        One image at a time, because the last bits of a matrix product depend on its size.
        """
        predictions = [member.predict(pyramids[member.encoder]) for member in self.members]
        scores = np.array([score for score, _, _ in predictions])
        maps = tuple(grid for _, _, grids in predictions for grid in grids)
        folds = np.stack([each for _, each, _ in predictions], axis=1)
        spread = measure_spread([fuse(one, self.fusion) for one in folds])
        return Prediction(fuse(scores, self.fusion), scores, maps, partial(self._latent, pyramids), spread)

    def keep(self, module: int) -> FittedPanel:
        """Return the panel with one module of each member: that by which held-out images of its fold are scored."""
        members = tuple(replace(member, modules=member.modules[module : module + 1]) for member in self.members)
        return replace(self, members=members)

    def _latent(self, pyramids: Sequence[FeaturePyramid]) -> Float[np.ndarray, " numbers"]:
        for member in self.members:
            module = member.modules[0]
            if isinstance(module, WithLatents):
                return flatten_to_half(module.compute_latents(pyramids[member.encoder]))
        return _no_latent()


def flatten_to_half(latents: Sequence[Float[Tensor, "1 _channels _rows _columns"]]) -> Float[np.ndarray, " numbers"]:
    """Flatten the latents of one image; values beyond half precision are clamped to its largest number."""
    largest = torch.finfo(torch.float16).max
    return np.concatenate([grid.flatten().clamp(-largest, largest).half().cpu().numpy() for grid in latents])


def fuse(scores: Float[np.ndarray, " members"], fusion: Fusion) -> float:
    """Fuse the members' scores into one; the score of a single member stays as it is."""
    if fusion == "sum" or len(scores) == 1:
        return float(scores.sum())
    return float(np.sqrt(np.square(np.maximum(scores, 0)).sum()) + 0.001 * scores.sum())


@final
@dataclass(frozen=True)
class HeldOut:
    """Predictions for outstanding images that the modules were not fitted on.

    Attributes:
        rows: these images: all that were given, or the first fold with `final = "held-out"`.
        scores: of each.
        levels: mean and standard deviation of each map, over images and places.
        modules: position, among the panel's modules, of the one that gave each score; -1 if the panel does not keep it.
    """

    rows: Int[np.ndarray, " images"]
    scores: Float[np.ndarray, " images"]
    levels: tuple[tuple[float, float], ...]
    modules: Int[np.ndarray, " images"]


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

    @property
    def precision(self) -> Precision:
        """bfloat16 if an encoder or a module multiplies in it."""
        choices = (choice for member in self.members for choice in (member.encoder, member.module))
        return "bfloat16" if "bfloat16" in map(get_precision, choices) else "single"

    def with_precision(self, precision: Precision) -> Panel:
        """Return the panel with the precision for each encoder and module that has this setting."""
        members = (
            replace(one, encoder=set_precision(one.encoder, precision), module=set_precision(one.module, precision))
            for one in self.members
        )
        return replace(self, members=tuple(members))

    def fit(
        self,
        features: Sequence[FeatureSet],
        *,
        seed: int,
        work: Work = NO_WORK,
        groups: Sequence[str] | None = None,
        names: Sequence[str] = (),
    ) -> tuple[FittedPanel, HeldOut]:
        """Fit on the features of outstanding images, one set per distinct encoder.

        Args:
            groups: the patient of each image; images of one patient are in one fold.
            names: of the images, for error messages.

        Returns:
            the panel, and its predictions for images that the modules were not fitted on.
        """
        folds = assign_folds(len(features[0]), self.folds, seed=seed, groups=groups)
        encoders = self.encoders()
        members = [(member, encoders.index(member.encoder)) for member in self.members]
        fits = [
            FoldFit(member.module, features[position], seed, work.part(f"member {number}"), fold, names)
            for number, (member, position) in enumerate(members)
            for fold in self._folds_left_out()
        ]
        task = work.progress.task("fitting", len(fits))
        predictions = map_all(lambda one: one.fit(folds, keep=self.final != "refit" or one.fold == NO_FOLD), fits, task)
        each = len(fits) // len(self.members)
        pairs = [
            _standardise(member, position, predictions[number * each : (number + 1) * each])
            for number, (member, position) in enumerate(members)
        ]
        fitted, held_out = zip(*pairs, strict=True)
        fused = [fuse(scores, self.fusion) for scores in np.stack([one.scores for one in held_out], axis=1)]
        levels = tuple(level for one in held_out for level in one.levels)
        return FittedPanel(fitted, self.fusion), replace(held_out[0], scores=np.array(fused), levels=levels)

    def _folds_left_out(self) -> tuple[int, ...]:
        """Return the fold that each module is fitted without, in order."""
        every = tuple(range(self.folds))
        return {"folds": every, "held-out": (0,), "refit": (*every, NO_FOLD)}[self.final]

    def restore(
        self, state: Mapping[str, Tensor], scales: Sequence[tuple[Scale, ...]], standards: Sequence[Mapping[str, float]]
    ) -> FittedPanel:
        """Return the panel that gave the arrays and, per member, mean and standard deviation."""
        encoders = self.encoders()
        members = []
        for number, (member, standard) in enumerate(zip(self.members, standards, strict=True)):
            position = encoders.index(member.encoder)
            count = self.folds if self.final == "folds" else 1
            modules = tuple(
                member.module.restore(select_prefix(state, f"{number}.{fold}."), scales[position])
                for fold in range(count)
            )
            members.append(FittedMember(position, modules, standard["mean"], standard["std"], member.weight))
        return FittedPanel(tuple(members), self.fusion)


def _standardise(member: Member, position: int, folds: Sequence[FoldPrediction]) -> tuple[FittedMember, HeldOut]:
    rows = np.concatenate([one.rows for one in folds])
    order = np.argsort(rows)
    scores = np.concatenate([one.scores for one in folds])[order]
    mean, std = float(scores.mean()), float(max(scores.std(), member.std_floor))
    modules = tuple(one.module for one in folds if one.module is not None)
    numbers = [np.full(len(one.rows), -1 if one.module is None else number) for number, one in enumerate(folds)]
    levels = tuple(
        MapSums.merge(sums).mean_and_std() for sums in zip(*(one.sums for one in folds if one.sums), strict=True)
    )
    fitted = FittedMember(position, modules, mean, std, member.weight)
    return fitted, HeldOut(rows[order], member.weight * (scores - mean) / std, levels, np.concatenate(numbers)[order])
