"""Whether disease is taken for damage: how many good phantom scans of diseased eyes a model refuses.

    python benchmarks/lesions.py [--recipes default measures] [--fits 2] [--scans 60]
    python benchmarks/lesions.py --picture

A model is fitted on 60 outstanding phantom scans, of healthy eyes only or with 30 % of diseased ones among them. Then
it scores other outstanding scans: of healthy eyes, and of the same eyes with one lesion each. The table goes to stdout,
in Markdown: the share that is refused, its 95 % interval, and the findings that come first in refused scans, with how
often they do. With `--picture`, docs/lesions.jpg is drawn instead.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from unoqa.benchmark.phantom.anatomy import draw_angiogram
from unoqa.benchmark.phantom.cohort import draw_scans
from unoqa.benchmark.phantom.contract import Lesion, load_lesions
from unoqa.core.image import EnfaceImage
from unoqa.core.intervals import Share
from unoqa.core.parallel import map_all
from unoqa.core.progress import NoProgress
from unoqa.grader.grader import Grader
from unoqa.grader.recipe import Recipe

PICTURE = Path(__file__).parent.parent / "docs" / "lesions.jpg"

FITTED_ON, DISEASED = 60, 0.3
"""Scans that a model is fitted on, and the share of diseased ones that a site might put among them."""

SHOWN = 256
"""Columns of a scan that the picture shows."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="+", default=["default", "measures"])
    parser.add_argument("--fits", type=int, default=2, help="models fitted, each on other scans")
    parser.add_argument("--scans", type=int, default=60, help="scans of each kind that each model scores")
    parser.add_argument("--picture", action="store_true")
    given = parser.parse_args()
    if given.picture:
        draw_picture()
        return
    eyes = {"healthy": None, **load_lesions()}
    tested = [
        {name: list(draw(given.scans, lesion, seed=200 + fit)) for name, lesion in eyes.items()}
        for fit in range(given.fits)
    ]
    print("| recipe | fitted on | eyes scored | refused | 95 % interval | first findings |")
    print("|---|---|---|---|---|---|")
    for recipe in given.recipes:
        for share in (0.0, DISEASED):
            tabulate(Recipe.named(recipe), share, tested)


def tabulate(recipe: Recipe, share: float, tested: list[dict[str, list[EnfaceImage]]]) -> None:
    """Fit one model for each set of scans to score, and print one row per kind of eye."""
    graders = [recipe.fit(list(draw_to_fit(share, seed=100 + fit))) for fit in range(len(tested))]
    fitted_on = f"{share:.0%} diseased" if share else "healthy"
    for name in tested[0]:
        found = [one for grader, scans in zip(graders, tested, strict=True) for one in score(grader, scans[name])]
        first = [one for one in found if one is not None]
        seen = Share(len(first), len(found))
        words = ", ".join(f"{word} ({count})" for word, count in Counter(first).most_common(2))
        low, high = seen.interval
        print(
            f"| {recipe.name} | {fitted_on} | {name} | {seen.value:.3f} | {low:.3f} to {high:.3f} | {words} |",
            flush=True,
        )


def draw_to_fit(share: float, *, seed: int) -> Iterator[EnfaceImage]:
    """Draw scans to fit on; of the diseased ones, equally many have each lesion, as nearly as can be."""
    lesions = list(load_lesions().values())
    counts = np.bincount(np.arange(round(share * FITTED_ON)) % len(lesions), minlength=len(lesions)).tolist()
    for number, (count, lesion) in enumerate([(FITTED_ON - sum(counts), None), *zip(counts, lesions, strict=True)]):
        yield from draw(count, lesion, seed=1000 * number + seed)


def draw(count: int, lesion: Lesion | None, *, seed: int) -> Iterator[EnfaceImage]:
    """Draw outstanding scans of healthy eyes, or of eyes with a lesion."""
    for scan in draw_scans(outstanding=count, gradable=0, ungradable=0, seed=seed, lesion=lesion):
        yield EnfaceImage(f"{seed}-{scan.name}", scan.pixels / np.float32(255))


def score(grader: Grader, images: list[EnfaceImage]) -> list[str | None]:
    """Return the first finding of each scan that is refused, and None of one that is not."""
    assessed = map_all(lambda one: grader.assess(one)[0], images, NoProgress().task("scoring", 0))
    words = [one.findings[0].words if one.findings else "none" for one in assessed]
    return [None if grader.threshold.passes(one.score) else word for one, word in zip(assessed, words, strict=True)]


def draw_picture() -> None:
    """Draw one eye in health and with each lesion."""
    eyes = {"healthy": None, **load_lesions()}
    scans = [draw_angiogram(np.random.default_rng(12), lesion=lesion)[:, :SHOWN] for lesion in eyes.values()]
    picture = Image.fromarray(np.uint8(np.round(np.concatenate(scans, axis=1) * 255)))
    sheet = Image.new("L", (picture.width, picture.height + 26), 255)
    sheet.paste(picture, (0, 26))
    for number, name in enumerate(eyes):
        ImageDraw.Draw(sheet).text((SHOWN * number + 4, 4), name.replace("_", " "), fill=0, font_size=16)
    sheet.save(PICTURE, quality=60, optimize=True)


if __name__ == "__main__":
    main()
