"""The coupling block, the flow and its likelihood agree with the formulas, with autograd and with FrEIA."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd.functional import jacobian
from torch.nn import functional

from unoqa.lowquality.flows.coupling import Coupling, draw_rotation, split_channels
from unoqa.lowquality.flows.flow import Flow, Whitening, make_couplings
from unoqa.lowquality.flows.likelihood import LOG_ENERGY_SLOPE, make_likelihood_map, score_likelihood_maps
from unoqa.lowquality.flows.positional_encoding import positional_encoding

ENCODING = 4


class OnFibres(nn.Module):
    """A small subnet on vectors, with an optional condition."""

    def __init__(self, number, inputs, outputs):
        super().__init__()
        self.first, self.last = nn.Linear(inputs, 7), nn.Linear(7, outputs)
        self.position = nn.Linear(ENCODING, 7, bias=False)

    def forward(self, passive, condition=0.0):
        return 9 * self.last(torch.tanh(self.first(passive) + condition))


class OnGrids(nn.Module):
    """A small subnet on grids, with kernels of 3×3."""

    def __init__(self, number, inputs, outputs):
        super().__init__()
        self.first, self.last = nn.Conv2d(inputs, 5, 3, padding="same"), nn.Conv2d(5, outputs, 3, padding="same")

    def forward(self, passive):
        return 9 * self.last(torch.tanh(self.first(passive)))


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def flow(subnet, channels=5, *, rotate=False, blocks=3):
    """Return a flow in double precision in which no parameter has its neutral initial value."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        blocks = make_couplings(channels, blocks, subnet, clamp=1.9, seed=2, rotate=rotate)
    network = Flow(Whitening(draw(channels), draw(channels, channels).tril()), blocks).double()
    for seed, block in enumerate(network.couplings):
        block.gain.data += draw(channels, seed=seed)
        block.offset.data += draw(channels, seed=seed + 9)
        if rotate:  # stored in single precision, so made orthogonal in double precision
            left, _, right = torch.linalg.svd(block.rotation)
            block.rotation = left @ right
    return network.requires_grad_(False)


def make_conditions(network, fibres, *, conditioned):
    return [block.subnet.position(draw(fibres, ENCODING, seed=5)) for block in network.couplings] if conditioned else ()


def dense(block, x):
    """Compute a block as others do: permute by a matrix, transform the second half, permute back."""
    order = torch.cat([block.passive, block.active])
    matrix = torch.eye(x.shape[1], dtype=x.dtype)[order]
    first, second = (x @ matrix.T).split([len(block.passive), len(block.active)], dim=1)
    scale, shift = (0.1 * block.subnet(first)).chunk(2, dim=1)
    transformed = second * (1.9 * scale.tanh()).exp() + shift
    gain = 0.1 * functional.softplus(block.gain, beta=0.5)
    return torch.cat([first, transformed], dim=1) @ matrix * gain + block.offset


every_permutation = pytest.mark.parametrize("rotate", [False, True], ids=["hard", "soft"])


@every_permutation
@pytest.mark.parametrize("conditioned", [False, True], ids=["unconditional", "conditional"])
@pytest.mark.parametrize("channels", [2, 5])
def test_the_inverse_undoes_a_flow_of_fibres(rotate, conditioned, channels):
    network, x = flow(OnFibres, channels, rotate=rotate), draw(20, channels, seed=3)
    conditions = make_conditions(network, 20, conditioned=conditioned)
    back = network.inverse(network(x, conditions)[0], conditions)
    torch.testing.assert_close(back, network.whitening(x), atol=1e-11, rtol=1e-11)
    assert not torch.allclose(network(x, conditions)[0], network.whitening(x), atol=0.1)


@every_permutation
def test_the_inverse_undoes_a_flow_of_grids(rotate):
    network, x = flow(OnGrids, rotate=rotate), draw(2, 5, 4, 6, seed=3)
    torch.testing.assert_close(network.inverse(network(x)[0]), network.whitening(x), atol=1e-11, rtol=1e-11)


@every_permutation
@pytest.mark.parametrize("conditioned", [False, True], ids=["unconditional", "conditional"])
def test_the_log_determinant_of_fibres_is_that_of_autograds_jacobian(rotate, conditioned):
    network, x = flow(OnFibres, rotate=rotate), draw(3, 5, seed=3)
    conditions = make_conditions(network, 3, conditioned=conditioned)
    found = network(x, conditions)[1] + network.whitening.log_determinant()
    for row in range(3):
        own = [condition[row : row + 1] for condition in conditions]
        matrix = jacobian(lambda fibre: network(fibre[None], own)[0][0], x[row])  # noqa: B023 - called at once
        assert float(found[row]) == pytest.approx(float(torch.linalg.slogdet(matrix).logabsdet), abs=1e-9)


