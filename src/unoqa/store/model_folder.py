"""A model folder: a document, named arrays and a card, each under a checksum. Holds no code.

model.toml            settings and facts, for people and programs
arrays.safetensors    everything learned
MODEL_CARD.md         what the model is for and what it was made from
checksums.json        SHA-256 of each of the others
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, final

import safetensors.torch
import tomli_w
from safetensors import SafetensorError
from safetensors.torch import load as read_arrays

from unoqa.core.errors import ModelError, ResultsError
from unoqa.store.files import LITTER, is_empty, replace_folder, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

FORMAT = 2
"""Version of the folder's layout; raised whenever an older program could misread a newer folder."""

DOCUMENT, ARRAYS, CARD, CHECKSUMS = "model.toml", "arrays.safetensors", "MODEL_CARD.md", "checksums.json"


def check_model_folder(folder: Path) -> None:
    """Refuse a folder that a model may not be written to, before the work that makes the model.

    Raises:
        ResultsError: it is a file, holds something that is not a model, or is where the program runs.
    """
    if folder.is_symlink() and not folder.exists():
        raise ResultsError(f"{folder} is a link that leads nowhere; name a folder for the model.")
    if folder.exists() and not folder.is_dir():
        raise ResultsError(f"{folder} is a file; name a folder for the model.")
    whole = os.path.realpath(folder)  # not `Path.resolve`, which ends at a link that leads to itself
    if os.path.ismount(whole) or Path.cwd().is_relative_to(whole):
        raise ResultsError(f"A model takes the place of its folder, and {folder} cannot be moved; name one within it.")
    if folder.is_dir() and not (is_empty(folder) or _is_model(folder)):
        raise ResultsError(f"{folder} holds something that is not a model; name a new folder.")


def write_model_folder(folder: Path, document: Mapping[str, Any], arrays: Mapping[str, Tensor], card: str) -> None:
    """Write a model folder, whole or not at all: an earlier model stands until the new one is complete.

    Raises:
        ResultsError: the folder holds something that is not a model.
    """
    check_model_folder(folder)
    with replace_folder(folder) as fresh:
        write_text(fresh / DOCUMENT, tomli_w.dumps({"format": FORMAT, **document}))
        # Not `save_file`: it makes the file readable by its owner alone, and models are shared.
        plain = {name: array.cpu().contiguous() for name, array in arrays.items()}
        (fresh / ARRAYS).write_bytes(safetensors.torch.save(plain))
        write_text(fresh / CARD, card)
        sums = {name: _sha256((fresh / name).read_bytes()) for name in (DOCUMENT, ARRAYS, CARD)}
        write_text(fresh / CHECKSUMS, json.dumps(sums, indent=2) + "\n")


@final
class ModelFiles(NamedTuple):
    """What a model folder holds; `checksum` names the model: the SHA-256 of its checksums."""

    document: dict[str, Any]
    arrays: dict[str, Tensor]
    checksum: str


def read_model_folder(folder: Path) -> ModelFiles:
    """Read a model folder; each file once, so that what is returned belongs together whatever happens meanwhile.

    Raises:
        ModelError: the folder is missing, incomplete, changed, or of another version.
    """
    sums, checksum = _checksums(folder)
    files = {name: _bytes(folder, name) for name in (DOCUMENT, ARRAYS, CARD)}
    document = _document(folder, files[DOCUMENT])
    for name, content in files.items():
        if _sha256(content) != sums.get(name):
            raise ModelError(
                f"{folder / name} is not as it was saved (its SHA-256 differs from {CHECKSUMS}); "
                "copy the model again from where it was made, or fit a new one."
            )
    try:
        # Not `load_file`: it keeps the file mapped, and one that is mapped cannot be replaced on Windows.
        return ModelFiles(document, read_arrays(files[ARRAYS]), checksum)
    except SafetensorError as error:
        raise ModelError(f"{folder / ARRAYS} holds no arrays ({error}); copy the model again.") from error


def _is_model(folder: Path) -> bool:
    """Tell whether a folder holds a model, and nothing that would be lost with it."""
    names = {entry.name for entry in folder.iterdir() if entry.name.lower() not in LITTER}
    return DOCUMENT in names and names <= {DOCUMENT, ARRAYS, CARD, CHECKSUMS}


def _bytes(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise ModelError(f"The model {folder} lacks {name}; copy the whole folder again.") from None


def _checksums(folder: Path) -> tuple[dict[str, str], str]:
    """Return what each file's SHA-256 should be, and that of the file which says so."""
    if not folder.is_dir():
        raise ModelError(f"There is no model folder {folder}; make one with `unoqa fit OUTSTANDING -o {folder}`.")
    try:
        content = (folder / CHECKSUMS).read_bytes()
        sums = json.loads(content)
    except FileNotFoundError:
        raise ModelError(
            f"{folder} is not a whole model (it has no {CHECKSUMS}); name a folder made by `unoqa fit`."
        ) from None
    except (ValueError, RecursionError):
        sums = None
    if not isinstance(sums, dict):
        raise ModelError(f"{folder / CHECKSUMS} is damaged; copy the model again from where it was made.")
    return sums, _sha256(content)


def _document(folder: Path, content: bytes) -> dict[str, Any]:
    """Read the document; its version is told before its checksum, the more useful of the two."""
    try:
        document = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{folder / DOCUMENT} is damaged ({error}); copy the model again.") from error
    if document.get("format") != FORMAT:
        raise ModelError(
            f"The model {folder} has format {document.get('format')!r}, and this version of unoqa reads {FORMAT}; "
            "fit it again with this version, or install the version that made it."
        )
    return document


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
