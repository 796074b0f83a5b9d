"""Records to show on pages, and real servers that show them."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
from PIL import Image

from reviewed import GRA, OUT, UNG, make_record
from unoqa.store.results.folder import heat_path

HOSTILE = (
    "<img src=x onerror=document.title=1>.png",
    "\u202egnp.exe \u202e\u200f.png",
    "x" * 251 + ".png",
    "'\";--&amp;.png",
)
"""Names that a page must show as text."""


def draw(folder, count, *, names=None, side=96):
    """Write a record of drawn images with heat, half of them poor, and return its folder."""
    names = names or [f"scan {number:04}.png" for number in range(count)]
    images, results = folder / "images", folder / "results"
    images.mkdir(parents=True)
    machine = {name: (OUT, GRA, UNG)[place % 3] for place, name in enumerate(names)}
    make_record(results, machine, images)
    generator = np.random.default_rng(0)
    for name in names:
        pixels = generator.integers(0, 255, (side, side), dtype=np.uint8)
        Image.fromarray(pixels).save(images / name)
        heat = heat_path(results, name)
        heat.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).convert("RGB").save(heat)
    return results


@contextmanager
def serve(*words, port=0):
    """Run a command that serves pages; give its process and the address that it prints."""
    command = [sys.executable, "-m", "unoqa", *map(str, words), "--no-browser", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), process.stderr.read()
        yield process, address
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        process.stdout.close()
        process.stderr.close()
