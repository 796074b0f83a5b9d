"""Writes a folder to try everything on: outstanding scans to fit, a clinic's mix of scans to grade, and its labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from unoqa.benchmark.phantom.cohort import PhantomScan, draw_scans

if TYPE_CHECKING:
    from pathlib import Path


def write_phantom(
    folder: Path, *, outstanding_to_fit: int, clinic: tuple[int, int, int], seed: int, size: int = 320
) -> None:
    """Write `outstanding/*.png`, `clinic/*.png` and `labels.csv`; equal arguments give equal bytes.

    Args:
        clinic: numbers of outstanding, gradable and ungradable scans in the clinic.
    """
    fit_seed, clinic_seed = (int(word) for word in np.random.SeedSequence(seed).generate_state(2))
    for scan in draw_scans(outstanding=outstanding_to_fit, gradable=0, ungradable=0, seed=fit_seed, size=size):
        _save(folder / "outstanding", scan)
    lines = ["image,grade"]
    outstanding, gradable, ungradable = clinic
    for scan in draw_scans(
        outstanding=outstanding, gradable=gradable, ungradable=ungradable, seed=clinic_seed, size=size
    ):
        _save(folder / "clinic", scan)
        lines.append(f"{scan.name},{scan.grade.word}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _save(folder: Path, scan: PhantomScan) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(scan.pixels).save(folder / scan.name, format="PNG")
