"""An output in one file, written with `unoqa.contracts` only."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, final

from unoqa.contracts import Grade, Output, Results, replace_file


@final
class SummaryMd(Output):
    """The number of images of each grade, as a table in Markdown."""

    file: ClassVar[str] = "summary.md"

    def write(self, results: Results, path: Path, *, images: Path | None = None) -> None:
        """Write the table; the images are not needed."""
        del images
        rows = "".join(f"| {grade.word} | {results.count(grade)} |\n" for grade in reversed(Grade))
        with replace_file(path) as fresh:
            fresh.write_text(f"| grade | images |\n|---|---|\n{rows}", encoding="utf-8")
