"""The images of the bench: outstanding ones to fit on, and as many others as wanted, made from real ones."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from unoqa.core.grading import Grade

DEVICE = "rossa"
"""The device with the most images of all three grades."""

TURNS = 8
"""An image can be turned by four angles and mirrored: so many different images are made of one."""


def copy_outstanding(data: Path, folder: Path, count: int) -> Path:
    """Fill a folder with outstanding images of the device, the same in every run."""
    _make_empty(folder)
    for name in _list_names(data, outstanding=True)[:count]:
        shutil.copy(data / "images" / name, folder / name)
    return folder


def make_images(data: Path, folder: Path, count: int, *, leave_out: int) -> Path:
    """Fill a folder with images of all grades: real ones, then turned and mirrored ones.

    Args:
        leave_out: number of outstanding images that are fitted on.
    """
    _make_empty(folder)
    names = list_others(data, leave_out=leave_out)
    if count > TURNS * len(names):
        raise SystemExit(f"{len(names)} images give at most {TURNS * len(names)}; ask for fewer with --images.")
    for number in range(count):
        turn, position = divmod(number, len(names))
        turn_image(Image.open(data / "images" / names[position]), turn).save(folder / f"{number:05d}.png")
    return folder


def turn_image(image: Image.Image, turn: int) -> Image.Image:
    """Turn an image by one of four angles, and mirror it from the fifth turn on."""
    turned = image.rotate(90 * (turn % 4), expand=True)
    return ImageOps.mirror(turned) if turn >= 4 else turned


def list_others(data: Path, *, leave_out: int) -> list[str]:
    """Return the names of the real images that are not fitted on, in the order in which they are graded."""
    names = [*_list_names(data, outstanding=True)[leave_out:], *_list_names(data, outstanding=False)]
    return [str(name) for name in np.random.default_rng(0).permutation(names)]


def _list_names(data: Path, *, outstanding: bool) -> list[str]:
    with (data / "grades.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["device"] == DEVICE]
    if not rows:
        raise SystemExit(f"{data}/grades.csv names no image of the device '{DEVICE}'; give another folder with --data.")
    names = [row["image"] for row in rows if (row["grade"] == str(int(Grade.OUTSTANDING))) is outstanding]
    return [str(name) for name in np.random.default_rng(0).permutation(names)]


def _make_empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
