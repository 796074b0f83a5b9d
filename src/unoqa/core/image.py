"""One en-face image: the type in which all other packages receive it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from jaxtyping import Float
from PIL import Image

from unoqa.core.errors import ImageError
from unoqa.core.facts import NO_FACTS, Facts

SMALLEST_SIDE = 64
"""Pixels; a smaller image does not resolve capillaries in any published field of view."""

SMALLEST_CONTRAST = 1e-6
"""Share of a range; values that differ by less count as one brightness."""


@final
@dataclass(frozen=True)
class NumberType:
    """The type of the numbers in a file, such as `uint8` or `float32`.

    Attributes:
        bits: of one number; 12 for a TIFF that packs 12 bits.
    """

    kind: Literal["unsigned", "signed", "float"]
    bits: int

    @property
    def unit(self) -> float:
        """The number that a pixel of 1 stands for: the largest of an unsigned type; 1 of any other type."""
        return 2.0**self.bits - 1 if self.kind == "unsigned" else 1.0

    def has_unit_of(self, other: NumberType) -> bool:
        """Tell whether equal pixels of both types stand for equal numbers."""
        return self.kind == other.kind and self.unit == other.unit

    def __str__(self) -> str:
        word = {"unsigned": "uint", "signed": "int", "float": "float"}[self.kind]
        return f"{word}{self.bits}"


FLOAT32 = NumberType("float", 32)
"""Of brightness from 0 to 1."""


@final
@dataclass(frozen=True, repr=False)
class EnfaceImage:
    """A grey en-face image.

    Attributes:
        name: the path as given, relative to the folder; further pages of a TIFF have `#page` appended.
        pixels: the numbers in the file; those of an unsigned type are divided by the largest that it can hold. Which
            of them are black and white is not known here: each model has its intensity range.
        facts: what the file says of device, eye and field.
        number_type: of the numbers in the file.
    """

    name: str
    pixels: Float[np.ndarray, "rows columns"]
    facts: Facts = NO_FACTS
    number_type: NumberType = FLOAT32

    def __repr__(self) -> str:
        size = "×".join(map(str, reversed(self.pixels.shape)))
        return f"EnfaceImage({self.name!r}, {size})"

    def digest(self) -> str:
        """Return the SHA-256 of the pixels; images with equal pixels have the same, whatever their names."""
        shape = f"{self.pixels.shape[0]}x{self.pixels.shape[1]}:".encode()
        return hashlib.sha256(shape + np.ascontiguousarray(self.pixels).tobytes()).hexdigest()

    def describe_values(self) -> str:
        """Return the type of the numbers in the file, the smallest and the largest, in words."""
        low, high = (float(end) * self.number_type.unit for end in (self.pixels.min(), self.pixels.max()))
        return f"{self.number_type} values from {low:.6g} to {high:.6g}"

    def check(self) -> None:
        """Check what does not depend on which numbers are black and white.

        Raises:
            ImageError: the image is not grey, has values that are not finite, is smaller than 64 pixels on a side, or
                constant.
        """
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
        if high - low <= SMALLEST_CONTRAST * max(-low, high):
            raise ImageError("constant", f"{self.name} has one brightness everywhere; export it again.")

    def resize(self, size: int) -> Float[np.ndarray, "size size"]:
        """Resize to a square with Pillow's bilinear filter, whose support grows as the image is reduced.

        This prevents aliasing: a filter of fixed support would turn capillaries into noise.

        Raises:
            ImageError: the image fails `check`, or its pixels are not within 0–1, or hardly differ in brightness.
        """
        self.check()
        self._check_brightness()
        return resize_pixels(self.pixels, size)

    def _check_brightness(self) -> None:
        low, high = float(self.pixels.min()), float(self.pixels.max())
        if low < 0 or high > 1:
            raise ImageError(
                "unsupported",
                f"{self.name} holds values from {low:g} to {high:g}; "
                "divide them by the largest that their type can hold, so that they lie within 0–1.",
            )
        if high - low < SMALLEST_CONTRAST:
            raise ImageError(
                "intensity-range",
                f"{self.name} holds {self.describe_values()}, less than a millionth of the intensity range; store it "
                "as uint8, or in the same way as the other images.",
            )


def resize_pixels(pixels: Float[np.ndarray, "rows columns"], size: int) -> Float[np.ndarray, "size size"]:
    """Resize brightness within 0–1 to a square; see `EnfaceImage.resize`."""
    if pixels.shape == (size, size):
        return pixels.astype(np.float32)
    picture = Image.fromarray(pixels.astype(np.float32), mode=None)
    resized = picture.resize((size, size), Image.Resampling.BILINEAR)
    return np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)
