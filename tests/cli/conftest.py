"""The made-up clinic, files that cannot be graded, and a way to give a command."""

import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

from clinic import base, clinic, grader, model, settled, settled_model, weights
from unoqa.cli.parts.application import application

__all__ = ["base", "clinic", "grader", "model", "settled", "settled_model", "weights"]


@pytest.fixture
def unoqa():
    """Return a function that gives a command and returns how it ended."""

    def command(*words, typed=""):
        return CliRunner().invoke(application, [str(word) for word in words], input=typed)

    return command


@pytest.fixture
def refusal(unoqa):
    """Return a function that gives a command and returns its one sentence of refusal."""

    def sentence(*words):
        ended = unoqa(*words)
        assert ended.exit_code == 2, ended.output
        assert ended.stdout == ""
        assert ended.stderr.startswith("unoqa: ")
        assert ended.stderr.endswith(".\n")
        assert ended.stderr.count("\n") == 1
        return ended.stderr.removeprefix("unoqa: ").removesuffix("\n")

    return sentence


def bomb():
    """Return a PNG of 20,000×20,000 black pixels in a few hundred kilobytes."""
    packer = zlib.compressobj(1)
    row = bytes(20_001)
    data = b"".join(packer.compress(row) for _ in range(20_000)) + packer.flush()
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.fixture(scope="session")
def bad(clinic, tmp_path_factory):
    """Return a folder of every file that cannot be graded."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "text.png").write_text("not an image")
    (folder / "truncated.png").write_bytes(min(clinic.mixed.iterdir()).read_bytes()[:20_000])
    (folder / "bomb.png").write_bytes(bomb())
    (folder / "empty.png").write_bytes(b"")
    Image.fromarray(np.full((320, 320), 90, np.uint8)).save(folder / "constant.png")
    Image.fromarray(np.arange(9, dtype=np.uint8).reshape(3, 3)).save(folder / "tiny.png")
    values = np.random.default_rng(0).random((80, 80), dtype=np.float32)
    values[3, 4] = np.nan
    tifffile.imwrite(folder / "nan.tif", values, photometric="minisblack")
    return folder
