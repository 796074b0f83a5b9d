"""A cache of finished steps: a killed run continues with the step that it was killed in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speed.process import log
from unoqa.store.files import write_text


@dataclass
class StepCache:
    """The result of each step, in a JSON file that is rewritten after each step.

    Attributes:
        conditions: what every result depends on; a step under other conditions is another step.
    """

    file: Path
    conditions: str

    def run(self, name: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - any JSON value
        """Return the cached result of a step, or run the step and cache its result."""
        done = self._read()
        key = f"{name} ({self.conditions})"
        if key in done:
            log(f"{name}: cached")
            return done[key]
        log(name)
        done[key] = work()
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.file, json.dumps(done, indent=1))
        return done[key]

    def with_conditions(self, conditions: str) -> StepCache:
        """Return a cache in the same file under further conditions."""
        return StepCache(self.file, f"{self.conditions}, {conditions}")

    def _read(self) -> dict[str, Any]:
        return json.loads(self.file.read_text(encoding="utf-8")) if self.file.exists() else {}


def compute_fingerprint(*paths: Path) -> str:
    """Return a digest of source files, so that results of other source are not reused."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in {".py", ".toml"}:
                digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:8]
