"""The encoders of a grader, ready to run, and the features that they give of many images."""

from __future__ import annotations

import platform
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, final

from jaxtyping import Float

from unoqa.core.assessment import Failure
from unoqa.core.parallel import map_in_order
from unoqa.encoders.measures import MEASURES, Measures
from unoqa.store.workspace import make_key
from unoqa.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    import torch

    from unoqa.core.contracts import Encoder, OpenEncoder, State
    from unoqa.core.features import FeaturePyramid, FeatureSet
    from unoqa.core.image import EnfaceImage
    from unoqa.grader.source import LazyImage
    from unoqa.store.workspace import Workspace

MEASURES_ENCODER = Measures()
"""The encoder that reasons are read from; it runs on images that are not outstanding, whatever the panel."""

VERSIONED = ("torch", "timm", "numpy", "scipy", "scikit-image", "scikit-learn", "pillow", "tifffile")
"""Libraries on which a score may depend."""


def library_versions() -> dict[str, str]:
    """Return the versions of unoqa, of Python and of the libraries on which a score may depend."""
    ours = {"unoqa": __version__, "python": platform.python_version()}
    return ours | {name: version(name) for name in VERSIONED}


@final
@dataclass(frozen=True)
class OpenEncoders:
    """Open encoders; each runs at most once per image.

    Attributes:
        all: the panel's encoders in its order, then the measures if the panel has none.
        panel_count: how many of them are the panel's.
        size: side in pixels to which images are resized.
        measures: position of the measures in `all`.
        settings: the settings of each encoder.
    """

    all: tuple[OpenEncoder, ...]
    panel_count: int
    size: int
    measures: int
    device: torch.device
    settings: tuple[Encoder, ...]

    @classmethod
    def open(
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
        settings = [*encoders] if MEASURES_ENCODER in encoders else [*encoders, MEASURES_ENCODER]
        sources = _weights_per_encoder(weights, len(settings))
        opened = tuple(
            encoder.open(device=device, weights=source) for encoder, source in zip(settings, sources, strict=True)
        )
        return cls(opened, len(encoders), size, settings.index(MEASURES_ENCODER), device, tuple(settings))

    @property
    def keys(self) -> tuple[str, ...]:
        """Key of each encoder's features: its settings, its weights, and all else that they depend on."""
        common = (self.size, str(self.device), library_versions())
        return tuple(
            make_key(repr(settings), encoder.checksum, _measure_versions(settings), *common)
            for settings, encoder in zip(self.settings, self.all, strict=True)
        )

    def prepare(self, image: EnfaceImage) -> Float[np.ndarray, "1 rows columns"]:
        """Resize one image to the encoders' size.

        Raises:
            ImageError: the image is too small, constant or not finite.
        """
        return image.resize(self.size)[None]

    def encode(self, prepared: Float[np.ndarray, "1 rows columns"]) -> tuple[FeaturePyramid, ...]:
        """Encode one image with the panel's encoders; return one pyramid of batch size 1 for each."""
        return tuple(encoder.encode(prepared) for encoder in self.all[: self.panel_count])

    def measure(
        self, prepared: Float[np.ndarray, "1 rows columns"], encoded: Sequence[FeaturePyramid]
    ) -> FeaturePyramid:
        """Return the measures of one image, from what the panel `encoded` where it has them."""
        return encoded[self.measures] if self.measures < self.panel_count else self.all[self.measures].encode(prepared)


@final
class CachedFeatures:
    """Features of images in the files of a workspace: each image is encoded once, known by the digest of its pixels."""

    def __init__(self, encoders: OpenEncoders, workspace: Workspace) -> None:
        self.encoders = encoders
        self._files = tuple(
            workspace.open_features(key, encoder.scales)
            for key, encoder in zip(encoders.keys, encoders.all, strict=True)
        )

    @contextmanager
    def encode(self, images: Iterable[LazyImage]) -> Iterator[Iterator[str | Failure]]:
        """Encode what is not in the files yet, images side by side.

        Yields:
            the digest of each image in order, or why it cannot be read or used.
        """
        with map_in_order(lambda image: image.apply(self._encode), images) as results:
            yield (result if isinstance(result, Failure) else self._add(*result) for result in results)

    def read(self, encoder: int, digests: Iterable[str]) -> FeatureSet:
        """Return the features that one encoder, by its position, gave of the images with these digests."""
        file = self._files[encoder]
        return file.read([file.row(digest) for digest in digests], self.encoders.device)

    def row(self, encoder: int, digest: str) -> int:
        """Return the row of an image in the arrays that `read` gives."""
        return self._files[encoder].row(digest)

    def _encode(self, image: EnfaceImage) -> tuple[str, list[FeaturePyramid | None]]:
        digest, pixels = image.digest(), self.encoders.prepare(image)
        return digest, [
            encoder.encode(pixels) if file.find(digest) is None else None
            for encoder, file in zip(self.encoders.all, self._files, strict=True)
        ]

    def _add(self, digest: str, pyramids: list[FeaturePyramid | None]) -> str:
        for pyramid, file in zip(pyramids, self._files, strict=True):
            if pyramid is not None and file.find(digest) is None:
                file.add(pyramid, digest)
        return digest


def _measure_versions(encoder: Encoder) -> dict[str, int]:
    return {name: MEASURES.load(name).version for name in MEASURES.names()} if encoder == MEASURES_ENCODER else {}


def _weights_per_encoder(weights: Path | Sequence[State] | None, count: int) -> Sequence[Path | State | None]:
    """Give each encoder its weights; measures added after the panel's encoders have none."""
    if weights is None or isinstance(weights, Path):
        return [weights] * count
    return [*weights, {}][:count]
