"""The encoders of a grader, ready to run."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, final

from jaxtyping import Float

from unoqa.core.features import FeaturePyramid
from unoqa.encoders.measures import MEASURES, Measures
from unoqa.store.workspace import make_key
from unoqa.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    import numpy as np
    import torch

    from unoqa.core.contracts import Encoder, OpenEncoder, State
    from unoqa.core.image import EnfaceImage

MEASURES_ENCODER = Measures()
"""The encoder that reasons are read from; it runs on images that are not outstanding, whatever the panel."""

VERSIONED = ("torch", "timm", "onnxruntime", "numpy", "scipy", "scikit-image", "scikit-learn", "pillow", "tifffile")
"""Libraries on which a score may depend."""


def library_versions() -> dict[str, str]:
    """Return the versions of unoqa, of Python and of the libraries on which a score may depend."""
    ours = {"unoqa": __version__, "python": platform.python_version()}
    return ours | {name: version(name) for name in VERSIONED}


@final
@dataclass(frozen=True)
class Prepared:
    """One image as encoders take it.

    Attributes:
        resized: at the size of the recipe.
        whole: at the size of its file.
    """

    resized: Float[np.ndarray, "1 size size"]
    whole: Float[np.ndarray, "1 rows columns"]

    def encode(self, encoder: OpenEncoder) -> FeaturePyramid:
        """Return the features that an encoder gives of the image."""
        return encoder.encode(self.whole if encoder.resizes else self.resized)


@final
@dataclass(frozen=True)
class OpenEncoders:
    """Open encoders. Those that share a core (see `Encoder.core`) encode an image once, and each finishes the features.

    Attributes:
        settings: of the panel's encoders in its order, then of the measures if the panel has none.
        cores: the distinct cores, open.
        positions: the position of each encoder's core among them.
        panel_count: how many of the encoders are the panel's.
        size: side in pixels to which images are resized.
        measures: position of the measures in `settings`.
    """

    settings: tuple[Encoder, ...]
    cores: tuple[OpenEncoder, ...]
    positions: tuple[int, ...]
    panel_count: int
    size: int
    measures: int
    device: torch.device

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
            weights: a file for every encoder that needs weights, or the arrays of each.
        """
        if weights is None or isinstance(weights, Path):
            return cls._make(
                encoders,
                size,
                device,
                lambda core, _: core.open(device=device, weights=weights if core.needs_weights else None),
            )
        states = [*weights, {}]
        return cls._make(encoders, size, device, lambda core, number: core.open(device=device, weights=states[number]))

    @classmethod
    def restore(
        cls,
        encoders: Sequence[Encoder],
        size: int,
        *,
        device: torch.device,
        states: Sequence[State],
        graphs: Mapping[int, bytes],
        measures: Collection[str],
    ) -> OpenEncoders:
        """Return the encoders of a panel that gave weights and graphs, and was fitted on these measures."""
        each = [*states, {}]

        def start(core: Encoder, number: int) -> OpenEncoder:
            if core == MEASURES_ENCODER:
                return MEASURES_ENCODER.open_named(measures, device=device)
            return core.restore(each[number], graphs.get(number, b""), device=device)

        return cls._make(encoders, size, device, start)

    @classmethod
    def _make(
        cls,
        encoders: Sequence[Encoder],
        size: int,
        device: torch.device,
        start: Callable[[Encoder, int], OpenEncoder],
    ) -> OpenEncoders:
        """Start each core once; `start` is told the position of the first encoder that it serves."""
        settings = tuple(encoders) if MEASURES_ENCODER in encoders else (*encoders, MEASURES_ENCODER)
        cores = [encoder.core() for encoder in settings]
        distinct = list(dict.fromkeys(cores))
        started = tuple(start(core, cores.index(core)) for core in distinct)
        positions = tuple(distinct.index(core) for core in cores)
        return cls(settings, started, positions, len(encoders), size, settings.index(MEASURES_ENCODER), device)

    @property
    def all(self) -> tuple[OpenEncoder, ...]:
        """The open core of each encoder: it has the encoder's weights and scales."""
        return tuple(self.cores[position] for position in self.positions)

    @property
    def always_measures(self) -> bool:
        """Whether the panel has the measures, so that every image is measured and not only those with findings."""
        return self.measures < self.panel_count

    @property
    def keys(self) -> tuple[str, ...]:
        """Key of each encoder's features: its settings, its weights, and all else that they depend on."""
        return tuple(map(self._make_key, self.settings, self.all))

    @property
    def core_settings(self) -> tuple[Encoder, ...]:
        """The settings of each core."""
        return tuple(self.settings[self.positions.index(position)].core() for position in range(len(self.cores)))

    @property
    def core_keys(self) -> tuple[str, ...]:
        """Key of each core's features."""
        return tuple(map(self._make_key, self.core_settings, self.cores))

    def graphs(self) -> dict[int, bytes]:
        """Return the networks that have a graph as ONNX files, by the encoders' positions."""
        found = {number: encoder.graph(self.size) for number, encoder in enumerate(self.all)}
        return {number: graph for number, graph in found.items() if graph}

    def prepare(self, image: EnfaceImage) -> Prepared:
        """Resize one image to the encoders' size, and keep it.

        Raises:
            ImageError: the image is too small, constant or not finite.
        """
        return Prepared(image.resize(self.size)[None], image.pixels[None])

    def encode(self, prepared: Prepared) -> tuple[FeaturePyramid, ...]:
        """Encode one image with the panel's encoders; return one pyramid of batch size 1 for each."""
        wanted = self.positions[: self.panel_count]
        found = self.encode_cores(prepared, dict.fromkeys(wanted))
        return tuple(self._finish(number, found[position]) for number, position in enumerate(wanted))

    def encode_cores(self, prepared: Prepared, cores: Iterable[int]) -> dict[int, FeaturePyramid]:
        """Encode one image with some of the cores, by their positions."""
        return {position: prepared.encode(self.cores[position]) for position in cores}

    def encode_with(self, number: int, prepared: Prepared) -> FeaturePyramid:
        """Encode one image with one encoder, by its position."""
        return self._finish(number, prepared.encode(self.all[number]))

    def measure(self, prepared: Prepared, encoded: Sequence[FeaturePyramid]) -> FeaturePyramid:
        """Return the measures of one image, from what the panel `encoded` where it has them."""
        return encoded[self.measures] if self.always_measures else self.encode_with(self.measures, prepared)

    def _finish(self, number: int, pyramid: FeaturePyramid) -> FeaturePyramid:
        return FeaturePyramid(tuple(map(self.settings[number].finish, pyramid.scales)))

    def _make_key(self, settings: Encoder, encoder: OpenEncoder) -> str:
        common = (self.size, str(self.device), library_versions())
        return make_key(repr(settings), encoder.checksum, _measure_versions(settings, encoder), *common)


def _measure_versions(settings: Encoder, encoder: OpenEncoder) -> dict[str, int]:
    names = encoder.scales[-1].channels if settings == MEASURES_ENCODER else ()
    return {name: MEASURES.load(name).version for name in names}
