"""What is compared: each system is a panel, taken from a recipe, on the encoder that the command names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

from unoqa.encoders.nss import Nss
from unoqa.encoders.timm import Timm
from unoqa.encoders.vessel import Vessel
from unoqa.grader.panel import Member, Panel
from unoqa.grader.recipe import Recipe
from unoqa.lowquality.cflow import Cflow
from unoqa.lowquality.fastflow import Fastflow
from unoqa.lowquality.niqe import Niqe
from unoqa.lowquality.signed import Signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.core.contracts import LowQualityModule

RECIPES = {
    "PaDiM": ("paper-padim", "padim-resnet18"),
    "PatchCore": ("paper-patchcore", "patchcore-resnet18"),
    "FastFlow": ("paper-fastflow", "fastflow-resnet18"),
    "CFLOW": ("paper", "cflow-resnet18"),
}
"""The paper's rows, and the recipes that have their settings: for a Wide-ResNet-50, and for a ResNet-18."""


DEFAULT = "`default` panel"


@final
@dataclass(frozen=True)
class System:
    """One row of a table.

    Attributes:
        mapped: whether its maps are reduced and clustered, as the paper's are; else its score is clustered.
    """

    name: str
    panel: Panel
    mapped: bool


CHANCE = System("chance", Panel(()), mapped=False)
"""A score that has nothing to do with the images."""


def recipes(encoder: Timm) -> dict[str, str]:
    """Return which recipe gives each of the paper's rows its settings."""
    return {name: files["resnet18" in encoder.model] for name, files in RECIPES.items()}


def systems(encoder: Timm, names: Sequence[str], *, quick: bool) -> tuple[tuple[System, ...], tuple[str, ...]]:
    """Return the systems that can run on the layers that the encoder has, and sentences about what was left out.

    Args:
        names: of the encoder's scales, one per layer.
        quick: whether flows learn for a short while only.
    """
    scales = dict(zip(encoder.layers, names, strict=True))
    rows, notes = [], []
    for name, file in recipes(encoder).items():
        recipe = Recipe.named(file)
        panel = replace(_cross_fitted(recipe.panel), members=_moved(recipe.panel, encoder, scales))
        rows.append(System(name, panel, mapped=True))
        notes.extend(_left_out(name, recipe.panel, encoder, scales))
    default, measures = Recipe.named("default").panel, Recipe.named("measures").panel
    notes.extend(_left_out(DEFAULT, default, encoder, scales) or _on_another(DEFAULT, default, encoder))
    rows += [
        System("NIQE", Panel((Member(Nss(), Niqe(sharpness="sharpness")),), "sum"), mapped=False),
        System("vessel structure", Panel((Member(Vessel(), Signed(scale="tiles")),), "sum"), mapped=False),
        System("`measures` panel", measures, mapped=False),
        System(DEFAULT, replace(default, members=_moved(default, encoder, scales)), mapped=False),
    ]
    kept = [row for row in rows if row.panel.members]
    return tuple(_hurried(row) if quick else row for row in kept), tuple(notes)


def _cross_fitted(panel: Panel) -> Panel:
    """Calibrate on all images of a study, where the recipe would hold some of them out for that alone."""
    return replace(panel, final="folds") if panel.final == "held-out" else panel


def _hurried(row: System) -> System:
    """Let a flow learn long enough to see that it does, and calibrate by two folds."""
    members = tuple(replace(member, module=_hurried_module(member.module)) for member in row.panel.members)
    slow = any(isinstance(member.module, Cflow | Fastflow) for member in members)
    return replace(row, panel=replace(row.panel, members=members, folds=2 if slow else row.panel.folds))


def _hurried_module(module: LowQualityModule) -> LowQualityModule:
    if isinstance(module, Cflow):
        return replace(module, fibres=min(module.fibres, 40_000))
    return replace(module, passes=min(module.passes, 4)) if isinstance(module, Fastflow) else module


def _moved(panel: Panel, encoder: Timm, scales: dict[int, str]) -> tuple[Member, ...]:
    """Put the members that use a learned encoder on the given one, each with its own layers of it, evened or not."""
    return tuple(moved for member in panel.members if (moved := _on(member, encoder, scales)) is not None)


def _on(member: Member, encoder: Timm, scales: dict[int, str]) -> Member | None:
    if not isinstance(member.encoder, Timm):
        return member
    used = tuple(scales[layer] for layer in member.encoder.layers if layer in scales)
    if not used:
        return None
    module: Any = member.module
    return replace(member, encoder=replace(encoder, even=member.encoder.even), module=replace(module, scales=used))


def _on_another(name: str, panel: Panel, encoder: Timm) -> list[str]:
    own = {member.encoder.model for member in panel.members if isinstance(member.encoder, Timm)}
    return [f"{name}: on {encoder.model}, not on {model} as in its recipe." for model in sorted(own - {encoder.model})]


def _left_out(name: str, panel: Panel, encoder: Timm, scales: dict[int, str]) -> list[str]:
    wanted = {layer for member in panel.members if isinstance(member.encoder, Timm) for layer in member.encoder.layers}
    missing = sorted(wanted - scales.keys())
    if not missing:
        return []
    layers = f"layer{'s' * (len(missing) > 1)} {', '.join(map(str, missing))}"
    if _moved(panel, encoder, scales):
        return [f"{name}: {layers} left out, which the weights file lacks."]
    return [f"{name} is left out: the weights file lacks {layers}."]
