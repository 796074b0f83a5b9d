"""A small record that readers have reviewed, for the tests of the upper floors."""

from __future__ import annotations

from pathlib import Path

from unoqa.core.assessment import Assessment
from unoqa.core.grading import Grade, Grading
from unoqa.store.results import ImageEntry, Results, RunPlan, begin_run

OUT, GRA, UNG = Grade.OUTSTANDING, Grade.GRADABLE, Grade.UNGRADABLE

MACHINE = {"a.png": OUT, "b.png": GRA, "c.png": UNG, "d.png": GRA, "e.png": None}
"""The machine's grades by image."""


def make_record(folder: Path, machine: dict[str, Grade | None] = MACHINE, images: Path = Path("/clinic")) -> Path:
    """Write a record with these grades; certainty rises with the position."""
    gradings = [
        Grading(name, grade, None if grade is None else float(place), 1.0, None if grade is None else place / 10)
        for place, (name, grade) in enumerate(machine.items())
    ]
    plan = RunPlan([ImageEntry(name, str(images / name)) for name in machine], str(images), "model", "conditions")
    with begin_run(folder, plan) as run:
        for position, one in enumerate(gradings):
            if one.score is not None:
                run.add(position, Assessment(one.image, one.score, "digest"))
        run.finish(gradings, threshold=1.0, facts={"warnings": []})
    return folder


def review(folder: Path, *decisions: tuple[int, str, str, str | None]) -> None:
    """Add decisions (position, reader, field, new), each with a reason."""
    with Results.open(folder) as results:
        for position, reader, field, new in decisions:
            results.decide(position, reader, field, new, reason="why not")


def review_all(folder: Path) -> Path:
    """Two readers: they agree on b, differ on c and d; d is adjudicated; nobody has seen a and e."""
    review(
        folder,
        (1, "anna", "grade", "outstanding"),
        (1, "bela", "grade", "outstanding"),
        (2, "anna", "grade", "gradable"),
        (2, "bela", "grade", "ungradable"),
        (2, "bela", "note", "=black band"),
        (3, "anna", "grade", "gradable"),
        (3, "anna", "grade", "ungradable"),
        (3, "bela", "grade", "outstanding"),
        (3, "clara", "adjudication", "gradable"),
    )
    return folder
