"""Imports go down only: the floors of the house, read from every file."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter

import pytest

SHELVES = ("formats", "encoders", "lowquality", "thresholds", "reductions", "clusterings")

FLOORS = {
    "": 7,  # the package's own door
    "contracts": 6,
    "cli": 6,
    "service": 5,
    "app": 5,
    "outputs": 4,
    "web": 4,
    "benchmark": 4,
    "report": 3,
    "batch": 3,
    "grader": 2,
    **dict.fromkeys(SHELVES, 1),
    "store": 1,
    "core": 0,
    "version": -1,
    "__main__": 7,
}

REFUSED_NAMES = {"utils", "util", "base", "manager", "managers", "helpers", "common", "misc"}


def test_every_room_stands_on_a_floor(sources):
    assert {room_of(module_name(path)) for path in sources} <= set(FLOORS)


def test_imports_go_down_only(sources):
    assert [(importer, imported) for importer, imported in edges(sources) if not allowed(importer, imported)] == []


@pytest.mark.requirement("R12")
def test_only_the_benchmark_and_what_stands_above_it_know_the_benchmark(sources):
    knowing = {room_of(importer) for importer, imported in edges(sources) if room_of(imported) == "benchmark"}
    assert knowing <= {"benchmark", "service", "app", "cli"}


def test_no_import_of_ours_is_hidden_in_a_function(sources):
    hidden = [
        (path, node.lineno)
        for path, text in sources.items()
        for function in ast.walk(ast.parse(text))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and any(imported_names(node))
    ]
    assert hidden == []


def test_modules_are_loaded_by_name_only_at_the_two_doors_and_by_the_catalog(sources):
    loading = {path for path, text in sources.items() if "import_module" in text}
    assert loading <= {"__init__.py", "cli/parts/application.py", "core/catalog.py"}


def test_imports_make_no_cycle(sources):
    assert cycle(edges(sources)) == []


def test_no_file_is_called_by_what_it_is_not(sources):
    words = {word for path in sources for word in path.removesuffix(".py").split("/")}
    assert words & REFUSED_NAMES == set()


@pytest.mark.parametrize(
    ("importer", "imported", "fine"),
    [
        ("unoqa.cli.fit", "unoqa.core.errors", True),
        ("unoqa.outputs.run_json", "unoqa.store.results", True),
        ("unoqa.batch.driver", "unoqa.outputs", False),
        ("unoqa.encoders.timm", "unoqa.encoders.parts.weights", True),
        ("unoqa.encoders.timm", "unoqa.lowquality", False),
        ("unoqa.store.results.run", "unoqa.outputs.run_json", False),
        ("unoqa.outputs.report_html", "unoqa.report.page", True),
        ("unoqa.report.page", "unoqa.benchmark.labels", False),
        ("unoqa.core.image", "unoqa.formats", False),
        ("unoqa.version", "unoqa.core.errors", False),
    ],
)
def test_the_rule_itself(importer, imported, fine):
    assert allowed(importer, imported) is fine


def test_a_cycle_would_be_seen():
    assert cycle([("a", "b"), ("b", "c"), ("c", "a")]) != []


def allowed(importer, imported):
    """Tell whether a module may import another: from its own room, from below, a shelf also from the store."""
    above, below = room_of(importer), room_of(imported)
    if above == below:
        return True
    return FLOORS[above] > FLOORS[below] or (above in SHELVES and below == "store")


def edges(sources):
    modules = {module_name(path) for path in sources}
    found = set()
    for path, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found |= {(module_name(path), known(name, modules)) for name in imported_names(node)}
    return sorted(found)


def imported_names(node):
    """Yield the modules of ours that a statement names; a relative import is told by its dots."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "unoqa")
    elif node.level:
        yield "." * node.level + (node.module or "")
    elif (node.module or "").split(".")[0] == "unoqa":
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def known(name, modules):
    """Return the module that a dotted name lies in: `unoqa.core.errors.UsageError` lies in `unoqa.core.errors`."""
    return name if name in modules else name.rpartition(".")[0]


def module_name(path):
    return ".".join(["unoqa", *path.removesuffix(".py").removesuffix("__init__").strip("/").split("/")]).rstrip(".")


def room_of(module):
    return [*module.split("."), ""][1]


def cycle(pairs):
    graph = {}
    for importer, imported in pairs:
        graph.setdefault(importer, set()).add(imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []
