"""The journal of a run: every scored image, written at once, so that a killed run goes on where it was."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from filelock import FileLock, Timeout
from jaxtyping import Float

from unoqa.core.errors import ResultsError
from unoqa.store.files import write_text

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path
    from typing import TextIO

FOLDER = ".unfinished"
"""Where the journal stands in a results folder while a run is not finished."""


@final
@dataclass(frozen=True)
class JournalEntry:
    """One scored image; `digest` is that of its pixels, and its point is in half or in double precision."""

    image: str
    digest: str
    score: float
    point: Float[np.ndarray, " high"]
    reasons: tuple[str, ...]


@final
class Journal:
    """An append-only file of entries, under the checksum of the model and the conditions that made them.

    An entry stands for the pictures of its image too: a run with heat does not go on from one without. One
    process writes at a time.
    """

    def __init__(self, results: Path, model: str, *, heat: bool, conditions: str, names: Container[str]) -> None:
        """Open the journal, going on from an earlier run's where that was of the same kind.

        Args:
            conditions: versions, device and overlays kept apart; entries made under others are not gone on from.
            names: the images of the run.

        Raises:
            ResultsError: an unfinished run of another model or of other images, or one that still runs.
        """
        self._results = results
        self._path = results / FOLDER / "journal.jsonl"
        self._one_at_a_time = threading.Lock()
        self._head = {"model": model, "heat": heat, "conditions": conditions}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self._path.with_name("lock"))
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise ResultsError(f"Another process is writing to {results}; wait for it, or name a new folder.") from None
        try:
            self._known = self._read(names)
            self._file = self._open()
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._lock.release()

    def find(self, image: str, digest: str) -> JournalEntry | None:
        """Return the entry of an image, if it was scored before and has not changed."""
        entry = self._known.pop(image, None)
        return entry if entry is not None and entry.digest == digest else None

    def add(self, entry: JournalEntry) -> None:
        """Append an entry; it outlives the process when this returns, though not a loss of power."""
        line = _line(entry)
        with self._one_at_a_time:
            self._file.write(line)
            self._file.flush()

    def remove(self) -> None:
        """Take the journal away, since the run is finished, before another process may open it."""
        self._file.close()
        shutil.rmtree(self._path.parent, ignore_errors=True)
        self._lock.release()
        with suppress(OSError):  # it is gone, except on Windows, which keeps a lock's file while it is held
            self._path.parent.rmdir()

    def _read(self, names: Container[str]) -> dict[str, JournalEntry]:
        """Read the entries of an earlier run; a line that a kill cut short is left out."""
        if not self._path.is_file():
            return {}
        lines = [_parsed(line) for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines()]
        head = lines[0] if lines else None
        if head is None:
            return {}
        if head.get("model") != self._head["model"]:
            raise self._of_another("model")
        entries = [entry for entry in map(_entry, lines[1:]) if entry is not None]
        if any(entry.image not in names for entry in entries):
            raise self._of_another("set of images")
        same = head.get("conditions") == self._head["conditions"] and (head.get("heat") or not self._head["heat"])
        return {entry.image: entry for entry in entries} if same else {}

    def _of_another(self, what: str) -> ResultsError:
        return ResultsError(
            f"{self._results} holds an unfinished run of another {what}; name a new folder, or remove that one "
            "if it is not needed."
        )

    def _open(self) -> TextIO:
        """Open for appending, after rewriting what was readable: a cut line would spoil the next."""
        kept = [json.dumps(self._head) + "\n", *(_line(entry) for entry in self._known.values())]
        write_text(self._path, "".join(kept))
        return self._path.open("a", encoding="utf-8", newline="\n")


def _line(entry: JournalEntry) -> str:
    """Write an entry in ASCII: no name then holds a line end of Unicode, and no cut falls into a letter."""
    kind = "<f2" if entry.point.dtype == np.float16 else "<f8"
    point = base64.b64encode(entry.point.astype(kind).tobytes()).decode()
    values = {**vars(entry), "point": point, "kind": kind, "reasons": list(entry.reasons)}
    return json.dumps({**values, "sum": _sum(values)}) + "\n"


def _sum(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _entry(line: dict[str, Any] | None) -> JournalEntry | None:
    """Make an entry of a line; None where the line is not one, cut short or changed by somebody."""
    if line is None or line.pop("sum", None) != _sum(line):
        return None
    point = np.frombuffer(base64.b64decode(line["point"]), dtype=line["kind"])
    return JournalEntry(line["image"], line["digest"], line["score"], point, tuple(line["reasons"]))
