"""`run.json`: what was run, with what, on how many images, how long."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar, final

from unoqa.outputs.parts.contract import Output
from unoqa.store.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.store.results import Results


@final
class RunJson(Output):
    """The facts of the run as JSON; they hold no path of the machine."""

    file: ClassVar[str] = "run.json"

    def write(self, results: Results, path: Path, *, images: Path | None = None) -> None:
        """Write the facts."""
        del images
        write_text(path, json.dumps(results.facts, indent=2, ensure_ascii=False) + "\n")
