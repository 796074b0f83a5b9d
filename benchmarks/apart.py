"""What it costs to decode files in processes of their own: whole runs of `unoqa grade` with them and without.

    python benchmarks/apart.py [--files 300] [--rounds 3]

Made-up scans of 320×320 pixels are saved as MATLAB, TIFF and DICOM files and graded by a settled model of the recipe
`measures`, without heat and report, on one thread. Runs with and without the processes take turns; of each the shortest
is compared, and the time that processors worked for it, those of the decoders counted.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import scipy.io
import tifffile
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from dicom_files import make_object, write_object
from unoqa import Recipe
from unoqa.batch import GradeOptions, Mode, grade_files
from unoqa.benchmark.phantom.folder import write_phantom
from unoqa.core.parallel import set_own_threads
from unoqa.formats import FORMATS
from unoqa.grader.grader import SettledGrader
from unoqa.grader.source import ImageSource

KINDS = {"matlab": ".mat", "tiff": ".tif", "dicom": ".dcm"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    set_own_threads(1)
    with tempfile.TemporaryDirectory() as made:
        base = Path(made)
        third = given.files // 3
        write_phantom(base, outstanding_to_fit=40, clinic=(third, third, given.files - 2 * third), seed=0)
        model = Recipe.named("measures").fit(base / "outstanding").settle(base / "clinic")
        for kind, suffix in KINDS.items():
            save(base / "clinic", base / kind, suffix)
            compare(model, kind, base / kind, base / "results", given.rounds)


def save(scans: Path, folder: Path, suffix: str) -> None:
    folder.mkdir()
    for path in sorted(scans.iterdir()):
        pixels, target = np.asarray(Image.open(path)), folder / f"{path.stem}{suffix}"
        if suffix == ".mat":
            scipy.io.savemat(target, {"slab": pixels}, do_compression=True)
        elif suffix == ".tif":
            tifffile.imwrite(target, pixels, compression="lzw")
        else:
            target.write_bytes(write_object(make_object(pixels)))


def compare(model: SettledGrader, kind: str, folder: Path, results: Path, rounds: int) -> None:
    times: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for number in range(rounds + 1):
        for apart in (True, False):
            FORMATS.load(kind).apart = apart
            taken = grade(model, folder, results / f"{kind}-{apart}-{number}")
            if number:  # the first run starts the processes
                times[apart].append(taken)
    apart, within = (np.min(times[key], axis=0) for key in (True, False))
    wall, worked = apart / within - 1
    print(
        f"{kind}: {apart[0]:.2f} s in processes of their own, {within[0]:.2f} s without ({wall:+.1%}); of processors "
        f"{apart[1]:.2f} s, {within[1]:.2f} s ({worked:+.1%}); load average {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def grade(model: SettledGrader, folder: Path, results: Path) -> tuple[float, float]:
    """Return the seconds of a run, and those that processors worked for it."""
    started, before = time.perf_counter(), count_worked()
    with grade_files(model, ImageSource.find([folder]), results, GradeOptions(Mode.ALONE, heat=False)):
        pass
    return time.perf_counter() - started, count_worked() - before


def count_worked() -> float:
    """Return the seconds that processors have worked for this process and those that it started and that are there."""
    here = psutil.Process()
    times = [one.cpu_times() for one in (here, *here.children())]
    return sum(one.user + one.system for one in times)


if __name__ == "__main__":
    main()