@every_permutation
def test_the_log_determinants_of_a_grids_positions_add_up_to_that_of_autograds_jacobian(rotate):
    network, x = flow(OnGrids, 4, rotate=rotate), draw(1, 4, 3, 2, seed=3)
    found = network(x)[1].sum() + 6 * network.whitening.log_determinant()
    matrix = jacobian(lambda grid: network(grid)[0], x).reshape(24, 24)
    assert float(found) == pytest.approx(float(torch.linalg.slogdet(matrix).logabsdet), abs=1e-9)


def test_a_block_of_two_channels_worked_out_by_hand():
    constant = nn.Linear(1, 2)
    constant.weight.data.zero_()
    constant.bias.data = torch.tensor([10.0, 5.0])
    block = Coupling(torch.tensor([0]), torch.tensor([1]), lambda inputs, outputs: constant, clamp=1.9).double()
    block.requires_grad_(False)
    y, log_determinant = block(torch.tensor([[1.0, 2.0]], dtype=torch.float64), None)
    # the gain starts at 1; s = 1.9 tanh(0.1 · 10) = 1.4470289; y = 2 exp(1.4470289) + 0.1 · 5
    assert y[0].tolist() == pytest.approx([1.0, 9.0009346], abs=1e-6)
    assert float(log_determinant) == pytest.approx(1.4470289, abs=1e-6)


def test_a_block_that_indexes_channels_equals_one_that_permutes_by_matrices():
    for block in flow(OnFibres).couplings:
        x = draw(9, 5, seed=4)
        torch.testing.assert_close(block(x, None)[0], dense(block, x), atol=1e-12, rtol=1e-12)
        matrix = jacobian(lambda fibre: dense(block, fibre[None])[0], x[0])  # noqa: B023 - called at once
        assert float(block(x, None)[1][0]) == pytest.approx(float(torch.linalg.slogdet(matrix).logabsdet), abs=1e-9)


@pytest.mark.parametrize("channels", [2, 3, 8, 513])
def test_each_channel_is_in_one_half_and_of_an_odd_number_one_more_is_passive(channels):
    passive, active = split_channels(channels, torch.Generator().manual_seed(0))
    assert sorted([*passive.tolist(), *active.tolist()]) == list(range(channels))
    assert len(passive) - len(active) == channels % 2


@pytest.mark.parametrize("channels", [2, 3, 8, 65])
def test_a_rotation_is_orthogonal_of_determinant_one_and_drawn_by_the_generator(channels):
    first, again = (draw_rotation(channels, torch.Generator().manual_seed(4)).double() for _ in range(2))
    torch.testing.assert_close(first @ first.T, torch.eye(channels, dtype=torch.float64), atol=1e-6, rtol=0)
    assert float(torch.linalg.det(first)) == pytest.approx(1, abs=1e-5)
    assert torch.equal(first, again)


def test_rotations_are_drawn_uniformly():
    generator = torch.Generator().manual_seed(0)
    matrices = torch.stack([draw_rotation(3, generator) for _ in range(3000)])
    # of the Haar measure on SO(n) every entry has mean 0 and variance 1/n, and the trace of SO(3) has variance 1
    assert matrices.mean(dim=0).abs().max() < 0.04
    torch.testing.assert_close(matrices.var(dim=0), torch.full((3, 3), 1 / 3), atol=0.03, rtol=0)
    assert float(matrices.diagonal(dim1=1, dim2=2).sum(dim=1).var()) == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize("conditioned", [False, True], ids=["unconditional", "conditional"])
def test_a_block_computes_what_freias_computes_with_the_same_weights(conditioned):
    freia = pytest.importorskip("FrEIA.modules")
    own = OnFibres(0, 3, 4).double()
    block = Coupling(torch.arange(3), torch.arange(3, 5), lambda inputs, outputs: own, clamp=1.9).double()
    block.gain.data += draw(5, seed=7)
    block.offset.data += draw(5, seed=8)
    theirs = freia.AllInOneBlock(
        [(5,)],
        [(ENCODING,)] if conditioned else [],
        subnet_constructor=lambda inputs, outputs: _Joint(own) if conditioned else own,
        affine_clamping=1.9,
        global_affine_type="SOFTPLUS",
    ).double()
    theirs.global_scale.data, theirs.global_offset.data = block.gain.data[None], block.offset.data[None]
    x, encoding = draw(6, 5, seed=1), draw(6, ENCODING, seed=2)
    y, log_determinant = block(x, own.position(encoding) if conditioned else None)
    (expected,), total = theirs([x], [encoding] if conditioned else [])
    torch.testing.assert_close(y @ theirs.w_perm.T.double(), expected, atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(log_determinant, total, atol=1e-12, rtol=1e-12)


class _Joint(nn.Module):
    """The same subnet with one first layer for fibre and condition, as FrEIA calls it."""

    def __init__(self, own):
        super().__init__()
        self.own = own

    def forward(self, joint):
        weight = torch.cat([self.own.first.weight, self.own.position.weight], dim=1)
        return 9 * self.own.last(torch.tanh(functional.linear(joint, weight, self.own.first.bias)))


def test_likelihood_is_per_channel_and_that_of_the_latent():
    network, x = flow(OnFibres), draw(4, 5, seed=3)
    z, likelihood = network.infer(x)
    normal = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1)
    torch.testing.assert_close(likelihood, (normal + network(x)[1]) / 5)
    assert torch.equal(network.log_likelihood(x), likelihood)


