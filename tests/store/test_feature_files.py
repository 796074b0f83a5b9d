"""Features come back from files as they were put there."""

from __future__ import annotations

from pathlib import Path

import torch

from unoqa.core.features import FeaturePyramid, Scale
from unoqa.store.feature_files import HALF_ABOVE, FeatureFiles

CPU = torch.device("cpu")
SCALES = (Scale("fine", ("a", "b")), Scale("image", ("c", "d", "e")))


def pyramid(seed, side=4):
    generator = torch.Generator().manual_seed(seed)
    return FeaturePyramid(
        (torch.randn(1, 2, side, side, generator=generator), torch.randn(1, 3, 1, 1, generator=generator))
    )


def test_small_features_come_back_bit_by_bit():
    with FeatureFiles(SCALES, capacity=5) as files:
        for row in range(3):
            files.put(row, pyramid(row))
        features = files.read(3, CPU)
        assert (len(features), features.scales) == (3, SCALES)
        for row, found in enumerate(features.batches(1)):
            assert all(torch.equal(a, b) for a, b in zip(found.scales, pyramid(row).scales, strict=True))


def test_large_features_are_kept_in_half_precision():
    side = int((HALF_ABOVE / 2) ** 0.5) + 1
    with FeatureFiles(SCALES, capacity=1) as files:
        files.put(0, pyramid(0, side))
        (found,) = files.read(1, CPU).batches()
        assert torch.equal(found.scales[0], pyramid(0, side).scales[0].half().float())
        assert torch.equal(found.scales[1], pyramid(0, side).scales[1])


def test_an_image_may_be_put_again():
    with FeatureFiles(SCALES, capacity=2) as files:
        for row, seed in ((0, 1), (1, 2), (0, 3)):
            files.put(row, pyramid(seed))
        (found,) = files.read(2, CPU).batches()
        assert torch.equal(found.scales[0][0], pyramid(3).scales[0][0])


def test_nothing_is_left_on_disk():
    with FeatureFiles(SCALES, capacity=1) as files:
        files.put(0, pyramid(0))
        folder = Path(files.read(1, CPU).arrays[0].filename).parent
        assert sorted(path.name for path in folder.iterdir()) == ["0.npy", "1.npy"]
    assert not folder.exists()
