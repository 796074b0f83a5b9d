"""`run.json`: the model, the settings, the versions, the counts and the time of a run."""

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
    """The facts of the run as JSON, without any path of this machine."""

    def write_image(self, folder: Path, image: EnfaceImage, heat: Callable[[], np.ndarray]) -> None:
        """Write nothing: the facts belong to the whole run."""
        del folder, image, heat

    def write_run(self, folder: Path, record: RunRecord) -> None:
        """Write the facts."""
        write_text(folder / "run.json", json.dumps(record.facts, indent=2, ensure_ascii=False) + "\n")
