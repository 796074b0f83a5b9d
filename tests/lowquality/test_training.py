"""A network keeps its best state, goes on where it was killed, and says when it diverged."""

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
from unoqa.lowquality.flows.adam import Adam
from unoqa.lowquality.flows.flattened import flattened
from unoqa.lowquality.flows.sampler import FibreSampler, held_out_rows, sample_images, steps_per_epoch
from unoqa.lowquality.flows.training import Objective, Schedule, train
from unoqa.store.workspace import FolderCheckpoints

CPU = torch.device("cpu")


@pytest.fixture
def no_garbage_collection():
    """Keep what only a garbage collection would free."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Kept(dict):
    """Checkpoints in memory."""

    def read(self, name):
        return self.get(name)

    def write(self, name, arrays):
        self[name] = {key: array.clone() for key, array in arrays.items()}


class Pupil(nn.Module):
    """Three numbers that are drawn to a target; `asked` are the steps whose loss was wanted, `looks` what was seen.

    The loss of step `ends` is no number; the gradient of step `breaks` is infinite, though the loss is finite.
    """

    def __init__(self, *, ends=None, breaks=None):
        super().__init__()
        self.numbers = nn.Parameter(torch.tensor([0.0, 0.5, 1.0]))
        self.asked, self.looks = [], []
        self._ends, self._breaks = ends, breaks

    def objective(self, best=torch.inf):
        """Return a lesson that draws the numbers to 3, of which the held-out loss is lowest at `best`."""
        return Objective("Pupil", loss=self._loss, held_out=lambda: self._look(best))

    def _loss(self, step):
        self.asked.append(step)
        wanted = 3 + 0.1 * torch.randn(3, generator=torch.Generator().manual_seed(step))
        loss = (self.numbers - wanted).square().sum()
        if step == self._breaks:
            loss = loss + (self.numbers - self.numbers.detach()).sqrt().sum()
        return loss * math.nan if step == self._ends else loss

    def _look(self, best):
        self.looks.append((self.numbers.detach().clone(), float((self.numbers.detach() - best).square().mean())))
        return self.looks[-1][1]


def schedule(**settings):
    return Schedule(**{"steps": 400, "rate": 0.05, "check_every": 10, "patience": 3, **settings})


def taught(pupil, best, work=None, **settings):
    train(pupil, pupil.objective(best), schedule(**settings), work or Work())
    return pupil.numbers.detach()


def test_learning_stops_early_and_keeps_the_best():
    pupil = Pupil()
    found = taught(pupil, best=1.0)
    numbers, losses = zip(*pupil.looks, strict=True)
    place = losses.index(min(losses))
    assert torch.equal(found, numbers[place])
    assert 0 < place < len(losses) - 1
    assert len(pupil.asked) == 10 * place + 3 * 10 < 400


def test_what_only_gets_worse_is_left_as_it_was():
    pupil = Pupil()
    assert torch.equal(taught(pupil, best=-1.0), torch.tensor([0.0, 0.5, 1.0]))
    assert len(pupil.asked) == 30


def test_without_patience_it_learns_to_the_end_and_keeps_the_last():
    pupil = Pupil()
    found = taught(pupil, best=-1.0, patience=0, steps=95)
    assert pupil.asked == list(range(95))
    assert torch.equal(found, pupil.looks[-1][0])
    assert float(found.min()) > 1


def test_learning_leaves_nothing_behind_that_waits_for_the_garbage_collector(no_garbage_collection):
    network = nn.Linear(1234, 1)
    size = sum(parameter.numel() for parameter in network.parameters())
    objective = Objective("line", loss=lambda _: network(torch.ones(1, 1234)).square().sum(), held_out=lambda: 1.0)
    train(network, objective, schedule(steps=20), Work())
    left = [one for one in gc.get_objects() if type(one) in (torch.Tensor, nn.Parameter) and one.numel() == size]
    assert left == []
    assert [parameter.grad for parameter in network.parameters()] == [None, None]


def test_adam_is_torchs_and_goes_on_where_it_was():
    random = torch.Generator().manual_seed(0)
    ours, theirs = (nn.Parameter(torch.arange(5.0)) for _ in range(2))
    mine, reference = Adam(ours, decay=0.01), torch.optim.Adam([theirs], weight_decay=0.01, fused=True)
    for step in range(12):
        slope, rate = torch.randn(5, generator=random), 0.1 / (step + 1)
        ours.grad, theirs.grad = slope.clone(), slope.clone()
        reference.param_groups[0]["lr"] = rate
        mine.step(rate)
        reference.step()
        assert torch.equal(ours, theirs)
        kept, mine = {name: array.clone() for name, array in mine.state().items()}, Adam(ours, decay=0.01)
        mine.restore(kept)


def test_each_parameter_has_its_own_memory_after_it_was_part_of_one_array():
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    before = [parameter.detach().clone() for parameter in network.parameters()]
    with pytest.raises(KeyError), flattened(network) as whole:
        assert torch.equal(whole.detach(), torch.cat([one.flatten() for one in before]))
        network(torch.ones(1, 3)).sum().backward()
        assert torch.equal(whole.grad[-2:], torch.ones(2))
        whole.data.mul_(2)
        raise KeyError
    for parameter, one in zip(network.parameters(), before, strict=True):
        assert torch.equal(parameter, 2 * one)
        assert parameter.untyped_storage().nbytes() == 4 * parameter.numel()


def test_progress_is_told_of_every_step_and_of_those_taken_before_a_kill():
    store = Kept()
    for _ in range(2):
        progress = Failing(1000)
        taught(Pupil(), 9.0, Work(progress, store), steps=95)
        assert progress.left == 905


def test_the_rate_rises_evenly_and_falls_by_torchs_cosine_to_a_thousandth():
    with_warm_up, without = schedule(rate=2.0, warm_up=0.25), schedule(rate=2.0, warm_up=0.0)
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=400)
    for step in range(400):
        expected = max(cosine.get_last_lr()[0], 0.002)
        assert without.rate_at(step) == pytest.approx(expected, rel=1e-6)
        assert with_warm_up.rate_at(step) == pytest.approx(expected * min(1, (step + 1) / 100), rel=1e-6)
        optimiser.step()
        cosine.step()
    assert without.rate_at(399) == 0.002


@pytest.mark.parametrize("kept", ["in memory", "in a folder"])
def test_a_training_cut_twice_ends_as_one_that_was_not(kept, tmp_path):
    whole, store = taught(Pupil(), best=2.9), Kept() if kept == "in memory" else FolderCheckpoints(tmp_path)
    for steps, first in ((37, 0), (88, 30)):
        pupil = Pupil()
        with pytest.raises(PowerCut):
            taught(pupil, 2.9, Work(Failing(steps), store, interval=0.0))
        assert pupil.asked == list(range(first, steps))
    pupil = Pupil()
    assert torch.equal(taught(pupil, 2.9, Work(checkpoints=store, interval=0.0)), whole)
    assert pupil.asked[0] == 80


def test_a_training_that_is_over_is_not_done_again():
    store = Kept()
    first, second = Pupil(), Pupil()
    assert torch.equal(*(taught(one, 2.0, Work(checkpoints=store)) for one in (first, second)))
    assert (len(first.asked) > 30, second.asked) == (True, [])


def test_nothing_is_kept_before_the_interval_is_over():
    store = Kept()
    with pytest.raises(PowerCut):
        taught(Pupil(), 9.0, Work(Failing(200), store, interval=60.0))
    assert store == {}
    assert isinstance(store, Checkpoints)


@pytest.mark.parametrize("patience", [0, 3])
def test_a_loss_that_is_no_number_before_anything_was_learned_is_an_error(patience):
    with pytest.raises(FitError) as caught:
        taught(Pupil(ends=7), 9.0, patience=patience)
    assert str(caught.value) == (
        "Pupil diverged at step 7 before it learned anything; choose a lower 'rate' in the recipe, or look for images "
        "unlike the rest."
    )


@pytest.mark.parametrize("patience", [0, 3])
def test_no_finite_loss_to_begin_with_is_an_error(patience):
    with pytest.raises(FitError) as caught:
        taught(Pupil(), math.nan, patience=patience)
    assert str(caught.value) == "Pupil has no finite loss to begin with; look for images unlike the rest."


@pytest.mark.parametrize("patience", [0, 3])
def test_a_training_that_diverges_later_goes_on_as_it_was_and_says_so(patience):
    said, pupil = [], Pupil(ends=57)
    found = taught(pupil, 9.0, Work(tell=said.append), patience=patience)
    assert torch.equal(found, pupil.looks[5][0])
    assert said == [
        "Pupil diverged at step 57; it goes on as it was after step 50. A lower 'rate' in the recipe may serve better."
    ]


@pytest.mark.parametrize(("breaks", "good"), [(37, 3), (39, 3), (94, 9)])
def test_numbers_that_became_none_are_never_kept(breaks, good):
    pupil = Pupil(breaks=breaks)
    found = taught(pupil, 9.0, patience=0, steps=95)
    assert torch.equal(found, pupil.looks[good][0])
    assert torch.isfinite(found).all()


SCALES = (Scale("tiles", ("a", "b", "c")), Scale("image", ("d", "e")))
FLOWS = {
    "cflow": Cflow(blocks=2, code=8, fibres=7000, batch=64, rate=0.01, patience=0),
    "fastflow": Fastflow(blocks=2, passes=20, batch=4, rate=0.01, patience=0),
}


def features(images=20):
    random = np.random.default_rng(0)
    arrays = tuple(
        random.normal(size=(images, len(scale.channels), side, side)).astype(np.float32)
        for scale, side in zip(SCALES, (5, 1), strict=True)
    )
    return FeatureSet(SCALES, arrays, np.arange(images), CPU)


@pytest.mark.parametrize("module", FLOWS.values(), ids=FLOWS)
def test_a_fit_cut_at_any_step_ends_as_one_that_was_not(module, tmp_path):
    whole, store = module.fit(features(), seed=1).state(), FolderCheckpoints(tmp_path)
    for steps in (3, 40, 90):
        with pytest.raises(PowerCut):
            module.fit(features(), seed=1, work=Work(Failing(steps), store, interval=0.0))
    again = module.fit(features(), seed=1, work=Work(checkpoints=store, interval=0.0)).state()
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def traceable(images, side=6):
    """Return features that tell their image in the first channel and their place in the second."""
    values = np.empty((images, 2, side, side), dtype=np.float32)
    values[:, 0] = np.arange(images).reshape(-1, 1, 1)
    values[:, 1] = np.arange(side * side).reshape(side, side)
    return FeatureSet((Scale("grid", ("image", "place")),), (values,), np.arange(images), CPU)


def as_it_is(grid):
    return grid


def test_every_fibre_comes_from_the_place_that_it_says_and_no_fibre_twice_a_draw():
    sampler = FibreSampler(traceable(50), as_it_is, batch=100, seed=0)
    images = set()
    for number in range(10):
        steps = [sampler.at(step) for step in range(8 * number, 8 * number + 8)]
        vectors = torch.cat([fibres.vectors for fibres in steps])
        assert torch.equal(vectors[:, 1].long(), torch.cat([fibres.places for fibres in steps]))
        assert len(vectors.unique(dim=0)) == 800
        images |= set(vectors[:, 0].int().tolist())
    assert images == set(range(50))


def test_a_step_is_the_same_whatever_was_asked_before():
    first, second = (FibreSampler(traceable(40), as_it_is, batch=16, seed=3) for _ in range(2))
    expected = {step: first.at(step).vectors for step in range(30)}
    for step in (29, 0, 7, 8, 15, 3):
        assert torch.equal(second.at(step).vectors, expected[step])
    assert not torch.equal(FibreSampler(traceable(40), as_it_is, batch=16, seed=4).at(0).vectors, expected[0])


def test_a_draw_larger_than_all_images_repeats_fibres():
    sampler = FibreSampler(traceable(2, side=2), as_it_is, batch=100, seed=0)
    assert sampler.at(3).vectors.shape == (100, 2)
    assert sampler.shape == (2, 2)


@pytest.mark.parametrize(("most", "found"), [(100, 100), (144, 144), (145, 144), (10_000, 144)])
def test_distinct_fibres_are_all_there_are_or_as_many_as_are_wanted(most, found):
    drawn = FibreSampler(traceable(4), as_it_is, batch=7, seed=0).distinct(most)
    assert len(drawn.vectors.unique(dim=0)) == len(drawn.vectors) == found
    parts = list(drawn.parts(50))
    assert [len(part.places) for part in parts] == [50] * (found // 50) + [found % 50] * (found % 50 > 0)
    assert torch.equal(torch.cat([part.vectors for part in parts]), drawn.vectors)


def test_turned_images_are_the_very_ones_drawn_from():
    asked = []

    def rotate(rows, degrees):
        asked.append((int(rows[0]), float(degrees[0])))
        return FeaturePyramid((torch.from_numpy(traceable(50).arrays[0][rows] + 1000),))

    chosen = replace(traceable(50), rotate=rotate).subset(np.arange(5, 45))
    sampler = FibreSampler(chosen, as_it_is, batch=100, seed=0, degrees=5.0)
    fibres = sampler.at(0)
    last = sampler.at(10)  # 32 images of 36 places: eleven steps, all fed by the images once turned
    assert len(asked) == 32
    assert len(torch.cat([last.vectors, fibres.vectors]).unique(dim=0)) == 200
    rows, degrees = zip(*asked, strict=True)
    assert set((fibres.vectors[:, 0] - 1000).int().tolist()) <= set(rows) <= set(range(5, 45))
    assert 3 < np.abs(degrees).max() <= 5


@pytest.mark.parametrize(("images", "batch"), [(24, 8), (20, 8), (9, 8), (8, 8), (3, 8), (1, 1)])
def test_whole_images_are_drawn_once_a_pass_each_in_an_order_of_its_own(images, batch):
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
def test_images_are_dealt_to_those_learned_from_and_those_held_out(images, held_out):
    seen, unseen = held_out_rows(images, 0.15, seed=0)
    assert sorted([*seen, *unseen]) == list(range(images))
    assert len(unseen) == held_out
    assert images < 100 or not np.array_equal(unseen, held_out_rows(images, 0.15, seed=1)[1])
