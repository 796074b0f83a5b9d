"""The model card: what a model folder is, for whoever finds it in five years."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTICE = "For research use. Not a medical device; no diagnosis may rest on it."


def render_model_card(document: Mapping[str, Any]) -> str:
    """Write the card from a model's document, in Markdown."""
    settings = document["settings"]
    members = "\n".join(
        f"* {_told(member['encoder'])} → {_told(member['module'])}, weight {member['weight']:g}"
        for member in settings["members"]
    )
    settled = document.get("settled")
    second = (
        f"frozen, as {settled['cohort']} images gave it" if settled else "made anew from each cohort that is graded"
    )
    return f"""# A model of outstanding OCTA images

{NOTICE}

It grades OCTA en-face images *outstanding*, *gradable* or *ungradable*. It has seen outstanding images only
and no label. Use it for scans of the device, field of view and slab that it was made from; on others its
scores mean nothing until it is fitted again.

| | |
|---|---|
| made by | unoqa {document["unoqa"]}, recipe `{document["recipe"]}`, seed {document["seed"]} |
| learned from | {document["images"]} images |
| images are resized to | {settings["size"]}×{settings["size"]} pixels ({document["resize"]}) |
| outstanding up to a score of | {document["threshold"]:.4f} ({settings["threshold"]["choice"]}) |
| gradable or ungradable | {settings["split"]["clustering"]["choice"]}, {second} |

{members}

Use: `unoqa grade IMAGES -m THIS_FOLDER -o RESULTS`. `checksums.json` holds the SHA-256 of each file; a
changed byte is refused.
"""


def _told(choice: Mapping[str, Any]) -> str:
    """Name a choice, with the settings that tell it from others of its kind."""
    telling = [choice[key] for key in ("model", "layers", "scales", "channels") if choice.get(key)]
    words = [", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value) for value in telling]
    return f"{choice['choice']} ({'; '.join(words)})" if words else str(choice["choice"])
