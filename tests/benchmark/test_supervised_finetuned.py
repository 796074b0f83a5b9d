"""A network is fine-tuned on grades, with the layers for which there are weights."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import timm
import torch

from unoqa.benchmark.supervised import LabelledData
from unoqa.benchmark.supervised.finetuned import Finetuned
from unoqa.benchmark.supervised.parts.cross_validation import cross_validate, summarise_probabilities
from unoqa.benchmark.supervised.parts.network import build_network
from unoqa.core.auroc import auroc
from unoqa.core.errors import DataSetError, UsageError, WeightsError

MODEL = "test_resnet.r160_in1k"  # a model that timm has for tests: 0.4 million weights
QUICK = Finetuned(model=MODEL, size=32, epochs=1, batch=8, learning_rate=3e-3)
LEARNING = Finetuned(model=MODEL, size=32, epochs=4, batch=8, learning_rate=3e-3)
SEEN, UNSEEN = np.arange(40), np.arange(40, 60)
SHARED = Path(__file__).parents[3] / "shared"


def draw_weights(model=MODEL, **cut):
    """Return random weights of a model, whole or cut; always the same."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model(model, **cut)
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Write weights of the layers 1 and 2 only."""
    path = tmp_path_factory.mktemp("weights") / "layers12.safetensors"
    safetensors.torch.save_file(draw_weights(features_only=True, out_indices=(1, 2)), path)
    return path


def draw_data(weights, images=60, seed=0, size=32):
    """Return noise images: the worse the grade, the weaker the noise; each image has its own brightness."""
    random = np.random.default_rng(seed)
    grades = random.permutation(np.arange(images) % 3)
    pixels = [
        random.uniform(0.3, 0.7) + (0.02, 0.08, 0.25)[grade] * random.normal(size=(size, size)) for grade in grades
    ]
    nothing = np.zeros((images, 0))
    return LabelledData(grades, nothing, nothing, lambda position: pixels[position].astype(np.float32), weights)


def predict(data, settings=QUICK, seed=0, unseen=UNSEEN):
    return settings.fit_predict(SEEN, unseen, data, seed=seed)


def refusal(weights, settings=QUICK):
    with pytest.raises((WeightsError, UsageError)) as caught:
        settings.levels(weights)
    return str(caught.value)


def test_the_grades_are_learned_from_the_images(file):
    data = draw_data(file)
    given, severity = summarise_probabilities(predict(data, LEARNING))
    grades = data.grades[UNSEEN]
    assert (given == grades).mean() >= 0.8
    assert auroc(severity[grades == 0], severity[grades == 2]) == 1


def test_nothing_is_learned_from_shuffled_grades(file):
    data = draw_data(file, images=160)
    np.random.default_rng(1).shuffle(data.grades)
    unseen = np.arange(40, 160)
    given, severity = summarise_probabilities(predict(data, LEARNING, unseen=unseen))
    worse = data.grades[unseen] != 2
    assert (given == data.grades[unseen]).mean() == pytest.approx(1 / 3, abs=0.12)
    assert auroc(severity[worse], severity[~worse]) == pytest.approx(0.5, abs=0.15)


def test_before_training_all_grades_are_equally_probable(file):
    still = Finetuned(model=MODEL, size=32, epochs=1, batch=8, learning_rate=1e-12)
    assert predict(draw_data(file), still) == pytest.approx(1 / 3, abs=1e-6)


def test_a_seed_gives_the_same_again_and_another_seed_another(file):
    first, second, third = (predict(draw_data(file), seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_global_random_numbers_and_modes_stay(file):
    before, numbers = torch.random.get_rng_state(), np.random.get_state(legacy=False)["state"]["pos"]
    predict(draw_data(file))
    assert torch.equal(before, torch.random.get_rng_state())
    assert np.random.get_state(legacy=False)["state"]["pos"] == numbers
    assert torch.is_grad_enabled()


def test_an_image_has_the_same_prediction_alone_and_in_a_batch(file):
    together = predict(draw_data(file))
    alone = predict(draw_data(file), unseen=np.array([47]))
    assert alone[0] == pytest.approx(together[7], abs=1e-4)


def test_images_of_any_size_are_resized(file):
    data = draw_data(file)
    larger = LabelledData(
        data.grades, data.features, data.saliency,
        lambda position: np.kron(data.pixels(position), np.ones((2, 2))), file,
    )  # fmt: skip
    assert predict(larger).shape == (20, 3)


def test_a_mirrored_image_is_a_further_image(file):
    unmirrored = Finetuned(model=MODEL, size=32, epochs=1, batch=8, learning_rate=3e-3, flips=False)
    assert not np.array_equal(predict(draw_data(file)), predict(draw_data(file), unmirrored))


def test_two_grades_are_enough_and_the_third_has_no_probability(file):
    data = draw_data(file)
    data.grades[data.grades == 1] = 0
    probabilities = predict(data)
    assert not probabilities[:, 1].any()
    assert probabilities.sum(axis=1) == pytest.approx(1)


def test_one_grade_is_not_enough(file):
    data = draw_data(file)
    data.grades[:] = 2
    with pytest.raises(DataSetError, match="has 40 labelled images, all outstanding; label images of other grades too"):
        predict(data)


def test_balance_gives_a_rare_grade_more_weight(file):
    data = draw_data(file, images=30)
    data.grades[:] = np.array([0] * 2 + [2] * 28)
    given = {
        balanced: Finetuned(model=MODEL, size=32, epochs=2, batch=30, balanced=balanced).fit_predict(
            np.arange(30), np.arange(30), data, seed=0
        )
        for balanced in (True, False)
    }
    assert given[True][:, 0].mean() == pytest.approx(0.5, abs=0.1)
    assert given[False][:, 0].mean() < given[True][:, 0].mean()


@pytest.mark.parametrize(
    ("cut", "levels"),
    [
        ({"features_only": True, "out_indices": (1,)}, ("act1", "layer1")),
        ({"features_only": True, "out_indices": (1, 2, 3)}, ("act1", "layer1", "layer2", "layer3")),
        ({"features_only": True}, ("act1", "layer1", "layer2", "layer3", "layer4")),
        ({}, ("act1", "layer1", "layer2", "layer3", "layer4")),
    ],
    ids=["one", "three", "four", "classifier"],
)
def test_the_layers_used_are_those_that_the_file_holds(cut, levels, tmp_path):
    safetensors.torch.save_file(draw_weights(**cut), tmp_path / "w.safetensors")
    assert QUICK.levels(tmp_path / "w.safetensors") == levels


@pytest.mark.parametrize(
    ("model", "last"), [("test_efficientnet.r160_in1k", "blocks.4"), ("test_convnext.r160_in1k", "stages.3")]
)
def test_other_families_of_networks_work_too(model, last, tmp_path):
    safetensors.torch.save_file(draw_weights(model), tmp_path / "w.safetensors")
    settings = Finetuned(model=model, size=32, epochs=1)
    assert settings.levels(tmp_path / "w.safetensors")[-1] == last
    assert predict(draw_data(tmp_path / "w.safetensors"), settings).shape == (20, 3)


def test_the_whole_network_starts_as_timms_classifier_with_a_new_head(tmp_path):
    safetensors.torch.save_file(draw_weights(), tmp_path / "w.safetensors")
    network = build_network(MODEL, tmp_path / "w.safetensors").eval()
    classifier = timm.create_model(MODEL).eval()
    classifier.load_state_dict(draw_weights())
    head = next(layer for layer in network.modules() if isinstance(layer, torch.nn.Linear))
    torch.nn.init.constant_(head.weight, 0.5)
    grey = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    colour = ((grey - 0.5) / 0.5).expand(-1, 3, -1, -1)  # the normalisation of these weights
    pooled = classifier.forward_head(classifier.forward_features(colour), pre_logits=True)
    assert torch.allclose(network(grey), 0.5 * pooled.sum(dim=1, keepdim=True).expand(-1, 3), rtol=1e-4)


def test_weights_that_end_at_the_stem_are_refused(tmp_path):
    held = {name: array for name, array in draw_weights().items() if not name.startswith("layer")}
    safetensors.torch.save_file(held, tmp_path / "w.safetensors")
    sentence = (
        r"The weights given lack \d+ arrays that test_resnet\.r160_in1k needs up to its last used layer: "
        r"layer1\.0\.conv1\.weight, .* …; give a file of the whole model or choose earlier layers in the recipe\."
    )
    assert re.fullmatch(sentence, refusal(tmp_path / "w.safetensors"))


def test_weights_of_a_model_of_other_shapes_are_refused_by_name(tmp_path):
    held = draw_weights()
    held["layer2.0.conv1.weight"] = torch.ones(3)
    safetensors.torch.save_file(held, tmp_path / "w.safetensors")
    assert refusal(tmp_path / "w.safetensors") == (
        f"Array layer2.0.conv1.weight of the weights given has shape (3,), but {MODEL} needs (48, 32, 3, 3); "
        "give the weights of that model."
    )


def test_a_missing_file_is_named(tmp_path):
    assert refusal(tmp_path / "w.pth") == (
        f"There is no weights file {tmp_path / 'w.pth'}; give the path of one that exists."
    )


def test_for_an_unknown_model_the_nearest_is_suggested(file):
    assert refusal(file, Finetuned(model="resnet81")).startswith("There is no timm model 'resnet81'; did you mean ")


@pytest.mark.slow
def test_real_weights_and_drawn_scans_of_three_grades(clinic_scans):
    weights = SHARED / "encoders" / "resnet18_layers123.safetensors"
    if not weights.exists():
        missing = f"{weights} is not on this machine; it is lent for tests and not part of the project"
        (pytest.fail if os.environ.get("UNOQA_REQUIRE_SHARED") == "1" else pytest.skip)(missing)
    grades = np.array([int(scan.grade) for scan in clinic_scans])
    nothing = np.zeros((len(grades), 0))
    data = LabelledData(
        grades, nothing, nothing, lambda position: clinic_scans[position].pixels.astype(np.float32) / 255, weights
    )
    settings = Finetuned(model="resnet18.tv_in1k", size=96, epochs=6, batch=8)
    _, severity = summarise_probabilities(cross_validate(settings, data, seed=0, folds=3))
    assert settings.levels(weights)[-1] == "layer3"
    assert auroc(severity[grades == 0], severity[grades == 2]) > 0.8
