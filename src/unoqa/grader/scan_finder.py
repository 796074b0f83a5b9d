"""Finding the scan in a picture that a device exports with margins: a fundus, a caption, a scale, a logo.

An angiogram is the only part of such a picture that is textured throughout: vessels and noise change from pixel to
pixel, while a fundus is smooth and a page is flat. So the scan is where every row and column is textured. Margins are
told from the dark bands that a blink leaves in a scan, which belong to it: a margin is brighter than the scan, or it is
flat and holds text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Bool, Float

if TYPE_CHECKING:
    from collections.abc import Iterator

Grey = Float[np.ndarray, "_ _"]
"""Brightness from 0 to 1, rows × columns."""

TEXTURED = 0.35
"""Share of the usual texture of a picture's rows or columns that those of a scan have at least."""

SMOOTH = 0.3
"""Largest texture of a margin, as a share of the scan's."""

BRIGHTER = 0.15
"""Share of the picture's range by which a fundus or a page is brighter than the median of a scan."""

ANGIOGRAM = 0.22
"""Smallest texture of a scan, as a share of its standard deviation. On 881 scans it is .285 or more, on fundi .15."""

NARROWEST = 0.01
"""Smallest width of a margin, as a share of the picture's side."""

SQUARENESS = 1.25
"""Largest ratio of the sides of a scan that is found; devices export square fields."""

SMALLEST_SHARE = 0.15
"""Smallest share of a picture that a scan takes."""

REACH = 8
"""Pixels within which the exact border of the scan is looked for; texture is averaged over a few."""

FRAME = 3
"""Pixels of a frame that programs draw around the scan."""


LETTER = (4, 40)
"""Smallest and largest size of a letter in pixels, the smaller of its height and width."""

FEWEST_LETTERS = 6
"""Smallest number of letters in a caption."""


@final
@dataclass(frozen=True)
class Rectangle:
    """A part of a picture, in pixels: the column and row of its upper left corner, its width and height."""

    left: int
    top: int
    width: int
    height: int

    def cut(self, pixels: Grey) -> Grey:
        """Return the part of a picture; a view, not a copy."""
        return pixels[self.top : self.top + self.height, self.left : self.left + self.width]

    def __str__(self) -> str:
        return f"{self.left},{self.top},{self.width},{self.height}"


def find_scan(pixels: Grey) -> Rectangle | None:
    """Find the scan in a picture.

    Returns:
        where it is; the whole picture if that has no margins; None if it has margins and the scan is not found.
    """
    rows, columns = pixels.shape
    whole = Rectangle(0, 0, columns, rows)
    low, high = float(pixels.min()), float(pixels.max())
    picture = (pixels - low) / max(high - low, 1e-12)
    texture = _measure_texture(picture)
    part = _find_textured(texture)
    margins = list(_list_margins(picture, texture, part))
    if not any(margins):
        return whole
    found = _refine(picture, part)
    return found if _is_scan(picture, texture, found) else None


def _measure_texture(picture: Grey) -> Grey:
    """Return how far each pixel is from the mean of itself and its neighbours."""
    from scipy.ndimage import gaussian_filter  # noqa: PLC0415 - commands that only look at results need none of it

    return np.abs(picture - gaussian_filter(picture, 1.5))


def _find_textured(texture: Grey) -> Rectangle:
    """Return the part all of whose rows and columns are textured; rows first, then columns, then rows of these."""
    left, right = 0, texture.shape[1]
    top, bottom = 0, texture.shape[0]
    for _ in range(2):
        top, bottom = _find_longest(texture[:, left:right].mean(axis=1))
        left, right = _find_longest(texture[top:bottom].mean(axis=0))
    return Rectangle(left, top, right - left, bottom - top)


def _find_longest(profile: Float[np.ndarray, " _"]) -> tuple[int, int]:
    """Return start and end of the longest run of lines that are textured."""
    textured = profile >= TEXTURED * np.percentile(profile, 75)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], textured, [False]])))
    starts, ends = edges[::2], edges[1::2]
    longest = int((ends - starts).argmax())
    return int(starts[longest]), int(ends[longest])


