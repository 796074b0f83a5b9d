"""The only place that imports pydicom, which is an optional extra of the package."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

from unoqa.core.errors import ImageError

PLUGIN, PLUGIN_SYNTAXES = "unoqa", tuple(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70))
"""Name of our decoder among pydicom's plug-ins, and the transfer syntaxes that it decodes: those of JPEG."""


def import_pydicom(name: str) -> SimpleNamespace:
    """Return the parts of pydicom that are used here.

    Args:
        name: of the image that is to be read.

    Raises:
        ImageError: pydicom is not installed.
    """
    try:
        return _import_all()
    except ImportError as error:
        raise ImageError(
            "unsupported",
            f'{name} is a DICOM object, and pydicom, which reads it, is not installed; run pip install "unoqa[dicom]".',
        ) from error


def missing_codec_error(name: str, what: str) -> ImageError:
    """Build the error for a sound object whose decoder is not installed."""
    return ImageError(
        "unsupported",
        f'{name} is compressed ({what}) and no decoder of it is installed; run pip install "unoqa[dicom]".',
    )


@cache
def _import_all() -> SimpleNamespace:
    from pydicom import dcmread, encaps, uid  # noqa: PLC0415 - optional
    from pydicom.dataset import FileMetaDataset  # noqa: PLC0415 - optional
    from pydicom.filereader import read_dataset  # noqa: PLC0415 - optional
    from pydicom.pixels import processing, utils  # noqa: PLC0415 - optional
    from pydicom.pixels.decoders.base import get_decoder  # noqa: PLC0415 - optional

    for syntax in PLUGIN_SYNTAXES:
        decoder = get_decoder(syntax)
        if PLUGIN not in decoder.available_plugins:
            decoder.add_plugin(PLUGIN, ("unoqa.formats.dicom.jpeg_plugin", "decode_frame"))
    return SimpleNamespace(
        dcmread=dcmread,
        encaps=encaps,
        uid=uid,
        read_dataset=read_dataset,
        FileMetaDataset=FileMetaDataset,
        get_decoder=get_decoder,
        apply_color_lut=processing.apply_color_lut,
        apply_rescale=processing.apply_rescale,
        as_pixel_options=utils.as_pixel_options,
    )
