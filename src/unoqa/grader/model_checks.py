"""Checks of a model that is read: what must hold for it to grade as it did when it was saved."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from unoqa.core.errors import ModelError
from unoqa.encoders.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unoqa.core.contracts import State
    from unoqa.grader.open_encoders import OpenEncoders


def check_measures(measures: Mapping[str, int]) -> None:
    """Refuse a model whose measures are not those of this installation.

    Raises:
        ModelError: they are not.
    """
    for name, made in measures.items():
        here = MEASURES.load(name).version if name in MEASURES.names() else None
        if here != made:
            raise ModelError(
                f"The model was made with version {made} of the measure '{name}', and this installation has "
                f"{'none' if here is None else here}; fit it again, or install the version that made it."
            )


def check_numbers(document: Mapping[str, Any], arrays: State) -> None:
    """Refuse numbers that no fit gives.

    Raises:
        ValueError: such a number.
    """
    numbers = [document["threshold"], document["std"], *(standard["std"] for standard in document["standards"])]
    if not all(math.isfinite(number) for number in numbers) or min(numbers[1:]) <= 0:
        raise ValueError("a threshold or standard deviation is out of range")
    if damaged := [name for name, array in arrays.items() if array.is_floating_point() and array.isnan().any()]:
        raise ValueError(f"{damaged[0]} holds NaN")


def check_weights(checksums: list[str], encoders: OpenEncoders) -> None:
    """Refuse a model whose encoders have other weights than it was made with.

    Raises:
        ModelError: they have.
    """
    for made, encoder in zip(checksums, encoders.all, strict=True):
        if made != encoder.checksum:
            raise ModelError(
                f"An encoder's weights have SHA-256 {encoder.checksum[:12]}…, but the model was made with "
                f"{made[:12]}…; copy the model again from where it was made."
            )
