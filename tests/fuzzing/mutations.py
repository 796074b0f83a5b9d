"""Damage as files meet it: cut off, bits flipped, pieces lost, doubled or moved, and lying numbers."""

from __future__ import annotations

import numpy as np

HEAD = 512
"""Bytes in which most formats keep what they say of the rest; half of the damage is there."""

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 10_000, 65_000)
"""Numbers that lying headers hold: sizes of bombs, of nothing, and below zero."""

MOST_PIECE = 4096
"""Bytes of the largest piece that is moved."""


def mutate(data: bytes, seed: int) -> bytes:
    """Return a damaged copy of a file; the same seed gives the same damage."""
    rng = np.random.default_rng(seed)
    damage = (cut, flip_bits, set_bytes, lie, lose, double, swap, empty)[seed % 8]
    changed = damage(bytearray(data), rng)
    return bytes(lie(changed, rng) if len(changed) > 8 and rng.random() < 0.1 else changed)


def _choose_place(size: int, rng: np.random.Generator) -> int:
    end = min(size, HEAD) if rng.random() < 0.5 else size
    return int(rng.integers(0, max(end, 1)))


def _choose_piece(data: bytearray, rng: np.random.Generator) -> slice:
    start = _choose_place(len(data), rng)
    return slice(start, start + int(rng.integers(1, min(MOST_PIECE, len(data)) + 1)))


def cut(data: bytearray, rng: np.random.Generator) -> bytearray:
    return data[: int(rng.integers(0, len(data)))]


def flip_bits(data: bytearray, rng: np.random.Generator) -> bytearray:
    for _ in range(int(rng.integers(1, 12))):
        data[_choose_place(len(data), rng)] ^= 1 << int(rng.integers(0, 8))
    return data


def set_bytes(data: bytearray, rng: np.random.Generator) -> bytearray:
    for _ in range(int(rng.integers(1, 20))):
        data[_choose_place(len(data), rng)] = int(rng.integers(0, 256))
    return data


def lie(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Write an extreme number of 1 to 4 bytes, in either order of bytes."""
    place, length = _choose_place(len(data), rng), int(rng.choice([1, 2, 4]))
    number = int(rng.choice(EXTREMES)) % (1 << 8 * length)
    data[place : place + length] = number.to_bytes(length, "little" if rng.random() < 0.5 else "big")
    return data


def lose(data: bytearray, rng: np.random.Generator) -> bytearray:
    del data[_choose_piece(data, rng)]
    return data


def double(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Put a copy of a piece, up to 50 times, where it stands: records within records."""
    piece = _choose_piece(data, rng)
    data[piece.start : piece.start] = data[piece] * int(rng.choice([1, 2, 50]))
    return data


def swap(data: bytearray, rng: np.random.Generator) -> bytearray:
    first, second = _choose_piece(data, rng), _choose_place(len(data), rng)
    moved = data[first]
    data[second : second + len(moved)] = moved
    return data


def empty(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Set a piece to zeros, as a disk does that lost a block."""
    piece = _choose_piece(data, rng)
    data[piece] = bytes(len(data[piece]))
    return data
