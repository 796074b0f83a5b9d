"""One image through the encoders of a grader."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, final

from jaxtyping import Float

from unoqa.encoders.measures import MEASURES, Measures
from unoqa.store.workspace import make_key
from unoqa.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import torch

    from unoqa.core.contracts import Encoder, OpenEncoder, State
    from unoqa.core.features import FeaturePyramid
    from unoqa.core.image import EnfaceImage
    from unoqa.store.feature_files import FeatureFiles
    from unoqa.store.workspace import Workspace

MEASURES_ENCODER = Measures()
"""The encoder that reasons are read from; it runs on what is refused, where the panel has not run it by then."""

VERSIONED = ("torch", "timm", "numpy", "scipy", "scikit-image", "scikit-learn", "pillow", "tifffile")
"""Libraries on which a score may depend."""


def library_versions() -> dict[str, str]:
    """Return the versions of unoqa, of Python and of the libraries on which a score may depend."""
    ours = {"unoqa": __version__, "python": platform.python_version()}
    return ours | {name: version(name) for name in VERSIONED}


@final
@dataclass(frozen=True)
class OpenEncoders:
    """Open encoders, each run once an image at most.

    Attributes:
        encoders: those of the panel, in its order, then the measures where the panel has none.
        of_panel: how many of them are the panel's.
        size: side in pixels to which images are resized.
        measures: where the measures stand among the encoders.
        settings: those that each encoder was opened by.
    """

    encoders: tuple[OpenEncoder, ...]
    of_panel: int
    size: int
    measures: int
    device: torch.device
    settings: tuple[Encoder, ...]

    @classmethod
    def opened(
        cls,
        encoders: Sequence[Encoder],
        size: int,
        *,
        device: torch.device,
        weights: Path | Sequence[State] | None,
    ) -> OpenEncoders:
        """Open the encoders of a panel.

        Args:
            weights: a file for every encoder that has weights, or the arrays of each from a saved model.
        """
        wanted = [*encoders] if MEASURES_ENCODER in encoders else [*encoders, MEASURES_ENCODER]
        sources = _sources(weights, len(wanted))
        opened = tuple(
            encoder.open(device=device, weights=source) for encoder, source in zip(wanted, sources, strict=True)
        )
        return cls(opened, len(encoders), size, wanted.index(MEASURES_ENCODER), device, tuple(wanted))

    @property
    def keys(self) -> tuple[str, ...]:
        """What each encoder's features are kept under: its settings, its weights, and what else they depend on."""
        common = (self.size, str(self.device), library_versions())
        return tuple(
            make_key(repr(settings), encoder.checksum, _measured(settings), *common)
            for settings, encoder in zip(self.settings, self.encoders, strict=True)
        )

    def prepared(self, image: EnfaceImage) -> Float[np.ndarray, "1 rows columns"]:
        """Resize one image to what encoders take.

        Raises:
            ImageError: the image is too small, constant or not finite.
        """
        return image.resized(self.size)[None]

    def view(self, prepared: Float[np.ndarray, "1 rows columns"]) -> tuple[FeaturePyramid, ...]:
        """Encode one image by the panel's encoders; a pyramid of batch 1 of each."""
        return tuple(encoder.encode(prepared) for encoder in self.encoders[: self.of_panel])

    def measured(
        self, prepared: Float[np.ndarray, "1 rows columns"], viewed: Sequence[FeaturePyramid]
    ) -> FeaturePyramid:
        """Return the measures of one image, which the panel may have `viewed` already."""
        return viewed[self.measures] if self.measures < self.of_panel else self.encoders[self.measures].encode(prepared)

    def feature_files(self, workspace: Workspace) -> tuple[FeatureFiles, ...]:
        """Open the files in which the features of each encoder are kept."""
        return tuple(
            workspace.features(key, encoder.scales) for key, encoder in zip(self.keys, self.encoders, strict=True)
        )

    def encoded(self, image: EnfaceImage, digest: str, files: Sequence[FeatureFiles]) -> list[FeaturePyramid | None]:
        """Encode one image by the encoders whose files do not hold it yet; None stands for the others.

        Raises:
            ImageError: the image is too small, constant or not finite.
        """
        pixels = self.prepared(image)
        return [
            encoder.encode(pixels) if file.find(digest) is None else None
            for encoder, file in zip(self.encoders, files, strict=True)
        ]


def keep(pyramids: Sequence[FeaturePyramid | None], digest: str, files: Sequence[FeatureFiles]) -> None:
    """Write what was encoded of one image into the files, unless it is there by now."""
    for pyramid, file in zip(pyramids, files, strict=True):
        if pyramid is not None and file.find(digest) is None:
            file.add(pyramid, digest)


def _measured(encoder: Encoder) -> dict[str, int]:
    return {name: MEASURES.load(name).version for name in MEASURES.names()} if encoder == MEASURES_ENCODER else {}


def _sources(weights: Path | Sequence[State] | None, count: int) -> Sequence[Path | State | None]:
    """Give each encoder its weights; the measures, last where the panel lacks them, have none."""
    if weights is None or isinstance(weights, Path):
        return [weights] * count
    return [*weights, {}][:count]
