"""The product runs on Linux, Windows and macOS: no file calls what only one of them has."""

from __future__ import annotations

import ast
import re

import pytest

MODULES = set("fcntl resource pwd grp termios tty pty posix syslog readline curses winreg msvcrt".split())  # noqa: SIM905 - a list to read
"""Modules of the standard library that some system lacks."""

CALLS = re.compile(
    r"os\.(fork|forkpty|wait[p34]?\w*|nice|set[sug]id|setpgid|getpgid|getpgrp|killpg|gete?[ug]id|getgroups|getlogin|uname"
    r"|[fl]?chown|fchmod|mkfifo|mknod|f?statvfs|sysconf|getloadavg|sched_\w+|pread|pwrite|sendfile|sync|fdatasync"
    r"|startfile|renames?|symlink|link|O_(NOFOLLOW|DIRECTORY|CLOEXEC|NONBLOCK|SYNC|BINARY))"
    r"|signal\.(SIG(?!INT$|TERM$|_DFL$|_IGN$)\w+|alarm|setitimer|pause|pthread_\w+|sigwait|CTRL_\w+)"
    r"|time\.tzset|socket\.AF_UNIX|subprocess\.(STARTUPINFO|CREATE_\w+)"
)
"""Names that some system lacks, or that do there something else: `os.rename` replaces no file on Windows."""

METHODS = {"rename", "symlink_to", "hardlink_to", "owner", "group", "lchmod", "add_signal_handler"}
"""The same, of paths and event loops; `group` of a match has arguments."""

TEXTS = {"read_text": 0, "write_text": 1}
"""Methods of a path that take the encoding of the system if none is named, and their number of arguments then."""


def find_calls(tree):
    """Yield (line, what) for each use of what a system lacks, outside a block that asks for the system."""
    guarded = {id(node) for block in guards(tree) for node in ast.walk(block)}
    for node in (node for node in ast.walk(tree) if id(node) not in guarded):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from ((node.lineno, name) for name in names if name.split(".")[0] in MODULES)
        elif isinstance(node, ast.Attribute) and CALLS.fullmatch(ast.unparse(node)):
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, what) for what in faults_of(node))


def faults_of(call):
    """Yield what is wrong with a call, by the name of the method or argument."""
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    named = {word.arg for word in call.keywords}
    if method in METHODS and not (method == "group" and call.args):
        yield method
    if TEXTS.get(method) == len(call.args) and "encoding" not in named:
        yield f"{method} without encoding"
    if "preexec_fn" in named:
        yield "preexec_fn"


def guards(tree):
    """Yield blocks that run on one system only, or where an import may fail."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and (
            "sys.platform" in ast.unparse(node.test) or "os.name" in ast.unparse(node.test)
        ):
            yield from node.body
        if isinstance(node, ast.Try) and any("ImportError" in ast.unparse(one) for one in node.handlers):
            yield from node.body


def test_the_product_calls_nothing_that_only_one_system_has(sources):
    found = [(path, *call) for path, text in sources.items() for call in find_calls(ast.parse(text))]
    assert found == []


@pytest.mark.parametrize(
    "offence",
    [
        "import fcntl",
        "from resource import getrlimit",
        "os.kill(1, signal.SIGKILL)",
        "os.geteuid()",
        "if fast:\n    os.fork()",
        "if sys.platform == 'linux':\n    pass\nelse:\n    os.nice(1)",
        "path.rename(other)",
        "path.read_text()",
        "Popen(words, preexec_fn=f)",
    ],
)
def test_the_rule_sees_an_offence(offence):
    assert len(list(find_calls(ast.parse(offence)))) == 1


@pytest.mark.parametrize(
    "fine",
    [
        "try:\n    import resource\nexcept ImportError:\n    resource = None",
        "if os.name == 'posix':\n    os.nice(1)",
        "path.replace(other)",
        "path.read_text(encoding='utf-8')",
        "os.kill(1, signal.SIGTERM)",
    ],
)
def test_the_rule_lets_pass_what_every_system_has(fine):
    assert list(find_calls(ast.parse(fine))) == []
