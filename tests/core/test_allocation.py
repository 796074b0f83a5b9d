"""Freed memory is returned to the system if the C library supports it."""

import platform
import sys
from pathlib import Path

import pytest

from unoqa.core.allocation import release_freed_memory

SMALL = 100_000
"""Bytes; the C library takes such small blocks from its heap, and does not ask the system for each."""


def private_memory():
    """Return the bytes of the process's memory that are not mapped from files."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon")]
    return 1024 * int(line.split()[1])


@pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc",
    reason="only glibc keeps freed blocks and can return them",
)
def test_freed_blocks_between_used_ones_are_returned():
    kept = [bytearray(b"1") * SMALL for _ in range(2000)]
    full = private_memory()
    kept = kept[::2]
    release_freed_memory()
    assert full - private_memory() > 0.8 * SMALL * 1000
    assert len(kept) == 1000
