"""Download an encoder's weights into timm's cache, once, on a machine with internet.

The only command that uses the network. On a machine without, copy the printed file there and give it with
`unoqa fit --encoder-weights FILE`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from unoqa.encoders.parts.weights import download_weights


def weights(
    model: Annotated[str, typer.Argument(help="Full tag of a timm model.")] = "resnet18.tv_in1k",
) -> None:
    """Download and print where the file is."""
    typer.echo(download_weights(model))
