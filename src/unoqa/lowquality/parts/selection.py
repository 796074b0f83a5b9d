"""The scales of an encoder that a module uses."""

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
    """Names and positions of the selected scales, in the order in which the settings name them."""

    names: tuple[str, ...]
    positions: tuple[int, ...]

    @classmethod
    def from_names(cls, scales: Sequence[Scale], named: Sequence[str]) -> Selection:
        """Find the named scales; select all scales where none is named.

        Raises:
            UsageError: the encoder has no such scale.
        """
        names = tuple(named) or tuple(scale.name for scale in scales)
        return cls(names, tuple(find_scale(scales, name) for name in names))

    def select(self, pyramid: FeaturePyramid) -> FeaturePyramid:
        """Return the pyramid with the selected scales only."""
        return pyramid.select(self.positions)
