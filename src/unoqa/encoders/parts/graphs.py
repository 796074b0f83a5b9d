"""The graphs of a network, one for each size of images; each is exported once and kept in the user's cache."""

from __future__ import annotations

import threading
from importlib.metadata import version
from typing import TYPE_CHECKING, final

import torch

from unoqa.encoders.parts.onnx_graph import VERSION, OnnxNetwork, export_graph
from unoqa.encoders.parts.torch_network import TorchNetwork
from unoqa.store.user_cache import read_or_make
from unoqa.store.workspace import make_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import Float
    from torch import Tensor

    from unoqa.encoders.parts.grey import GreyImage, GreyNetwork

EXPORTED_BY = ("torch", "timm", "onnx", "onnxruntime")
"""Libraries on which a graph depends."""


@final
class Graphs:
    """A network on a processor: ONNX Runtime runs its graph, or torch the network where it has none."""

    def __init__(
        self,
        build: Callable[[], GreyNetwork],
        names: tuple[str, ...],
        weights: str,
        key: object,
        saved: bytes | None = None,
        ran: OnnxNetwork | None = None,
    ) -> None:
        """Start nothing yet.

        Args:
            build: builds the network; called when it is exported, or run by torch.
            names: of its levels of features.
            weights: SHA-256 of its weights.
            key: all else that tells it from other networks.
            saved: the graph that a model folder holds; empty if it holds none: then torch runs the network.
            ran: the same graph, started.
        """
        self._build = build
        self._names = names
        self._weights = weights
        self._key = key
        self._saved = saved
        self._lock = threading.Lock()
        self._ready: dict[tuple[int, int], OnnxNetwork | TorchNetwork] = {} if ran is None else {ran.shape: ran}
        self._torch: TorchNetwork | None = None

    def __call__(self, image: GreyImage) -> list[Float[Tensor, "1 _rows _columns _channels"]]:
        """Return the features of one image at each level.

        Raises:
            UsageError: the network does not accept images of this size.
        """
        shape = (image.shape[0], image.shape[1])
        with self._lock:
            if shape not in self._ready:
                self._ready[shape] = self._start(shape)
        return self._ready[shape](image)

    def read(self, shape: tuple[int, int]) -> bytes:
        """Return the graph for images of one size; empty if there is none."""
        if self._saved is not None:
            return self._saved
        versions = {"graph": VERSION} | {name: version(name) for name in EXPORTED_BY}
        name = f"{make_key(self._key, self._names, self._weights, shape, versions)}.onnx"
        return read_or_make(name, lambda: export_graph(self._build(), self._names, shape, self._weights))

    def _start(self, shape: tuple[int, int]) -> OnnxNetwork | TorchNetwork:
        graph = self.read(shape)
        if graph:
            return OnnxNetwork(graph)
        if self._torch is None:
            self._torch = TorchNetwork(self._build(), torch.device("cpu"))
        return self._torch
