"""What a reproduction has found so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

from unoqa.benchmark.reproduction.ranking import Rankings

if TYPE_CHECKING:
    from unoqa.benchmark.reproduction.grid import KnownCells
    from unoqa.benchmark.reproduction.images import ReadStudy


@final
@dataclass
class Findings:
    """Cells, rankings, and by the name of each study what was read of it, a seed after the other."""

    known: KnownCells
    rankings: Rankings = field(default_factory=Rankings)
    studies: dict[str, list[ReadStudy]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
