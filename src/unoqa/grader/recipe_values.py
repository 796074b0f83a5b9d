"""Recipes as plain values: what a TOML file holds, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from unoqa.clusterings import CLUSTERINGS
from unoqa.core.errors import UsageError, unknown
from unoqa.core.settings import build, to_plain
from unoqa.encoders import ENCODERS
from unoqa.grader.panel import Final, Fusion, Member, Panel
from unoqa.grader.split import Representation, Split
from unoqa.lowquality import MODULES
from unoqa.reductions import REDUCTIONS
from unoqa.thresholds import THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from unoqa.core.catalog import Shelf
    from unoqa.core.contracts import Encoder, Threshold

_KEYS = ("description", "size", "panel", "members", "threshold", "split")
_PANEL_KEYS = ("fusion", "folds", "final")
_MEMBER_KEYS = ("encoder", "module", "weight")
_SPLIT_KEYS = ("representation", "reduction", "clustering")


def check_keys(values: Mapping[str, Any], name: str) -> None:
    """Refuse a recipe with a key that does not exist.

    Raises:
        UsageError: names the nearest key that does.
    """
    _only(values, _KEYS, f"recipe '{name}'")


def parse_size(values: Mapping[str, Any], name: str) -> int:
    """Return the side in pixels to which images are resized."""
    size = values.get("size", 320)
    if not isinstance(size, int) or not 64 <= size <= 2048:
        raise UsageError(f"Setting 'size' of recipe '{name}' is {size!r}: it should be from 64 to 2048 pixels.")
    return size


def parse_threshold(values: Mapping[str, Any], where: str) -> Threshold:
    """Make the threshold that `values` describe; the conformal one where they do not."""
    threshold: Threshold = _choice(THRESHOLDS, values.get("threshold", "conformal"), where)
    return threshold


def parse_panel(values: Mapping[str, Any], name: str) -> Panel:
    """Make the panel that `values` describe."""
    settings = values.get("panel", {})
    _only(settings, _PANEL_KEYS, f"recipe '{name}', panel")
    fusion, folds, final_ = (
        settings.get("fusion", "norm"),
        settings.get("folds", 5),
        settings.get("final", "folds"),
    )
    _one_of(fusion, get_args(Fusion), "fusion", name)
    _one_of(final_, get_args(Final), "final", name)
    if not isinstance(folds, int) or folds < 2:
        raise UsageError(f"Setting 'folds' of recipe '{name}' is {folds!r}: it should be 2 or more.")
    members = values.get("members", ())
    if not members or not isinstance(members, list | tuple):
        raise UsageError(f"Recipe '{name}' has no [[members]]; give it at least one encoder and module.")
    return Panel(tuple(_member(member, name) for member in members), fusion, folds, final_)


def parse_split(values: Mapping[str, Any], name: str) -> Split:
    """Make the second stage that `values` describe: by default k-means on the score."""
    where = f"recipe '{name}', split"
    settings = values.get("split", {})
    _only(settings, _SPLIT_KEYS, where)
    representation = settings.get("representation", "score")
    _one_of(representation, get_args(Representation), "representation", name)
    reduction = _choice(REDUCTIONS, settings.get("reduction", "none"), where)
    clustering = _choice(CLUSTERINGS, settings.get("clustering", "kmeans"), where)
    return Split(representation, reduction, clustering)


def dump_values(*, size: int, panel: Panel, threshold: Threshold, split: Split) -> dict[str, Any]:
    """Return settings as plain values, which the functions above read back."""
    return {
        "size": size,
        "panel": {key: getattr(panel, key) for key in _PANEL_KEYS},
        "members": [_member_values(member) for member in panel.members],
        "threshold": _choice_values(THRESHOLDS, threshold),
        "split": {
            "representation": split.representation,
            "reduction": _choice_values(REDUCTIONS, split.reduction),
            "clustering": _choice_values(CLUSTERINGS, split.clustering),
        },
    }


def _member(values: Mapping[str, Any], name: str) -> Member:
    where = f"recipe '{name}', member"
    _only(values, _MEMBER_KEYS, where)
    for key in ("encoder", "module"):
        if key not in values:
            raise UsageError(f"A member of recipe '{name}' has no '{key}'; name one (see `unoqa choices`).")
    weight = values.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0.001 <= weight <= 1000:
        raise UsageError(f"Setting 'weight' of {where} is {weight!r}: it should be a number from 0.001 to 1000.")
    encoder: Encoder = _choice(ENCODERS, values["encoder"], where)
    return Member(encoder, _choice(MODULES, values["module"], where), float(weight))


def _member_values(member: Member) -> dict[str, Any]:
    return {
        "encoder": _choice_values(ENCODERS, member.encoder),
        "module": _choice_values(MODULES, member.module),
        "weight": member.weight,
    }


def _choice(shelf: Shelf[Any], values: object, where: str) -> Any:  # noqa: ANN401 - the shelf's contract
    """Make one choice of a shelf from `{choice = "name", …settings}` or from the name alone."""
    settings = {"choice": values} if isinstance(values, str) else values
    if not isinstance(settings, dict) or not isinstance(settings.get("choice"), str):
        raise UsageError(f"A {shelf.kind} of {where} has no 'choice'; known: {', '.join(shelf.names())}.")
    name = settings["choice"]
    rest = {key: value for key, value in settings.items() if key != "choice"}
    return build(shelf.load(name), rest, f"{where}, {shelf.kind} '{name}'")


def _choice_values(shelf: Shelf[Any], choice: object) -> dict[str, Any]:
    return {"choice": shelf.find_name(choice), **to_plain(choice)}


def _only(values: object, known: Iterable[str], where: str) -> None:
    if not isinstance(values, dict):
        raise UsageError(f"{where} should be a table of settings, not {values!r}.")
    for key in values:
        if key not in known:
            raise unknown(f"setting of {where}", key, known)


def _one_of(value: object, known: tuple[str, ...], key: str, name: str) -> None:
    if value not in known:
        raise unknown(f"'{key}' for recipe '{name}'", str(value), known)
