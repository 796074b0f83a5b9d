"""Executors: each applies a function to many items, side by side, and gives the results in order."""

from unoqa.batch.executors.parts.contract import Executor
from unoqa.core.catalog import Shelf

EXECUTORS: Shelf[Executor] = Shelf(__name__, Executor, "executor")  # type: ignore[type-abstract]

__all__ = ["EXECUTORS", "Executor"]
