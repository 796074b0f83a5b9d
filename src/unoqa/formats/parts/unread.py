"""Image files of kinds that are not read: recognised by name or content, so that a user learns of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SUFFIXES = frozenset(
    (
        *(".webp", ".gif", ".jp2", ".j2k", ".j2c", ".jpf", ".jpx", ".jxl", ".jxr", ".heic", ".heif", ".avif"),
        *(".pgm", ".ppm", ".pbm", ".pnm", ".pam", ".tga", ".pcx", ".exr", ".psd", ".xcf"),
        *(".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".npy", ".npz", ".mat", ".h5", ".hdf5"),
        *(".e2e", ".vol", ".fda", ".fds", ".oct", ".img", ".raw"),
    )
)
"""General formats, then those of medicine and of arrays, then those of OCT devices."""

_CONTENTS = (
    (0, b"GIF8", ".gif"),
    (8, b"WEBP", ".webp"),
    (0, b"\x00\x00\x00\x0cjP  ", ".jp2"),
    (0, b"\xff\x4f\xff\x51", ".jp2"),
    (0, b"\x00\x00\x00\x0cJXL ", ".jxl"),
    (4, b"ftypheic", ".heic"),
    (4, b"ftypheix", ".heic"),
    (4, b"ftypmif1", ".heic"),
    (4, b"ftypavif", ".avif"),
    (0, b"\x93NUMPY", ".npy"),
    (0, b"MATLAB 5.0 MAT", ".mat"),
    (0, b"MATLAB 7.3 MAT", ".mat"),
    (0, b"\x89HDF\r\n\x1a\n", ".h5"),
)
"""Where in a file which bytes stand, and the usual suffix of such files; DICOM files often have none."""


def find_unread_kind(name: str, head: bytes) -> str:
    """Return the suffix of the kind of image that a file is; an empty one if it is none that is known.

    Args:
        head: its first bytes, 132 or more, or all of them.
    """
    parts = name.lower().rsplit(".", maxsplit=2)
    suffixes = [f".{'.'.join(parts[number:])}" for number in range(1, len(parts))]
    known = [suffix for suffix in suffixes if suffix in _SUFFIXES]
    return known[0] if known else recognise_unread(head)


def recognise_unread(head: bytes) -> str:
    """Return the usual suffix of files with such content; an empty one if it is none that is known."""
    return next((suffix for start, mark, suffix in _CONTENTS if head[start:].startswith(mark)), "")


def describe_unread(unread: Mapping[str, int]) -> str:
    """Return one sentence for the user; an empty one if there are no such files.

    >>> describe_unread({".gif": 1, ".webp": 3})
    '3 .webp and 1 .gif files were not read; convert them to PNG or TIFF.'
    """
    if not unread:
        return ""
    *first, last = (f"{unread[kind]} {kind}" for kind in sorted(unread, key=lambda kind: (-unread[kind], kind)))
    kinds = f"{', '.join(first)} and {last}" if first else last
    one = sum(unread.values()) == 1
    return f"{kinds} {'file was' if one else 'files were'} not read; convert {'it' if one else 'them'} to PNG or TIFF."
