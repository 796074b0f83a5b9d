"""Fit a model to your own outstanding scans.

Give outstanding images only, preferably 60 to 100, of one device, one field of view and one slab (the layers of the
retina that the image shows). The model folder is all that unoqa grade needs, on this machine or another. The model has
a threshold: an image with a score above it is not outstanding. If a fit is killed, the same command continues it.

OUTSTANDING may be a manifest: a table (CSV or Excel) with a column path and, if known, patient: images of one patient
then stay together when images are held out, without which the threshold refuses more than it promises.

With --executor dask, workers on this machine or on others encode the images; all else is done here, and the model is
the same.

Last, 13 kinds of damage are planted in three of the scans; the model card says which of them the model refuses.

Examples:

  unoqa fit outstanding/ -o model
  unoqa fit outstanding/ -o model --recipe measures --alpha 0.2
  unoqa fit --reviewed results -o model
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unoqa.benchmark.selftest.quick import add_selftest
from unoqa.cli.parts.bars import make_progress
from unoqa.cli.parts.exit_status import SOME_FAILED
from unoqa.cli.parts.messages import print_fit_report, print_left_out
from unoqa.cli.parts.options import (
    Device,
    FollowLinks,
    Log,
    Overwrite,
    ProgressTo,
    Quiet,
    Weights,
    check_output,
    check_range,
)
from unoqa.cli.parts.reviewed import find_reviewed
from unoqa.cli.parts.terminal import print_message
from unoqa.cli.parts.work import ExecutorName, Scheduler, Threads, make_executor, use_threads
from unoqa.core.allocation import use_one_arena
from unoqa.core.errors import UsageError
from unoqa.core.precision import Precision
from unoqa.grader.recipe import DEFAULT, LARGEST_SEED, Recipe, recipe_names
from unoqa.grader.source import ImageSource
from unoqa.store.workspace import Workspace

if TYPE_CHECKING:
    from unoqa.grader.fitting import FitReport

Outstanding = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Outstanding images only: files, or folders to search.", metavar="OUTSTANDING", show_default=False
    ),
]
Reviewed = Annotated[
    Path | None,
    typer.Option(help="Fit on the images of this results folder that readers graded outstanding.", metavar="RESULTS"),
]

Alpha = Annotated[
    float | None,
    typer.Option(help="Largest share of outstanding images above the threshold.", show_default="the recipe's"),
]
Slab = Annotated[
    str | None,
    typer.Option(
        help="Slab that the images show, where their files say it: such as superficial or deep, or any.",
        show_default="the recipe's",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        callback=check_range(0, LARGEST_SEED), help="Same random seed, same model (on a GPU nearly the same)."
    ),
]
Intensities = Annotated[
    tuple[float, float] | None,
    typer.Option(
        help="Numbers in the files that are black and white, such as 0 4095.",
        metavar="LOW HIGH",
        show_default="learned from the images",
    ),
]

PrecisionOption = Annotated[
    Precision | None,
    typer.Option(
        help="Precision in which networks multiply; bfloat16 is faster with a large encoder where the processor has "
        "it.",
        show_default="the recipe's",
    ),
]
Crop = Annotated[
    str | None,
    typer.Option(
        help="The scan in each picture: auto finds it beside a fundus or text; none; or X,Y,W,H in pixels.",
        metavar="auto|none|X,Y,W,H",
        show_default="the recipe's, auto",
    ),
]
NoSelftest = Annotated[
    bool, typer.Option("--no-selftest", help="Do not try which damage the model sees; the card then does not say it.")
]

SMALLEST_ALPHA = 0.001
"""The smallest share that a conformal threshold accepts."""


def fit(
    output: Annotated[Path, typer.Option("--output", "-o", help="Model folder to make.")],
    outstanding: Outstanding = None,
    reviewed: Reviewed = None,
    recipe: Annotated[str, typer.Option(help="Name of a recipe, or a TOML file.")] = DEFAULT,
    encoder_weights: Weights = None,
    alpha: Alpha = None,
    slab: Slab = None,
    seed: Seed = 0,
    intensity_range: Intensities = None,
    precision: PrecisionOption = None,
    crop: Crop = None,
    executor: ExecutorName = "threads",
    scheduler: Scheduler = None,
    device: Device = "cpu",
    threads: Threads = 0,
    follow_links: FollowLinks = False,
    overwrite: Overwrite = False,
    no_selftest: NoSelftest = False,
    log: Log = None,
    progress: ProgressTo = None,
    quiet: Quiet = False,
) -> None:
    """Fit a model and save it."""
    del log
    use_one_arena()
    use_threads(threads)
    check_output(output, overwrite=overwrite)
    settings = _declare_scans(_make_settings(recipe, alpha, precision), slab, crop)
    source = _find_images(outstanding, reviewed, follow_links=follow_links)
    shared, bars = make_executor(executor, scheduler), make_progress(quiet=quiet, file=progress)
    with _open_workspace(output) as workspace:
        prepared = settings.prepare(source, device=device, weights=encoder_weights, intensity_range=intensity_range)
        grader = prepared.fit(seed=seed, progress=bars, workspace=workspace, encode=shared.encode)
        grader = grader if no_selftest else add_selftest(grader, prepared.source, progress=bars)
        grader.save(output)
        workspace.remove()
    print_left_out(source)
    _finish(grader.fitted.report, output, quiet=quiet)


def _finish(report: FitReport, output: Path, *, quiet: bool) -> None:
    print_fit_report(report)
    print_message(f"Fitted on {report.used} images; model in {output}.", quiet=quiet)
    print_message(f"Next: unoqa grade IMAGES -m {output} -o RESULTS", quiet=quiet)
    if report.failures:
        raise typer.Exit(SOME_FAILED)


def _make_settings(recipe: str, alpha: float | None, precision: Precision | None) -> Recipe:
    settings = _find_recipe(recipe) if alpha is None else _find_recipe(recipe).with_alpha(_check_alpha(alpha))
    return settings if precision is None else settings.with_precision(precision)


def _find_images(outstanding: list[Path] | None, reviewed: Path | None, *, follow_links: bool) -> ImageSource:
    if bool(outstanding) == (reviewed is not None):
        raise UsageError("Name outstanding images, or a results folder with --reviewed; one of the two.")
    if reviewed is not None:
        return find_reviewed(reviewed)
    return ImageSource.find(outstanding or [], follow_links=follow_links)


def _check_alpha(alpha: float) -> float:
    if alpha >= 1:
        hint = f" ({alpha:g} % is {alpha / 100:g})" if alpha < 100 else ""
        raise UsageError(f"--alpha must be below 1{hint}, got {alpha}.")
    if not alpha >= SMALLEST_ALPHA:  # also NaN
        raise UsageError(f"--alpha must be at least {SMALLEST_ALPHA}, got {alpha}.")
    return alpha


def _open_workspace(output: Path) -> Workspace:
    """Open the folder beside the model from which a killed fit continues; it exists until the model is saved."""
    path = output.absolute()
    return Workspace(path.with_name(f".{path.name}.unfinished"))


def _declare_scans(settings: Recipe, slab: str | None, crop: str | None) -> Recipe:
    """Return the recipe for scans of that slab, cut out of their pictures in that way."""
    settings = settings if slab is None else settings.with_slab(slab)
    return settings if crop is None else settings.with_crop(crop)


def _find_recipe(recipe: str) -> Recipe:
    """Read a recipe from a file, or find it by name; what is not a file counts as a name, perhaps misspelt."""
    if recipe not in recipe_names() and (recipe.endswith(".toml") or Path(recipe).exists()):
        return Recipe.read(recipe)
    return Recipe.named(recipe)
