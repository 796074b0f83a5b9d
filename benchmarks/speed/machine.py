"""What a figure was measured on, as far as it explains the figure: no names, no places."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch


def machine() -> dict[str, str]:
    """Return the processor, its cores and threads used, the memory, and whether it multiplies bfloat16."""
    processor = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    fields = dict(line.split(":", 1) for line in processor.splitlines() if ":" in line)
    named = {name.strip(): value.strip() for name, value in fields.items()}
    flags = {flag for flag in named.get("flags", named.get("Features", "")).split() if flag.endswith("bf16")}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": named.get("model name", platform.machine()),
        "cores": str(len(os.sched_getaffinity(0))),
        "threads": str(torch.get_num_threads()),
        "memory": f"{memory / 1e9:.0f} GB",
        "multiplies bfloat16": ", ".join(sorted(flags)) or "no",
    }


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in ("unoqa", "torch", "timm")}}
