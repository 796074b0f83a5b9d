"""Files that pages are made of: styles, scripts, templates; and the policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import DictLoader, Environment


@cache
def read_asset(name: str) -> str:
    """Return the text of a file that lies beside this one, such as `theme.css`."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def render_static(package: str, name: str = "page", **values: object) -> str:
    """Return a page that is one file, opens from disk, runs no script and asks for nothing.

    Args:
        package: holds `page.html`, which extends `static.html`, and `page.css`, which follows `theme.css`.
        name: of these two files, if it is another.
        values: for the template; all are escaped.
    """
    template, own = ((files(package) / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "css"))
    styles = read_asset("theme.css") + own
    loader = DictLoader({"static.html": read_asset("static.html")})
    pages = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return pages.from_string(template).render(styles=styles, style_hash=hash_inline(styles), **values)


def hash_inline(text: str) -> str:
    """Return how a Content-Security-Policy allows exactly this inline script or style (CSP Level 3, section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
