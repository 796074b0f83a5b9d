"""Watch a folder, and grade what arrives in it.

Each image is graded once, by itself, with a settled model; the results are those of unoqa grade --append. Tables and
report.html are made anew when nothing has arrived from one poll to the next; while images keep coming, they are made
for a tenth of the time, and so may lag behind. The folder is polled, so a network share will do. A file is whole when
its size and its time stand still from one poll to the next. A file that is replaced is graded anew; one that is renamed
is not; of one that is deleted the row stays. Started again, the command goes on.

Examples:

  unoqa watch /export/octa -m settled -o results
  unoqa watch /export/octa -m settled -o results --every 60
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer

from unoqa.cli.parts.options import (
    Device,
    HashNames,
    KeepDates,
    KeepIdentifiers,
    Log,
    SeveralModels,
    check_range,
    check_results_folder,
)
from unoqa.cli.parts.stopping import set_at_end
from unoqa.cli.parts.terminal import print_message
from unoqa.cli.parts.work import Threads, use_threads
from unoqa.grader.choice_of_model import Models
from unoqa.grader.privacy import Privacy
from unoqa.service.watch import Watcher
from unoqa.store.holding import hold_folder
from unoqa.store.results.folder import WATCHING, make_folder


def watch(
    folder: Annotated[Path, typer.Argument(help="Folder into which images are exported.", metavar="FOLDER")],
    model: SeveralModels,
    output: Annotated[Path, typer.Option("--output", "-o", help="Results folder to make, outside FOLDER.")],
    every: Annotated[int, typer.Option(callback=check_range(1, 86_400), help="Seconds between two polls.")] = 10,
    no_heat: Annotated[bool, typer.Option("--no-heat", help="Write no heat/ and no cohort.png; faster.")] = False,
    device: Device = "cpu",
    threads: Threads = 0,
    keep_identifiers: KeepIdentifiers = False,
    keep_dates: KeepDates = False,
    hash_names: HashNames = False,
    log: Log = None,
) -> None:
    """Poll until SIGTERM or Ctrl-C."""
    del log
    check_results_folder(output, [folder], model)
    use_threads(threads)
    privacy = Privacy(keep_identifiers=keep_identifiers, keep_dates=keep_dates, hash_names=hash_names)
    privacy.check()
    models = Models.load(model, device=device)
    make_folder(output)
    ended = threading.Event()
    with hold_folder(output, WATCHING, "--output"), set_at_end(ended):
        watcher = Watcher(folder, models, output, privacy, heat=not no_heat, notify=print_message)
        print_message(f"Watching {folder}; results in {output}. End: Ctrl-C.")
        while not ended.is_set():
            watcher.poll()
            ended.wait(every)
        watcher.make_views()
