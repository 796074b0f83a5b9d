"""Work that ends in the middle, as a kill or the keys Ctrl and C would end it."""

from __future__ import annotations

import threading
from contextlib import contextmanager


class PowerCut(BaseException):
    """What stops work in tests: nothing catches it."""


class Failing:
    """Progress that ends the work at one of its steps."""

    def __init__(self, steps, error=PowerCut):
        self.left = steps
        self.in_turn = threading.Lock()
        self.error = error

    @contextmanager
    def task(self, title, total):
        yield self.step

    def step(self):
        with self.in_turn:
            self.left -= 1
            last = self.left == 0
        if last:
            raise self.error
