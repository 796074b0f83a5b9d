"""A choice is a file: a shelf lists its choices by file name and loads one on demand.

A shelf is a package such as `unoqa.encoders`; each of its modules is one choice. Listing imports no choice, so only
those who choose it wait for the heavy library that it needs. Another installed package adds a choice through an entry
point of the group `unoqa.<shelf>`.
"""

from __future__ import annotations

import inspect
import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar, final

from unoqa.core.errors import UsageError, unknown_name_error
from unoqa.core.packages import Added, list_added

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
        """List the names of all choices, those of unoqa and those of entry points, sorted."""
        return tuple(sorted({*self._list_own(), *self._find_added()}))

    def load(self, name: str) -> type[T]:
        """Return the class of one choice.

        Raises:
            UsageError: there is no such choice (the message suggests the nearest name), or the choice of another
                package cannot be used.
        """
        if name not in self.names():
            raise unknown_name_error(self.kind, name, self.names())
        added = self._find_added().get(name)
        if added is None:
            return find_class(import_module(f"{self.package}.{name}"), self.contract)
        try:
            return find_class(import_module(added.module), self.contract)
        except Exception as error:
            raise UsageError(
                f"The {self.kind} {added} cannot be used ({type(error).__name__}: {error}); "
                "ask its author, or uninstall the package."
            ) from error

    def load_usable(self) -> tuple[dict[str, type[T]], tuple[str, ...]]:
        """Return the classes of all choices that can be used, and a sentence for each added one that cannot."""
        usable, sentences = {}, list(self.find_misnamed())
        for name in self.names():
            try:
                usable[name] = self.load(name)
            except UsageError as error:
                sentences.append(str(error))
        return usable, tuple(sentences)

    def find_package(self, name: str) -> str:
        """Return name and version of the other package that adds a choice; empty if it is a choice of unoqa."""
        added = self._find_added().get(name)
        return "" if added is None else added.package

    def find_misnamed(self) -> tuple[str, ...]:
        """Return a sentence for each choice of another package that is left out for its name."""
        own = self._list_own()
        return tuple(
            f"The {self.kind} {one} is left out: "
            + (
                "unoqa has one with that name; its author must rename the entry point."
                if one.name in own
                else "its name must be made of letters, digits and underscores; its author must rename the entry point."
            )
            for one in list_added()
            if one.group == self.package and (one.name in own or not one.name.isidentifier())
        )

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

    def _list_own(self) -> tuple[str, ...]:
        return _list_files(tuple(import_module(self.package).__path__))

    def _find_module(self, name: str) -> str:
        added = self._find_added().get(name)
        return f"{self.package}.{name}" if added is None else added.module

    def _find_added(self) -> dict[str, Added]:
        every = (one for one in list_added() if one.group == self.package and one.name.isidentifier())
        own = self._list_own()
        return {one.name: one for one in every if one.name not in own}


def find_class(module: ModuleType, contract: type[T]) -> type[T]:
    """Return the one class of a contract that a module defines.

    Raises:
        TypeError: it defines none or several, or its class lacks something.
    """
    every = [
        member
        for member in vars(module).values()
        if inspect.isclass(member) and issubclass(member, contract) and _is_defined_in(member, module.__name__)
    ]
    found = [member for member in every if not inspect.isabstract(member)]
    if len(found) != 1:
        unfinished = "".join(f"; {one.__name__} lacks {', '.join(_list_missing(one))}" for one in every if not found)
        raise TypeError(f"{module.__name__} must define one {contract.__name__}, not {len(found)}{unfinished}")
    if not getattr(found[0], "__final__", False):
        raise TypeError(f"{found[0].__name__} lacks @final")
    lacking = [name for name in _list_attributes(contract) if not hasattr(found[0], name)]
    if lacking:
        raise TypeError(f"{found[0].__name__} lacks {', '.join(lacking)}")
    return found[0]


def _list_missing(cls: type) -> list[str]:
    return sorted(getattr(cls, "__abstractmethods__", ()))


def _list_attributes(contract: type) -> tuple[str, ...]:
    """List the class attributes that a contract asks for."""
    return tuple(name for name, kind in vars(contract).get("__annotations__", {}).items() if "ClassVar" in str(kind))


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
