"""Take the pictures of README and docs from the results of `unoqa demo`: docs/report.jpg and docs/report-image.jpg.

Needs Chromium and Playwright (extra `dev`):

    python benchmarks/screenshots.py build/demo/results
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="results folder of `unoqa demo`")
    report = parser.parse_args().results / "report.html"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto(report.absolute().as_uri())
        take_cohort(page, DOCS / "report.jpg")
        take_image(page, DOCS / "report-image.jpg")
        chromium.close()


def take_cohort(page: Page, path: Path) -> None:
    """All images beside their plots, the best first."""
    page.get_by_label("Sort").select_option("best")
    page.evaluate("document.getElementById('explore').scrollIntoView({ behavior: 'instant' })")
    settle(page)
    page.screenshot(path=path, type="jpeg", quality=82)


def take_image(page: Page, path: Path) -> None:
    """One poor image, large, with its findings."""
    page.get_by_label("Sort").select_option("worst")
    page.locator("#mosaic .tile").nth(1).click()
    settle(page)
    page.locator("#detail").screenshot(path=path, type="jpeg", quality=82)


def settle(page: Page) -> None:
    """Wait until every picture in sight is drawn."""
    page.wait_for_timeout(500)
    page.evaluate("Promise.all([...document.images].map((image) => image.decode()))")


if __name__ == "__main__":
    main()
