"""Why a file is not read: the error messages of the formats, on one page."""

from __future__ import annotations

from unoqa.core.errors import ImageError


def unreadable_error(name: str, reason: str = "is damaged and cannot be decoded") -> ImageError:
    """Build the error for a file that cannot be decoded."""
    return ImageError("unreadable", f"{name} {reason}; open it in a viewer and export it again.")


def unopened_error(name: str, reason: str) -> ImageError:
    """Build the error for a file that the operating system does not open."""
    return ImageError(
        "unreadable", f"{name} cannot be opened ({reason}); check that it is a file and that you may read it."
    )


def changed_error(name: str) -> ImageError:
    """Build the error for a file that another program wrote to while it was read."""
    return ImageError(
        "changed", f"{name} was changed while it was read; wait until it is written, and run the same command again."
    )


def truncated_error(name: str) -> ImageError:
    """Build the error for a file that ends before its image does."""
    return ImageError("truncated", f"{name} ends before its image does; copy or export it again.")


def unsupported_error(name: str, what: str, advice: str = "export it as a grey PNG or TIFF") -> ImageError:
    """Build the error for a sound file whose brightness is undefined, or whose kind is not decoded."""
    return ImageError("unsupported", f"{name} {what}, which unoqa does not read; {advice}.")


def hidden_images_error(name: str, what: str) -> ImageError:
    """Build the error for a file whose images cannot be told apart, so that none of them is read."""
    return ImageError("unsupported", f"{name} {what}; save each image as a page or a file of its own.")


def too_large_error(name: str, what: str) -> ImageError:
    """Build the error for a file beyond the limits."""
    return ImageError("too-large", f"{name} {what}; export the en-face image alone, at its own size.")


def not_finite_error(name: str) -> ImageError:
    """Build the error for NaN or infinite pixels."""
    return ImageError("not-finite", f"{name} holds NaN or infinite values; export it again.")
