"""Take the pictures of README and docs from what `unoqa demo` made: the report, the review and the app.

Needs Chromium and Playwright (extra `dev`):

    unoqa demo build/demo
    python benchmarks/screenshots.py build/demo
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Page, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).parents[1] / "docs"

QUALITY = 82
"""Of the pictures, JPEG."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="folder that `unoqa demo` made")
    demo = parser.parse_args().demo
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as temporary:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto((demo / "results" / "report.html").absolute().as_uri())
        take_cohort(page, DOCS / "report.jpg")
        take_image(page, DOCS / "report-image.jpg")
        copy = Path(shutil.copytree(demo, Path(temporary) / "octa"))  # decisions are added to the record
        with serve("review", copy / "results") as address:
            take_review(page, address, DOCS / "review.jpg")
        with serve("app", copy) as address:
            take_app(page, address, DOCS / "app.jpg")
        chromium.close()


def take_cohort(page: Page, path: Path) -> None:
    """All images beside their plots, the best first."""
    page.get_by_label("Sort").select_option("best")
    page.evaluate("document.getElementById('explore').scrollIntoView({ behavior: 'instant' })")
    settle(page)
    page.screenshot(path=path, type="jpeg", quality=QUALITY)


def take_image(page: Page, path: Path) -> None:
    """One poor image, large, with its findings."""
    page.get_by_label("Sort").select_option("worst")
    page.locator("#mosaic .tile").nth(1).click()
    settle(page)
    page.locator("#detail").screenshot(path=path, type="jpeg", quality=QUALITY)


def take_review(page: Page, address: str, path: Path) -> None:
    """Twelve images graded as one who looks at heat might, then one that is still open."""
    page.goto(address)
    page.get_by_label("Name").fill("Anna")
    page.get_by_role("button", name="Begin").click()
    for key in "232123223123":
        page.wait_for_timeout(600)
        page.keyboard.press(key)
    page.wait_for_timeout(1500)
    settle(page)
    page.screenshot(path=path, type="jpeg", quality=QUALITY)


def take_app(page: Page, address: str, path: Path) -> None:
    """The first page with folders chosen, and the commands that do the same."""
    page.goto(address)
    for label, name in (("outstanding scans", "outstanding"), ("images to grade", "clinic")):
        page.get_by_role("button", name=f"Choose the folder of {label}").click()
        for folder in ("phantom", name):
            page.locator("#folders").get_by_role("button", name=folder).click()
        page.get_by_role("button", name="Choose this folder").click()
    page.wait_for_timeout(1000)
    page.evaluate("document.querySelector('header .name').textContent = '/data/octa'")  # not this machine's folder
    page.screenshot(path=path, type="jpeg", quality=QUALITY, clip={"x": 0, "y": 0, "width": 1280, "height": 690})


@contextmanager
def serve(*words: str | Path) -> Iterator[str]:
    """Run a command that serves pages, and give its address."""
    command = [sys.executable, "-m", "unoqa", *map(str, words), "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)


def settle(page: Page) -> None:
    """Wait until every picture in sight is drawn."""
    page.wait_for_timeout(500)
    page.evaluate("Promise.all([...document.images].filter((image) => image.src).map((image) => image.decode()))")


if __name__ == "__main__":
    main()
