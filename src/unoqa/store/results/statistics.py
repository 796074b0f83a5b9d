"""Statistics of an image as the record keeps them: numbers in single precision, whose names stand once for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DTYPE = "<f4"
"""Of the numbers; NaN stands for one that the image lacks."""


def pack_statistics(statistics: Mapping[str, float], names: list[str]) -> bytes | None:
    """Return the numbers of one image in the order of the names; None if it has none.

    Args:
        names: of the record; new ones are added to the list.
    """
    names += [name for name in statistics if name not in names]
    if not statistics:
        return None
    return np.array([statistics.get(name, np.nan) for name in names], dtype=DTYPE).tobytes()


def unpack_statistics(packed: bytes | None, names: Sequence[str]) -> dict[str, float]:
    """Return the numbers by name. An image that was added before some of the names were lacks these.

    Raises:
        ValueError: they are damaged.
    """
    values = np.frombuffer(packed or b"", dtype=DTYPE).tolist()
    if len(values) > len(names):
        raise ValueError(f"{len(values)} statistics have {len(names)} names")
    return {name: value for name, value in zip(names, values, strict=False) if not np.isnan(value)}
