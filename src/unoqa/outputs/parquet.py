"""Final grades as Parquet, on request (`unoqa export --as parquet`)."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, ClassVar, final

from unoqa.core.errors import UsageError
from unoqa.outputs.parts.contract import Output
from unoqa.outputs.parts.final_grades import FinalGrades
from unoqa.store.files import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from unoqa.store.results import Results

BATCH = 50_000
"""Rows that are in memory at once."""


@final
class Parquet(Output):
    """The rows of `csv`, with typed columns (extra `tables`)."""

    file: ClassVar[str] = "final_grades.parquet"
    default: ClassVar[bool] = False

    def write(self, results: Results, path: Path, *, images: Path | None = None) -> None:
        """Write all rows, in batches.

        Raises:
            UsageError: pyarrow is not installed.
        """
        del images
        try:
            import pyarrow as pa  # noqa: PLC0415 - of the extra `tables`
            from pyarrow import parquet  # noqa: PLC0415 - as above
        except ImportError:
            raise UsageError("Parquet needs pyarrow: pip install 'unoqa[tables]'.") from None
        types = {str: pa.string(), float: pa.float64(), int: pa.int64()}
        every = FinalGrades(results)
        schema = pa.schema([(name, types[kind]) for name, kind in every.columns.items()])
        rows = iter(every)
        with replace_file(path) as fresh, parquet.ParquetWriter(str(fresh), schema) as writer:
            while batch := list(islice(rows, BATCH)):
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
