"""Features come back from files as they were put there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from unoqa.core.features import FeaturePyramid, Scale
from unoqa.store.feature_files import FeatureFiles

CPU = torch.device("cpu")
SCALES = (Scale("fine", ("a", "b")), Scale("image", ("c", "d", "e")))


def pyramid(seed, side=4):
    generator = torch.Generator().manual_seed(seed)
    return FeaturePyramid(
        (torch.randn(1, 2, side, side, generator=generator), torch.randn(1, 3, 1, 1, generator=generator))
    )


def test_features_come_back_bit_by_bit():
    with FeatureFiles(SCALES) as files:
        for seed in range(3):
            files.add(pyramid(seed))
        features = files.read(3, CPU)
        assert (len(features), features.scales) == (3, SCALES)
        for seed, found in enumerate(features.batches(1)):
            assert all(torch.equal(a, b) for a, b in zip(found.scales, pyramid(seed).scales, strict=True))


def test_what_an_encoder_rounds_to_half_precision_is_kept_so():
    halved = (replace(SCALES[0], half=True), SCALES[1])
    with FeatureFiles(halved) as files:
        files.add(pyramid(0))
        (found,) = files.read(1, CPU).batches()
        assert torch.equal(found.scales[0], pyramid(0).scales[0].half().float())
        assert torch.equal(found.scales[1], pyramid(0).scales[1])


def test_nothing_is_left_on_disk():
    with FeatureFiles(SCALES) as files:
        files.add(pyramid(0))
        folder = Path(files.read(1, CPU).arrays[0].filename).parent
        assert sorted(path.name for path in folder.iterdir()) == ["0.raw", "1.raw"]
    assert not folder.exists()
