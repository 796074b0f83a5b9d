"""A model of a device that has no outstanding set yet, from unlabelled images of it and a model of another device.

The other model ranks the images, and those that it ranks best are fitted on as if they were outstanding. Two steps make
the ranking fit: its members' scores are standardised anew, by the images that rank best, until these hardly change; and
the new modules learn the device itself. What is fitted on is then not known to be outstanding, so nothing is promised
of the threshold.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from unoqa.core.assessment import Assessment
from unoqa.core.errors import CohortError, UsageError
from unoqa.core.progress import NoProgress
from unoqa.grader.grader import Grader, assess_all
from unoqa.grader.panel import fuse
from unoqa.grader.preparation import Preparation
from unoqa.grader.recipe import Recipe
from unoqa.grader.scans import survey
from unoqa.grader.scope import Scope
from unoqa.grader.source import ImageSource
from unoqa.store.workspace import Workspace

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from unoqa.core.progress import Progress
    from unoqa.grader.panel import Fusion
    from unoqa.grader.source import ImagesLike

FEWEST = 75
"""Smallest number of scans; of fewer, too few would be fitted on."""

USUAL = 0.25
"""Share of the images by which scores are standardised."""

ROUNDS = 5
"""How often they are."""

FITTED, MOST = 0.4, 100
"""Share of the images that is fitted on, and how many at most."""

SMALLEST_STD = 0.05
"""Floor of a member's new standard deviation, in units of the old one."""


def adapt(grader: Grader, images: ImagesLike, *, progress: Progress | None = None) -> Grader:
    """Return a grader for the device of unlabelled images, of good and poor ones as they come.

    Args:
        grader: of another device.

    Raises:
        CohortError: fewer than 75 scans.
        UsageError: the grader was adapted itself, or its borders were set with labels.
    """
    model = grader.model
    model.check_without_labels()
    if model.adapted is not None:
        raise UsageError("This model was adapted itself; name the model of outstanding images that it was made from.")
    source = ImageSource.find(images)
    assessed = assess_all(grader, source, progress)
    rows = [row for row, one in enumerate(assessed) if isinstance(one, Assessment) and not one.out_of_scope]
    if len(rows) < FEWEST:
        raise CohortError(
            f"Adapting a model takes at least {FEWEST} scans of the new device, and {len(rows)} of these {len(source)} "
            "images can be used; give more, good and poor ones as they come."
        )
    scores = np.array([one.members for row in rows if isinstance(one := assessed[row], Assessment)])
    recipe = Recipe.from_values(model.settings, model.recipe)
    weights = np.array([member.weight for member in recipe.panel.members])
    best = choose_best(scores, weights, recipe.panel.fusion)
    chosen = replace(source, images=tuple(source.images[rows[row]] for row in best))
    fitted = _fit(grader, recipe, chosen, progress or NoProgress())
    return Grader(replace(fitted.model, adapted={"images": len(rows), "fitted": len(best)}))


def choose_best(
    members: Float[np.ndarray, "images members"], weights: Float[np.ndarray, " members"], fusion: Fusion
) -> Int[np.ndarray, " best"]:
    """Return the rows of the images to fit on, in order, by the members' scores of all of them."""
    scores = [fuse(row, fusion) for row in standardise(members, weights, fusion)]
    return np.sort(np.argsort(scores, kind="stable")[: min(MOST, round(FITTED * len(members)))])


def standardise(
    members: Float[np.ndarray, "images members"], weights: Float[np.ndarray, " members"], fusion: Fusion
) -> Float[np.ndarray, "images members"]:
    """Standardise the members' scores by the images that rank best."""
    found = members
    for _ in range(ROUNDS):
        scores = [fuse(row, fusion) for row in found]
        usual = members[np.argsort(scores, kind="stable")[: round(USUAL * len(members))]]
        found = (members - usual.mean(axis=0)) / np.maximum(usual.std(axis=0) / weights, SMALLEST_STD)
    return found


def _fit(grader: Grader, recipe: Recipe, source: ImageSource, progress: Progress) -> Grader:
    model = grader.model
    preparation = Preparation(
        recipe=recipe.name,
        settings=model.settings,
        panel=recipe.panel,
        threshold=recipe.threshold,
        split=recipe.split,
        encoders=model.encoders,
        found=survey(Scope(recipe.slab).restrict(source), None, recipe.crop),
    )
    with Workspace() as workspace:
        return preparation.fit(seed=model.seed, progress=progress, workspace=workspace)
