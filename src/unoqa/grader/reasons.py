"""Why an image is not outstanding, in words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float

from unoqa.core.contracts import select_prefix
from unoqa.encoders.measures import MEASURES
from unoqa.lowquality.signed import FittedSigned, Signed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from unoqa.core.contracts import State
    from unoqa.core.features import FeaturePyramid, FeatureSet, Scale

CLEAR = 3.0
"""Standard deviations beyond outstanding images from which a measure is named as a reason."""

SLIGHT = 1.0
"""Standard deviations from which the worst measure is named if none is clear."""

MOST = 3
"""Reasons named per image, at most."""

HOT = 2.0
"""Standard deviations from which a place belongs to the fault."""


@final
@dataclass(frozen=True)
class Reasons:
    """Per measure: what outstanding images look like, and how far an image is on the bad side.

    Attributes:
        names: the measures: first those with a number per place, then those with one number per image.
        modules: the fitted module of either kind, by the scale it reads.
        means, stds: mean and standard deviation, over outstanding images, of how much of the field is worse than usual.
    """

    names: tuple[str, ...]
    modules: Mapping[str, FittedSigned]
    means: Float[np.ndarray, " measures"]
    stds: Float[np.ndarray, " measures"]

    @classmethod
    def fit(cls, features: FeatureSet) -> Reasons:
        """Fit on the measures of outstanding images."""
        kinds = _kinds(MEASURES.names())
        modules = {scale: _settings(scale, names).fit(features, seed=0) for scale, names in kinds.items()}
        scores = np.array(
            [[worse.mean() for worse in _worse(modules, pyramid)] for pyramid in features.batches(size=1)]
        )
        return cls(sum(kinds.values(), ()), modules, scores.mean(axis=0), np.maximum(scores.std(axis=0), 0.05))

    @classmethod
    def restore(cls, state: Mapping[str, Tensor], names: Sequence[str], scales: tuple[Scale, ...]) -> Reasons:
        """Return the reasons that gave `state`, for the measures named; newer measures are left out."""
        kinds = _kinds(names)
        modules = {
            scale: _settings(scale, own).restore(select_prefix(state, f"{scale}."), scales)
            for scale, own in kinds.items()
        }
        return cls(sum(kinds.values(), ()), modules, state["means"].cpu().numpy(), state["stds"].cpu().numpy())

    def state(self) -> State:
        """Return the fitted arrays."""
        modules = {
            f"{scale}.{part}": array for scale, module in self.modules.items() for part, array in module.state().items()
        }
        return {**modules, "means": torch.from_numpy(self.means), "stds": torch.from_numpy(self.stds)}

    def explain(self, pyramid: FeaturePyramid) -> tuple[str, ...]:
        """Name the measures that are clearly bad, the worst first, with their place; if none is, a slight one."""
        worse = _worse(self.modules, pyramid)
        away = (np.array([one.mean() for one in worse]) - self.means) / self.stds
        order = [row for row in np.argsort(-away, kind="stable") if away[row] > CLEAR][:MOST]
        if order:
            return tuple(_phrase(self.names[row], worse[row]) for row in order)
        worst = int(away.argmax())
        return (f"slightly: {_words(self.names[worst])}",) if away[worst] > SLIGHT else ("no single fault stands out",)


def _phrase(name: str, worse: Float[np.ndarray, "_ _"]) -> str:
    place = _place(worse)
    return f"{_words(name)} ({place})" if place else _words(name)


def _place(worse: Float[np.ndarray, "rows columns"]) -> str:
    """Say where the fault lies: a part of the field, or most of it if it covers more than half."""
    if worse.size == 1:
        return ""
    hot = worse >= min(HOT, float(worse.max()))
    if hot.mean() > 0.5:
        return "most of the field"
    rows, columns = np.nonzero(hot)
    vertical = _third(rows.mean(), worse.shape[0], ("upper", "", "lower"))
    horizontal = _third(columns.mean(), worse.shape[1], ("left", "", "right"))
    return " ".join(part for part in (vertical, horizontal) if part) or "centre"


def _third(middle: float, length: int, words: tuple[str, str, str]) -> str:
    return words[min(2, int(3 * (middle + 0.5) / length))]


def _worse(modules: Mapping[str, FittedSigned], pyramid: FeaturePyramid) -> list[Float[np.ndarray, "_ _"]]:
    """Return, per measure, where one image is worse than usual."""
    return [one for module in modules.values() for one in module.channel_maps(pyramid)[0].cpu().numpy()]


def _kinds(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Group measures by the scale that they are read from."""
    kinds: dict[str, tuple[str, ...]] = {}
    for scale, local in (("tiles", True), ("image", False)):
        if own := tuple(name for name in names if MEASURES.load(name).local is local):
            kinds[scale] = own
    return kinds


def _settings(scale: str, names: tuple[str, ...]) -> Signed:
    return Signed(scale=scale, channels=names, floor=0.03)


@cache
def _words(name: str) -> str:
    return MEASURES.load(name).reason
