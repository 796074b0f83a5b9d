"""In which precision the matrix products of a network are computed on a device."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def has_fast_bfloat16(device: torch.device) -> bool:
    """Tell whether the device multiplies bfloat16 faster than single precision, as far as torch reports it.

    A device that only emulates bfloat16 is slower with it. So is a processor under a torch without oneDNN, such as
    Apple's. Older graphics cards have IEEE 754 half precision instead; it is not used, because it cannot hold small
    gradients and would need loss scaling.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}  # not in old releases
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def autocast_bfloat16(device: torch.device) -> AbstractContextManager[object]:
    """Compute matrix products inside the context in bfloat16 where `has_fast_bfloat16`; elsewhere change nothing."""
    return torch.autocast(device.type, torch.bfloat16) if has_fast_bfloat16(device) else nullcontext()
