"""Make the paper's tables on a labelled data set, beside what needs no label.

DATA is a data set as published, such as OCTA-25K or DRAC 2022, or a folder with one CSV of columns image,grade. The
output receives reproduction.md, .html and .csv (every cell) and work/, from which a killed run goes on; with the
paper's encoder that takes 6 MB an image to fit on and 15 MB an image to test. Labels are used to compare, and where a
column says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.benchmark.datasets.parts.recognition import opened
from unoqa.benchmark.reproduction.run import Plan
from unoqa.benchmark.reproduction.run import reproduce as make
from unoqa.cli.parts.bars import progress
from unoqa.cli.parts.exits import SOME_FAILED
from unoqa.cli.parts.messages import say
from unoqa.cli.parts.options import Device, Quiet, Threads, use_threads
from unoqa.core.errors import ResultsError
from unoqa.store.files import is_empty

PAGE = "reproduction.md"
"""The page by which an earlier reproduction is known, where its unfinished work was removed."""


def reproduce(
    data: Annotated[Path, typer.Argument(help="Folder of the data set.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for tables and unfinished work.")],
    dataset: Annotated[
        str | None, typer.Option(help="Its layout, such as octa25k. [default: whichever fits]", show_default=False)
    ] = None,
    encoder: Annotated[str, typer.Option(help="Full tag of a timm model.")] = "wide_resnet50_2.tv_in1k",
    encoder_weights: Annotated[
        Path | None, typer.Option(help="Weights of the encoder, safetensors or torch format.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Repetitions, each with its own split and seed.")] = 1,
    supervised: Annotated[bool, typer.Option("--supervised", help="Also the ceiling: references with labels.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="About 140 images: to see that all runs.")] = False,
    device: Device = "cpu",
    threads: Threads = 0,
    quiet: Quiet = False,
) -> None:
    """Make the tables, and print where they are."""
    use_threads(threads)
    if output.is_dir() and not (is_empty(output) or (output / "work").is_dir() or (output / PAGE).is_file()):
        raise ResultsError(f"{output} holds something that is not a reproduction; name a new folder.")
    name, layout = opened(dataset, data)
    plan = Plan(name, layout, data, encoder, encoder_weights, seeds, supervised, quick, device)
    pages = make(plan, output, progress(quiet=quiet))
    for note in pages.notes:
        say(f"Note: {note}")
    say(f"Tables in {output}: reproduction.md, reproduction.html, reproduction.csv.", quiet=quiet)
    if not pages.whole:
        raise typer.Exit(SOME_FAILED)
