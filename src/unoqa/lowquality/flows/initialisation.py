"""How a flow is initialised before training."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import torch

from unoqa.core.errors import FitError
from unoqa.core.parallel import PROCESS_LOCK
from unoqa.lowquality.flows.flow import GridNorm, Whitening
from unoqa.lowquality.flows.sampler import find_prepared_shape
from unoqa.lowquality.parts.fibres import to_fibres
from unoqa.lowquality.parts.moments import Moments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from unoqa.core.features import FeatureSet, Scale

Start = Literal["gaussian", "standard", "random"]
"""`gaussian`: the Gaussian fitted to all fibres. `standard`: a random network on channels of mean 0 and variance 1.
`random`: a random network on the features as they are, as in CFLOW-AD."""

GridStart = Literal["gaussian", "standard", "random", "layer-norm"]
"""`layer-norm`: a random network on grids that are normalised as a whole, as in FastFlow."""

SHRINKAGE = 0.01
"""Share of the correlation that is replaced by the identity, as in the module `gaussian`."""


def fit_first_layer(
    features: FeatureSet, prepare: Callable[[Tensor], Tensor], *, start: GridStart
) -> Whitening | GridNorm:
    """Make the first layer of a flow for one scale; the fibres are read once, batch by batch.

    Raises:
        FitError: a feature is infinite or NaN.
    """
    channels = len(features.scales[0].channels)
    if start == "layer-norm":
        return GridNorm(torch.ones(channels, *find_prepared_shape(features, prepare), device=features.device))
    if start == "random":
        return Whitening(torch.zeros(channels, device=features.device), torch.eye(channels, device=features.device))
    moments = Moments.empty(channels, features.device)
    for pyramid in features.batches():
        moments.add(to_fibres(prepare(pyramid.scales[0])).flatten(0, 1))
    if not torch.isfinite(moments.scatter).all():
        name = features.scales[0].name
        raise FitError(
            f"Features of scale '{name}' contain infinity or NaN; look for an image that differs from the rest."
        )
    return Whitening.from_moments(moments, shrinkage=SHRINKAGE, correlated=start == "gaussian")


@contextmanager
def seed_initial_weights(seed: int) -> Iterator[None]:
    """Seed torch inside the context, and restore its random state afterwards.

    Torch draws the weights of a new layer from one generator of the process, so one network is made at a time.
    """
    with PROCESS_LOCK, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would also seed accelerators
        yield


def require_two_channels(scale: Scale, method: str) -> None:
    """Reject a scale of one channel, which a coupling cannot split.

    Raises:
        FitError: names the method and the scale.
    """
    if len(scale.channels) < 2:
        raise FitError(f"{method} needs at least 2 channels, and scale '{scale.name}' has 1; choose another encoder.")
