"""Files that pages are made of: styles, scripts, templates; and the policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files


@cache
def read_asset(name: str) -> str:
    """Return the text of a file that lies beside this one, such as `theme.css`."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def hash_inline(text: str) -> str:
    """Return how a Content-Security-Policy allows exactly this inline script or style (CSP Level 3, section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
