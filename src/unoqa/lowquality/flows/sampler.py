"""Batches for learning, drawn from features in memory or in mapped files; a step's number decides its batch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from unoqa.core.features import FeatureSet

IMAGES_A_DRAW = 32
"""Images whose fibres are mixed: read whole and one after the other, as files are read fast."""

STEPS_A_DRAW = 8
"""Steps that are fed by one draw, so that reading 32 images pays; where they are turned, all their fibres are used."""


HELD_OUT = 0.15
"""Share of the images by whose loss learning is stopped."""


@final
@dataclass(frozen=True)
class Fibres:
    """Vectors of channels and the places, counted along the rows of the grid, at which they stand."""

    vectors: Float[Tensor, "fibres channels"]
    places: Int[Tensor, " fibres"]

    def parts(self, size: int) -> Iterator[Fibres]:
        """Yield at most so many at a time."""
        for vectors, places in zip(torch.split(self.vectors, size), torch.split(self.places, size), strict=True):
            yield Fibres(vectors, places)


@final
class FibreSampler:
    """Random fibres of one scale; the draw of a step is the same whichever step was asked for before."""

    def __init__(
        self,
        features: FeatureSet,
        prepare: Callable[[Tensor], Tensor],
        *,
        batch: int,
        seed: int,
        degrees: float = 0.0,
    ) -> None:
        """`features` has one scale; `prepare` is applied to the grids of whole images, such as smoothing.

        Images are encoded anew for each draw where they are to be turned, by up to `degrees` to either side.
        """
        self._degrees = degrees
        self._features = features
        self._prepare = prepare
        self._batch = batch
        self._seed = seed
        self._held: tuple[int, Fibres] | None = None

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a grid that is prepared."""
        first = next(self._features.subset(np.array([0])).batches(1)).scales[0]
        rows, columns = self._prepare(first).shape[2:]
        return rows, columns

    @cached_property
    def _steps(self) -> int:
        """How many steps a draw feeds."""
        return max(STEPS_A_DRAW, self._fibres // self._batch) if self._degrees else STEPS_A_DRAW

    @cached_property
    def _fibres(self) -> int:
        """How many fibres the images of a draw have."""
        return min(IMAGES_A_DRAW, len(self._features)) * self.shape[0] * self.shape[1]

    def at(self, step: int) -> Fibres:
        """Return the fibres of one step."""
        number, part = divmod(step, self._steps)
        if self._held is None or self._held[0] != number:
            self._held = number, self._draw(number, self._batch * self._steps)
        drawn = self._held[1]
        chosen = slice(part * self._batch, (part + 1) * self._batch)
        return Fibres(drawn.vectors[chosen], drawn.places[chosen])

    def distinct(self, most: int) -> Fibres:
        """Return so many fibres, none twice; all there are where those are fewer."""
        return self._draw(0, min(most, self._fibres))

    def _draw(self, number: int, wanted: int) -> Fibres:
        random = np.random.default_rng([self._seed, number])
        count = min(IMAGES_A_DRAW, len(self._features))
        rows = np.sort(random.permutation(len(self._features))[:count])
        angles = random.uniform(-self._degrees, self._degrees, len(rows)) if self._degrees else np.zeros(len(rows))
        places = self.shape[0] * self.shape[1]
        cells = self._fibres
        drawn = random.permutation(cells)[:wanted] if cells >= wanted else random.integers(cells, size=wanted)
        image, place = (torch.from_numpy(part).to(self._features.device) for part in np.divmod(drawn, places))
        vectors = torch.empty(wanted, len(self._features.scales[0].channels), device=self._features.device)
        encode_rotated = zip(rows.tolist(), angles.tolist(), strict=True)
        for position, (row, angle) in enumerate(encode_rotated):  # one grid in memory at a time
            own = image == position
            vectors[own] = self._prepare(self._grid(row, angle)).flatten(2)[0].T[place[own]]
        return Fibres(vectors, place)

    def _grid(self, row: int, angle: float) -> Float[Tensor, "1 channels rows columns"]:
        chosen = self._features.subset(np.array([row]))
        return (chosen.encode_rotated(np.array([angle])) if self._degrees else next(chosen.batches(1))).scales[0]


def sample_images(features: FeatureSet, step: int, *, batch: int, seed: int) -> Float[Tensor, "batch channels _r _c"]:
    """Return the grids of whole images of one scale for one step: each image once a pass, in an order of its own."""
    number, part = divmod(step, steps_per_epoch(len(features), batch))
    order = np.random.default_rng([seed, number]).permutation(len(features))
    rows = np.sort(np.array_split(order, steps_per_epoch(len(features), batch))[part])
    return next(features.subset(rows).batches(batch)).scales[0]


def steps_per_epoch(images: int, batch: int) -> int:
    """Return in how many steps of at most `batch` images, of nearly equal size, each image is drawn once."""
    return -(-images // batch)


def split_off(features: FeatureSet, *, patience: int, seed: int) -> tuple[FeatureSet, FeatureSet]:
    """Return the images to learn from, and those by whose loss learning is stopped.

    Where nothing stops it (`patience` 0) all are learned from, and a few of them tell whether there is a loss at all.
    """
    seen, unseen = (features.subset(rows) for rows in held_out_rows(len(features), HELD_OUT, seed=seed))
    return (seen if patience else features), unseen


def held_out_rows(images: int, share: float, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Deal images to those learned from and those held out, of which there is at least one of either."""
    order = np.random.default_rng(seed).permutation(images)
    count = min(max(1, round(share * images)), images - 1)
    return np.sort(order[count:]), np.sort(order[:count])
