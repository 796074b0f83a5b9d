"""In which precision the products of a network are taken, by what the machine can do."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def half_precision(device: torch.device) -> torch.dtype | None:
    """Return the half precision in which the device multiplies faster than in single; None where it has none.

    A processor that only emulates bfloat16 is slower with it, so its instruction sets are asked.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    able = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") or able.get("bf16") else None


def casting(device: torch.device) -> AbstractContextManager[object]:
    """Take the products inside the context in half precision, where the device has it."""
    half = half_precision(device)
    return nullcontext() if half is None else torch.autocast(device.type, half)
