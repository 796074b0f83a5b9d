"""The quick self-test of a fit: damage in a few of the scans fitted on, each scored by modules that did not see it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np

from unoqa.benchmark.phantom.contract import load_damages
from unoqa.benchmark.selftest.trial import UNDAMAGED, Planted, plant
from unoqa.core.assessment import Failure
from unoqa.core.parallel import map_all
from unoqa.core.progress import NoProgress

if TYPE_CHECKING:
    from unoqa.core.progress import Progress
    from unoqa.grader.fitting import Fitted
    from unoqa.grader.grader import Grader
    from unoqa.grader.open_encoders import OpenEncoders
    from unoqa.grader.source import ImageSource, LazyImage

SCANS = 3
"""Scans that damage is planted in, each of another fold."""

SEVERITY = 0.5
"""Of each kind of damage: about a quarter of the scan is lost."""


@final
@dataclass(frozen=True)
class _Seen:
    """What a grader made of one scan with one kind of damage."""

    kind: str
    refused: bool
    named: bool


@final
@dataclass(frozen=True)
class _Judge:
    """What scores a scan: encoders, and a panel that was not fitted on it."""

    encoders: OpenEncoders
    fitted: Fitted

    def judge(self, planted: Planted) -> _Seen:
        """Judge a scan with damage."""
        prepared = self.encoders.prepare(planted.scan)
        encoded = self.encoders.encode(prepared)
        if self.fitted.threshold.passes(self.fitted.panel.predict(encoded).score):
            return _Seen(planted.kind, refused=False, named=False)
        findings = self.fitted.findings.find(self.encoders.measure(prepared, encoded))
        return _Seen(planted.kind, refused=True, named=planted.is_named(findings))


def add_selftest(grader: Grader, source: ImageSource, *, progress: Progress | None = None) -> Grader:
    """Return the grader with what a quick self-test found, which its model card then tells.

    Damage goes into scans that the grader was fitted on. Each is scored by modules that were not fitted on it, as the
    scores were made that the threshold rests on; a recipe with `final = "refit"` keeps no such modules.

    Args:
        source: the scans of the fit, as it read them.
    """
    chosen = _choose(source, grader.fitted.report.held_out)
    task = (progress or NoProgress()).task("planting damage", len(chosen))

    def try_number(number: int) -> list[_Seen] | Failure:
        image, module = chosen[number]
        fitted = grader.fitted
        panel = fitted.panel if module < 0 else fitted.panel.keep(module)
        judge = _Judge(grader.encoders, replace(fitted, panel=panel))
        seed = grader.model.seed + number
        return image.apply(lambda scan: [judge.judge(planted) for planted in plant(scan, (SEVERITY,), seed=seed)])

    tried = [one for one in map_all(try_number, range(len(chosen)), task) if not isinstance(one, Failure)]
    if not tried:
        return grader
    held_out = all(module >= 0 for _, module in chosen)
    values = {
        "scans": len(tried),
        "severity": SEVERITY,
        "held_out": held_out,
        **_count([one for some in tried for one in some]),
    }
    return replace(grader, model=replace(grader.model, selftest=values))


def _choose(source: ImageSource, modules: tuple[int, ...]) -> list[tuple[LazyImage, int]]:
    """Choose scans that some module was not fitted on, of as many folds as there are; any scans if there are none."""
    pairs = list(zip(source.images, modules, strict=True))
    unseen = [pair for pair in pairs if pair[1] >= 0] or pairs
    ranks = [[one for _, one in unseen[:place]].count(module) for place, (_, module) in enumerate(unseen)]
    return [unseen[place] for place in np.argsort(ranks, kind="stable")[:SCANS]]


def _count(seen: list[_Seen]) -> dict[str, Any]:
    """Count the refused, and of these the named; a kind that no finding names has no such count."""
    refused = {kind: [one for one in seen if one.kind == kind and one.refused] for kind in (UNDAMAGED, *load_damages())}
    kinds = {
        kind: {"refused": len(refused[kind])}
        | ({"named": sum(one.named for one in refused[kind])} if damage.measures else {})
        for kind, damage in load_damages().items()
    }
    return {"undamaged": len(refused[UNDAMAGED]), "kinds": kinds}
