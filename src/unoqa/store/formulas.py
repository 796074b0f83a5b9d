"""Text in the cells of a CSV file that a spreadsheet would read as a formula."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a spreadsheet read a cell as a formula, unless an apostrophe stands before them."""


def escape_formula(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would read as a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def unescape_formula(cell: str) -> str:
    """Remove the apostrophe that `escape_formula`, or a person, put before a text."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell
