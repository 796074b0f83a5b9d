"""The contract of low-quality modules: every module on the shelf is tested here."""

from __future__ import annotations

import dataclasses
from typing import get_args

import numpy as np
import pytest
import safetensors.torch
import torch
from scipy.stats import spearmanr

from unoqa.core.contracts import WithLatents
from unoqa.core.errors import UsageError
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.lowquality import MODULES
from unoqa.lowquality.cflow import Cflow
from unoqa.lowquality.fastflow import Fastflow
from unoqa.lowquality.flows.likelihood import MapKind
from unoqa.lowquality.gaussian import Gaussian
from unoqa.lowquality.padim import Padim
from unoqa.lowquality.parts.pooling import Pool
from unoqa.lowquality.patchcore import Patchcore
from unoqa.lowquality.signed import Signed

CPU = torch.device("cpu")
TILES = Scale("tiles", ("a", "b", "c", "d"), (1, -1, 1, -1))
IMAGE = Scale("image", ("e", "f", "g"), (1, 1, -1))
WORSE = tuple(torch.tensor(scale.directions).reshape(1, -1, 1, 1) for scale in (TILES, IMAGE))

PIXEL_MODULES = {"anomalib"}
"""Modules that read the image itself, not features; test_anomalib.py tests the same contract."""

SMALL = {
    "cflow": Cflow(blocks=4, positional_channels=16, fibres=1000, batch=128),
    "fastflow": Fastflow(blocks=4, epochs=2),
}
"""Modules that take minutes to fit by default, with settings that take a moment; all other settings are the default."""

DEFAULTS = {name: SMALL.get(name) or MODULES.load(name)() for name in MODULES.names() if name not in PIXEL_MODULES}


def vary(field, values):
    """Return each default module that has the setting, once with each value that differs from the default."""
    return {
        f"{name}-{value}": dataclasses.replace(module, **{field: value})
        for name, module in DEFAULTS.items()
        for value in values
        if value != getattr(module, field, value)
    }


OTHERS = {
    "gaussian-global-pooling": Gaussian(global_pooling=True),
    "gaussian-one-scale": Gaussian(scales=("image",)),
    "gaussian-even": Gaussian(neighbourhood=4),
    "padim-few-channels": Padim(channels=2, largest_grid=4),
    "patchcore-small": Patchcore(largest_memory=5, largest_draw=50),
    "patchcore-even": Patchcore(neighbourhood=4),
    "patchcore-mahalanobis": Patchcore(shrinkage=0.3),
    "signed-one-channel": Signed(channels=("b",), neighbourhood=4),
    "cflow-rotated": dataclasses.replace(SMALL["cflow"], permutation="soft"),
    "cflow-one-scale": dataclasses.replace(SMALL["cflow"], scales=("image",), neighbourhood=1),
    "cflow-from-standard": dataclasses.replace(SMALL["cflow"], start="standard", learning_rate=0.01, fibres=2500),
    "cflow-from-random": dataclasses.replace(SMALL["cflow"], start="random", learning_rate=0.01, fibres=2500),
    "cflow-averaged": dataclasses.replace(SMALL["cflow"], largest_grid=3),
    "fastflow-averaged": dataclasses.replace(SMALL["fastflow"], largest_grid=3, neighbourhood=3),
    "fastflow-from-standard": dataclasses.replace(SMALL["fastflow"], start="standard", learning_rate=0.01, epochs=6),
    "fastflow-published": dataclasses.replace(
        SMALL["fastflow"], start="random", learning_rate=0.01, schedule="constant", epochs=6, maps="norm", join="maps"
    ),
    "padim-published": Padim(channels=4, largest_grid=8, pool="max", form="published"),
    "patchcore-published": Patchcore(ratio=0.1, pool="max", form="published"),
    "fastflow-from-random": dataclasses.replace(SMALL["fastflow"], start="random", learning_rate=0.01, epochs=6),
}
IN_BFLOAT16 = vary("precision", ("bfloat16",))
ALL = {**DEFAULTS, **vary("pool", get_args(Pool)), **vary("maps", get_args(MapKind)), **IN_BFLOAT16, **OTHERS}

every_default = pytest.mark.parametrize("module", DEFAULTS.values(), ids=DEFAULTS)
every_module = pytest.mark.parametrize("module", ALL.values(), ids=ALL)


def features(images=24, *, side=8, seed=0):
    """Return features of outstanding images: random around a different mean at each place."""
    random = np.random.default_rng(seed)
    shapes = ((len(TILES.channels), side, side), (len(IMAGE.channels), 1, 1))
    means = [np.random.default_rng(99).normal(3, 1, shape) for shape in shapes]
    arrays = tuple((mean + random.normal(0, 0.3, (images, *mean.shape))).astype(np.float32) for mean in means)
    return FeatureSet((TILES, IMAGE), arrays, np.arange(images), CPU)


def pyramid(images=5, *, side=8, seed=1):
    return next(features(images, side=side, seed=seed).batches(images))


def worsen(grids, amount):
    """Shift every channel in its bad direction."""
    return FeaturePyramid(tuple(grid + amount * worse for grid, worse in zip(grids.scales, WORSE, strict=True)))


@every_module
def test_an_image_scores_alone_as_in_company_and_in_another_order(module):
    fitted, company = module.fit(features(), seed=0), pyramid()
    together = fitted.predict(company)
    flipped = fitted.predict(FeaturePyramid(tuple(grid.flip(0) for grid in company.scales)))
    for position in range(5):
        alone = fitted.predict(FeaturePyramid(tuple(grid[position : position + 1] for grid in company.scales)))
        for other, place in ((together, position), (flipped, 4 - position)):
            torch.testing.assert_close(alone.score[0], other.score[place], atol=1e-5, rtol=1e-5)
            for single, batch in zip(alone.maps, other.maps, strict=True):
                torch.testing.assert_close(single[0], batch[place], atol=1e-4, rtol=1e-4)


@every_module
def test_the_same_seed_gives_the_same_module_and_global_random_state_is_unchanged(module):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, second = (module.fit(features(), seed=3).state() for _ in range(2))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(before, torch.random.get_rng_state())


@every_module
def test_more_damage_never_lowers_the_score(module):
    fitted = module.fit(features(), seed=0)
    mean = FeaturePyramid(tuple(grid.mean(dim=0, keepdim=True) for grid in pyramid(24, seed=0).scales))
    scores = [float(fitted.predict(worsen(mean, amount)).score[0]) for amount in (0, 0.5, 1, 2, 4, 8)]
    assert scores == sorted(scores)
    assert scores[-1] > scores[0]


@every_module
def test_maps_are_finite_and_not_negative_and_there_is_one_for_each_image(module):
    evidence = module.fit(features(), seed=0).predict(pyramid())
    assert evidence.score.shape == (5,)
    assert torch.isfinite(evidence.score).all()
    assert evidence.maps
    for grid in evidence.maps:
        assert len(grid) == 5
        assert torch.isfinite(grid).all()
        assert (grid >= 0).all()


