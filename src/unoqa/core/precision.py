"""The precision in which networks multiply: a setting of a model, never chosen by the machine."""

from __future__ import annotations

import dataclasses
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated, Any, Literal, TypeVar

import torch
from pydantic import Field

Precision = Literal["single", "bfloat16"]
"""`bfloat16` (Kalamkar et al. 2019, arXiv 1905.12322) has the range of single precision and 8 bits of its 24."""

PrecisionSetting = Annotated[
    Precision, Field(description="single, or bfloat16: faster where the processor or the GPU multiplies it")
]

Choice = TypeVar("Choice")

PROCESSORS = ("avx512_bf16", "amx_bf16")
"""Capabilities of processors that multiply bfloat16, as torch names them."""


def get_precision(choice: object) -> Precision:
    """Return the precision of a choice; single if it has no such setting."""
    precision: Precision = getattr(choice, "precision", "single")
    return precision


def set_precision(choice: Choice, precision: Precision) -> Choice:
    """Return the choice with the precision, if it has this setting; if not, return it as it is."""
    settings: Any = choice
    return dataclasses.replace(settings, precision=precision) if hasattr(choice, "precision") else choice


def find_usable(precision: Precision, device: torch.device) -> Precision:
    """Return the precision in which a device computes: single where it does not multiply bfloat16."""
    return "bfloat16" if precision == "bfloat16" and _multiplies_bfloat16(device) else "single"


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Compute matrix products inside the context in the precision, as far as the device can."""
    usable = find_usable(precision, device)
    return torch.autocast(device.type, torch.bfloat16) if usable == "bfloat16" else nullcontext()


def name_lack(device: torch.device) -> str:
    """Say that a device does not multiply bfloat16: the beginning of a sentence."""
    return f"This {'GPU' if device.type == 'cuda' else 'processor'} does not multiply bfloat16"


def _multiplies_bfloat16(device: torch.device) -> bool:
    """Tell whether the device itself multiplies bfloat16, as far as torch reports it.

    A device that only emulates it is slower with it. So is a processor under a torch without oneDNN. Older graphics
    cards have IEEE 754 half precision instead, which cannot hold small gradients.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}  # not in old releases
    return any(capabilities.get(name) for name in PROCESSORS)
