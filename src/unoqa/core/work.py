"""What a long fit reports to, and where it keeps what a kill would lose."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, final, runtime_checkable

from unoqa.core.progress import NoProgress, Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


@runtime_checkable
class Checkpoints(Protocol):
    """Named sets of arrays that outlive the process."""

    def read(self, name: str) -> dict[str, Tensor] | None:
        """Return what was last written under the name, whole, or None."""
        ...

    def write(self, name: str, arrays: dict[str, Tensor]) -> None:
        """Keep arrays under the name, in place of those there."""
        ...


@final
class NoCheckpoints:
    """Keeps nothing: a killed fit begins again."""

    def read(self, name: str) -> None:
        """Return nothing."""
        del name

    def write(self, name: str, arrays: dict[str, Tensor]) -> None:
        """Forget the arrays."""
        del name, arrays


def _unheard(sentence: str) -> None:
    del sentence


@final
@dataclass(frozen=True)
class Work:
    """One piece of a fit: whom it tells how far it is, and its own place among the checkpoints.

    Attributes:
        interval: seconds between two checkpoints at least.
        tell: takes a sentence that the user should read when the fit is over.

    Example:
        >>> Work().part("member 0").part("fold 2").name
        'member 0/fold 2'
    """

    progress: Progress = field(default_factory=NoProgress)
    checkpoints: Checkpoints = field(default_factory=NoCheckpoints)
    name: str = ""
    interval: float = 30.0
    tell: Callable[[str], None] = _unheard

    def part(self, name: str) -> Work:
        """Return the work of a part of this one."""
        return replace(self, name=f"{self.name}/{name}".lstrip("/"))

    def read(self) -> dict[str, Tensor] | None:
        """Return what this piece kept before it was killed; None where it begins."""
        return self.checkpoints.read(self.name)

    def write(self, arrays: dict[str, Tensor]) -> None:
        """Keep the state of this piece."""
        self.checkpoints.write(self.name, arrays)
