"""What is wrong with an image: measures that are far worse than those of outstanding images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Bool, Float

from unoqa.core.contracts import select_prefix
from unoqa.core.findings import Finding
from unoqa.encoders.measures import MEASURES
from unoqa.lowquality.signed import FittedSigned, Signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from unoqa.core.contracts import State
    from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
    from unoqa.encoders.measures.parts.measure import Measure

CLEAR = 3.0
"""Standard deviations beyond outstanding images from which a measure is a finding."""

SLIGHT = 1.0
"""Standard deviations from which the worst measure is a slight finding if none is clear."""

MAX_FINDINGS = 3
"""Findings per image, at most."""

HOT = 2.0
"""Standard deviations from which a place belongs to the fault."""

SAME = 0.5
"""Share of the places of a measure from which they lie within those of another one."""

ALIKE = 1 / 3
"""Share of the places of either of two measures that both have, from which they find the same."""

PERCENTILES = (5, 95)
"""The range of outstanding images that a finding shows."""


@final
@dataclass(frozen=True)
class FittedFindings:
    """Per measure: what outstanding images look like.

    Attributes:
        names: the measures: first those with a number per place, then those with one number per image.
        modules: the fitted module of either kind, by the scale it reads.
        means, stds: mean and standard deviation, over outstanding images, of how much of the field is worse than usual.
        ranges: per measure, 5th and 95th percentile of outstanding images at each place.
    """

    names: tuple[str, ...]
    modules: Mapping[str, FittedSigned]
    means: Float[np.ndarray, " measures"]
    stds: Float[np.ndarray, " measures"]
    ranges: tuple[Float[np.ndarray, "2 _rows _columns"], ...]

    @classmethod
    def fit(cls, features: FeatureSet) -> FittedFindings:
        """Fit on the measures of outstanding images."""
        kinds = _group_by_scale(MEASURES.names())
        modules = {scale: _settings(scale, names).fit(features, seed=0) for scale, names in kinds.items()}
        shares, values = [], []
        for pyramid in features.batches(size=1):
            shares.append([worse.mean() for worse in _deviations(modules, pyramid)])
            values.append(_values(modules, pyramid))
        scores = np.array(shares)
        ranges = tuple(
            np.percentile(np.stack(grids), PERCENTILES, axis=0).astype(np.float32)
            for grids in zip(*values, strict=True)
        )
        names = sum(kinds.values(), ())
        return cls(names, modules, scores.mean(axis=0), np.maximum(scores.std(axis=0), 0.05), ranges)

    @classmethod
    def restore(cls, state: Mapping[str, Tensor], names: Sequence[str], scales: tuple[Scale, ...]) -> FittedFindings:
        """Return what gave `state` for the measures named, in their order; those that `scales` lack are left out."""
        modules, rows, start = {}, [], 0
        for scale in scales:
            own = select_prefix(state, f"{scale.name}.")
            fitted = names[start : start + len(own.get("mean", ()))]
            places = [place for place, name in enumerate(fitted) if name in scale.channels]
            if places:
                kept = {name: array[places] for name, array in own.items()}
                modules[scale.name] = _settings(scale.name, tuple(fitted[one] for one in places)).restore(kept, scales)
            rows += [start + place for place in places]
            start += len(fitted)
        ordered = tuple(names[row] for row in rows)
        ranges = tuple(state[f"range.{name}"].cpu().numpy() for name in ordered)
        means, stds = (state[name].cpu().numpy()[rows] for name in ("means", "stds"))
        return cls(ordered, modules, means, stds, ranges)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The words of the faults that can be found."""
        return tuple(MEASURES.load(name).reason for name in self.names)

    def state(self) -> State:
        """Return the fitted arrays."""
        modules = {
            f"{scale}.{part}": array for scale, module in self.modules.items() for part, array in module.state().items()
        }
        ranges = {f"range.{name}": torch.from_numpy(grid) for name, grid in zip(self.names, self.ranges, strict=True)}
        return {**modules, **ranges, "means": torch.from_numpy(self.means), "stds": torch.from_numpy(self.stds)}

    def find(self, pyramid: FeaturePyramid) -> tuple[Finding, ...]:
        """Return the measures that are clearly bad, the worst first; if none is, a slight one or nothing."""
        worse = _deviations(self.modules, pyramid)
        strengths = self._compare(worse)
        values = _values(self.modules, pyramid)
        ranked = np.argsort(-strengths, kind="stable").tolist()
        clear = self._name_once([row for row in ranked if strengths[row] > CLEAR], worse)[:MAX_FINDINGS]
        slight = not clear
        rows = clear or [row for row in ranked[:1] if strengths[row] > SLIGHT]
        return tuple(self._describe(row, worse[row], values[row], float(strengths[row]), slight) for row in rows)

    def measure_strengths(self, pyramid: FeaturePyramid) -> Float[np.ndarray, " measures"]:
        """Return how far each measure of an image is beyond outstanding images, in their standard deviations."""
        return self._compare(_deviations(self.modules, pyramid))

    def _compare(self, worse: Sequence[Float[np.ndarray, "_ _"]]) -> Float[np.ndarray, " measures"]:
        return (np.array([one.mean() for one in worse]) - self.means) / self.stds

    def _name_once(self, rows: Sequence[int], worse: Sequence[Float[np.ndarray, "_ _"]]) -> list[int]:
        """Leave out what another measure names better: a shadow has one name."""
        places = {self.names[row]: _find_hot(worse[row]) for row in rows}
        left_out = {
            _choose_worse_name(effect, cause, places)
            for effect in places
            for cause in _measure(effect).explained_by
            if cause in places
        }
        return [row for row in rows if self.names[row] not in left_out]

    def _describe(
        self,
        row: int,
        worse: Float[np.ndarray, "_rows _columns"],
        values: Float[np.ndarray, "_rows _columns"],
        strength: float,
        slight: bool,
    ) -> Finding:
        measure = _measure(self.names[row])
        hot = _find_hot(worse)
        low, high = (float(bound[hot].mean()) for bound in self.ranges[row])
        return Finding(
            measure=self.names[row],
            words=measure.reason,
            strength=strength,
            slight=slight,
            place=_name_place(hot),
            share=float(hot.mean()),
            value=float(values[hot].mean()),
            low=low,
            high=high,
            unit=measure.unit,
            direction=measure.direction,
        )


