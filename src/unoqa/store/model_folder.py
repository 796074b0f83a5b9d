"""A model folder: a document, named arrays, networks and a card, each with a checksum; no code.

model.toml            settings and facts, for people and programs
arrays.safetensors    everything fitted, and the weights of the encoders
encoder-N.onnx        the network of the encoder with number N, for processors; absent where it has no such graph
MODEL_CARD.md         what the model is for, and what it was fitted on
checksums.json        SHA-256 of each of the others
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, final

import tomli_w
from safetensors import SafetensorError

from unoqa.core.errors import ModelError, ResultsError
from unoqa.store.files import SYSTEM_FILES, is_empty, replace_folder, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

FORMAT = 4
"""Version of the folder's layout; it rises when an older program could misread a newer folder."""

DOCUMENT, ARRAYS, CARD, CHECKSUMS = "model.toml", "arrays.safetensors", "MODEL_CARD.md", "checksums.json"

GRAPH = re.compile(r"encoder-([0-9]+)\.onnx")
"""Names of the files that hold the networks of encoders."""


def check_model_folder(folder: Path) -> None:
    """Reject a folder that a model cannot be written to; call this before the model is fitted.

    Raises:
        ResultsError: it is a file, a broken link or a mount point, or holds the working directory or something that
            is not a model.
    """
    if folder.is_symlink() and not folder.exists():
        raise ResultsError(f"{folder} is a broken link; name a folder for the model.")
    if folder.exists() and not folder.is_dir():
        raise ResultsError(f"{folder} is a file; name a folder for the model.")
    resolved = os.path.realpath(folder)  # not `Path.resolve`, which fails on a link that leads to itself
    if os.path.ismount(resolved) or Path.cwd().is_relative_to(resolved):
        raise ResultsError(
            f"A model replaces its folder, but {folder} holds the working directory or is a mount point; "
            "name a folder inside it."
        )
    if folder.is_dir() and not (is_empty(folder) or _is_model(folder)):
        raise ResultsError(f"{folder} holds something that is not a model; name a new folder.")


def write_model_folder(
    folder: Path, document: Mapping[str, Any], arrays: Mapping[str, Tensor], graphs: Mapping[int, bytes], card: str
) -> None:
    """Write a model folder, whole or not at all: an earlier model stays until the new one is complete.

    Args:
        graphs: the networks of encoders as ONNX files, by the encoders' numbers.

    Raises:
        ResultsError: the folder holds something that is not a model.
    """
    from safetensors.torch import save  # noqa: PLC0415 - torch takes seconds, and commands that only check do without

    check_model_folder(folder)
    with replace_folder(folder) as fresh:
        write_text(fresh / DOCUMENT, tomli_w.dumps({"format": FORMAT, **document}))
        # Not `save_file`, which makes the file readable by its owner only: models are shared.
        plain = {name: array.cpu().contiguous() for name, array in arrays.items()}
        (fresh / ARRAYS).write_bytes(save(plain))
        for number, graph in graphs.items():
            (fresh / f"encoder-{number}.onnx").write_bytes(graph)
        write_text(fresh / CARD, card)
        sums = {path.name: _sha256(path.read_bytes()) for path in sorted(fresh.iterdir())}
        write_text(fresh / CHECKSUMS, json.dumps(sums, indent=2) + "\n")


@final
class ModelFiles(NamedTuple):
    """What a model folder holds.

    Attributes:
        document: settings and facts.
        arrays: by name.
        graphs: the networks of encoders as ONNX files, by the encoders' numbers.
        checksum: SHA-256 of the file of checksums; it identifies the model.
    """

    document: dict[str, Any]
    arrays: dict[str, Tensor]
    graphs: dict[int, bytes]
    checksum: str


def read_model_folder(folder: Path) -> ModelFiles:
    """Read a model folder; each file is read once, so that the result is consistent even if the folder changes.

    Raises:
        ModelError: the folder is missing, incomplete, damaged or of another version.
    """
    from safetensors.torch import load  # noqa: PLC0415 - as above

    sums, checksum = _read_checksums(folder)
    present = (*sums, *(path.name for path in folder.iterdir()))  # one that is not listed is refused below
    numbers = {name: int(match[1]) for name in present if (match := GRAPH.fullmatch(name))}
    files = {name: _read_file(folder, name) for name in (DOCUMENT, ARRAYS, CARD, *numbers)}
    document = _parse_document(folder, files[DOCUMENT])
    for name, content in files.items():
        if _sha256(content) != sums.get(name):
            raise ModelError(
                f"{folder / name} changed after the model was saved (its SHA-256 differs from {CHECKSUMS}); "
                "copy the model again from where it was made, or fit a new one."
            )
    try:
        # Not `load_file`, which keeps the file mapped: Windows cannot replace a mapped file.
        arrays = load(files[ARRAYS])
    except SafetensorError as error:
        raise ModelError(f"{folder / ARRAYS} holds no arrays ({error}); copy the model again.") from error
    return ModelFiles(document, arrays, {number: files[name] for name, number in numbers.items()}, checksum)


def _is_model(folder: Path) -> bool:
    """Tell whether a folder holds a model and nothing else that would be deleted with it."""
    names = {entry.name for entry in folder.iterdir() if entry.name.lower() not in SYSTEM_FILES}
    others = {name for name in names if not GRAPH.fullmatch(name)}
    return DOCUMENT in names and others <= {DOCUMENT, ARRAYS, CARD, CHECKSUMS}


def _read_file(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise ModelError(f"The model {folder} lacks {name}; copy the whole folder again.") from None


def _read_checksums(folder: Path) -> tuple[dict[str, str], str]:
    """Return the expected SHA-256 of each file, and the SHA-256 of the file that lists them."""
    if not folder.is_dir():
        raise ModelError(f"There is no model folder {folder}; check the path, or fit a model with `unoqa fit` first.")
    try:
        content = (folder / CHECKSUMS).read_bytes()
        sums = json.loads(content)
    except FileNotFoundError:
        raise ModelError(
            f"{folder} is not a complete model (it has no {CHECKSUMS}); name a folder that `unoqa fit` wrote."
        ) from None
    except (ValueError, RecursionError):
        sums = None
    if not isinstance(sums, dict):
        raise ModelError(f"{folder / CHECKSUMS} is damaged; copy the model again from where it was made.")
    return sums, _sha256(content)


def _parse_document(folder: Path, content: bytes) -> dict[str, Any]:
    """Read the document; its version is checked before any checksum, because that error is the more useful one."""
    try:
        document = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{folder / DOCUMENT} is damaged ({error}); copy the model again.") from error
    if document.get("format") != FORMAT:
        raise _explain_format(folder, document)
    return document


def _explain_format(folder: Path, document: Mapping[str, Any]) -> ModelError:
    """Return the error for a model of another version, with the command that makes one of this version."""
    written, version = document.get("format"), document.get("unoqa", "another version")
    start = f"The model {folder} has format {written!r}, of unoqa {version}, but this version reads {FORMAT}; "
    if isinstance(written, int) and written > FORMAT:
        return ModelError(f"{start}install that version or a newer one.")
    recipe = f" --recipe {document['recipe']}" if "recipe" in document else ""
    settle = ", and settle it" if "settled" in document else ""
    return ModelError(f"{start}fit it again{settle}: `unoqa fit OUTSTANDING -o {folder} --overwrite{recipe}`.")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
