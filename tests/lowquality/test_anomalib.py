"""Models of anomalib keep the contract of low-quality modules, on images instead of features."""

from __future__ import annotations

import os
import random
import socket
import sys
import tomllib
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec

import numpy as np
import pytest
import safetensors.torch
import timm
import tomli_w
import torch

from unoqa.benchmark.phantom.anatomy import draw_angiogram
from unoqa.core.errors import FitError, UsageError, WeightsError
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.core.settings import build, to_plain
from unoqa.core.work import Work
from unoqa.encoders.pixels import Pixels
from unoqa.lowquality.anomalib import Anomalib
from unoqa.lowquality.anomalib.isolation import seed_all
from unoqa.lowquality.anomalib.library import import_library
from unoqa.lowquality.anomalib.models import UNSUPPORTED
from unoqa.lowquality.anomalib.training import normalise

pytestmark = pytest.mark.skipif(
    find_spec("anomalib") is None and os.environ.get("UNOQA_REQUIRE_PEER") != "1",
    reason='anomalib is not installed: pip install "unoqa[peer]"',
)

CPU = torch.device("cpu")
SIDE = 64
UNTRAINED = {"backbone": "resnet18", "pre_trained": False}
MODULES = {
    "padim": Anomalib(model="Padim", options=UNTRAINED),
    "patchcore": Anomalib(
        model="Patchcore", options={**UNTRAINED, "layers": ["layer1", "layer2"], "coreset_sampling_ratio": 0.02}
    ),
    "cflow": Anomalib(
        model="Cflow", options={**UNTRAINED, "layers": ["layer1", "layer2"], "coupling_blocks": 2}, epochs=1
    ),
    "fastflow": Anomalib(model="Fastflow", options={"pre_trained": False, "flow_steps": 2}, epochs=2),
}

every_model = pytest.mark.parametrize("name", MODULES)


@cache
def scans(images=8, seed=0):
    """Return scans of 64×64 pixels without faults as read-only features."""
    drawn = [draw_angiogram(np.random.default_rng([seed, number]), size=SIDE) for number in range(images)]
    pixels = np.stack(drawn)[:, None].astype(np.float32)
    pixels.flags.writeable = False
    return FeatureSet(Pixels().open(device=CPU).scales, (pixels,), np.arange(images), CPU)


def pyramid(images=3, seed=1):
    return next(scans(images, seed).batches(images))


@cache
def fitted(name):
    return MODULES[name].fit(scans(), seed=3)


def save_and_read(state):
    return safetensors.torch.load(safetensors.torch.save(state))


@every_model
def test_an_image_scores_alone_as_in_company_and_in_another_order(name):
    module, company = fitted(name), pyramid()
    together, flipped = module.predict(company), module.predict(FeaturePyramid((company.scales[0].flip(0),)))
    for position in range(3):
        alone = module.predict(FeaturePyramid((company.scales[0][position : position + 1],)))
        for other, place in ((together, position), (flipped, 2 - position)):
            assert torch.equal(alone.score[0], other.score[place])
            assert all(
                torch.equal(single[0], batch[place]) for single, batch in zip(alone.maps, other.maps, strict=True)
            )


@every_model
def test_the_same_seed_gives_the_same_module_and_global_random_state_is_unchanged(name):
    before = torch.random.get_rng_state(), np.random.get_state()[1].tolist()
    first, second = fitted(name).state(), MODULES[name].fit(scans(), seed=3).state()
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()


@every_model
def test_a_module_restored_from_a_file_scores_bit_identically_without_internet(name, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the module used the internet"))
    restored = MODULES[name].restore(save_and_read(fitted(name).state()), scans().scales)
    first, second = fitted(name).predict(pyramid()), restored.predict(pyramid())
    assert torch.equal(first.score, second.score)
    assert all(torch.equal(grid, again) for grid, again in zip(first.maps, second.maps, strict=True))


@every_model
def test_maps_are_finite_and_not_negative_and_there_is_one_for_each_image(name):
    evidence = fitted(name).predict(pyramid())
    assert evidence.score.shape == (3,)
    assert torch.isfinite(evidence.score).all()
    for grid in evidence.maps:
        assert grid.shape[0] == 3
        assert max(grid.shape[1:]) <= MODULES[name].largest_grid
        assert torch.isfinite(grid).all()
        assert (grid >= 0).all()


@every_model
@pytest.mark.parametrize("images", [2, 8])
def test_constant_images_and_the_fewest_images_give_finite_values(name, images):
    flat = np.full((images, 1, SIDE, SIDE), 0.5, dtype=np.float32)
    module = MODULES[name].fit(FeatureSet(scans().scales, (flat,), np.arange(images), CPU), seed=0)
    for seen in (pyramid(1), FeaturePyramid((torch.from_numpy(flat[:1]),))):
        evidence = module.predict(seen)
        assert torch.isfinite(evidence.score).all()
        assert all(torch.isfinite(grid).all() for grid in evidence.maps)


@every_model
@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 3), (3, 2)])
def test_a_map_is_highest_where_damage_was_planted(name, row, column):
    seen = pyramid(1).scales[0].clone()
    seen[:, :, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16] = 1
    before, after = (fitted(name).predict(grids).maps[0][0] for grids in (pyramid(1), FeaturePyramid((seen,))))
    worse = torch.nn.functional.adaptive_avg_pool2d((after - before)[None], 4)[0]
    assert divmod(int(worse.argmax()), 4) == (row, column)