@pytest.mark.parametrize(("rows", "columns", "channels"), [(3, 5, 8), (1, 1, 4), (20, 20, 128)])
def test_a_position_is_encoded_by_sines_and_cosines_of_its_column_then_of_its_row(rows, columns, channels):
    half = channels // 2
    expected = np.empty((rows, columns, channels))
    for row in range(rows):
        for column in range(columns):
            for number in range(half):
                angle = np.array([column, row]) / 10_000 ** (2 * (number // 2) / half)
                wave = np.sin(angle) if number % 2 == 0 else np.cos(angle)
                expected[row, column, number], expected[row, column, half + number] = wave
    found = positional_encoding(rows, columns, channels).reshape(rows, columns, channels)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)


def test_maps_are_the_formulas():
    likelihood, highest = torch.tensor([[[-30.0, -2.0, -0.5, 0.2]]]), -0.5
    z = torch.linspace(-2, 3, 8).reshape(1, 2, 1, 4)
    prob = [1 - math.exp(min(0, value + 0.5)) for value in likelihood.flatten().tolist()]
    energy = [-math.log(1 / (1 + math.exp(-value))) for value in likelihood.flatten().tolist()]
    log_energy = [math.log(1 + LOG_ENERGY_SLOPE * max(0, -0.5 - value)) for value in likelihood.flatten().tolist()]
    for kind, expected in (("prob", prob), ("energy", energy), ("log-energy", log_energy)):
        assert make_likelihood_map(z, likelihood, highest, kind).flatten().tolist() == pytest.approx(expected, rel=1e-5)
    norm = [1 - math.exp(-0.5 * (first**2 + second**2) / 2) for first, second in z[0, :, 0].T.tolist()]
    assert make_likelihood_map(z, likelihood, highest, "norm").flatten().tolist() == pytest.approx(norm, rel=1e-5)


@pytest.mark.parametrize("kind", ["prob", "energy", "log-energy"])
def test_a_map_keeps_the_order_and_is_not_negative_whatever_the_likelihood(kind):
    likelihood = torch.tensor([[[-torch.inf, -1e30, -1e4, -40.0, -3.0, -1.0, -0.5, 1.0, 1e30]]])
    grid = make_likelihood_map(torch.zeros(1, 2, 1, 9), likelihood, -0.5, kind)[0, 0]
    assert grid.tolist() == sorted(grid.tolist(), reverse=True)
    assert grid[3] > grid[4] > grid[5] > grid[6] >= grid[7] >= 0
    assert kind != "prob" or (grid[0], grid[-1]) == (1, 0)


def test_scales_weigh_by_their_channels_and_energies_by_their_logarithm():
    maps = (torch.full((1, 4, 4), 2.0), torch.full((1, 1, 1), 8.0))
    prob = float(score_likelihood_maps(maps, (3, 1), "prob", "mean", "scores").score)
    assert prob == pytest.approx(0.75 * 2 + 0.25 * 8)
    energy = float(score_likelihood_maps(maps, (3, 1), "energy", "mean", "scores").score)
    assert energy == pytest.approx(0.75 * math.log(2) + 0.25 * math.log(8), abs=1e-5)


def test_joined_maps_are_enlarged_to_the_finest_grid_and_averaged_before_they_are_pooled():
    fine, coarse = torch.zeros(1, 4, 4), torch.tensor([[[0.0, 0.0], [0.0, 4.0]]])
    fine[0, 0, 3] = 3.0
    assert float(score_likelihood_maps((fine, coarse), (3, 1), "prob", "max", "maps").score) == 2.0
    assert float(score_likelihood_maps((fine, coarse), (3, 1), "prob", "max", "scores").score) == 0.75 * 3 + 0.25 * 4
