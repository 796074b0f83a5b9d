"""Steps that are done stay done: a run that was killed goes on with the step that it was killed in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speed.process import say
from unoqa.store.files import write_text


@dataclass
class Kept:
    """Raw figures by step, in a file that is written anew after each.

    Attributes:
        conditions: what the figures of every step depend on; a step under other conditions is another step.
    """

    file: Path
    conditions: str

    def step(self, name: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return what the step found when it was done before, or do it now."""
        done = self._done()
        key = f"{name} ({self.conditions})"
        if key in done:
            say(f"{name}: done before")
            return done[key]
        say(name)
        found = work()
        done[key] = found
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.file, json.dumps(done, indent=1))
        return found

    def under(self, conditions: str) -> Kept:
        """Return the same file under further conditions."""
        return Kept(self.file, f"{self.conditions}, {conditions}")

    def _done(self) -> dict[str, Any]:
        return json.loads(self.file.read_text(encoding="utf-8")) if self.file.exists() else {}


def fingerprint(*places: Path) -> str:
    """Tell states of source apart: a figure of another state is not used again."""
    digest = hashlib.sha256()
    for place in places:
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.suffix in {".py", ".toml"}:
                digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:8]
