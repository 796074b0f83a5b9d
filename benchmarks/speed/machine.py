"""The machine and the versions that results were measured with; no host names, no paths."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch

VECTORS = ("avx512f", "avx2", "asimd")
"""Names of a processor's vector instructions, the widest first."""


def describe_machine() -> dict[str, str]:
    """Return processor, vector instructions, cores, threads in use, memory, and support of bfloat16 products."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    values = {name.strip(): value.strip() for name, value in fields.items()}
    flags = values.get("flags", values.get("Features", "")).split()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": values.get("model name", platform.machine()),
        "vectors": next((kind for kind in VECTORS if kind in flags), "unknown"),
        "cores": str(len(os.sched_getaffinity(0))),
        "threads": str(torch.get_num_threads()),
        "memory": f"{memory / 1e9:.0f} GB",
        "multiplies bfloat16": ", ".join(sorted(flag for flag in flags if flag.endswith("bf16"))) or "no",
    }


def list_versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in ("unoqa", "torch", "timm")}}
