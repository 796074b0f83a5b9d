"""A picture of a cohort: examples of each grade, with heat and reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from unoqa.core.grading import Grade, Grading
from unoqa.outputs.heat import heat_path
from unoqa.store.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from unoqa.core.image import EnfaceImage

COLUMNS = 6
"""Examples of each grade, from the best score to the worst."""

COLOURS = {Grade.OUTSTANDING: "#1b7f5c", Grade.GRADABLE: "#b07d12", Grade.UNGRADABLE: "#b03a2e"}


def draw_cohort(gradings: Sequence[Grading], opened: Callable[[str], EnfaceImage], results: Path, output: Path) -> None:
    """Draw up to six images of each grade, the best grade first, each above its heat.

    Args:
        opened: reads an image by its name.
        results: the folder that holds `heat/`.
        output: the PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - half a second that
    from matplotlib.figure import Figure  # noqa: PLC0415 - a run without pictures does not spend

    figure = Figure(figsize=(2.0 * COLUMNS + 0.4, 13.2), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.add_gridspec(len(Grade), 1)
    bands = [figure.add_subfigure(rows[row]) for row in range(len(Grade))]
    for band, grade in zip(bands, reversed(Grade), strict=True):
        members = [grading for grading in gradings if grading.grade is grade]
        band.suptitle(
            f"{grade.word} · {len(members)} of {len(gradings)}",
            color=COLOURS[grade],
            fontweight="bold",
            fontsize=13,
        )
        axes = np.atleast_2d(band.subplots(2, COLUMNS))
        for axis in axes.flat:
            axis.set_axis_off()
        for column, grading in enumerate(examples(members)):
            _show(axes[0, column], opened(grading.image).pixels, f"{grading.score:.1f}")
            _show(axes[1, column], np.asarray(Image.open(heat_path(results, grading.image))), _caption(grading))
    figure.supxlabel(
        "Number: score, higher = worse. Lower row: heat where an image differs from outstanding ones. "
        "For research use, not a medical device.",
        fontsize=8,
        color="#555555",
    )
    with replacing(output) as fresh:
        figure.savefig(fresh, format="png", dpi=110)


def examples(members: Sequence[Grading]) -> list[Grading]:
    """Choose up to six, evenly from the best score to the worst."""
    ordered = sorted(members, key=lambda grading: (grading.score or 0.0, grading.image))
    places = np.unique(np.linspace(0, len(ordered) - 1, min(COLUMNS, len(ordered))).round().astype(int))
    return [ordered[place] for place in places]


def _caption(grading: Grading) -> str:
    return grading.reasons[0].replace(" (", "\n(") if grading.reasons else ""


def _show(axis: Axes, pixels: np.ndarray, title: str) -> None:
    axis.imshow(pixels, cmap="gray", vmin=0, vmax=255 if pixels.ndim == 3 else 1)
    axis.set_title(title, fontsize=8, pad=3)
