"""What the programs that run beside a loaded model begin with."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from unoqa.grader.grader import Grader, SettledGrader
from unoqa.grader.model import load


def grader_and_images(description: str | None) -> tuple[Grader, Path]:
    """Load the model and name the folder that the command line gives, on one thread of torch."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    grader = load(arguments.model)
    return grader.grader if isinstance(grader, SettledGrader) else grader, arguments.images
