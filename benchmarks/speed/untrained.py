"""Weights of networks that have learned nothing: speed does not depend on what they are."""

from __future__ import annotations

import timm
import torch

from unoqa.core.contracts import State
from unoqa.encoders.timm import Timm


def untrained(settings: Timm) -> State:
    """Return weights as timm draws them."""
    torch.manual_seed(0)
    return timm.create_model(settings.model, features_only=True, out_indices=sorted(settings.layers)).state_dict()
