"""Options that several commands have, and the checks of their values."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import torch
import typer


def check_range(smallest: int, largest: int) -> Callable[[int], int]:
    """Return a callback that refuses an option's value outside a range.

    Typer's own `min` and `max` print the range into the help's narrow column of types.
    """

    def check(value: int) -> int:
        if not smallest <= value <= largest:
            raise typer.BadParameter(f"use a whole number from {smallest} to {largest}, not {value}.")
        return value

    return check


Images = Annotated[
    list[Path], typer.Argument(help="Image files, or folders to search.", metavar="IMAGES", show_default=False)
]
Model = Annotated[Path, typer.Option("--model", "-m", help="Model folder, made by fit or settle.")]
Weights = Annotated[
    Path | None, typer.Option(help="Weights file (safetensors or PyTorch).", show_default="timm's cache")
]
Device = Annotated[str, typer.Option(help="cpu, cuda (a GPU), or auto: the GPU if there is one.")]
Threads = Annotated[
    int, typer.Option(callback=check_range(0, 4096), help="Images processed at the same time; 0: torch chooses.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars and no summary.")]
FollowLinks = Annotated[bool, typer.Option("--follow-links", help="Search linked folders too.")]


def use_threads(threads: int) -> None:
    """Set the number of threads of the process, at most one per processor; 0 leaves it as it is."""
    if threads:
        torch.set_num_threads(min(threads, os.cpu_count() or 1))
