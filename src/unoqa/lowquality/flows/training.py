"""The training loop of flows: warm-up and cosine schedule, early stopping on held-out loss, resumable after a kill."""

from __future__ import annotations

import math
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

from unoqa.core.errors import FitError
from unoqa.core.parallel import raise_if_cancelled
from unoqa.core.precision import Precision, autocast
from unoqa.lowquality.flows.flattening import flatten_parameters

if TYPE_CHECKING:
    from collections.abc import Callable

    from unoqa.core.work import Work

ScheduleShape = Literal["cosine", "constant"]
"""How the learning rate changes: warm-up and a cosine, or not at all."""

LARGE_NETWORK = 30_000_000
"""Number of parameters above which networks are trained one at a time: each takes five times its size in memory."""

_LARGE_NETWORK_LOCK = threading.Lock()


@final
@dataclass(frozen=True)
class Schedule:
    """How long and how fast a network is trained.

    Attributes:
        steps: optimiser steps at most; 0 leaves the network as it is.
        learning_rate: Adam's learning rate after the warm-up; it falls by a cosine to a thousandth (as CFLOW-AD).
        shape: `constant` has neither warm-up nor fall (as FastFlow).
        warm_up: share of the steps over which the learning rate rises linearly.
        weight_decay: Adam's weight decay.
        check_every: steps between two checks of the held-out loss.
        patience: checks without a lower held-out loss after which training stops; 0 trains to the last step.
        precision: in which the subnets multiply.
    """

    steps: int
    learning_rate: float
    shape: ScheduleShape = "cosine"
    warm_up: float = 0.08
    weight_decay: float = 0.0
    check_every: int = 25
    patience: int = 4
    precision: Precision = "single"

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate of one step."""
        if self.shape == "constant":
            return self.learning_rate
        rise = min(1.0, (step + 1) / max(1.0, self.warm_up * self.steps))
        cosine = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.learning_rate * rise * max(cosine, 0.001)


@final
@dataclass(frozen=True)
class Training:
    """How a network was trained, in optimiser steps.

    Attributes:
        planned: steps at most.
        taken: steps until training stopped.
        kept: the step whose parameters are kept.
        per_pass: steps in which every image (or fibre) is seen once.
    """

    planned: int
    taken: int
    kept: int
    per_pass: float

    @property
    def passes(self) -> float:
        """Passes over the images until training stopped."""
        return self.taken / self.per_pass


@final
@dataclass(frozen=True)
class Objective:
    """What a network is trained on.

    Attributes:
        title: names the network in the progress display and in messages.
        loss: the loss of one step's batch. The step alone decides the batch, so that a resumed training sees the same
            batches as one that was never interrupted.
        held_out_loss: the loss on images that no step uses.
        steps_per_pass: steps in which every image (or fibre) is seen once.
    """

    title: str
    loss: Callable[[int], Tensor]
    held_out_loss: Callable[[], float]
    steps_per_pass: float


@final
@dataclass
class _TrainingState:
    """How far a training is.

    Attributes:
        best: the parameters at the lowest held-out loss.
        mean, square: Adam's running moments of the gradient.
    """

    best: Tensor
    mean: Tensor
    square: Tensor
    step: int = 0
    best_loss: float = math.inf
    best_step: int = 0

    def keep_if_better(self, loss: float, parameters: Tensor) -> None:
        if loss < self.best_loss:
            self.best_loss, self.best_step = loss, self.step
            self.best.copy_(parameters.detach())


def train(network: nn.Module, objective: Objective, schedule: Schedule, work: Work) -> Training:
    """Train the network, and leave it with the parameters of the lowest held-out loss.

    With patience 0 these are the last parameters with a finite loss. A network without parameters stays as it is.

    Raises:
        FitError: the loss became infinite or NaN before the first gain.
    """
    count = sum(parameter.numel() for parameter in network.parameters())
    if not count:
        return Training(0, 0, 0, objective.steps_per_pass)
    with _LARGE_NETWORK_LOCK if count > LARGE_NETWORK else nullcontext(), flatten_parameters(network) as parameters:
        state = _train(parameters, objective, schedule, work)
    return Training(schedule.steps, state.step, state.best_step, objective.steps_per_pass)


def _train(parameters: nn.Parameter, objective: Objective, schedule: Schedule, work: Work) -> _TrainingState:
    device = parameters.device
    state = _resume(parameters, work) or _start(parameters, objective, schedule)
    saved_at = time.monotonic()
    with work.progress.task(objective.title, schedule.steps) as advance:
        for _ in range(state.step):
            advance()
        while state.step < schedule.steps and not _is_patience_over(state, schedule):
            raise_if_cancelled()
            with autocast(schedule.precision, device):
                loss = objective.loss(state.step)
            if not math.isfinite(float(loss.detach())):
                _report_divergence(state, objective, work)
                break
            _descend(parameters, loss, state, schedule)
            if state.step % schedule.check_every == 0 or state.step == schedule.steps:
                state.keep_if_better(_rank_loss(objective.held_out_loss(), state.step, schedule), parameters)
                if time.monotonic() - saved_at > work.interval:
                    work.write(_make_checkpoint(parameters, state))
                    saved_at = time.monotonic()
            advance()
    work.write(_make_checkpoint(parameters, state))
    parameters.data.copy_(state.best)
    return state


@torch.no_grad()
def _descend(parameters: nn.Parameter, loss: Tensor, state: _TrainingState, schedule: Schedule) -> None:
    """Take one step of Adam (Kingma, Ba 2015) by torch's function of that name.

    Torch's class would import torch's compiler, which takes as long as fitting to 80 images.
    """
    assert parameters.grad is not None, "`flatten_parameters` gives one"
    parameters.grad.zero_()  # in place: the network's parameters hold views of it
    loss.backward()  # type: ignore[no-untyped-call]
    adam(
        [parameters],
        [parameters.grad],
        [state.mean],
        [state.square],
        [],
        [torch.tensor(float(state.step), device=parameters.device)],
        fused=True,
        amsgrad=False,
        beta1=0.9,
        beta2=0.999,
        lr=schedule.learning_rate_at(state.step),
        weight_decay=schedule.weight_decay,
        eps=1e-8,
        maximize=False,
    )
    state.step += 1


def _start(parameters: Tensor, objective: Objective, schedule: Schedule) -> _TrainingState:
    initial = parameters.detach()
    state = _TrainingState(initial.clone(), torch.zeros_like(initial), torch.zeros_like(initial))
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


def _make_checkpoint(parameters: Tensor, state: _TrainingState) -> dict[str, Tensor]:
    """Return everything that the rest of the training depends on."""
    numbers = torch.tensor([state.step, state.best_step, state.best_loss], dtype=torch.float64)
    arrays = {"best": state.best, "mean": state.mean, "square": state.square}
    return {"parameters": parameters.detach(), "numbers": numbers, **arrays}


def _resume(parameters: Tensor, work: Work) -> _TrainingState | None:
    checkpoint = work.read()
    if checkpoint is None:
        return None
    parameters.data.copy_(checkpoint["parameters"])
    step, best_step, best_loss = checkpoint["numbers"].tolist()
    best, mean, square = (checkpoint[name].to(parameters.device) for name in ("best", "mean", "square"))
    return _TrainingState(best, mean, square, int(step), best_loss, int(best_step))
