"""Finds, downloads and checks the weights of timm models."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from huggingface_hub.errors import OfflineModeIsEnabled, RepositoryNotFoundError

from unoqa.core.errors import UsageError, WeightsError, unknown_name_error
from unoqa.store.files import FULL
from unoqa.store.weights_files import download_to_hub_cache, find_in_hub_cache

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from unoqa.core.contracts import State


def find_cached_weights(model: str) -> Path:
    """Find a model's weights in timm's cache; never uses the network.

    Raises:
        WeightsError: they are not there; the message names three solutions.
    """
    file = find_in_hub_cache(_find_repository(model))
    if file is None:
        raise WeightsError(
            f"The weights of {model} are not on this machine; run `unoqa weights {model}` with internet access, or run "
            "it on another machine and give the file that it prints as the encoder's weights, or choose a recipe that "
            "needs none, such as 'default'."
        )
    return file


def download_weights(model: str) -> Path:
    """Download a model's weights into timm's cache, unless they are there: only this function uses the network.

    Raises:
        UsageError: timm offers no such weights.
        WeightsError: the download fails.
        OSError: the disk is full.
    """
    repository = _find_repository(model)
    try:
        file = find_in_hub_cache(repository) or download_to_hub_cache(repository)
    except RepositoryNotFoundError:
        file = None
    except OfflineModeIsEnabled as error:
        raise _download_error(model, "HF_HUB_OFFLINE is set", "unset it") from error
    except WeightsError:
        raise
    except Exception as error:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in FULL):
            raise
        raise _download_error(model, type(error).__name__, "check the connection") from error
    if file is None:
        raise _download_error(model, f"{repository} is not public or holds no weights", "name another model")
    return file


def _download_error(model: str, why: str, advice: str) -> WeightsError:
    return WeightsError(
        f"The weights of {model} could not be downloaded ({why}); {advice}, or give a file as the encoder's weights, "
        "or choose a recipe that needs none, such as 'default'."
    )


def select_weights(wanted: Mapping[str, Tensor], offered: Mapping[str, Tensor], model: str) -> State:
    """Select the wanted arrays from those offered; the weights of layers after the cut are ignored.

    When timm flattens a model, it joins the first levels of a module's name by `_`, so names are compared with every
    `.` replaced by `_`.

    Raises:
        WeightsError: an array is missing or has another shape; the message names it.
    """
    by_name = {name.replace(".", "_"): array for name, array in offered.items()}
    missing = [name for name in wanted if name.replace(".", "_") not in by_name]
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing:
        raise WeightsError(
            f"The weights given lack {len(missing)} arrays that {model} needs up to its last used layer: "
            f"{', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}; give a file of the whole model or choose "
            "earlier layers in the recipe."
        )
    selected = {name: by_name.get(name.replace(".", "_"), default) for name, default in wanted.items()}
    for name, array in selected.items():
        if array.shape != wanted[name].shape:
            raise WeightsError(
                f"Array {name} of the weights given has shape {tuple(array.shape)}, but {model} needs "
                f"{tuple(wanted[name].shape)}; give the weights of that model."
            )
    return selected


def compute_checksum(arrays: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of names, shapes and values; it does not depend on the kind of file they came from."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        if name.endswith("num_batches_tracked"):
            continue
        array = arrays[name].detach().cpu().float().contiguous()
        digest.update(f"{name}{tuple(array.shape)}".encode())
        digest.update(array.numpy().tobytes())
    return digest.hexdigest()


def _find_repository(model: str) -> str:
    import timm  # noqa: PLC0415 - grading does without it

    try:
        config = timm.get_pretrained_cfg(model)
    except RuntimeError:  # the architecture has no such tag
        raise unknown_name_error("timm model", model, timm.list_pretrained(f"{model.partition('.')[0]}.*")) from None
    repository = getattr(config, "hf_hub_id", None)
    if not repository:
        raise UsageError(f"timm offers no weights for {model}; give the full name, such as resnet18.tv_in1k.")
    return repository if "/" in repository and not repository.endswith("/") else f"{repository}{model}"
