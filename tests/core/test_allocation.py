"""What was freed goes back to the system, where the C library can."""

import platform
import sys
from pathlib import Path

import pytest

from unoqa.core.allocation import release_freed_memory

SMALL = 100_000
"""Bytes that the C library takes from its heap, and not from the system one by one."""


def private():
    """Return the bytes of memory that no file stands behind."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon")]
    return 1024 * int(line.split()[1])


@pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="only glibc keeps holes and gives them back"
)
def test_holes_between_what_is_still_used_are_given_back():
    kept = [bytearray(b"1") * SMALL for _ in range(2000)]
    full = private()
    kept = kept[::2]
    release_freed_memory()
    assert full - private() > 0.8 * SMALL * 1000
    assert len(kept) == 1000
