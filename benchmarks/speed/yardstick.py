"""A fixed piece of arithmetic in whose time others are counted: a machine twice as fast halves both."""

from __future__ import annotations

import statistics
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
        """Return how many yardsticks some work takes: the median over repeats, each between two yardsticks.

        Both are measured in turn, so that what slows the machine for a while slows both.
        """
        work()
        ratios = []
        for _ in range(repeats):
            before = self._median()
            started = time.perf_counter()
            work()
            taken = time.perf_counter() - started
            ratios.append(taken / statistics.mean((before, self._median())))
        return statistics.median(ratios)

    def _median(self) -> float:
        return statistics.median(self.seconds() for _ in range(5))
