"""Images that a record names, read again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from unoqa.core.errors import ImageError, ResultsError
from unoqa.formats import ImageReference, read
from unoqa.grader.crop import WHOLE, Crop
from unoqa.grader.intensity import IntensityRange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.core.image import EnfaceImage
    from unoqa.store.results import ImageEntry, Results


def read_image(results: Results, name: str, *, images: Path | None = None) -> EnfaceImage:
    """Read an image that was graded: the scan in it, its brightness from 0 to 1 as the model saw it.

    Args:
        images: folder where the images lie now; None if they lie where they were graded.

    Raises:
        ResultsError: it lies there no longer.
    """
    row = results.connection.execute("SELECT model FROM images WHERE name = ?", (name,)).fetchone()
    number = None if row is None else row[0]
    return load_image(results.entry(name, images=images), _choose(_list_preparations(results), number))


@final
@dataclass(frozen=True)
class Preparation:
    """What a model does to an image before it scores it.

    Attributes:
        intensity_range: None if the record does not say.
    """

    crop: Crop
    intensity_range: IntensityRange | None

    def prepare(self, image: EnfaceImage) -> EnfaceImage:
        """Return the scan in a picture, its brightness from 0 to 1.

        Raises:
            ImageError: the image is not the one that was graded.
        """
        scan = self.crop.apply(image)
        return scan if self.intensity_range is None else self.intensity_range.scale(scan)


NOTHING_KNOWN = Preparation(WHOLE, None)


def find_preparations(results: Results) -> list[Preparation]:
    """Return what the model that scored each image did to it, as far as the record says."""
    known = _list_preparations(results)
    rows = results.connection.execute("SELECT model FROM images ORDER BY position")
    return [_choose(known, number) for (number,) in rows]


def load_image(entry: ImageEntry, preparation: Preparation) -> EnfaceImage:
    """Read an image from where it lies.

    Raises:
        ResultsError: it lies there no longer.
    """
    try:
        image = read(ImageReference(entry.name, Path(entry.path), entry.page))
        return preparation.prepare(image)
    except ImageError as error:
        raise ResultsError(f"{error} If the images were moved, name their folder with the setting images.") from error


def _list_preparations(results: Results) -> list[Preparation]:
    """Return what each model does to an image."""
    facts = results.facts
    return [_read_preparation(model) for model in facts.get("models") or [facts]]


def _read_preparation(model: dict[str, Any]) -> Preparation:
    stored = model.get("intensity_range")
    crop = Crop.parse(model.get("crop", str(WHOLE)))
    return Preparation(crop, None if stored is None else IntensityRange.from_values(stored))


def _choose(known: Sequence[Preparation], number: int | None) -> Preparation:
    """Return the preparation of an image by the number of its model; of several models, none is guessed."""
    if len(known) == 1:
        return known[0]
    return NOTHING_KNOWN if number is None else known[number]
