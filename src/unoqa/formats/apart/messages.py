"""What goes through the pipes: lines of JSON, and the pixels of an image as they lie in memory."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from unoqa.core.errors import ImageError
from unoqa.core.facts import Fact, Facts
from unoqa.core.image import EnfaceImage, NumberType
from unoqa.formats.parts.limits import MAX_BYTES

if TYPE_CHECKING:
    from typing import BinaryIO

Message = dict[str, Any]

READY: Message = {"ready": True}
"""The first message of a child: all that it needs is imported."""


@final
@dataclass(frozen=True)
class Request:
    """One image to read, or a file whose images are to be counted.

    Attributes:
        kind: name of the format.
        path: of the file, absolute.
        page: of the image in the file, from 0; None to count.
        name: of the image or the file, for error messages.
    """

    kind: str
    path: str
    page: int | None
    name: str


def send(stream: BinaryIO, message: Message, pixels: bytes = b"") -> None:
    """Write a message, and the pixels that follow it."""
    stream.write(json.dumps(message).encode("ascii") + b"\n" + pixels)
    stream.flush()


def receive(stream: BinaryIO) -> Message:
    """Read a message.

    Raises:
        EOFError: the other side has ended.
        ValueError: what came is no message.
    """
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("not a message")
    return message


def send_image(stream: BinaryIO, image: EnfaceImage) -> None:
    """Write an image."""
    pixels = np.ascontiguousarray(image.pixels)
    message = {
        "shape": pixels.shape,
        "dtype": pixels.dtype.name,
        "numbers": asdict(image.number_type),
        "facts": {key: [fact.value, fact.source] for key, fact in image.facts.known()},
    }
    send(stream, message, pixels.tobytes())


def receive_image(stream: BinaryIO, message: Message, name: str) -> EnfaceImage:
    """Read the pixels that a message announces.

    Raises:
        EOFError: the other side has ended.
        ValueError: the message announces no image.
    """
    (rows, columns), dtype = message["shape"], np.dtype(message["dtype"])
    size = rows * columns * dtype.itemsize
    if dtype.kind != "f" or min(rows, columns) < 0 or size > MAX_BYTES:
        raise ValueError("not an image")
    pixels = bytearray(size)
    if stream.readinto(pixels) != size:  # type: ignore[attr-defined]  # every buffered reader has it
        raise EOFError
    facts = Facts(**{key: Fact(*fact) for key, fact in message["facts"].items()})
    values = np.frombuffer(pixels, dtype).reshape(rows, columns)
    return EnfaceImage(name, values, facts, NumberType(**message["numbers"]))


def receive_count(stream: BinaryIO, message: Message, name: str) -> tuple[int, int]:
    """Return the numbers of images and of skipped pages that a message tells."""
    del stream, name
    return int(message["pages"]), int(message["skipped"])


def send_error(stream: BinaryIO, error: ImageError) -> None:
    """Write why an image is not read."""
    send(stream, {"code": error.code, "sentence": str(error), "scope": error.scope})


def check_answer(message: Message) -> Message:
    """Return a message that tells of no error.

    Raises:
        ImageError: the message tells of one.
        KeyError: it is incomplete.
    """
    if "code" in message:
        raise ImageError(message["code"], message["sentence"], scope=message["scope"])
    return message
