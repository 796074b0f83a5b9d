"""Take grades that were corrected in a table back into the results.

Export a table (unoqa export), correct its column grade in any spreadsheet program, save it as CSV or Excel workbook,
and give it to this command. Each changed grade becomes a decision of the reader; the record keeps the former one. If
someone else changed a grade since the export, that row is a conflict: it is listed, and nothing is taken from it unless
--conflicts file is given.

Examples:

  unoqa correct results grades.csv --reader Anna
  unoqa correct results grades.csv --reader Anna --adjudicate --reason "consensus meeting"
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from unoqa.benchmark.corrections import Correction, apply_corrections, find_corrections
from unoqa.cli.parts.exit_status import SOME_FAILED
from unoqa.cli.parts.options import Results
from unoqa.cli.parts.terminal import print_message
from unoqa.store.results import Results as Record
from unoqa.store.results.reviews import check_reader


def correct(
    results: Results,
    table: Annotated[Path, typer.Argument(help="Table with the columns image and grade.", metavar="TABLE")],
    reader: Annotated[str, typer.Option(help="Who corrected the grades.")],
    reason: Annotated[str, typer.Option(help="Why; stands in the record beside each grade.")] = "",
    adjudicate: Annotated[
        bool, typer.Option("--adjudicate", help="The grades are final also where readers disagree.")
    ] = False,
    conflicts: Annotated[
        Literal["keep", "file"], typer.Option(help="Where both have changed: keep the record's grade, or the file's.")
    ] = "keep",
) -> None:
    """Compare the table with the record and add what it changes."""
    reader = check_reader(reader)
    with Record.open(results) as record:
        found = find_corrections(record, table)
        wanted = (*found.changes, *found.conflicts) if conflicts == "file" else found.changes
        why = reason or f"corrected in {table.name}"
        apply_corrections(record, wanted, reader=reader, reason=why, adjudicate=adjudicate)
    print_message(f"{len(wanted)} grades taken from {table}, of {reader}.")
    disputed = sum(one.is_disputed(reader) for one in wanted)
    if disputed and not adjudicate:
        print_message(f"Of {disputed} of these images readers still disagree; --adjudicate makes the grades final.")
    if found.unmatched:
        print_message(f"{found.unmatched} rows name no image of {results}.")
    if found.conflicts:
        Console(stderr=True).print(_tabulate(found.conflicts))
        if conflicts == "keep":
            print_message("These were changed since the export and are kept; --conflicts file takes the file's.")
            raise typer.Exit(SOME_FAILED)


def _tabulate(conflicts: tuple[Correction, ...]) -> Table:
    table = Table("image", "exported", "now", "changed by", "in the file", title="conflicts", title_justify="left")
    for one in conflicts:
        words = ["–" if grade is None else grade.word for grade in (one.exported, one.current)]
        image, by = (escape(repr(text)[1:-1]) for text in (one.image, ", ".join(one.by)))  # no control characters
        table.add_row(image, *words, by, one.wanted.word)
    return table
