"""The short guide that the package brings: one page for the browser, or text for a terminal. It needs no network."""

from __future__ import annotations

import re
from importlib.resources import files

from markdown_it import MarkdownIt

from unoqa.report.assets import render_static

SOURCE = "guide.md"
"""The text; it lies beside the package's own `__init__.py`, and the documentation site shows it too."""


def read_guide() -> str:
    """Return the guide as Markdown; of links to pages that are not in the package, the words stay."""
    text = (files("unoqa") / SOURCE).read_text(encoding="utf-8")
    text = text.partition("\n## More\n")[0] + "\n"
    return re.sub(r"\[([^\]]+)\]\((?!#)[^)]+\)", r"\1", text)


def write_guide_page() -> str:
    """Return the guide as one HTML page that opens from disk, runs no script and asks for nothing."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(read_guide())
    return render_static(str(__package__), "guide", body=body)
