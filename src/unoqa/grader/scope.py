"""Which scans a model is for; what is not such a scan is out of scope, and neither fitted on nor graded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, final

from unoqa.core.errors import ImageError
from unoqa.core.facts import STRUCTURAL, Fact, agree

if TYPE_CHECKING:
    from unoqa.core.facts import Facts
    from unoqa.core.image import EnfaceImage
    from unoqa.grader.source import ImageSource, LazyImage

SUPERFICIAL = "superficial"
"""The slab that models are for unless they say otherwise."""

ANY = "any"
"""In place of a slab: every one."""

MODALITIES = ("OPTENF", "OPT", "OP", "OT", "XC")
"""DICOM's words for what may hold an OCTA en-face image: tomography of the eye, photographs, captures of a screen."""


@final
@dataclass(frozen=True)
class Scope:
    """Which scans a model is for, by what is known of them; a scan of which nothing is known is in scope.

    Attributes:
        slab: that they show, such as `superficial` or `structural deep`; `any` takes every slab.
        kinds: the devices and fields of view of the images that the model was fitted on, each if it is known.
    """

    slab: str = SUPERFICIAL
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def wanted(self) -> dict[str, tuple[str, ...]]:
        """The values, one of which a fact must agree with, by the names of the facts."""
        slab = {} if self.slab == ANY else {"slab": (self.slab,)}
        return {"modality": MODALITIES, **self.kinds, **slab}

    def find_other(self, facts: Facts) -> str:
        """Return the name of the first fact in which a scan is another; empty if there is none."""
        for key, values in self.wanted.items():
            fact: Fact | None = getattr(facts, key)
            if fact is not None and not any(agree(key, fact.value, value) for value in values):
                return key
        return ""

    def check(self, image: EnfaceImage) -> None:
        """Check that an image is in scope.

        Raises:
            ImageError: `out-of-scope`; its scope is `structural`, or `other-` and the name of the fact.
        """
        if not (key := self.find_other(image.facts)):
            return
        fact: Fact = getattr(image.facts, key)
        what = key.replace("_", " ")
        found = f"{image.name} has the {what} '{fact.value}' by {fact.source}"
        if key == "modality":
            sentence = f"{found}, which holds no OCTA en-face images; leave it out, or export the en-face image alone."
        else:
            wanted, hint = "' or '".join(self.wanted[key]), " (fit takes the slab)" * (key == "slab")
            sentence = f"{found}, and the model is for '{wanted}'; grade it with a model of such scans{hint}."
        shows_reflectance = key == "slab" and fact.value.startswith(STRUCTURAL)
        scope = STRUCTURAL if shows_reflectance else f"other-{what.replace(' ', '-')}"
        raise ImageError("out-of-scope", sentence, scope=scope)

    def restrict(self, source: ImageSource) -> ImageSource:
        """Return the images, each checked when it is read."""
        return replace(source, images=tuple(map(self._check_lazily, source.images)))

    def _check_lazily(self, image: LazyImage) -> LazyImage:
        def load() -> EnfaceImage:
            read = image.load()
            self.check(read)
            return read

        return replace(image, load=load)
