"""Reading a model folder back."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from unoqa.core.contracts import select_prefix
from unoqa.core.errors import ModelError
from unoqa.encoders.measures import MEASURES
from unoqa.grader.devices import find_device
from unoqa.grader.fitting import FitReport, Fitted
from unoqa.grader.grader import Grader, Origin, SettledGrader
from unoqa.grader.heat import HeatLevels
from unoqa.grader.open_encoders import OpenEncoders
from unoqa.grader.reasons import Reasons
from unoqa.grader.recipe import Recipe
from unoqa.store.model_folder import read_model_folder

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from unoqa.store.model_folder import ModelFiles


def load(folder: str | Path, *, device: str = "cpu") -> Grader | SettledGrader:
    """Read a model folder; what it returns grades as what was saved, to the last bit on the same machine.

    Args:
        device: `cpu`, `cuda` or `auto`.

    Raises:
        ModelError: the folder is missing, changed, or of another version.
    """
    bundle = read_model_folder(Path(folder))
    document, arrays = bundle.document, bundle.arrays
    where = find_device(device)
    try:
        grader = _grader(bundle, where)
        settled = document.get("settled")
        if settled is None:
            return grader
        partition = grader.split.restore(select_prefix(arrays, "settled."), settled["worse"], settled["distinct"])
        return SettledGrader(grader, partition, settled["cohort"])
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"The model {folder} is not as unoqa writes it ({type(error).__name__}: {error}); fit it again."
        ) from error


def _check_measures(measures: Mapping[str, int]) -> None:
    """Refuse a model whose measures are not those of this installation."""
    for name, made in measures.items():
        here = MEASURES.load(name).version if name in MEASURES.names() else None
        if here != made:
            raise ModelError(
                f"The model was made with version {made} of the measure '{name}', and this installation has "
                f"{'none' if here is None else here}; fit it again, or install what it was made with."
            )


def _grader(bundle: ModelFiles, device: torch.device) -> Grader:
    document, arrays = bundle.document, bundle.arrays
    _check_measures(document["measures"])
    numbers = [document["threshold"], document["spread"], *(one["spread"] for one in document["standards"])]
    if not all(math.isfinite(number) for number in numbers) or min(numbers[1:]) <= 0:
        raise ValueError("a threshold or spread is out of range")
    if lacking := [name for name, array in arrays.items() if array.is_floating_point() and array.isnan().any()]:
        raise ValueError(f"{lacking[0]} holds what is no number")
    recipe = Recipe.of(document["settings"], document["recipe"])
    encoders = recipe.panel.encoders()
    weights = [select_prefix(arrays, f"encoder.{number}.") for number in range(len(encoders))]
    open_encoders = OpenEncoders.opened(encoders, recipe.size, device=device, weights=weights)
    for made, opened in zip(document["encoders"], open_encoders.encoders, strict=True):
        if made != opened.checksum:
            raise ModelError(
                f"An encoder's weights have SHA-256 {opened.checksum[:12]}…, but the model was made with {made[:12]}…; "
                "copy the model again from where it was made."
            )
    there = {name: array.to(device) for name, array in arrays.items() if name.startswith(("panel.", "reasons."))}
    scales = [encoder.scales for encoder in open_encoders.encoders]
    panel = recipe.panel.restore(select_prefix(there, "panel."), scales, document["standards"])
    learned = Fitted(
        panel=panel,
        threshold=document["threshold"],
        spread=document["spread"],
        reasons=Reasons.restored(
            select_prefix(there, "reasons."), tuple(document["measures"]), scales[open_encoders.measures]
        ),
        heat=HeatLevels.restored(select_prefix(arrays, "heat.")),
        report=FitReport(document["images"], (), (), (), 0),
    )
    origin = Origin(recipe.name, recipe.values(), document["seed"], bundle.checksum)
    return Grader(open_encoders, learned, recipe.split, origin)
