"""A timm encoder reads its weights from a file, a state or the cache, never from the network."""

from __future__ import annotations

import re
import shutil
import socket

import numpy as np
import pytest
import safetensors.torch
import timm
import torch

from unoqa.core.errors import UsageError, WeightsError
from unoqa.encoders.parts.weights import compute_checksum, select_weights
from unoqa.encoders.timm import Timm

CPU = torch.device("cpu")
MODEL = "resnet18.tv_in1k"
CUT = Timm(model=MODEL, layers=(1, 2))


def make_weights(layers):
    """Return seeded weights of a ResNet-18 that is cut after the last of the layers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model("resnet18", features_only=True, out_indices=layers)
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.fixture(scope="module")
def weights():
    return make_weights((1, 2, 3))


@pytest.fixture(scope="module")
def file(weights, tmp_path_factory):
    """Write weights of layers 1 to 3 as safetensors."""
    path = tmp_path_factory.mktemp("weights") / "resnet18.safetensors"
    safetensors.torch.save_file(weights, path)
    return path


@pytest.fixture(scope="module")
def encoder(file):
    return CUT.open(device=CPU, weights=file)


@pytest.fixture
def no_network(monkeypatch):
    """Fail the test at any attempt to use the network."""

    def connect(self, address):
        pytest.fail(f"the test tried to connect to {address}")

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Use an empty cache folder in place of the user's."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def images(count, size=64):
    return np.random.default_rng(0).random((count, size, size), dtype=np.float32)


def error_message(weights, settings=CUT):
    with pytest.raises(WeightsError) as caught:
        settings.open(device=CPU, weights=weights)
    return str(caught.value)


def test_scales_are_those_of_the_layers(encoder):
    shapes = [tuple(scale.shape) for scale in encoder.encode(images(2)).scales]
    assert [(scale.name, len(scale.channels)) for scale in encoder.scales] == [("layer1", 64), ("layer2", 128)]
    assert shapes == [(2, 64, 16, 16), (2, 128, 8, 8)]


def test_features_are_those_of_timm_on_normalised_grey(encoder, weights):
    network = timm.create_model("resnet18", features_only=True, out_indices=(1, 2)).eval()
    network.load_state_dict(select_weights(network.state_dict(), weights, "resnet18"))
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.inference_mode():
        expected = network(((torch.from_numpy(images(1)) - mean) / std)[None])
    for mine, theirs in zip(encoder.encode(images(1)).scales, expected, strict=True):
        torch.testing.assert_close(mine, theirs.half().float(), rtol=2**-10, atol=1e-6)  # the last bit of a half


def test_an_image_has_the_same_features_alone_in_company_and_in_another_order(encoder):
    company = encoder.encode(images(5))
    reversed_company = encoder.encode(images(5)[::-1].copy())
    for position in range(5):
        alone = encoder.encode(images(5)[position : position + 1])
        for one, many, back in zip(alone.scales, company.scales, reversed_company.scales, strict=True):
            assert torch.equal(one[0], many[position])
            assert torch.equal(one[0], back[4 - position])


@pytest.fixture(scope="module")
def swin():
    """Return seeded weights of a small transformer that returns channels last, for images of 224 pixels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model("swin_tiny_patch4_window7_224", features_only=True, out_indices=(0, 1))
    return dict(network.state_dict())


def test_features_that_a_model_returns_channels_last_are_put_channels_first(swin):
    encoder = Timm(model="swin_tiny_patch4_window7_224", layers=(0, 1)).open(device=CPU, weights=swin)
    shapes = [tuple(scale.shape) for scale in encoder.encode(images(1, 224)).scales]
    assert shapes == [(1, 96, 56, 56), (1, 192, 28, 28)]


def test_a_size_that_a_model_does_not_accept_is_refused(swin):
    encoder = Timm(model="swin_tiny_patch4_window7_224", layers=(0, 1)).open(device=CPU, weights=swin)
    with pytest.raises(
        UsageError, match=r"^The encoder does not accept images of 64×64 pixels; set another 'size' in the recipe\.$"
    ):
        encoder.encode(images(1, 64))


