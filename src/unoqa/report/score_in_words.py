"""What the score of a model is made of, in the words of a Methods paragraph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

OF_THE_PAPER = ("cflow", "fastflow", "padim", "patchcore")
"""The low-quality modules of the paper's tables."""

NAMES = {
    "cflow": "CFLOW",
    "fastflow": "FastFlow",
    "padim": "PaDiM",
    "patchcore": "PatchCore",
    "gaussian": "a Gaussian",
    "niqe": "NIQE",
}
"""Names of modules in a paper; the others are called what recipes call them."""


def follows_paper(settings: Mapping[str, Any]) -> bool:
    """Tell whether a model does what the paper does: one of its modules, and the maps are clustered."""
    modules = {member["module"]["choice"] for member in settings.get("members", [])}
    return bool(modules) and modules <= {*OF_THE_PAPER} and settings["split"]["representation"] == "maps"


def describe_score(settings: Mapping[str, Any]) -> str:
    """Say in a sentence what the score is made of; empty if the record does not know."""
    members = settings.get("members", [])
    parts = [*_describe_measures(members), *(_describe_member(one) for one in members if not _measures(one))]
    if not parts:
        return ""
    if len(members) == 1:
        return f"The score is from {parts[0]}."
    return f"The score combines {len(members)} standardised scores, from {' and '.join(parts)}."


def _measures(member: Mapping[str, Any]) -> bool:
    return bool(member["encoder"]["choice"] == "measures" and member["module"]["choice"] == "signed")


def _describe_measures(members: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    names = [name for member in members if _measures(member) for name in member["module"].get("channels", ())]
    if names:
        words = ", ".join(name.replace("_", " ") for name in names)
        yield f"hand-made measures ({words}), each compared with outstanding images in its bad direction only,"


def _describe_member(member: Mapping[str, Any]) -> str:
    encoder, module = member["encoder"], member["module"]["choice"]
    name = NAMES.get(module, f"the module {module}")
    if encoder["choice"] != "timm":
        return f"{name} of the features {encoder['choice']}"
    layers = ", ".join(map(str, encoder["layers"]))
    return f"{name} of the features of the network {encoder['model']} (layers {layers})"
