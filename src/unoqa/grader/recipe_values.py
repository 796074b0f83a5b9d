"""Recipes as plain values, as a TOML file holds them: parsed, checked and dumped.

Every error names the file of the recipe, the key and its value, and says what to use instead.
"""

from __future__ import annotations

from dataclasses import fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

from unoqa.clusterings import CLUSTERINGS
from unoqa.core.errors import UsageError
from unoqa.core.precision import Precision
from unoqa.core.settings import build, check_settings, to_plain
from unoqa.encoders import ENCODERS
from unoqa.grader.crop import Crop
from unoqa.grader.panel import SMALLEST_STD, Final, Fusion, Member, Panel
from unoqa.grader.scope import SUPERFICIAL
from unoqa.grader.split import Representation, Split
from unoqa.lowquality import MODULES
from unoqa.reductions import REDUCTIONS
from unoqa.thresholds import THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from unoqa.core.catalog import Shelf
    from unoqa.core.contracts import Encoder, Threshold

_KEYS = ("description", "size", "slab", "crop", "precision", "panel", "members", "threshold", "split")
_PANEL_KEYS = ("fusion", "folds", "final")
_MEMBER_KEYS = ("encoder", "module", "weight", "std_floor")
_SPLIT_KEYS = ("representation", "reduction", "clustering")

FORMER = {
    "even": "rms_norm",
    "rate": "learning_rate",
    "passes": "epochs",
    "decay": "weight_decay",
    "mixing": "permutation",
    "code": "positional_channels",
    "degrees": "rotation",
    "most": "max_components",
}
"""Settings of unoqa 0.1.0, and what they are called now."""


def check_keys(values: Mapping[str, Any], name: str) -> None:
    """Check that every key of a recipe exists.

    Raises:
        UsageError: a key does not exist; the message suggests the nearest.
    """
    _check_keys(values, _KEYS, name)


def parse_size(values: Mapping[str, Any], name: str) -> int:
    """Return the side in pixels to which images are resized: 320, or the `size` of the recipe."""
    size = values.get("size", 320)
    if not isinstance(size, int) or not 64 <= size <= 2048:
        raise UsageError(f"{name}.toml: size = {size!r} is not a size in pixels; use a whole number from 64 to 2048.")
    return size


def parse_slab(values: Mapping[str, Any], name: str) -> str:
    """Return the slab that a model is for: the superficial one, or the `slab` of the recipe."""
    slab = values.get("slab", SUPERFICIAL)
    if not isinstance(slab, str) or not slab.strip():
        raise UsageError(f"{name}.toml: slab = {slab!r} names no slab; use a word such as superficial, deep or any.")
    return slab.strip().lower()


def parse_crop(values: Mapping[str, Any], name: str) -> Crop:
    """Return how the scan is cut out of each picture: found where there are margins, or the `crop` of the recipe."""
    try:
        return Crop.parse(str(values.get("crop", "auto")))
    except UsageError as error:
        raise UsageError(f"{name}.toml: {error}") from None


def parse_threshold(values: Mapping[str, Any], name: str) -> Threshold:
    """Make the threshold of a recipe; by default the conformal one."""
    threshold: Threshold = _parse_choice(THRESHOLDS, values, "threshold", name, default="conformal")
    return threshold


def parse_panel(values: Mapping[str, Any], name: str) -> Panel:
    """Make the panel of a recipe: its members, pairs of an encoder and a low-quality module, and how they are fused.

    The `precision` of a recipe is that of every encoder and module that has this setting.
    """
    settings = values.get("panel", {})
    _check_keys(settings, _PANEL_KEYS, name, "panel")
    fusion, folds, final_ = (
        settings.get("fusion", "norm"),
        settings.get("folds", 5),
        settings.get("final", "folds"),
    )
    _check_value(fusion, get_args(Fusion), "fusion", name)
    _check_value(final_, get_args(Final), "final", name)
    if not isinstance(folds, int) or folds < 2:
        raise UsageError(f"{name}.toml: folds = {folds!r} is not a number of folds; use a whole number of 2 or more.")
    members = values.get("members", ())
    if not members or not isinstance(members, list | tuple):
        raise UsageError(f"{name}.toml: [[members]] is missing; use at least one, with an encoder and a module.")
    panel = Panel(tuple(_parse_member(member, name) for member in members), fusion, folds, final_)
    if "precision" not in values:
        return panel
    _check_value(values["precision"], get_args(Precision), "precision", name)
    return apply_precision(panel, values["precision"], name)


def apply_precision(panel: Panel, precision: Precision, name: str) -> Panel:
    """Return the panel with the precision.

    Raises:
        UsageError: it is bfloat16, and no encoder or module has this setting.
    """
    changed = panel.with_precision(precision)
    if changed.precision != precision:
        raise UsageError(
            f"The recipe '{name}' has nothing that computes in {precision}: only encoders from timm and flows do; "
            "leave the precision out."
        )
    return changed


