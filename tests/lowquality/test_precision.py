"""Products are taken in bfloat16 where that is known to be faster, and nowhere else."""

from __future__ import annotations

import pytest
import torch

from unoqa.lowquality.flows.precision import casting, multiplies_bfloat16

CPU = torch.device("cpu")


def able(monkeypatch, **capabilities):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)


@pytest.mark.parametrize("name", ["avx512_bf16", "amx_bf16", "bf16"])
def test_a_processor_that_has_it_uses_it(name, monkeypatch):
    able(monkeypatch, **{name: True})
    assert multiplies_bfloat16(CPU)
    with casting(CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.bfloat16


@pytest.mark.parametrize("capabilities", [{}, {"avx512_bf16": False, "avx2": True}], ids=["none", "others"])
def test_a_processor_that_lacks_it_does_not(capabilities, monkeypatch):
    able(monkeypatch, **capabilities)
    assert not multiplies_bfloat16(CPU)
    with casting(CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32


def test_a_torch_that_does_not_tell_is_taken_at_single_precision(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not multiplies_bfloat16(CPU)


def test_a_torch_without_onednn_only_emulates_it(monkeypatch):
    able(monkeypatch, bf16=True)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert not multiplies_bfloat16(CPU)
