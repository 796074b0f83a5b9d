"""Which other packages added the choices of a model, and in what version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from unoqa.clusterings import CLUSTERINGS
from unoqa.core.errors import ModelError
from unoqa.encoders import ENCODERS
from unoqa.encoders.measures import MEASURES
from unoqa.lowquality import MODULES
from unoqa.reductions import REDUCTIONS
from unoqa.thresholds import THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from unoqa.core.catalog import Shelf


def name_choice(shelf: Shelf[Any], name: str) -> str:
    """Name a choice with its kind, such as `measure sharpness`."""
    return f"{shelf.kind} {name}"


def list_packages(settings: Mapping[str, Any], measures: Collection[str]) -> dict[str, str]:
    """Return, by kind and name of each choice that is not of unoqa, name and version of its package.

    Args:
        settings: of the recipe, as plain values.
        measures: that the model knows.
    """
    every = [*_list_choices(settings), *((MEASURES, name) for name in measures)]
    found = {name_choice(shelf, name): shelf.find_package(name) for shelf, name in every}
    return {name: package for name, package in found.items() if package}


def check_packages(settings: Mapping[str, Any], packages: Mapping[str, str]) -> None:
    """Refuse a model whose recipe names a choice of a package that is not installed.

    Raises:
        ModelError: it does.
    """
    for shelf, name in _list_choices(settings):
        package = packages.get(name_choice(shelf, name))
        if package and name not in shelf.names():
            raise ModelError(
                f"The model needs the {shelf.kind} '{name}' of the package {package}, which is not installed; "
                "install it."
            )


def _list_choices(settings: Mapping[str, Any]) -> Iterator[tuple[Shelf[Any], str]]:
    for member in settings["members"]:
        yield ENCODERS, member["encoder"]["choice"]
        yield MODULES, member["module"]["choice"]
    yield THRESHOLDS, settings["threshold"]["choice"]
    yield REDUCTIONS, settings["split"]["reduction"]["choice"]
    yield CLUSTERINGS, settings["split"]["clustering"]["choice"]
