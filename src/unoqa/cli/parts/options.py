"""Options that several commands have."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import torch
import typer

Images = Annotated[list[Path], typer.Argument(help="Folders, searched recursively, or files.", show_default=False)]
Model = Annotated[Path, typer.Option("--model", "-m", help="Model folder made by fit or settle.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, or auto: an accelerator where there is one.")]
Threads = Annotated[int, typer.Option(min=0, max=4096, help="Images or folds at a time; 0: as torch chooses.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars, no summary.")]
FollowLinks = Annotated[bool, typer.Option("--follow-links", help="Search linked folders too.")]


def use_threads(threads: int) -> None:
    """Fix the number of threads for the process; more than there are processors would only wait."""
    if threads:
        torch.set_num_threads(min(threads, os.cpu_count() or 1))
