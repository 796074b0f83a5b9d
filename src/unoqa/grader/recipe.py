"""A recipe: every setting of a grader, by name or from a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from unoqa.core.errors import UsageError, unknown
from unoqa.core.progress import NoProgress
from unoqa.grader.devices import find_device
from unoqa.grader.fitting import learn
from unoqa.grader.grader import Grader, Origin
from unoqa.grader.open_encoders import OpenEncoders
from unoqa.grader.recipe_values import check_keys, dump_values, parse_panel, parse_size, parse_split, parse_threshold
from unoqa.grader.source import ImageSource
from unoqa.store.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

    from unoqa.core.contracts import Threshold
    from unoqa.core.progress import Progress
    from unoqa.grader.panel import Panel
    from unoqa.grader.source import Source
    from unoqa.grader.split import Split

DEFAULT = "default"
"""The recipe used where none is named."""


LARGEST_SEED = 2**32 - 1
"""The largest seed that every library takes."""


@final
@dataclass(frozen=True)
class Recipe:
    """Every setting of a grader; `fit` returns the grader.

    Attributes:
        size: side in pixels to which images are resized.

    Raises:
        UsageError: the split is by latents, and no module has any.
    """

    name: str
    description: str
    panel: Panel
    threshold: Threshold
    split: Split
    size: int = 320

    def __post_init__(self) -> None:
        if self.split.representation == "latent" and not any(one.module.has_latents for one in self.panel.members):
            raise UsageError(
                f"The recipe '{self.name}' splits by latents, and none of its modules has any; choose cflow or "
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
            raise unknown("recipe", name, recipe_names())
        text = _folder().joinpath(f"{name}.toml").read_text(encoding="utf-8")
        return cls.of(tomllib.loads(text), name)

    @classmethod
    def read(cls, path: str | Path) -> Recipe:
        """Read a recipe from a TOML file.

        Raises:
            UsageError: the file is missing or no TOML, or a key or value in it is unknown or out of range.
        """
        try:
            values = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))  # editors of Windows mark it so
        except OSError:
            raise UsageError(
                f"There is no recipe file {path}; name one that exists, or a recipe: {', '.join(recipe_names())}."
            ) from None
        except (ValueError, RecursionError) as error:
            raise UsageError(f"The recipe {path} is not valid TOML: {error}.") from error
        return cls.of(values, Path(path).stem)

    @classmethod
    def of(cls, values: Mapping[str, Any], name: str) -> Recipe:
        """Make a recipe from plain values, as `values` returns them."""
        check_keys(values, name)
        return cls(
            name=name,
            description=str(values.get("description", "")),
            panel=parse_panel(values, name),
            threshold=parse_threshold(values, f"recipe '{name}'"),
            split=parse_split(values, name),
            size=parse_size(values, name),
        )

    def values(self) -> dict[str, Any]:
        """Return every setting as plain values that TOML holds; `of` reads them back."""
        settings = dump_values(size=self.size, panel=self.panel, threshold=self.threshold, split=self.split)
        return {"description": self.description, **settings}

    def with_alpha(self, alpha: float) -> Recipe:
        """Return the recipe with a conformal threshold that refuses at most `alpha` of outstanding images."""
        values = {"threshold": {"choice": "conformal", "alpha": alpha}}
        return replace(self, threshold=parse_threshold(values, "the command line"))

    def fit(
        self,
        source: Source,
        *,
        seed: int = 0,
        device: str = "cpu",
        weights: str | Path | None = None,
        progress: Progress | None = None,
        workspace: str | Path | Workspace | None = None,
    ) -> Grader:
        """Learn what outstanding looks like.

        Args:
            source: outstanding images only: a folder, files, or images.
            device: `cpu`, `cuda` or `auto`.
            weights: a file for the recipe's learned encoder; None takes those in timm's cache.
            workspace: a folder for unfinished work, from which the same call goes on if this one is killed or refused,
                as by a setting that does not fit; it is removed when the grader is made. None keeps nothing. One that
                is open already is left to its owner, who removes it when the grader is saved.

        Raises:
            FitError: too few images can be read, or the training diverged.
            ImageError: an image can be read no longer, where images are turned and encoded anew.
            UsageError: weights are given, and no encoder of the recipe has any; or a choice of the recipe stands on no
                shelf, so that no model could name it.
            WeightsError: an encoder's weights are missing.
        """
        if not isinstance(workspace, Workspace):
            with Workspace(None if workspace is None else Path(workspace)) as own:
                grader = self.fit(source, seed=seed, device=device, weights=weights, progress=progress, workspace=own)
                own.remove()
            return grader
        if not 0 <= seed <= LARGEST_SEED:
            raise UsageError(f"The seed is {seed}: it should be from 0 to {LARGEST_SEED}.")
        where = find_device(device)
        source = ImageSource.of(source)
        path = None if weights is None else Path(weights)
        encoders = OpenEncoders.opened(self.panel.encoders(), self.size, device=where, weights=path)
        if path is not None and not any(encoder.checksum for encoder in encoders.encoders):
            raise UsageError(
                f"The recipe '{self.name}' has no encoder with weights, and {path} was given; leave it out."
            )
        origin = Origin(self.name, self.values(), seed)
        watched = progress or NoProgress()
        learned = learn(self.panel, self.threshold, encoders, source, seed=seed, progress=watched, workspace=workspace)
        return Grader(encoders, learned, self.split, origin)


def recipe_names() -> tuple[str, ...]:
    """List the recipes that come with the package."""
    files = (file.name for file in _folder().iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml")))


def _folder() -> Traversable:
    return resources.files("unoqa.grader") / "recipes"
