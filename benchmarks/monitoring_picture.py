"""Take the picture of docs/monitoring.md: made-up scans of two devices, of which one gets dimmer after three weeks.

python benchmarks/monitoring_picture.py
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from unoqa.benchmark.phantom.cohort import draw_scans

PICTURE = Path(__file__).parents[1] / "docs" / "monitoring.jpg"

FIRST, WEEK, WEEKS, SIDE = date(2027, 1, 4), 25, 6, 160

DEVICES = {"Device A": 1.0, "Device B": 0.85}
"""Brightness of each from the fourth week on."""


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_images(folder)
        run("fit", folder / "outstanding", "-o", folder / "model", "--recipe", "measures")
        run("settle", folder / "cohort", "-m", folder / "model", "-o", folder / "settled")
        settled = ("-m", folder / "settled")
        run("grade", folder / "recent" / "manifest.csv", *settled, "-o", folder / "results", "--no-heat", "--no-report")
        run("monitor", folder / "results", *settled, "--by", "device", "-o", folder / "out", status=4)
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = chromium.new_page(viewport={"width": 1120, "height": 860})
            page.goto((folder / "out" / "monitor.html").as_uri())
            page.screenshot(path=PICTURE, type="jpeg", quality=82)


def write_images(folder: Path) -> None:
    for name in ("outstanding", "cohort", "recent"):
        (folder / name).mkdir()
    for name, count, seed, poor in (("outstanding", 40, 1, False), ("cohort", 120, 2, True)):
        for number, pixels in enumerate(draw(count, seed, poor=poor)):
            Image.fromarray(pixels).save(folder / name / f"{number:03}.png")
    rows = [("path", "device", "date")]
    for device, (name, bright) in enumerate(DEVICES.items()):
        for number, pixels in enumerate(draw(WEEK * WEEKS, 3 + device, poor=True)):
            week = number // WEEK
            seen = np.rint(pixels * (bright if week >= WEEKS // 2 else 1)).astype(np.uint8)
            rows.append((f"{device}-{number:03}.png", name, str(FIRST + timedelta(days=7 * week + number % 5))))
            Image.fromarray(seen).save(folder / "recent" / rows[-1][0])
    with (folder / "recent" / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def draw(count: int, seed: int, *, poor: bool) -> list[np.ndarray]:
    good, fair = (count * 2 // 5, count * 2 // 5) if poor else (count, 0)
    scans = draw_scans(outstanding=good, gradable=fair, ungradable=count - good - fair, seed=seed, size=SIDE)
    return [scan.pixels for scan in scans]


def run(*words: str | Path, status: int = 0) -> None:
    done = subprocess.run([sys.executable, "-m", "unoqa", *map(str, words), "-q"], check=False)
    if done.returncode != status:
        raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
