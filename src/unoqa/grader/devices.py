"""Where tensors live."""

from __future__ import annotations

import torch

from unoqa.core.errors import UsageError

KNOWN = ("auto", "cpu", "cuda", "mps")


def device_of(name: str) -> torch.device:
    """Return the named device; `auto` is the accelerator where there is one.

    Raises:
        UsageError: there is no such device on this machine.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next((kind for kind in ("cuda", "mps") if available[kind]), "cpu"))
    kind = name.split(":", maxsplit=1)[0]
    if kind not in available:
        raise UsageError(f"There is no device '{name}'; choose one of {', '.join(KNOWN)}.")
    if not available[kind]:
        raise UsageError(f"This machine offers no '{name}'; choose --device cpu, which needs nothing.")
    return torch.device(name)
