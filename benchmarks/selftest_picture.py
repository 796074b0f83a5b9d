"""Draw the damage that the self-test plants, on one phantom scan: docs/selftest.jpg.

python benchmarks/selftest_picture.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from unoqa.benchmark.phantom.anatomy import draw_angiogram
from unoqa.benchmark.phantom.contract import load_damages
from unoqa.benchmark.selftest.trial import SEVERITIES

DOCS = Path(__file__).parent.parent / "docs"

SHOWN = SEVERITIES[1:]
"""Severities that are drawn; the smallest is hardly seen in print."""

GROUPS = 2
"""Kinds beside each other."""


def main() -> None:
    scan = draw_angiogram(np.random.default_rng(12), size=320)
    damages = load_damages()
    rows = -(-len(damages) // GROUPS)
    figure = Figure(figsize=(11.0, 1.72 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, GROUPS * len(SHOWN), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for number, (kind, damage) in enumerate(damages.items()):
        group, row = divmod(number, rows)
        for column, severity in enumerate(SHOWN):
            damaged, _ = damage.apply(scan, severity, np.random.default_rng(5))
            axis = axes[row, group * len(SHOWN) + column]
            axis.imshow(damaged, cmap="gray", vmin=0, vmax=1)
            axis.set_title(f"{kind} {severity:g}", fontsize=9, loc="left", pad=2)
    figure.savefig(DOCS / "selftest.jpg", dpi=100, pil_kwargs={"quality": 80})


if __name__ == "__main__":
    main()
