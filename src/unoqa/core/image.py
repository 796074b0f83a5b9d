"""One en-face image: the type in which all other packages receive it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Float
from PIL import Image

from unoqa.core.errors import ImageError
from unoqa.core.facts import NO_FACTS, Facts

SMALLEST_SIDE = 64
"""Pixels; a smaller image does not resolve capillaries in any published field of view."""


@final
@dataclass(frozen=True, repr=False)
class EnfaceImage:
    """A grey en-face image.

    Attributes:
        name: the path as given, relative to the folder; further pages of a TIFF have `#page` appended.
        pixels: brightness from 0 (black) to 1 (the brightest value that the file's type can hold).
        facts: what the file says of device, eye and field.
    """

    name: str
    pixels: Float[np.ndarray, "rows columns"]
    facts: Facts = NO_FACTS

    def __repr__(self) -> str:
        size = "×".join(map(str, reversed(self.pixels.shape)))
        return f"EnfaceImage({self.name!r}, {size})"

    def digest(self) -> str:
        """Return the SHA-256 of the pixels; images with equal pixels have the same, whatever their names."""
        shape = f"{self.pixels.shape[0]}x{self.pixels.shape[1]}:".encode()
        return hashlib.sha256(shape + np.ascontiguousarray(self.pixels).tobytes()).hexdigest()

    def resize(self, size: int) -> Float[np.ndarray, "size size"]:
        """Resize to a square with Pillow's bilinear filter, whose support grows as the image is reduced.

        This prevents aliasing: a filter of fixed support would turn capillaries into noise.

        Raises:
            ImageError: the image is not grey, has values that are not finite or not within 0–1, is smaller than 64
                pixels on a side, or constant.
        """
        self._check()
        if self.pixels.shape == (size, size):
            return self.pixels.astype(np.float32)
        picture = Image.fromarray(self.pixels.astype(np.float32), mode=None)
        resized = picture.resize((size, size), Image.Resampling.BILINEAR)
        return np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)

    def _check(self) -> None:
        if self.pixels.ndim != 2:
            raise ImageError(
                "unsupported",
                f"{self.name} is an array of shape {self.pixels.shape}; give one grey channel, rows × columns.",
            )
        rows, columns = self.pixels.shape
        if min(rows, columns) < SMALLEST_SIDE:
            raise ImageError(
                "too-small",
                f"{self.name} has {columns}×{rows} pixels; export it with at least {SMALLEST_SIDE} on each side.",
            )
        if not np.isfinite(self.pixels).all():
            raise ImageError("not-finite", f"{self.name} holds NaN or infinite values; export it again.")
        low, high = float(self.pixels.min()), float(self.pixels.max())
        if low < 0 or high > 1:
            raise ImageError(
                "unsupported",
                f"{self.name} holds values from {low:g} to {high:g}; "
                "divide them by the largest that their type can hold, so that they lie within 0–1.",
            )
        if high - low < 1e-6:
            raise ImageError("constant", f"{self.name} has one brightness everywhere; export it again.")
