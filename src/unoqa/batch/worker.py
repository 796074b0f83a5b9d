"""One image becomes an assessment and its heat overlay; nothing else is known here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from PIL import Image

from unoqa.core.errors import ImageError
from unoqa.core.facts import NO_FACTS
from unoqa.grader.overlay import blend_heat
from unoqa.store.files import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.core.assessment import Assessment, Failure
    from unoqa.core.image import EnfaceImage
    from unoqa.grader.choice_of_model import Models
    from unoqa.grader.source import LazyImage


@final
@dataclass(frozen=True)
class Task:
    """One image to assess.

    Attributes:
        digest: of the pixels that an earlier run assessed; None if it did not.
        heat: file of the overlay; None if none is wanted.
    """

    image: LazyImage
    digest: str | None
    heat: Path | None


@final
@dataclass(frozen=True)
class Worker:
    """Assesses images, each with the model that was fitted on such scans.

    Attributes:
        all_findings: whether outstanding images get findings too.
    """

    models: Models
    all_findings: bool = False

    def __call__(self, task: Task) -> Assessment | Failure | None:
        """Assess an image and write its overlay; None if an earlier run did so and the image has not changed."""
        facts = NO_FACTS
        try:
            image = task.image.load()
            facts = image.facts
            if task.digest is not None and image.digest() == task.digest and _exists(task.heat):
                return None
            return self._assess(image, task.heat)
        except ImageError as error:
            return task.image.fail(error, facts)

    def _assess(self, image: EnfaceImage, heat: Path | None) -> Assessment:
        number = self.models.choose(image)
        grader = self.models.graders[number].grader
        assessment, make_heat = grader.assess(image, all_findings=self.all_findings)
        if heat is not None:
            with replace_file(heat) as fresh:
                pixels = grader.model.scans.prepare(image).pixels
                Image.fromarray(blend_heat(pixels, make_heat())).save(fresh, format="PNG", compress_level=3)
        return replace(assessment, model=number)


def _exists(heat: Path | None) -> bool:
    """Tell whether the overlay is there; a user may have removed it."""
    return heat is None or (heat.is_file() and heat.stat().st_size > 0)
