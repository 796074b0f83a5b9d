"""The theme in a real browser: what pages are built of can be read and used by everyone."""

from __future__ import annotations

import pytest

from browser import browser, open_page
from unoqa.report.assets import read_asset

__all__ = ["browser"]

pytestmark = pytest.mark.slow

PIECES = """<!doctype html><html lang="en"><head><title>Pieces</title><style>{style}</style></head><body><main>
<h1>Pieces</h1><p class="muted">Quiet words</p><p class="notice">A notice</p>
<button>Plain</button> <button class="primary">Primary</button> <button class="chip" aria-pressed="true">Chip</button>
<label>Name <input></label> <label>Choice <select><option>One</option></select></label>
<div class="card"><span class="grade outstanding">outstanding</span> <span class="grade gradable">gradable</span>
<span class="grade ungradable">ungradable</span> <span class="grade no-grade">no grade</span></div>
<table><caption>Table</caption><tr><th scope="col">One</th></tr><tr><td>1</td></tr></table></main></body></html>"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pieces_of_a_page_can_be_used_by_everyone(browser, scheme):
    with open_page(browser, color_scheme=scheme) as watched:
        watched.page.set_content(PIECES.format(style=read_asset("theme.css")))
        assert watched.violations() == []
        assert watched.errors == []


def test_the_reader_may_choose_the_other_scheme(browser):
    with open_page(browser, color_scheme="light") as watched:
        watched.page.set_content(PIECES.format(style=read_asset("theme.css")))
        read_ground = "getComputedStyle(document.body).backgroundColor"
        light = watched.page.evaluate(read_ground)
        watched.page.evaluate("document.documentElement.dataset.theme = 'dark'")
        assert watched.page.evaluate(read_ground) != light
        assert watched.violations() == []
