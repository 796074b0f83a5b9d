"""Join shards, graded with unoqa grade --shard, into one results folder.

Where no scheduler shares the work, as in an array of jobs, each job grades one shard: unoqa grade clinic/ -m model -o
results-3 --shard 3/8. Joined, they equal the results of one run: images are clustered together only now. All shards
must be there, once, and be graded alike. They stay as they are.

Examples:

  unoqa join results-1 results-2 results-3 -o results
  unoqa join results-* -o results -m model
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.batch.join import join_shards, read_part
from unoqa.cli.parts.bars import make_progress
from unoqa.cli.parts.messages import finish_grading
from unoqa.cli.parts.options import ProgressTo, Quiet
from unoqa.cli.parts.terminal import print_message
from unoqa.grader.choice_of_model import Models
from unoqa.outputs import write_default_outputs
from unoqa.store.results import Results


def join(
    shards: Annotated[
        list[Path], typer.Argument(help="Results folders of all shards.", metavar="RESULTS", show_default=False)
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Results folder to make.")],
    model: Annotated[
        list[Path] | None, typer.Option("--model", "-m", help="Model folder.", show_default="where it was")
    ] = None,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.html.")] = False,
    progress: ProgressTo = None,
    quiet: Quiet = False,
) -> None:
    """Join the records of shards, grade all images, and write the views."""
    folders = model or [Path(one) for one in read_part(shards[0]).models]
    models = Models.load(folders, device="cpu")
    with join_shards(shards, models, output, progress=make_progress(quiet=quiet, file=progress)) as results:
        write_default_outputs(
            results,
            notify=lambda sentence: print_message(sentence, quiet=quiet),
            leave_out=("report_html",) if no_report else (),
        )
    with Results.open(output) as results:
        finish_grading(results, quiet=quiet)
