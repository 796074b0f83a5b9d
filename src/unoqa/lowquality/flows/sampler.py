"""Training batches, drawn from features in memory or in mapped files; the number of a step decides its batch."""

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

IMAGES_PER_DRAW = 32
"""Images whose fibres are mixed in one draw: each is read whole and in order, which is the fast way to read files."""

STEPS_PER_DRAW = 8
"""Training steps fed by one draw, so that reading 32 images pays. With rotation, steps use up all fibres of a draw."""

HELD_OUT_SHARE = 0.15
"""Share of the images whose loss decides when training stops."""


@final
@dataclass(frozen=True)
class FibreBatch:
    """Fibres, and the index of each one's position in its grid, counted row by row."""

    vectors: Float[Tensor, "fibres channels"]
    positions: Int[Tensor, " fibres"]

    def split(self, size: int) -> Iterator[FibreBatch]:
        """Yield parts of at most `size` fibres."""
        parts = zip(torch.split(self.vectors, size), torch.split(self.positions, size), strict=True)
        for vectors, positions in parts:
            yield FibreBatch(vectors, positions)


@final
class FibreSampler:
    """Random fibres of one scale; the batch of a step does not depend on the steps sampled before."""

    def __init__(
        self,
        features: FeatureSet,
        prepare: Callable[[Tensor], Tensor],
        *,
        batch: int,
        seed: int,
        rotation: float = 0.0,
    ) -> None:
        """Sample from `features` of one scale.

        Args:
            prepare: applied to the grid of each whole image, such as smoothing.
            batch: fibres per step.
            rotation: largest rotation in degrees; above 0, the images of each draw are rotated and encoded anew.
        """
        self._features = features
        self._prepare = prepare
        self._batch = batch
        self._seed = seed
        self._rotation = rotation
        self._last_draw: tuple[int, FibreBatch] | None = None

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a prepared grid."""
        return find_prepared_shape(self._features, self._prepare)

    @cached_property
    def _steps_per_draw(self) -> int:
        return max(STEPS_PER_DRAW, self._fibres_per_draw // self._batch) if self._rotation else STEPS_PER_DRAW

    @cached_property
    def _fibres_per_draw(self) -> int:
        """All fibres of the images of one draw."""
        return min(IMAGES_PER_DRAW, len(self._features)) * self.shape[0] * self.shape[1]

    def sample(self, step: int) -> FibreBatch:
        """Return the fibres of one training step."""
        number, part = divmod(step, self._steps_per_draw)
        if self._last_draw is None or self._last_draw[0] != number:
            self._last_draw = number, self._draw(number, self._batch * self._steps_per_draw)
        drawn = self._last_draw[1]
        own = slice(part * self._batch, (part + 1) * self._batch)
        return FibreBatch(drawn.vectors[own], drawn.positions[own])

    def sample_distinct(self, count: int) -> FibreBatch:
        """Return `count` fibres of one draw, none twice; all of them where the draw has fewer."""
        return self._draw(0, min(count, self._fibres_per_draw))

    def _draw(self, number: int, count: int) -> FibreBatch:
        random = np.random.default_rng([self._seed, number])
        images = min(IMAGES_PER_DRAW, len(self._features))
        rows = np.sort(random.permutation(len(self._features))[:images])
        angles = random.uniform(-self._rotation, self._rotation, len(rows)) if self._rotation else np.zeros(len(rows))
        available = self._fibres_per_draw
        drawn = random.permutation(available)[:count] if available >= count else random.integers(available, size=count)
        positions_per_image = self.shape[0] * self.shape[1]
        image, position = (
            torch.from_numpy(part).to(self._features.device) for part in np.divmod(drawn, positions_per_image)
        )
        vectors = torch.empty(count, len(self._features.scales[0].channels), device=self._features.device)
        for index, (row, angle) in enumerate(zip(rows.tolist(), angles.tolist(), strict=True)):  # one grid in memory
            own = image == index
            vectors[own] = self._prepare(self._read_grid(row, angle)).flatten(2)[0].T[position[own]]
        return FibreBatch(vectors, position)

    def _read_grid(self, row: int, angle: float) -> Float[Tensor, "1 channels rows columns"]:
        image = self._features.subset(np.array([row]))
        return (image.encode_rotated(np.array([angle])) if self._rotation else next(image.batches(1))).scales[0]


def find_prepared_shape(features: FeatureSet, prepare: Callable[[Tensor], Tensor]) -> tuple[int, int]:
    """Return rows and columns of the first image's grid after `prepare`."""
    rows, columns = prepare(next(features.subset(np.array([0])).batches(1)).scales[0]).shape[2:]
    return rows, columns


def sample_images(features: FeatureSet, step: int, *, batch: int, seed: int) -> Float[Tensor, "batch channels _r _c"]:
    """Return the grids of whole images of one scale for one step: each image once per epoch, in a new random order."""
    epoch, part = divmod(step, steps_per_epoch(len(features), batch))
    order = np.random.default_rng([seed, epoch]).permutation(len(features))
    rows = np.sort(np.array_split(order, steps_per_epoch(len(features), batch))[part])
    return next(features.subset(rows).batches(batch)).scales[0]


def steps_per_epoch(images: int, batch: int) -> int:
    """Return the number of steps in which each image is drawn once, in batches of at most `batch` images."""
    return -(-images // batch)


def split_held_out(features: FeatureSet, *, patience: int, seed: int) -> tuple[FeatureSet, FeatureSet]:
    """Return the images to train on, and the held-out images whose loss stops training.

    With `patience` 0 nothing stops training early: it uses all images, and the loss of the held-out ones only tells
    whether it is finite.
    """
    training, held_out = (features.subset(rows) for rows in split_rows(len(features), HELD_OUT_SHARE, seed=seed))
    return (training if patience else features), held_out


def split_rows(images: int, held_out_share: float, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split images at random into those to train on and those held out, at least one of each."""
    order = np.random.default_rng(seed).permutation(images)
    held_out = min(max(1, round(held_out_share * images)), images - 1)
    return np.sort(order[held_out:]), np.sort(order[:held_out])
