"""`run.json`: what was run, with what, on how many images, how long."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, final

from unoqa.core.contracts import Output
from unoqa.store.files import write_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

    from unoqa.core.grading import RunRecord
    from unoqa.core.image import EnfaceImage


@final
class RunJson(Output):
    """The facts of the run as JSON; holds no path of the machine."""

    def each(self, folder: Path, image: EnfaceImage, heat: Callable[[], np.ndarray]) -> None:
        """Write nothing for single images."""
        del folder, image, heat

    def finish(self, folder: Path, record: RunRecord) -> None:
        """Write the facts."""
        write_text(folder / "run.json", json.dumps(record.facts, indent=2, ensure_ascii=False) + "\n")
