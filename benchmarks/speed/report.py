"""The figures for readers: RESULTS.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from speed.figures import TASKS, Memory, Ratio, agreement, mean_area, memory, ratio
from speed.others import GROWTH
from speed.rows import ROWS
from speed.targets import targets
from unoqa.encoders.timm import Timm
from unoqa.grader.recipe import Recipe

NOT_MEASURED = "Not measured in this run."

LIMITS = {"arithmetic": ".1f", "whole": ".1f", "share": ".3f"}
"""Figures of the limit, and how they are written."""


def written(document: Mapping[str, Any]) -> str:
    """Write the report of a document of figures, in Markdown."""
    parts = [_head(document), _times(document["rows"]), _areas(document["rows"]), _searches(document["rows"])]
    parts += [_targets(document), _limits(document["rows"]), _small(document), _growth(document), _means(document)]
    return "\n".join(parts)


def _head(document: Mapping[str, Any]) -> str:
    images = document["images"]
    words = ("outstanding", "gradable", "ungradable")
    mix = ", ".join(f"{count} {word}" for count, word in zip(images["mix"], words, strict=True))
    return f"""# Speed and memory beside anomalib

Made by `{document["command"]}` on {document["date"]}; every figure is of that run, none is typed.

{_table(("", ""), [*document["machine"].items(), *document["versions"].items(), *_peer_versions(document)])}
Images of {images["device"]}: {images["fitted"]} outstanding to fit on; {mix} to grade, drawn once,
another mix than that of docs/accuracy.md. Pairs of runs: {document["repeats"]}.

