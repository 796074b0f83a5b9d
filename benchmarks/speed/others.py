"""What is measured of ours alone: how grading grows, the start of the command, one image, the measures."""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from speed.images import repeated
from speed.measured import Bench
from speed.process import run
from speed.programs import UNOQA, Ours

GROWTH = (500, 1000, 5000)
"""Images graded at once; memory should not grow with them."""

HELPS = 5
"""Starts of the command of which the median counts."""

FEWEST_BETWEEN = 50
"""Images by which a long run and a short one must differ, to tell what one image more takes."""


def small(bench: Bench) -> dict[str, Any]:
    """Return what takes little."""
    return {
        "help": bench.kept_of_both.step("unoqa --help", help_seconds),
        **bench.kept_of_both.step("one image", lambda: one_image(bench)),
        **bench.kept_of_both.step(f"measures, {bench.repeats} times", lambda: measures(bench)),
    }


def help_seconds() -> float:
    return statistics.median(run([UNOQA, "--help"]).seconds for _ in range(HELPS))


def one_image(bench: Bench) -> dict[str, float]:
    """Return milliseconds of one image beyond the encoder, and images a second by the measures: one thread, loaded."""
    ours = bench.ours("default")
    ours.fit(bench.cohort.fit)
    said = run([sys.executable, Path(__file__).with_name("single.py"), ours.model, bench.cohort.grade]).said
    found = json.loads(said.splitlines()[-1])
    return {"beyond": found["beyond"], "measures_encode": found["rate"]}


def measures(bench: Bench) -> dict[str, float | None]:
    """Return images a second by the recipe `measures`, from file to grade on one thread."""
    ours = bench.ours("measures")
    ours.fit(bench.cohort.fit)
    milliseconds = median_if_all(one_more(ours, bench) for _ in range(bench.repeats))
    return {"measures_whole": 1000 / milliseconds if milliseconds else None}


def median_if_all(found: Iterable[float | None]) -> float | None:
    """Return the median, or None where a repeat told nothing: those that did would be chosen by chance."""
    told = list(found)
    known = [value for value in told if value is not None]
    return statistics.median(known) if len(known) == len(told) else None


def one_more(ours: Ours, bench: Bench) -> float | None:
    """Return milliseconds for one image more: a long run less a short one, so that the start does not count.

    Nothing is told where the runs differ by too few images for their times to differ by more than chance, or where
    chance made the short one the longer.
    """
    cohort = bench.cohort
    between = len(cohort.grades) - cohort.counted_few
    if between < FEWEST_BETWEEN:
        return None
    long = ours.grade(cohort.grade, threads=1).seconds
    short = ours.grade(cohort.few, threads=1).seconds
    return 1000 * (long - short) / between if long > short else None


def growth(bench: Bench) -> dict[str, dict[str, float]]:
    """Return time and memory of grading ever more images by the recipe `measures`."""
    ours = bench.ours("measures")
    images = sorted(bench.cohort.grade.iterdir())

    def graded(count: int) -> dict[str, float]:
        folder = bench.work / "many"
        repeated(folder, images, count)
        found = ours.grade(folder).figures()
        shutil.rmtree(folder)
        return found

    bench.kept_of_both.step("growth: fit", lambda: ours.fit(bench.cohort.fit).figures())
    return {str(count): bench.kept_of_both.step(f"growth: {count} images", partial(graded, count)) for count in GROWTH}
