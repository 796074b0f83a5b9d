"""The report: one file that opens from disk, asks for nothing, and runs one script that its policy names by hash."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import jinja2

from unoqa.core.grading import SURE
from unoqa.report.assets import hash_inline, read_asset
from unoqa.report.attention import choose_hints, describe_flag
from unoqa.report.cohort import GRADES, Cohort
from unoqa.report.data import encode, make_data
from unoqa.report.exclusion import make_exclusion
from unoqa.report.methods import describe_split, list_values, realised_refusal, write_methods
from unoqa.report.pictures import Picture, find_thumbnail_bytes, make_pictures
from unoqa.report.reviewing import tabulate_review
from unoqa.report.tables import format_interval, format_share, make_tables, word_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from unoqa.report.cohort import Scan, ScoringModel
    from unoqa.report.exclusion import Covariates
    from unoqa.report.tables import Table
    from unoqa.store.results import Results

BLOCK = 100
"""Images whose pictures are in one data block; a block is read when one of them is shown."""

SCRIPTS = tuple(f"script/{part}.js" for part in ("state", "mosaic", "filters", "plots", "detail", "start"))
"""The parts of the script, in their order."""

STYLES = ("theme.css", "report.css")
"""The parts of the style sheet, in their order."""

LARGE_BYTES = 12_000
"""Bytes of a thumbnail from which it serves the large view too."""


def write_page(results: Results, *, images: Path | None = None, covariates: Covariates | None = None) -> Iterator[str]:
    """Yield the page in pieces, so that 60 MB of pictures are never held as one text.

    Args:
        images: folder where the images lie now; None if they lie where they were graded.
        covariates: of people behind images; none leave out who is lost by the gate.

    Raises:
        ResultsError: the run is not finished, or an image can no longer be found.
    """
    cohort = Cohort.read(results)
    scans = cohort.choose()
    head, tail = _render(cohort, scans, results, make_exclusion(cohort, covariates or {})).split(PICTURES_HERE)
    yield head
    yield from _write_blocks(make_pictures(results, scans, images=images))
    yield tail


PICTURES_HERE = "<!-- pictures -->"
"""Where the data blocks with pictures stand in the template: last, so that the page is seen before they are read."""


def _render(cohort: Cohort, scans: Sequence[Scan], results: Results, exclusion: Sequence[Table]) -> str:
    script, styles = ("\n".join(map(read_asset, names)) for names in (SCRIPTS, STYLES))
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(read_asset),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"word": word_of, "share": format_share, "flag": describe_flag}
    files = [_heat_file(results, scan, len(scans)) for scan in scans]
    return environment.get_template("report.html").render(
        styles=styles,
        style_hash=hash_inline(styles),
        script=script,
        script_hash=hash_inline(script),
        data=encode(make_data(cohort, scans, files)),
        block=BLOCK,
        beside=any(files),
        **_describe(cohort, scans),
        exclusion=exclusion,
    )


def _describe(cohort: Cohort, scans: Sequence[Scan]) -> dict[str, Any]:
    """Return what the static part of the page says."""
    shown = {scan.position: number for number, scan in enumerate(scans)}
    total = len(cohort.scans)
    return {
        "run": cohort.run,
        "cohort": cohort,
        "total": total,
        "shown": len(scans),
        "counts": [(grade, cohort.count(grade)) for grade in GRADES],
        "graded": total - cohort.count(None),
        "doubtful": _count_doubtful(cohort),
        "sure": SURE,
        "hints": [(shown.get(hint.scan.position), hint) for hint in choose_hints(cohort)],
        "tables": [*make_tables(cohort), *tabulate_review(cohort)],
        "methods": write_methods(cohort),
        "failures": [scan for scan in cohort.scans if scan.grading.grade is None],
        "recipes": list_values(cohort, "recipe"),
        "precisions": list_values(cohort, "precision"),
        "models": [_describe_model(model) for model in cohort.models],
    }


def _count_doubtful(cohort: Cohort) -> dict[str, int]:
    """Count the images to look at; one may be so for several reasons, and is one of all once."""
    reasons = {
        "unsure": {scan.position for scan in cohort.scans if scan.grading.unsure},
        "flagged": {scan.position for scan in cohort.scans if scan.flags},
        "without": {scan.position for scan in cohort.scans if scan.grading.grade is None},
    }
    return {"all": len(set().union(*reasons.values())), **{name: len(found) for name, found in reasons.items()}}


def _describe_model(model: ScoringModel) -> dict[str, Any]:
    """Return what the page says of how one model grades."""
    return {
        **model.facts,
        "threshold": model.threshold,
        "members": [_name_member(member) for member in (model.facts.get("settings") or {}).get("members", [])],
        "division": describe_split(model),
        "realised": format_interval(realised_refusal(model)),
    }


def _name_member(member: dict[str, Any]) -> str:
    encoder, module = member["encoder"], member["module"]
    what = encoder.get("model") or ", ".join(module.get("channels") or ()) or encoder["choice"]
    return f"{module['choice']} on {what}, weight {member['weight']:g}"


def _heat_file(results: Results, scan: Scan, images: int) -> str:
    """Return the overlay that the large view reads from beside the page; none where thumbnails are large enough."""
    if find_thumbnail_bytes(images) >= LARGE_BYTES or scan.grading.score is None:
        return ""
    path = results.heat_path(scan.grading.image)
    return path.relative_to(results.folder).as_posix() if path.is_file() else ""


def _write_blocks(pictures: Iterator[Picture]) -> Iterator[str]:
    block: list[list[str]] = []
    number = 0
    for picture in pictures:
        block.append([base64.b64encode(one).decode() for one in (picture.thumbnail, picture.heat)])
        if len(block) == BLOCK:
            yield _write_block(number, block)
            block, number = [], number + 1
    yield _write_block(number, block)


def _write_block(number: int, block: list[list[str]]) -> str:
    return f'<script type="application/json" id="pictures-{number}">{encode(block)}</script>\n'
