"""A folder for unfinished work: features and checkpoints, each under a key made from what it depends on."""

from __future__ import annotations

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
from unoqa.store.file_names import make_short_digest
from unoqa.store.files import SYSTEM_FILES, replace_file

if TYPE_CHECKING:
    from torch import Tensor

    from unoqa.core.features import Scale


LOCK = ".unoqa-lock"
"""The file that one process at a time holds locked."""

OWN_FOLDERS = re.compile(r"(features|fit)-[0-9a-f]{16}")
"""Names of the folders in a workspace that `Workspace.remove` deletes."""


@final
class Workspace:
    """A folder of unfinished work that one process uses at a time.

    A key stands for the version, the recipe and the images. Work made from others has another key and is not reused.

    Attributes:
        folder: where the workspace is.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Open a folder, with the work that an earlier process left in it; None opens a temporary folder.

        Raises:
            ResultsError: another process uses it.
        """
        self._open = ExitStack()
        self._files = ExitStack()
        self._persistent_folder = folder
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
            raise ResultsError(
                f"Another process works in {folder}; wait until it ends, or choose another folder."
            ) from None

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()
        folder = self._persistent_folder
        if folder is not None and {entry.name for entry in folder.glob("*")} <= {LOCK}:
            self.remove()  # nothing was written: a call that fails at its start leaves no folder
        self._open.close()

    @property
    def persistent(self) -> bool:
        """Tell whether the work outlives the process."""
        return self._persistent_folder is not None

    def open_features(self, key: str, scales: tuple[Scale, ...]) -> FeatureFiles:
        """Open the feature files of one encoder; they are closed with the workspace."""
        return self._files.enter_context(FeatureFiles(scales, self.folder / f"features-{key}"))

    def checkpoints(self, key: str) -> FolderCheckpoints:
        """Return the checkpoints of one fit."""
        return FolderCheckpoints(self.folder / f"fit-{key}")

    def remove(self) -> None:
        """Delete the work when it is done, and the folder too, unless it holds other files.

        The lock is held until the work is deleted, so that no other process starts in the folder before.
        """
        self._files.close()
        folder, self._persistent_folder = self._persistent_folder, None  # from here on another process may use it
        if folder is None:
            self._open.close()
            return
        for entry in folder.glob("*"):
            if OWN_FOLDERS.fullmatch(entry.name):
                shutil.rmtree(entry, ignore_errors=True)
            elif entry.name.lower() in SYSTEM_FILES:
                entry.unlink(missing_ok=True)
        with suppress(PermissionError):  # Windows cannot delete a lock file while it is held, and deletes it afterwards
            (folder / LOCK).unlink(missing_ok=True)
        self._open.close()
        with suppress(OSError):  # it holds other files
            folder.rmdir()


@final
class FolderCheckpoints:
    """Checkpoints as safetensors files; a new one replaces the former whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, name: str) -> dict[str, Tensor] | None:
        """Return the arrays last written under the name; None if there are none, or the file is damaged."""
        try:
            # Not `load_file`, which keeps the file mapped: Windows cannot replace a mapped file.
            return read_arrays(self._path(name).read_bytes())
        except (FileNotFoundError, SafetensorError):
            return None

    def write(self, name: str, arrays: dict[str, Tensor]) -> None:
        """Write arrays under the name, in place of former ones."""
        plain = {key: array.detach().cpu().contiguous().clone() for key, array in arrays.items()}
        with replace_file(self._path(name)) as fresh:
            safetensors.torch.save_file(plain, fresh)

    def _path(self, name: str) -> Path:
        return self.folder / f"{make_key(name)}.safetensors"


def make_key(*parts: object) -> str:
    """Return a short key for plain values; equal values give equal keys."""
    return make_short_digest(json.dumps(parts, sort_keys=True, default=str))
