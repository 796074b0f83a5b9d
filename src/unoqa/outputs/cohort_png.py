"""`cohort.png`: examples of each grade, with heat and reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
from PIL import Image

from unoqa.core.errors import ResultsError
from unoqa.core.grading import Grade, Grading
from unoqa.grader.overlay import MAX_HEAT, blend_heat
from unoqa.outputs.parts.contract import Output
from unoqa.report.images import read_image
from unoqa.store.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

    from unoqa.store.results import Results

MAX_EXAMPLES = 6
"""Examples of each grade, one a column, from the best score to the worst."""

NAME_LENGTH = 26
"""Characters of a name below a tile; longer names lose their beginning."""

WIDTH = 12.4
"""Width of the picture in inches; with three columns or fewer, half of it."""

TITLE, CAPTION, NAME, FOOT, GAP, MARGIN = 0.62, 0.4, 0.25, 0.9, 0.08, 0.1
"""Inches for a title and the scores below it, for the reason, the name and the foot; between tiles, and beside them.

Placed by these, and not by a solver of layouts, the same results give the same bytes.
"""

COLOURS = {Grade.OUTSTANDING: "#1b7f5c", Grade.GRADABLE: "#b07d12", Grade.UNGRADABLE: "#b03a2e", None: "#555555"}

NOTE = (
    "Number: score, higher = worse. Lower row: heat, in standard deviations above outstanding images.\n"
    "For research use, not a medical device."
)


@final
class CohortPng(Output):
    """Up to six images of each grade that occurs, the best grade first, each image above its heat.

    Last come images that are not outstanding but have no grade, because there are too few of them to split.
    """

    file: ClassVar[str] = "cohort.png"
    needs_images: ClassVar[bool] = True
    needs_heat: ClassVar[bool] = True

    def write(self, results: Results, path: Path, *, images: Path | None = None) -> None:
        """Draw the picture; the heat overlays must be there.

        Raises:
            ResultsError: an image or its overlay cannot be found.
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - importing it takes
        from matplotlib.figure import Figure  # noqa: PLC0415 - half a second, for pictures only

        gradings = results.gradings
        groups = _group_by_grade(gradings)
        columns = max([1, *(min(len(members), MAX_EXAMPLES) for _, members in groups)])
        width = WIDTH if 2 * columns > MAX_EXAMPLES else WIDTH / 2
        tile = (width - 2 * MARGIN + GAP) / columns - GAP
        height = TITLE + tile + CAPTION + tile + NAME
        heights = [*(height for _ in groups), FOOT]
        figure = Figure(figsize=(width, sum(heights)), facecolor="white")
        FigureCanvasAgg(figure)
        *bands, foot = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).flat
        for band, (grade, members) in zip(bands, groups, strict=True):
            title = _make_title(grade, members, len(gradings))
            band.suptitle(title, color=COLOURS[grade], fontweight="bold", fontsize=13)
            places = {"left": MARGIN / width, "right": 1 - MARGIN / width, "wspace": GAP / tile}
            places |= {"bottom": NAME / height, "top": 1 - TITLE / height, "hspace": CAPTION / tile}
            axes = band.subplots(2, columns, squeeze=False, gridspec_kw=places)
            for axis in axes.flat:
                axis.set_axis_off()
            for column, grading in enumerate(choose_examples(members, columns)):
                pixels = read_image(results, grading.image, images=images).pixels
                _show_image(axes[0, column], pixels, f"{grading.score:.2f}")
                _show_image(axes[1, column], _read_overlay(results, grading.image), _make_caption(grading))
                _write_name(axes[1, column], grading.image)
        _draw_legend(foot)
        with replace_file(path) as fresh:
            figure.savefig(fresh, format="png", dpi=110)


def _read_overlay(results: Results, name: str) -> np.ndarray:
    path = results.heat_path(name)
    if not path.is_file():
        raise ResultsError(f"{path} is missing; grade the images again with heat.")
    return np.asarray(Image.open(path))


def _write_name(axis: Axes, name: str) -> None:
    """Write the end of an image's name below its tile; `?` stands for letters that the font does not have."""
    from matplotlib.font_manager import FontProperties, findfont, get_font  # noqa: PLC0415 - as above

    short = name if len(name) <= NAME_LENGTH else f"…{name[1 - NAME_LENGTH :]}"
    font = get_font(findfont(FontProperties()))
    short = "".join(letter if font.get_char_index(ord(letter)) else "?" for letter in short)
    axis.text(0.5, -0.02, short, transform=axis.transAxes, ha="center", va="top", fontsize=7, parse_math=False)


def _group_by_grade(gradings: Sequence[Grading]) -> list[tuple[Grade | None, list[Grading]]]:
    """Return the images that have a score, by grade; those without a grade come last."""
    scored = [grading for grading in gradings if grading.score is not None]
    groups = [(grade, [grading for grading in scored if grading.grade is grade]) for grade in (*reversed(Grade), None)]
    return [(grade, members) for grade, members in groups if members]


def _make_title(grade: Grade | None, members: Sequence[Grading], total: int) -> str:
    if grade is None:
        return f"not outstanding, without a grade · {len(members)} of {total}"
    limit = f" · score up to {members[0].threshold:.2f}" if grade is Grade.OUTSTANDING else ""
    return f"{grade.word} · {len(members)} of {total}{limit}"


def choose_examples(members: Sequence[Grading], count: int = MAX_EXAMPLES) -> list[Grading]:
    """Choose up to `count` images, evenly spaced from the best score to the worst."""
    ordered = sorted(members, key=lambda grading: (grading.score or 0.0, grading.image))
    places = np.unique(np.linspace(0, len(ordered) - 1, min(count, len(ordered))).round().astype(int))
    return [ordered[place] for place in places]


def _make_caption(grading: Grading) -> str:
    return grading.reasons[0].replace(" (", "\n(") if grading.reasons else ""


def _show_image(axis: Axes, pixels: np.ndarray, title: str) -> None:
    axis.imshow(pixels, cmap="gray", vmin=0, vmax=255 if pixels.ndim == 3 else 1)
    axis.set_title(title, fontsize=8, pad=3)


def _draw_legend(foot: SubFigure) -> None:
    """Draw the note, and the scale of the colours over a grey image."""
    foot.supxlabel(NOTE, fontsize=8, color=COLOURS[None])
    scale = foot.add_axes((1 / 3, 0.6, 1 / 3, 0.2))
    end = MAX_HEAT + 1
    heat = np.tile(np.linspace(0, end, 500), (12, 1))
    scale.imshow(blend_heat(np.full(heat.shape, 0.4), heat), extent=(0, end, 0, 0.12), aspect="auto")
    scale.set_yticks([])
    scale.tick_params(labelsize=7, length=2)
