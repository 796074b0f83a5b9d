"""The systems that are compared: the paper's rows on the encoder that the plan names, and others as they are."""

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
"""The paper's rows, and the recipes with their settings: for a Wide-ResNet-50, and for a ResNet-18."""


@final
@dataclass(frozen=True)
class System:
    """One row of a table.

    Attributes:
        clusters_maps: whether its maps are reduced and clustered, as in the paper; if not, its score is clustered.
    """

    name: str
    panel: Panel
    clusters_maps: bool


CHANCE = System("chance", Panel(()), clusters_maps=False)
"""A random score that does not depend on the images."""


def select_recipes(encoder: Timm) -> dict[str, str]:
    """Return, for each of the paper's rows, the recipe with its settings."""
    return {name: files["resnet18" in encoder.model] for name, files in RECIPES.items()}


def make_systems(encoder: Timm, names: Sequence[str], *, quick: bool) -> tuple[tuple[System, ...], tuple[str, ...]]:
    """Return the systems that can run on the encoder's layers, and sentences about what was left out.

    Args:
        names: of the encoder's scales, one per layer.
        quick: whether flows are trained for a short time only.
    """
    scales = dict(zip(encoder.layers, names, strict=True))
    systems, notes = [], []
    for name, file in select_recipes(encoder).items():
        recipe = Recipe.named(file)
        panel = replace(_calibrate_on_all_folds(recipe.panel), members=_move_members(recipe.panel, encoder, scales))
        systems.append(System(name, panel, clusters_maps=True))
        notes.extend(_note_missing_layers(name, recipe.panel, encoder, scales))
    systems += [
        System("NIQE", Panel((Member(Nss(), Niqe(sharpness="sharpness")),), "sum"), clusters_maps=False),
        System("vessel structure", Panel((Member(Vessel(), Signed(scale="tiles")),), "sum"), clusters_maps=False),
        System("`measures` panel", Recipe.named("measures").panel, clusters_maps=False),
        System("`default` panel", Recipe.named("default").panel, clusters_maps=False),
    ]
    usable = [system for system in systems if system.panel.members]
    return tuple(_shorten(system) if quick else system for system in usable), tuple(notes)


def _calibrate_on_all_folds(panel: Panel) -> Panel:
    """Calibrate on all images of a study, even if the recipe holds one fold out for calibration."""
    return replace(panel, final="folds") if panel.final == "held-out" else panel


def _shorten(system: System) -> System:
    """Train a flow only long enough to see that it learns, and calibrate it on two folds."""
    panel = system.panel
    members = tuple(replace(member, module=_shorten_module(member.module)) for member in panel.members)
    slow = any(isinstance(member.module, Cflow | Fastflow) for member in members)
    return replace(system, panel=replace(panel, members=members, folds=2 if slow else panel.folds))


def _shorten_module(module: LowQualityModule) -> LowQualityModule:
    if isinstance(module, Cflow):
        return replace(module, fibres=min(module.fibres, 40_000))
    return replace(module, epochs=min(module.epochs, 4)) if isinstance(module, Fastflow) else module


def _move_members(panel: Panel, encoder: Timm, scales: dict[int, str]) -> tuple[Member, ...]:
    """Move the members that use a learned encoder to the given one; drop those without a layer of it.

    Each keeps its own layers and its own `rms_norm`.
    """
    moved = (_move_member(member, encoder, scales) for member in panel.members)
    return tuple(member for member in moved if member is not None)


def _move_member(member: Member, encoder: Timm, scales: dict[int, str]) -> Member | None:
    if not isinstance(member.encoder, Timm):
        return member
    used = tuple(scales[layer] for layer in member.encoder.layers if layer in scales)
    if not used:
        return None
    module: Any = member.module
    moved = replace(encoder, rms_norm=member.encoder.rms_norm)
    return replace(member, encoder=moved, module=replace(module, scales=used))


def _note_missing_layers(name: str, panel: Panel, encoder: Timm, scales: dict[int, str]) -> list[str]:
    wanted = {layer for member in panel.members if isinstance(member.encoder, Timm) for layer in member.encoder.layers}
    missing = sorted(wanted - scales.keys())
    if not missing:
        return []
    several = len(missing) > 1
    layers = f"layer{'s' * several} {', '.join(map(str, missing))}"
    if _move_members(panel, encoder, scales):
        verb, pronoun = ("are", "them") if several else ("is", "it")
        return [f"{name}: {layers} {verb} left out; the weights file lacks {pronoun}."]
    return [f"{name} is left out; the weights file lacks {layers}."]
