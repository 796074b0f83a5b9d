"""A fixed piece of arithmetic as the unit of time: on a machine twice as fast, it takes half as long too."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional


class Yardstick:
    """Convolutions and matrix products in single precision, which take most of the time of encoders and modules."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self._image = torch.randn(1, 64, 80, 80, generator=generator)
        self._kernel = torch.randn(64, 64, 3, 3, generator=generator)
        self._matrix = torch.randn(768, 768, generator=generator)

    def measure_seconds(self) -> float:
        """Return the seconds of one run, about 0.01."""
        started = time.perf_counter()
        with torch.inference_mode():
            for _ in range(3):
                functional.conv2d(self._image, self._kernel, padding=1)
                self._matrix @ self._matrix
        return time.perf_counter() - started

    def measure_ratio(self, work: Callable[[], Any], repeats: int) -> float:
        """Return the shortest time of `work` divided by the shortest time of the yardstick.

        Both are measured in turn. Other programs on the machine only add time, up to twice as much to one repeat as to
        another, so the shortest times vary least.
        """
        work()
        works, yardsticks = [], []
        for _ in range(repeats):
            yardsticks += [self.measure_seconds() for _ in range(5)]
            started = time.perf_counter()
            work()
            works.append(time.perf_counter() - started)
        return min(works) / min(yardsticks)
