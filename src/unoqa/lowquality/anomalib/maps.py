"""The raw maps of a model of anomalib: those of one image, before anything that depends on other images."""

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
def compute_raw_maps(
    network: nn.Module, image: Float[Tensor, "3 rows columns"]
) -> tuple[Float[Tensor, "_rows _columns"], ...]:
    """Return the maps of one image, higher = worse; a model that gives a score only gets a map of one place.

    The maps are computed in full single precision: an accelerator's shortcut (TF32) would change scores.
    """
    with PROCESS_LOCK, torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        if type(network).__name__ == "CflowModel":
            return _compute_fibre_energies(network, image)
        output = network(image[None])
    if output.anomaly_map is None:
        return (output.pred_score.float().reshape(1, 1),)
    return (output.anomaly_map.float().reshape(output.anomaly_map.shape[-2:]),)


def copy_arrays(network: nn.Module) -> State:
    """Return copies of all arrays in a network's state; an array that two places share is copied twice."""
    return {name: array.detach().clone().contiguous() for name, array in network.state_dict().items()}


def load_arrays(network: nn.Module, arrays: Mapping[str, Tensor]) -> None:
    """Set a network's arrays whatever shape they have there: a memory is empty until the model is fitted."""
    for name, array in arrays.items():
        path, _, leaf = name.rpartition(".")
        owner = network.get_submodule(path)
        if leaf in owner._parameters:
            owner._parameters[leaf] = nn.Parameter(array.clone(), requires_grad=False)
        else:
            owner.register_buffer(leaf, array.clone())


def _compute_fibre_energies(network: Any, image: Tensor) -> tuple[Tensor, ...]:  # noqa: ANN401 - anomalib is optional
    """Read CFLOW's likelihoods before it divides them by the highest of their batch.

    The energy of a fibre (the vector of C channels at one place) is softplus(-log p / C), the loss that CFLOW-AD's
    code trains with (Gudovskiy, Ishizaka, Kozuka 2022): never negative, and linear where a place is unlikely.
    """
    arguments: dict[str, Any] = {}
    hook = network.anomaly_map_generator.register_forward_pre_hook(
        lambda _module, _positional, named: arguments.update(named), with_kwargs=True
    )
    with hook:
        network(image[None])
    return tuple(
        functional.softplus(-likelihood.float()).reshape(rows, columns)
        for likelihood, rows, columns in zip(
            arguments["distribution"], arguments["height"], arguments["width"], strict=True
        )
    )
