"""Matrix products are computed in bfloat16 where that is known to be faster, and nowhere else."""

from __future__ import annotations

import pytest
import torch

from unoqa.lowquality.flows.precision import autocast_bfloat16, has_fast_bfloat16

CPU = torch.device("cpu")


def report(monkeypatch, **capabilities):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)


@pytest.mark.parametrize("name", ["avx512_bf16", "amx_bf16", "bf16"])
def test_a_processor_with_bfloat16_uses_it(name, monkeypatch):
    report(monkeypatch, **{name: True})
    assert has_fast_bfloat16(CPU)
    with autocast_bfloat16(CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.bfloat16


@pytest.mark.parametrize("capabilities", [{}, {"avx512_bf16": False, "avx2": True}], ids=["none", "others"])
def test_a_processor_without_bfloat16_does_not(capabilities, monkeypatch):
    report(monkeypatch, **capabilities)
    assert not has_fast_bfloat16(CPU)
    with autocast_bfloat16(CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32


def test_a_torch_that_reports_no_capabilities_uses_single_precision(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not has_fast_bfloat16(CPU)


def test_a_torch_without_onednn_does_not_use_it(monkeypatch):
    report(monkeypatch, bf16=True)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not has_fast_bfloat16(CPU)
