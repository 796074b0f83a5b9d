"""The module `anomalib`: an image model of the library anomalib that learns from good images only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, ClassVar, final

import torch
from jaxtyping import Float
from pydantic import BeforeValidator, Field, PlainSerializer
from torch import Tensor, nn

from unoqa.core.contracts import NO_WORK, FittedModule, LowQualityModule, State, select_prefix
from unoqa.core.errors import FitError, UsageError
from unoqa.core.evidence import Evidence
from unoqa.core.features import FeaturePyramid, FeatureSet, Scale
from unoqa.core.parallel import PROCESS_LOCK
from unoqa.core.settings import settings
from unoqa.core.work import Work
from unoqa.lowquality.anomalib.isolation import seed_all
from unoqa.lowquality.anomalib.library import import_library
from unoqa.lowquality.anomalib.maps import compute_raw_maps, copy_arrays, load_arrays
from unoqa.lowquality.anomalib.models import Weights, build_model, read_cached_weights, read_weights_file
from unoqa.lowquality.anomalib.training import ImageDataset, normalise, train_model
from unoqa.lowquality.parts.fibres import average_grid
from unoqa.lowquality.parts.pooling import Pool, score_maps

SCALE = "pixels"
"""The only scale that the module reads; the encoder of that name offers it."""

SMALLEST_MEAN = 1e-12
"""Smallest mean of a map over the outstanding images, for a model that gives exactly 0 for all of them."""


def _to_pairs(options: object) -> object:
    """Turn a table into sorted pairs, which are immutable and hashable."""
    if not isinstance(options, Mapping):
        return options
    return tuple((str(name), _freeze(value)) for name, value in sorted(options.items()))


def _freeze(value: object) -> object:
    if isinstance(value, Mapping):
        raise ValueError("an option is a number, a word, true, false or a list, not a table")
    return tuple(_freeze(item) for item in value) if isinstance(value, list | tuple) else value


def _to_table(options: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in options}


def _remove_folder(file: str) -> str:
    """Return the file's name only, for models and results: a folder's name may be a person's."""
    return Path(file).name


