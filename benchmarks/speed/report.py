"""The results as a page for readers: RESULTS.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from speed.groups import SUBJECTS
from speed.rows import Row

METHOD = """\
Two programs do the same work in turn, as whole processes, on as many threads as the machine has cores; the medians of
their runs count. *Ratio* is how many times faster, or smaller, the first one is. *Images a second* is what each further
image takes: a long run less a run of ten images. *Start and end* is the rest of the short run. *Seconds of a processor*
count the work of all threads: they change less with what else the machine does. *Memory* is the most private memory of
a process and its children, read every 50 ms, without pages of mapped files. No program draws pictures. Images are those
of the device rossa, turned and mirrored. CFLOW reads layers 2 and 3 of a ResNet-18 with the same weights in both
programs; anomalib trains one epoch and has its other defaults. *A pass over one image* is a fit of three passes less a
fit of one, without rotated images; CFLOW has soft permutations and takes 256 fibres in a step in both programs. How
well either ranks after equal passes is in docs/reproduction.md, "Beside anomalib"."""


def format_report(facts: Mapping[str, str], rows: Sequence[Row], left_out: Sequence[str]) -> str:
    """Write facts and rows as Markdown.

    Args:
        left_out: groups of rows that this run does not measure.
    """
    missing = f"**Not measured here: {'; '.join(SUBJECTS[name] for name in left_out)}.**\n\n" if left_out else ""
    head = _format_table(("", ""), facts.items())
    table = _format_table(
        ("the first; the second", "first", "second", "ratio", "target", "met"), map(_list_cells, rows)
    )
    return f"# Speed and memory of unoqa\n\n{missing}{METHOD}\n\n{table}\n{head}"


def _list_cells(row: Row) -> tuple[str, ...]:
    if row.ratio is None:
        return (row.name, row.one, row.other, "–", f"≥ {row.target:.2f}", "not measured")
    met = "yes" if row.ratio >= row.target else "**no**"
    return (row.name, row.one, row.other, f"**{row.ratio:.2f}**", f"≥ {row.target:.2f}", met)


def _format_table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
