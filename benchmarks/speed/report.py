"""The results as a page for readers: RESULTS.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from speed.rows import ROWS
from speed.summaries import (
    TASKS,
    MemoryUse,
    TimeRatio,
    mean_auroc,
    median_auroc,
    summarise_memory,
    summarise_time,
)
from speed.targets import check_targets
from speed.unoqa_alone import GROWTH
from unoqa.encoders.timm import Timm
from unoqa.grader.recipe import Recipe

NOT_MEASURED = "Not measured in this run."

LIMITS = {"arithmetic": ".1f", "whole": ".1f", "share": ".3f"}
"""Values of the limit of arithmetic, and their formats."""


def format_report(document: Mapping[str, Any]) -> str:
    """Write the results in a document as Markdown."""
    rows = document["rows"]
    parts = [_format_head(document), _format_times(rows), _format_aurocs(rows), _format_searches(rows)]
    parts += [_format_targets(document), _format_limits(rows), _format_short_runs(document)]
    parts += [_format_growth(document), _format_method(document)]
    return "\n".join(parts)


def _format_head(document: Mapping[str, Any]) -> str:
    images = document["images"]
    words = ("outstanding", "gradable", "ungradable")
    mix = ", ".join(f"{count} {word}" for count, word in zip(images["mix"], words, strict=True))
    facts = [*document["machine"].items(), *document["versions"].items(), *_list_peer_versions(document)]
    return f"""# Speed and memory of unoqa and anomalib

Written by `{document["command"]}` on {document["date"]}. Every number is a result of that run.

{_format_table(("", ""), facts)}
Images of {images["device"]}: {images["fitted"]} outstanding to fit on; {mix} to grade, drawn once.
The mix differs from that of docs/accuracy.md. Pairs of runs: {document["repeats"]}.

