"""Models of anomalib, built from given weights and without any download."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import timm
from huggingface_hub import try_to_load_from_cache

from unoqa.core.contracts import State
from unoqa.core.errors import UsageError, WeightsError, unknown_name_error
from unoqa.lowquality.anomalib.isolation import replace_attribute, silence_libraries
from unoqa.lowquality.anomalib.library import import_library
from unoqa.store.weights_files import read_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn

Weights = Callable[[str], State]
"""Returns the arrays of a backbone for its name in timm."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's red, green and blue, by which anomalib normalises."""

_TORCHVISION = "takes its backbone from torchvision, which downloads it whenever the model is created"
_VIDEO = "scores videos"

UNSUPPORTED = {
    "AiVad": _VIDEO,
    "AnomalyVFM": "does not learn from images, and downloads its weights whenever it is created",
    "CFM": "needs a point cloud beside each image",
    "Cfa": _TORCHVISION,
    "Csflow": _TORCHVISION,
    "Draem": "learns from textures that it downloads",
    "Dsr": "downloads its weights whenever it learns",
    "EfficientAd": "downloads its weights and images of other things whenever it learns",
    "Fuvas": _VIDEO,
    "UniNet": _TORCHVISION,
    "VlmAd": "asks a language model on another machine",
    "WinClip": "compares images with words, and downloads its weights whenever it is created",
}
"""Models of anomalib 2.7 that are not supported, and why."""


def find_model_class(name: str) -> Any:  # noqa: ANN401 - anomalib is optional
    """Find a model by its name, in any case and with or without `_`, as anomalib does.

    Raises:
        UsageError: anomalib is not installed, has no such model, or has one that is not supported.
    """
    models = import_library().models
    known = {model.lower(): model for model in {*models.__all__, *UNSUPPORTED}}
    found = known.get(name.replace("_", "").lower())
    if found is None:
        raise unknown_name_error("model of anomalib", name, set(models.__all__) - set(UNSUPPORTED))
    if found in UNSUPPORTED:
        raise UsageError(
            f"Model '{found}' of anomalib is not supported: it {UNSUPPORTED[found]}; choose another model."
        )
    return getattr(models, found)


def build_model(name: str, options: Mapping[str, Any], size: tuple[int, int], *, weights: Weights | None) -> Any:  # noqa: ANN401 - as above
    """Create a model for images of one size, without anomalib's processing before and after it.

    Args:
        weights: None leaves the backbone as it is created; its arrays are loaded later.

    Raises:
        UsageError: the model does not exist, is not supported, or does not take the options.
    """
    model_class = find_model_class(name)
    # Some models read the image size from this step. Images have that size already, so the step is then removed.
    resize = import_library().pre_processor(transform=import_library().transforms.Resize(size))
    with silence_libraries(), _block_downloads(weights):
        try:
            model = model_class(
                **options, pre_processor=resize, post_processor=False, evaluator=False, visualizer=False
            )
        except (AssertionError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise UsageError(
                f"Model '{name}' of anomalib cannot be created for images of {size[0]}×{size[1]} pixels with the "
                f"options {dict(options)}; change 'options' in the recipe ({error})."
            ) from error
    model.pre_processor = None
    return model


def read_weights_file(file: str) -> Weights:
    """Read one file for every backbone: safetensors, or a torch checkpoint of plain arrays.

    Raises:
        WeightsError: the file is missing or holds no named arrays.
    """
    arrays = read_weights(Path(file), "change 'weights' of the module 'anomalib'")
    return lambda _: arrays


def read_cached_weights(backbone: str) -> State:
    """Read a backbone's weights from timm's own cache; nothing is downloaded.

    Raises:
        WeightsError: the cache does not have them.
    """
    repository = getattr(timm.get_pretrained_cfg(backbone), "hf_hub_id", None)
    for name in ("model.safetensors", "pytorch_model.bin"):
        found = try_to_load_from_cache(repository, name) if repository else None
        if isinstance(found, str):
            return read_weights(Path(found), "it was removed just now: run the same command again")
    raise WeightsError(
        f"The weights of {backbone} are not on this machine; set 'weights' of the module 'anomalib' to a file of them, "
        f"or run `unoqa weights {backbone}` on a machine with internet and copy its cache folder here."
    )


@contextmanager
def _block_downloads(weights: Weights | None) -> Iterator[None]:
    """Wherever anomalib asks timm for a network with weights, create one without and load ours.

    Some models ask for weights whatever their options are, and all do when a saved model is created again.
    """
    create_model = timm.create_model

    def create(model_name: str, pretrained: bool = False, **options: Any) -> nn.Module:  # noqa: ANN401 - timm's own
        network = create_model(model_name, pretrained=False, **options)
        if pretrained and weights is not None:
            _load_weights(network, weights(model_name), model_name)
        return network

    with replace_attribute(timm, "create_model", create):
        yield


def _load_weights(network: nn.Module, offered: Mapping[str, Tensor], backbone: str) -> None:
    """Load arrays by name; timm joins the first levels of a name by `_` where it flattens a network."""
    by_name = {name.replace(".", "_"): array for name, array in offered.items()}
    own = network.state_dict()
    selected = {name: by_name.get(name.replace(".", "_")) for name in own if not name.endswith("num_batches_tracked")}
    for name, array in selected.items():
        if array is None or array.shape != own[name].shape:
            found = "is missing" if array is None else f"has shape {tuple(array.shape)}"
            raise WeightsError(
                f"Array {name} of {backbone} needs shape {tuple(own[name].shape)}, but {found} in the weights given; "
                "give the weights of that backbone, at least up to the last layer that the model uses."
            )
    network.load_state_dict(selected, strict=False)
