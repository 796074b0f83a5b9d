"""The ratios as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from speed.figures import memory, ratio
from speed.rows import ROWS

BARS = (
    ("time to fit", "#0b5394"),
    ("time to grade", "#6fa8dc"),
    ("memory to fit", "#7f6000"),
    ("memory to grade", "#e0b84c"),
)

WIDTH = 0.2
"""Of a bar, in rows: four and a gap."""


def draw(rows: Mapping[str, Any], picture: Path) -> None:
    """Draw, per row, how many times the peer's time and memory are ours; a short line is the target."""
    figure, axes = plt.subplots(figsize=(max(7.0, 2.2 * len(rows) + 1.5), 4.8), layout="constrained")
    names = list(rows)
    for place, (label, colour) in enumerate(BARS):
        _bars(axes, place, label, colour, rows)
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


def _bars(axes: Axes, place: int, label: str, colour: str, rows: Mapping[str, Any]) -> None:
    what, task = label.split(" to ")
    for position, (key, row) in enumerate(rows.items()):
        middle = position + (place - 1.5) * WIDTH
        value, low, high, target = _value(key, row, what, task)
        axes.bar(middle, value - 1, WIDTH * 0.92, bottom=1, color=colour, label=label if position == 0 else None)
        if high > low:
            axes.vlines(middle, low, high, color="#333333", linewidth=1.5)
        label_box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}  # no line of a target runs through it
        at = (middle, max(1, high))
        axes.annotate(_short(value), at, (0, 5), textcoords="offset points", ha="center", bbox=label_box, zorder=4)
        if target is not None:
            axes.hlines(target, middle - WIDTH / 2, middle + WIDTH / 2, color="#cc0000", linewidth=2, zorder=3)


def _value(key: str, row: Mapping[str, Any], what: str, task: str) -> tuple[float, float, float, float | None]:
    if what == "memory":
        times = 1 / memory(row, task).share
        return times, times, times, 1 / ROWS[key].memory
    found = ratio(row, task)
    return found.value, found.low, found.high, ROWS[key].fit if task == "fit" else ROWS[key].grade


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
