"""A finished run, as outputs receive it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unoqa.core.grading import Grading


@final
@dataclass(frozen=True)
class RunRecord:
    """The gradings of a run, in order, and its facts: versions, seed, model, settings, counts, times."""

    gradings: tuple[Grading, ...]
    facts: Mapping[str, Any]
