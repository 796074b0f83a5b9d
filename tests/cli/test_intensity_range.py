"""The intensity range of `unoqa fit`, and what the commands say of images of another size."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image


@pytest.fixture(scope="module")
def twelve_bits(clinic, tmp_path_factory):
    """Return a folder of twelve scans that use 12 bits of 16."""
    folder = tmp_path_factory.mktemp("twelve-bits")
    for path in sorted(clinic.outstanding.iterdir())[:12]:
        values = np.asarray(Image.open(path)).astype(np.uint16) * 16
        tifffile.imwrite(folder / f"{path.stem}.tif", values, photometric="minisblack")
    return folder


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), "uint16 values from 0 to 4095"),
        (("--intensity-range", "-100", "65535"), "uint16 values from -100 to 65535"),
    ],
)
def test_fit_learns_the_range_or_is_told(options, expected, twelve_bits, unoqa, tmp_path):
    ended = unoqa("fit", twelve_bits, "-o", tmp_path / "model", "--recipe", "measures", "--no-selftest", *options)
    assert ended.exit_code == 0, ended.output
    card = unoqa("info", tmp_path / "model").stdout
    assert f"| intensity range: black to white | {expected} |" in card


def test_a_range_that_is_none_is_refused(twelve_bits, refusal, tmp_path):
    words = ("fit", twelve_bits, "-o", tmp_path / "model", "--recipe", "measures", "--intensity-range", "4095", "0")
    assert refusal(*words) == (
        "The intensity range 4095 to 0 is empty or not finite; give the number that is black and the larger one that "
        "is white, such as 0 and 4095."
    )


def test_settle_warns_of_another_size(clinic, model, unoqa, tmp_path):
    (tmp_path / "small").mkdir()
    for path in sorted(clinic.mixed.iterdir()):
        Image.open(path).resize((160, 160), Image.Resampling.BILINEAR).save(tmp_path / "small" / path.name)
    ended = unoqa("settle", tmp_path / "small", "-m", model, "-o", tmp_path / "settled", "--quiet")
    assert "Warning: 40 of 40 images have another size (160×160:" in ended.stderr
