"""A folder for unfinished work: features and checkpoints, each under a key made from what it depends on."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, final

import safetensors.torch
from safetensors import SafetensorError
from safetensors.torch import load as read_arrays

from unoqa.store.feature_files import FeatureFiles
from unoqa.store.file_names import make_short_digest
from unoqa.store.files import replace_file
from unoqa.store.work_folder import WorkFolder

if TYPE_CHECKING:
    from torch import Tensor

    from unoqa.core.features import Scale


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
        self._own: WorkFolder | None = None
        if folder is None:
            temporary = tempfile.TemporaryDirectory(prefix="unoqa-", ignore_cleanup_errors=True)
            self.folder = Path(self._open.enter_context(temporary))
        else:
            self.folder = folder
            self._own = self._open.enter_context(WorkFolder(folder))

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()
        self._open.close()

    @property
    def persistent(self) -> bool:
        """Tell whether the work outlives the process."""
        return self._own is not None

    def open_features(self, key: str, scales: tuple[Scale, ...]) -> FeatureFiles:
        """Open the feature files of one encoder; they are closed with the workspace."""
        return self._files.enter_context(FeatureFiles(scales, self.folder / f"features-{key}"))

    def checkpoints(self, key: str) -> FolderCheckpoints:
        """Return the checkpoints of one fit."""
        return FolderCheckpoints(self.folder / f"fit-{key}")

    def remove(self) -> None:
        """Delete the work when it is done, and the folder too, unless it holds other files."""
        self._files.close()
        if self._own is not None:
            self._own.remove()
            self._own = None
        self._open.close()


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
