"""What a flow starts from."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import torch
from torch import nn

from unoqa.core.errors import FitError
from unoqa.core.parallel import PROCESS_LOCK
from unoqa.lowquality.flows.flow import Whitening
from unoqa.lowquality.parts.fibres import fibres
from unoqa.lowquality.parts.moments import Moments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from unoqa.core.features import FeatureSet, Scale

Start = Literal["gaussian", "standard", "random"]
"""`gaussian`: the Gaussian fitted to all fibres. `standard`: a random network on channels of mean 0 and variance 1.
`random`: a random network on the features as they are, as CFLOW-AD does."""

SHRINKAGE = 0.01
"""Share of the correlation replaced by the identity, as the module `gaussian` has it."""


def starting_layer(features: FeatureSet, prepare: Callable[[Tensor], Tensor], *, start: Start) -> Whitening:
    """Make the first layer of a flow from the fibres of one scale, which stream by once.

    Raises:
        FitError: a fibre holds what is no finite number.
    """
    channels = len(features.scales[0].channels)
    if start == "random":
        return Whitening(torch.zeros(channels, device=features.device), torch.eye(channels, device=features.device))
    moments = Moments.empty(channels, features.device)
    for pyramid in features.batches():
        moments.add(fibres(prepare(pyramid.scales[0])).flatten(0, 1))
    if not torch.isfinite(moments.scatter).all():
        name = features.scales[0].name
        raise FitError(f"Features of scale '{name}' are infinite or no numbers; look for images unlike the rest.")
    return Whitening.of(moments, shrinkage=SHRINKAGE, correlated=start == "gaussian")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch inside the context; outside of it nothing has happened.

    Torch draws the weights of a new layer from one generator of the whole process, so networks are made in turn.
    """
    with PROCESS_LOCK, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # not torch.manual_seed, which seeds accelerators besides
        yield


@torch.no_grad()
def silence(layer: nn.Module) -> None:
    """Set the last layer of a subnet to zero, so that its coupling begins as the identity."""
    for value in layer.parameters():
        value.zero_()


def at_least_two_channels(scale: Scale, method: str) -> None:
    """Refuse a scale of one channel, of which a coupling has nothing to read.

    Raises:
        FitError: names the scale.
    """
    if len(scale.channels) < 2:
        raise FitError(f"{method} takes at least 2 channels, and scale '{scale.name}' has 1; choose another encoder.")
