"""Process-global state that anomalib and Lightning change, restored when they are finished."""

from __future__ import annotations

import logging
import random
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from unoqa.core.parallel import PROCESS_LOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

NOISY_MODULES = r"(anomalib|lightning|timm\.models\.layers)(\.|$)"
"""Modules whose warnings concern how these libraries use one another; a user can change nothing about them."""


@contextmanager
def seed_all(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the global generators, which anomalib draws from, and restore them afterwards; one thread at a time."""
    accelerated = device.type == "cuda"
    numpy_state, python_state = np.random.get_state(), random.getstate()
    try:
        with PROCESS_LOCK, torch.random.fork_rng(devices=[device] if accelerated else []):
            # Not torch.manual_seed, which also seeds accelerators whose state is not restored here.
            torch.default_generator.manual_seed(seed)
            if accelerated:
                torch.cuda.manual_seed(seed)
            np.random.seed(seed)
            random.seed(seed)
            yield
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)


@contextmanager
def silence_libraries() -> Iterator[None]:
    """Hide warnings and log messages of the libraries; their errors are still shown."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=NOISY_MODULES)
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)


@contextmanager
def replace_attribute(owner: Any, name: str, value: Any) -> Iterator[None]:  # noqa: ANN401 - a module of another package
    """Replace an attribute inside the context and restore it afterwards."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
