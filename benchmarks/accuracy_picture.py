"""Draw the tables of docs/accuracy.md: AUROCs and kappa of each recipe and baseline, on each device.

    python benchmarks/accuracy_picture.py

Reads the tables of that page and writes docs/accuracy.png.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

PAGE = Path(__file__).parent.parent / "docs" / "accuracy.md"

METRICS = ("outstanding vs rest, AUROC", "ungradable vs rest, AUROC", "kappa, three grades")

COLOURS = {"rossa": "#b03a2e", "octa500-6mm": "#1b5e8c"}

CHANCE = (0.5, 0.5, 0.0)
"""The value of each metric by chance."""

ROW = re.compile(r"^\| ([^|]+) \| (rossa|octa500-6mm) \| (.+) \|$", re.MULTILINE)


class Point(NamedTuple):
    """Mean and standard deviation of one metric over the splits."""

    mean: float
    std: float


def main() -> None:
    figure = draw(read_points(PAGE.read_text(encoding="utf-8")))
    figure.savefig(PAGE.with_suffix(".png"), dpi=110)


def read_points(text: str) -> dict[str, dict[str, list[Point]]]:
    """Return the points of each row by device, in the order of the page."""
    rows: dict[str, dict[str, list[Point]]] = {}
    for name, device, cells in ROW.findall(text):
        points = [Point(*map(float, cell.split(" ± "))) for cell in cells.split(" | ")[: len(METRICS)]]
        rows.setdefault(name.strip("*"), {})[device] = points
    return rows


def draw(rows: dict[str, dict[str, list[Point]]]) -> Figure:
    """Draw one panel per metric, one line per row of the page, one dot per device."""
    figure = Figure(figsize=(11, 0.42 * len(rows) + 1.3), layout="constrained")
    FigureCanvasAgg(figure)
    names = list(rows)
    panels = figure.subplots(1, len(METRICS), sharey=True)
    for number, (panel, title, chance) in enumerate(zip(panels, METRICS, CHANCE, strict=True)):
        panel.set_title(title, fontsize=10)
        panel.axvline(chance, color="#999999", linewidth=1, linestyle=":")
        panel.set_yticks(range(len(names)), names, fontsize=9)
        panel.grid(axis="x", color="#e5e5e5")
        panel.spines[["top", "right", "left"]].set_visible(False)
        for position, (device, colour) in enumerate(COLOURS.items()):
            points = [rows[name][device][number] for name in names]
            panel.errorbar(
                [point.mean for point in points],
                [line + 0.24 * (position - 0.5) for line in range(len(names))],
                xerr=[point.std for point in points],
                fmt="o",
                markersize=5,
                color=colour,
                label=device,
            )
    panels[0].invert_yaxis()
    panels[0].legend(fontsize=9, loc="lower left")
    figure.supxlabel(
        "Dots: mean over the splits; bars: standard deviation; dotted: chance.", fontsize=8, color="#555555"
    )
    return figure


if __name__ == "__main__":
    main()