![ratios](results.png)
"""


def _list_peer_versions(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name if name == "anomalib" else f"{name} of the peer", text)
        for name, text in document["peer_versions"].items()
    ]


def _format_times(rows: Mapping[str, Any]) -> str:
    head = ["", *(f"{task}, {what}" for task in TASKS for what in ("unoqa, s", "peer, s", "times faster"))]
    head += [f"memory to {task}, {what}" for task in TASKS for what in ("unoqa, MB", "peer, MB", "share")]
    lines = []
    for row in rows.values():
        times = [cell for task in TASKS for cell in _format_time(summarise_time(row, task))]
        memory = [cell for task in TASKS for cell in _format_memory(summarise_memory(row, task))]
        lines.append([row["name"], *times, *memory])
    table = _format_table(head, lines) if lines else NOT_MEASURED
    return _format_section("Time and memory", table, _name_missing(rows))


def _format_time(time: TimeRatio) -> list[str]:
    return [f"{time.ours:.1f}", f"{time.peer:.1f}", f"**{time.value:.1f}** ({time.low:.1f}–{time.high:.1f})"]


def _format_memory(memory: MemoryUse) -> list[str]:
    return [f"{memory.ours / 1e6:.0f}", f"{memory.peer / 1e6:.0f}", f"**{memory.share:.2f}**"]


def _name_missing(rows: Mapping[str, Any]) -> str:
    missing = [row.name for key, row in ROWS.items() if key not in rows]
    return f"Not measured in this run: {', '.join(missing)}." if missing and rows else ""


def _format_aurocs(rows: Mapping[str, Any]) -> str:
    kinds = (("ours", "own score"), ("peer", "own score"), ("peer", "map mean"))
    head = ["", *(f"{target}, {side}'s {by}" for target in ("O", "U") for side, by in kinds)]
    head = [name.replace("ours's own score", "unoqa").replace("peer's", "the peer's") for name in head]
    lines = [
        [row["name"], *(f"{median_auroc(row, side, by, target):.3f}" for target in ("O", "U") for side, by in kinds)]
        for row in rows.values()
    ]
    note = (
        "AUROC by the score. O: outstanding against the rest. U: ungradable against the rest. Medians of the pairs; "
        "the searches below are separate trainings."
    )
    return _format_section("Accuracy", note, _format_table(head, lines) if lines else NOT_MEASURED)


def _format_searches(rows: Mapping[str, Any]) -> str:
    lines = [
        [
            row["name"],
            f"{epoch}{' (chosen)' if int(epoch) == row['epochs'] else ''}",
            *(
                f"{mean_auroc(row['searches'], epoch, by, target):.3f} "
                f"({_list_aurocs(row['searches'], epoch, by, target)})"
                for by in ("map mean", "own score")
                for target in ("O", "U")
            ),
        ]
        for row in rows.values()
        for epoch in (row["searches"][0] if row["searches"] else ())
    ]
    head = ("", "epochs", "O, map mean", "U, map mean", "O, own score", "U, own score")
    note = (
        "The peer is trained for the number of epochs with the highest O by the mean of its map, on the images "
        "that are graded: a choice in its favour. It draws new weights for each training. So the mean over several "
        "trainings decides; the brackets have each training."
    )
    return _format_section("The peer's epochs", note, _format_table(head, lines) if lines else NOT_MEASURED)


def _list_aurocs(searches: Sequence[Mapping[str, Any]], epoch: int | str, by: str, target: str) -> str:
    return ", ".join(f"{search[str(epoch)][by][target]:.3f}" for search in searches)


def _format_targets(document: Mapping[str, Any]) -> str:
    lines = [(target.name, target.aim, target.found, target.verdict) for target in check_targets(document)]
    return _format_section("Targets", _format_table(("", "target", "found", "met"), lines))


def _format_limits(rows: Mapping[str, Any]) -> str:
    lines = [
        [row["name"], *(_format_number(row["limit"][name], form) for name, form in LIMITS.items())]
        for row in rows.values()
    ]
    note = (
        "Both on one thread. Arithmetic: encoder and modules alone, with the model loaded and the images read. Whole "
        "grading: from image file to row of the results folder. The shortest times of several rounds."
    )
    head = ("", "arithmetic, ms per image", "whole grading, ms per image", "arithmetic / whole")
    return _format_section("The limit of arithmetic", note, _format_table(head, lines) if lines else NOT_MEASURED)


def _format_short_runs(document: Mapping[str, Any]) -> str:
    results = document.get("short_runs")
    if not results:
        return _format_section("Short runs", NOT_MEASURED)
    lines = [
        ("`unoqa --help`, s", f"{results['help']:.2f}"),
        ("one image without the learned encoder, recipe `default`, ms", f"{results['beyond']:.0f}"),
        ("measures, image already read, images per second and core", f"{results['measures_encode']:.1f}"),
        ("measures, from file to grade, images per second and core", _format_number(results["measures_whole"], ".1f")),
    ]
    return _format_section("Short runs", _format_table(("", ""), lines))


def _format_growth(document: Mapping[str, Any]) -> str:
    results = document.get("growth")
    if not results:
        return _format_section("Growth", NOT_MEASURED)
    lines = [
        (str(count), f"{results[str(count)]['seconds']:.1f}", f"{results[str(count)]['memory'] / 1e6:.0f}")
        for count in GROWTH
    ]
    note = "`unoqa grade` with the recipe `measures`; the images are copies under other names."
    return _format_section("Growth", note, _format_table(("images", "s", "memory, MB"), lines))


def _format_method(document: Mapping[str, Any]) -> str:
    recipes = "; ".join(
        f"{row.name}: `{row.recipe}`, which reads {_list_layers(row.recipe)}, and `{row.model}` with "
        f"`{json.dumps(row.options)}` and the peer's other defaults"
        for key, row in ROWS.items()
        if key in document["rows"]
    )
    return _format_section(
        "Method",
        "Both programs run as whole processes, from image files to result files, with the same images, encoder "
        "weights, input size and number of threads. A pair is four runs, one after the other: unoqa fits, the peer "
        "fits, unoqa grades, the peer grades. A ratio is the peer's time divided by unoqa's in the same pair. The "
        "table has the median of the ratios with the least and the greatest, the median times, and the most "
        "memory. Memory is private memory of a process and its children, read every 50 ms: anonymous and shared "
        "memory, without pages of mapped files, which the system can drop. Neither program draws pictures.",
        f"{recipes}." if recipes else "",
    )


def _list_layers(recipe: str) -> str:
    """Name the layers that a recipe reads; some differ from those that the peer reads."""
    encoders = Recipe.named(recipe).panel.encoders()
    return ", ".join(f"layer{layer}" for encoder in encoders if isinstance(encoder, Timm) for layer in encoder.layers)


def _format_number(value: float | None, form: str) -> str:
    return "not measured" if value is None else format(value, form)


def _format_section(title: str, *parts: str) -> str:
    return "\n".join([f"## {title}\n", *(f"{part.rstrip()}\n" for part in parts if part)])


def _format_table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    return "\n".join(_list_lines(head, lines)) + "\n"


def _list_lines(head: Sequence[str], lines: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for line in lines:
        yield f"| {' | '.join(line)} |"
