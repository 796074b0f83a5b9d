"""Which libraries a score may depend on."""

from __future__ import annotations

import platform
from importlib.metadata import version

from unoqa.version import __version__

VERSIONED = ("torch", "timm", "numpy", "scipy", "scikit-image", "scikit-learn", "pillow", "tifffile")
"""Libraries on which a score may depend."""


def versions() -> dict[str, str]:
    """Return the versions of ours, of Python and of those libraries."""
    ours = {"unoqa": __version__, "python": platform.python_version()}
    return ours | {name: version(name) for name in VERSIONED}
