"""Set the borders of grades with labels: a reader's own scale.

RESULTS holds grades of MODEL, and people have graded some of the images: in unoqa review, or in a label file. unoqa
moves the two borders of the model, between outstanding and gradable and between gradable and ungradable, so that they
agree best with these labels. It says by cross-validation what agreement (kappa) to expect, and makes no model if
nothing is gained. At least 40 images need a label; draw them at random from the cohort. The new model grades single
images, and its card and every record say that its borders were set with labels.

Examples:

  unoqa calibrate results -m model -o calibrated
  unoqa calibrate results -m model -o calibrated --labels labels.csv
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unoqa.benchmark.calibration.run import calibrate as set_borders
from unoqa.cli.parts.options import Device, Model, Overwrite, Quiet, Results, check_output, check_range
from unoqa.cli.parts.terminal import print_message
from unoqa.grader.grader import load
from unoqa.grader.recipe import LARGEST_SEED

if TYPE_CHECKING:
    from unoqa.benchmark.agreement import Estimate


def calibrate(
    results: Results,
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help="Calibrated model folder to make.")],
    labels: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with the columns image,grade.", show_default="the grades of the readers in RESULTS"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(callback=check_range(0, LARGEST_SEED), help="Random seed of resamples.")] = 0,
    device: Device = "cpu",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Set the borders, save the model, and say what to expect of it."""
    check_output(output, overwrite=overwrite)
    before = load(model, device=device)
    made = set_borders(results, before, labels, seed=seed)
    made.settled.save(output)
    if made.unmatched:
        print_message(f"Warning: {made.unmatched} labels name no image of {results} that has a grade.")
    low, high = (100 * end for end in made.refused.interval)
    typer.echo(
        f"Borders set with the labels of {made.images} images. Kappa with such labels: "
        f"{_format(made.expectation.before)} before; {_format(made.expectation.after)} to be expected "
        "(cross-validation).\n"
        f"Outstanding up to a score of {made.settled.grader.threshold.value:.3g} (before: "
        f"{before.grader.threshold.value:.3g}), ungradable from {made.settled.frozen_split.border:.3g}.\n"
        f"Of the outstanding images that the model was fitted on, {100 * made.refused.value:.0f} % "
        f"({low:.0f} to {high:.0f} %) are refused now."
    )
    print_message(f"Model in {output}; its borders were set with labels.", quiet=quiet)


def _format(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"
