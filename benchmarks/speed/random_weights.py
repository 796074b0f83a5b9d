"""Random weights of an encoder: speed does not depend on their values."""

from __future__ import annotations

import timm
import torch

from unoqa.core.contracts import State
from unoqa.encoders.timm import Timm


def draw_weights(settings: Timm) -> State:
    """Return the weights with which timm initialises the network."""
    torch.manual_seed(0)
    return timm.create_model(settings.model, features_only=True, out_indices=sorted(settings.layers)).state_dict()
