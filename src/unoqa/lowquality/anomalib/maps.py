"""What a model of anomalib says of one image, before anything that depends on other images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from unoqa.core.parallel import PROCESS_LOCK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unoqa.core.contracts import State


@torch.inference_mode()
def raw_maps(network: nn.Module, image: Float[Tensor, "3 rows columns"]) -> tuple[Float[Tensor, "_rows _columns"], ...]:
    """Return the maps of one image, higher = worse; a model that says only a score gives a map of one place.

    In full single precision: an accelerator's short cuts would move scores.
    """
    with PROCESS_LOCK, torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        if type(network).__name__ == "CflowModel":
            return _fibre_energies(network, image)
        said = network(image[None])
    if said.anomaly_map is None:
        return (said.pred_score.float().reshape(1, 1),)
    return (said.anomaly_map.float().reshape(said.anomaly_map.shape[-2:]),)


def arrays_of(network: nn.Module) -> State:
    """Return copies of everything in a network's state, also of arrays that two places share."""
    return {name: array.detach().clone().contiguous() for name, array in network.state_dict().items()}


def refill(network: nn.Module, arrays: Mapping[str, Tensor]) -> None:
    """Put arrays in a network's places, whatever shape is there: memories are empty until a model has learned."""
    for name, array in arrays.items():
        path, _, leaf = name.rpartition(".")
        owner = network.get_submodule(path)
        if leaf in owner._parameters:
            owner._parameters[leaf] = nn.Parameter(array.clone(), requires_grad=False)
        else:
            owner.register_buffer(leaf, array.clone())


def _fibre_energies(network: Any, image: Tensor) -> tuple[Tensor, ...]:  # noqa: ANN401 - anomalib is not always there
    """Read CFLOW's likelihoods before they are divided by the highest of their batch.

    The energy softplus(-log p / C) of a fibre of C channels is the loss that CFLOW-AD's code trains by (Gudovskiy,
    Ishizaka, Kozuka 2022): never negative, and linear where a place is unlikely.
    """
    given: dict[str, Any] = {}
    hook = network.anomaly_map_generator.register_forward_pre_hook(
        lambda _module, _arguments, named: given.update(named), with_kwargs=True
    )
    with hook:
        network(image[None])
    return tuple(
        functional.softplus(-likelihood.float()).reshape(rows, columns)
        for likelihood, rows, columns in zip(given["distribution"], given["height"], given["width"], strict=True)
    )
