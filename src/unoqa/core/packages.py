"""What other installed packages add: each entry point of a group `unoqa.<shelf>` names a module with one choice."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import final


@final
@dataclass(frozen=True)
class Added:
    """A choice that another package adds.

    Attributes:
        group: of its entry point, such as `unoqa.lowquality`.
        module: that defines it.
        package: name and version of the package, such as `unoqa-example 1.0`.
    """

    name: str
    group: str
    module: str
    package: str

    def __str__(self) -> str:
        return f"'{self.name}' of the package {self.package}"

    def defines(self, module: str) -> bool:
        """Tell whether a module is the choice's own, or lies within it."""
        return f"{module}.".startswith(f"{self.module}.")


def list_added() -> tuple[Added, ...]:
    """Return all that other packages add, to whichever shelf."""
    return _read_entry_points(tuple(sys.path))


def find_added(error: BaseException) -> tuple[Added, str] | None:
    """Return the added choice whose code raised an error, and at which line: the innermost in the trace.

    None if no added choice was at work.
    """
    found: tuple[Added, str] | None = None
    trace = error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        for added in list_added():
            if added.defines(module):
                found = added, f"{Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return found


@cache
def _read_entry_points(path: tuple[str, ...]) -> tuple[Added, ...]:
    """Return the entry points of all groups of ours.

    Cached, because this reads a file of every installed package; `path` is the key of the cache, `sys.path`.
    """
    del path
    found = entry_points()
    every = [
        entry for group in sorted(found.groups) if group.startswith("unoqa.") for entry in found.select(group=group)
    ]
    return tuple(
        Added(entry.name, entry.group, entry.module, f"{entry.dist.name} {entry.dist.version}" if entry.dist else "")
        for entry in every
    )