@pytest.mark.parametrize("power", [0.25, 0.75, 1])
def test_rms_norm_divides_features_by_a_power_of_their_root_mean_square_at_each_place(file, encoder, power):
    normalising = Timm(model=MODEL, layers=(1, 2), rms_norm=power).open(device=CPU, weights=file)
    for plain, normalised in zip(encoder.encode(images(1)).scales, normalising.encode(images(1)).scales, strict=True):
        root_mean_square = plain.square().mean(dim=1, keepdim=True).sqrt()
        assert torch.allclose(normalised, plain / root_mean_square**power, atol=2e-3)


def test_changing_arrays_given_or_saved_does_not_change_the_encoder(weights):
    given = {name: array.clone() for name, array in weights.items()}
    opened = CUT.open(device=CPU, weights=given)
    before = opened.encode(images(1)).scales
    for array in (*given.values(), *opened.state().values()):
        array.fill_(0)
    assert all(torch.equal(one, other) for one, other in zip(before, opened.encode(images(1)).scales, strict=True))
    assert compute_checksum(opened.state()) == opened.checksum


def test_state_reads_the_weights_file_again_and_refuses_one_that_changed(file, tmp_path, weights):
    copied = tmp_path / "weights.safetensors"
    shutil.copyfile(file, copied)
    opened = CUT.open(device=CPU, weights=copied)
    assert compute_checksum(opened.state()) == opened.checksum
    safetensors.torch.save_file({name: array + 1 for name, array in weights.items()}, copied)
    with pytest.raises(WeightsError) as caught:
        opened.state()
    assert str(caught.value) == (
        "The weights of resnet18.tv_in1k changed after they were read; restore the original file and run the command "
        "again."
    )
    copied.unlink()
    with pytest.raises(WeightsError, match=r"^There is no weights file"):
        opened.state()


def test_weights_that_are_not_finite_are_refused(weights):
    spoilt = {**weights, "bn1.bias": torch.full((64,), torch.nan)}
    assert (
        error_message(spoilt) == f"The weights given for {MODEL} hold NaN or infinite values; give an undamaged file."
    )


def test_features_survive_half_precision(encoder):
    for scale in encoder.encode(images(1)).scales:
        assert torch.equal(scale, scale.half().float())


def test_opening_and_encoding_leave_images_and_the_seed_alone(file):
    given, seed = images(2), torch.random.get_rng_state()
    CUT.open(device=CPU, weights=file).encode(given)
    assert np.array_equal(given, images(2))
    assert torch.equal(seed, torch.random.get_rng_state())


