"""Any image model of anomalib that learns from good images only."""

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
from unoqa.lowquality.anomalib.isolation import seeded
from unoqa.lowquality.anomalib.library import library
from unoqa.lowquality.anomalib.maps import arrays_of, raw_maps, refill
from unoqa.lowquality.anomalib.models import Weights, built, from_cache, from_file
from unoqa.lowquality.anomalib.training import Images, normalised, train
from unoqa.lowquality.parts.fibres import average_grid
from unoqa.lowquality.parts.pooling import Pool, log_evidence

SCALE = "pixels"
"""The only scale that the module reads; the encoder of that name offers it."""

SMALLEST_MEAN = 1e-12
"""Of a map over the outstanding images, where the model says exactly 0 of all of them."""


def _pairs(options: object) -> object:
    """Turn a table into sorted pairs, which can be neither changed nor left unhashable."""
    if not isinstance(options, Mapping):
        return options
    return tuple((str(name), _frozen(value)) for name, value in sorted(options.items()))


def _frozen(value: object) -> object:
    if isinstance(value, Mapping):
        raise ValueError("an option is a number, a word, true, false or a list, not a table")
    return tuple(_frozen(one) for one in value) if isinstance(value, list | tuple) else value


def _table(options: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in options}


def _last_part(file: str) -> str:
    """Return what is told of a file in a model and its results: no folder, whose name may be a person's."""
    return Path(file).name


@final
@settings
class Anomalib(LowQualityModule):
    """A model of the library anomalib (Akcay et al. 2022, arXiv 2202.08341), trained by Lightning as it asks.

    It brings its own network and reads the image itself, so its encoder is `pixels`; it needs the package's extra
    `peer`. A memory of one pass takes one whatever `epochs` is. Images are scored one at a time, and of CFLOW the
    likelihoods are read before it divides them by its batch's highest. The lowest value of the outstanding images
    becomes 0 where it is negative, which keeps the order and distances as they are; then each map is divided by its
    mean over them. Higher = further from outstanding. Models that download, judge videos or compare with words are
    refused. The state holds the model whole, with its backbone.

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
        Field(description="table of what the model's constructor takes"),
        BeforeValidator(_pairs),
        PlainSerializer(_table),
    ] = ()
    epochs: Annotated[int, Field(ge=1, description="times each image is trained on, where the model lets choose")] = 50
    batch: Annotated[int, Field(ge=1, description="images trained on at once")] = 8
    weights: Annotated[
        str,
        Field(description="file of the backbone's weights; empty: those in timm's cache"),
        PlainSerializer(_last_part),
    ] = ""
    largest_grid: Annotated[int, Field(ge=1, description="places a side of a map; finer ones are averaged")] = 40
    pool: Annotated[Pool, Field(description="how a map, before it is averaged, becomes a score")] = "mean"

    needs: ClassVar[int] = 2

    def fit(self, features: FeatureSet, *, seed: int, work: Work = NO_WORK) -> _FittedAnomalib:
        """Train on the images, then measure what the trained model says of them.

        Raises:
            UsageError: anomalib is not installed, the encoder is not `pixels`, or the model cannot serve.
            WeightsError: the backbone's weights are missing or do not fit.
            FitError: the model cannot learn from these images.
        """
        library()  # before the seed: what is imported may draw
        position = _position(features.scales)
        images = Images(features.select((SCALE,)))
        weights = from_file(self.weights) if self.weights else from_cache
        with PROCESS_LOCK, self._told_of(images), seeded(seed, features.device):
            model = self._built(images[0].shape[-2:], weights)
            train(model, images, epochs=self.epochs, batch=self.batch, device=features.device, work=work)
            trained = model.model.to(features.device).eval()
            state = {f"model.{name}": array for name, array in arrays_of(trained).items()}
            state["made"] = torch.tensor([*images[0].shape[-2:], seed], device=features.device)
            network = self._network(state)
            self._compare(trained, network, images[0])
            return _FittedAnomalib(self, network, position, {**state, **self._levels(network, images)})

    def restore(self, state: Mapping[str, Tensor], scales: tuple[Scale, ...]) -> _FittedAnomalib:
        """Return the fitted module that gave `state`; nothing is downloaded.

        Raises:
            UsageError: anomalib is not installed.
        """
        return _FittedAnomalib(self, self._network(state), _position(scales), dict(state))

    @contextmanager
    def _told_of(self, images: Images) -> Iterator[None]:
        """Say of what the library raises which model and images it concerns."""
        try:
            yield
        except (AttributeError, LookupError, RuntimeError, ValueError) as error:
            rows, columns = images[0].shape[-2:]
            raise FitError(
                f"Model '{self.model}' of anomalib could not learn from {len(images)} images of {rows}×{columns}; "
                f"change its options, or give more or larger images ({error})."
            ) from error

    def _built(self, size: Sequence[int], weights: Weights | None) -> Any:  # noqa: ANN401 - anomalib is not always there
        return built(self.model, _table(self.options), (size[0], size[1]), weights=weights)

    def _network(self, state: Mapping[str, Tensor]) -> nn.Module:
        """Make the network again that gave the arrays; what it draws when it is made comes from the same seed."""
        library()  # as in `fit`
        rows, columns, seed = (int(number) for number in state["made"])
        device = state["made"].device
        with PROCESS_LOCK, seeded(seed, device):
            network = self._built((rows, columns), None).model
        refill(network, select_prefix(state, "model."))
        return network.to(device).eval().requires_grad_(False)

    def _compare(self, trained: nn.Module, network: nn.Module, image: Float[Tensor, "3 rows columns"]) -> None:
        """Refuse a model that keeps something outside its arrays; last bits differ with an array's layout alone."""
        for one, other in zip(raw_maps(trained, image), raw_maps(network, image), strict=True):
            near = 1e-3 * float(one.nan_to_num().abs().max())
            if torch.allclose(one, other, rtol=1e-3, atol=near, equal_nan=True):
                continue
            raise UsageError(
                f"Model '{self.model}' of anomalib cannot serve here: what it has learned does not lie in its arrays "
                "alone, so a saved one would score differently; choose another model."
            )

    def _levels(self, network: nn.Module, images: Images) -> State:
        """Return each map's lowest value over all images, 0 where none is negative, and its mean above that."""
        values = [[(grid.min(), grid.double().mean()) for grid in raw_maps(network, image)] for image in images]
        lows, means = torch.tensor(values, dtype=torch.float64, device=images[0].device).unbind(dim=2)
        floor = lows.amin(dim=0).clamp_max(0)
        usual = (means.mean(dim=0) - floor).clamp_min(SMALLEST_MEAN)
        if not torch.isfinite(usual).all():
            raise FitError(
                f"Model '{self.model}' of anomalib says no finite numbers of the images it was trained on; "
                "train for fewer epochs or change its options."
            )
        return {"floor": floor.float(), "usual": usual.float()}