def place_anatomically(findings: Sequence[Finding], orientation: str) -> tuple[Finding, ...]:
    """Return findings whose places are those of the eye: upper is superior, and right is the left of the patient.

    So an eye is seen by who faces the patient, and most devices store it so.

    Args:
        orientation: the fact, such as `inferior, left of the patient`; empty leaves the places of the image.
    """
    turned: dict[str, str] = {}
    if orientation.startswith("inferior"):
        turned |= {"upper": "lower", "lower": "upper"}
    if orientation.endswith("right of the patient"):
        turned |= {"left": "right", "right": "left"}
    words = ((one, one.place.split()) for one in findings)
    return tuple(replace(one, place=" ".join(turned.get(word, word) for word in place)) for one, place in words)


def _find_hot(worse: Float[np.ndarray, "_rows _columns"]) -> Bool[np.ndarray, "_rows _columns"]:
    return worse >= min(HOT, float(worse.max()))


def _choose_worse_name(effect: str, cause: str, places: Mapping[str, Bool[np.ndarray, "_ _"]]) -> str:
    """Return which of two measures not to name, if they find one fault: the effect, or a cause within a larger effect.

    What nothing else explains, such as a missing area, is named in any case.
    """
    both = (places[effect] & places[cause]).sum()
    if both > SAME * places[effect].sum() or both > ALIKE * (places[effect] | places[cause]).sum():
        return effect
    within = both > SAME * places[cause].sum() and _measure(cause).explained_by
    return cause if within else ""


def _name_place(hot: np.ndarray) -> str:
    """Say where the fault lies: a part of the field, or most of it if it covers more than half."""
    if hot.size == 1:
        return ""
    if hot.mean() > 0.5:
        return "most of the field"
    rows, columns = np.nonzero(hot)
    vertical = _name_third(rows.mean(), hot.shape[0], ("upper", "", "lower"))
    horizontal = _name_third(columns.mean(), hot.shape[1], ("left", "", "right"))
    return " ".join(part for part in (vertical, horizontal) if part) or "centre"


def _name_third(middle: float, length: int, words: tuple[str, str, str]) -> str:
    return words[min(2, int(3 * (middle + 0.5) / length))]


def _deviations(modules: Mapping[str, FittedSigned], pyramid: FeaturePyramid) -> list[Float[np.ndarray, "_ _"]]:
    """Return, per measure, standard deviations on the bad side at each place of one image."""
    return [one for module in modules.values() for one in module.channel_maps(pyramid)[0].cpu().numpy()]


def _values(modules: Mapping[str, FittedSigned], pyramid: FeaturePyramid) -> list[Float[np.ndarray, "_ _"]]:
    """Return, per measure, its value at each place of one image."""
    return [one for module in modules.values() for one in module.channel_values(pyramid)[0].cpu().numpy()]


def _group_by_scale(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Group measures by the scale that they are read from."""
    kinds: dict[str, tuple[str, ...]] = {}
    for scale, local in (("tiles", True), ("image", False)):
        if own := tuple(name for name in names if MEASURES.load(name).local is local):
            kinds[scale] = own
    return kinds


def _settings(scale: str, names: tuple[str, ...]) -> Signed:
    return Signed(scale=scale, channels=names, floor=0.03)


@cache
def _measure(name: str) -> type[Measure]:
    return MEASURES.load(name)
