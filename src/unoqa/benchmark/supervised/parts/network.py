"""A network of timm with as many of its layers as there are weights for, and a new head of three grades."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import timm
import torch
from jaxtyping import Float
from torch import Tensor, nn

from unoqa.core.errors import unknown
from unoqa.core.grading import Grade
from unoqa.encoders.parts.weights import cached_weights, fitting
from unoqa.store.weights_files import read_weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from unoqa.core.contracts import State

SMALLEST_SPREAD = 1e-6
"""For images that are all the same."""


@final
class GradingNetwork(nn.Module):
    """Layers of a timm model, the mean over all places, and a linear head.

    The head begins at zero, so nothing of the network is drawn at random.

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
        self.register_buffer("_mean", torch.tensor(body.default_cfg["mean"]).reshape(1, 3, 1, 1))
        self.register_buffer("_std", torch.tensor(body.default_cfg["std"]).reshape(1, 3, 1, 1))
        self.register_buffer("_centre", torch.zeros(channels))
        self.register_buffer("_spread", torch.ones(()))

    def pooled(self, grey: Float[Tensor, "batch 1 size size"]) -> Float[Tensor, "batch channels"]:
        """Return the last level's means; grey becomes three channels, normalised as the weights were trained."""
        colour = (grey.expand(-1, 3, -1, -1) - self.get_buffer("_mean")) / self.get_buffer("_std")
        return self._body(colour)[-1].mean(dim=(2, 3))

    def standardise(self, pooled: Float[Tensor, "images channels"]) -> None:
        """Let the head see what differs between images: it would learn slowly where that is little beside the mean.

        All channels are divided by one spread, so that those which hardly differ are not made loud.
        """
        self.get_buffer("_centre").copy_(pooled.mean(dim=0))
        self.get_buffer("_spread").copy_(pooled.var(dim=0, correction=0).mean().sqrt().clamp_min(SMALLEST_SPREAD))

    def forward(self, grey: Float[Tensor, "batch 1 size size"]) -> Float[Tensor, "batch 3"]:
        """Return a logit for each grade."""
        return self._head((self.pooled(grey) - self.get_buffer("_centre")) / self.get_buffer("_spread"))


def grading_network(model: str, weights: Path | None) -> GradingNetwork:
    """Build a model up to the last feature level whose weights the file holds; no random state is changed.

    A level that needs no more than timm's first, the stem, is no network: then the last level's arrays are missed.

    Args:
        weights: None takes those of timm's cache.

    Raises:
        UsageError: timm knows no such model.
        WeightsError: the weights are missing, or end before the second level.
    """
    if not timm.is_model(model):
        raise unknown("timm model", model, timm.list_models() + timm.list_pretrained())
    offered = read_weights(weights if weights is not None else cached_weights(model))
    with torch.random.fork_rng(devices=[]):  # timm draws weights, which are then replaced
        body, levels = _longest(model, offered)
        body.load_state_dict(fitting(body.state_dict(), offered, model))
        return GradingNetwork(body, levels)


def _longest(model: str, offered: State) -> tuple[Any, tuple[str, ...]]:
    """Return the longest cut that the weights fill, and the names of its levels; the whole where they fill none."""
    whole: Any = timm.create_model(model, features_only=True)
    names = tuple(whole.feature_info.module_name())
    for last in range(len(names) - 1, 0, -1):
        body = timm.create_model(model, features_only=True, out_indices=(last,))
        if _held(body.state_dict(), offered):
            return body, names[: last + 1]
    return whole, names


def _held(wanted: Mapping[str, Tensor], offered: Mapping[str, Tensor]) -> bool:
    """Tell whether every wanted array has a namesake, by the rule of `fitting`."""
    plain = {name.replace(".", "_") for name in offered}
    return all(name.replace(".", "_") in plain for name in wanted if not name.endswith("num_batches_tracked"))
