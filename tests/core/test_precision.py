"""Networks multiply in bfloat16 where that is asked for and the device multiplies it itself, and nowhere else."""

from __future__ import annotations

import pytest
import torch

from unoqa.core.precision import autocast, find_usable, get_precision, set_precision
from unoqa.encoders.measures import Measures
from unoqa.encoders.timm import Timm

CPU = torch.device("cpu")


def product(precision):
    with autocast(precision, CPU):
        return (torch.ones(2, 2) @ torch.ones(2, 2)).dtype


@pytest.mark.parametrize("name", ["avx512_bf16", "amx_bf16"])
def test_a_processor_with_bfloat16_uses_it_where_it_is_asked_for(name, report_capabilities):
    report_capabilities(**{name: True})
    assert (find_usable("bfloat16", CPU), product("bfloat16")) == ("bfloat16", torch.bfloat16)
    assert (find_usable("single", CPU), product("single")) == ("single", torch.float32)


@pytest.mark.parametrize("capabilities", [{}, {"avx512_bf16": False, "avx2": True}], ids=["none", "others"])
def test_a_processor_without_bfloat16_computes_in_single_precision(capabilities, report_capabilities):
    report_capabilities(**capabilities)
    assert (find_usable("bfloat16", CPU), product("bfloat16")) == ("single", torch.float32)


def test_a_torch_that_reports_no_capabilities_uses_single_precision(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert find_usable("bfloat16", CPU) == "single"


def test_a_torch_without_onednn_uses_single_precision(report_capabilities, monkeypatch):
    report_capabilities(amx_bf16=True)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert find_usable("bfloat16", CPU) == "single"


def test_a_choice_without_the_setting_is_in_single_precision_and_stays_as_it_is():
    assert get_precision(Measures()) == "single"
    assert set_precision(Measures(), "bfloat16") == Measures()
    assert get_precision(set_precision(Timm(), "bfloat16")) == "bfloat16"
