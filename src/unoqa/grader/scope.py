"""Which scans a model is for; what is not such a scan is out of scope, and neither fitted on nor graded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from unoqa.core.errors import ImageError
from unoqa.core.facts import agree

if TYPE_CHECKING:
    from unoqa.core.facts import Facts
    from unoqa.core.image import EnfaceImage
    from unoqa.grader.source import ImageSource, LazyImage

SUPERFICIAL = "superficial"
"""The slab that models are for unless they say otherwise."""

ANY = "any"
"""In place of a slab: every one."""

STRUCTURAL, OTHER_SLAB, OTHER_MODALITY = "structural", "other-slab", "other-modality"
"""Codes of scope; the first is also the first word of slabs that show reflectance, not flow."""

MODALITIES = ("OPTENF", "OPT", "OP", "OT", "XC")
"""DICOM's words for what may hold an OCTA en-face image: tomography of the eye, photographs, captures of a screen."""


@final
@dataclass(frozen=True)
class Scope:
    """Which scans a model is for, by what is known of them; a scan of which nothing is known is in scope.

    Attributes:
        slab: that they show, such as `superficial` or `structural deep`; `any` takes every slab.
    """

    slab: str = SUPERFICIAL

    def find_other(self, facts: Facts) -> str:
        """Return the code of why a scan is out of scope, by what is known of it; empty if it is not."""
        if facts.modality is not None and facts.modality.value not in MODALITIES:
            return OTHER_MODALITY
        if facts.slab is None or self.slab == ANY:
            return ""
        if facts.slab.value.startswith(STRUCTURAL) and not self.slab.startswith(STRUCTURAL):
            return STRUCTURAL
        return "" if agree("slab", facts.slab.value, self.slab) else OTHER_SLAB

    def check(self, image: EnfaceImage) -> None:
        """Check that an image is in scope.

        Raises:
            ImageError: `out-of-scope`.
        """
        if not (code := self.find_other(image.facts)):
            return
        fact = image.facts.modality if code == OTHER_MODALITY else image.facts.slab
        if fact is None:
            return
        sentence = (
            f"{image.name} has the modality {fact.value} by {fact.source}, which holds no OCTA en-face images; leave "
            "it out, or export the en-face image alone."
            if code == OTHER_MODALITY
            else f"{image.name} shows the slab '{fact.value}' by {fact.source} and the model is for '{self.slab}'; "
            "grade it with a model of its slab (fit takes the slab)."
        )
        raise ImageError("out-of-scope", sentence, scope=code)

    def restrict(self, source: ImageSource) -> ImageSource:
        """Return the images, each checked when it is read."""
        return replace(source, images=tuple(map(self._check_lazily, source.images)))

    def _check_lazily(self, image: LazyImage) -> LazyImage:
        def load() -> EnfaceImage:
            read = image.load()
            self.check(read)
            return read

        return replace(image, load=load)
