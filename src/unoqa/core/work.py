"""Where a long fit reports its progress, and where it keeps checkpoints, so that it can resume after it was killed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, final, runtime_checkable

from unoqa.core.progress import NoProgress, Progress, ignore

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


@runtime_checkable
class Checkpoints(Protocol):
    """Named sets of arrays that stay when the process ends."""

    def read(self, name: str) -> dict[str, Tensor] | None:
        """Return the arrays last written under the name, complete; None if there are none."""
        ...

    def write(self, name: str, arrays: dict[str, Tensor]) -> None:
        """Write arrays under the name, in place of earlier ones."""
        ...


@final
class NoCheckpoints:
    """Keeps nothing: a fit that was killed starts from the beginning."""

    def read(self, name: str) -> None:
        """Return nothing."""
        del name

    def write(self, name: str, arrays: dict[str, Tensor]) -> None:
        """Discard the arrays."""
        del name, arrays


@final
@dataclass(frozen=True)
class Work:
    """One part of a fit: where it reports to, and its name among the checkpoints.

    Attributes:
        progress: shows its tasks.
        checkpoints: keep its state.
        name: of this part, in the form of a path.
        interval: minimum number of seconds between two checkpoints.
        notify: takes a sentence that the user should read after the fit.

    Example:
        >>> Work().part("member 0").part("fold 2").name
        'member 0/fold 2'
    """

    progress: Progress = field(default_factory=NoProgress)
    checkpoints: Checkpoints = field(default_factory=NoCheckpoints)
    name: str = ""
    interval: float = 30.0
    notify: Callable[[str], None] = ignore

    def part(self, name: str) -> Work:
        """Return the work of a part of this part."""
        return replace(self, name=f"{self.name}/{name}".lstrip("/"))

    def read(self) -> dict[str, Tensor] | None:
        """Return the last checkpoint of this part; None if there is none."""
        return self.checkpoints.read(self.name)

    def write(self, arrays: dict[str, Tensor]) -> None:
        """Write a checkpoint of this part."""
        self.checkpoints.write(self.name, arrays)
