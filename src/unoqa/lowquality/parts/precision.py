"""In which precision the products of a network are taken, by what the machine can do."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def multiplies_bfloat16(device: torch.device) -> bool:
    """Tell whether the device multiplies bfloat16 faster than single precision.

    One that only emulates it is slower with it. Half precision by IEEE 754, which older graphics cards have instead,
    would need losses scaled, since it holds no small gradients.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def casting(device: torch.device) -> AbstractContextManager[object]:
    """Take the products inside the context in bfloat16, where the device has it."""
    return torch.autocast(device.type, torch.bfloat16) if multiplies_bfloat16(device) else nullcontext()
