"""What a low-quality module says of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from jaxtyping import Float
from torch import Tensor


@final
@dataclass(frozen=True)
class Evidence:
    """Scores and maps of a batch of images.

    Attributes:
        score: higher = worse; one number an image, unbounded, comparable within one fitted module only.
        maps: the paper's p_1 … p_K turned so that higher = worse and never negative; one a scale.
    """

    score: Float[Tensor, " batch"]
    maps: tuple[Float[Tensor, "batch _rows _columns"], ...]
