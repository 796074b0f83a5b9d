"""Training keeps the best parameters, resumes after a kill, and reports divergence."""

from __future__ import annotations

import gc
import math
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch
from torch import nn

from interrupting import Failing, PowerCut
from unoqa.core.errors import FitError
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.core.work import Checkpoints, Work
from unoqa.lowquality.cflow import Cflow
from unoqa.lowquality.fastflow import Fastflow
from unoqa.lowquality.flows.flattening import flatten_parameters
from unoqa.lowquality.flows.sampler import FibreSampler, sample_images, split_rows, steps_per_epoch
from unoqa.lowquality.flows.training import Objective, Schedule, Training, train
from unoqa.store.workspace import FolderCheckpoints

CPU = torch.device("cpu")


@pytest.fixture
def no_garbage_collection():
    """Switch the garbage collector off, so that objects in reference cycles stay."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class MemoryCheckpoints(dict):
    """Checkpoints in memory."""

    def read(self, name):
        return self.get(name)

    def write(self, name, arrays):
        self[name] = {key: array.clone() for key, array in arrays.items()}


class ToyNetwork(nn.Module):
    """Three numbers that are pulled to a target.

    `steps` lists the steps whose loss was computed, `checks` the numbers and the held-out loss of each check.
    The loss of step `nan_at` is NaN; the gradient of step `infinite_at` is infinite, though the loss is finite.
    """

    def __init__(self, *, nan_at=None, infinite_at=None):
        super().__init__()
        self.numbers = nn.Parameter(torch.tensor([0.0, 0.5, 1.0]))
        self.steps, self.checks = [], []
        self._nan_at, self._infinite_at = nan_at, infinite_at

    def objective(self, best=torch.inf):
        """Return an objective that pulls the numbers to 3; its held-out loss is lowest at `best`."""
        return Objective("Toy", loss=self._loss, held_out_loss=lambda: self._check(best), steps_per_pass=10.0)

    def _loss(self, step):
        self.steps.append(step)
        target = 3 + 0.1 * torch.randn(3, generator=torch.Generator().manual_seed(step))
        loss = (self.numbers - target).square().sum()
        if step == self._infinite_at:
            loss = loss + (self.numbers - self.numbers.detach()).sqrt().sum()
        return loss * math.nan if step == self._nan_at else loss

    def _check(self, best):
        self.checks.append((self.numbers.detach().clone(), float((self.numbers.detach() - best).square().mean())))
        return self.checks[-1][1]


def schedule(**settings):
    return Schedule(**{"steps": 400, "learning_rate": 0.05, "check_every": 10, "patience": 3, **settings})


def train_network(network, best, work=None, **settings):
    train(network, network.objective(best), schedule(**settings), work or Work())
    return network.numbers.detach()


def test_training_stops_early_and_keeps_the_best():
    network = ToyNetwork()
    found = train_network(network, best=1.0)
    numbers, losses = zip(*network.checks, strict=True)
    best = losses.index(min(losses))
    assert torch.equal(found, numbers[best])
    assert 0 < best < len(losses) - 1
    assert len(network.steps) == 10 * best + 3 * 10 < 400


def test_how_a_network_was_trained_is_told_in_steps_and_passes():
    network = ToyNetwork()
    training = train(network, network.objective(best=1.0), schedule(), Work())
    losses = [loss for _, loss in network.checks]
    assert (training.planned, training.taken) == (400, len(network.steps))
    assert training.kept == 10 * losses.index(min(losses))
    assert training.passes == len(network.steps) / 10
    assert train(nn.Identity(), network.objective(), schedule(), Work()) == Training(0, 0, 0, 10.0)


def test_a_constant_learning_rate_neither_rises_nor_falls():
    rates = [schedule(shape="constant", learning_rate=0.3).learning_rate_at(step) for step in range(400)]
    assert set(rates) == {0.3}


def test_a_network_that_only_gets_worse_keeps_its_first_parameters():
    network = ToyNetwork()
    assert torch.equal(train_network(network, best=-1.0), torch.tensor([0.0, 0.5, 1.0]))
    assert len(network.steps) == 30


def test_with_patience_0_it_trains_to_the_end_and_keeps_the_last():
    network = ToyNetwork()
    found = train_network(network, best=-1.0, patience=0, steps=95)
    assert network.steps == list(range(95))
    assert torch.equal(found, network.checks[-1][0])
    assert float(found.min()) > 1


def test_training_leaves_no_array_to_the_garbage_collector(no_garbage_collection):
    network = nn.Linear(1234, 1)
    size = sum(parameter.numel() for parameter in network.parameters())
    objective = Objective("Line", lambda _: network(torch.ones(1, 1234)).square().sum(), lambda: 1.0, 1.0)
    train(network, objective, schedule(steps=20), Work())
    tensors = [item for item in gc.get_objects() if type(item) in (torch.Tensor, nn.Parameter)]
    left = [tensor for tensor in tensors if tensor.numel() == size]
    assert left == []
    assert [parameter.grad for parameter in network.parameters()] == [None, None]


def test_each_parameter_has_its_own_memory_after_flattening():
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    before = [parameter.detach().clone() for parameter in network.parameters()]
    with pytest.raises(KeyError), flatten_parameters(network) as flat:
        assert torch.equal(flat.detach(), torch.cat([values.flatten() for values in before]))
        network(torch.ones(1, 3)).sum().backward()
        assert torch.equal(flat.grad[-2:], torch.ones(2))
        flat.data.mul_(2)
        raise KeyError
    for parameter, values in zip(network.parameters(), before, strict=True):
        assert torch.equal(parameter, 2 * values)
        assert parameter.untyped_storage().nbytes() == 4 * parameter.numel()


def test_progress_counts_every_step_also_those_before_a_kill():
    store = MemoryCheckpoints()
    for _ in range(2):
        progress = Failing(1000)
        train_network(ToyNetwork(), 9.0, Work(progress, store), steps=95)
        assert progress.left == 905


def test_the_learning_rate_rises_linearly_and_falls_by_torchs_cosine_to_a_thousandth():
    with_warm_up, without = schedule(learning_rate=2.0, warm_up=0.25), schedule(learning_rate=2.0, warm_up=0.0)
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=400)
    for step in range(400):
        expected = max(cosine.get_last_lr()[0], 0.002)
        assert without.learning_rate_at(step) == pytest.approx(expected, rel=1e-6)
        assert with_warm_up.learning_rate_at(step) == pytest.approx(expected * min(1, (step + 1) / 100), rel=1e-6)
        optimiser.step()
        cosine.step()
    assert without.learning_rate_at(399) == 0.002


@pytest.mark.parametrize("in_memory", [True, False], ids=["in memory", "in a folder"])
def test_a_training_interrupted_twice_ends_like_one_that_was_not(in_memory, tmp_path):
    expected = train_network(ToyNetwork(), best=2.9)
    store = MemoryCheckpoints() if in_memory else FolderCheckpoints(tmp_path)
    for steps, first in ((37, 0), (88, 30)):
        network = ToyNetwork()
        with pytest.raises(PowerCut):
            train_network(network, 2.9, Work(Failing(steps), store, interval=0.0))
        assert network.steps == list(range(first, steps))
    network = ToyNetwork()
    assert torch.equal(train_network(network, 2.9, Work(checkpoints=store, interval=0.0)), expected)
    assert network.steps[0] == 80


def test_a_finished_training_is_not_repeated():
    store = MemoryCheckpoints()
    first, second = ToyNetwork(), ToyNetwork()
    assert torch.equal(*(train_network(network, 2.0, Work(checkpoints=store)) for network in (first, second)))
    assert (len(first.steps) > 30, second.steps) == (True, [])


def test_no_checkpoint_is_written_before_the_interval_is_over():
    store = MemoryCheckpoints()
    with pytest.raises(PowerCut):
        train_network(ToyNetwork(), 9.0, Work(Failing(200), store, interval=60.0))
    assert store == {}
    assert isinstance(store, Checkpoints)


@pytest.mark.parametrize("patience", [0, 3])
def test_a_nan_loss_before_the_first_gain_is_an_error(patience):
    with pytest.raises(FitError) as caught:
        train_network(ToyNetwork(nan_at=7), 9.0, patience=patience)
    assert str(caught.value) == (
        "Toy diverged at step 7 before its held-out loss improved; lower 'learning_rate' in the recipe, or look for an "
        "image that differs from the rest."
    )


@pytest.mark.parametrize("patience", [0, 3])
def test_a_loss_that_is_not_finite_before_training_is_an_error(patience):
    with pytest.raises(FitError) as caught:
        train_network(ToyNetwork(), math.nan, patience=patience)
    assert str(caught.value) == "Toy has no finite loss before training; look for an image that differs from the rest."


@pytest.mark.parametrize("patience", [0, 3])
def test_a_training_that_diverges_later_uses_the_best_parameters_and_says_so(patience):
    notes, network = [], ToyNetwork(nan_at=57)
    found = train_network(network, 9.0, Work(notify=notes.append), patience=patience)
    assert torch.equal(found, network.checks[5][0])
    assert notes == [
        "Toy diverged at step 57; the parameters of step 50 are used. A lower 'learning_rate' in the recipe may give "
        "a better fit."
    ]


@pytest.mark.parametrize(("infinite_at", "last_finite"), [(37, 3), (39, 3), (94, 9)])
def test_parameters_that_are_not_finite_are_never_kept(infinite_at, last_finite):
    network = ToyNetwork(infinite_at=infinite_at)
    found = train_network(network, 9.0, patience=0, steps=95)
    assert torch.equal(found, network.checks[last_finite][0])
    assert torch.isfinite(found).all()


SCALES = (Scale("tiles", ("a", "b", "c")), Scale("image", ("d", "e")))
FLOWS = {
    "cflow": Cflow(blocks=2, positional_channels=8, fibres=7000, batch=64, learning_rate=0.01, patience=0),
    "fastflow": Fastflow(blocks=2, epochs=20, batch=4, learning_rate=0.01, patience=0),
}


def features(images=20):
    random = np.random.default_rng(0)
    arrays = tuple(
        random.normal(size=(images, len(scale.channels), side, side)).astype(np.float32)
        for scale, side in zip(SCALES, (5, 1), strict=True)
    )
    return FeatureSet(SCALES, arrays, np.arange(images), CPU)


@pytest.mark.parametrize("module", FLOWS.values(), ids=FLOWS)
def test_a_fit_interrupted_at_any_step_ends_like_one_that_was_not(module, tmp_path):
    expected, store = module.fit(features(), seed=1).state(), FolderCheckpoints(tmp_path)
    for steps in (3, 40, 90):
        with pytest.raises(PowerCut):
            module.fit(features(), seed=1, work=Work(Failing(steps), store, interval=0.0))
    again = module.fit(features(), seed=1, work=Work(checkpoints=store, interval=0.0)).state()
    assert expected.keys() == again.keys()
    assert all(torch.equal(expected[name], again[name]) for name in expected)


def traceable(images, side=6):
    """Return features with the number of the image in the first channel and the position in the second."""
    values = np.empty((images, 2, side, side), dtype=np.float32)
    values[:, 0] = np.arange(images).reshape(-1, 1, 1)
    values[:, 1] = np.arange(side * side).reshape(side, side)
    return FeatureSet((Scale("grid", ("image", "position")),), (values,), np.arange(images), CPU)


def identity(grid):
    return grid


def test_every_fibre_comes_from_its_stated_position_and_none_twice_per_draw():
    sampler = FibreSampler(traceable(50), identity, batch=100, seed=0)
    images = set()
    for number in range(10):
        steps = [sampler.sample(step) for step in range(8 * number, 8 * number + 8)]
        vectors = torch.cat([fibres.vectors for fibres in steps])
        assert torch.equal(vectors[:, 1].long(), torch.cat([fibres.positions for fibres in steps]))
        assert len(vectors.unique(dim=0)) == 800
        images |= set(vectors[:, 0].int().tolist())
    assert images == set(range(50))


def test_the_batch_of_a_step_does_not_depend_on_the_steps_before():
    first, second = (FibreSampler(traceable(40), identity, batch=16, seed=3) for _ in range(2))
    expected = {step: first.sample(step).vectors for step in range(30)}
    for step in (29, 0, 7, 8, 15, 3):
        assert torch.equal(second.sample(step).vectors, expected[step])
    assert not torch.equal(FibreSampler(traceable(40), identity, batch=16, seed=4).sample(0).vectors, expected[0])


def test_a_draw_larger_than_all_images_repeats_fibres():
    sampler = FibreSampler(traceable(2, side=2), identity, batch=100, seed=0)
    assert sampler.sample(3).vectors.shape == (100, 2)
    assert sampler.shape == (2, 2)


@pytest.mark.parametrize(("count", "found"), [(100, 100), (144, 144), (145, 144), (10_000, 144)])
def test_distinct_fibres_are_as_many_as_asked_for_or_all(count, found):
    drawn = FibreSampler(traceable(4), identity, batch=7, seed=0).sample_distinct(count)
    assert len(drawn.vectors.unique(dim=0)) == len(drawn.vectors) == found
    parts = list(drawn.split(50))
    assert [len(part.positions) for part in parts] == [50] * (found // 50) + [found % 50] * (found % 50 > 0)
    assert torch.equal(torch.cat([part.vectors for part in parts]), drawn.vectors)


def test_the_rotated_images_are_those_that_fibres_are_drawn_from():
    encoded = []

    def rotate(rows, degrees):
        encoded.append((int(rows[0]), float(degrees[0])))
        return FeaturePyramid((torch.from_numpy(traceable(50).arrays[0][rows] + 1000),))

    chosen = replace(traceable(50), rotate=rotate).subset(np.arange(5, 45))
    sampler = FibreSampler(chosen, identity, batch=100, seed=0, rotation=5.0)
    fibres = sampler.sample(0)
    last = sampler.sample(10)  # 32 images of 36 positions: one draw of rotated images feeds eleven steps
    assert len(encoded) == 32
    assert len(torch.cat([last.vectors, fibres.vectors]).unique(dim=0)) == 200
    rows, degrees = zip(*encoded, strict=True)
    assert set((fibres.vectors[:, 0] - 1000).int().tolist()) <= set(rows) <= set(range(5, 45))
    assert 3 < np.abs(degrees).max() <= 5


@pytest.mark.parametrize(("images", "batch"), [(24, 8), (20, 8), (9, 8), (8, 8), (3, 8), (1, 1)])
def test_each_image_is_drawn_once_per_epoch_in_a_new_order(images, batch):
    steps, orders = steps_per_epoch(images, batch), []
    for number in range(3):
        drawn = [
            sample_images(traceable(images), number * steps + part, batch=batch, seed=0)[:, 0, 0, 0].int().tolist()
            for part in range(steps)
        ]
        assert sorted(chain(*drawn)) == list(range(images))
        assert max(map(len, drawn)) <= batch
        assert max(map(len, drawn)) - min(map(len, drawn)) <= 1
        orders.append(drawn)
    assert steps == 1 or orders[0] != orders[1] != orders[2]


@pytest.mark.parametrize(("images", "held_out"), [(2, 1), (3, 1), (6, 1), (20, 3), (100, 15)])
def test_images_are_split_into_training_and_held_out(images, held_out):
    training_rows, held_out_rows = split_rows(images, 0.15, seed=0)
    assert sorted([*training_rows, *held_out_rows]) == list(range(images))
    assert len(held_out_rows) == held_out
    assert images < 100 or not np.array_equal(held_out_rows, split_rows(images, 0.15, seed=1)[1])