def _list_margins(picture: Grey, texture: Grey, part: Rectangle) -> Iterator[bool]:
    """Tell of each side of a part whether what lies beyond is a margin."""
    inside, usual = float(np.median(part.cut(picture))), float(part.cut(texture).mean())
    for turns in range(4):  # each side in turn is the upper one
        strip = _cut_above(picture, part, turns)
        smooth = _cut_above(texture, part, turns)
        if len(strip) < max(NARROWEST * np.rot90(picture, turns).shape[0], 2 * FRAME):
            continue
        bright = np.median(strip) >= inside + BRIGHTER and smooth.mean() <= SMOOTH * usual
        yield bool(bright) or _holds_text(strip)


def _cut_above(values: Grey, part: Rectangle, turns: int) -> Grey:
    """Return what lies above a part after turning the picture left so many times, nearest to the part last."""
    rows, columns = values.shape
    ends = {
        0: part.top,
        1: columns - part.left - part.width,
        2: rows - part.top - part.height,
        3: part.left,
    }
    return np.rot90(values, turns)[: ends[turns]]


def _holds_text(strip: Grey) -> bool:
    """Tell whether a strip is flat but for letters, which do not reach the scan; vessels beside a blink do."""
    from scipy.ndimage import find_objects, label  # noqa: PLC0415 - as above

    values, counts = np.unique(np.round(strip * 255), return_counts=True)
    background = values[counts.argmax()] / 255
    if counts.max() < 0.7 * strip.size:
        return False
    marks: Bool[np.ndarray, "_ _"] = np.abs(strip - background) > 0.3
    if marks[-FRAME:].any():
        return False
    letters = find_objects(label(marks, structure=np.ones((3, 3)))[0])
    heights = [min(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in letters]
    return len([height for height in heights if LETTER[0] <= height <= LETTER[1]]) >= FEWEST_LETTERS


def _refine(picture: Grey, part: Rectangle) -> Rectangle:
    """Move each side of a part to the sharpest step near it, then inside the frame."""
    left, right = _refine_ends(picture[part.top : part.top + part.height], part.left, part.left + part.width)
    top, bottom = _refine_ends(picture[:, left:right].T, part.top, part.top + part.height)
    return Rectangle(left, top, right - left, bottom - top)


def _refine_ends(lines: Grey, start: int, end: int) -> tuple[int, int]:
    """Return first and last column of a scan whose rows are given, near those that texture gave."""
    count = lines.shape[1]
    steps = np.abs(np.median(np.diff(lines, axis=1), axis=0))
    found = []
    for place in (start, end):
        near = np.arange(max(place - REACH, 1), min(place + REACH, count - 1) + 1)
        at_border = place <= FRAME or place >= count - FRAME
        found.append(place if at_border else int(near[steps[near - 1].argmax()]))
    start, end = found
    return start + _count_frame(lines[:, start:end]), end - _count_frame(lines[:, start:end][:, ::-1])


def _count_frame(scan: Grey) -> int:
    """Count the first columns that a program has drawn: smooth along their length, and brighter than the scan."""
    along = np.abs(np.diff(scan, axis=0)).mean(axis=0)
    drawn = (along[:FRAME] < SMOOTH * np.median(along)) & (np.median(scan[:, :FRAME], axis=0) > np.median(scan))
    return FRAME - int(drawn[::-1].argmax()) if drawn.any() else 0


def _is_scan(picture: Grey, texture: Grey, found: Rectangle) -> bool:
    """Tell whether a part is a square field of vessels, and not, say, a fundus."""
    if min(found.width, found.height) < 1:
        return False
    square = max(found.width, found.height) <= SQUARENESS * min(found.width, found.height)
    large = found.width * found.height >= SMALLEST_SHARE * picture.size
    inside = found.cut(picture)
    return square and large and float(found.cut(texture).mean()) >= ANGIOGRAM * float(inside.std())
