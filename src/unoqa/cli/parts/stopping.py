"""How a command that runs until it is ended comes to its end: after the work at hand."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator


@contextmanager
def set_at_end(ended: threading.Event) -> Iterator[None]:
    """Set an event at the first SIGTERM or Ctrl-C; a second one ends the process as usual."""
    former = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}

    def end(number: int, frame: object) -> None:
        del number, frame
        ended.set()
        for one, handler in former.items():
            signal.signal(one, handler)

    for one in former:
        signal.signal(one, end)
    try:
        yield
    finally:
        for one, handler in former.items():
            signal.signal(one, handler)
