"""The documentation site is built without a warning, says everything that exists, and loads nothing from elsewhere."""

from __future__ import annotations

import functools
import http.server
import re
import shlex
import sys
import threading
from pathlib import Path

import pytest

from browser import browser, open_page
from programs import run as run_program
from unoqa import contracts
from unoqa.cli.choices import SHELVES
from unoqa.store.results.database import VERSION

__all__ = ["browser"]

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the folder of the built site; what the strict build warns of is an error."""
    folder = tmp_path_factory.mktemp("site")
    sources, built = folder / "sources", folder / "built"
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for former, new in (
        ("build/docs-source", sources),
        ("build/site", built),
        ("paths: [src]", f"paths: [{ROOT}/src]"),
    ):
        settings = settings.replace(former, str(new))
    (folder / "mkdocs.yml").write_text(settings, encoding="utf-8")
    run(sys.executable, "docs/site/sources.py", sources)
    run(sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--config-file", folder / "mkdocs.yml")
    return built


@pytest.fixture(scope="module")
def address(site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["index", "docs/start", "docs/how-it-works", "docs/reference/choices", "lab/LOG"])
def test_a_page_loads_nothing_from_elsewhere_and_has_no_error(page, scheme, address, browser):
    with open_page(browser, color_scheme=scheme) as watched:
        watched.page.goto(f"{address}/{page}.html")
        watched.page.get_by_role("textbox", name="Search").click()
        watched.page.wait_for_load_state("networkidle")
        watched.page.screenshot(full_page=False)
        assert [url for url in watched.requests if not url.startswith(address)] == []
        assert watched.errors == []


def test_no_page_names_a_script_style_or_picture_from_elsewhere(site):
    pages = {page.relative_to(site).as_posix(): page.read_text(encoding="utf-8") for page in site.rglob("*.html")}
    loading = (
        r'<(script|img|iframe)[^>]+src="(https?:)?//|<link[^>]+rel="(stylesheet|preconnect)[^>]+href="(https?:)?//'
    )
    assert [page for page, text in pages.items() if re.search(loading, text)] == []
    assert len(pages) > 30


def test_every_choice_contract_and_column_is_on_its_page(site):
    page = {
        name: (site / f"docs/reference/{name}.html").read_text(encoding="utf-8")
        for name in ("choices", "contracts", "record")
    }
    names = [name for shelf in SHELVES for name in shelf.names() if shelf.load(name).__module__.startswith("unoqa.")]
    assert [name for name in names if f">{name}<a" not in page["choices"]] == []
    public = [name for name in contracts.__all__ if hasattr(getattr(contracts, name), "__qualname__")]
    assert [name for name in public if f"{name}" not in page["contracts"]] == []
    assert f"schema version {VERSION}" in page["record"]
    assert "SHA-256 of the pixels" in page["record"]


def test_the_tutorial_runs_as_it_stands(tmp_path):
    page = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert len(lines) == 8
    printed = [run(sys.executable, "-m", *shlex.split(line), cwd=tmp_path) for line in lines]
    assert "kappa" in printed[5]
    assert printed[-1].startswith("Image quality of 120 OCTA en-face images was graded")
    for file in (
        "clinic-demo/results/report.html",
        "results/report.html",
        "one/grades.csv",
        "grades-for-the-study.csv",
    ):
        assert (tmp_path / file).is_file()


def run(*words, cwd=ROOT):
    return run_program(*words, cwd=cwd, NO_MKDOCS_2_WARNING="1")
