"""Models of anomalib, built from given weights and without any download."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import timm
from huggingface_hub import try_to_load_from_cache

from unoqa.core.contracts import State
from unoqa.core.errors import UsageError, WeightsError, unknown
from unoqa.lowquality.anomalib.isolation import quiet, replaced
from unoqa.lowquality.anomalib.library import library
from unoqa.store.weights_files import read_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn

Weights = Callable[[str], State]
"""The arrays of a backbone, by its name in timm."""

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the red, green and blue of ImageNet, by which anomalib normalises."""

_TORCHVISION = "takes its backbone from torchvision, which downloads it whenever the model is made"
_VIDEO = "judges videos"

REFUSED = {
    "AiVad": _VIDEO,
    "AnomalyVFM": "does not learn from images, and downloads its weights whenever it is made",
    "CFM": "needs a point cloud beside each image",
    "Cfa": _TORCHVISION,
    "Csflow": _TORCHVISION,
    "Draem": "learns from textures that it downloads",
    "Dsr": "downloads its weights whenever it learns",
    "EfficientAd": "downloads its weights and images of other things whenever it learns",
    "Fuvas": _VIDEO,
    "UniNet": _TORCHVISION,
    "VlmAd": "asks a language model elsewhere",
    "WinClip": "compares images with words, and downloads its weights whenever it is made",
}
"""Models that cannot serve as they are in anomalib 2.7, and why."""


def model_class(name: str) -> Any:  # noqa: ANN401 - anomalib is not always there
    """Find a model by its name, in any case and with or without `_`, as anomalib does.

    Raises:
        UsageError: anomalib is not installed, has no such model, or has one that cannot serve.
    """
    models = library().models
    known = {one.lower(): one for one in {*models.__all__, *REFUSED}}
    found = known.get(name.replace("_", "").lower())
    if found is None:
        raise unknown("model of anomalib", name, set(models.__all__) - set(REFUSED))
    if found in REFUSED:
        raise UsageError(f"Model '{found}' of anomalib cannot serve here: it {REFUSED[found]}; choose another model.")
    return getattr(models, found)


def built(name: str, options: Mapping[str, Any], size: tuple[int, int], *, weights: Weights | None) -> Any:  # noqa: ANN401 - as above
    """Make a model for images of one size, with nothing of anomalib around it.

    Args:
        weights: None leaves the backbone as it is made, to be filled by what was learned.

    Raises:
        UsageError: the model does not exist, cannot serve, or does not take the options.
    """
    made = model_class(name)
    # Some models read the size of their images from this step; images have it already, so it is then taken off.
    sizing = library().pre_processor(transform=library().transforms.Resize(size))
    with quiet(), _without_downloads(weights):
        try:
            model = made(**options, pre_processor=sizing, post_processor=False, evaluator=False, visualizer=False)
        except (AssertionError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise UsageError(
                f"Model '{name}' of anomalib cannot be made for images of {size[0]}×{size[1]} with the options "
                f"{dict(options)}; change them in the recipe ({error})."
            ) from error
    model.pre_processor = None
    return model


def from_file(file: str) -> Weights:
    """Give every backbone the arrays of one file: safetensors, or a torch checkpoint of plain arrays.

    Raises:
        WeightsError: the file is missing or holds no named arrays.
    """
    arrays = read_weights(Path(file), "change 'weights' of the module 'anomalib'")
    return lambda _: arrays


def from_cache(backbone: str) -> State:
    """Read a backbone's weights from timm's own cache; the network is not asked.

    Raises:
        WeightsError: they are not there.
    """
    repository = getattr(timm.get_pretrained_cfg(backbone), "hf_hub_id", None)
    for name in ("model.safetensors", "pytorch_model.bin"):
        found = try_to_load_from_cache(repository, name) if repository else None
        if isinstance(found, str):
            return read_weights(Path(found), "it was there a moment ago: give the same command again")
    raise WeightsError(
        f"The weights of {backbone} are not on this machine: name a file of them as 'weights' of the module "
        f"'anomalib', or run `unoqa weights {backbone}` on a machine with internet and copy its cache folder here."
    )


@contextmanager
def _without_downloads(weights: Weights | None) -> Iterator[None]:
    """Wherever anomalib asks timm for a network with weights, make one without and put ours in.

    Some models ask for weights whatever their options are, and all do when a saved one is made again.
    """
    make = timm.create_model

    def create(model_name: str, pretrained: bool = False, **options: Any) -> nn.Module:  # noqa: ANN401 - timm's own
        network = make(model_name, pretrained=False, **options)
        if pretrained and weights is not None:
            _fill(network, weights(model_name), model_name)
        return network

    with replaced(timm, "create_model", create):
        yield


def _fill(network: nn.Module, offered: Mapping[str, Tensor], backbone: str) -> None:
    """Load arrays by name; timm joins the first levels of a name by `_` where it flattens a network."""
    by_name = {name.replace(".", "_"): array for name, array in offered.items()}
    own = network.state_dict()
    chosen = {name: by_name.get(name.replace(".", "_")) for name in own if not name.endswith("num_batches_tracked")}
    for name, array in chosen.items():
        if array is None or array.shape != own[name].shape:
            found = "is not in the weights given" if array is None else f"has shape {tuple(array.shape)} there"
            raise WeightsError(
                f"Array {name} of {backbone}, of shape {tuple(own[name].shape)}, {found}; give the weights of that "
                "backbone, whole or at least up to the last layer that the model uses."
            )
    network.load_state_dict(chosen, strict=False)
