"""Where tensors live."""

from __future__ import annotations

import torch

from unoqa.core.errors import UsageError

DEVICES = ("auto", "cpu", "cuda")
"""Not Apple's `mps`: it has no double precision, in which moments are summed."""


def find_device(name: str) -> torch.device:
    """Return the named device; `auto` is the accelerator where there is one.

    Raises:
        UsageError: there is no such device on this machine.
    """
    if name not in DEVICES:
        raise UsageError(f"There is no device '{name}'; choose one of {', '.join(DEVICES)}.")
    accelerated = torch.cuda.is_available()
    if name == "cuda" and not accelerated:
        raise UsageError("This machine has no GPU that torch can use ('cuda'); choose the device 'cpu'.")
    if not accelerated or name == "cpu":
        return torch.device("cpu")
    device = torch.device("cuda")
    # Its solvers are loaded when first called, and threads that call them at the same time fail (pytorch issue 90613).
    torch.linalg.cholesky(torch.eye(1, device=device))
    return device
