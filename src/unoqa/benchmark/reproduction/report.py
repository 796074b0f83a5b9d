"""The report of a reproduction: tables as Markdown, CSV and HTML."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass
from importlib import resources
from typing import TYPE_CHECKING, final

from jinja2 import Environment

from unoqa.benchmark.reproduction.identity import FACTS
from unoqa.store.files import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from unoqa.benchmark.reproduction.cells import Cell, CellKey
    from unoqa.benchmark.reproduction.tables import Table

TITLE = "UNO-QA, reproduced"


@final
@dataclass(frozen=True)
class Report:
    """A whole report.

    Attributes:
        facts: names and values of the settings it was made with.
        notes: sentences that its reader should know.
        complete: whether every image could be read.
    """

    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    complete: bool = True

    def write(self, folder: Path, cells: Mapping[CellKey, Cell]) -> None:
        """Write `reproduction.md`, `.html`, `.json` (the facts) and `.csv`, which has every cell of every seed."""
        write_text(folder / "reproduction.md", self.to_markdown())
        write_text(folder / "reproduction.html", self.to_html())
        write_text(folder / "reproduction.csv", _format_csv(cells))
        write_text(folder / FACTS, json.dumps(dict(self.facts), indent=1, ensure_ascii=False) + "\n")

    def to_markdown(self) -> str:
        """Return the report in Markdown."""
        parts = [f"# {TITLE}", "\n".join(f"* {name}: {value}" for name, value in self.facts)]
        parts += [_format_table(table) for table in self.tables]
        if self.notes:
            parts.append("## Notes\n\n" + "\n".join(f"* {note}" for note in self.notes))
        return "\n\n".join(parts) + "\n"

    def to_html(self) -> str:
        """Return the report as one self-contained HTML page; everything in it is escaped."""
        text = resources.files("unoqa.benchmark.reproduction").joinpath("page.html").read_text(encoding="utf-8")
        template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(text)
        return template.render(title=TITLE, facts=self.facts, tables=self.tables, notes=self.notes)


def _format_table(table: Table) -> str:
    """Write a table in Markdown."""
    lines = [table.head, ("---",) * len(table.head), *table.rows]
    rows = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    return f"## {table.title}\n\n{table.caption}\n\n{rows}"


def _format_csv(cells: Mapping[CellKey, Cell]) -> str:
    text = io.StringIO()
    rows = [{**asdict(key), **asdict(cell)} for key, cell in cells.items()]
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["study"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