@every_module
def test_arguments_are_not_changed(module):
    given, seen = features(), pyramid()
    module.fit(given, seed=0).predict(seen)
    assert all(np.array_equal(a, b) for a, b in zip(given.arrays, features().arrays, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(seen.scales, pyramid().scales, strict=True))


@every_module
def test_a_module_restored_from_a_file_scores_bit_identically(module):
    fitted = module.fit(features(), seed=0)
    arrays = {name: array.contiguous() for name, array in fitted.state().items()}
    restored = module.restore(safetensors.torch.load(safetensors.torch.save(arrays)), (TILES, IMAGE))
    first, second = fitted.predict(pyramid()), restored.predict(pyramid())
    assert torch.equal(first.score, second.score)
    assert all(torch.equal(grid, again) for grid, again in zip(first.maps, second.maps, strict=True))


@every_module
def test_modules_of_several_folds_predict_together_what_each_predicts_alone(module):
    modules = [module.fit(features().subset(np.arange(fold, 24, 2)), seed=0) for fold in range(2)]
    together = type(modules[0]).predict_each(modules, pyramid(1))
    alone = [one.predict(pyramid(1)) for one in modules]
    assert len(together) == 2
    assert not torch.equal(alone[0].score, alone[1].score)
    for one, other in zip(together, alone, strict=True):
        assert torch.equal(one.score, other.score)
        assert all(torch.equal(grid, again) for grid, again in zip(one.maps, other.maps, strict=True))


@every_default
def test_a_restored_module_scores_bit_identically_at_the_size_of_a_real_layer(module):
    random = np.random.default_rng(0)
    layer = Scale("tiles", tuple(str(channel) for channel in range(256)))
    array = random.normal(size=(12, 256, 20, 20)).astype(np.float32)
    fitted = module.fit(FeatureSet((layer,), (array,), np.arange(12), CPU), seed=0)
    arrays = {name: value.contiguous() for name, value in fitted.state().items()}
    restored = module.restore(safetensors.torch.load(safetensors.torch.save(arrays)), (layer,))
    seen = FeaturePyramid((torch.from_numpy(array[:3]),))
    assert torch.equal(fitted.predict(seen).maps[0], restored.predict(seen).maps[0])


@every_module
def test_a_module_fits_on_its_smallest_number_of_images(module):
    fitted = module.fit(features(module.min_images), seed=0)
    assert torch.isfinite(fitted.predict(pyramid(1)).score).all()


@every_default
def test_one_scale_of_one_place_is_enough(module):
    single = features(side=1).select(["tiles"])
    evidence = module.fit(single, seed=0).predict(next(single.batches(3)))
    assert [tuple(grid.shape) for grid in evidence.maps] == [(3, 1, 1)]
    assert torch.isfinite(evidence.score).all()


@every_module
def test_constant_features_give_finite_values(module):
    flat = tuple(np.full_like(array, 2.5) for array in features().arrays)
    fitted = module.fit(dataclasses.replace(features(), arrays=flat), seed=0)
    for seen in (pyramid(), FeaturePyramid(tuple(torch.full_like(grid, 2.5) for grid in pyramid().scales))):
        evidence = fitted.predict(seen)
        assert torch.isfinite(evidence.score).all()
        assert all(torch.isfinite(grid).all() for grid in evidence.maps)


@every_default
@pytest.mark.parametrize(("row", "column"), [(0, 0), (2, 5), (7, 3)])
def test_a_map_is_highest_where_damage_was_planted(module, row, column):
    seen = pyramid(1)
    seen.scales[0][:, :, row, column] += 6 * WORSE[0][:, :, 0, 0]
    first = module.fit(features(), seed=0).predict(seen).maps[0][0]
    highest = divmod(int(first.argmax()), first.shape[1])
    assert np.abs(np.subtract(highest, (row, column))).max() <= 1  # maps average neighbouring places


@every_default
def test_outstanding_images_score_below_damaged_ones(module):
    fitted, unseen = module.fit(features(), seed=0), pyramid(20, seed=7)
    assert fitted.predict(unseen).score.max() < fitted.predict(worsen(unseen, 2)).score.min()


@every_default
def test_has_latents_tells_whether_the_fitted_module_has_latents(module):
    assert module.has_latents == isinstance(module.fit(features(), seed=0), WithLatents)


@pytest.mark.parametrize("module", IN_BFLOAT16.values(), ids=IN_BFLOAT16)
@pytest.mark.parametrize("fitted_in", ["bfloat16", "single"])
def test_a_module_ranks_images_alike_in_both_precisions(module, fitted_in, report_capabilities):
    report_capabilities(amx_bf16=fitted_in == "bfloat16")
    fitted = module.fit(features(), seed=0)
    unseen, scores = pyramid(20, seed=7), {}
    seen = FeaturePyramid(tuple(map(torch.cat, zip(unseen.scales, worsen(unseen, 0.3).scales, strict=True))))
    for has_bfloat16 in (True, False):
        report_capabilities(amx_bf16=has_bfloat16)
        scores[has_bfloat16] = module.restore(fitted.state(), (TILES, IMAGE)).predict(seen).score
    assert not torch.equal(scores[True], scores[False])
    assert spearmanr(scores[True], scores[False]).statistic > 0.999


@every_default
def test_half_precision_files_give_nearly_the_scores_of_arrays_in_memory(module, tmp_path):
    given = features()
    halves = tuple(
        np.lib.format.open_memmap(tmp_path / f"{i}.npy", "w+", "f2", a.shape) for i, a in enumerate(given.arrays)
    )
    for half, array in zip(halves, given.arrays, strict=True):
        half[:] = array
    mapped = module.fit(dataclasses.replace(given, arrays=halves), seed=0).predict(pyramid())
    memory = module.fit(given, seed=0).predict(pyramid())
    torch.testing.assert_close(mapped.score, memory.score, atol=0.02, rtol=0.02)


@pytest.mark.parametrize("module", [Gaussian(scales=("tile",)), Signed(scale="tile")])
def test_the_error_for_an_unknown_scale_names_the_nearest(module):
    with pytest.raises(UsageError, match="There is no scale of this encoder 'tile'; did you mean 'tiles'"):
        module.fit(features(), seed=0)


def test_the_error_for_an_unknown_channel_names_the_nearest():
    with pytest.raises(UsageError) as caught:
        Signed(channels=("aa",)).fit(features(), seed=0)
    assert str(caught.value) == ("There is no channel of scale 'tiles' 'aa'; did you mean 'a'? Known: a, b, c, d.")
