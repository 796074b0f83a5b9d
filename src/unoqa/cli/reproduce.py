"""Make the paper's tables on a labelled data set.

DATA is a data set as published, such as OCTA-25K or DRAC 2022, or a folder with one CSV file with the columns image and
grade. The output folder receives reproduction.md, .html and .csv (every cell) and work/, from which a killed run
continues. With the paper's encoder, work/ takes 6 MB per image to fit on and 15 MB per image to test.

Flows are trained by our budget, within minutes. With --training published they are trained as their publications say,
and with both the two stand side by side; --share .1 trains for a tenth of the published passes.

The tables compare the paper's protocol, whose threshold needs labels, with ours, whose threshold needs none. A number
that uses labels for more than the comparison is marked.

With --executor dask, workers on this machine or on others encode the images; all else is done here.

Examples:

  unoqa reproduce octa25k/ -o tables --seeds 5
  unoqa reproduce octa25k/ -o tables --encoder resnet18.tv_in1k --quick
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.benchmark.datasets.parts.recognition import recognise_dataset
from unoqa.benchmark.reproduction.run import Plan
from unoqa.benchmark.reproduction.run import reproduce as make
from unoqa.benchmark.reproduction.systems import Effort, Training
from unoqa.cli.parts.bars import make_progress
from unoqa.cli.parts.exit_status import SOME_FAILED
from unoqa.cli.parts.options import Device, Quiet, Weights, check_range, check_share
from unoqa.cli.parts.terminal import print_message
from unoqa.cli.parts.work import ExecutorName, Scheduler, Threads, make_executor, use_threads
from unoqa.core.errors import ResultsError
from unoqa.store.files import is_empty

PAGE = "reproduction.md"
"""The file that marks the folder of an earlier reproduction whose work/ was removed."""


def reproduce(
    data: Annotated[Path, typer.Argument(help="Folder of the data set.", metavar="DATA", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the tables and unfinished work.")],
    dataset: Annotated[
        str | None, typer.Option(help="Layout of the data set, such as octa25k.", show_default="the first that fits")
    ] = None,
    encoder: Annotated[str, typer.Option(help="Full name of a timm model.")] = "wide_resnet50_2.tv_in1k",
    encoder_weights: Weights = None,
    seeds: Annotated[
        int, typer.Option(callback=check_range(1, 100), help="Repetitions, each with its own split and seed.")
    ] = 1,
    supervised: Annotated[
        bool, typer.Option("--supervised", help="Add methods trained with labels, to compare with.")
    ] = False,
    training: Annotated[
        Training, typer.Option(metavar="WHICH", help="Train flows by our budget, as published (slow), or both.")
    ] = "budget",
    share: Annotated[
        float, typer.Option(callback=check_share, help="Share of the published passes over the images to train for.")
    ] = 1.0,
    quick: Annotated[bool, typer.Option("--quick", help="Use about 140 images, to see that everything runs.")] = False,
    executor: ExecutorName = "threads",
    scheduler: Scheduler = None,
    device: Device = "cpu",
    threads: Threads = 0,
    quiet: Quiet = False,
) -> None:
    """Make the tables and print where they are."""
    use_threads(threads)
    if output.is_dir() and not (is_empty(output) or (output / "work").is_dir() or (output / PAGE).is_file()):
        raise ResultsError(f"{output} holds something that is not a reproduction; name a new folder.")
    name, layout = recognise_dataset(dataset, data)
    effort = Effort(training, share, quick)
    shared = make_executor(executor, scheduler)
    plan = Plan(name, layout, data, encoder, encoder_weights, seeds, supervised, effort, device, executor=shared)
    report = make(plan, output, make_progress(quiet=quiet))
    for note in report.notes:
        print_message(f"Note: {note}")
    print_message(f"Tables in {output}: reproduction.md, .html, .csv and .json.", quiet=quiet)
    if not report.complete:
        raise typer.Exit(SOME_FAILED)