@final
@settings
class Anomalib(LowQualityModule):
    """A model of the library anomalib (Akcay et al. 2022, arXiv 2202.08341), trained by Lightning as it asks.

    It brings its own network and reads the image itself, so its encoder is `pixels`; it needs the package's extra
    `peer`. A model that only remembers the images trains for one epoch whatever `epochs` is. Images are scored one at a
    time, and CFLOW's likelihoods are read before it divides them by the highest of the batch. A map's values
    are shifted so that the lowest over the outstanding images is 0, if it is negative, and divided by their mean over
    those images. Higher = further from outstanding. Models that download, score videos or compare with words are not
    supported. The state holds the whole model with its backbone.

    Example:
        In a recipe::

            [[members]]
            encoder = "pixels"
            module = { choice = "anomalib", model = "Padim", options = { backbone = "resnet18" }, weights = "r18.pth" }

        >>> Anomalib(model="Patchcore", options={"coreset_sampling_ratio": 0.01}).options
        (('coreset_sampling_ratio', 0.01),)
    """

    model: Annotated[str, Field(description="name of an image model of anomalib, such as Padim, Cflow or Stfpm")] = (
        "Padim"
    )
    options: Annotated[
        tuple[tuple[str, Any], ...],
        Field(description="table of arguments for the model's constructor"),
        BeforeValidator(_to_pairs),
        PlainSerializer(_to_table),
    ] = ()
    epochs: Annotated[int, Field(ge=1, description="passes over the images, unless the model sets their number")] = 50
    batch: Annotated[int, Field(ge=1, description="images per training step")] = 8
    weights: Annotated[
        str,
        Field(description="file of the backbone's weights; empty: those in timm's cache"),
        PlainSerializer(_remove_folder),
    ] = ""
    largest_grid: Annotated[int, Field(ge=1, description="maximum places per side; finer maps are averaged")] = 40
    pool: Annotated[Pool, Field(description="how the model's map, not yet averaged, becomes a score")] = "mean"

    min_images: ClassVar[int] = 2

    def fit(self, features: FeatureSet, *, seed: int, work: Work = NO_WORK) -> _FittedAnomalib:
        """Train on the images, then measure the trained model's maps of them.

        Raises:
            UsageError: anomalib is not installed, the encoder is not `pixels`, or the model is not supported.
            WeightsError: the backbone's weights are missing or do not fit.
            FitError: the model cannot learn from these images.
        """
        import_library()  # before seeding: an import may draw random numbers
        position = _find_position(features.scales)
        images = ImageDataset(features.select((SCALE,)))
        weights = read_weights_file(self.weights) if self.weights else read_cached_weights
        with PROCESS_LOCK, self._explain_errors(images), seed_all(seed, features.device):
            model = self._build_model(images[0].shape[-2:], weights)
            train_model(model, images, epochs=self.epochs, batch=self.batch, device=features.device, work=work)
            trained = model.model.to(features.device).eval()
            state = {f"model.{name}": array for name, array in copy_arrays(trained).items()}
            state["size_and_seed"] = torch.tensor([*images[0].shape[-2:], seed], device=features.device)
            network = self._rebuild_network(state)
            self._check_rebuilt(trained, network, images[0])
            return _FittedAnomalib(self, network, position, {**state, **self._fit_levels(network, images)})

    def restore(self, state: Mapping[str, Tensor], scales: tuple[Scale, ...]) -> _FittedAnomalib:
        """Return the fitted module that gave `state`; nothing is downloaded.

        Raises:
            UsageError: anomalib is not installed.
        """
        return _FittedAnomalib(self, self._rebuild_network(state), _find_position(scales), dict(state))

    @contextmanager
    def _explain_errors(self, images: ImageDataset) -> Iterator[None]:
        """Turn an error of the library into one that names the model and the images."""
        try:
            yield
        except (AttributeError, LookupError, RuntimeError, ValueError) as error:
            rows, columns = images[0].shape[-2:]
            raise FitError(
                f"Model '{self.model}' of anomalib cannot learn from {len(images)} images of {rows}×{columns} pixels; "
                f"change its 'options', or give more or larger images ({error})."
            ) from error

    def _build_model(self, size: Sequence[int], weights: Weights | None) -> Any:  # noqa: ANN401 - anomalib is optional
        return build_model(self.model, _to_table(self.options), (size[0], size[1]), weights=weights)

    def _rebuild_network(self, state: Mapping[str, Tensor]) -> nn.Module:
        """Create the network that gave the arrays; random numbers that it draws come from the same seed."""
        import_library()  # before seeding, as in `fit`
        rows, columns, seed = (int(number) for number in state["size_and_seed"])
        device = state["size_and_seed"].device
        with PROCESS_LOCK, seed_all(seed, device):
            network = self._build_model((rows, columns), None).model
        load_arrays(network, select_prefix(state, "model."))
        return network.to(device).eval().requires_grad_(False)

    def _check_rebuilt(self, trained: nn.Module, network: nn.Module, image: Float[Tensor, "3 rows columns"]) -> None:
        """Reject a model that keeps something outside its arrays; small differences come from their layout alone."""
        maps = zip(compute_raw_maps(trained, image), compute_raw_maps(network, image), strict=True)
        for expected, rebuilt in maps:
            tolerance = 1e-3 * float(expected.nan_to_num().abs().max())
            if torch.allclose(expected, rebuilt, rtol=1e-3, atol=tolerance, equal_nan=True):
                continue
            raise UsageError(
                f"Model '{self.model}' of anomalib is not supported: it keeps something that it learned outside its "
                "arrays, so a saved model would score differently; choose another model."
            )

    def _fit_levels(self, network: nn.Module, images: ImageDataset) -> State:
        """Return each map's lowest value over all images, 0 where none is negative, and its mean above that."""
        values = [[(grid.min(), grid.double().mean()) for grid in compute_raw_maps(network, image)] for image in images]
        lows, means = torch.tensor(values, dtype=torch.float64, device=images[0].device).unbind(dim=2)
        floor = lows.amin(dim=0).clamp_max(0)
        mean = (means.mean(dim=0) - floor).clamp_min(SMALLEST_MEAN)
        if not torch.isfinite(mean).all():
            raise FitError(
                f"Model '{self.model}' of anomalib gives infinite or NaN values for the images that it was trained on; "
                "lower its 'epochs' or change its 'options'."
            )
        return {"floor": floor.float(), "mean": mean.float()}


@final
class _FittedAnomalib(FittedModule):
    def __init__(self, settings: Anomalib, network: nn.Module, position: int, state: State) -> None:
        self._settings = settings
        self._network = network
        self._position = position
        self._state = state

    def predict(self, pyramid: FeaturePyramid) -> Evidence:
        """Return the model's maps, computed image by image; scores are those of the maps before they are averaged."""
        evidence = [self._predict_image(image) for image in normalise(pyramid.scales[self._position])]
        maps = zip(*(of_image.maps for of_image in evidence), strict=True)
        return Evidence(
            torch.cat([of_image.score for of_image in evidence]), tuple(torch.cat(of_scale) for of_scale in maps)
        )

    def state(self) -> State:
        """Return the network's arrays, the levels of its maps, and the image size and seed that it is created from."""
        return dict(self._state)

    def _predict_image(self, image: Float[Tensor, "3 rows columns"]) -> Evidence:
        raw = compute_raw_maps(self._network, image)
        levels = zip(raw, self._state["floor"], self._state["mean"], strict=True)
        maps = tuple(((grid - floor).clamp_min(0) / mean)[None] for grid, floor, mean in levels)
        return Evidence(
            score_maps(maps, self._settings.pool).score,
            tuple(average_grid(grid, self._settings.largest_grid) for grid in maps),
        )


def _find_position(scales: tuple[Scale, ...]) -> int:
    names = [scale.name for scale in scales]
    if SCALE not in names:
        raise UsageError(
            f"The module 'anomalib' reads the scale '{SCALE}', but its encoder offers {', '.join(names)}; "
            'set encoder = "pixels" for that member.'
        )
    return names.index(SCALE)
