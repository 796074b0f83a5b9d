"""A recipe: every setting of a grader, by name or from a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from unoqa.core.errors import UsageError, unknown_name_error
from unoqa.core.precision import find_usable, name_lack
from unoqa.core.progress import NoProgress
from unoqa.grader.crop import AUTO, Crop
from unoqa.grader.devices import find_device
from unoqa.grader.intensity import check_declared
from unoqa.grader.open_encoders import OpenEncoders
from unoqa.grader.preparation import Preparation
from unoqa.grader.recipe_values import (
    apply_precision,
    check_keys,
    dump_values,
    parse_crop,
    parse_panel,
    parse_size,
    parse_slab,
    parse_split,
    parse_threshold,
)
from unoqa.grader.scans import survey
from unoqa.grader.scope import SUPERFICIAL, Scope
from unoqa.grader.source import ImageSource
from unoqa.store.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

    import torch

    from unoqa.core.contracts import Threshold
    from unoqa.core.precision import Precision
    from unoqa.core.progress import Progress
    from unoqa.grader.grader import Grader
    from unoqa.grader.panel import Panel
    from unoqa.grader.source import ImagesLike
    from unoqa.grader.split import Split

DEFAULT = "default"
"""The recipe used if none is named."""

LARGEST_SEED = 2**32 - 1
"""The largest seed that every library takes."""


@final
@dataclass(frozen=True, repr=False)
class Recipe:
    """Every setting of a grader; `fit` returns the grader.

    Attributes:
        size: side in pixels to which images are resized.
        slab: that the images show; `any` takes every slab.
        crop: how the scan is cut out of each picture.

    Raises:
        UsageError: the split is by latents, and no module has latents.
    """

    name: str
    description: str
    panel: Panel
    threshold: Threshold
    split: Split
    size: int = 320
    slab: str = SUPERFICIAL
    crop: Crop = AUTO

    def __post_init__(self) -> None:
        if self.split.representation == "latent" and not any(one.module.has_latents for one in self.panel.members):
            raise UsageError(
                f"The recipe '{self.name}' splits by latents, and none of its modules has latents; choose cflow or "
                "fastflow, or another 'representation'."
            )

    @classmethod
    def named(cls, name: str) -> Recipe:
        """Return a recipe that comes with the package.

        Raises:
            UsageError: there is none of that name; the sentence names the nearest.

        Example:
            >>> Recipe.named("measures").size
            320
        """
        if name not in recipe_names():
            raise unknown_name_error("recipe", name, recipe_names())
        return cls.from_values(_extend(_named_values(name), name), name)

    @classmethod
    def read(cls, path: str | Path) -> Recipe:
        """Read a recipe from a TOML file.

        Raises:
            UsageError: the file is missing or is not TOML, or a key or value is unknown or out of range.
        """
        try:
            values = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))  # Windows editors add a byte order mark
        except OSError:
            raise UsageError(
                f"There is no recipe file {path}; name one that exists, or a recipe: {', '.join(recipe_names())}."
            ) from None
        except (ValueError, RecursionError) as error:
            raise UsageError(f"The recipe {path} is not valid TOML: {error}.") from error
        name = Path(path).stem
        return cls.from_values(_extend(values, name), name)

    @classmethod
    def from_values(cls, values: Mapping[str, Any], name: str) -> Recipe:
        """Make a recipe from plain values, as `to_values` returns them."""
        check_keys(values, name)
        return cls(
            name=name,
            description=str(values.get("description", "")),
            panel=parse_panel(values, name),
            threshold=parse_threshold(values, name),
            split=parse_split(values, name),
            size=parse_size(values, name),
            slab=parse_slab(values, name),
            crop=parse_crop(values, name),
        )

    def to_values(self) -> dict[str, Any]:
        """Return every setting as plain values for TOML; `from_values` reads them back."""
        settings = dump_values(size=self.size, panel=self.panel, threshold=self.threshold, split=self.split)
        return {"description": self.description, "slab": self.slab, "crop": str(self.crop), **settings}

    def with_alpha(self, alpha: float) -> Recipe:
        """Return the recipe with a conformal threshold that refuses at most `alpha` of outstanding images."""
        values = {"threshold": {"choice": "conformal", "alpha": alpha}}
        return replace(self, threshold=parse_threshold(values, self.name))

    def with_slab(self, slab: str) -> Recipe:
        """Return the recipe for images of another slab, such as `deep`; `any` takes every slab."""
        return replace(self, slab=parse_slab({"slab": slab}, self.name))

    def with_precision(self, precision: Precision) -> Recipe:
        """Return the recipe with the precision in which its encoders and modules multiply: `single` or `bfloat16`.

        Raises:
            UsageError: it is bfloat16, and nothing in the recipe computes in it.
        """
        return replace(self, panel=apply_precision(self.panel, precision, self.name))

    def with_crop(self, crop: str) -> Recipe:
        """Return the recipe with another crop: `auto`, `none`, or `X,Y,W,H` in pixels.

        Raises:
            UsageError: the text names no crop.
        """
        return replace(self, crop=Crop.parse(crop))

    def fit(
        self,
        images: ImagesLike,
        *,
        seed: int = 0,
        device: str = "cpu",
        weights: str | Path | None = None,
        intensity_range: tuple[float, float] | None = None,
        progress: Progress | None = None,
        workspace: str | Path | Workspace | None = None,
    ) -> Grader:
        """Fit on outstanding images.

        Args:
            images: outstanding images only: a folder, files, or images in memory.
            device: `cpu`, `cuda` or `auto`.
            weights: a weights file for the recipe's encoder, if it needs one; None takes the weights in timm's cache.
            intensity_range: the numbers in the files that are black and white, such as `(0, 4095)`; None learns them
                from the images.
            workspace: a folder for unfinished work. If this call is killed or refused, the same call continues from
                there; the folder is removed when the fit is done. None keeps nothing. A `Workspace` that is open
                already is left to its owner, who removes it when the grader is saved.

        Raises:
            FitError: too few images can be read, they hold numbers of different types, or the training diverged.
            ImageError: an image can no longer be read when it is to be rotated and encoded again.
            UsageError: weights are given, and no encoder of the recipe has any; the intensity range is none; or a
                choice of the recipe is on no shelf, so that a model could not name it.
            WeightsError: an encoder's weights are missing.
        """
        if not 0 <= seed <= LARGEST_SEED:
            raise UsageError(f"The seed is {seed}; give one from 0 to {LARGEST_SEED}.")
        prepared = self.prepare(images, device=device, weights=weights, intensity_range=intensity_range)
        watched = progress or NoProgress()
        if isinstance(workspace, Workspace):
            return prepared.fit(seed=seed, progress=watched, workspace=workspace)
        with Workspace(None if workspace is None else Path(workspace)) as own:
            grader = prepared.fit(seed=seed, progress=watched, workspace=own)
            own.remove()
        return grader

    def prepare(
        self,
        images: ImagesLike,
        *,
        device: str = "cpu",
        weights: str | Path | None = None,
        intensity_range: tuple[float, float] | None = None,
    ) -> Preparation:
        """Open the encoders and look at the images, as `fit` does first; the arguments and errors are those of it."""
        if intensity_range is not None:
            check_declared(intensity_range)
        where = find_device(device)
        encoders = self._open_encoders(where, None if weights is None else Path(weights))
        panel = self._find_panel(where)
        settings = replace(self, panel=panel).to_values()  # fails at once if a choice is on no shelf
        found = survey(Scope(self.slab).restrict(ImageSource.find(images)), intensity_range, self.crop)
        return Preparation(
            recipe=self.name,
            settings=settings,
            panel=panel,
            threshold=self.threshold,
            split=self.split,
            encoders=encoders,
            found=found,
            lack=name_lack(where) if panel != self.panel else "",
        )

    def _open_encoders(self, device: torch.device, weights: Path | None) -> OpenEncoders:
        used = self._find_panel(device).encoders()
        if weights is not None and not any(encoder.needs_weights for encoder in used):
            raise UsageError(
                f"The recipe '{self.name}' needs no encoder weights, but {weights} was given; leave it out, or choose "
                "a recipe that needs them, such as 'default-resnet18'."
            )
        return OpenEncoders.open(used, self.size, device=device, weights=weights)

    def _find_panel(self, device: torch.device) -> Panel:
        """Return the panel in the precision that the device has, in which the model then stays."""
        usable = find_usable(self.panel.precision, device)
        return self.panel if usable == self.panel.precision else self.panel.with_precision(usable)

    def __repr__(self) -> str:
        return f"Recipe({self.name!r})"


def recipe_names() -> tuple[str, ...]:
    """List the recipes that come with the package."""
    files = (file.name for file in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


def _folder() -> Traversable:
    return resources.files("unoqa.grader") / "recipes"


def _named_values(name: str) -> dict[str, Any]:
    return tomllib.loads(_folder().joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def _extend(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Add the recipe named by `extends`: its members come first, and every other key stands unless given anew."""
    rest = dict(values)
    base = rest.pop("extends", None)
    if base is None:
        return rest
    if base not in recipe_names():
        raise unknown_name_error(f"recipe to extend in '{name}'", str(base), recipe_names())
    extended = _extend(_named_values(base), base)
    members = rest.pop("members", [])
    if isinstance(members, list):  # else `parse_panel` refuses it
        members = [*extended["members"], *members]
    return {**extended, **rest, "members": members}
