"""Why a file is not read: every sentence of this room, on one page."""

from __future__ import annotations

from unoqa.core.errors import ImageError


def unreadable(name: str, reason: str = "is damaged and cannot be decoded") -> ImageError:
    """Build the error for a file that no decoder makes sense of."""
    return ImageError("unreadable", f"{name} {reason}; open it in a viewer and export it again.")


def unopened(name: str, reason: str) -> ImageError:
    """Build the error for a file that the system does not give."""
    return ImageError("unreadable", f"{name} cannot be opened ({reason}); check that it may be read.")


def truncated(name: str) -> ImageError:
    """Build the error for a file that stops before its image does."""
    return ImageError("truncated", f"{name} ends before its image does; copy or export it again.")


def unsupported(name: str, what: str) -> ImageError:
    """Build the error for a sound file of a kind that has no defined brightness, or that is not decoded."""
    return ImageError("unsupported", f"{name} {what}, which unoqa does not read; export it as a grey PNG or TIFF.")


def too_large(name: str, what: str) -> ImageError:
    """Build the error for a file beyond the limits."""
    return ImageError("too-large", f"{name} {what}; export the en-face image alone, at its own size.")


def not_finite(name: str) -> ImageError:
    """Build the error for pixels that are no numbers."""
    return ImageError("not-finite", f"{name} holds NaN or infinite values; export it again.")
