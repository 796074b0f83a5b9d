"""The systems that are compared: the paper's rows on the encoder that the plan names, and others as they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, final

from unoqa.benchmark.reproduction.published import AS_PUBLISHED
from unoqa.core.errors import UsageError
from unoqa.encoders.nss import Nss
from unoqa.encoders.timm import Timm
from unoqa.encoders.vessel import Vessel
from unoqa.grader.panel import Member, Panel
from unoqa.grader.recipe import Recipe
from unoqa.lowquality.cflow import Cflow
from unoqa.lowquality.fastflow import Fastflow
from unoqa.lowquality.flows.module import FlowModule
from unoqa.lowquality.niqe import Niqe
from unoqa.lowquality.signed import Signed
from unoqa.thresholds.conformal import Conformal

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

ORIGINALS = {
    "PaDiM": ("paper-padim-original", "padim-resnet18-original"),
    "PatchCore": ("paper-patchcore-original",) * 2,
    "FastFlow": ("paper-fastflow-original",) * 2,
    "CFLOW": ("paper-original",) * 2,
}
"""The same as published; only PaDiM's number of channels depends on the encoder."""

Training = Literal["budget", "published", "both"]
"""Which training the rows have: our budget, that of the publications, or both side by side."""
QUICK_FIBRES, QUICK_PASSES = 40_000, 4
"""Training of flows in a quick look, at most. It is used up, however the loss of held-out images changes: else all
flows would stay the Gaussian that they begin as, and their rows would be equal."""


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

    def fit_to(self, images: int) -> System:
        """Hold out more than a fifth of the images to fit on, where a fifth is too few for a threshold."""
        if self.panel.final != "held-out":
            return self
        folds = min(self.panel.folds, max(2, images // Conformal().min_images))
        return replace(self, panel=replace(self.panel, folds=folds))


CHANCE = System("chance", Panel(()), clusters_maps=False)
"""A random score that does not depend on the images."""


@final
@dataclass(frozen=True)
class Effort:
    """How long flows are trained.

    Attributes:
        share: of the published passes that flows trained as published take.
        quick: whether our own budget is cut too, and used up.
    """

    training: Training = "budget"
    share: float = 1.0
    quick: bool = False

    def __post_init__(self) -> None:
        """Refuse a share that would have no effect."""
        if self.share < 1 and self.training == "budget":
            raise UsageError("A share is of the published passes; the training must be 'published' or 'both'.")

    def describe(self) -> str:
        """Write the training for the report."""
        part = f", {self.share:.1%} of the published passes" if self.share < 1 else ""
        return f"{self.training}{part}"

    def shorten(self, name: str, panel: Panel) -> Panel:
        """Cut the training of one system's flows; in a quick look calibrate them on two folds."""
        members = tuple(replace(member, module=self._shorten_module(name, member.module)) for member in panel.members)
        slow = self.quick and panel.final == "folds" and any(isinstance(one.module, FlowModule) for one in members)
        return replace(panel, members=members, folds=2 if slow else panel.folds)

    def _shorten_module(self, name: str, module: LowQualityModule) -> LowQualityModule:
        if isinstance(module, Cflow | Fastflow) and name.endswith(AS_PUBLISHED):
            passes = max(1, round(self.share * module.epochs))
            return replace(module, epochs=min(passes, QUICK_PASSES) if self.quick else passes)
        if self.quick and isinstance(module, Cflow):
            return replace(module, fibres=min(module.fibres, QUICK_FIBRES), patience=0)
        if self.quick and isinstance(module, Fastflow):
            return replace(module, epochs=min(module.epochs, QUICK_PASSES), patience=0)
        return module


def select_recipes(encoder: Timm, training: Training) -> dict[str, str]:
    """Return the recipe of each of the paper's rows, by the names of the systems."""
    files, small = {}, "resnet18" in encoder.model
    for name, of_encoders in RECIPES.items():
        if training != "published":
            files[name] = of_encoders[small]
        if training != "budget":
            files[name + AS_PUBLISHED] = ORIGINALS[name][small]
    return files


def make_systems(encoder: Timm, names: Sequence[str], effort: Effort) -> tuple[tuple[System, ...], tuple[str, ...]]:
    """Return the systems that can run on the encoder's layers, and sentences about what was left out.

    Args:
        names: of the encoder's scales, one per layer.
    """
    scales = dict(zip(encoder.layers, names, strict=True))
    systems, notes = [], []
    for name, file in select_recipes(encoder, effort.training).items():
        recipe = Recipe.named(file)
        calibrated = _hold_out_a_fold(recipe.panel) if name.endswith(AS_PUBLISHED) else _use_all_folds(recipe.panel)
        panel = replace(calibrated, members=_move_members(recipe.panel, encoder, scales))
        systems.append(System(name, panel, clusters_maps=True))
        notes.extend(_note_missing_layers(name, recipe.panel, encoder, scales))
    systems += [
        System("NIQE", Panel((Member(Nss(), Niqe(sharpness="sharpness")),), "sum"), clusters_maps=False),
        System("vessel structure", Panel((Member(Vessel(), Signed(scale="tiles")),), "sum"), clusters_maps=False),
        System("`measures` panel", Recipe.named("measures").panel, clusters_maps=False),
        System("`default` panel", Recipe.named("default").panel, clusters_maps=False),
    ]
    usable = [system for system in systems if system.panel.members]
    return tuple(replace(one, panel=effort.shorten(one.name, one.panel)) for one in usable), tuple(notes)


def _use_all_folds(panel: Panel) -> Panel:
    """Calibrate on all images of a study, even if the recipe holds one fold out for calibration."""
    return replace(panel, final="folds") if panel.final == "held-out" else panel


def _hold_out_a_fold(panel: Panel) -> Panel:
    """Fit one module on four fifths of the images, and calibrate on the others: publications fit one module only."""
    return replace(panel, final="held-out", folds=5)


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
