"""A format whose files do to their decoder what damaged files do to others: each says what, after the signature."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import ClassVar, final

import numpy as np

from unoqa.core.image import EnfaceImage
from unoqa.formats.parts.contract import Format
from unoqa.formats.parts.limits import check_pixels

poisoned = False
"""Whether a file has been read that harms the one after it."""


@final
class Trap(Format):
    """Harmless images, crashes, and decoders that never end or take all memory."""

    suffixes: ClassVar[tuple[str, ...]] = (".trap",)
    apart: ClassVar[bool] = True

    def matches(self, head: bytes) -> bool:
        """Check for the signature."""
        return head.startswith(b"TRAP")

    def read(self, path: Path, page: int, name: str) -> EnfaceImage:
        """Do what the file says, and return an image of noise if the process is still there."""
        del page
        global poisoned  # noqa: PLW0603 - harm that lasts is what this is about
        _, deed, *rest = path.read_text(encoding="utf-8").split()
        if deed == "crash" or poisoned:
            os.kill(os.getpid(), signal.SIGSEGV)
        elif deed == "poison":
            poisoned = True
        elif deed == "hang":
            time.sleep(1_000)
        elif deed == "swell":
            kept = [np.ones(20_000_000, np.uint8) for _ in range(100)]
            time.sleep(1_000 + len(kept))
        elif deed == "grow":
            check_pixels(name, 2_000, 2_500)
            kept = [np.ones(20_000_000, np.uint8) for _ in range(15)]
            time.sleep(0.2)
        elif deed == "print":
            print("what a decoder has to say", flush=True)
        elif deed == "meet":
            Path(rest[0]).touch()
            while not Path(rest[1]).exists():
                time.sleep(0.01)
        return EnfaceImage(name, np.random.default_rng(0).random((64, 72), dtype=np.float32))
