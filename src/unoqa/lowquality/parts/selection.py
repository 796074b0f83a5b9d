"""The scales that a module uses, of those that an encoder offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from unoqa.core.features import find_scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unoqa.core.features import FeaturePyramid, Scale


@final
@dataclass(frozen=True)
class Selection:
    """Scales by name and position, in the order named; all of them where none is named."""

    names: tuple[str, ...]
    positions: tuple[int, ...]

    @classmethod
    def of(cls, scales: Sequence[Scale], named: Sequence[str]) -> Selection:
        """Find the named scales.

        Raises:
            UsageError: the encoder has no such scale.
        """
        names = tuple(named) or tuple(scale.name for scale in scales)
        return cls(names, tuple(find_scale(scales, name) for name in names))

    def chosen(self, pyramid: FeaturePyramid) -> FeaturePyramid:
        """Return the pyramid of these scales only."""
        return pyramid.select(self.positions)