def parse_split(values: Mapping[str, Any], name: str) -> Split:
    """Make the split of a recipe into gradable and ungradable; by default k-means on the score."""
    settings = values.get("split", {})
    _check_keys(settings, _SPLIT_KEYS, name, "split")
    representation = settings.get("representation", "score")
    _check_value(representation, get_args(Representation), "representation", name)
    reduction = _parse_choice(REDUCTIONS, settings, "reduction", name, default="none")
    clustering = _parse_choice(CLUSTERINGS, settings, "clustering", name, default="kmeans")
    return Split(representation, reduction, clustering)


def dump_values(*, size: int, panel: Panel, threshold: Threshold, split: Split) -> dict[str, Any]:
    """Return settings as plain values, which the functions above parse."""
    return {
        "size": size,
        "panel": {key: getattr(panel, key) for key in _PANEL_KEYS},
        "members": [_dump_member(member) for member in panel.members],
        "threshold": _dump_choice(THRESHOLDS, threshold),
        "split": {
            "representation": split.representation,
            "reduction": _dump_choice(REDUCTIONS, split.reduction),
            "clustering": _dump_choice(CLUSTERINGS, split.clustering),
        },
    }


def _parse_member(values: Mapping[str, Any], name: str) -> Member:
    _check_keys(values, _MEMBER_KEYS, name, "[members]")
    weight, std_floor = (
        _parse_number(values, key, default, smallest, name)
        for key, default, smallest in (("weight", 1.0, 0.001), ("std_floor", SMALLEST_STD, SMALLEST_STD))
    )
    encoder: Encoder = _parse_choice(ENCODERS, values, "encoder", name)
    return Member(encoder, _parse_choice(MODULES, values, "module", name), weight, std_floor)


def _parse_number(values: Mapping[str, Any], key: str, default: float, smallest: float, name: str) -> float:
    """Read a number of a member, from `smallest` to 1000."""
    number = values.get(key, default)
    if isinstance(number, bool) or not isinstance(number, int | float) or not smallest <= number <= 1000:
        word = f"a {key}" if key == "weight" else "a standard deviation"
        raise UsageError(f"{name}.toml: {key} = {number!r} is not {word}; use a number from {smallest:g} to 1000.")
    return float(number)


def _dump_member(member: Member) -> dict[str, Any]:
    return {
        "encoder": _dump_choice(ENCODERS, member.encoder),
        "module": _dump_choice(MODULES, member.module),
        "weight": member.weight,
        "std_floor": member.std_floor,
    }


def _parse_choice(shelf: Shelf[Any], values: Mapping[str, Any], key: str, name: str, default: str = "") -> Any:  # noqa: ANN401 - the shelf's contract
    """Make one choice of a shelf from `key = "choice"` or from `key = {choice = "choice", …settings}`."""
    value = values.get(key, default)
    settings = {"choice": value} if isinstance(value, str) else value
    choice = settings.get("choice") if isinstance(settings, dict) else settings
    if not choice:
        raise UsageError(f"{name}.toml: the choice of {key} is missing; {_advise('', shelf.names())}")
    _check_value(choice, shelf.names(), key, name)
    rest = {other: setting for other, setting in settings.items() if other != "choice"}
    where = f"{name}.toml, {shelf.kind} '{choice}'"
    loaded = shelf.load(choice)
    check_settings(loaded, where)
    _check_former(loaded, rest, where)
    return build(loaded, rest, where)


def _dump_choice(shelf: Shelf[Any], choice: object) -> dict[str, Any]:
    return {"choice": shelf.find_name(choice), **to_plain(choice)}


def _check_keys(values: object, known: Collection[str], name: str, table: str = "") -> None:
    if not isinstance(values, dict):
        key = table.strip("[]")
        raise UsageError(f"{name}.toml: {key} = {values!r} is not a table; use the keys {_join(known, 'and')}.")
    where = f" in [{table}]" if table else ""
    for key in values:
        if key not in known:
            raise UsageError(f"{name}.toml: the key '{key}'{where} is unknown; {_advise(str(key), known)}")


def _check_former(choice: type, settings: Mapping[str, object], where: str) -> None:
    """Refuse a setting by its name of unoqa 0.1.0; a choice of others may have one that is called so."""
    known = {field.name for field in fields(choice)}
    for key in settings:
        if key not in known and FORMER.get(key) in known:
            raise UsageError(f"{where}: '{key}' of unoqa 0.1.0 is called '{FORMER[key]}' now; rename it.")


def _check_value(value: object, known: Collection[str], key: str, name: str) -> None:
    if value not in known:
        raise UsageError(f"{name}.toml: {key} = {value!r} is unknown; {_advise(str(value), known)}")


def _advise(wrong: str, known: Collection[str]) -> str:
    near = get_close_matches(wrong, known, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'? Known: {', '.join(sorted(known))}." if near else f"use {_join(known, 'or')}."


def _join(names: Collection[str], word: str) -> str:
    *others, last = sorted(names)
    return f"{', '.join(others)} {word} {last}" if others else last
