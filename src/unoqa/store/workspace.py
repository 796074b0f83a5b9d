"""Where unfinished work is kept: features and checkpoints, each under a key of what it was made from."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, final

import safetensors.torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load as read_arrays

from unoqa.core.errors import ResultsError
from unoqa.store.feature_files import FeatureFiles
from unoqa.store.files import LITTER, replace_file

if TYPE_CHECKING:
    from torch import Tensor

    from unoqa.core.features import Scale


LOCK = ".unoqa-lock"

OURS = re.compile(r"(features|fit)-[0-9a-f]{16}")
"""What the folders in a workspace are called that are removed with it."""


@final
class Workspace:
    """A folder of one process at a time; what another version, recipe or image would make never meets it.

    Attributes:
        folder: where it lies.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Open the folder, with what an earlier process left in it; None: a temporary one.

        Raises:
            ResultsError: another process works in it.
        """
        self._open = ExitStack()
        self._files = ExitStack()
        self._kept = folder
        if folder is None:
            temporary = tempfile.TemporaryDirectory(prefix="unoqa-", ignore_cleanup_errors=True)
            self.folder = Path(self._open.enter_context(temporary))
            return
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        try:
            self._open.enter_context(lock.acquire(blocking=False))
        except Timeout:
            raise ResultsError(f"Another process works in {folder}; wait for it, or name another output.") from None

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()
        if self._kept is not None and {entry.name for entry in self._kept.glob("*")} <= {LOCK}:
            self.remove()  # nothing was kept: what is refused at the start leaves no folder
        self._open.close()

    @property
    def persistent(self) -> bool:
        """Tell whether what is kept here outlives the process."""
        return self._kept is not None

    def features(self, key: str, scales: tuple[Scale, ...]) -> FeatureFiles:
        """Open the feature files of one encoder; closed with the workspace."""
        return self._files.enter_context(FeatureFiles(scales, self.folder / f"features-{key}"))

    def checkpoints(self, key: str) -> FolderCheckpoints:
        """Return the checkpoints of one fit."""
        return FolderCheckpoints(self.folder / f"fit-{key}")

    def remove(self) -> None:
        """Take the work away, since it is done, and the folder with it unless somebody keeps other things there.

        No other process works in the folder before it is empty.
        """
        self._files.close()
        kept, self._kept = self._kept, None  # what is there from now on is another's
        if kept is None:
            self._open.close()
            return
        for entry in kept.glob("*"):
            if OURS.fullmatch(entry.name):
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name.lower() in LITTER:
                entry.unlink(missing_ok=True)
        with suppress(PermissionError):  # Windows keeps a lock's file while it is held, and no longer
            (kept / LOCK).unlink(missing_ok=True)
        self._open.close()
        with suppress(OSError):  # it is not empty
            kept.rmdir()


@final
class FolderCheckpoints:
    """Checkpoints as safetensors files, each replaced whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> dict[str, Tensor] | None:
        """Return what was written under the name; None where there is nothing, or nothing that can be read."""
        try:
            # Not `load_file`: it keeps the file mapped, and one that is mapped cannot be replaced on Windows.
            return read_arrays(self._path(name).read_bytes())
        except (FileNotFoundError, SafetensorError):
            return None

    def write(self, name: str, arrays: dict[str, Tensor]) -> None:
        """Keep arrays under the name."""
        plain = {key: array.detach().cpu().contiguous().clone() for key, array in arrays.items()}
        with replace_file(self._path(name)) as fresh:
            safetensors.torch.save_file(plain, fresh)

    def _path(self, name: str) -> Path:
        return self.folder / f"{make_key(name)}.safetensors"


def make_key(*parts: object) -> str:
    """Return a short key that stands for plain values."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
