"""A picture of a cohort: examples of each grade, with heat and reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from unoqa.core.grading import Grade, Grading
from unoqa.outputs.heat import HOTTEST, heat_path, overlay
from unoqa.store.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

    from unoqa.core.image import EnfaceImage

COLUMNS = 6
"""Examples of each grade, from the best score to the worst."""

WIDTH = 12.4
"""Inches; of three examples or fewer, half as many."""

COLOURS = {Grade.OUTSTANDING: "#1b7f5c", Grade.GRADABLE: "#b07d12", Grade.UNGRADABLE: "#b03a2e", None: "#555555"}

NOTE = (
    "Number: score, higher = worse. Lower row: heat, in standard deviations above outstanding images.\n"
    "For research use, not a medical device."
)


def draw_cohort(gradings: Sequence[Grading], opened: Callable[[str], EnfaceImage], results: Path, output: Path) -> None:
    """Draw up to six images of each grade that there is, the best grade first, each above its heat.

    Images that are not outstanding and have no grade, since too few are, come last.

    Args:
        opened: reads an image by its name.
        results: the folder that holds `heat/`.
        output: the PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - half a second that
    from matplotlib.figure import Figure  # noqa: PLC0415 - a run without pictures does not spend

    groups = _groups(gradings)
    columns = max([1, *(min(len(members), COLUMNS) for _, members in groups)])
    width = WIDTH if 2 * columns > COLUMNS else WIDTH / 2
    heights = [*(2 * width / columns + 0.4 for _ in groups), 0.9]
    figure = Figure(figsize=(width, sum(heights)), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    *bands, foot = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).flat
    for band, (grade, members) in zip(bands, groups, strict=True):
        title = _title(grade, members, len(gradings))
        band.suptitle(title, color=COLOURS[grade], fontweight="bold", fontsize=13)
        axes = band.subplots(2, columns, squeeze=False)
        for axis in axes.flat:
            axis.set_axis_off()
        for column, grading in enumerate(examples(members, columns)):
            _show(axes[0, column], opened(grading.image).pixels, f"{grading.score:.2f}")
            _show(axes[1, column], np.asarray(Image.open(heat_path(results, grading.image))), _caption(grading))
    _explain(foot)
    with replace_file(output) as fresh:
        figure.savefig(fresh, format="png", dpi=110)


def _groups(gradings: Sequence[Grading]) -> list[tuple[Grade | None, list[Grading]]]:
    """Return the images that have a score by their grades, those without one last."""
    scored = [grading for grading in gradings if grading.score is not None]
    groups = [(grade, [one for one in scored if one.grade is grade]) for grade in (*reversed(Grade), None)]
    return [(grade, members) for grade, members in groups if members]


def _title(grade: Grade | None, members: Sequence[Grading], every: int) -> str:
    if grade is None:
        return f"not outstanding, without a grade · {len(members)} of {every}"
    beside = f" · score up to {members[0].threshold:.2f}" if grade is Grade.OUTSTANDING else ""
    return f"{grade.word} · {len(members)} of {every}{beside}"


def examples(members: Sequence[Grading], most: int = COLUMNS) -> list[Grading]:
    """Choose as many, evenly from the best score to the worst."""
    ordered = sorted(members, key=lambda grading: (grading.score or 0.0, grading.image))
    places = np.unique(np.linspace(0, len(ordered) - 1, min(most, len(ordered))).round().astype(int))
    return [ordered[place] for place in places]


def _caption(grading: Grading) -> str:
    return grading.reasons[0].replace(" (", "\n(") if grading.reasons else ""


def _show(axis: Axes, pixels: np.ndarray, title: str) -> None:
    axis.imshow(pixels, cmap="gray", vmin=0, vmax=255 if pixels.ndim == 3 else 1)
    axis.set_title(title, fontsize=8, pad=3)


def _explain(foot: SubFigure) -> None:
    """Say below what is seen, with a scale of the colours as they lie over grey."""
    foot.supxlabel(NOTE, fontsize=8, color=COLOURS[None])
    _, scale, _ = foot.subplots(1, 3, width_ratios=(1, 1, 1))
    for axis in foot.axes:
        axis.set_axis_off()
    scale.set_axis_on()
    hottest = HOTTEST + 1
    heat = np.tile(np.linspace(0, hottest, 500), (12, 1))
    scale.imshow(overlay(np.full(heat.shape, 0.4), heat), extent=(0, hottest, 0, 0.12), aspect="auto")
    scale.set_yticks([])
    scale.tick_params(labelsize=7, length=2)
