"""timm, imported without torch's compiler, which takes as long to import as torch itself and which nothing here uses.

timm and torchvision import it only to mark functions that it shall leave alone.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch  # noqa: F401 - it is to be there in whole before a part of it is stood in for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMPILER = "torch._dynamo"


@contextmanager
def _without_compiler() -> Iterator[None]:
    """Stand in for the compiler; whoever asks for it afterwards gets it. Does nothing where it is there already."""
    if COMPILER in sys.modules:
        yield
        return
    names = (COMPILER, f"{COMPILER}.utils")
    sys.modules.update({name: _stand_in(name) for name in names})
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


def _stand_in(name: str) -> ModuleType:
    """Return a module that compiles nothing and says so."""
    module = ModuleType(name)
    vars(module).update(disable=_as_it_is, is_compile_supported=lambda _device: False)
    return module


def _as_it_is(function: Callable[..., Any], *_: object, **__: object) -> Callable[..., Any]:
    return function


with _without_compiler():
    import timm

__all__ = ["timm"]
