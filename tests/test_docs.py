"""Documents cannot drift: what they name exists, and what exists is named."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

import unoqa
from clinic import base, clinic, grader, settled, settled_model
from requirements_trace import find_tests, list_requirements
from unoqa import Recipe
from unoqa.benchmark.phantom.contract import load_damages
from unoqa.benchmark.phantom.folder import write_phantom
from unoqa.benchmark.selftest.trial import SEVERITIES
from unoqa.cli.parts.application import application
from unoqa.core.assessment import OTHER_CONTENT
from unoqa.core.facts import STRUCTURAL
from unoqa.encoders.measures import MEASURES
from unoqa.formats import collect, read
from unoqa.grader.choice_of_model import NO_MODEL
from unoqa.grader.recipe import recipe_names
from unoqa.grader.scans import KINDS
from unoqa.grader.scope import Scope
from unoqa.outputs.grades_csv import COLUMNS
from unoqa.store.results.database import VERSION

__all__ = ["base", "clinic", "grader", "settled", "settled_model"]

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
OUTPUTS = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for folder in (".", "docs", "lab", "benchmarks", "src/unoqa")
    for path in sorted((ROOT / folder).glob("*.md"))
}
"""Every page of the house, by its path."""

TODAY = [page for page in PAGES if page not in ("CHANGELOG.md", "lab/LOG.md")]
"""Pages that say what holds now; the other two also name what is gone."""

SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))


def commands():
    group = typer.main.get_command(application)
    return group.list_commands(None)


@pytest.mark.parametrize("name", commands())
def test_every_command_stands_in_the_readme(name):
    assert re.search(rf"unoqa {name}\b", README)


def test_every_command_in_the_readme_exists():
    named = set(re.findall(r"^unoqa (\w+)", README, flags=re.MULTILINE))
    assert named <= set(commands())


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_leads_to_one(page):
    links = [link.split("#") for link in re.findall(r"\]\(([^)]+)\)", PAGES[page]) if "://" not in link]
    for path, *anchor in links:
        linked = (ROOT / page).parent / path
        assert linked.exists()
        if anchor:
            assert set(anchor) <= headings(linked if path else ROOT / page)


@pytest.mark.parametrize("page", TODAY)
def test_every_file_of_the_house_that_a_page_names_exists(page):
    named = re.findall(r"\b((?:benchmarks|docs|lab|src|tests|\.ci)/[\w./-]*\w)", PAGES[page])
    assert [path for path in named if not (ROOT / path).exists() and "build/" not in path] == []


@pytest.mark.parametrize("page", TODAY)
def test_every_command_of_a_page_exists_with_its_options(page):
    group = typer.main.get_command(application)
    for name, *words in commands_of(PAGES[page]):
        _, command, _ = group.resolve_command(group.context_class(group), [name])
        known = {"--help", "-h", *(option for one in command.params for option in one.opts)}
        assert {word for word in words if word.startswith("-")} <= known, f"{name} {words}"


@pytest.mark.parametrize("name", commands())
def test_every_option_of_a_command_stands_on_a_page(name):
    group = typer.main.get_command(application)
    _, command, _ = group.resolve_command(group.context_class(group), [name])
    text = "\n".join(PAGES[page] for page in TODAY)
    options = [one.opts for one in command.params if one.opts[0].startswith("-")]
    assert [some for some in options if not any(re.search(rf"(?<![\w-]){one}(?![\w-])", text) for one in some)] == []


def test_a_command_that_does_not_exist_is_seen():
    text = "`unoqa fit … --nothing`\n```\nunoqa grade a.png -m model \\\n    -o results   # not -x\n```\n"
    assert [*commands_of(text)] == [
        ["fit", "…", "--nothing"],
        ["grade", "a.png", "-m", "model", "-o", "results"],
    ]


def commands_of(text):
    """Yield the words after `unoqa` of every command in blocks of code and between backticks."""
    blocks = "\n".join(re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")
    in_blocks = re.findall(r"^(?:ExecStart=)?(?:/\S+/)?unoqa (.+)$", blocks, re.MULTILINE)
    in_words = re.findall(r"`unoqa ([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    for command in (*in_words, *in_blocks):
        words = shlex.split(re.sub(r"[\[\]]", " ", command), comments=True)
        if not words[0].startswith("-"):
            yield words


@pytest.mark.parametrize("page", TODAY)
def test_every_script_of_a_page_takes_its_options(page):
    for script, options in re.findall(r"python ((?:benchmarks|tests|\.ci)/[\w/]+\.py)((?: [^\n`]*)?)", PAGES[page]):
        text = (ROOT / script).read_text(encoding="utf-8")
        assert [option for option in re.findall(r"--[\w-]+", options) if f'"{option}"' not in text] == []


@pytest.mark.parametrize("page", TODAY)
def test_every_target_of_make_exists(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    code = re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", PAGES[page], re.MULTILINE)
    targets = {first or second for first, second in code}
    assert targets <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def test_every_entry_of_the_log_has_its_date_and_stands_in_its_contents():
    titles = re.findall(r"^## (.+)$", PAGES["lab/LOG.md"], re.MULTILINE)
    assert [title for title in titles if not re.match(r"\d{4}-\d\d-\d\d – ", title)] == []
    assert re.findall(r"^\* \[(.+)\]\(#", PAGES["lab/LOG.md"], re.MULTILINE) == titles


def test_every_extra_stands_in_the_readme():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    table = README.split("| extra | for |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == set(extras) - {"dev"}


def test_every_recipe_stands_in_the_readme():
    assert [name for name in recipe_names() if f"`{name}`" not in README] == []


def headings(page):
    """Return what a link to a heading of a page says after its `#`."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_reason_is_explained_in_the_guide():
    section = GUIDE.split("## Reading the reasons")[1].split("## ")[0]
    explained = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", section, re.MULTILINE)[1:]
    assert sorted(explained) == sorted({MEASURES.load(name).reason for name in MEASURES.names()})


