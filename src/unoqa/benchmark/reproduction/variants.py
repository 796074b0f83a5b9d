"""What else could be F_H: the kinds of map, and the latents, of one flow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final, get_args

import numpy as np
import torch

from unoqa.grader.panel import flatten_to_half
from unoqa.grader.split import quantiles
from unoqa.lowquality.flows.fitted import FittedFlows
from unoqa.lowquality.flows.likelihood import MapKind

if TYPE_CHECKING:
    from pathlib import Path

    from jaxtyping import Float
    from torch import Tensor

    from unoqa.core.features import FeaturePyramid

KINDS: tuple[MapKind, ...] = get_args(MapKind)


@final
@dataclass
class Variants:
    """Every F_H of the images of one split, by the first fold's flow; latents go to a file as they come.

    Attributes:
        file: where latents are written, in half precision, one image after the other.
    """

    module: FittedFlows
    file: Path
    found: dict[str, list[np.ndarray]] = field(default_factory=dict)

    @classmethod
    def of(cls, module: object, file: Path) -> Variants | None:
        """Return the variants of a flow; None of another module, which has one kind of map only."""
        return cls(module, file) if isinstance(module, FittedFlows) else None

    def add(self, pyramid: FeaturePyramid) -> None:
        """Ask about one image."""
        with torch.inference_mode():
            asked = self.module.asked(pyramid)
            for kind in KINDS:
                grids = [grid[0].cpu().numpy() for grid in self.module.maps(asked, kind)]
                self.found.setdefault(kind, []).append(np.concatenate([grid.ravel() for grid in grids]))
                if kind == "log-energy":
                    numbers = np.concatenate([quantiles(grid) for grid in grids])
                    self.found.setdefault("quantile", []).append(numbers.astype(np.float32))
        with self.file.open("ab") as file:
            file.write(flatten_to_half([latent for latent, _ in asked]).tobytes())

    def arrays(self) -> dict[str, Tensor]:
        """Return everything but the latents, by the kind's name."""
        return {f"variant.{name}": torch.from_numpy(np.stack(rows)) for name, rows in self.found.items()}


def latents(file: Path, images: int) -> Float[np.ndarray, "images numbers"]:
    """Return the latents in a file, mapped."""
    return np.memmap(file, dtype=np.float16, mode="r").reshape(images, -1)
