"""What runs in a decoder's process: images are read, one after the other, until nobody asks any more."""

from __future__ import annotations

import faulthandler
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from unoqa.core.errors import ImageError
from unoqa.formats.apart.messages import READY, Request, receive, send, send_error, send_image
from unoqa.formats.parts.kinds import FORMATS
from unoqa.formats.parts.limits import told_of_pixels

if TYPE_CHECKING:
    from typing import BinaryIO

try:
    import resource
except ImportError:  # Windows writes no core files
    resource = None  # type: ignore[assignment]


def main(orphaned: float) -> None:
    """Answer requests from standard input on standard output.

    Args:
        orphaned: seconds for one image after which the process ends itself: whoever asked should have ended it before.
    """
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold a scan
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stdout.fileno())  # what a decoder prints is no answer
    told_of_pixels.set(lambda count: send(answers, {"promised": count}))
    send(answers, READY)
    while True:
        try:
            request = Request(**receive(sys.stdin.buffer))
        except EOFError:
            return
        faulthandler.dump_traceback_later(orphaned, exit=True)
        _answer(request, answers)
        faulthandler.cancel_dump_traceback_later()


def _answer(request: Request, answers: BinaryIO) -> None:
    reader, path = FORMATS.load(request.kind)(), Path(request.path)
    try:
        if request.page is None:
            send(answers, {"pages": reader.count_pages(path), "skipped": reader.count_skipped(path)})
        else:
            send_image(answers, reader.read(path, request.page, request.name))
    except ImageError as error:
        send_error(answers, error)


if __name__ == "__main__":
    main(float(sys.argv[1]))
