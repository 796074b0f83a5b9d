"""The short guide that the package brings: one page for the browser, or text for a terminal. It needs no network."""

from __future__ import annotations

import re
from importlib.resources import files

from jinja2 import Environment
from markdown_it import MarkdownIt

from unoqa.report.assets import hash_inline, read_asset

SOURCE = "guide.md"
"""The text; it lies beside the package's own `__init__.py`, and the documentation site shows it too."""


def read_guide() -> str:
    """Return the guide as Markdown; of links to pages that are not in the package, the words stay."""
    text = (files("unoqa") / SOURCE).read_text(encoding="utf-8")
    text = text.partition("\n## More\n")[0] + "\n"
    return re.sub(r"\[([^\]]+)\]\((?!#)[^)]+\)", r"\1", text)


def write_guide_page() -> str:
    """Return the guide as one HTML page that opens from disk, runs no script and asks for nothing."""
    styles = read_asset("theme.css") + read_asset("guide.css")
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(read_guide())
    page = Environment(autoescape=True, trim_blocks=True).from_string(read_asset("guide.html"))
    return page.render(styles=styles, style_hash=hash_inline(styles), body=body)
