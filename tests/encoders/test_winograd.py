"""Fewer products give what a convolution gives."""

import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import nn

from unoqa.encoders.parts.convolution import Convolution
from unoqa.encoders.parts.winograd import FEWEST_CHANNELS, SMALLEST_SIDE, Winograd, pays, transforms


def features(*shape, seed=0):
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return drawn.contiguous(memory_format=torch.channels_last)


def convolution(channels, kernels, **options):
    torch.manual_seed(1)
    return nn.Conv2d(channels, kernels, 3, padding=1, **options).requires_grad_(False)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 8, 4, 4), (1, 8, 16, 20), (2, 8, 17, 23), (3, 8, 1, 2), (1, 1, 5, 6)])
def test_it_is_a_convolution_at_every_size(shape, bias):
    plain = convolution(shape[1], 12, bias=bias)
    given = features(*shape)
    expected = nn.functional.conv2d(given.double(), plain.weight.double(), padding=1)
    expected = expected if plain.bias is None else expected + plain.bias.double()[:, None, None]
    found = Winograd(plain.weight, plain.bias, given.shape)(given)
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=2e-6)


def test_features_of_another_size_than_laid_out_for_are_convolved_too():
    plain = convolution(8, 12)
    quick = Winograd(plain.weight, plain.bias, (1, 8, 16, 20))
    given = features(2, 8, 31, 18)
    torch.testing.assert_close(quick(given), plain(given), rtol=0, atol=1e-5)


NARROW = {"ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
"""How to tell torch and its libraries that the processor has no wider vectors than of 256 bits."""

SUMS = """
import hashlib, torch
torch.set_num_threads(1)
from unoqa.encoders.parts.winograd import Winograd
generator = torch.Generator().manual_seed(0)
for channels, side in ((128, 40), (256, 20)):
    given = torch.randn(1, channels, side, side, generator=generator).to(memory_format=torch.channels_last)
    weight = torch.randn(channels, channels, 3, 3, generator=generator)
    found = Winograd(weight, None, given.shape)(given).contiguous()
    print(hashlib.sha256(found.numpy().tobytes()).hexdigest())
"""


def test_the_width_of_a_processors_vectors_does_not_change_a_bit():
    either = [
        subprocess.run(
            [sys.executable, "-c", SUMS], env={**os.environ, **narrow}, capture_output=True, text=True, check=True
        ).stdout
        for narrow in ({}, NARROW)
    ]
    assert either[0] == either[1]
    assert len(either[0].split()) == 2


def test_its_error_is_near_that_of_single_precision():
    plain = convolution(FEWEST_CHANNELS, FEWEST_CHANNELS)
    given = features(1, FEWEST_CHANNELS, 20, 20).relu()
    exact = nn.functional.conv2d(given.double(), plain.weight.double(), plain.bias.double(), padding=1)
    off = (Winograd(plain.weight, plain.bias, given.shape)(given) - exact).std() / exact.std()
    assert off < 16 * torch.finfo(torch.float32).eps


def test_what_is_read_alone_is_what_four_pixels_of_a_line_take():
    """The definition, on one line: values of the kernel times values of the line, taken to pixels, are its sums."""
    of_tiles, of_weights, of_products = (matrix.double().numpy() for matrix in transforms())
    line, kernel = np.arange(1.0, 7), np.array([2.0, -1, 0.5])
    lines, kernels = np.outer(line, line), np.outer(kernel, kernel)
    values = (of_tiles @ lines.ravel()) * (of_weights @ kernels.ravel())
    expected = np.correlate(line, kernel, "valid")
    np.testing.assert_allclose((of_products @ values).reshape(4, 4), np.outer(expected, expected), atol=1e-9)
    assert Fraction(of_tiles[0, 0]).limit_denominator(100) == 1  # the product of all other points: 4/9 · 9/4


@pytest.mark.parametrize(
    "options",
    [{"stride": 2}, {"dilation": 2}, {"groups": 2}, {"kernel_size": 1, "padding": 0}, {"padding": 0}],
    ids=str,
)
def test_other_windows_are_convolved_as_they_are(options):
    given = {"kernel_size": 3, "padding": 1, **options}
    assert not pays(nn.Conv2d(FEWEST_CHANNELS, FEWEST_CHANNELS, **given))


def test_few_channels_are_convolved_as_they_are():
    assert pays(convolution(FEWEST_CHANNELS, FEWEST_CHANNELS))
    assert not pays(convolution(FEWEST_CHANNELS - 1, FEWEST_CHANNELS))
    assert not pays(convolution(FEWEST_CHANNELS, FEWEST_CHANNELS - 1))


def test_so_many_channels_that_their_weights_are_large_are_convolved_as_they_are():
    assert pays(convolution(256, 256))
    assert not pays(convolution(512, 512))


@pytest.mark.parametrize("side", [SMALLEST_SIDE - 1, SMALLEST_SIDE])
@pytest.mark.parametrize("with_relu", [True, False])
@pytest.mark.parametrize("added", ["nothing", "features", "a number", "one value a kernel"])
def test_residuals_and_relus_follow_it(side, with_relu, added):
    plain = convolution(FEWEST_CHANNELS, FEWEST_CHANNELS)
    given = features(1, FEWEST_CHANNELS, side, side)
    kinds = {
        "nothing": None,
        "features": features(1, FEWEST_CHANNELS, side, side, seed=1),
        "a number": 0.5,
        "one value a kernel": features(1, FEWEST_CHANNELS, 1, 1, seed=1),
    }
    residual = kinds[added]
    expected = plain(given) if residual is None else plain(given) + residual
    expected = expected.relu() if with_relu else expected
    quick = Convolution(plain, with_relu=with_relu)
    kept = None if residual is None else torch.as_tensor(residual).clone()
    torch.testing.assert_close(quick(given, residual), expected, rtol=0, atol=1e-5)
    assert isinstance(quick._laid_out, Winograd) == (side == SMALLEST_SIDE)
    if kept is not None:
        assert torch.equal(torch.as_tensor(residual), kept)
