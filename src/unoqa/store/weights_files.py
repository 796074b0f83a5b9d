"""Files of named arrays that other programs wrote: weights of networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from unoqa.core.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.contracts import State


def read_weights(file: Path, way_out: str = "give one that exists with --encoder-weights") -> State:
    """Read named arrays from a safetensors file or a torch checkpoint, never running code from it.

    Args:
        way_out: what to do where there is no such file, for the error's sentence.

    Raises:
        WeightsError: the file is missing or holds no named arrays.
    """
    if not file.is_file():
        raise WeightsError(f"There is no weights file {file}; {way_out}.")
    try:
        if _is_safetensors(file):
            return safetensors.torch.load_file(file)
        return _named_arrays(torch.load(file, map_location="cpu", weights_only=True))
    except Exception as error:
        raise WeightsError(
            f"{file} is neither a safetensors file nor a torch checkpoint of plain arrays; "
            f"export the weights as safetensors ({type(error).__name__})."
        ) from error


def _is_safetensors(file: Path) -> bool:
    """Tell by the header, JSON after its length; torch's checkpoints have had two layouts, and neither has it."""
    with file.open("rb") as opened:
        return opened.read(9)[8:] == b"{"


def _named_arrays(loaded: object) -> State:
    """Unwrap the checkpoint layouts in use: the arrays themselves, or under `state_dict` or `model`."""
    if isinstance(loaded, dict):
        for key in ("state_dict", "model"):
            if isinstance(loaded.get(key), dict):
                loaded = loaded[key]
                break
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise SafetensorError("no named arrays")
    return {str(name).removeprefix("module."): value for name, value in loaded.items()}
