"""Lay out what the documentation site is built from: pages of the house where they lie, and pages made from the code.

python docs/site/sources.py build/docs-source

A new choice, command, public name or column appears on the site by existing.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import typer

import unoqa
from requirements_trace import write_trace
from unoqa import contracts
from unoqa.cli.choices import SHELVES, list_settings
from unoqa.cli.parts.application import application
from unoqa.grader.recipe import Recipe, recipe_names
from unoqa.store.results.database import MIGRATIONS

ROOT = Path(__file__).parents[2]

PAGES = ("*.md", "docs/*.*", "docs/site/*.css", "lab/*.md", "benchmarks/*.md", "src/unoqa/guide.md")
"""Pages and pictures of the house, which keep their places, so that their links hold."""


HIDDEN = ("show_root_heading", "show_root_toc_entry", "show_bases")
"""What mkdocstrings leaves out of a choice, whose heading is its name in recipes."""


def lay_out(folder: Path) -> None:
    """Fill a folder with all sources of the site; what was in it is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    for file in (file for pattern in PAGES for file in ROOT.glob(pattern)):
        target = folder / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    reference = folder / "docs" / "reference"
    reference.mkdir()
    for name, write in MADE.items():
        (reference / f"{name}.md").write_text(write(), encoding="utf-8", newline="\n")


def write_choices() -> str:
    """Return the page of every choice on every shelf, and of every recipe."""
    text = ["# Every choice\n\nA choice is a file; a recipe names it. `unoqa choices` prints the same in a terminal.\n"]
    for shelf in SHELVES:
        text.append(f"## {shelf.kind.capitalize()}s\n")
        for name in shelf.names():
            choice = shelf.load(name)
            if choice.__module__.split(".")[0] == "unoqa":
                text.append(f"### {name}\n\n{_write_class(choice)}\n{_tabulate_settings(choice)}")
    text.append("## Recipes\n\n| recipe | |\n|---|---|")
    text.extend(f"| `{name}` | {Recipe.named(name).description} |" for name in recipe_names())
    return "\n".join(text) + "\n"


def _write_class(choice: type) -> str:
    """Return what mkdocstrings replaces by the docstring."""
    path = f"{choice.__module__}.{choice.__qualname__}"
    options = {"heading_level": 4, "members": False, **dict.fromkeys(HIDDEN, False)}
    return "\n".join(
        [f"::: {path}", "    options:", *(f"      {key}: {json.dumps(value)}" for key, value in options.items()), ""]
    )


def _tabulate_settings(choice: type) -> str:
    if not dataclasses.is_dataclass(choice) or not dataclasses.fields(choice):
        return ""
    rows = [f"| `{name}` | `{default!r}` | {_cell(words)} |" for name, default, words in list_settings(choice)]
    return "\n".join(["| setting | default | |", "|---|---|---|", *rows, ""])


def write_commands() -> str:
    """Return the page of every command with its options, as `--help` has them."""
    group = typer.main.get_command(application)
    context = group.context_class(group)
    text = ["# Every command\n\nThe same as `unoqa COMMAND --help`.\n"]
    for name in group.list_commands(context):
        _, command, _ = group.resolve_command(context, [name])
        text.append(f"## unoqa {name}\n\n{_format_help(command.help)}\n\n| option | |\n|---|---|")
        text.extend(f"| {_name_parameter(one)} | {_cell(one.help or '')} |" for one in command.params)
        text.append("")
    return "\n".join(text) + "\n"


def _format_help(words: str) -> str:
    """Return the help with its indented lines as blocks of code."""
    return re.sub(
        r"((?:^  .+\n?)+)", lambda block: f"```\n{re.sub('(?m)^  ', '', block[1]).rstrip()}\n```\n", words, flags=re.M
    )


def _name_parameter(one: object) -> str:
    names = [*one.opts, *one.secondary_opts] if one.opts[0].startswith("-") else [one.metavar or one.name.upper()]
    return ", ".join(f"`{name}`" for name in names)


def write_python() -> str:
    """Return the page of the public names of the package."""
    return "# From Python\n\n[Everyday use from Python](../guide.md#from-python) has examples.\n\n" + _write_names(
        unoqa
    )


def write_contracts() -> str:
    """Return the page of all that a package of one's own may import."""
    start = "# Contracts\n\nWhat a package that adds a choice imports; [how to write one](../plugins.md).\n\n"
    return start + _write_names(contracts)


def _write_names(module: object) -> str:
    named = {name: getattr(module, name) for name in module.__all__ if not name.startswith("__")}
    documented = {name: value for name, value in named.items() if hasattr(value, "__qualname__")}
    places = (f"{value.__module__}.{value.__qualname__}" for value in documented.values())
    return "\n".join(f"::: {place}\n" for place in places)


def write_record() -> str:
    """Return the page of the record's tables, as SQLite has them after all migrations."""
    text = [
        f"# The record\n\nThe tables of `record.sqlite`, schema version {len(MIGRATIONS)}, made from the code. "
        "[What a run writes](../outputs.md#the-record) says what is in them, and [versions](../versions.md) what "
        "becomes of older ones.\n"
    ]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript("".join(MIGRATIONS))
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid"):
            text.append(f"## {table}\n\n| column | type | |\n|---|---|---|")
            for _, column, kind, needed, _, key in connection.execute(f"PRAGMA table_info({table})"):
                notes = (
                    ["key"] * bool(key) + ["may be NULL"] * (not needed and not key) + [_find_comment(table, column)]
                )
                text.append(f"| `{column}` | {kind} | {_cell('; '.join(filter(None, notes)))} |")
            text.append("")
    return "\n".join(text) + "\n"


def _find_comment(table: str, column: str) -> str:
    """Return the comment of the line of the schema in which a column is made."""
    statements = "".join(MIGRATIONS)
    whole = re.search(rf"CREATE TABLE {table} \((.*?)\) STRICT", statements, re.DOTALL)
    added = re.findall(rf"ALTER TABLE {table} ADD COLUMN .*", statements)
    lines = [*(whole[1].splitlines() if whole else []), *added]
    return next((line.partition("-- ")[2] for line in lines if re.search(rf"\b{column} [A-Z]", line)), "")


def _cell(words: str) -> str:
    return re.sub(r"\s+", " ", words).replace("|", "\\|").strip()


MADE = {
    "choices": write_choices,
    "commands": write_commands,
    "contracts": write_contracts,
    "python": write_python,
    "record": write_record,
    "trace": write_trace,
}
"""Pages of the folder `reference`, by name."""

if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
