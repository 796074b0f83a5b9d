"""A choice is a file: a shelf lists its choices by file name and loads one on demand.

A shelf is a package such as `unoqa.encoders`; each of its modules is one choice. Listing imports no choice, so only
those who choose it wait for the heavy library that it needs. Another installed package adds a choice through an entry
point of the group `unoqa.<shelf>`.
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

from unoqa.core.errors import UsageError, unknown_name_error

if TYPE_CHECKING:
    from types import ModuleType

T = TypeVar("T")


@final
class Shelf(Generic[T]):
    """The choices in one package. Each is a module, or a package with `__all__`, with one class of the contract.

    Attributes:
        package: the dotted name of the package, which is also the group of its entry points.
        contract: the abstract class of the choices.
        kind: what one choice is called in error messages, such as `encoder`.
    """

    def __init__(self, package: str, contract: type[T], kind: str) -> None:
        self.package = package
        self.contract = contract
        self.kind = kind

    def names(self) -> tuple[str, ...]:
        """List the names of all choices, those of unoqa and those of entry points, sorted.

        Raises:
            UsageError: an entry point has the name of a choice of unoqa.
        """
        own = _list_files(tuple(import_module(self.package).__path__))
        added = self._find_added()
        for name in own:
            if name in added:
                raise UsageError(
                    f"The installed module {added[name]} adds a {self.kind} '{name}', but unoqa already has one with "
                    "that name; rename its entry point or uninstall it."
                )
        return tuple(sorted({*own, *added}))

    def load(self, name: str) -> type[T]:
        """Return the class of one choice.

        Raises:
            UsageError: there is no such choice; the message suggests the nearest name.
        """
        if name not in self.names():
            raise unknown_name_error(self.kind, name, self.names())
        return self._find_class(import_module(self._find_module(name)))

    def find_name(self, choice: T) -> str:
        """Return the name of the choice that `choice` is an object of; no choice is loaded for it.

        Raises:
            UsageError: its class is not on the shelf.
        """
        for name in self.names():
            if _is_defined_in(type(choice), self._find_module(name)):
                return name
        raise UsageError(
            f"{type(choice).__name__} is not a known {self.kind}, so a model cannot refer to it; add its module "
            f"through an entry point of the group {self.package}."
        )

    def _find_module(self, name: str) -> str:
        return self._find_added().get(name, f"{self.package}.{name}")

    def _find_added(self) -> dict[str, str]:
        return _read_entry_points(self.package, tuple(sys.path))

    def _find_class(self, module: ModuleType) -> type[T]:
        found = [
            member
            for member in vars(module).values()
            if inspect.isclass(member)
            and issubclass(member, self.contract)
            and _is_defined_in(member, module.__name__)
            and not inspect.isabstract(member)
        ]
        if len(found) != 1:
            raise TypeError(f"{module.__name__} must define one {self.contract.__name__}, not {len(found)}.")
        return found[0]


def _is_defined_in(cls: type, module: str) -> bool:
    return f"{cls.__module__}.".startswith(f"{module}.")


@cache
def _list_files(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(
        module.name for module in pkgutil.iter_modules(paths) if not module.ispkg or _is_choice(paths, module.name)
    )


def _is_choice(paths: tuple[str, ...], package: str) -> bool:
    """Tell whether a package is a choice: only then does it export a class in `__all__`."""
    files = (Path(path) / package / "__init__.py" for path in paths)
    return any("__all__" in file.read_text(encoding="utf-8") for file in files if file.is_file())


@cache
def _read_entry_points(group: str, path: tuple[str, ...]) -> dict[str, str]:
    """Return the module of each entry point by its name.

    Cached, because this reads a file of every installed package; `path` is the key of the cache, `sys.path`.
    """
    del path
    return {entry.name: entry.module for entry in entry_points(group=group)}
