"""A fixed piece of arithmetic in whose time others are counted: a machine twice as fast halves both."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional


class Yardstick:
    """Convolutions and matrix products in single precision, the kinds of sums that encoders and modules are made of."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self._image = torch.randn(1, 64, 80, 80, generator=generator)
        self._kernel = torch.randn(64, 64, 3, 3, generator=generator)
        self._matrix = torch.randn(768, 768, generator=generator)

    def seconds(self) -> float:
        """Return the time of one measurement, some ten milliseconds."""
        started = time.perf_counter()
        with torch.inference_mode():
            for _ in range(3):
                functional.conv2d(self._image, self._kernel, padding=1)
                self._matrix @ self._matrix
        return time.perf_counter() - started

    def ratio(self, work: Callable[[], Any], repeats: int) -> float:
        """Return how many yardsticks some work takes: the shortest time of its repeats by the shortest yardstick.

        Both are measured in turn. Whatever else runs on a machine only adds, to one repeat twice as much as to another,
        so the shortest times are what scatters least.
        """
        work()
        works, yardsticks = [], []
        for _ in range(repeats):
            yardsticks += [self.seconds() for _ in range(5)]
            started = time.perf_counter()
            work()
            works.append(time.perf_counter() - started)
        return min(works) / min(yardsticks)
