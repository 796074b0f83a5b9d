"""What anomalib and Lightning change in the process they run in, put back when they are finished."""

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

TALKING = r"(anomalib|lightning|timm\.models\.layers)(\.|$)"
"""Where warnings come from that say how these libraries use one another: nothing that a user could change."""


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the global generators, which anomalib draws from, and give them back as they were; one thread at a time."""
    accelerated = device.type == "cuda"
    numpys, pythons = np.random.get_state(), random.getstate()
    try:
        with PROCESS_LOCK, torch.random.fork_rng(devices=[device] if accelerated else []):
            # Not torch.manual_seed, which also seeds the accelerators that are not given back.
            torch.default_generator.manual_seed(seed)
            if accelerated:
                torch.cuda.manual_seed(seed)
            np.random.seed(seed)
            random.seed(seed)
            yield
    finally:
        np.random.set_state(numpys)
        random.setstate(pythons)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep from the user what the libraries say of themselves; errors of theirs are told."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=TALKING)
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:  # noqa: ANN401 - a module of another package
    """Put another value in the place of an attribute for a while."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
