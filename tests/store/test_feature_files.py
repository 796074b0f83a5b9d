"""Features come back from files as they were written; a kill loses no more than the record being written."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from unoqa.core.features import FeaturePyramid, Scale
from unoqa.store.feature_files import FeatureFiles

CPU = torch.device("cpu")
SCALES = (Scale("fine", ("a", "b")), Scale("image", ("c", "d", "e")))
RECORDS = {"0.raw": 2 * 4 * 4 * 4, "1.raw": 3 * 4}
"""Bytes of one image in each file."""


def pyramid(seed, side=4):
    generator = torch.Generator().manual_seed(seed)
    return FeaturePyramid(
        (torch.randn(1, 2, side, side, generator=generator), torch.randn(1, 3, 1, 1, generator=generator))
    )


def equal(found, expected):
    return all(torch.equal(a, b) for a, b in zip(found.scales, expected.scales, strict=True))


def write(folder, *seeds):
    """Write files that hold the images of the seeds."""
    with FeatureFiles(SCALES, folder) as files:
        for seed in seeds:
            if files.find(f"image {seed}") is None:
                files.add(pyramid(seed), f"image {seed}")


def holds(folder, *seeds):
    """Tell whether the files hold the images of the seeds, and no others."""
    with FeatureFiles(SCALES, folder) as files:
        found = files.read([files.row(f"image {seed}") for seed in seeds], CPU).batches(1)
        return len(files) == len(seeds) and all(equal(*pair) for pair in zip(found, map(pyramid, seeds), strict=True))


def test_features_come_back_bit_by_bit(tmp_path):
    with FeatureFiles(SCALES, tmp_path) as files:
        assert [files.add(pyramid(seed), f"image {seed}") for seed in range(3)] == [0, 1, 2]
        features = files.read(range(3), CPU)
        assert (len(features), features.scales) == (3, SCALES)
        assert all(equal(found, pyramid(seed)) for seed, found in enumerate(features.batches(1)))


def test_rows_are_read_in_the_requested_order(tmp_path):
    write(tmp_path, 0, 1, 2)
    with FeatureFiles(SCALES, tmp_path) as files:
        features = files.read([2, 0], CPU)
        assert all(equal(found, pyramid(seed)) for seed, found in zip((2, 0), features.batches(1), strict=True))


def test_images_added_after_a_read_are_read_with_the_earlier_ones(tmp_path):
    with FeatureFiles(SCALES, tmp_path) as files:
        files.add(pyramid(0), "image 0")
        first = files.read([0], CPU)
        files.add(pyramid(1), "image 1")
        both = list(files.read([0, 1], CPU).batches(1))
        assert equal(both[1], pyramid(1))
        assert equal(next(first.batches(1)), both[0])


def test_an_image_is_found_by_its_digest(tmp_path):
    write(tmp_path, 0, 1)
    with FeatureFiles(SCALES, tmp_path) as files:
        assert (files.find("image 1"), files.row("image 1"), files.find("image 2")) == (1, 1, None)


def test_features_that_an_encoder_rounds_to_half_precision_are_kept_in_it(tmp_path):
    halved = (replace(SCALES[0], half=True), SCALES[1])
    with FeatureFiles(halved, tmp_path) as files:
        files.add(pyramid(0), "image 0")
        (found,) = files.read([0], CPU).batches()
        assert torch.equal(found.scales[0], pyramid(0).scales[0].half().float())
        assert torch.equal(found.scales[1], pyramid(0).scales[1])
    assert (tmp_path / "0.raw").stat().st_size == RECORDS["0.raw"] // 2


def test_files_that_are_opened_again_are_appended_to(tmp_path):
    for seeds in ((0, 1), (1, 2), (), (0, 3)):
        write(tmp_path, *seeds)
    assert holds(tmp_path, 0, 1, 2, 3)
    assert {name: (tmp_path / name).stat().st_size for name in RECORDS} == {name: 4 * n for name, n in RECORDS.items()}


def test_no_folder_is_made_before_the_first_image(tmp_path):
    write(tmp_path / "features")
    assert not (tmp_path / "features").exists()


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("left", [0, 1, 0.5])
def test_a_file_cut_anywhere_keeps_the_complete_records_before(name, left, tmp_path):
    write(tmp_path, 0, 1, 2)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int((1 + left) * RECORDS[name])])
    seeds = (0, 1) if left == 1 else (0,)
    assert holds(tmp_path, *seeds)
    write(tmp_path, *seeds, 5, 6)
    assert holds(tmp_path, *seeds, 5, 6)


@pytest.mark.parametrize("lacking", range(1, len("image 2\n") + 2))
def test_a_record_without_a_complete_line_in_the_index_is_dropped(lacking, tmp_path):
    write(tmp_path, 0, 1, 2)
    index = (tmp_path / "index.txt").read_bytes()
    (tmp_path / "index.txt").write_bytes(index[:-lacking])
    assert holds(tmp_path, 0, 1)
    write(tmp_path, 0, 1, 5)
    assert holds(tmp_path, 0, 1, 5)


@pytest.mark.parametrize("name", ["0.raw", "1.raw", "index.txt", "grids.json"])
@pytest.mark.parametrize("damage", ["gone", "empty"])
def test_a_folder_that_lacks_one_of_its_files_starts_empty(name, damage, tmp_path):
    write(tmp_path, 0, 1)
    (tmp_path / name).unlink()
    if damage == "empty":
        (tmp_path / name).touch()
    write(tmp_path, 5)
    assert holds(tmp_path, 5)


@pytest.mark.parametrize("name", RECORDS)
def test_a_damaged_record_is_dropped_with_those_after_it(name, tmp_path):
    write(tmp_path, 0, 1, 2)
    content = bytearray((tmp_path / name).read_bytes())
    content[RECORDS[name] + 3] ^= 1
    (tmp_path / name).write_bytes(content)
    assert holds(tmp_path, 0)
    write(tmp_path, 0, 5)
    assert holds(tmp_path, 0, 5)


@pytest.mark.parametrize("shapes", ["5", "[[0, 4, 4], [3, 1, 1]]", '["a", "b"]', "[[2, 4], [3, 1, 1]]", "[[[[", "{}"])
def test_a_folder_with_invalid_shapes_starts_empty(shapes, tmp_path):
    write(tmp_path, 0, 1)
    (tmp_path / "grids.json").write_text(shapes, encoding="utf-8")
    write(tmp_path, 5)
    assert holds(tmp_path, 5)


def test_a_folder_whose_index_is_not_text_starts_empty(tmp_path):
    write(tmp_path, 0, 1)
    (tmp_path / "index.txt").write_bytes(bytes(range(256)) + b"\n")
    write(tmp_path, 5)
    assert holds(tmp_path, 5)
