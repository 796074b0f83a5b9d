"""A real browser for the tests of pages: Chromium, driven by Playwright, watched for errors and requests."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome")
"""Programs that are looked for, in this order; `UNOQA_CHROMIUM` names another."""


@final
@dataclass
class WatchedPage:
    """A page, and what it did that a user does not see.

    Attributes:
        errors: errors of the console and of scripts, and what the Content-Security-Policy refused.
        requests: addresses that were asked for; those within the page (`data:`, `blob:`) do not count.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Note what happens from now on."""
        self.page.on("console", lambda one: self.errors.append(one.text) if one.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda one: None if _is_inside(one.url) else self.requests.append(one.url))

    def violations(self) -> list[str]:
        """Return what axe finds wrong for people who use a keyboard or a screen reader, or see few colours."""
        from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - of the extra `dev`, for few tests

        found = Axe().run(self.page).response["violations"]
        return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]


def _is_inside(url: str) -> bool:
    return url.startswith(("data:", "blob:", "about:"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium; where it is missing the test skips, or fails if UNOQA_REQUIRE_BROWSER is set, as in CI.

    For one module only: while Playwright runs, no other event loop can run on this thread.
    """
    program = os.environ.get("UNOQA_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        say = pytest.fail if os.environ.get("UNOQA_REQUIRE_BROWSER") else pytest.skip
        say("Chromium is not installed; on Debian: apt-get install chromium.")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - importing it takes a third of a second

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@contextmanager
def open_page(browser: Browser, **context: Any) -> Iterator[WatchedPage]:
    """Open an empty page in a profile of its own.

    Args:
        context: as `Browser.new_context` takes it, such as `viewport` or `color_scheme`.
    """
    opened = browser.new_context(**context)
    watched = WatchedPage(opened.new_page())
    watched.listen()
    yield watched
    opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[WatchedPage]:
    """Give an empty page of 1280×800; when the test has ended, no error may have been seen."""
    with open_page(browser, viewport={"width": 1280, "height": 800}) as watched:
        yield watched
        assert watched.errors == []
