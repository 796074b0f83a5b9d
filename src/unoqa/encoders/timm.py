"""Any model of timm that gives features at several levels, with frozen weights."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, final

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from unoqa.core.contracts import Encoder, OpenEncoder, State
from unoqa.core.errors import UsageError, WeightsError, unknown_name_error
from unoqa.core.features import FeaturePyramid, Scale
from unoqa.core.settings import settings
from unoqa.encoders.parts.fused import fused
from unoqa.encoders.parts.grey import Colours
from unoqa.encoders.parts.timm_library import timm
from unoqa.encoders.parts.unfilled import Unfilled
from unoqa.encoders.parts.weights import compute_checksum, find_cached_weights, select_weights
from unoqa.store.weights_files import read_weights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLOAT16_MAX = 65504
"""The largest number in half precision."""

_CUDNN_LOCK = threading.Lock()
"""Held while cuDNN's flags, which are global to the process, are changed."""


@final
@settings
class Timm(Encoder):
    """A timm model (Wightman 2019), frozen and cut after the last used layer (timm's `features_only`).

    Grey is repeated to three channels and normalised as in the training of the weights. Features are rounded to half
    precision, as in feature files, so that a score does not depend on whether features were computed or read.

    `rms_norm` divides the channels at each place by a power of their root mean square. At 1 (Zhang, Sennrich 2019,
    equation 4) only the pattern at a place counts; below 1 its contrast counts too.
    """

    model: Annotated[
        str, Field(description="full name of the model, such as resnet18.tv_in1k; it also names the weights")
    ] = "resnet18.tv_in1k"
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

    def open(self, *, device: torch.device, weights: Path | State | None = None) -> _OpenTimm:
        """Build the cut model and load its weights.

        Raises:
            UsageError: timm has no such model.
            WeightsError: the weights are missing, incomplete or not the pinned ones.
        """
        network = self.load_network(weights)
        digest = compute_checksum(network.state_dict())
        if not all(bool(value.isfinite().all()) for value in network.state_dict().values()):
            raise WeightsError(
                f"The weights given for {self.model} hold NaN or infinite values; give an undamaged file."
            )
        if self.sha256 and digest != self.sha256:
            raise WeightsError(
                f"The weights given for {self.model} have SHA-256 {digest[:12]}…, but 'sha256' of the encoder is "
                f"{self.sha256[:12]}…; give the original file."
            )
        return _OpenTimm(
            self, network, dict(network.state_dict()) if isinstance(weights, dict) else weights, digest, device
        )

    def load_network(self, weights: Path | State | None) -> Any:  # noqa: ANN401 - timm's class is private
        """Build the cut model with weights from a file, from named arrays or, if None, from timm's cache."""
        network = self._build_network()
        offered = weights if isinstance(weights, dict) else self._read_weights(weights)
        network.load_state_dict(select_weights(network.state_dict(), offered, self.model))
        return network.eval().requires_grad_(False)

    def drop_missing_layers(self, weights: Path | None) -> Timm:
        """Return the settings without the last layers whose weights the file (None: timm's cache) does not hold.

        Raises:
            WeightsError: the file lacks the weights of the first layer, too.
        """
        offered = self._read_weights(weights)
        for count in range(len(self.layers), 0, -1):
            shorter = replace(self, layers=tuple(sorted(self.layers))[:count])
            try:
                select_weights(shorter._build_network().state_dict(), offered, self.model)
            except WeightsError:
                if count == 1:
                    raise
            else:
                return shorter
        raise AssertionError("a Timm has at least one layer")

    def _build_network(self) -> Any:  # noqa: ANN401 - timm's class is private
        """Build the cut model; its weights are not initialised."""
        if not timm.is_model(self.model):
            raise unknown_name_error("timm model", self.model, timm.list_models() + timm.list_pretrained())
        levels = tuple(sorted(set(self.layers)))
        try:
            with Unfilled():
                return timm.create_model(self.model, pretrained=False, features_only=True, out_indices=levels)
        except (AssertionError, IndexError, RuntimeError, TypeError) as error:
            raise WeightsError(
                f"{self.model} lacks some of the feature levels {list(levels)}; change 'layers' of the encoder "
                f"in the recipe ({error})."
            ) from error

    def _read_weights(self, file: Path | None) -> State:
        return read_weights(file if file is not None else find_cached_weights(self.model))


