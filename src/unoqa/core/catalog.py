"""A choice is a file: shelves list their choices by file name and load one on demand.

Listing imports nothing, so a heavy library behind a choice costs only those who choose it. A package
outside ours adds a choice through an entry point of the group `unoqa.<shelf>`.
"""

from __future__ import annotations

import inspect
import pkgutil
import sys
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar, final

from unoqa.core.errors import UsageError, unknown

if TYPE_CHECKING:
    from types import ModuleType

T = TypeVar("T")


@final
class Shelf(Generic[T]):
    """The choices in one package: each a module, or a package with `__all__`, with one class of the contract."""

    def __init__(self, package: str, contract: type[T], kind: str) -> None:
        self.package = package
        self.contract = contract
        self.kind = kind

    def names(self) -> tuple[str, ...]:
        """List the names of all choices, ours and those of entry points, sorted.

        Raises:
            UsageError: an entry point has the name of a choice of ours.
        """
        ours = _files(tuple(import_module(self.package).__path__))
        outside = self._outside()
        for name in ours:
            if name in outside:
                raise UsageError(
                    f"The installed module {outside[name]} offers a {self.kind} '{name}', which is the name of one "
                    "that comes with unoqa; rename its entry point or uninstall it."
                )
        return tuple(sorted({*ours, *outside}))

    def load(self, name: str) -> type[T]:
        """Return the class of one choice.

        Raises:
            UsageError: there is no such choice; the sentence names the nearest.
        """
        if name not in self.names():
            raise unknown(self.kind, name, self.names())
        return self._only_class(import_module(self._module(name)))

    def find_name(self, choice: T) -> str:
        """Return the name under which the class of `choice` stands on the shelf; the other choices are not loaded.

        Raises:
            UsageError: it does not stand there.
        """
        for name in self.names():
            if _within(type(choice), self._module(name)):
                return name
        raise UsageError(
            f"{type(choice).__name__} is no {self.kind} that a model could name; offer its module by an entry point of "
            f"the group {self.package}."
        )

    def _module(self, name: str) -> str:
        return self._outside().get(name, f"{self.package}.{name}")

    def _outside(self) -> dict[str, str]:
        return _entries(self.package, tuple(sys.path))

    def _only_class(self, module: ModuleType) -> type[T]:
        found = [
            member
            for member in vars(module).values()
            if inspect.isclass(member)
            and issubclass(member, self.contract)
            and _within(member, module.__name__)
            and not inspect.isabstract(member)
        ]
        if len(found) != 1:
            raise TypeError(f"{module.__name__} must define one {self.contract.__name__}, not {len(found)}.")
        return found[0]


def _within(defined: type, module: str) -> bool:
    return f"{defined.__module__}.".startswith(f"{module}.")


@cache
def _files(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        module.name for module in pkgutil.iter_modules(paths) if not module.ispkg or _is_choice(paths, module.name)
    )


def _is_choice(paths: tuple[str, ...], package: str) -> bool:
    """Tell a package that is a choice from one that choices share: the former exports its class in `__all__`."""
    files = (Path(path) / package / "__init__.py" for path in paths)
    return any("__all__" in file.read_text(encoding="utf-8") for file in files if file.is_file())


@cache
def _entries(group: str, path: tuple[str, ...]) -> dict[str, str]:
    """Look entry points up once: it reads a file of every installed package. `path` is where they were found."""
    del path
    return {entry.name: entry.module for entry in entry_points(group=group)}
