"""Checks of a model that is read: what must hold for it to grade as it did when it was saved."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from unoqa.core.errors import ModelError
from unoqa.encoders.measures import MEASURES, Measures
from unoqa.grader.packages import name_choice

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from unoqa.core.contracts import State
    from unoqa.grader.open_encoders import OpenEncoders
    from unoqa.grader.panel import Panel


def find_usable_measures(
    measures: Mapping[str, int], panel: Panel, packages: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the measures of a model that are those of this installation, and a sentence for each of the others.

    Args:
        measures: names and versions of the measures that it was fitted on.
        packages: that added choices to the model, as `list_packages` returns them.

    Raises:
        ModelError: a module of the panel reads one of the others.
    """
    usable, sentences = [], []
    for name, made in measures.items():
        here = MEASURES.load(name).version if name in MEASURES.names() else None
        package = packages.get(name_choice(MEASURES, name), "")
        if here == made:
            usable.append(name)
        elif any(member.encoder == Measures() and member.module.reads(name) for member in panel.members):
            raise ModelError(_describe_measure(name, made, here, package))
        else:
            of = f" of the package {package}" if package else ""
            sentences.append(f"The measure '{name}'{of} is not as the model knows it, so no finding names its fault.")
    return tuple(usable), tuple(sentences)


def _describe_measure(name: str, made: int, here: int | None, package: str) -> str:
    of, what = (f" of the package {package}", package) if package else ("", "the version that made it")
    return (
        f"The model was made with version {made} of the measure '{name}'{of}, and this installation has "
        f"{'none' if here is None else here}; fit it again, or install {what}."
    )


def check_numbers(document: Mapping[str, Any], arrays: State) -> None:
    """Refuse numbers that no fit gives.

    Raises:
        ValueError: such a number.
    """
    numbers = [document["threshold"], document["std"], *(standard["std"] for standard in document["standards"])]
    if not all(math.isfinite(number) for number in numbers) or min(numbers[1:]) <= 0:
        raise ValueError("a threshold or standard deviation is out of range")
    if damaged := [name for name, array in arrays.items() if array.is_floating_point() and array.isnan().any()]:
        raise ValueError(f"{damaged[0]} holds NaN")


def check_weights(checksums: list[str], encoders: OpenEncoders) -> None:
    """Refuse a model whose encoders have other weights than it was made with.

    Raises:
        ModelError: they have.
    """
    for made, encoder in zip(checksums, encoders.all, strict=True):
        if made != encoder.checksum:
            raise ModelError(
                f"An encoder's weights have SHA-256 {encoder.checksum[:12]}…, but the model was made with "
                f"{made[:12]}…; copy the model again from where it was made."
            )


def explain(folder: Path, error: Exception) -> ModelError:
    """Return the error of a model folder that cannot be restored."""
    return ModelError(f"The model {folder} is not as unoqa writes it ({type(error).__name__}: {error}); fit it again.")
