"""The intensity range: which numbers in the files are black and white, for all images of a model alike.

Were it chosen image by image, a dim scan would be stretched to a bright one. So it is learned from the images that a
model is fitted on, or declared, and saved with the model; an image that does not fit it is refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, final

import numpy as np

from unoqa.core.errors import FitError, ImageError, UsageError
from unoqa.core.image import FLOAT32, SMALLEST_CONTRAST, EnfaceImage, NumberType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Values = TypeVar("Values", float, np.ndarray)

TOLERANCE = 0.001
"""Share of the range by which values may lie outside it; they are clipped."""

CONVERT = "convert it as the images that the model was fitted on"

DEPTHS = (8, 10, 12, 14, 16, 24, 32)
"""Bits that devices use; files store them in the next larger type."""


@final
@dataclass(frozen=True)
class StoredValues:
    """The numbers that the file of one image holds.

    Attributes:
        name: of the image.
    """

    name: str
    number_type: NumberType
    low: float
    high: float

    @classmethod
    def of(cls, image: EnfaceImage) -> StoredValues:
        """Return the numbers of an image."""
        unit = image.number_type.unit
        return cls(image.name, image.number_type, float(image.pixels.min()) * unit, float(image.pixels.max()) * unit)


@final
@dataclass(frozen=True)
class IntensityRange:
    """Which numbers are black and white.

    Attributes:
        number_type: of the files that the model was fitted on.
        low: this number is black.
        high: this number is white.
    """

    number_type: NumberType
    low: float
    high: float

    @property
    def is_full(self) -> bool:
        """Whether it is all that some number of bits can hold, or floats from 0 to 1; then other types have it too."""
        if self.number_type.kind == "unsigned":
            return self.low == 0 and math.log2(self.high + 1).is_integer()
        return self.number_type.kind == "float" and (self.low, self.high) == (0, 1)

    def scale(self, image: EnfaceImage) -> EnfaceImage:
        """Return the image with pixels from 0 (black) to 1 (white).

        Images of the model's number type are scaled by this range. If it is full, unsigned integers of other types are
        scaled by the full range of theirs, and floats must lie within 0–1.

        Raises:
            ImageError: `intensity-range` if the type of the numbers does not fit, if they lie outside the range by more
                than a thousandth of it, or if they hardly differ on it; and as `EnfaceImage.check`.
        """
        image.check()
        black, white = self._find_ends(image)
        low, high = (_scale(float(end), black, white) for end in (image.pixels.min(), image.pixels.max()))
        if low < -TOLERANCE or high > 1 + TOLERANCE:
            raise self._make_error(image)
        if high - low < SMALLEST_CONTRAST:
            raise _refuse(
                image,
                f"less than a millionth of what the model takes for black to white; {CONVERT} ({self})",
            )
        if (black, white) == (0, 1) and low >= 0 and high <= 1 and image.pixels.dtype == np.float32:
            return image
        pixels = _scale(image.pixels.astype(np.float64), black, white).clip(0, 1).astype(np.float32)
        return replace(image, pixels=pixels, number_type=FLOAT32)

    def to_values(self) -> dict[str, Any]:
        """Return plain values, which `from_values` reads back."""
        return {
            "kind": self.number_type.kind,
            "bits": self.number_type.bits,
            "low": float(self.low),
            "high": float(self.high),
        }

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> IntensityRange:
        """Return the range that gave the values.

        Raises:
            LookupError, ValueError: no range gave them.
        """
        made = cls(NumberType(values["kind"], values["bits"]), float(values["low"]), float(values["high"]))
        if made.number_type.kind not in ("unsigned", "signed", "float") or not made.low < made.high:
            raise ValueError(f"{made} is not an intensity range")
        return made

    def __str__(self) -> str:
        return f"{self.number_type} values from {self.low:.6g} to {self.high:.6g}"

    def _find_ends(self, image: EnfaceImage) -> tuple[float, float]:
        """Return the pixels of the image that are black and white."""
        if image.number_type.has_unit_of(self.number_type):
            return self.low / image.number_type.unit, self.high / image.number_type.unit
        if self.is_full and image.number_type.kind != "signed":
            return 0.0, 1.0
        raise _refuse(image, f"and the model was fitted on {self}; {CONVERT}, or fit a model on such images")

    def _make_error(self, image: EnfaceImage) -> ImageError:
        """Say that the image's numbers lie outside the range."""
        if image.number_type.has_unit_of(self.number_type):
            range_ = f"the model's intensity range of {self.low:.6g} to {self.high:.6g}"
            return _refuse(image, f"outside {range_}; {CONVERT}, or fit again with an intensity range that holds it")
        fits = f"the model was fitted on {self}, to which floats correspond only from 0 to 1"
        return _refuse(image, f"and {fits}; {CONVERT}, or fit a model on such images")


def choose_range(images: Sequence[StoredValues], declared: tuple[float, float] | None) -> IntensityRange:
    """Choose the range of the images that a model is fitted on.

    Args:
        declared: black and white; None learns them. Unsigned integers then have the fewest of 8, 10, 12, 14, 16, 24 or
            32 bits that hold all images; floats within 0–1 have that range; other numbers reach from the smallest to
            the largest of all images.

    Raises:
        FitError: the images hold numbers of different types.
    """
    if not images:
        return IntensityRange(FLOAT32, *map(float, declared or (0.0, 1.0)))
    first = images[0]
    for other in images:
        if not other.number_type.has_unit_of(first.number_type):
            raise FitError(
                f"{first.name} holds {first.number_type} values and {other.name} {other.number_type} values, so equal "
                "numbers do not mean equal brightness; convert all images to one type, or leave one kind out."
            )
    return IntensityRange(first.number_type, *map(float, declared or _learn_ends(images)))


def check_declared(declared: tuple[float, float]) -> None:
    """Refuse two numbers that are not a range.

    Raises:
        UsageError: they are not finite, or the first is not the smaller.
    """
    low, high = declared
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(
            f"The intensity range {low:g} to {high:g} is empty or not finite; give the number that is black and the "
            "larger one that is white, such as 0 and 4095."
        )


def _learn_ends(images: Sequence[StoredValues]) -> tuple[float, float]:
    number_type = images[0].number_type
    low, high = min(one.low for one in images), max(one.high for one in images)
    if number_type.kind == "unsigned":
        depths = (*(bits for bits in DEPTHS if bits < number_type.bits), number_type.bits)
        held = (2.0**bits - 1 for bits in depths)
        return 0.0, next(white for white in held if high < white + 0.5 or white == number_type.unit)
    if number_type.kind == "float" and low >= -TOLERANCE and high <= 1 + TOLERANCE:
        return 0.0, 1.0
    return low, high


def _scale(values: Values, black: float, white: float) -> Values:
    """Scale linearly; divide by the larger end first, because the difference of two huge floats would be infinite."""
    largest = max(abs(black), abs(white))
    return (values / largest - black / largest) / (white / largest - black / largest)


def _refuse(image: EnfaceImage, why: str) -> ImageError:
    return ImageError("intensity-range", f"{image.name} holds {image.describe_values()}, {why}.")
