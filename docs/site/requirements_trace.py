"""Which test holds which requirement, read from the tests' own markers without running them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def list_requirements() -> dict[str, str]:
    """Return the requirements of docs/qualification.md, by their numbers."""
    text = (ROOT / "docs" / "qualification.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| (R\d+) \| (.+?) \|$", text, re.MULTILINE))


def find_tests() -> dict[str, list[str]]:
    """Return the tests, as `file::name`, by the numbers of the requirements that they are marked with."""
    found: dict[str, list[str]] = {}
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                for mark in map(ast.unparse, node.decorator_list):
                    for number in re.findall(r"^pytest\.mark\.requirement\('(R\d+)'\)$", mark):
                        found.setdefault(number, []).append(f"{file.relative_to(ROOT).as_posix()}::{node.name}")
    return found


def write_trace() -> str:
    """Return the page of requirements and their tests."""
    tests = find_tests()
    rows = [
        f"| {number} | {words} | {'<br>'.join(f'`{test}`' for test in tests[number])} |"
        for number, words in list_requirements().items()
    ]
    start = (
        "# Requirements and tests\n\nMade from the tests' own markers when this site was built. "
        "[Qualification](../qualification.md) says what the requirements are for.\n\n"
        "| | requirement | tests |\n|---|---|---|\n"
    )
    return start + "\n".join(rows) + "\n"
