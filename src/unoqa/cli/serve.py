"""Serve graded images to programs of a clinic, by HTTP.

POST an image or a DICOM object to /v1/grade (field file, multipart/form-data); the answer is JSON with the columns of
grades.csv, and the findings. POST many to /v1/batches: a batch is a results folder, and continues after a restart.
/openapi.json describes all requests; docs/service.md has examples.

Without --host only programs of this machine reach the service. On any other address it needs a token, which clients
send as Authorization: Bearer TOKEN; it travels in clear, so put a proxy with TLS before the service.

Examples:

  unoqa serve -m settled
  unoqa serve -m cirrus=models/cirrus -m plexelite=models/plexelite --host 0.0.0.0 --token-file token
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unoqa.cli.parts.options import Device, check_range
from unoqa.cli.parts.terminal import print_message
from unoqa.cli.parts.work import Threads, use_threads
from unoqa.core.errors import UsageError
from unoqa.core.parallel import get_own_threads
from unoqa.grader.choice_of_model import Models
from unoqa.grader.privacy import NOTHING_KEPT
from unoqa.service.application import make_service
from unoqa.service.batches import LOCK
from unoqa.service.options import ServiceOptions, read_token
from unoqa.service.server import Server, check_address
from unoqa.store.holding import hold_folder

NamedModels = Annotated[
    list[str],
    typer.Option("--model", "-m", help="Settled model folder, or NAME=FOLDER. Give several to serve all of them."),
]


def serve(
    model: NamedModels,
    host: Annotated[str, typer.Option(help="Address to serve on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(callback=check_range(0, 65535), help="Port; 0: any that is free.")] = 8760,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token that clients must send.", show_default="none")
    ] = None,
    batches: Annotated[Path, typer.Option(help="Folder of the batches.")] = Path("batches"),
    files_root: Annotated[
        Path | None, typer.Option(help="Folder below which batches may name images.", show_default="none")
    ] = None,
    queue: Annotated[int, typer.Option(callback=check_range(1, 100_000), help="Single images that may wait.")] = 64,
    max_mb: Annotated[int, typer.Option(callback=check_range(1, 4096), help="Largest request, in megabytes.")] = 64,
    seconds: Annotated[int, typer.Option(callback=check_range(1, 3600), help="Longest time of a single image.")] = 60,
    device: Device = "cpu",
    threads: Threads = 0,
) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    use_threads(threads)
    token = None if token_file is None else read_token(token_file, notify=print_message)
    check_address(host, token)
    if files_root is not None and not files_root.is_dir():
        raise UsageError(f"There is no folder {files_root}; name the one that holds the images of batches.")
    NOTHING_KEPT.check()
    models = _load(model, device)
    with hold_folder(batches, LOCK, "--batches"):
        server = Server(host, port)
        own = () if token is not None else server.hosts
        options = ServiceOptions(
            batches, files_root, token, own, get_own_threads(), queue, max_mb * 1_000_000, float(seconds)
        )
        service = make_service(models, options, notify=print_message)
        server.run(service, grace=float(seconds), started=lambda: _announce(server.address))
    print_message("Ended. Batches that are not finished continue when the service is started again.")


def _load(given: list[str], device: str) -> dict[str, Models]:
    models: dict[str, Models] = {}
    for one in given:
        name, separator, folder = one.rpartition("=")
        name = name if separator else Path(folder).name
        if not name or name in models:
            raise UsageError(f"Two models are called '{name}'; name each, such as -m NAME=FOLDER.")
        models[name] = Models.load([Path(folder)], device=device)
    return models


def _announce(address: str) -> None:
    typer.echo(address)
    print_message("Serving. For research use; not a medical device. End: Ctrl-C.")
