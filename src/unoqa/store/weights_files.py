"""Weights of networks that other programs wrote: in the Hugging Face cache, which they are loaded to, and in files."""

from __future__ import annotations

import logging
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import safetensors.torch
import torch
from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError
from huggingface_hub.utils import logging as hub_logging
from safetensors import SafetensorError
from torch import Tensor

from unoqa.core.errors import WeightsError
from unoqa.store.files import name_full_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unoqa.core.contracts import State

HUB_NAMES = ("model.safetensors", "pytorch_model.bin")
"""Names of timm's weights files in a repository of the Hugging Face hub."""

ANSWER_SECONDS = 10.0
"""Seconds within which the Hugging Face hub must answer, so that a missing connection is known soon."""

_HUB_LOG_LOCK = threading.Lock()


def find_in_hub_cache(repository: str) -> Path | None:
    """Find a repository's weights file in the local cache of the Hugging Face hub; never uses the network."""
    for name in HUB_NAMES:
        file = try_to_load_from_cache(repository, name)
        if isinstance(file, str):
            return Path(file)
    return None


def download_to_hub_cache(repository: str) -> Path | None:
    """Download a repository's weights file into the local cache of the Hugging Face hub; None if it has no such file.

    The hub's own errors tell what failed. Each file is asked for before it is downloaded, since the download alone
    tries for half a minute if there is no connection.

    Raises:
        WeightsError: the cache cannot be written to.
        OSError: the disk is full, or the download failed.
    """
    cache = _open_hub_cache()
    with _silence_hub(), name_full_disk(cache):
        for name in HUB_NAMES:
            with suppress(EntryNotFoundError):
                get_hf_file_metadata(hf_hub_url(repository, name), timeout=ANSWER_SECONDS)
                return Path(hf_hub_download(repository, name, etag_timeout=ANSWER_SECONDS))
    return None


def _open_hub_cache() -> Path:
    """Return the folder of the cache; it is made if it is missing."""
    cache = Path(constants.HF_HUB_CACHE)
    advice = "set the environment variable HF_HOME to a folder that weights can be kept in"
    if str(cache).startswith("~"):
        raise WeightsError(f"This user has no home directory, in which weights are kept; {advice}.")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache):
            return cache
    except OSError as error:
        why = f"{cache}, in which weights are kept, cannot be used ({error.strerror})"
        raise WeightsError(f"{why}; {advice}.") from error


@contextmanager
def _silence_hub() -> Iterator[None]:
    """Let the hub's library print no line for each attempt; overlapping calls take turns, as its log is one."""
    with _HUB_LOG_LOCK:
        before = hub_logging.get_verbosity()
        hub_logging.set_verbosity(logging.ERROR)
        try:
            yield
        finally:
            hub_logging.set_verbosity(before)


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
    except (MemoryError, OSError):  # the file may be as it should
        raise
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