@every_model
def test_nothing_is_printed_and_nothing_is_written_to_the_working_directory(name, monkeypatch, tmp_path, capfd):
    monkeypatch.chdir(tmp_path)
    MODULES[name].fit(scans(), seed=0).predict(pyramid())
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def add_noise(images, amount):
    noise = torch.randn(images, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    return FeaturePyramid((pyramid(images).scales[0] + amount * noise,))


@every_model
def test_outstanding_images_score_below_damaged_ones_and_more_damage_scores_higher(name):
    clean, *worse = (fitted(name).predict(add_noise(6, amount)).score for amount in (0, 0.4, 0.8, 1.6))
    assert clean.max() < worse[0].min()
    means = [float(scores.mean()) for scores in worse]
    assert means == sorted(means)


@pytest.mark.parametrize("name", ["padim", "patchcore"])
def test_a_map_is_that_of_anomalib_divided_by_the_mean_over_outstanding_images(name):
    settings = MODULES[name]
    theirs = getattr(import_library().models, settings.model)(
        **dict(settings.options), pre_processor=False, post_processor=False, evaluator=False, visualizer=False
    ).model.eval()
    state = fitted(name).state()
    theirs.load_state_dict({key.removeprefix("model."): value for key, value in state.items() if "model." in key})
    expected = theirs(normalise(pyramid(1).scales[0])).anomaly_map[0]
    whole = build(Anomalib, {**to_plain(settings), "largest_grid": SIDE}, "test").restore(state, scans().scales)
    mine = whole.predict(pyramid(1)).maps[0] * state["mean"] + state["floor"]
    torch.testing.assert_close(mine, expected, rtol=1e-3, atol=1e-3)


def test_cflows_energies_give_the_likelihoods_that_anomalib_makes_its_map_from():
    state = fitted("cflow").state()
    maps = [grid * mean for grid, mean in zip(fitted("cflow").predict(pyramid(1)).maps, state["mean"], strict=True)]
    likelihoods = [-torch.log(torch.expm1(grid.double())) for grid in maps]
    relative = [torch.exp(likelihood - likelihood.max())[None] for likelihood in likelihoods]
    summed = sum(
        torch.nn.functional.interpolate(grid, (SIDE, SIDE), mode="bilinear", align_corners=True) for grid in relative
    )
    network = fitted("cflow")._network
    expected = network(normalise(pyramid(1).scales[0])).anomaly_map
    torch.testing.assert_close((summed.max() - summed)[0].float(), expected, rtol=1e-2, atol=1e-4)


def test_anomalibs_own_cflow_depends_on_its_batch_and_ours_does_not():
    company = pyramid().scales[0].clone()
    company[1] = 0.45  # as grey as ImageNet's mean: the most likely image of the batch
    network = fitted("cflow")._network
    together = network(normalise(company)).anomaly_map[0]
    alone = network(normalise(company[:1])).anomaly_map[0]
    assert float((together - alone).abs().max()) > 0.2 * float(alone.max())
    ours = fitted("cflow").predict(FeaturePyramid((company,))).score[0]
    assert torch.equal(ours, fitted("cflow").predict(FeaturePyramid((company[:1],))).score[0])


def test_the_random_state_of_all_three_libraries_is_restored():
    states = torch.random.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    with seed_all(3, CPU):
        drawn = float(torch.rand(())), float(np.random.random()), random.random()
    assert torch.equal(states[0], torch.random.get_rng_state())
    assert np.array_equal(states[1], np.random.get_state()[1])
    assert states[2] == random.getstate()
    with seed_all(3, CPU):
        assert drawn == (float(torch.rand(())), float(np.random.random()), random.random())


class CountingProgress:
    """Counts the steps of each task."""

    def __init__(self):
        self.tasks = []

    @contextmanager
    def task(self, title, total):
        self.tasks.append([title, total, 0])

        def step():
            self.tasks[-1][2] += 1

        yield step


@pytest.mark.parametrize(("name", "title", "steps"), [("padim", "Padim", 1), ("fastflow", "Fastflow", 2)])
def test_each_batch_is_one_step_of_progress(name, title, steps):
    progress = CountingProgress()
    MODULES[name].fit(scans(), seed=0, work=Work(progress=progress))
    assert progress.tasks == [[f"training {title}", steps, steps]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Write seeded weights of a whole ResNet-18 as safetensors."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        arrays = timm.create_model("resnet18", pretrained=False).state_dict()
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    safetensors.torch.save_file(arrays, path)
    return path


def test_a_model_that_always_asks_for_weights_gets_those_of_the_file(weights):
    module = Anomalib(model="stfpm", weights=str(weights), epochs=1)
    state = module.fit(scans(), seed=0).state()
    given = safetensors.torch.load_file(weights)
    backbone = {key.rpartition("model.teacher_model.feature_extractor.")[2]: key for key in state if "teacher" in key}
    assert len(backbone) > 50
    assert all(torch.equal(state[key], given[name]) for name, key in backbone.items())
    restored = module.restore(save_and_read(state), scans().scales)
    assert torch.equal(restored.predict(pyramid()).score, module.fit(scans(), seed=0).predict(pyramid()).score)


def test_weights_of_another_network_are_refused_with_the_name_of_the_array(weights, tmp_path):
    arrays = safetensors.torch.load_file(weights)
    safetensors.torch.save_file({**arrays, "bn1.bias": torch.ones(3)}, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError) as caught:
        Anomalib(weights=str(tmp_path / "w.safetensors")).fit(scans(), seed=0)
    assert str(caught.value) == (
        "Array bn1.bias of resnet18 needs shape (64,), but has shape (3,) in the weights given; give the weights of "
        "that backbone, at least up to the last layer that the model uses."
    )


def test_the_error_for_missing_weights_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the module used the internet"))
    with pytest.raises(WeightsError) as caught:
        Anomalib().fit(scans(), seed=0)
    assert str(caught.value) == (
        "The weights of resnet18 are not on this machine; set 'weights' of the module 'anomalib' to a file of them, or "
        "run `unoqa weights resnet18` on a machine with internet and copy its cache folder here."
    )
    with pytest.raises(WeightsError, match=r"^There is no weights file w\.pth; change 'weights' of the module 'anomal"):
        Anomalib(weights="w.pth").fit(scans(), seed=0)


def test_settings_show_the_name_of_a_weights_file_without_its_folder():
    assert to_plain(Anomalib(weights="weights of somebody/r18.pth"))["weights"] == "r18.pth"


def test_settings_are_the_same_after_a_recipe_file_and_are_hashable():
    module = Anomalib(model="Cflow", options={"layers": ["layer1"], "lr": 1e-3, "permute_soft": True})
    read = tomllib.loads(tomli_w.dumps(to_plain(module)))
    assert read["options"] == {"layers": ["layer1"], "lr": 1e-3, "permute_soft": True}
    assert build(Anomalib, read, "test") == module
    assert len({module, build(Anomalib, read, "test"), Anomalib()}) == 2


def catch_error(module, features=None):
    with pytest.raises((UsageError, FitError)) as caught:
        module.fit(features or scans(), seed=0)
    return str(caught.value)


def test_the_error_for_an_unknown_model_names_the_nearest():
    assert catch_error(Anomalib(model="Padin")).startswith(
        "There is no model of anomalib 'Padin'; did you mean 'Padim'?"
    )


@pytest.mark.parametrize("model", [name.lower() for name in UNSUPPORTED])
def test_an_unsupported_model_is_refused_with_the_reason(model):
    name = next(name for name in UNSUPPORTED if name.lower() == model)
    assert catch_error(Anomalib(model=model)) == (
        f"Model '{name}' of anomalib is not supported: it {UNSUPPORTED[name]}; choose another model."
    )


def test_the_error_for_an_unknown_option_names_it():
    assert catch_error(Anomalib(options={"bakbone": "resnet18"})) == (
        "Model 'Padim' of anomalib cannot be created for images of 64×64 pixels with the options "
        "{'bakbone': 'resnet18'}; change 'options' in the recipe (Padim.__init__() got an unexpected keyword argument "
        "'bakbone')."
    )


def test_the_error_of_a_failed_fit_names_the_images():
    few = Anomalib(model="Patchcore", options={**UNTRAINED, "coreset_sampling_ratio": 1e-6})
    assert catch_error(few).startswith(
        "Model 'Patchcore' of anomalib cannot learn from 8 images of 64×64 pixels; change its 'options', or give more "
        "or larger images (coreset_size must be a positive integer"
    )


def test_the_error_for_another_encoder_names_the_right_one():
    tiles = FeatureSet((Scale("tiles", ("a",)),), (np.zeros((2, 1, 8, 8), np.float32),), np.arange(2), CPU)
    assert catch_error(MODULES["padim"], tiles) == (
        "The module 'anomalib' reads the scale 'pixels', but its encoder offers tiles; "
        'set encoder = "pixels" for that member.'
    )


def test_without_anomalib_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "anomalib.data", None)
    assert catch_error(Anomalib()) == (
        "The module 'anomalib' needs the package anomalib, which cannot be imported on this machine (import of "
        'anomalib.data halted; None in sys.modules); install it with: pip install "unoqa[peer]".'
    )
