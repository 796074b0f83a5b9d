"""Any convolutional or pyramid model of timm, frozen."""

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
from unoqa.core.errors import UsageError, WeightsError, unknown
from unoqa.core.features import FeaturePyramid, Scale
from unoqa.core.settings import settings
from unoqa.encoders.parts.fused import fused
from unoqa.encoders.parts.grey import Colours
from unoqa.encoders.parts.timm_library import timm
from unoqa.encoders.parts.unfilled import Unfilled
from unoqa.encoders.parts.weights import cached_weights, checksum, fitting
from unoqa.store.weights_files import read_weights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST_HALF = 65504
"""The largest number that half precision holds."""

_IN_TURN = threading.Lock()


@final
@settings
class Timm(Encoder):
    """A timm model (Wightman 2019) with `features_only`, cut after the last used layer.

    Grey is repeated to three channels and normalised as the model's weights were trained. Features are
    rounded to half precision, as they are kept in files, so that a score does not depend on whether an
    image's features were computed or read back.

    `even` divides the channels of each place by that power of their root mean square: by 1 (Zhang, Sennrich 2019,
    equation 4) a place counts by its pattern alone, and by less by its contrast too.
    """

    model: Annotated[str, Field(description="full tag of the model, which names its weights")] = "resnet18.tv_in1k"
    layers: Annotated[
        tuple[int, ...], Field(min_length=1, description="timm's feature levels; 1–4 are a ResNet's layers")
    ] = (2, 3)
    even: Annotated[
        float, Field(ge=0, le=1, description="how far each place's contrast is taken away; 0: not, 1: wholly")
    ] = 0.0
    sha256: Annotated[str, Field(description="checksum that the weights used must have; empty: any")] = ""

    def open(self, *, device: torch.device, weights: Path | State | None = None) -> _OpenTimm:
        """Build the cut model and fill it.

        Raises:
            UsageError: timm knows no such model.
            WeightsError: the weights are missing, incomplete or not the pinned ones.
        """
        network = self.filled(weights)
        digest = checksum(network.state_dict())
        if not all(bool(value.isfinite().all()) for value in network.state_dict().values()):
            raise WeightsError(f"The weights given for {self.model} are not all finite; give an undamaged file.")
        if self.sha256 and digest != self.sha256:
            raise WeightsError(
                f"The weights given for {self.model} have SHA-256 {digest[:12]}…, but the model was made with "
                f"{self.sha256[:12]}…; give the original file."
            )
        return _OpenTimm(
            self, network, dict(network.state_dict()) if isinstance(weights, dict) else weights, digest, device
        )

    def filled(self, weights: Path | State | None) -> Any:  # noqa: ANN401 - timm's feature wrapper has no public type
        """Build the cut model with weights from a file, named arrays or, where None is given, timm's cache."""
        network = self._network()
        offered = weights if isinstance(weights, dict) else self._read(weights)
        network.load_state_dict(fitting(network.state_dict(), offered, self.model))
        return network.eval().requires_grad_(False)

    def held_by(self, weights: Path | None) -> Timm:
        """Return the settings with those layers only whose weights the file (None: timm's cache) holds.

        Raises:
            WeightsError: not even the first layer's are there.
        """
        offered = self._read(weights)
        for count in range(len(self.layers), 0, -1):
            shorter = replace(self, layers=tuple(sorted(self.layers))[:count])
            try:
                fitting(shorter._network().state_dict(), offered, self.model)
            except WeightsError:
                if count == 1:
                    raise
            else:
                return shorter
        raise AssertionError("a Timm has at least one layer")

    def _network(self) -> Any:  # noqa: ANN401 - timm's feature wrapper has no public type
        """Make the cut model; its arrays hold nothing yet."""
        if not timm.is_model(self.model):
            raise unknown("timm model", self.model, timm.list_models() + timm.list_pretrained())
        levels = tuple(sorted(set(self.layers)))
        try:
            with Unfilled():
                return timm.create_model(self.model, pretrained=False, features_only=True, out_indices=levels)
        except (AssertionError, IndexError, RuntimeError, TypeError) as error:
            raise WeightsError(
                f"{self.model} has no feature levels {list(levels)}; choose others in the recipe ({error})."
            ) from error

    def _read(self, file: Path | None) -> State:
        return read_weights(file if file is not None else cached_weights(self.model))


@final
class _OpenTimm(OpenEncoder):
    """An opened model; `source` is where its weights come from, of which it holds none that it can read again."""

    def __init__(
        self,
        settings: Timm,
        network: Any,  # noqa: ANN401 - as above
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
        self._channels_last = str(getattr(network, "output_fmt", "NCHW")).endswith("NHWC")
        of_grey = nn.Sequential(Colours(config["mean"], config["std"]), network).eval().to(device)
        self._network = _channels_last(fused(of_grey) if device.type == "cpu" else of_grey)

    @torch.inference_mode()
    def encode(self, images: Float[np.ndarray, "batch rows columns"]) -> FeaturePyramid:
        """Encode image by image: kernels are chosen by the batch's shape, and sums differ with them.

        A processor gains nothing from more than one image at a time; from channels last, in which it multiplies
        them, up to twice the speed.
        """
        pieces = [self._encode(image) for image in images]
        return FeaturePyramid(tuple(torch.cat(scale) for scale in zip(*pieces, strict=True)))

    def state(self) -> State:
        """Return the weights of the cut model.

        Raises:
            WeightsError: the file that they came from is gone or holds others by now.
        """
        arrays: State = self._settings.filled(self._source).state_dict()
        if checksum(arrays) != self.checksum:
            raise WeightsError(
                f"The weights of {self._settings.model} changed after they were read; put the original file back, and "
                "give the same command again."
            )
        return arrays

    def _encode(self, image: Float[np.ndarray, "rows columns"]) -> list[Tensor]:
        """Encode one image."""
        grey = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32)).to(self._device)[None, None]
        with _exactly(self._device):
            features = self._features(grey)
        even = self._settings.even
        evened = [_evened(feature, even) for feature in features] if even else features
        return [feature.clamp(-LARGEST_HALF, LARGEST_HALF).half().float() for feature in evened]

    def _features(self, grey: Float[Tensor, "1 1 rows columns"]) -> list[Float[Tensor, "1 _channels _rows _columns"]]:
        """Run the network; some transformers give channels last in name too, and take images of one size alone."""
        try:
            features = self._network(grey)
        except AssertionError as error:
            rows, columns = grey.shape[-2:]
            raise UsageError(
                f"The encoder does not take images of {rows}×{columns}; set another size in the recipe."
            ) from error
        return [feature.permute(0, 3, 1, 2) if self._channels_last else feature for feature in features]


@contextmanager
def _exactly(device: torch.device) -> Iterator[None]:
    """Let an accelerator convolve in full single precision: its short cuts would move scores.

    That is a setting of the whole process, so one thread at a time changes it and puts it back.
    """
    if device.type == "cpu":
        yield
        return
    with _IN_TURN, torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield


def _channels_last(network: nn.Module) -> nn.Module:
    """Lay a network's convolutions out as a processor multiplies them, up to twice as fast."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)
    return network


def _evened(
    feature: Float[Tensor, "batch channels rows columns"], power: float
) -> Float[Tensor, "batch channels rows columns"]:
    contrast = (feature.square().mean(dim=1, keepdim=True) + torch.finfo(feature.dtype).eps).sqrt()
    return feature / contrast.pow(power)
