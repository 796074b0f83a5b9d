"""Measurements of unoqa alone: grading of many images, the start of the command, one image, the measures."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from speed.comparison import Bench
from speed.images import copy_repeatedly
from speed.process import run
from speed.programs import UNOQA, Unoqa

GROWTH = (500, 1000, 5000)
"""Numbers of images graded in one run; memory should not grow with them."""

HELP_STARTS = 5
"""Number of starts of the command; their median counts."""

MIN_DIFFERENCE = 50
"""Number of images by which the long run must exceed the short one, to measure the time of one more image."""


def measure_short_runs(bench: Bench) -> dict[str, Any]:
    """Return the measurements that take little time."""
    return {
        "help": bench.cache.run("unoqa --help", measure_help),
        **bench.cache.run("one image", lambda: measure_one_image(bench)),
        **bench.cache.run(f"measures, {bench.repeats} times", lambda: measure_measures(bench)),
    }


def measure_help() -> float:
    """Return the median seconds of `unoqa --help`."""
    return statistics.median(run([UNOQA, "--help"]).seconds for _ in range(HELP_STARTS))


def measure_one_image(bench: Bench) -> dict[str, float]:
    """Return milliseconds per image without the encoder, and images per second of the measures, on one thread."""
    unoqa = bench.unoqa("default")
    unoqa.fit(bench.cohort.fit)
    output = run([sys.executable, Path(__file__).with_name("single.py"), unoqa.model, bench.cohort.grade]).output
    values = json.loads(output.splitlines()[-1])
    return {"beyond": values["beyond"], "measures_encode": values["rate"]}


def measure_measures(bench: Bench) -> dict[str, float | None]:
    """Return images per second with the recipe `measures`, from file to grade on one thread."""
    unoqa = bench.unoqa("measures")
    unoqa.fit(bench.cohort.fit)
    milliseconds = median_if_all(measure_one_more(unoqa, bench) for _ in range(bench.repeats))
    return {"measures_whole": 1000 / milliseconds if milliseconds else None}


def median_if_all(values: Iterable[float | None]) -> float | None:
    """Return the median; None if a value is None, because the rest would be a selection by chance."""
    every = list(values)
    known = [value for value in every if value is not None]
    return statistics.median(known) if len(known) == len(every) else None


def measure_one_more(unoqa: Unoqa, bench: Bench) -> float | None:
    """Return milliseconds per additional image: a long run minus a short one, so that the start does not count.

    None if the runs differ by too few images for a reliable difference, or if the short run took longer by chance.
    """
    cohort = bench.cohort
    difference = len(cohort.grades) - cohort.few_count
    if difference < MIN_DIFFERENCE:
        return None
    long = unoqa.grade(cohort.grade, threads=1).seconds
    short = unoqa.grade(cohort.few, threads=1).seconds
    return 1000 * (long - short) / difference if long > short else None


def measure_growth(bench: Bench) -> dict[str, dict[str, float]]:
    """Return time and memory of grading more and more images with the recipe `measures`."""
    unoqa = bench.unoqa("measures")
    images = sorted(bench.cohort.grade.iterdir())

    def grade(count: int) -> dict[str, float]:
        folder = bench.work / "many"
        copy_repeatedly(images, folder, count)
        completed = unoqa.grade(folder)
        shutil.rmtree(folder)
        return completed.to_dict()

    bench.cache.run("growth: fit", lambda: unoqa.fit(bench.cohort.fit).to_dict())
    return {str(count): bench.cache.run(f"growth: {count} images", partial(grade, count)) for count in GROWTH}