def test_the_recipe_of_the_guide_is_one(tmp_path):
    recipe = tmp_path / "mine.toml"
    recipe.write_text(GUIDE.split("```toml")[1].split("```")[0], encoding="utf-8")
    assert len(Recipe.read(recipe).panel.members) == 2


def test_every_room_of_the_architecture_exists():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = re.findall(r"`([a-z/_]+\.py)`", text)
    found = [path for path in rooms if (ROOT / "src" / "unoqa" / path).exists() or (ROOT / path).exists()]
    assert found == rooms
    assert rooms


def test_every_error_code_is_documented_and_every_documented_one_is_used():
    used = set(re.findall(r'ImageError\(\s*"([a-z-]+)"', SOURCES)) | {"cohort-too-small"}
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", OUTPUTS.split("## Error codes")[1].split("##")[0], re.MULTILINE))
    raised = documented & {code for code in documented if f'"{code}"' in SOURCES}
    assert used <= documented
    assert raised == documented


def test_every_code_of_scope_is_documented():
    section = OUTPUTS.split("## Codes of scope")[1].split("## ")[0]
    first_cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    facts = Scope(kinds=dict.fromkeys(KINDS, ())).wanted
    codes = {STRUCTURAL, OTHER_CONTENT, NO_MODEL, *(f"other-{fact.replace('_', '-')}" for fact in facts)}
    assert set(re.findall(r"`([a-z-]+)`", " ".join(first_cells))) == codes


def test_the_version_of_the_record_is_documented():
    assert f"Its schema has version {VERSION}." in OUTPUTS


def test_every_column_is_documented():
    section = OUTPUTS.split("## `grades.csv`")[1].split("##")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == COLUMNS


def test_the_self_test_is_described_as_it_is():
    severities = ", ".join(f"{one:g}".removeprefix("0") for one in SEVERITIES[:-1])
    assert f"at the severities {severities} and {SEVERITIES[-1]:g}" in PAGES["docs/selftest.md"].replace("\n", " ")
    section = PAGES["docs/selftest.md"].split("## What is planted")[1].split("## ")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in re.findall(r"^\| [a-z].+", section, re.M)[1:]]
    named = {row[0]: set(row[-1].split(", ")) for row in rows}
    damages = {name: {MEASURES.load(one).reason for one in each.measures} for name, each in load_damages().items()}
    assert named == {name: reasons or {"none"} for name, reasons in damages.items()}


def test_the_changelog_has_what_is_unreleased_and_then_the_version():
    versions = re.findall(r"^## (\S+)", PAGES["CHANGELOG.md"], re.MULTILINE)
    released = [version for version in versions if version != "Unreleased"]
    assert released[0] == unoqa.__version__
    assert versions in (released, ["Unreleased", *released])


def test_every_requirement_has_a_test_and_every_marked_test_a_requirement():
    assert list(list_requirements()) == [f"R{number}" for number in range(1, 1 + len(list_requirements()))]
    assert set(find_tests()) == set(list_requirements())


def test_the_citation_names_the_last_release():
    cited = dict(
        re.findall(r"^(version|date-released): \"?([\w.-]+)", (ROOT / "CITATION.cff").read_text("utf-8"), re.M)
    )
    assert f"## {cited['version']} – {cited['date-released']}" in PAGES["CHANGELOG.md"]
    assert cited["version"] == unoqa.__version__


def test_every_public_name_is_there_and_listed_in_order():
    assert [name for name in unoqa.__all__ if not hasattr(unoqa, name)] == []
    assert unoqa.__all__ == sorted(unoqa.__all__)


def test_the_python_example_of_the_readme_runs(tmp_path):
    write_phantom(tmp_path, outstanding_to_fit=12, clinic=(4, 12, 8), seed=1)
    example = README.split("```python")[1].split("```")[0].replace("clinic/", str(tmp_path / "clinic"))
    one = next((tmp_path / "clinic").iterdir())
    example = example.replace("outstanding/", str(tmp_path / "outstanding")).replace("one.png", str(one))
    example = example.replace('"settled-measures"', repr(str(tmp_path / "settled")))
    run = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, timeout=120, check=False)
    assert run.stderr == ""
    assert len(run.stdout.splitlines()) == 25


def test_the_python_example_of_the_guide_runs(clinic, settled_model, tmp_path, capsys):
    example = GUIDE.split("```python")[1].split("```")[0].replace('"settled"', repr(str(settled_model)))
    example = example.replace("clinic/", str(clinic.some(tmp_path / "clinic", 2))).replace(
        "results/", str(tmp_path / "r")
    )
    first, second = (read(reference).pixels for reference in collect([tmp_path / "clinic"]).references)
    names = {"array": first, "first": first, "second": second}
    exec(compile(example, "guide.md", "exec"), names)
    assert capsys.readouterr().out.splitlines()[1].startswith("image 1 ")
    assert len(names["table"]) == 2
