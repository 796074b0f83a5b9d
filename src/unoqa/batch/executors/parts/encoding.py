"""How a worker process encodes images, on this machine or another: it gets the encoders once, and images as numbers.

What travels is plain: numbers, texts and bytes.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import safetensors.torch
import torch

from unoqa.batch.executors.parts.refusal import Refusal, answer_or_refuse
from unoqa.core.assessment import Failure
from unoqa.core.contracts import select_prefix
from unoqa.core.features import FeaturePyramid
from unoqa.core.settings import build, to_plain
from unoqa.encoders import ENCODERS
from unoqa.grader.open_encoders import Prepared, library_versions
from unoqa.store.workspace import make_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unoqa.core.contracts import OpenEncoder, State
    from unoqa.grader.cached_features import Unencoded
    from unoqa.grader.open_encoders import OpenEncoders

Grids = list[np.ndarray]
"""The features that one core gives of an image: a grid per scale, in the precision to which the core rounds."""


@final
@dataclass(frozen=True)
class EncodingJob:
    """What all images of a fit have in common.

    Attributes:
        versions: of unoqa and of the libraries that features depend on, as the driver has them.
        cores: name and settings of each core.
        key: names cores and weights.
        device: that cores run on.
    """

    versions: dict[str, str]
    cores: tuple[tuple[str, dict[str, Any]], ...]
    key: str
    device: str

    @classmethod
    def of(cls, encoders: OpenEncoders) -> EncodingJob:
        """Return the job for encoders."""
        cores = tuple((ENCODERS.find_name(core), to_plain(core)) for core in encoders.core_settings)
        return cls(library_versions(), cores, make_key(encoders.core_keys), str(encoders.device))


@final
@dataclass(frozen=True)
class EncodingOrder:
    """One image to encode.

    Attributes:
        prepared: the image; None if nothing is to be encoded.
        cores: positions of the cores that encode it.
    """

    prepared: Prepared | None = None
    cores: tuple[int, ...] = ()

    @classmethod
    def of(cls, image: Unencoded | Failure) -> EncodingOrder:
        """Return the order for an image; it is empty if there is nothing to encode."""
        if isinstance(image, Failure) or not image.cores:
            return cls()
        return cls(image.prepared, image.cores)

    def align(self) -> Prepared | None:
        """Return the image where NumPy would put it: sums of numbers at odd addresses differ in their last bits."""
        if self.prepared is None:
            return None
        return Prepared(np.array(self.prepared.resized), np.array(self.prepared.whole))


def encode_images(orders: Sequence[EncodingOrder], job: EncodingJob, bundle: bytes) -> list[list[Grids]] | Refusal:
    """Encode images, one after the other; return the features of each, in the order of its cores.

    Args:
        bundle: weights and graphs as `pack_encoders` packs them.
    """

    def work() -> list[list[Grids]]:
        cores = _open(job, bundle)
        return [_encode([cores[core] for core in order.cores], order.align()) for order in orders]

    return answer_or_refuse(job.versions, work)


def read_grids(grids: Grids) -> FeaturePyramid:
    """Return the features that came back."""
    return FeaturePyramid(tuple(torch.from_numpy(grid) for grid in grids))


def pack_encoders(encoders: OpenEncoders) -> bytes:
    """Return weights and graphs of all cores as a safetensors file."""
    arrays: State = {}
    for number, core in enumerate(encoders.cores):
        arrays |= {f"state.{number}.{name}": array for name, array in core.state().items()}
        if graph := core.graph(encoders.size):
            arrays[f"graph.{number}"] = torch.frombuffer(bytearray(graph), dtype=torch.uint8)
    return safetensors.torch.save({name: array.cpu().contiguous() for name, array in arrays.items()})


def _encode(cores: Sequence[OpenEncoder], prepared: Prepared | None) -> list[Grids]:
    return [] if prepared is None else [_round(core, prepared.encode(core)) for core in cores]


def _round(core: OpenEncoder, pyramid: FeaturePyramid) -> Grids:
    types = (torch.float16 if scale.half else torch.float32 for scale in core.scales)
    return [grid.to(dtype).cpu().numpy() for grid, dtype in zip(pyramid.scales, types, strict=True)]


_opened: dict[str, tuple[OpenEncoder, ...]] = {}
"""The cores of this process, by their key: opened once, whatever the number of partitions."""

_opening = threading.Lock()


def _open(job: EncodingJob, bundle: bytes) -> tuple[OpenEncoder, ...]:
    with _opening:
        if job.key not in _opened:
            arrays = safetensors.torch.load(bundle)
            _opened[job.key] = tuple(_restore(job, number, arrays) for number in range(len(job.cores)))
        return _opened[job.key]


def _restore(job: EncodingJob, number: int, arrays: Mapping[str, torch.Tensor]) -> OpenEncoder:
    name, values = job.cores[number]
    settings = build(ENCODERS.load(name), values, f"encoder '{name}'")
    state: State = select_prefix(arrays, f"state.{number}.")
    graph = arrays.get(f"graph.{number}", torch.empty(0, dtype=torch.uint8)).numpy().tobytes()
    return settings.restore(state, graph, device=torch.device(job.device))
