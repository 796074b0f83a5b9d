"""The one training loop: warm-up and cosine, early stop on held-out loss, resumed where it was killed."""

from __future__ import annotations

import math
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor, nn

from unoqa.core.errors import FitError
from unoqa.core.parallel import raise_if_cancelled
from unoqa.lowquality.flows.adam import Adam
from unoqa.lowquality.flows.flattened import flattened
from unoqa.lowquality.flows.precision import casting

if TYPE_CHECKING:
    from collections.abc import Callable

    from unoqa.core.work import Work


LARGE = 30_000_000
"""Parameters from which networks learn one after the other: each takes five times its size in memory."""

_LARGE_IN_TURN = threading.Lock()


@final
@dataclass(frozen=True)
class Schedule:
    """How long and how fast a network learns.

    Attributes:
        steps: optimiser steps at most.
        rate: Adam's step size after the warm-up; it falls by a cosine to a thousandth (as CFLOW-AD).
        warm_up: share of the steps over which the rate rises.
        decay: weight decay.
        check_every: steps between two looks at the held-out loss.
        patience: looks without a better held-out loss after which learning stops; 0 learns to the end.
    """

    steps: int
    rate: float
    warm_up: float = 0.08
    decay: float = 0.0
    check_every: int = 25
    patience: int = 4

    def rate_at(self, step: int) -> float:
        """Return the step size of one step."""
        rising = min(1.0, (step + 1) / max(1.0, self.warm_up * self.steps))
        cosine = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.rate * rising * max(cosine, 0.001)


@final
@dataclass(frozen=True)
class Objective:
    """What a network learns from.

    Attributes:
        title: what progress is shown under.
        loss: the loss of one step's batch; the step alone decides which batch that is, so that a run that goes on
            takes the very batches that one not killed would have taken.
        held_out: the loss on images that no step sees.
    """

    title: str
    loss: Callable[[int], Tensor]
    held_out: Callable[[], float]


@final
@dataclass
class _Progress:
    """Where a training stands; `best` are the parameters at the lowest held-out loss."""

    best: Tensor
    step: int = 0
    best_loss: float = math.inf
    best_step: int = 0

    def look(self, loss: float, parameters: Tensor) -> None:
        if loss < self.best_loss:
            self.best_loss, self.best_step = loss, self.step
            self.best.copy_(parameters.detach())


def train(network: nn.Module, objective: Objective, schedule: Schedule, work: Work) -> None:
    """Teach the network, and leave it with the parameters of the lowest held-out loss.

    With patience 0 they are the last ones that had a finite loss.

    Raises:
        FitError: the loss became infinite or no number before anything was learned.
    """
    large = sum(parameter.numel() for parameter in network.parameters()) > LARGE
    with _LARGE_IN_TURN if large else nullcontext(), flattened(network) as parameters:
        _train(parameters, objective, schedule, work)


def _train(parameters: nn.Parameter, objective: Objective, schedule: Schedule, work: Work) -> None:
    optimiser = Adam(parameters, decay=schedule.decay)
    device = parameters.device
    stand = _resumed(parameters, optimiser, work) or _begun(parameters, objective, schedule)
    kept = time.monotonic()
    with work.progress.task(objective.title, schedule.steps) as told:
        for _ in range(stand.step):
            told()
        while stand.step < schedule.steps and not _stale(stand, schedule):
            raise_if_cancelled()
            with casting(device):
                loss = objective.loss(stand.step)
            if not math.isfinite(float(loss.detach())):
                _diverged(stand, objective, work)
                break
            optimiser.clear_gradient()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step(schedule.rate_at(stand.step))
            stand.step += 1
            if stand.step % schedule.check_every == 0 or stand.step == schedule.steps:
                stand.look(_valued(objective.held_out(), stand.step, schedule), parameters)
                if time.monotonic() - kept > work.interval:
                    work.write(_arrays(parameters, optimiser, stand))
                    kept = time.monotonic()
            told()
    work.write(_arrays(parameters, optimiser, stand))
    parameters.data.copy_(stand.best)


def _begun(parameters: Tensor, objective: Objective, schedule: Schedule) -> _Progress:
    stand = _Progress(parameters.detach().clone())
    loss = objective.held_out()
    if not math.isfinite(loss):
        raise FitError(f"{objective.title} has no finite loss to begin with; look for images unlike the rest.")
    stand.look(loss if schedule.patience else 0.0, parameters)
    return stand


def _valued(held_out: float, step: int, schedule: Schedule) -> float:
    """Return what a look is judged by: with patience 0 later is better, as long as there is a loss at all."""
    return -float(step) if schedule.patience == 0 and math.isfinite(held_out) else held_out


def _stale(stand: _Progress, schedule: Schedule) -> bool:
    return 0 < schedule.patience * schedule.check_every <= stand.step - stand.best_step


def _diverged(stand: _Progress, objective: Objective, work: Work) -> None:
    """Go on with the last good parameters where there are learned ones, and say so."""
    if stand.best_step == 0:
        raise FitError(
            f"{objective.title} diverged at step {stand.step} before it learned anything; choose a lower 'rate' in the "
            "recipe, or look for images unlike the rest."
        )
    work.tell(
        f"{objective.title} diverged at step {stand.step}; it goes on as it was after step {stand.best_step}. A lower "
        "'rate' in the recipe may serve better."
    )


def _arrays(parameters: Tensor, optimiser: Adam, stand: _Progress) -> dict[str, Tensor]:
    """Return everything that the rest of a training depends on."""
    stood = torch.tensor([stand.step, stand.best_step, stand.best_loss], dtype=torch.float64)
    return {"now": parameters.detach(), "best": stand.best, **optimiser.state(), "stand": stood}


def _resumed(parameters: Tensor, optimiser: Adam, work: Work) -> _Progress | None:
    arrays = work.read()
    if arrays is None:
        return None
    parameters.data.copy_(arrays["now"])
    optimiser.restore(arrays)
    step, best_step, best_loss = arrays["stand"].tolist()
    return _Progress(arrays["best"].to(parameters.device), int(step), best_loss, int(best_step))
