"""The part of a picture that is the scan, for all images of a model alike: found, declared, or all of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, final, get_args

from unoqa.core.errors import ImageError, UsageError
from unoqa.core.facts import Fact
from unoqa.grader.scan_finder import Rectangle, find_scan

if TYPE_CHECKING:
    from unoqa.core.image import EnfaceImage

Mode = Literal["auto", "none"]


@final
@dataclass(frozen=True)
class Crop:
    """How the scan is cut out of a picture.

    Attributes:
        part: `auto` finds it in pictures with margins, and leaves others as they are; `none` takes the whole picture; a
            rectangle is the same for all.
    """

    part: Mode | Rectangle

    @classmethod
    def parse(cls, text: str) -> Crop:
        """Return the crop that a text names: `auto`, `none`, or `X,Y,W,H` in pixels.

        Raises:
            UsageError: it names none.

        >>> str(Crop.parse("116, 0, 580, 580"))
        '116,0,580,580'
        """
        match = re.fullmatch(r"\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*", text)
        if match is not None and int(match[3]) and int(match[4]):
            return cls(Rectangle(*map(int, match.groups())))
        for mode in get_args(Mode):
            if text == mode:
                return cls(mode)
        raise UsageError(
            f"The crop '{text}' is unknown; use auto, none, or X,Y,W,H: the column and row of the scan's upper left "
            "corner, its width and its height, in pixels."
        )

    def apply(self, image: EnfaceImage) -> EnfaceImage:
        """Return the scan; where it lay is among its facts.

        Raises:
            ImageError: `no-scan`: the picture has margins and the scan in it is not found, or it is smaller than the
                rectangle; and as `EnfaceImage.check`.
        """
        if self.part == "none":
            return image
        image.check()
        found = find_scan(image.pixels) if self.part == "auto" else self.part
        if found is None:
            raise ImageError(
                "no-scan",
                f"{image.name} is a picture with margins in which no scan is found; export the scan alone, or fit with "
                "the rectangle in which it lies (crop X,Y,W,H).",
            )
        rows, columns = image.pixels.shape
        if found.left + found.width > columns or found.top + found.height > rows:
            raise ImageError(
                "no-scan",
                f"{image.name} has {columns}×{rows} pixels, and the model's crop {found} reaches beyond them; export "
                "it as the pictures that the model was fitted on.",
            )
        if (found.width, found.height) == (columns, rows):
            return image
        source = "found in the picture" if self.part == "auto" else "crop of the model"
        facts = replace(image.facts, crop=Fact(str(found), source))
        return replace(image, pixels=found.cut(image.pixels), facts=facts)

    def __str__(self) -> str:
        return str(self.part)


AUTO = Crop("auto")

WHOLE = Crop("none")
"""Of models that were fitted before there was a crop."""