@final
class _FittedAnomalib(FittedModule):
    def __init__(self, settings: Anomalib, network: nn.Module, position: int, state: State) -> None:
        self._settings = settings
        self._network = network
        self._position = position
        self._state = state

    def predict(self, pyramid: FeaturePyramid) -> Evidence:
        """Return the model's maps, made image by image; scores are those of the maps before they are averaged."""
        said = [self._said(grey) for grey in normalised(pyramid.scales[self._position])]
        maps = zip(*(one.maps for one in said), strict=True)
        return Evidence(torch.cat([one.score for one in said]), tuple(torch.cat(grids) for grids in maps))

    def state(self) -> State:
        """Return the network's arrays, the levels of its maps, and the size and seed that it is made from."""
        return dict(self._state)

    def _said(self, image: Float[Tensor, "3 rows columns"]) -> Evidence:
        raw = raw_maps(self._network, image)
        levels = zip(raw, self._state["floor"], self._state["usual"], strict=True)
        maps = tuple(((grid - floor).clamp_min(0) / usual)[None] for grid, floor, usual in levels)
        return Evidence(
            log_evidence(maps, self._settings.pool).score,
            tuple(average_grid(grid, self._settings.largest_grid) for grid in maps),
        )


def _position(scales: tuple[Scale, ...]) -> int:
    names = [scale.name for scale in scales]
    if SCALE not in names:
        raise UsageError(
            f"The module 'anomalib' reads the image itself, and its encoder offers {', '.join(names)}; "
            'give the member encoder = "pixels".'
        )
    return names.index(SCALE)
