"""Learn what outstanding looks like from your own outstanding scans.

Give folders or files of outstanding images only. The model folder that comes out is all that `unoqa grade`
needs, on this machine or another. A killed fit goes on where it was when the same command is given again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unoqa.cli.parts.bars import progress
from unoqa.cli.parts.exits import SOME_FAILED
from unoqa.cli.parts.messages import say, say_fit, say_replaced
from unoqa.cli.parts.options import Device, FollowLinks, Images, Quiet, Threads, use_threads
from unoqa.core.allocation import use_one_arena
from unoqa.grader.recipe import DEFAULT, LARGEST_SEED, Recipe, recipe_names
from unoqa.grader.source import ImageSource
from unoqa.store.model_folder import check_model_folder
from unoqa.store.workspace import Workspace

if TYPE_CHECKING:
    from unoqa.grader.grader import Grader


def fit(
    outstanding: Images,
    output: Annotated[Path, typer.Option("--output", "-o", help="Model folder to make.")],
    recipe: Annotated[str, typer.Option(help="Name of a recipe, or a TOML file.")] = DEFAULT,
    encoder_weights: Annotated[
        Path | None, typer.Option(help="Weights of the encoder, safetensors or torch format.")
    ] = None,
    alpha: Annotated[
        float | None,
        typer.Option(help="Share of outstanding images refused at most. [default: the recipe's]"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Same seed, same model (cuda: nearly).")] = 0,
    device: Device = "cpu",
    threads: Threads = 0,
    follow_links: FollowLinks = False,
    quiet: Quiet = False,
) -> None:
    """Fit a model and save it."""
    use_one_arena()
    use_threads(threads)
    check_model_folder(output)
    chosen = _chosen(recipe)
    if alpha is not None:
        chosen = chosen.with_alpha(alpha)
    with _unfinished(output) as work:
        grader = chosen.fit(
            ImageSource.of(outstanding, follow_links=follow_links),
            seed=seed,
            device=device,
            weights=encoder_weights,
            progress=progress(quiet=quiet),
            workspace=work,
        )
        _save(grader, output)
        work.remove()
    report = grader.fitted.report
    say_fit(report)
    say(f"Learned from {report.used} images; model in {output}.", quiet=quiet)
    say(f"Next: unoqa grade IMAGES -m {output} -o RESULTS", quiet=quiet)
    if report.failures:
        raise typer.Exit(SOME_FAILED)


def _save(grader: Grader, output: Path) -> None:
    say_replaced(output)
    grader.save(output)


def _unfinished(output: Path) -> Workspace:
    """Open the folder beside the model in which a killed fit leaves its work, until the model is saved."""
    whole = output.absolute()
    return Workspace(whole.with_name(f".{whole.name}.unfinished"))


def _chosen(recipe: str) -> Recipe:
    """Find a recipe by its name, or read its file; what looks like no file is taken for a misspelt name."""
    if recipe not in recipe_names() and (recipe.endswith(".toml") or Path(recipe).exists()):
        return Recipe.read(recipe)
    return Recipe.named(recipe)
