"""Options that several commands have, and the checks of their values."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from unoqa.cli.parts.exit_status import report_errors
from unoqa.cli.parts.terminal import open_log
from unoqa.core.errors import UsageError
from unoqa.store.files import is_empty
from unoqa.store.model_folder import check_model_folder


def check_range(smallest: int, largest: int) -> Callable[[int], int]:
    """Return a callback that rejects an option's value outside a range.

    Typer's own `min` and `max` print the range into the help's narrow column of types.
    """

    def check(value: int) -> int:
        if not smallest <= value <= largest:
            raise typer.BadParameter(f"use a whole number from {smallest} to {largest}, not {value}.")
        return value

    return check


def check_share(value: float) -> float:
    """Reject a share that is not above 0 and at most 1."""
    if not 0 < value <= 1:
        raise typer.BadParameter(f"use a number above 0 and at most 1, not {value:g}.")
    return value


Images = Annotated[
    list[Path], typer.Argument(help="Image files, or folders to search.", metavar="IMAGES", show_default=False)
]
Model = Annotated[Path, typer.Option("--model", "-m", help="Model folder, made by fit or settle.")]
SeveralModels = Annotated[
    list[Path],
    typer.Option(
        "--model", "-m", help="Model folder, made by fit or settle. Give several for scans of several devices."
    ),
]
Weights = Annotated[
    Path | None, typer.Option(help="Weights file (safetensors or PyTorch).", show_default="timm's cache")
]
Device = Annotated[str, typer.Option(help="cpu, cuda (a GPU), or auto: the GPU if there is one.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars and no summary.")]
Results = Annotated[Path, typer.Argument(help="Results folder, made by grade.", metavar="RESULTS", show_default=False)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a model that is in the output folder.")]
KeepIdentifiers = Annotated[
    bool, typer.Option("--keep-identifiers", help="Keep patient and session of headers as they are, not hashed.")
]
KeepDates = Annotated[bool, typer.Option("--keep-dates", help="Keep the dates of scans that headers have.")]
ProgressTo = Annotated[
    Path | None, typer.Option("--progress", help="Write how far the command is to this file, as JSON.")
]
HashNames = Annotated[bool, typer.Option("--hash-names", help="Hash the names of files too, everywhere.")]
FollowLinks = Annotated[bool, typer.Option("--follow-links", help="Search linked folders too.")]


def _open_log(context: Any, file: Path | None) -> Path | None:  # noqa: ANN401 - as above
    """Start the log before the command does anything; it ends with the command."""
    if file is not None:
        with report_errors():
            context.call_on_close(open_log(file))
    return file


Log = Annotated[
    Path | None, typer.Option(callback=_open_log, help="Also write all messages, with times, to this file.")
]


def check_output(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that a model cannot be written to, before the work that makes the model.

    Raises:
        UsageError: it holds a model that is not to be replaced.
        ResultsError: it holds something else.
    """
    check_model_folder(folder)
    if folder.is_dir() and not is_empty(folder) and not overwrite:
        raise UsageError(f"{folder} holds a model already; name a new folder, or replace it with --overwrite.")


def check_results_folder(output: Path, images: Sequence[Path], models: Sequence[Path]) -> None:
    """Refuse a results folder among what is read.

    Raises:
        UsageError: it lies inside a folder of images or a model folder.
    """
    if any(_is_inside(output, folder) for folder in images):
        raise UsageError(f"The results folder {output} is inside the folder of images; name a folder outside it.")
    if any(_is_inside(output, model) for model in models):
        raise UsageError(f"The results folder {output} is inside the model folder; name a folder outside it.")


def _is_inside(path: Path, folder: Path) -> bool:
    """Compare the real paths. `Path.resolve` would fail on a link that leads to itself; `os.path.realpath` does not."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
