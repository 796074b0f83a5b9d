"""The model card: what a model folder is, for someone who finds it in five years."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unoqa.encoders.parts.packaged_weights import PACKAGES
from unoqa.grader.intensity import IntensityRange
from unoqa.grader.scope import ANY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOTICE = "For research use. Not a medical device; no diagnosis may rest on it."

ENGINES = {
    "onnxruntime": "ONNX Runtime on a processor, torch on a graphics card",
    "torch": "torch, since ONNX cannot express the network",
}
"""How the card names what runs an encoder's network."""


SEEN = 0.8
"""Share of the damaged scans that are refused if the card calls a kind of damage seen."""

PRECISIONS = {
    "single": "single",
    "bfloat16": "bfloat16, by torch; single where a processor or a graphics card does not multiply it",
}
"""How the card names the precision in which networks multiply."""


def render_model_card(document: Mapping[str, Any]) -> str:
    """Render the card from a model's document, as Markdown."""
    settings, calibration, adapted = document["settings"], document.get("calibration"), document.get("adapted")
    members = "\n".join(
        f"* {_describe(member['encoder'])} → {_describe(member['module'])}, weight {member['weight']:g}"
        for member in settings["members"]
    )
    packages = _list_packages(settings["members"]) + _list_added(document.get("packages", {}))
    threshold = _describe_threshold(settings["threshold"], calibration, adapted)
    engines = [ENGINES[engine] for engine in dict.fromkeys(document["engines"]) if engine]
    return f"""# A model of outstanding OCTA images

{NOTICE}

It grades OCTA en-face images *outstanding*, *gradable* or *ungradable*. It was fitted on {_describe_images(adapted)},
{"without labels" if calibration is None else "and its borders set with labels"}. Use it for scans of the same device,
field of view and slab (depth range of the en-face projection); for other scans, fit a new model: the scores of this one
mean nothing there.

| | |
|---|---|
| made by | unoqa {document["unoqa"]}, recipe `{document["recipe"]}`, seed {document["seed"]}, {document["date"]} |
| fitted on | {document["images"]} images of {_describe_size(document["image_size"])}{_note_groups(document)} |
| intensity range: black to white | {IntensityRange.from_values(document["intensity_range"])} |
| slab | {settings.get("slab", ANY)} |
| scan in each picture | {_describe_crop(document.get("crop", "none"))} |
| images are resized to | {settings["size"]}×{settings["size"]} pixels ({document["resize"]}) |
| threshold: outstanding up to a score of | {document["threshold"]:.4f} ({threshold}) |
| patients | {_describe_patients(document.get("patients", 0))} |
| precision | {PRECISIONS[document["precision"]]} |
| who runs the networks of encoders | {"; ".join(engines) or "there are none"} |
{packages}| gradable or ungradable | {_describe_split(document)} |
{_describe_calibration(calibration)}
{members}

{_describe_selftest(document.get("selftest"))}Use: `unoqa grade IMAGES -m THIS_FOLDER -o RESULTS`.
`checksums.json` holds the SHA-256 of each file; unoqa does not load a model with a changed byte.
"""


def _describe_selftest(selftest: Mapping[str, Any] | None) -> str:
    """Return a section that says what the model sees of planted damage; nothing if that was not tried."""
    if selftest is None:
        return ""
    scans, kinds = selftest["scans"], selftest["kinds"]
    rows = "\n".join(
        f"| {kind} | {seen['refused']} | {seen.get('named', 'no finding for it')} |" for kind, seen in kinds.items()
    )
    judges = (
        "by the modules that were not fitted on it"
        if selftest["held_out"]
        else "by the modules that were fitted on it, since the model has no others: it may see less in other scans"
    )
    missed = [kind for kind, seen in kinds.items() if seen["refused"] < SEEN * scans]
    hardly = f"Hardly seen, and not to be relied on: {', '.join(missed)}." if missed else "Every kind is seen."
    return f"""## What it sees

A quick self-test planted {len(kinds)} kinds of damage in {scans} of the scans that the model was fitted on, one at a
time, at a severity of {selftest["severity"]:g}: about a quarter of the scan is lost. Each scan was scored
{judges}.
Without damage, {selftest["undamaged"]} of {scans} are refused.

| damage | refused, of {scans} | of these named by the first two findings |
|---|---|---|
{rows}

{hardly}

Synthetic damage is not real damage, and {scans} scans are few: `unoqa selftest` tries more scans, which you held out,
and four severities.

"""


