"""The fused network says what the plain one does, whatever its convolutions are followed by."""

import gc
import operator
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import timm
import torch
from torch import fx, nn

from unoqa.encoders.parts.convolution import Convolution
from unoqa.encoders.parts.fused import fused
from unoqa.encoders.parts.grey import Colours

TRACEABLE = {
    "resnet18": "batch norm, residual and ReLU",
    "resnetv2_50": "batch norm before the convolution",
    "regnety_002": "grouped convolutions, squeezed excitation",
    "hrnet_w18_small": "sums without a ReLU",
    "gcresnet50t": "a residual of another shape",
    "convnext_atto": "no batch norm, channels last in between",
}
UNTRACEABLE = {"tf_efficientnet_b0": "padding by the size of what comes", "xception41": "hooks"}


def network(model):
    """Return a cut model whose batch norms differ from those of a network that has seen nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = timm.create_model(model, features_only=True, out_indices=(1, 2)).eval().requires_grad_(False)
        for module in made.modules():
            if isinstance(module, nn.BatchNorm2d):
                for array in (module.weight, module.bias, module.running_mean):
                    array.uniform_(-0.5, 0.5)
                module.running_var.uniform_(0.5, 2)
    return made.to(memory_format=torch.channels_last)


def images(size, seed=0):
    drawn = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(seed))
    return drawn.contiguous(memory_format=torch.channels_last)


def assert_same(quick, plain, image):
    with torch.inference_mode():
        for mine, theirs in zip(quick(image), plain(image), strict=True):
            assert torch.isfinite(theirs).all()
            assert theirs.std() > 0
            torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5 * float(theirs.abs().max()))


@pytest.mark.parametrize("model", TRACEABLE, ids=TRACEABLE.get)
def test_features_are_those_of_the_network_at_the_first_size_and_at_another(model):
    plain = network(model)
    quick = fused(plain)
    assert sum(isinstance(module, Convolution) for module in quick.modules()) > 1
    for size, seed in ((64, 0), (64, 1), (96, 2), (64, 3)):
        assert_same(quick, plain, images(size, seed))


@pytest.mark.parametrize("model", UNTRACEABLE, ids=UNTRACEABLE.get)
def test_what_has_no_graph_or_is_listened_to_stays_as_it_is(model):
    plain = network(model)
    assert fused(plain) is plain


def test_a_residual_block_is_as_many_calls_as_it_has_convolutions():
    quick = fused(network("resnet18"))
    kinds = {type(module) for module in quick.modules()}
    assert not kinds & {nn.BatchNorm2d, nn.Identity, nn.Conv2d}
    calls = [node for node in quick.graph.nodes if node.op.startswith("call")]
    assert len(calls) == len([module for module in quick.modules() if isinstance(module, Convolution)]) + 1  # the pool


def test_a_module_called_twice_is_left_alone():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution = nn.Conv2d(3, 3, 3, padding=1)

        def forward(self, image):
            return [self.convolution(self.convolution(image))]

    plain = Twice().eval()
    assert fused(plain) is plain


@pytest.mark.parametrize("padding", ["same", "valid", 2])
def test_every_way_to_pad_gives_the_same(padding):
    class Padded(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 8, 5, padding=padding)
            self.second = nn.Conv2d(8, 8, 3, dilation=2, padding=2, padding_mode="reflect")

        def forward(self, image):
            return [self.second(self.first(image)).relu() + 1]

    plain = Padded().eval().requires_grad_(False)
    assert_same(fused(plain), plain, images(32))


@pytest.mark.parametrize("mode", ["zeros", "reflect"])
def test_grey_gives_what_three_equal_colours_give_up_to_the_edges(mode):
    colours = Colours((0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    first = nn.Conv2d(3, 8, 7, stride=2, padding=3, padding_mode=mode)
    plain = nn.Sequential(colours, nn.Sequential(first, nn.BatchNorm2d(8))).eval().requires_grad_(False)
    plain[1][1].running_mean.uniform_(-1, 1, generator=torch.Generator().manual_seed(0))
    grey = images(32)[:, :1].contiguous()
    quick = fused(plain)
    seen = [module.weight.shape[1] for module in quick.modules() if isinstance(module, nn.Conv2d | Convolution)]
    assert seen == [2]
    assert_same(lambda image: [quick(image)], lambda image: [plain(image)], grey)


IN_PLACE = {
    "read before it is changed": lambda net, x: [net.first(y := x * 1) + torch.relu_(y)],
    "a view of it read before": lambda net, x: [net.first((y := x * 1).view(y.shape)) + y.mul_(2)],
    "changed, and read afterwards": lambda net, x: [net.first(x), net.relu(y := x * 1), net.first(y)],
    "a part of it overwritten": lambda net, x: [overwritten(net.first(x))],
    "residual of a number": lambda net, x: [net.first(x) + x.shape[0]],
    "residual in another precision": lambda net, x: [net.first(x) + x.double()],
    "added to what another reads": lambda net, x: [net.first(y := x * 1), operator.iadd(y, net.second(y))],
}


def overwritten(array):
    array[:, :1] = 0
    return array


class Small(nn.Module):
    """Two convolutions of three channels, and a way through them."""

    def __init__(self, way):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.way = way

    def forward(self, image):
        return self.way(self, image)


@pytest.mark.parametrize("way", IN_PLACE.values(), ids=IN_PLACE)
def test_what_is_changed_in_place_or_oddly_added_gives_the_same(way):
    plain = Small(way).eval().requires_grad_(False)
    quick = fused(plain)
    for seed in range(2):
        with torch.inference_mode():
            for mine, theirs in zip(quick(images(32, seed)), plain(images(32, seed)), strict=True):
                torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5)


def test_a_network_in_training_or_in_double_precision_stays_as_it_is():
    training, double = network("resnet18").train(), network("resnet18").double()
    assert fused(training) is training
    assert fused(double) is double


def test_networks_run_in_other_threads_while_one_is_traced():
    running = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)).eval().requires_grad_(False)
    plain = network("resnet18")
    vector = torch.ones(1, 4)
    expected = running(vector)
    with ThreadPoolExecutor(4) as pool:
        tracing = [pool.submit(fused, plain) for _ in range(12)]
        while not all(one.done() for one in tracing):
            assert torch.equal(running(vector), expected)
    assert all(one.result() is not plain for one in tracing)


def test_a_call_that_fails_is_told_by_its_error_alone(capsys):
    quick = fused(network("resnet18"))
    with pytest.raises(RuntimeError):
        quick(torch.zeros(1, 4, 64, 64))
    assert capsys.readouterr() == ("", "")


def test_the_network_given_is_not_changed():
    plain = network("resnet18")
    before = {name: array.clone() for name, array in plain.state_dict().items()}
    with torch.inference_mode():
        fused(plain)(images(64))
    assert all(torch.equal(array, before[name]) for name, array in plain.state_dict().items())


def test_weights_are_held_once_after_the_first_image():
    quick = fused(network("resnet18"))
    with torch.inference_mode():
        quick(images(64))
    assert all(module.weight is None for module in quick.modules() if isinstance(module, Convolution))


def test_the_network_given_lives_no_longer_than_its_owner_keeps_it():
    plain = network("resnet18")
    weights = [weakref.ref(module) for module in plain.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
    gc.disable()
    try:
        quick = fused(plain)
        del plain
        assert len(weights) > 10
        assert not [one for one in weights if one() is not None]
    finally:
        gc.enable()
    assert isinstance(quick, fx.GraphModule)


def test_threads_that_come_first_together_get_what_one_alone_gets():
    plain = network("resnet18")
    alone = fused(plain)
    image = images(64)

    def features(quick):
        with torch.inference_mode():
            return quick(image)

    expected = features(alone)
    for _ in range(5):
        quick = fused(plain)
        with ThreadPoolExecutor(8) as pool:
            for got in pool.map(features, [quick] * 8):
                assert all(torch.equal(mine, theirs) for mine, theirs in zip(got, expected, strict=True))
