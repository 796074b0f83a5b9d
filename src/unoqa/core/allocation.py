"""How the C library shares out memory."""

from __future__ import annotations

import ctypes

_ARENA_MAX = -8
"""glibc's M_ARENA_MAX, from malloc.h."""


def use_one_arena() -> None:
    """Let all threads take memory from one place, where the C library is glibc.

    There each thread has an arena of its own, which keeps what the thread has freed: of networks that learn in
    several threads, one after the other, gigabytes. Sharing one costs a twentieth of the speed of small operations.
    To be called before there are threads; elsewhere it does nothing.
    """
    try:
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
    except (AttributeError, OSError, TypeError):  # another C library
        return


def release_freed_memory() -> None:
    """Give memory that was freed between what is still used back to the system, where the C library is glibc.

    Otherwise what networks left when their weights were laid out anew lies there while a module learns.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):  # another C library
        return
