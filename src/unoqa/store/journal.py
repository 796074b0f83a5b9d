"""The journal of a run: every scored image, written at once, so that a killed run goes on where it was."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import Float

from unoqa.core.errors import ResultsError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

FOLDER = ".unfinished"
"""Where the journal stands in a results folder while a run is not finished."""


@final
@dataclass(frozen=True)
class Entry:
    """One scored image; `digest` is that of its pixels."""

    image: str
    digest: str
    score: float
    point: Float[np.ndarray, " high"]
    reasons: tuple[str, ...]


@final
class Journal:
    """An append-only file of entries, under the checksum of the model that made them.

    An entry stands for the pictures of its image too: a run with heat does not go on from one without.
    """

    def __init__(self, results: Path, model: str, *, heat: bool) -> None:
        self._path = results / FOLDER / "journal.jsonl"
        self._head = {"model": model, "heat": heat}
        self._known = self._read()
        self._file = self._open()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def find(self, image: str, digest: str) -> Entry | None:
        """Return the entry of an image, if it was scored before and has not changed."""
        entry = self._known.get(image)
        return entry if entry is not None and entry.digest == digest else None

    def add(self, entry: Entry) -> None:
        """Append an entry; it is on its way to the disk when this returns."""
        point = base64.b64encode(entry.point.astype("<f8").tobytes()).decode()
        line = {**vars(entry), "point": point, "reasons": list(entry.reasons)}
        # ASCII only: no name then holds a line end of Unicode, and no cut falls into the middle of a letter.
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    def remove(self) -> None:
        """Take the journal away: the run is finished."""
        self._file.close()
        self._path.unlink(missing_ok=True)
        self._path.parent.rmdir()

    def _read(self) -> dict[str, Entry]:
        """Read the entries of an earlier run; a line that a kill cut short is left out."""
        if not self._path.is_file():
            return {}
        lines = [_parsed(line) for line in self._path.read_text(encoding="utf-8").splitlines()]
        if not lines or lines[0] is None:
            return {}
        if lines[0].get("model") != self._head["model"]:
            raise ResultsError(
                f"{self._path.parent.parent} holds an unfinished run of another model; name a new folder, or "
                "remove that one if it is not needed."
            )
        if lines[0] != self._head:
            return {}
        return {line["image"]: _entry(line) for line in lines[1:] if line is not None}

    def _open(self) -> TextIO:
        """Open for appending, after rewriting what was readable: a cut line would spoil the next."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("w", encoding="utf-8", newline="\n")
        file.write(json.dumps(self._head) + "\n")
        self._file = file
        for entry in self._known.values():
            self.add(entry)
        return file


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _entry(line: dict[str, Any]) -> Entry:
    point = np.frombuffer(base64.b64decode(line["point"]), dtype="<f8")
    return Entry(line["image"], line["digest"], line["score"], point, tuple(line["reasons"]))
