"""Cells of tables in text, and numbers that are the same on every system."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def join_cells(cells: Sequence[str]) -> str:
    """Write cells as one line; before 3.13, Python quotes a carriage return only if the line ends contain one."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().removesuffix("\r\n") + "\n"


def format_number(value: float | None) -> str:
    """Return the value with six decimals: enough to order images, and the same on every system; empty for NaN."""
    return "" if value is None or math.isnan(value) else f"{value:.6f}"
