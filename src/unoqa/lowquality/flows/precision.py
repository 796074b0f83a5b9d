"""In which precision the products of a network are taken, by what the machine can do."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def multiplies_bfloat16(device: torch.device) -> bool:
    """Tell whether the device multiplies bfloat16 faster than single precision, as far as torch knows.

    One that only emulates it is slower with it; so is a processor that has it under a torch without oneDNN, as Apple's.
    Half precision by IEEE 754, which older graphics cards have instead, would need losses scaled, since it holds no
    small gradients.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    told = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}  # older releases do not tell
    return any(told.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def casting(device: torch.device) -> AbstractContextManager[object]:
    """Take the products inside the context in bfloat16, where the device has it."""
    return torch.autocast(device.type, torch.bfloat16) if multiplies_bfloat16(device) else nullcontext()