def _note_groups(document: Mapping[str, Any]) -> str:
    sizes = " and ".join(map(str, document.get("groups", ())))
    return sizes and f"; they fall into two groups, of {sizes}: two devices, or two ways of export?"


def _describe_patients(patients: int) -> str:
    if not patients:
        return (
            "not known: if several images are of one patient, more than this share may be refused; name patients in a "
            "manifest to rule that out"
        )
    return f"{patients}; all images of one patient, also of the fellow eye, are in one fold"


def _list_packages(members: Sequence[Mapping[str, Any]]) -> str:
    """Return a row for each Python package whose weights the model holds."""
    names = dict.fromkeys(member["encoder"].get("package") for member in members)
    known = {name: PACKAGES[name] for name in names if name}
    return "".join(
        f"| weights of {one.model} | of the Python package {name} {one.version}; licence: {one.licence} |\n"
        for name, one in known.items()
    )


def _list_added(packages: Mapping[str, str]) -> str:
    """Return a row for the choices that other packages added."""
    words = "; ".join(f"{choice} of {package}" for choice, package in packages.items())
    return f"| added by other packages | {words} |\n" if words else ""


def _describe_crop(crop: str) -> str:
    words = {"auto": "found where a picture has margins, such as a fundus or a caption", "none": "the whole picture"}
    return words.get(crop, f"the rectangle {crop}: column and row of its corner, width, height")


def _describe_size(size: Mapping[str, Any]) -> str:
    words = [f"{columns}×{rows}" for rows, columns in (size["smallest"], size["largest"])]
    return " to ".join(dict.fromkeys(words)) + " pixels"


def _describe_split(document: Mapping[str, Any]) -> str:
    settled, clustering = document.get("settled"), document["settings"]["split"]["clustering"]["choice"]
    if settled is None:
        return f"{clustering}, clustered anew for each cohort"
    how = "set with labels" if "calibration" in document else f"{clustering}, frozen on {settled['cohort']} images"
    if "border" in settled:
        how += f": ungradable from a score of {settled['border']:.4f}"
    if "statistics" in settled:
        how += "; the model keeps numbers of the cohort, without names, by which `unoqa monitor` sees a drift"
    return how


def _describe_calibration(calibration: Mapping[str, Any] | None) -> str:
    """Return a row that says what the labels gain."""
    if calibration is None:
        return ""
    before, after = (calibration["kappa"][name] for name in ("before", "after"))
    return (
        f"| borders set with labels | of {calibration['images']} images; kappa with such labels: {_format(before)} "
        f"before, {_format(after)} to be expected (cross-validation) |\n"
    )


def _format(estimate: Mapping[str, float]) -> str:
    return f"{estimate['value']:.2f} ({estimate['low']:.2f} to {estimate['high']:.2f})"


def _describe_images(adapted: Mapping[str, Any] | None) -> str:
    if adapted is None:
        return "outstanding images only"
    return (
        f"the {adapted['fitted']} images, of {adapted['images']} unlabelled ones, that a model of another device "
        "ranked best, and nobody has looked at them"
    )


def _describe_threshold(
    threshold: Mapping[str, Any], calibration: Mapping[str, Any] | None, adapted: Mapping[str, Any] | None
) -> str:
    if calibration is not None:
        return "set with labels; no share α of outstanding images is promised"
    if adapted is not None:
        return f"{threshold['choice']}; adapted without outstanding images; no share α of these is promised"
    if "alpha" not in threshold:
        return str(threshold["choice"])
    return f"{threshold['choice']}, α = {threshold['alpha']:g}: at most this share of outstanding images is refused"


def _describe(choice: Mapping[str, Any]) -> str:
    """Name a choice with its main settings."""
    main = [choice[key] for key in ("model", "layers", "scales", "channels") if choice.get(key)]
    words = [", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value) for value in main]
    return f"{choice['choice']} ({'; '.join(words)})" if words else str(choice["choice"])
