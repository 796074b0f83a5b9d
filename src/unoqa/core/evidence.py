"""What a low-quality module predicts for images."""

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
        score: one number per image; higher is worse. Unbounded; comparable within one fitted module only.
        maps: one per scale; higher is worse, and no value is negative. They are the paper's p_1 … p_K, with the sign
            turned.
    """

    score: Float[Tensor, " batch"]
    maps: tuple[Float[Tensor, "batch _rows _columns"], ...]
