"""The image itself as features: exact, a copy, and independent of the batch."""

from __future__ import annotations

import numpy as np
import torch

from unoqa.encoders.pixels import Pixels

CPU = torch.device("cpu")


def eight_bit_images(count=3, size=64):
    levels = np.random.default_rng(0).integers(0, 256, (count, size, size))
    return (levels / 255).astype(np.float32)


def test_the_image_is_the_only_channel_of_the_only_scale():
    encoder = Pixels().open(device=CPU)
    (scale,) = encoder.scales
    assert (scale.name, scale.channels, scale.directions) == ("pixels", ("grey",), ())
    assert np.array_equal(encoder.encode(eight_bit_images()).scales[0].numpy(), eight_bit_images()[:, None])


def test_it_is_kept_in_single_precision_because_half_loses_levels_of_eight_bits():
    (scale,) = Pixels().open(device=CPU).scales
    levels = (np.arange(256) / 255).astype(np.float32)
    assert not scale.half
    assert (levels.astype(np.float16).astype(np.float32) != levels).sum() > 200


def test_changing_the_features_does_not_change_the_image():
    given = eight_bit_images()
    Pixels().open(device=CPU).encode(given).scales[0].zero_()
    assert np.array_equal(given, eight_bit_images())


def test_a_read_only_image_is_encoded(good_scan):
    encoded = Pixels().open(device=CPU).encode(good_scan[None].astype(np.float32))
    assert torch.equal(encoded.scales[0][0, 0], torch.from_numpy(good_scan.astype(np.float32)))


def test_an_image_has_the_same_features_alone_as_in_company():
    encoder = Pixels().open(device=CPU)
    company = encoder.encode(eight_bit_images()).scales[0]
    assert torch.equal(encoder.encode(eight_bit_images()[1:2]).scales[0][0], company[1])


def test_it_has_no_weights():
    encoder = Pixels().open(device=CPU)
    assert (encoder.checksum, encoder.state()) == ("", {})
