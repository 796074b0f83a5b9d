"""What the process has one of: changed for a command, and as before when the last of overlapping commands has ended.

`unoqa.cli.main` may be called by a program that lives on, also by several of its threads.
"""

from __future__ import annotations

import gc
import io
import logging
import sys
import threading
import warnings
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

GC_THRESHOLD = 50_000
"""New objects per generation-0 collection during imports.

The imports of torch and timm make a million objects that stay. With Python's 700 the garbage collector visits them
again and again, which takes a quarter of the time of a short command.
"""

GC_GENERATION_1 = 100
"""Generation-0 collections per generation-1 collection, which takes .12 s during the imports and finds nothing."""


@final
class _Shared:
    """A change of the process that overlapping users share: the first makes it, the last undoes it."""

    def __init__(self, change: Callable[[ExitStack], None]) -> None:
        self._change = change
        self._lock = threading.Lock()
        self._users = 0
        self._undo = ExitStack()

    @contextmanager
    def use(self) -> Iterator[None]:
        with self._lock:
            if not self._users:
                self._change(self._undo)
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._undo.close()


def _collect_rarely(undo: ExitStack) -> None:
    undo.callback(gc.set_threshold, *gc.get_threshold())
    gc.set_threshold(GC_THRESHOLD, GC_GENERATION_1)


def _keep_console(undo: ExitStack) -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            undo.callback(stream.reconfigure, errors=stream.errors)
            stream.reconfigure(errors="replace")
    silent = logging.NullHandler()  # without any handler, Python prints a library's warnings
    logging.getLogger().addHandler(silent)
    undo.callback(logging.getLogger().removeHandler, silent)
    if not sys.warnoptions:
        undo.callback(setattr, warnings, "showwarning", warnings.showwarning)
        warnings.showwarning = _ignore_warning


def _ignore_warning(*_: object, **__: object) -> None:
    """Print nothing."""


_imports, _console = _Shared(_collect_rarely), _Shared(_keep_console)


def collect_rarely() -> AbstractContextManager[None]:
    """Let the garbage collector run rarely while libraries are imported."""
    return _imports.use()


def keep_console() -> AbstractContextManager[None]:
    """Keep the console for the program's own sentences: no library prints its log or its warnings.

    A question mark is printed for a letter that the console lacks. Whoever asks Python for warnings, such as by
    PYTHONWARNINGS, gets them.
    """
    return _console.use()
