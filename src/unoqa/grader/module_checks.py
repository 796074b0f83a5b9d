"""Checks of what a fit made of a low-quality module: it is what a file gives, and what it predicts can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from unoqa.core.errors import FitError, UnoqaError
from unoqa.lowquality import MODULES

if TYPE_CHECKING:
    from unoqa.core.contracts import FittedModule, LowQualityModule, State
    from unoqa.core.evidence import Evidence
    from unoqa.core.features import Scale

ROUNDING = 1e-6
"""How far below zero a value of a map may be."""


def restore_as_from_file(settings: LowQualityModule, fitted: FittedModule, scales: tuple[Scale, ...]) -> FittedModule:
    """Return the module that a file of the arrays would give: the fitted one itself, if its arrays are as in a file.

    Calibration and later gradings then see the same module to the last bit: a file has every array in one order of
    memory, and the last bits of a product depend on that order. A module that was fitted also knows how it learned.

    Raises:
        FitError: the arrays cannot be kept in a file, or the module does not come back from them.
    """
    state = _read_state(settings, fitted)
    try:
        restored = settings.restore(state, scales)
        again = _read_state(settings, restored)
    except UnoqaError:
        raise
    except Exception as error:
        raise FitError(
            f"{_name(settings)} does not come back from its own state: `restore` raises {type(error).__name__} "
            f"({error}); mend `state` or `restore`."
        ) from error
    if changed := _find_changed(state, again):
        raise FitError(
            f"{_name(settings)} does not come back from its own state: '{changed}' is another array after `restore`; "
            "mend `state` or `restore`."
        )
    return fitted if all(array.is_contiguous() for array in fitted.state().values()) else restored


def check_evidence(settings: LowQualityModule, evidence: Evidence, image: str) -> None:
    """Check what a module predicts for one image.

    Raises:
        FitError: no score or map can be read from it.
    """
    if fault := _find_fault(evidence):
        raise FitError(f"{_name(settings)} gives {fault} for {image}; mend its `predict`, or leave out that image.")


def _find_fault(evidence: Evidence) -> str:
    """Say what is wrong with the evidence of one image; empty if nothing is."""
    if not isinstance(evidence.score, Tensor) or evidence.score.shape != (1,):
        return f"a score of shape {_describe_shape(evidence.score)} instead of (1,)"
    if not torch.isfinite(evidence.score).all():
        return f"the score {float(evidence.score[0])}"
    return _find_fault_of_maps(evidence.maps)


def _find_fault_of_maps(maps: object) -> str:
    if not isinstance(maps, tuple) or not maps:
        return "no tuple of maps"
    for grid in maps:
        if not isinstance(grid, Tensor) or grid.ndim != 3 or len(grid) != 1:
            return f"a map of shape {_describe_shape(grid)} instead of (1, rows, columns)"
        least = float(grid.min())  # NaN if any value is
        if not least >= -ROUNDING or not torch.isfinite(grid).all():
            return f"a map with values from {least:g} to {float(grid.max()):g}, which must be finite and not negative,"
    return ""


def _describe_shape(value: object) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__


def _read_state(settings: LowQualityModule, fitted: FittedModule) -> State:
    state = fitted.state()
    if not isinstance(state, dict) or not all(isinstance(array, Tensor) for array in state.values()):
        raise FitError(f"{_name(settings)} has a state that is not a dictionary of tensors; mend its `state`.")
    if damaged := [name for name, one in state.items() if one.is_floating_point() and one.isnan().any()]:
        raise FitError(f"{_name(settings)} has learned NaN in '{damaged[0]}'; mend its `fit`.")
    return {name: array.contiguous() for name, array in state.items()}


def _find_changed(before: State, after: State) -> str:
    """Name an array that is not the same in both; empty if all are."""
    return next((name for name in before | after if not _are_equal(before.get(name), after.get(name))), "")


def _are_equal(one: Tensor | None, other: Tensor | None) -> bool:
    return one is not None and other is not None and one.dtype == other.dtype and torch.equal(one, other)


def _name(settings: LowQualityModule) -> str:
    name = MODULES.find_name(settings)
    package = MODULES.find_package(name)
    return f"The low-quality module '{name}'" + (f" of the package {package}" if package else "")
