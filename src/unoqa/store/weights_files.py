"""Weights of networks that other programs wrote: found in the Hugging Face cache, read from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import safetensors.torch
import torch
from huggingface_hub import try_to_load_from_cache
from safetensors import SafetensorError
from torch import Tensor

from unoqa.core.errors import WeightsError

if TYPE_CHECKING:
    from unoqa.core.contracts import State

HUB_NAMES = ("model.safetensors", "pytorch_model.bin")
"""Names of timm's weights files in a repository of the Hugging Face hub."""


def find_in_hub_cache(repository: str) -> Path | None:
    """Find a repository's weights file in the local cache of the Hugging Face hub; never uses the network."""
    for name in HUB_NAMES:
        file = try_to_load_from_cache(repository, name)
        if isinstance(file, str):
            return Path(file)
    return None


def read_weights(file: Path, advice: str = "give the path of one that exists") -> State:
    """Read named arrays from a safetensors file or a torch checkpoint; no code in the file is run.

    Args:
        advice: what to do if the file does not exist, for the error message.

    Raises:
        WeightsError: the file is missing or holds no named arrays.
    """
    if not file.is_file():
        raise WeightsError(f"There is no weights file {file}; {advice}.")
    try:
        if _is_safetensors(file):
            return safetensors.torch.load_file(file)
        return _unwrap_arrays(torch.load(file, map_location="cpu", weights_only=True))
    except Exception as error:
        raise WeightsError(
            f"{file} is neither a safetensors file nor a torch checkpoint of plain arrays; "
            f"export the weights as safetensors ({type(error).__name__})."
        ) from error


def _is_safetensors(file: Path) -> bool:
    """Tell from the header: eight bytes of length, then JSON; neither layout of torch's checkpoints begins so."""
    with file.open("rb") as stream:
        return stream.read(9)[8:] == b"{"


def _unwrap_arrays(loaded: object) -> State:
    """Return the arrays of a checkpoint: they are its top level, or below `state_dict` or `model`."""
    if isinstance(loaded, dict):
        for key in ("state_dict", "model"):
            if isinstance(loaded.get(key), dict):
                loaded = loaded[key]
                break
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise SafetensorError("no named arrays")
    return {str(name).removeprefix("module."): value for name, value in loaded.items()}
