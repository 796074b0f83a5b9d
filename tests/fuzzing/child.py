"""The process that reads damaged files: it may crash or hang, and its parent counts that."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from fuzzing.mutations import mutate
from fuzzing.samples import WRITERS, draw_scan, fit_model
from unoqa import Grader
from unoqa.core.errors import ImageError
from unoqa.formats import FORMATS, collect, read

NOISE = 0.05
"""Share of the brightness range by which a pixel differs visibly from that of the sound file."""

VISIBLE = 0.02
"""Share of the field that differs in a visibly damaged image."""


def main(kind: str, first: int, last: int) -> None:
    """Read the damaged files of a kind with these seeds, and print one line of JSON for each."""
    scan, model = draw_scan(), fit_model()
    data = WRITERS[kind](scan)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"scan{FORMATS.load(kind.split(maxsplit=1)[0]).suffixes[0]}"
        path.write_bytes(data)
        sound = read(collect([path]).references[0]).pixels
        print(json.dumps({"ready": len(data)}), flush=True)
        for seed in range(first, last):
            path.write_bytes(mutate(data, seed))
            started = time.perf_counter()
            found = [look(reference, sound, model) for reference in collect([path]).references]
            seconds = time.perf_counter() - started
            print(json.dumps({"seed": seed, "found": found, "seconds": round(seconds, 3)}), flush=True)


def look(reference: object, sound: np.ndarray, model: Grader) -> dict[str, object]:
    """Return what became of an image: the code of its error, or whether it is damaged and outstanding all the same."""
    try:
        image = read(reference)
        damaged = is_damaged(image.pixels, sound)
        assessed = model.assess(image)[0] if damaged else None
        passes = assessed and not assessed.out_of_scope and model.threshold.passes(assessed.score)
    except ImageError as error:
        return {"error": error.code}
    return {"damaged": damaged, "passes": bool(passes)}


def is_damaged(pixels: np.ndarray, sound: np.ndarray) -> bool:
    """Tell whether an image differs visibly from what the sound file holds."""
    if pixels.shape != sound.shape:
        return True
    return float((np.abs(pixels - sound) > NOISE).mean()) > VISIBLE


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
