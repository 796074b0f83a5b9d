"""Any model of timm that gives features at several levels, with frozen weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, final

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from unoqa.core.contracts import Encoder, OpenEncoder, State
from unoqa.core.errors import WeightsError, unknown_name_error
from unoqa.core.features import FeaturePyramid, Scale
from unoqa.core.parallel import PROCESS_LOCK
from unoqa.core.precision import PrecisionSetting, find_usable
from unoqa.core.settings import settings
from unoqa.encoders.parts.graphs import Graphs
from unoqa.encoders.parts.grey import GreyNetwork
from unoqa.encoders.parts.network_weights import NetworkWeights
from unoqa.encoders.parts.onnx_graph import OnnxNetwork
from unoqa.encoders.parts.packaged_weights import read_packaged_weights
from unoqa.encoders.parts.torch_network import TorchNetwork
from unoqa.encoders.parts.weights import compute_checksum, find_cached_weights, select_weights
from unoqa.store.weights_files import read_weights

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FLOAT16_MAX = 65504
"""The largest number in half precision."""


@final
@settings
class Timm(Encoder):
    """A timm model (Wightman 2019), frozen and cut after the last used layer (timm's `features_only`).

    Grey is repeated to three channels and normalised as in the training of the weights. ONNX Runtime runs the network
    on a processor, and torch on a graphics card and in bfloat16. Features are rounded to half precision, as in feature
    files, so that a score does not depend on whether features were computed or read.

    `rms_norm` then divides the channels at each place by a power of their root mean square. At 1 (Zhang, Sennrich 2019,
    equation 4) only the pattern at a place counts; below 1 its contrast counts too.
    """

    model: Annotated[
        str, Field(description="full name of the model, such as resnet18.tv_in1k; it also names the weights")
    ] = "resnet18.tv_in1k"
    package: Annotated[
        str, Field(description="Python package that ships the weights; empty: those of timm, which are downloaded")
    ] = ""
    layers: Annotated[
        tuple[int, ...], Field(min_length=1, description="timm's feature levels; 1–4 are a ResNet's layers")
    ] = (2, 3)
    rms_norm: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="divides the channels at each place by this power of their root mean square; 0: off, "
            "1: keeps the pattern only, not its strength",
        ),
    ] = 0.0
    sha256: Annotated[str, Field(description="SHA-256 that the weights must have; empty: any")] = ""
    precision: PrecisionSetting = "single"

    def open(self, *, device: torch.device, weights: Path | State | None = None) -> _OpenTimm:
        """Build the cut model and load its weights.

        Raises:
            UsageError: timm has no such model.
            WeightsError: the weights are missing, incomplete or not the pinned ones.
        """
        return self._open(device, weights)

    @property
    def needs_weights(self) -> bool:
        """Whether weights must be given or downloaded: no package ships them."""
        return not self.package

    def core(self) -> Timm:
        """Return the encoder without normalisation, so that the network runs once for all that differ in it."""
        return replace(self, rms_norm=0.0)

    def finish(self, grid: Float[Tensor, "1 channels rows columns"]) -> Float[Tensor, "1 channels rows columns"]:
        """Divide the channels at each place by the power of their root mean square."""
        if not self.rms_norm:
            return grid
        mean_square = grid.square().mean(dim=1, keepdim=True) + torch.finfo(grid.dtype).eps
        return grid / mean_square.sqrt().pow(self.rms_norm)

    def restore(self, state: State, graph: bytes, *, device: torch.device) -> _OpenTimm:
        """Return the encoder that gave weights and graph.

        A processor runs the graph, without timm and torchvision. Where there is none, and in bfloat16, torch runs the
        network.

        Raises:
            ValueError: the graph cannot be read.
            WeightsError: the graph is of other weights.
        """
        if not graph or not self._runs_graphs(device):
            return self._open(device, state, graph)
        ran, digest = OnnxNetwork(graph), compute_checksum(state)
        if ran.weights != digest:
            raise WeightsError(
                f"An encoder's weights have SHA-256 {digest[:12]}…, but its graph was made from {ran.weights[:12]}…; "
                "copy the model again from where it was made."
            )
        weights = NetworkWeights(self.model, self.load_network, state, digest)
        return _OpenTimm(self, weights, _make_scales(ran.levels), device, graph, ran)

    def load_network(self, weights: Path | State | None) -> GreyNetwork:
        """Build the cut model with weights from a file, from named arrays or, if None, from package or cache."""
        network = self._build_network()
        wanted = network.state_dict()
        offered = weights if isinstance(weights, dict) else self._read_weights(weights, wanted)
        network.load_state_dict(select_weights(wanted, offered, self.model))
        config = network.pretrained_cfg if hasattr(network, "pretrained_cfg") else network.default_cfg
        channels_last = str(getattr(network, "output_fmt", "NCHW")).endswith("NHWC")
        whole = GreyNetwork(network, config["mean"], config["std"], channels_last=channels_last)
        return whole.eval().requires_grad_(False)

    def drop_missing_layers(self, weights: Path | None) -> Timm:
        """Return the settings without the last layers whose weights the file (None: as in `open`) does not hold.

        Raises:
            WeightsError: the file lacks the weights of the first layer, too.
        """
        for count in range(len(self.layers), 0, -1):
            shorter = replace(self, layers=tuple(sorted(self.layers))[:count])
            wanted = shorter._build_network().state_dict()
            try:
                select_weights(wanted, self._read_weights(weights, wanted), self.model)
            except WeightsError:
                if count == 1:
                    raise
            else:
                return shorter
        raise AssertionError("a Timm has at least one layer")

    def _runs_graphs(self, device: torch.device) -> bool:
        return device.type == "cpu" and find_usable(self.precision, device) == "single"

    def _open(self, device: torch.device, weights: Path | State | None, graph: bytes | None = None) -> _OpenTimm:
        """Open with a network that is built; `graph` is what a model folder holds, if the weights come from one."""
        network = self.load_network(weights)
        arrays = network.network.state_dict()
        digest = compute_checksum(arrays)
        if not all(bool(value.isfinite().all()) for value in arrays.values()):
            raise WeightsError(
                f"The weights given for {self.model} hold NaN or infinite values; give an undamaged file."
            )
        if self.sha256 and digest != self.sha256:
            raise WeightsError(
                f"The weights given for {self.model} have SHA-256 {digest[:12]}…, but 'sha256' of the encoder is "
                f"{self.sha256[:12]}…; give the original file."
            )
        information: Any = network.network.feature_info
        names = [name.replace(".", "_") for name in information.module_name()]
        scales = _make_scales(zip(names, information.channels(), strict=True))
        source = dict(arrays) if isinstance(weights, dict) else weights
        read = NetworkWeights(self.model, self.load_network, source, digest, network)
        return _OpenTimm(self, read, scales, device, graph)

    def _build_network(self) -> Any:  # noqa: ANN401 - timm's class is private
        """Build the cut model; torch's generator, from which it draws weights, is left as it was."""
        import timm  # noqa: PLC0415 - it brings torchvision and torch's compiler, which grading does without

        if not timm.is_model(self.model):
            raise unknown_name_error("timm model", self.model, timm.list_models() + timm.list_pretrained())
        levels = tuple(sorted(set(self.layers)))
        try:
            with PROCESS_LOCK, torch.random.fork_rng(devices=[]):
                return timm.create_model(self.model, pretrained=False, features_only=True, out_indices=levels)
        except (AssertionError, IndexError, RuntimeError, TypeError) as error:
            raise WeightsError(
                f"{self.model} lacks some of the feature levels {list(levels)}; change 'layers' of the encoder "
                f"in the recipe ({error})."
            ) from error

    def _read_weights(self, file: Path | None, names: Iterable[str]) -> State:
        """Read weights from a file, from the package or from timm's cache; `names` are those of the cut model."""
        if file is None and self.package:
            return read_packaged_weights(self.package, self.model, names)
        return read_weights(file if file is not None else find_cached_weights(self.model))


@final
class _OpenTimm(OpenEncoder):
    """A timm model that is ready to run."""

    def __init__(
        self,
        settings: Timm,
        weights: NetworkWeights,
        scales: tuple[Scale, ...],
        device: torch.device,
        graph: bytes | None = None,
        ran: OnnxNetwork | None = None,
    ) -> None:
        """Prepare to run.

        Args:
            graph: the one of a model folder, empty if it has none; None if the weights come from elsewhere.
            ran: the same graph, started.
        """
        self.scales = scales
        self.checksum = weights.checksum
        self._weights = weights
        self._finish = settings.finish
        names = tuple(scale.name for scale in scales)
        key = (settings.model, settings.layers)
        self._graphs = Graphs(weights.take_network, names, weights.checksum, key, graph, ran)
        self._run: Graphs | TorchNetwork = self._graphs
        if not settings._runs_graphs(device):
            self._run = TorchNetwork(weights.take_network(), device, settings.precision)

    def encode(self, images: Float[np.ndarray, "batch rows columns"]) -> FeaturePyramid:
        """Encode images one by one, so that features do not depend on the batch.

        Libraries choose their kernels by the shape of the batch, and the last bits of sums differ between kernels. On a
        processor larger batches are no faster.

        Raises:
            UsageError: the model does not accept images of this size.
        """
        encoded = [self._encode(image) for image in images]
        return FeaturePyramid(tuple(torch.cat(scale) for scale in zip(*encoded, strict=True)))

    def state(self) -> State:
        """Return the weights of the cut model.

        Raises:
            WeightsError: the file that they came from is gone or has changed.
        """
        return self._weights.state()

    def graph(self, size: int) -> bytes:
        """Return the network as an ONNX file; empty if the network has no graph.

        Raises:
            WeightsError: the network must be exported, and the file of its weights is gone or has changed.
        """
        return self._graphs.read((size, size))

    @torch.inference_mode()
    def _encode(self, image: Float[np.ndarray, "rows columns"]) -> list[Float[Tensor, "1 _channels _rows _columns"]]:
        """Encode one image."""
        levels = self._run(np.ascontiguousarray(image, dtype=np.float32))
        self._weights.let_go()  # what runs has what it needs
        rounded = [level.permute(0, 3, 1, 2).clamp(-FLOAT16_MAX, FLOAT16_MAX).half().float() for level in levels]
        return [self._finish(grid) for grid in rounded]


def _make_scales(levels: Iterable[tuple[str, int]]) -> tuple[Scale, ...]:
    """Return the scales of levels, each given by its name and its number of channels."""
    return tuple(Scale(name, tuple(str(channel) for channel in range(count)), half=True) for name, count in levels)