@pytest.mark.parametrize(
    "wrap",
    [
        lambda weights: weights,
        lambda weights: {"state_dict": weights, "epoch": 3},
        lambda weights: {"model": weights},
        lambda weights: {f"module.{name}": value for name, value in weights.items()},
        lambda weights: {**weights, "layer4.0.conv1.weight": torch.ones(3), "fc.bias": torch.ones(1000)},
    ],
    ids=["plain", "state_dict", "model", "parallel", "surplus"],
)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_torch_checkpoint_in_any_usual_layout_gives_the_same_encoder(wrap, zipped, weights, encoder, tmp_path):
    torch.save(wrap(weights), tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    assert CUT.open(device=CPU, weights=tmp_path / "w.pth").checksum == encoder.checksum


def test_a_models_own_state_gives_the_same_encoder(encoder):
    again = CUT.open(device=CPU, weights=encoder.state())
    assert again.checksum == encoder.checksum
    assert torch.equal(again.encode(images(1)).scales[1], encoder.encode(images(1)).scales[1])


def test_a_missing_array_is_named(weights, tmp_path):
    lacking = {name: value for name, value in weights.items() if name != "layer2.0.conv1.weight"}
    safetensors.torch.save_file(lacking, tmp_path / "w.safetensors")
    assert error_message(tmp_path / "w.safetensors") == (
        f"The weights given lack 1 arrays that {MODEL} needs up to its last used layer: layer2.0.conv1.weight; "
        "give a file of the whole model or choose earlier layers in the recipe."
    )


def test_weights_that_end_before_the_last_layer_are_refused_by_name(file):
    sentence = error_message(file, Timm(model=MODEL, layers=(4,)))
    assert re.search(r"lack \d+ arrays .*: layer4\.0\.conv1\.weight, ", sentence)


def test_an_array_of_another_shape_is_named(weights, tmp_path):
    safetensors.torch.save_file({**weights, "bn1.bias": torch.ones(3)}, tmp_path / "w.safetensors")
    assert error_message(tmp_path / "w.safetensors") == (
        f"Array bn1.bias of the weights given has shape (3,), but {MODEL} needs (64,); give the weights of that model."
    )


def test_a_file_that_is_not_there_is_named(tmp_path):
    assert error_message(tmp_path / "w.pth") == (
        f"There is no weights file {tmp_path / 'w.pth'}; give the path of one that exists."
    )


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 cut", bytes(100)])
def test_a_file_of_something_else_is_refused(content, tmp_path):
    (tmp_path / "w.pth").write_bytes(content)
    assert error_message(tmp_path / "w.pth").startswith(
        f"{tmp_path / 'w.pth'} is neither a safetensors file nor a torch"
    )


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(kept, file, weights, tmp_path):
    torch.save(weights, tmp_path / "whole.pth")
    for whole in (file, tmp_path / "whole.pth"):
        content = whole.read_bytes()
        (tmp_path / "truncated").write_bytes(content[: int(kept * len(content))])
        assert "is neither a safetensors file nor a torch checkpoint" in error_message(tmp_path / "truncated")


class Attack:
    """Something that would run code when unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("code of a weights file ran",))


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_code_in_a_checkpoint_does_not_run(zipped, tmp_path):
    torch.save({"state_dict": Attack()}, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    assert "is neither a safetensors file nor a torch checkpoint" in error_message(tmp_path / "w.pth")


def test_pinned_weights_are_accepted_and_others_refused(file, encoder):
    pinned = Timm(model=MODEL, layers=(1, 2), sha256=encoder.checksum)
    assert pinned.open(device=CPU, weights=file).checksum == encoder.checksum
    assert error_message(file, Timm(model=MODEL, layers=(1, 2), sha256="0" * 64)) == (
        f"The weights given for {MODEL} have SHA-256 {encoder.checksum[:12]}…, but 'sha256' of the encoder is "
        "000000000000…; give the original file."
    )


def test_the_checksum_changes_with_the_smallest_change(weights):
    changed = {**weights, "bn1.bias": torch.nextafter(weights["bn1.bias"], torch.ones(64))}
    assert compute_checksum(weights) == compute_checksum(dict(reversed(weights.items())))
    assert compute_checksum(weights) != compute_checksum(changed)


def test_weights_are_found_in_the_cache_of_the_hub(cache, weights, encoder, no_network):
    folder = cache / f"models--timm--{MODEL}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc123", encoding="utf-8")
    (folder / "snapshots" / "abc123").mkdir(parents=True)
    safetensors.torch.save_file(weights, folder / "snapshots" / "abc123" / "model.safetensors")
    assert CUT.open(device=CPU).checksum == encoder.checksum


def test_without_cached_weights_the_error_names_three_solutions_and_the_network_is_not_used(cache, no_network):
    assert error_message(None) == (
        f"The weights of {MODEL} are not on this machine; run `unoqa weights {MODEL}` with internet access, or run it "
        "on another machine and give the file that it prints as the encoder's weights, or choose a recipe that needs "
        "none, such as 'default'."
    )
    assert not cache.exists()


def test_the_error_for_an_unknown_model_suggests_the_nearest():
    near = r"^There is no timm model 'resnet81'; did you mean 'resnet\d+\w*'\? \d+ are known; near: resnet"
    with pytest.raises(UsageError, match=near):
        Timm(model="resnet81").open(device=CPU)


def test_layers_that_a_model_lacks_are_refused():
    sentence = error_message(None, Timm(model=MODEL, layers=(1, 9)))
    assert sentence.startswith(
        f"{MODEL} lacks some of the feature levels [1, 9]; change 'layers' of the encoder in the recipe ("
    )