@final
class _OpenTimm(OpenEncoder):
    """A timm model that is ready to run.

    It keeps no copy of weights that it can read again; `source` is where they come from.
    """

    def __init__(
        self,
        settings: Timm,
        network: Any,  # noqa: ANN401 - timm's class is private
        source: Path | State | None,
        digest: str,
        device: torch.device,
    ) -> None:
        self._settings = settings
        self._source = source
        self._device = device
        self.checksum = digest
        information = network.feature_info
        names = [name.replace(".", "_") for name in information.module_name()]
        self.scales = tuple(
            Scale(name, tuple(str(channel) for channel in range(count)), half=True)
            for name, count in zip(names, information.channels(), strict=True)
        )
        config = network.pretrained_cfg if hasattr(network, "pretrained_cfg") else network.default_cfg
        self._gives_channels_last = str(getattr(network, "output_fmt", "NCHW")).endswith("NHWC")
        whole = nn.Sequential(Colours(config["mean"], config["std"]), network).eval().to(device)
        self._network = _use_channels_last(fused(whole) if device.type == "cpu" else whole)

    @torch.inference_mode()
    def encode(self, images: Float[np.ndarray, "batch rows columns"]) -> FeaturePyramid:
        """Encode images one by one, so that features do not depend on the batch.

        Libraries choose their kernels by the shape of the batch, and the last bits of sums differ between kernels. On a
        processor larger batches are no faster.
        """
        encoded = [self._encode(image) for image in images]
        return FeaturePyramid(tuple(torch.cat(scale) for scale in zip(*encoded, strict=True)))

    def state(self) -> State:
        """Return the weights of the cut model.

        Raises:
            WeightsError: the file that they came from is gone or has changed.
        """
        arrays: State = self._settings.load_network(self._source).state_dict()
        if compute_checksum(arrays) != self.checksum:
            raise WeightsError(
                f"The weights of {self._settings.model} changed after they were read; restore the original file and "
                "run the command again."
            )
        return arrays

    def _encode(self, image: Float[np.ndarray, "rows columns"]) -> list[Tensor]:
        """Encode one image."""
        grey = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32)).to(self._device)[None, None]
        with _use_full_precision(self._device):
            features = self._compute_features(grey)
        if power := self._settings.rms_norm:
            features = [_normalise_rms(feature, power) for feature in features]
        return [feature.clamp(-FLOAT16_MAX, FLOAT16_MAX).half().float() for feature in features]

    def _compute_features(
        self, grey: Float[Tensor, "1 1 rows columns"]
    ) -> list[Float[Tensor, "1 _channels _rows _columns"]]:
        """Run the network; some transformers return channels as the last dimension, and take one image size only."""
        try:
            features = self._network(grey)
        except AssertionError as error:
            rows, columns = grey.shape[-2:]
            raise UsageError(
                f"The encoder does not accept images of {rows}×{columns} pixels; set another 'size' in the recipe."
            ) from error
        return [feature.permute(0, 3, 1, 2) if self._gives_channels_last else feature for feature in features]


@contextmanager
def _use_full_precision(device: torch.device) -> Iterator[None]:
    """Let an accelerator convolve in full single precision; TF32 would change scores.

    The flags are global to the process, so one thread at a time sets them and restores them.
    """
    if device.type == "cpu":
        yield
        return
    with _CUDNN_LOCK, torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield


def _use_channels_last(network: nn.Module) -> nn.Module:
    """Store the weights of convolutions in channels-last format: processors convolve up to twice as fast in it."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)
    return network


def _normalise_rms(
    feature: Float[Tensor, "batch channels rows columns"], power: float
) -> Float[Tensor, "batch channels rows columns"]:
    root_mean_square = (feature.square().mean(dim=1, keepdim=True) + torch.finfo(feature.dtype).eps).sqrt()
    return feature / root_mean_square.pow(power)
