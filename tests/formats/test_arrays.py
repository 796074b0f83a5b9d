"""Arrays of analysis programs: what is one slab is read as viewers show it, and nothing else is."""

from __future__ import annotations

import os
import sys
from io import BytesIO
from pathlib import Path

import nibabel
import numpy as np
import pytest
import scipy.io

from unoqa import EnfaceImage, Recipe
from unoqa.core.errors import ImageError
from unoqa.formats import ImageReference, collect, read
from unoqa.grader.crop import AUTO

SHARED = Path(__file__).parents[3] / "shared"


def shared(*names):
    path = SHARED.joinpath(*names)
    if not path.exists():
        missing = f"{path} is not on this machine; it is lent for tests and not part of the project"
        (pytest.fail if os.environ.get("UNOQA_REQUIRE_SHARED") == "1" else pytest.skip)(missing)
    return path


def npy(values, **options):
    stream = BytesIO()
    np.save(stream, values, **options)
    return stream.getvalue()


def mat(**values):
    stream = BytesIO()
    scipy.io.savemat(stream, values, do_compression=True)
    return stream.getvalue()


def nifti(values, slope=None):
    image = nibabel.Nifti1Image(values, np.eye(4))
    if slope is not None:
        image.header.set_slope_inter(slope, 0)
    return image.to_bytes()


SLAB = np.arange(80 * 72, dtype=np.uint16).reshape(80, 72)

REFUSED = {
    "objects": (npy(np.full((80, 72), None), allow_pickle=True), "unsupported", "holds values of type object"),
    "fields": (npy(np.zeros((80, 72), [("a", "u1")])), "unsupported", "holds values of type"),
    "complex": (npy(SLAB.astype(complex)), "unsupported", "holds values of type complex128"),
    "a stack": (npy(np.stack([SLAB] * 8)), "unsupported", "holds an array of shape (8, 80, 72), which is not rows"),
    "a line": (npy(SLAB[0]), "unsupported", "holds an array of shape (72,), which is not rows"),
    "two arrays": (npy(SLAB) + npy(SLAB), "unsupported", "holds more data than its header describes"),
    "not a number": (npy(np.full((80, 72), np.nan)), "not-finite", "holds NaN or infinite values"),
    "a volume": (nifti(np.zeros((80, 72, 9), np.uint8)), "unsupported", "holds an array of shape (80, 72, 9) and not"),
    "colours": (nifti(np.zeros((80, 72), [("R", "u1"), ("G", "u1"), ("B", "u1")])), "unsupported", "holds values of"),
    "two slabs": (
        mat(svp=SLAB, dvp=SLAB),
        "unsupported",
        "holds other than one array of an image's size (80×72",
    ),
    "no slab": (mat(note="x", scale=6.0), "unsupported", "holds other than one array of an image's size (none)"),
    "a cell": (
        mat(cells=np.full((80, 72), 1, object)),
        "unsupported",
        "holds an array of shape 80×72 and class",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_one_slab_is_refused(case, tmp_path):
    data, code, sentence = REFUSED[case]
    (tmp_path / "scan").write_bytes(data)
    (reference,) = collect([tmp_path / "scan"]).references
    with pytest.raises(ImageError, match=r"^scan ") as caught:
        read(reference)
    assert caught.value.code == code
    assert sentence in str(caught.value)


def test_the_rows_of_a_nifti_run_from_the_top_as_viewers_show_them(tmp_path):
    up = np.zeros((70, 80), np.uint8)  # the first axis goes right, the second up
    up[10, 79] = 200
    (tmp_path / "scan.nii").write_bytes(nifti(up))
    pixels = read(ImageReference("scan", tmp_path / "scan.nii", 0)).pixels
    assert pixels.shape == (80, 70)
    assert np.argwhere(pixels > 0).tolist() == [[0, 10]]


def test_a_nifti_is_scaled_as_its_header_says(tmp_path):
    (tmp_path / "scan.nii").write_bytes(nifti(SLAB.astype(np.int16).T, slope=0.5))
    image = read(ImageReference("scan", tmp_path / "scan.nii", 0))
    assert image.number_type.kind == "float"
    assert np.array_equal(image.pixels, SLAB[::-1] / 2)


def test_a_mat_has_the_one_image_beside_other_variables(tmp_path):
    (tmp_path / "scan.mat").write_bytes(mat(slab=SLAB, centre=np.eye(3), device="x", logical=True))
    assert np.array_equal(read(ImageReference("scan", tmp_path / "scan.mat", 0)).pixels, SLAB / np.float32(65535))


def test_a_damaged_byte_of_a_compressed_mat_is_noticed(tmp_path):
    data = bytearray(mat(slab=SLAB))
    data[-20] ^= 1
    (tmp_path / "scan.mat").write_bytes(data)
    with pytest.raises(ImageError, match="scan is damaged and cannot be decoded"):
        read(ImageReference("scan", tmp_path / "scan.mat", 0))


def test_a_nifti_without_nibabel_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "nibabel", None)
    monkeypatch.setattr("unoqa.formats.nifti._import_once", lambda: __import__("nibabel"))
    (tmp_path / "scan.nii").write_bytes(nifti(SLAB))
    with pytest.raises(ImageError, match=r'scan is a NIfTI file, .* run pip install "unoqa\[vendor\]"'):
        read(ImageReference("scan", tmp_path / "scan.nii", 0))


@pytest.mark.parametrize("slab", ["SVP", "ICP", "DCP"])
def test_a_slab_looks_as_in_the_devices_own_picture_of_it(slab):
    array = read(ImageReference("a", shared("files", "vendor", f"heidelberg_OD_{slab}.nii"), 0))
    picture = AUTO.apply(read(ImageReference("b", shared("files", "vendor", f"heidelberg_OD_{slab}.png"), 0)))
    assert np.corrcoef(array.resize(128).ravel(), picture.resize(128).ravel())[0, 1] > 0.97


def cut_windows(slab, count, rng):
    """Cut windows of an eighth of a slab, each from the NIfTI and from the device's own picture."""
    array = read(ImageReference("a", shared("files", "vendor", f"heidelberg_OD_{slab}.nii"), 0)).pixels
    picture = AUTO.apply(read(ImageReference("b", shared("files", "vendor", f"heidelberg_OD_{slab}.png"), 0))).pixels
    scale = picture.shape[0] / array.shape[0]
    for top, left in rng.integers(0, 256, (count, 2)):
        own = [round(scale * length) for length in (top, left, 256)]
        yield (
            EnfaceImage("array", array[top : top + 256, left : left + 256]),
            EnfaceImage("picture", picture[own[0] : own[0] + own[2], own[1] : own[1] + own[2]]),
        )


@pytest.mark.slow
def test_a_slab_and_the_devices_own_picture_of_it_get_scores_that_agree():
    rng = np.random.default_rng(0)
    windows = [list(cut_windows(slab, 20, rng)) for slab in ("SVP", "ICP", "DCP")]
    grader = Recipe.named("measures").fit([array for some in windows for array, _ in some[:14]])
    pairs = [pair for some in windows for pair in some[14:]]
    scores = np.array([[grader.assess(image)[0].score for image in pair] for pair in pairs])
    assert np.corrcoef(scores.T)[0, 1] > 0.8
    assert abs(np.diff(scores, axis=1).mean()) < 1.25 * grader.threshold.std  # the device enlarges its picture
