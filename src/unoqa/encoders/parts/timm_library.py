"""timm, imported without torch's compiler: that takes as long as torch itself, and neither fitting nor grading uses it.

timm and torchvision import it only to mark some functions that it shall leave alone. Those stay unmarked: whoever
compiles them afterwards has them compiled. The first import of this file belongs to a process's main thread.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch  # in whole, before a part of it is stood in for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMPILER = "torch._dynamo"


@contextmanager
def _without_compiler() -> Iterator[None]:
    """Stand in for the compiler; whoever imports it afterwards gets it. Does nothing where it is there already."""
    if COMPILER in sys.modules:
        yield
        return
    stand_ins = {name: _stand_in(name) for name in (COMPILER, f"{COMPILER}.utils")}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]


def _stand_in(name: str) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(disable=_as_it_is, is_compile_supported=_asking_the_compiler)
    return module


def _as_it_is(function: Callable[..., Any] | None = None, *_: object, **__: object) -> Callable[..., Any]:
    """Mark a function as not to be compiled, or return what marks one: there is nothing to mark it for."""
    return _as_it_is if function is None else function


def _asking_the_compiler(device: str | torch.device | int) -> bool:
    """Answer as the compiler does; torchvision keeps this function, and asks it long after."""
    from torch._dynamo.utils import is_compile_supported  # noqa: PLC0415 - it is what this file does without

    return is_compile_supported(device)


try:
    with _without_compiler():
        import timm
except (ImportError, AttributeError, TypeError):  # another version of one of them wants more of the compiler
    import timm

__all__ = ["timm"]
