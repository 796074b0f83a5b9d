"""`report.html`: the page to look at a graded cohort, in one file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, final

from unoqa.outputs.parts.contract import Output
from unoqa.report.exclusion import Covariates
from unoqa.report.page import write_page
from unoqa.store.files import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.store.results import Results


@final
@dataclass(frozen=True)
class ReportHtml(Output):
    """Counts, what to look at first, images with heat, linked plots, tables for a paper, failures, how it was done.

    Attributes:
        covariates: of people behind images; with them, the page tells who is lost by the gate.
    """

    covariates: Covariates = field(default_factory=dict)
    file: ClassVar[str] = "report.html"
    needs_images: ClassVar[bool] = True

    def write(self, results: Results, path: Path, *, images: Path | None = None) -> None:
        """Write the page.

        Raises:
            ResultsError: the run is not finished, or an image cannot be found.
        """
        with replace_file(path) as fresh, fresh.open("w", encoding="utf-8", newline="\n") as file:
            for piece in write_page(results, images=images, covariates=self.covariates):
                file.write(piece)
