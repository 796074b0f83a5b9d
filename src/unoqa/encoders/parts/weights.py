"""Where an encoder's weights come from, and whether they fit."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from huggingface_hub import hf_hub_download, try_to_load_from_cache

from unoqa.core.errors import UsageError, WeightsError, unknown
from unoqa.encoders.parts.timm_library import timm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from unoqa.core.contracts import State

CACHED_NAMES = ("model.safetensors", "pytorch_model.bin")
"""What timm's hub calls a weights file."""


def cached_weights(model: str) -> Path:
    """Find a model's weights in timm's own cache; the network is not asked.

    Raises:
        WeightsError: they are not there; the sentence names the three ways out.
    """
    repository = _repository(model)
    for name in CACHED_NAMES:
        found = try_to_load_from_cache(repository, name)
        if isinstance(found, str):
            return Path(found)
    raise WeightsError(
        f"The weights of {model} are not on this machine: run `unoqa weights {model}` where there is internet, or give "
        "the file that it prints there with --encoder-weights, or choose a recipe that needs none (--recipe measures)."
    )


def download_weights(model: str) -> Path:
    """Fetch a model's weights into timm's cache: the only function of the package that uses the network.

    Raises:
        UsageError: timm offers no such weights.
        WeightsError: they cannot be reached.
    """
    repository = _repository(model)
    try:
        return Path(hf_hub_download(repository, CACHED_NAMES[0]))
    except Exception as error:
        raise WeightsError(
            f"The weights of {model} could not be downloaded ({type(error).__name__}); check the connection, or "
            "give a file with --encoder-weights, or choose a recipe that needs none (--recipe measures)."
        ) from error


def fitting(wanted: Mapping[str, Tensor], offered: Mapping[str, Tensor], model: str) -> State:
    """Choose the wanted arrays from those offered; what lies beyond the cut is ignored.

    timm joins the first levels of a module's name by `_` where it flattens a model, so names are compared
    with every `.` read as `_`.

    Raises:
        WeightsError: an array is missing or has another shape; the sentence names it.
    """
    by_name = {name.replace(".", "_"): array for name, array in offered.items()}
    missing = [name for name in wanted if name.replace(".", "_") not in by_name]
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing:
        raise WeightsError(
            f"The weights given lack {len(missing)} arrays that {model} needs up to its last used layer: "
            f"{', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}; give a file of the whole model or "
            "choose earlier layers in the recipe."
        )
    chosen = {name: by_name.get(name.replace(".", "_"), default) for name, default in wanted.items()}
    for name, array in chosen.items():
        if array.shape != wanted[name].shape:
            raise WeightsError(
                f"Array {name} of the weights given has shape {tuple(array.shape)}, but {model} needs "
                f"{tuple(wanted[name].shape)}; give the weights of that model."
            )
    return chosen


def checksum(arrays: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of names, shapes and values: the same from whichever kind of file they came."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        if name.endswith("num_batches_tracked"):
            continue
        array = arrays[name].detach().cpu().float().contiguous()
        digest.update(f"{name}{tuple(array.shape)}".encode())
        digest.update(array.numpy().tobytes())
    return digest.hexdigest()


def _repository(model: str) -> str:
    try:
        config = timm.get_pretrained_cfg(model)
    except RuntimeError:  # a tag that the architecture does not have
        raise unknown("timm model", model, timm.list_pretrained(f"{model.partition('.')[0]}.*")) from None
    repository = getattr(config, "hf_hub_id", None)
    if not repository:
        raise UsageError(f"timm offers no weights for {model}; name its full tag, such as resnet18.tv_in1k.")
    return repository if "/" in repository and not repository.endswith("/") else f"{repository}{model}"
