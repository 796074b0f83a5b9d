"""The start of the programs that measure a loaded model."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from unoqa.grader.grader import Grader, load


def load_grader_and_images(description: str | None) -> tuple[Grader, Path]:
    """Load the model and return the image folder that the command line names; use one thread of torch."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    return load(arguments.model).grader, arguments.images
