"""A timm network, cut after the last layer that the weights file has, with a new head for three grades."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import timm
import torch
from jaxtyping import Float
from torch import Tensor, nn

from unoqa.core.errors import unknown_name_error
from unoqa.core.grading import Grade
from unoqa.encoders.parts.weights import find_cached_weights, select_weights
from unoqa.store.weights_files import read_weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from unoqa.core.contracts import State

MIN_STD = 1e-6
"""Lower limit of the standard deviation; it matters if all images are equal."""


@final
class GradingNetwork(nn.Module):
    """Layers of a timm model, the mean over all positions, and a linear head.

    The head starts at zero, so no part of the network is random.

    Attributes:
        levels: timm's names of the feature levels used; the head stands on the last.
    """

    def __init__(self, body: Any, levels: tuple[str, ...]) -> None:  # noqa: ANN401 - timm's, no public type
        super().__init__()
        self.levels = levels
        self._body = body
        channels = body.feature_info.channels()[-1]
        self._head = nn.Linear(channels, len(Grade))
        nn.init.zeros_(self._head.weight)
        nn.init.zeros_(self._head.bias)
        self.register_buffer("_input_mean", torch.tensor(body.default_cfg["mean"]).reshape(1, 3, 1, 1))
        self.register_buffer("_input_std", torch.tensor(body.default_cfg["std"]).reshape(1, 3, 1, 1))
        self.register_buffer("_feature_mean", torch.zeros(channels))
        self.register_buffer("_feature_std", torch.ones(()))

    def pool(self, grey: Float[Tensor, "batch 1 size size"]) -> Float[Tensor, "batch channels"]:
        """Return the last level's means; grey becomes three channels, normalised as in the training of the weights."""
        colour = (grey.expand(-1, 3, -1, -1) - self.get_buffer("_input_mean")) / self.get_buffer("_input_std")
        return self._body(colour)[-1].mean(dim=(2, 3))

    def standardise(self, pooled: Float[Tensor, "images channels"]) -> None:
        """Set mean and standard deviation of the head's input from pooled features; large means slow the head down.

        All channels share one standard deviation, so that channels which hardly vary are not amplified.
        """
        self.get_buffer("_feature_mean").copy_(pooled.mean(dim=0))
        self.get_buffer("_feature_std").copy_(pooled.var(dim=0, correction=0).mean().sqrt().clamp_min(MIN_STD))

    def forward(self, grey: Float[Tensor, "batch 1 size size"]) -> Float[Tensor, "batch 3"]:
        """Return a logit for each grade."""
        return self._head((self.pool(grey) - self.get_buffer("_feature_mean")) / self.get_buffer("_feature_std"))


def build_network(model: str, weights: Path | None) -> GradingNetwork:
    """Build a model up to the last feature level whose weights the file has; no random state changes.

    If the file ends before the second level, the network would be timm's first level, the stem, alone: then the
    whole model is required, and the error names the missing arrays.

    Args:
        weights: None uses the weights in timm's cache.

    Raises:
        UsageError: timm has no such model.
        WeightsError: the weights are missing, or end before the second level.
    """
    if not timm.is_model(model):
        raise unknown_name_error("timm model", model, timm.list_models() + timm.list_pretrained())
    offered = read_weights(weights if weights is not None else find_cached_weights(model))
    with torch.random.fork_rng(devices=[]):  # timm draws random weights, which are then replaced
        body, levels = _cut(model, offered)
        body.load_state_dict(select_weights(body.state_dict(), offered, model))
        return GradingNetwork(body, levels)


def _cut(model: str, offered: State) -> tuple[Any, tuple[str, ...]]:
    """Return the longest cut for which all weights are offered, and its levels; the whole model if there is none."""
    whole: Any = timm.create_model(model, features_only=True)
    names = tuple(whole.feature_info.module_name())
    for last in range(len(names) - 1, 0, -1):
        body = timm.create_model(model, features_only=True, out_indices=(last,))
        if _has_weights(body.state_dict(), offered):
            return body, names[: last + 1]
    return whole, names


def _has_weights(wanted: Mapping[str, Tensor], offered: Mapping[str, Tensor]) -> bool:
    """Return whether every wanted array is offered; names are compared as in `select_weights`."""
    known = {name.replace(".", "_") for name in offered}
    return all(name.replace(".", "_") in known for name in wanted if not name.endswith("num_batches_tracked"))
