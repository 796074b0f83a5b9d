"""A browser, and a record to review."""

from __future__ import annotations

import pytest

from browser import browser, page
from served import draw

__all__ = ["browser", "page"]


@pytest.fixture
def results(tmp_path):
    """Return a record of twelve images."""
    return draw(tmp_path, 12)
