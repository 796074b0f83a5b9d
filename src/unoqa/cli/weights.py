"""Download an encoder's weights, once, on a machine with internet.

The recipes default and measures need none. The recipes *-resnet18 need those of a ResNet-18, and the recipes paper*
those of a Wide-ResNet-50. This is the only command that uses the network. It keeps the weights in timm's cache and
prints the path of the file. If your machine has no internet, copy the file to it and use unoqa fit --encoder-weights
FILE.

Examples:

  unoqa weights
  unoqa weights wide_resnet50_2.tv_in1k
"""

from __future__ import annotations

from typing import Annotated

import typer

from unoqa.encoders.parts.weights import download_weights


def weights(
    model: Annotated[str, typer.Argument(help="Full name of a timm model.", metavar="MODEL")] = "resnet18.tv_in1k",
) -> None:
    """Download the weights and print the path of their file."""
    typer.echo(download_weights(model))
