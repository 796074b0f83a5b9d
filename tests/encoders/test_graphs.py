"""A network runs as a graph, by ONNX Runtime, and gives what torch gives; where it has no graph, torch runs it."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from torch import nn

from unoqa.core.errors import WeightsError
from unoqa.core.parallel import map_in_order
from unoqa.encoders.parts.grey import GreyNetwork
from unoqa.encoders.parts.onnx_graph import OnnxNetwork, export_graph
from unoqa.encoders.parts.silent_onnxruntime import onnxruntime
from unoqa.encoders.parts.torch_network import TorchNetwork
from unoqa.encoders.timm import Timm

CPU = torch.device("cpu")

WITHOUT_GRAPH = Timm(model="halonet26t", layers=(2, 3))
"""It cuts features into windows that overlap, which torch does not export."""

FAMILIES = {
    "resnet18": (1, 2, 3),
    "wide_resnet50_2": (1, 2),
    "tf_efficientnet_lite0": (2, 3),
    "tf_efficientnetv2_b0": (1, 2),
    "convnext_atto": (0, 1, 2),
    "regnety_002": (1, 2, 3),
    "hrnet_w18_small": (1, 2),
    "swin_tiny_patch4_window7_224": (0, 1),
    "vit_tiny_patch16_224": (1, 2),
}


def make_weights(model, layers):
    """Return seeded weights of a cut model; its batch norms differ from those of a network that has seen nothing."""
    random = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = timm.create_model(model, features_only=True, out_indices=layers)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for array in (module.weight, module.bias, module.running_mean):
                array.data.add_(torch.empty_like(array).uniform_(-0.3, 0.3, generator=random))
            module.running_var.uniform_(0.5, 2, generator=random)
    return dict(network.state_dict())


def images(count, size=64):
    return np.random.default_rng(0).random((count, size, size), dtype=np.float32)


@pytest.fixture(scope="module")
def weights():
    return make_weights("resnet18", (1, 2))


@pytest.fixture(scope="module")
def settings():
    return Timm(model="resnet18", layers=(1, 2))


@pytest.fixture(scope="module")
def encoder(settings, weights):
    return settings.open(device=CPU, weights=weights)


def difference(settings, weights, size):
    """Return the largest difference between features by graph and by torch, as a share of the largest feature."""
    names = tuple(f"level{layer}" for layer in settings.layers)
    graph = OnnxNetwork(export_graph(settings.load_network(weights), names, (size, size), "abc"))
    by_torch = TorchNetwork(settings.load_network(weights), CPU)
    pairs = zip(graph(images(1, size)[0]), by_torch(images(1, size)[0]), strict=True)
    shares = []
    for mine, theirs in pairs:
        assert mine.shape == theirs.shape
        assert theirs.std() > 0
        shares.append(float((mine - theirs).abs().max() / theirs.abs().max()))
    return max(shares)


def test_features_are_those_of_torch(settings, weights):
    assert difference(settings, weights, 64) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("model", FAMILIES)
def test_families_of_networks_have_graphs(model):
    settings = Timm(model=model, layers=FAMILIES[model])
    assert difference(settings, make_weights(model, settings.layers), 224) < 1e-4


@pytest.mark.parametrize("threads", [1, 2])
def test_the_order_of_images_and_the_number_of_threads_change_no_bit(encoder, threads, torch_threads):
    given = images(12)
    expected = [[level[row] for level in encoder.encode(given).scales] for row in range(12)]
    torch_threads(threads)
    for order in (range(12), reversed(range(12)), np.random.default_rng(1).permutation(12)):
        rows = list(order)
        with map_in_order(lambda row: encoder.encode(given[row : row + 1]).scales, rows) as results:
            for row, levels in zip(rows, results, strict=True):
                assert all(torch.equal(one[0], other) for one, other in zip(levels, expected[row], strict=True))


def test_images_of_several_sizes_have_a_graph_each(encoder, settings, weights):
    by_torch = TorchNetwork(settings.load_network(weights), CPU)
    for size in (96, 64, 96):
        for mine, theirs in zip(encoder.encode(images(1, size)).scales, by_torch(images(1, size)[0]), strict=True):
            assert torch.allclose(mine, theirs.permute(0, 3, 1, 2), rtol=2e-3, atol=1e-4)


def test_what_is_saved_gives_the_same_features_and_can_be_saved_again(encoder, settings):
    state, graph = encoder.state(), encoder.graph(64)
    restored = settings.restore(state, graph, device=CPU)
    assert (restored.scales, restored.checksum) == (encoder.scales, encoder.checksum)
    for mine, theirs in zip(restored.encode(images(2)).scales, encoder.encode(images(2)).scales, strict=True):
        assert torch.equal(mine, theirs)
    assert restored.graph(64) == graph
    assert all(torch.equal(array, state[name]) for name, array in restored.state().items())


def test_a_graph_of_other_weights_is_refused(encoder, settings):
    other = {name: array + 1 for name, array in encoder.state().items()}
    with pytest.raises(WeightsError, match=r"^An encoder's weights have SHA-256 .*…, but its graph was made from "):
        settings.restore(other, encoder.graph(64), device=CPU)


@pytest.mark.parametrize("cut", [0.5, 0.999])
def test_a_graph_that_cannot_be_read_is_refused(encoder, settings, cut):
    graph = encoder.graph(64)
    with pytest.raises(ValueError, match=rf"^ONNX Runtime {onnxruntime.__version__} cannot read the graph"):
        settings.restore(encoder.state(), graph[: int(cut * len(graph))], device=CPU)


def test_torch_runs_a_network_without_a_graph(capfd):
    weights = make_weights(WITHOUT_GRAPH.model, WITHOUT_GRAPH.layers)
    encoder = WITHOUT_GRAPH.open(device=CPU, weights=weights)
    network = timm.create_model(WITHOUT_GRAPH.model, features_only=True, out_indices=WITHOUT_GRAPH.layers).eval()
    network.load_state_dict(weights)
    mean, std = (torch.tensor(network.pretrained_cfg[name]).reshape(3, 1, 1) for name in ("mean", "std"))
    with torch.inference_mode():
        expected = network((torch.from_numpy(images(1, 128)) - mean).div(std)[None])
    found = encoder.encode(images(1, 128)).scales
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=2e-3, atol=1e-3)
    assert encoder.graph(128) == b""
    restored = WITHOUT_GRAPH.restore(encoder.state(), b"", device=CPU)
    assert all(torch.equal(*pair) for pair in zip(restored.encode(images(1, 128)).scales, found, strict=True))
    assert restored.graph(128) == b""
    assert capfd.readouterr() == ("", "")


class Deciding(nn.Module):
    """Decides by what it is given; tracing sees one of its two ways."""

    def forward(self, image):
        return [image * 2 if float(image.mean()) < self.border else image * 3]


@pytest.mark.parametrize(("border", "has_graph"), [(-9.0, True), (9.0, True), (None, False)])
def test_a_network_that_decides_by_what_it_is_given_has_no_graph(border, has_graph):
    network = Deciding()
    means = [float(torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(seed)).mean()) for seed in (0, 1)]
    network.border = sum(means) / 2 if border is None else border
    whole = GreyNetwork(network, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), channels_last=False)
    assert bool(export_graph(whole, ["one"], (32, 32), "abc")) is has_graph


def test_a_graph_is_exported_without_a_word(settings, weights, capfd):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert export_graph(settings.load_network(weights), ["a", "b"], (72, 72), "abc")
    assert caught == []
    assert capfd.readouterr() == ("", "")


def test_a_graph_names_its_weights_and_what_it_gives(encoder):
    network = OnnxNetwork(encoder.graph(64))
    assert network.weights == encoder.checksum
    assert network.levels == (("layer1", 64), ("layer2", 128))
    assert network.shape == (64, 64)


def test_in_bfloat16_torch_runs_the_network_and_the_graph_serves_processors_that_lack_it(
    settings, weights, report_capabilities
):
    rounded, given = replace(settings, precision="bfloat16"), images(2)
    report_capabilities(avx512_bf16=True)
    encoder = rounded.open(device=CPU, weights=weights)
    found, graph = encoder.encode(given), encoder.graph(64)
    again = rounded.restore(encoder.state(), graph, device=CPU).encode(given)
    report_capabilities(avx512_bf16=False)
    without = rounded.restore(encoder.state(), graph, device=CPU).encode(given)
    single = settings.open(device=CPU, weights=weights).encode(given)
    for mine, repeated, fallback, expected in zip(
        found.scales, again.scales, without.scales, single.scales, strict=True
    ):
        assert torch.equal(mine, repeated)
        assert torch.equal(fallback, expected)
        assert not torch.equal(mine, expected)
        assert torch.corrcoef(torch.stack([mine.flatten(), expected.flatten()]))[0, 1] > 0.999
