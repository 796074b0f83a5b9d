"""Draw the ratios of time and memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from speed.rows import ROWS
from speed.summaries import summarise_memory, summarise_time

BARS = (
    ("time to fit", "#0b5394"),
    ("time to grade", "#6fa8dc"),
    ("memory to fit", "#7f6000"),
    ("memory to grade", "#e0b84c"),
)

WIDTH = 0.2
"""Width of a bar as a share of a row: four bars and a gap."""


def draw_picture(rows: Mapping[str, Any], picture: Path) -> None:
    """Draw the peer's time and memory as multiples of unoqa's, per row; a short line is the target."""
    figure, axes = plt.subplots(figsize=(max(7.0, 2.2 * len(rows) + 1.5), 4.8), layout="constrained")
    names = list(rows)
    for position, (label, colour) in enumerate(BARS):
        _draw_bars(axes, position, label, colour, rows)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(min(0.5, low / 1.3), 1.3 * high)
    axes.axhline(1, color="black", linewidth=1)
    axes.set_xticks(np.arange(len(names)), [rows[name]["name"] for name in names], fontsize=12)
    axes.set_ylabel("peer / unoqa (times, higher is better)", fontsize=11)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_title("anomalib's time and memory as multiples of unoqa's", fontsize=13)
    axes.grid(axis="y", which="major", color="#dddddd")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.plot([], [], color="#cc0000", linewidth=2, label="target")
    figure.legend(ncols=len(BARS) + 1, fontsize=10, frameon=False, loc="outside lower center")
    figure.savefig(picture, dpi=150)
    plt.close(figure)


def _draw_bars(axes: Axes, position: int, label: str, colour: str, rows: Mapping[str, Any]) -> None:
    """Draw one bar per row; `position` is the bar's within the row."""
    quantity, task = label.split(" to ")
    for number, (key, row) in enumerate(rows.items()):
        middle = number + (position - 1.5) * WIDTH
        value, low, high, target = _find_value(key, row, quantity, task)
        axes.bar(middle, value - 1, WIDTH * 0.92, bottom=1, color=colour, label=label if number == 0 else None)
        if high > low:
            axes.vlines(middle, low, high, color="#333333", linewidth=1.5)
        label_box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}  # keeps target lines from crossing the text
        at = (middle, max(1, high))
        axes.annotate(_format(value), at, (0, 5), textcoords="offset points", ha="center", bbox=label_box, zorder=4)
        if target is not None:
            axes.hlines(target, middle - WIDTH / 2, middle + WIDTH / 2, color="#cc0000", linewidth=2, zorder=3)


def _find_value(key: str, row: Mapping[str, Any], quantity: str, task: str) -> tuple[float, float, float, float | None]:
    """Return the ratio, the least and the greatest of the pairs' ratios, and the target."""
    if quantity == "memory":
        times = 1 / summarise_memory(row, task).share
        return times, times, times, 1 / ROWS[key].memory
    time = summarise_time(row, task)
    return time.value, time.low, time.high, ROWS[key].fit if task == "fit" else ROWS[key].grade


def _format(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
