"""The representations of one flow that could be clustered: each kind of map, its quantiles, and the latents.

The paper calls what is reduced and clustered F_H.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final, get_args

import numpy as np
import torch

from unoqa.grader.panel import flatten_to_half
from unoqa.grader.split import compute_quantiles
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
class FlowRepresentations:
    """All representations of the images of one split by one flow; each image's latents are written to a file.

    Attributes:
        file: takes the latents, in half precision, one image after the other.
        rows: by the representation's name, the numbers of each image.
    """

    module: FittedFlows
    file: Path
    rows: dict[str, list[np.ndarray]] = field(default_factory=dict)

    @classmethod
    def of_module(cls, module: object, file: Path) -> FlowRepresentations | None:
        """Return the representations of a flow, without images; None for another module: it has one kind of map."""
        return cls(module, file) if isinstance(module, FittedFlows) else None

    def add(self, pyramid: FeaturePyramid) -> None:
        """Compute and add the representations of one image."""
        with torch.inference_mode():
            inferred = self.module.infer(pyramid)
            for kind in KINDS:
                grids = [grid[0].cpu().numpy() for grid in self.module.make_maps(inferred, kind)]
                self.rows.setdefault(kind, []).append(np.concatenate([grid.ravel() for grid in grids]))
                if kind == "log-energy":
                    numbers = np.concatenate([compute_quantiles(grid) for grid in grids])
                    self.rows.setdefault("quantile", []).append(numbers.astype(np.float32))
        with self.file.open("ab") as file:
            file.write(flatten_to_half([latent for latent, _ in inferred]).tobytes())

    def arrays(self) -> dict[str, Tensor]:
        """Return all representations but the latents, by their names."""
        return {f"representation.{name}": torch.from_numpy(np.stack(rows)) for name, rows in self.rows.items()}


def map_latents(file: Path, images: int) -> Float[np.ndarray, "images numbers"]:
    """Return the latents in a file as a mapped array."""
    return np.memmap(file, dtype=np.float16, mode="r").reshape(images, -1)
