"""The house rules with budgets, held in every file."""

from __future__ import annotations

import ast
import re

import pytest

from unoqa.cli.choices import SHELVES

CODE_ON_DISK = {"pickle", "cPickle", "_pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def test_files_are_short(sources):
    assert {path: lines for path, text in sources.items() if (lines := len(text.splitlines())) > 300} == {}


def no_long_function(tree):
    yield from (node for node in functions(tree) if length(node) > 40)


def no_crowded_signature(tree):
    yield from (node for node in functions(tree) if len(parameters(node)) > 7)


def everything_hinted(tree):
    for node in functions(tree):
        if node.returns is None or any(parameter.annotation is None for parameter in parameters(node)):
            yield node


def no_argument_that_may_also_be_a_bool(tree):
    for node in functions(tree):
        for parameter in parameters(node):
            if isinstance(parameter.annotation, ast.BinOp) and re.search(
                r"\bbool\b", ast.unparse(parameter.annotation)
            ):
                yield parameter


def no_star_import(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            yield node


def no_bare_except(tree):
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.type is None)


def no_code_on_disk(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and {alias.name.split(".")[0] for alias in node.names} & CODE_ON_DISK:
            yield node
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in CODE_ON_DISK:
            yield node


def no_file_that_runs_code(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called, given = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
            if called == "torch.load" and given.get("weights_only") != "True":
                yield node
            if called in {"eval", "exec", "torch.save"} or given.get("allow_pickle", "False") != "False":
                yield node


def every_public_thing_explained(tree):
    for node in exposed(tree):
        if not node.name.startswith("_") and ast.get_docstring(node) is None:
            yield node


def every_class_final_or_abstract(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name != "UnoqaError":  # the root that every caller catches
            marks = {ast.unparse(mark) for mark in (*node.decorator_list, *node.bases)}
            if not marks & {"final", "ABC", "Protocol"}:
                yield node


def no_manager(tree):
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name.endswith("Manager"))


RULES = (
    no_long_function,
    no_crowded_signature,
    everything_hinted,
    no_argument_that_may_also_be_a_bool,
    no_star_import,
    no_bare_except,
    no_code_on_disk,
    no_file_that_runs_code,
    every_public_thing_explained,
    every_class_final_or_abstract,
    no_manager,
)

PLANTED = {
    no_long_function: "def f() -> None:\n" + "    print()\n" * 40,
    no_crowded_signature: "def f(a: int, b: int, c: int, d: int, e: int, *, f: int, g: int, h: int) -> None: ...",
    everything_hinted: "def f(self, a): ...",
    no_argument_that_may_also_be_a_bool: "def f(a: int | bool) -> None: ...",
    no_star_import: "from os import *",
    no_bare_except: "try:\n    f()\nexcept:\n    pass",
    no_code_on_disk: "from joblib.memory import Memory",
    no_file_that_runs_code: "torch.load(path)",
    every_public_thing_explained: "class A:\n    'One.'\n    def f(self): ...",
    every_class_final_or_abstract: "class A: ...",
    no_manager: "class SessionManager: ...",
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_file_keeps_the_rule(rule, sources):
    found = [(path, node.lineno) for path, text in sources.items() for node in rule(ast.parse(text))]
    if rule is no_crowded_signature:  # a command's options are its parameters
        found = [(path, line) for path, line in found if not path.startswith("cli/")]
    assert found == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_sees_an_offence(rule):
    assert len(list(rule(ast.parse(PLANTED[rule])))) == 1


def test_every_choice_on_a_shelf_is_final():
    choices = {(shelf.kind, name): shelf.load(name) for shelf in SHELVES for name in shelf.names()}
    assert [choice for choice, cls in choices.items() if not getattr(cls, "__final__", False)] == []


@pytest.mark.parametrize("mark", ["noqa", "type: ignore", "pragma"])
def test_a_rule_is_switched_off_by_its_code_and_with_a_reason(mark, sources):
    lines = [(path, line) for path, text in sources.items() for line in text.splitlines() if f"# {mark}" in line]
    assert [(path, line.strip()) for path, line in lines if not excused(line)] == []


def test_an_excuse_names_the_rule():
    assert excused("x = 1  # noqa: ANN401 - any public name")
    assert not excused("x = 1  # noqa")
    assert not excused("x = 1  # noqa: ANN401")
    assert not excused("x = 1  # type: ignore")


def excused(line):
    """`noqa` wants a reason in words; mypy's codes are words themselves."""
    return re.search(r"# noqa: [A-Z]+\d+(, ?[A-Z]+\d+)* - \w+|# type: ignore\[[a-z-]+", line) is not None


def functions(tree):
    return (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS))


def parameters(node):
    given = node.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    return [parameter for parameter in every if parameter.arg not in ("self", "cls")]


def length(node):
    """Count lines from `def` to the end, without the docstring."""
    lines = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node) is not None:
        lines -= node.body[0].end_lineno - node.body[0].lineno + 1
    return lines


def exposed(tree):
    """Yield functions and classes of the module, and the methods of its public classes."""
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, *FUNCTIONS)):
            yield node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from (member for member in node.body if isinstance(member, FUNCTIONS))