![ratios](results.png)
"""


def _peer_versions(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name if name == "anomalib" else f"{name} of the peer", text)
        for name, text in document["peer_versions"].items()
    ]


def _times(rows: Mapping[str, Any]) -> str:
    head = ["", *(f"{task}, {what}" for task in TASKS for what in ("ours, s", "peer, s", "times faster"))]
    head += [f"memory to {task}, {what}" for task in TASKS for what in ("ours, MB", "peer, MB", "share")]
    lines = []
    for row in rows.values():
        times = [cell for task in TASKS for cell in _ratio_cells(ratio(row, task))]
        lines.append([row["name"], *times, *(cell for task in TASKS for cell in _memory_cells(memory(row, task)))])
    return _section("Time and memory", _table(head, lines) if lines else NOT_MEASURED, _missing(rows))


def _ratio_cells(found: Ratio) -> list[str]:
    return [f"{found.ours:.1f}", f"{found.peer:.1f}", f"**{found.value:.1f}** ({found.low:.1f}–{found.high:.1f})"]


def _memory_cells(found: Memory) -> list[str]:
    return [f"{found.ours / 1e6:.0f}", f"{found.peer / 1e6:.0f}", f"**{found.share:.2f}**"]


def _missing(rows: Mapping[str, Any]) -> str:
    missing = [row.name for key, row in ROWS.items() if key not in rows]
    return f"Not measured in this run: {', '.join(missing)}." if missing and rows else ""


def _areas(rows: Mapping[str, Any]) -> str:
    kinds = (("ours", "own score"), ("peer", "own score"), ("peer", "map mean"))
    head = ["", *(f"{figure}, {side}'s {by}" for figure in ("O", "U") for side, by in kinds)]
    head = [name.replace("ours's own score", "ours").replace("peer's", "the peer's") for name in head]
    lines = [
        [row["name"], *(f"{agreement(row, side, by, figure):.3f}" for figure in ("O", "U") for side, by in kinds)]
        for row in rows.values()
    ]
    note = (
        "O: outstanding against the rest. U: ungradable against the rest. Areas under the ROC curve, by the score; "
        "medians of the pairs, where the searches below are trainings of their own."
    )
    return _section("Accuracy", note, _table(head, lines) if lines else NOT_MEASURED)


def _searches(rows: Mapping[str, Any]) -> str:
    lines = [
        [
            row["name"],
            f"{epoch}{' (chosen)' if int(epoch) == row['epochs'] else ''}",
            *(
                f"{mean_area(row['searches'], epoch, by, figure):.3f} ({_each(row['searches'], epoch, by, figure)})"
                for by in ("map mean", "own score")
                for figure in ("O", "U")
            ),
        ]
        for row in rows.values()
        for epoch in (row["searches"][0] if row["searches"] else ())
    ]
    head = ("", "epochs", "O, map mean", "U, map mean", "O, own score", "U, own score")
    note = (
        "The peer's length of training is the one with the highest O by its map's mean, on the images that are graded: "
        "chosen in its favour. It draws its weights anew each time; so the mean over several trainings decides, and "
        "each training is told in brackets."
    )
    return _section("The peer's epochs", note, _table(head, lines) if lines else NOT_MEASURED)


def _each(searches: Sequence[Mapping[str, Any]], epoch: int | str, by: str, figure: str) -> str:
    return ", ".join(f"{search[str(epoch)][by][figure]:.3f}" for search in searches)


def _targets(document: Mapping[str, Any]) -> str:
    lines = [(target.name, target.aim, target.found, target.verdict) for target in targets(document)]
    return _section("Targets", _table(("", "target", "found", "met"), lines))


def _limits(rows: Mapping[str, Any]) -> str:
    lines = [
        [row["name"], *(_number(row["limit"][name], form) for name, form in LIMITS.items())] for row in rows.values()
    ]
    note = (
        "Both on one thread. The arithmetic: encoder and modules alone, model loaded and images read beforehand. "
        "Whole grading: from its file to its row in a results folder. The shortest times of several rounds."
    )
    head = ("", "arithmetic, ms an image", "whole grading, ms an image", "arithmetic / whole")
    return _section("The limit of arithmetic", note, _table(head, lines) if lines else NOT_MEASURED)


def _small(document: Mapping[str, Any]) -> str:
    found = document.get("small")
    if not found:
        return _section("Small ones", NOT_MEASURED)
    lines = [
        ("`unoqa --help`, s", f"{found['help']:.2f}"),
        ("one image beyond the learned encoder, recipe `default`, ms", f"{found['beyond']:.0f}"),
        ("measures, image at hand, images a second and core", f"{found['measures_encode']:.1f}"),
        ("measures, from file to grade, images a second and core", _number(found["measures_whole"], ".1f")),
    ]
    return _section("Small ones", _table(("", ""), lines))


def _growth(document: Mapping[str, Any]) -> str:
    found = document.get("growth")
    if not found:
        return _section("Growth", NOT_MEASURED)
    lines = [
        (str(count), f"{found[str(count)]['seconds']:.1f}", f"{found[str(count)]['memory'] / 1e6:.0f}")
        for count in GROWTH
    ]
    note = "`unoqa grade` by the recipe `measures`; images are copies under other names."
    return _section("Growth", note, _table(("images", "s", "memory, MB"), lines))


def _means(document: Mapping[str, Any]) -> str:
    recipes = "; ".join(
        f"{row.name}: `{row.recipe}`, which reads {_layers(row.recipe)}, beside `{row.model}` of "
        f"`{json.dumps(row.options)}`, all else by the peer's defaults"
        for key, row in ROWS.items()
        if key in document["rows"]
    )
    return _section(
        "How it is measured",
        "Both programs run as whole processes, from image files to result files, on the same images, encoder weights "
        "and input size, with as many threads. A pair is ours fitting, the peer fitting, ours grading, the peer "
        "grading, one after the other; a ratio is the peer's time over ours in the same pair, and the table has the "
        "median of the ratios with the least and the most, the medians of times, and the most memory. Memory is what "
        "a process and its children hold for themselves, looked at every 50 ms: anonymous and shared memory, without "
        "pages of mapped files, which the system can drop. Neither side draws pictures.",
        f"{recipes}." if recipes else "",
    )


def _layers(recipe: str) -> str:
    """Name the layers that ours reads, since some are not those that the peer reads."""
    encoders = Recipe.named(recipe).panel.encoders()
    return ", ".join(f"layer{layer}" for encoder in encoders if isinstance(encoder, Timm) for layer in encoder.layers)


def _number(value: float | None, form: str) -> str:
    return "not measured" if value is None else format(value, form)


def _section(title: str, *parts: str) -> str:
    return "\n".join([f"## {title}\n", *(f"{part.rstrip()}\n" for part in parts if part)])


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(_lines(head, lines)) + "\n"


def _lines(head: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for line in lines:
        yield f"| {' | '.join(line)} |"
