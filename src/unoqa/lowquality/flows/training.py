"""The training loop of flows: warm-up and cosine schedule, early stopping on held-out loss, resumable after a kill."""

from __future__ import annotations

import math
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor, nn
from torch.optim import Adam

from unoqa.core.contracts import select_prefix
from unoqa.core.errors import FitError
from unoqa.core.parallel import raise_if_cancelled
from unoqa.lowquality.flows.flattening import flatten_parameters
from unoqa.lowquality.flows.precision import autocast_bfloat16

if TYPE_CHECKING:
    from collections.abc import Callable

    from unoqa.core.work import Work


LARGE_NETWORK = 30_000_000
"""Number of parameters above which networks are trained one at a time: each takes five times its size in memory."""

_LARGE_NETWORK_LOCK = threading.Lock()


@final
@dataclass(frozen=True)
class Schedule:
    """How long and how fast a network is trained.

    Attributes:
        steps: optimiser steps at most.
        learning_rate: Adam's learning rate after the warm-up; it falls by a cosine to a thousandth (as CFLOW-AD).
        warm_up: share of the steps over which the learning rate rises linearly.
        weight_decay: Adam's weight decay.
        check_every: steps between two checks of the held-out loss.
        patience: checks without a lower held-out loss after which training stops; 0 trains to the last step.
    """

    steps: int
    learning_rate: float
    warm_up: float = 0.08
    weight_decay: float = 0.0
    check_every: int = 25
    patience: int = 4

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate of one step."""
        rise = min(1.0, (step + 1) / max(1.0, self.warm_up * self.steps))
        cosine = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.learning_rate * rise * max(cosine, 0.001)


@final
@dataclass(frozen=True)
class Objective:
    """What a network is trained on.

    Attributes:
        title: names the network in the progress display and in messages.
        loss: the loss of one step's batch. The step alone decides the batch, so that a resumed training sees the same
            batches as one that was never interrupted.
        held_out_loss: the loss on images that no step uses.
    """

    title: str
    loss: Callable[[int], Tensor]
    held_out_loss: Callable[[], float]


@final
@dataclass
class _TrainingState:
    """How far a training is; `best` are the parameters at the lowest held-out loss."""

    best: Tensor
    step: int = 0
    best_loss: float = math.inf
    best_step: int = 0

    def keep_if_better(self, loss: float, parameters: Tensor) -> None:
        if loss < self.best_loss:
            self.best_loss, self.best_step = loss, self.step
            self.best.copy_(parameters.detach())


def train(network: nn.Module, objective: Objective, schedule: Schedule, work: Work) -> None:
    """Train the network, and leave it with the parameters of the lowest held-out loss.

    With patience 0 these are the last parameters with a finite loss.

    Raises:
        FitError: the loss became infinite or NaN before the first gain.
    """
    large = sum(parameter.numel() for parameter in network.parameters()) > LARGE_NETWORK
    with _LARGE_NETWORK_LOCK if large else nullcontext(), flatten_parameters(network) as parameters:
        _train(parameters, objective, schedule, work)


def _train(parameters: nn.Parameter, objective: Objective, schedule: Schedule, work: Work) -> None:
    optimiser = Adam([parameters], weight_decay=schedule.weight_decay, fused=True)
    device = parameters.device
    state = _resume(parameters, optimiser, work) or _start(parameters, objective, schedule)
    saved_at = time.monotonic()
    with work.progress.task(objective.title, schedule.steps) as advance:
        for _ in range(state.step):
            advance()
        while state.step < schedule.steps and not _is_patience_over(state, schedule):
            raise_if_cancelled()
            with autocast_bfloat16(device):
                loss = objective.loss(state.step)
            if not math.isfinite(float(loss.detach())):
                _report_divergence(state, objective, work)
                break
            optimiser.zero_grad(set_to_none=False)  # the network's parameters hold views of the gradient
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.param_groups[0]["lr"] = schedule.learning_rate_at(state.step)
            optimiser.step()
            state.step += 1
            if state.step % schedule.check_every == 0 or state.step == schedule.steps:
                state.keep_if_better(_rank_loss(objective.held_out_loss(), state.step, schedule), parameters)
                if time.monotonic() - saved_at > work.interval:
                    work.write(_make_checkpoint(parameters, optimiser, state))
                    saved_at = time.monotonic()
            advance()
    work.write(_make_checkpoint(parameters, optimiser, state))
    parameters.data.copy_(state.best)


def _start(parameters: Tensor, objective: Objective, schedule: Schedule) -> _TrainingState:
    state = _TrainingState(parameters.detach().clone())
    loss = objective.held_out_loss()
    if not math.isfinite(loss):
        raise FitError(
            f"{objective.title} has no finite loss before training; look for an image that differs from the rest."
        )
    state.keep_if_better(loss if schedule.patience else 0.0, parameters)
    return state


def _rank_loss(held_out_loss: float, step: int, schedule: Schedule) -> float:
    """Return the value that decides which parameters are best: with patience 0 the latest with a finite loss win."""
    return -float(step) if schedule.patience == 0 and math.isfinite(held_out_loss) else held_out_loss


def _is_patience_over(state: _TrainingState, schedule: Schedule) -> bool:
    return 0 < schedule.patience * schedule.check_every <= state.step - state.best_step


def _report_divergence(state: _TrainingState, objective: Objective, work: Work) -> None:
    """Notify that the last good parameters are used; raise an error where training has not improved any."""
    if state.best_step == 0:
        raise FitError(
            f"{objective.title} diverged at step {state.step} before its held-out loss improved; lower "
            "'learning_rate' in the recipe, or look for an image that differs from the rest."
        )
    work.notify(
        f"{objective.title} diverged at step {state.step}; the parameters of step {state.best_step} are used. A lower "
        "'learning_rate' in the recipe may give a better fit."
    )


def _make_checkpoint(parameters: Tensor, optimiser: Adam, state: _TrainingState) -> dict[str, Tensor]:
    """Return everything that the rest of the training depends on."""
    numbers = torch.tensor([state.step, state.best_step, state.best_loss], dtype=torch.float64)
    moments = optimiser.state_dict()["state"].get(0, {})
    adam = {f"adam.{name}": array for name, array in moments.items()}
    return {"parameters": parameters.detach(), "best": state.best, "numbers": numbers, **adam}


def _resume(parameters: Tensor, optimiser: Adam, work: Work) -> _TrainingState | None:
    checkpoint = work.read()
    if checkpoint is None:
        return None
    parameters.data.copy_(checkpoint["parameters"])
    optimiser.load_state_dict({**optimiser.state_dict(), "state": {0: select_prefix(checkpoint, "adam.")}})
    step, best_step, best_loss = checkpoint["numbers"].tolist()
    return _TrainingState(checkpoint["best"].to(parameters.device), int(step), best_loss, int(best_step))
