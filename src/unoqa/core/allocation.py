"""How the C library allocates memory. Both functions do nothing where it is not glibc."""

from __future__ import annotations

import ctypes

_ARENA_MAX = -8
"""glibc's M_ARENA_MAX, from malloc.h."""


def use_one_arena() -> None:
    """Let all threads allocate memory from one arena; call this before the first thread starts.

    By default glibc gives each thread its own arena, which keeps the memory that the thread has freed: gigabytes when
    several networks train in threads, one after the other. One shared arena makes small operations 5 % slower.
    """
    try:
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
    except (AttributeError, OSError, TypeError):  # another C library
        return


def release_freed_memory() -> None:
    """Return to the system the freed memory that lies between blocks still in use.

    Without this, the memory of weights that were converted to another layout stays allocated while a module is fitted.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # another C library
        return
