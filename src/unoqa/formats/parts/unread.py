"""Image files of kinds that are not read: recognised by name or content, so that a user learns of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SUFFIXES = frozenset(
    (
        *(".webp", ".gif", ".jp2", ".j2k", ".j2c", ".jpf", ".jpx", ".jxl", ".jxr", ".heic", ".heif", ".avif"),
        *(".pgm", ".ppm", ".pbm", ".pnm", ".pam", ".tga", ".pcx", ".exr", ".psd", ".xcf"),
        *(".mha", ".mhd", ".nrrd", ".npz", ".h5", ".hdf5"),
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
    (0, b"MATLAB 7.3 MAT", ".mat"),
    (0, b"\x89HDF\r\n\x1a\n", ".h5"),
    (0, b"HSF-OCT-", ".vol"),
    (0, b"CMDb", ".e2e"),
    (0, b"FOCTFDA", ".fda"),
    (0, b"FAAFDA", ".fda"),
    (0, b"\x08\x00\x00\x00UL", ".dcm"),
    (0, b"\x08\x00\x05\x00CS", ".dcm"),
    (0, b"\x08\x00\x08\x00CS", ".dcm"),
    (0, b"\x08\x00\x16\x00UI", ".dcm"),
    (0, b"\x08\x00\x00\x00\x04\x00\x00\x00", ".dcm"),
    (0, b"\x08\x00\x05\x00\x0a\x00\x00\x00ISO_IR", ".dcm"),
)
"""Where in a file which bytes stand, and the usual suffix of such files; the last are DICOM data sets alone."""

_HEYEX = "in HEYEX, export the angiogram of the slab as a picture (PNG, TIFF, BMP) or as DICOM"

_IMAGENET = "in IMAGEnet, export the en-face angiogram as a picture or as DICOM"

_OPTOVUE = "export the en-face angiogram as a picture, or convert an en-face .raw by `oct-to-tiff FILE --en-face`"

_HDF5 = "save the slab alone as a .npy file or, in MATLAB, as a .mat file with -v7"

_BARE_DICOM = (
    "store it with file meta information, which says how its pixels are stored, as `dcmconv IN OUT` of DCMTK does"
)

_ADVICE = {
    ".dcm": _BARE_DICOM,
    ".vol": _HEYEX,
    ".e2e": _HEYEX,
    ".fda": _IMAGENET,
    ".fds": _IMAGENET,
    ".img": "on the CIRRUS or in FORUM, export the en-face angiogram as a picture or as DICOM",
    ".oct": _OPTOVUE,
    ".raw": _OPTOVUE,
    ".mat": _HDF5,
    ".h5": _HDF5,
    ".hdf5": _HDF5,
}
"""How to get an image that is read out of a kind that is not: in most cases from the program that wrote it."""


def advise_on(kind: str) -> str:
    """Return what to do with files of a kind that is not read."""
    return _ADVICE.get(kind, "export it as a grey PNG or TIFF")


def find_unread_kind(name: str, head: bytes) -> str:
    """Return the suffix of the kind of image that a file is; an empty one if it is none that is known.

    Args:
        head: its first bytes, 512 or more, or all of them.
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
    advice = f"convert {'it' if one else 'them'} to PNG or TIFF"
    special = dict.fromkeys(f"{kind}: {_ADVICE[kind]}" for kind in sorted(unread) if kind in _ADVICE)
    if special:
        plain = any(kind not in _ADVICE for kind in unread)
        advice = "; ".join((*((advice,) if plain else ()), *special))
    return f"{kinds} {'file was' if one else 'files were'} not read; {advice}."
