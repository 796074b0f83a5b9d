"""Reading an image in a process of its own; the processes start when they are needed, and serve many images."""

from __future__ import annotations

import atexit
import os
from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar, final

from unoqa.core.errors import ImageError
from unoqa.formats.apart.decoder import Decoder, End, EndedError
from unoqa.formats.apart.messages import Message, Request, receive_count, receive_image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from unoqa.core.image import EnfaceImage

Answer = TypeVar("Answer")

SECONDS = 60.0
"""Seconds that one image may take: the largest that is allowed takes a sixth of that."""


@final
class Decoders:
    """Processes that decode: as many as threads ask at a time."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """Start none yet.

        Args:
            seconds: that one image may take.
        """
        self._seconds = seconds
        self._idle: defaultdict[int, list[Decoder]] = defaultdict(list)  # by the process that started them

    def read(self, kind: str, path: Path, page: int, name: str) -> EnfaceImage:
        """Read an image, as `Format.read` does; `kind` is the name of the format.

        Raises:
            ImageError: also if the process crashed or had to be ended, which costs this image only.
        """
        return self._ask(Request(kind, str(path.absolute()), page, name), path, receive_image)

    def count(self, kind: str, path: Path) -> tuple[int, int]:
        """Return the number of images in a file and that of pages left out, as `Format.count_pages` and the next do.

        Raises:
            ImageError: as `read`.
        """
        return self._ask(Request(kind, str(path.absolute()), None, path.name), path, receive_count)

    def _ask(self, request: Request, path: Path, finish: Callable[[BinaryIO, Message, str], Answer]) -> Answer:
        size = _count_bytes(path)
        while True:
            decoder, used = self._take(request.name)
            try:
                answer = decoder.ask(request, size, finish)
            except ImageError:
                self._give_back(decoder)
                raise
            except EndedError as ended:
                decoder.close()
                if not used or ended.end is not End.CRASH:  # else an earlier file may have done the harm: once more
                    raise _make_error(ended.end, self._seconds, request.name) from ended
            except BaseException:
                decoder.close()
                raise
            else:
                self._give_back(decoder)
                return answer

    def close(self) -> None:
        """End all processes that are idle."""
        idle = self._idle[os.getpid()]
        while idle:
            idle.pop().close()

    def _take(self, name: str) -> tuple[Decoder, bool]:
        """Return a process, and whether it has read images before."""
        try:
            return self._idle[os.getpid()].pop(), True
        except IndexError:
            pass
        try:
            return Decoder(self._seconds), False
        except (OSError, EndedError) as error:
            what = f"{name} was not read, since no process starts that decodes such files"
            raise ImageError("unreadable", f"{what}; end other programs and use --retry-errors.") from error

    def _give_back(self, decoder: Decoder) -> None:
        self._idle[os.getpid()].append(decoder)


def _count_bytes(path: Path) -> int:
    """Return the size of a file; 0 if it is gone, which reading it reports."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _make_error(end: End, seconds: float, name: str) -> ImageError:
    advice = "open it in a viewer and export it again"
    if end is End.TIME:
        return ImageError("unreadable", f"{name} was not decoded within {seconds:g} seconds; {advice}.")
    if end is End.MEMORY:
        return ImageError("too-large", f"{name} takes far more memory than its header says; {advice}.")
    return ImageError("unreadable", f"{name} is damaged and made its decoder crash; {advice}.")


DECODERS = Decoders()
"""Those of this program."""

atexit.register(DECODERS.close)
