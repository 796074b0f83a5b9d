"""What a figure was measured on, as far as it explains the figure: no names, no places."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch

VECTORS = ("avx512f", "avx2", "asimd")
"""What a processor calls the vectors that it multiplies, the widest first."""


def machine() -> dict[str, str]:
    """Return the processor, its vectors, its cores and threads used, the memory, and whether it multiplies bfloat16."""
    processor = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    fields = dict(line.split(":", 1) for line in processor.splitlines() if ":" in line)
    named = {name.strip(): value.strip() for name, value in fields.items()}
    flags = named.get("flags", named.get("Features", "")).split()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": named.get("model name", platform.machine()),
        "vectors": next((kind for kind in VECTORS if kind in flags), "unknown"),
        "cores": str(len(os.sched_getaffinity(0))),
        "threads": str(torch.get_num_threads()),
        "memory": f"{memory / 1e9:.0f} GB",
        "multiplies bfloat16": ", ".join(sorted(flag for flag in flags if flag.endswith("bf16"))) or "no",
    }


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in ("unoqa", "torch", "timm")}}
